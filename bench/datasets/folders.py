"""A folder becomes images: pairs where its names make pairs (`layouts`), else clean images; and what was skipped.

Tried in this order:

SIDD's validation blocks    ValidationNoisyBlocksSrgb.mat and ValidationGtBlocksSrgb.mat
SIDD's folders              Data/SCENE/*_NOISY_SRGB_*.PNG and *_GT_SRGB_*.PNG
pairs by folders            clean/ (gt/, target/, HR/, ...) beside noisy/ (input/, LQ/, ...), spp64/, spp128/, ... of
                            renders, or folders of any name with files of the same names
pairs by names              X_noisy beside X_clean, XNoisy beside XReference, X_real beside X_mean, ...
clean images                files
scenes                      subfolders with pairs each
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.datasets import layouts, sidd
from bench.datasets.image import CleanImage, counted, in_natural_order
from bench.datasets.layouts import EXR_SUFFIX, FilePairs, files_of, folders_of, how_to_state
from bench.datasets.noise_manifest import MANIFEST, noise_of, written_in
from bench.datasets.public import LOCAL_LIST
from bench.datasets.readers import DEFAULT_EXR_OPTIONS, ExrOptions, FileReader
from bench.errors import BadInput
from noise_zoo.monte_carlo import MonteCarlo
from noise_zoo.noise import Noise
from noise_zoo.real import Real

IGNORED_FILES = {MANIFEST, "card.json", LOCAL_LIST, "Thumbs.db", "desktop.ini"}  # never told as skipped


@dataclass(frozen=True)
class StatedLayout:
    """The parameters of a data set spec that say which files are what; None and '{}' where it has to be found."""

    noisy: tuple[str, ...] | None = None
    clean: str | None = None
    name: str = "{}"

    @property
    def stated(self) -> bool:
        return self != AUTOMATIC


AUTOMATIC = StatedLayout()


@dataclass(frozen=True)
class FolderContents:
    """The images of a folder, and sentences on what it was taken for and what was skipped."""

    images: tuple[CleanImage, ...]
    remarks: tuple[str, ...] = ()


class AmbiguousLayout(BadInput):
    """A folder with images whose names do not say which are clean."""


def read_folder(
    folder: Path, exr_options: ExrOptions = DEFAULT_EXR_OPTIONS, layout: StatedLayout = AUTOMATIC
) -> FolderContents:
    """The images of a folder, in the order of their names. Raises BadInput where it has none, or half a pair."""
    if not folder.is_dir():
        raise BadInput(f"there is no folder {folder}")
    found, files = _contents(folder, exr_options, layout)
    linear = any(path.suffix.lower() == EXR_SUFFIX for path in files)
    if exr_options != DEFAULT_EXR_OPTIONS and not linear:
        raise BadInput(
            f"exposure, tone and layer are for renders in linear light, and {folder} has no {EXR_SUFFIX} files"
        )
    skipped = _skipped(folder, set(files))
    return FolderContents(found.images, (*found.remarks, *([f"skipped {skipped}"] if skipped else [])))


def images_of(folder: Path) -> tuple[CleanImage, ...]:
    return read_folder(folder).images


def unpaired_images(folder: Path) -> tuple[CleanImage, ...]:
    """Each image file of a folder by itself, whatever its name says. Raises BadInput where there are none."""
    return read_folder(folder, layout=StatedLayout(clean=".")).images


def _contents(folder: Path, exr_options: ExrOptions, layout: StatedLayout) -> tuple[FolderContents, list[Path]]:
    """What a folder has, and the files that it is made of."""
    if layout.stated:
        if layout.noisy is None and layout.name == "{}":
            return _clean_images(layouts.of_clean(folder, layout.clean), exr_options)
        noisy, clean = layout.noisy or (".",), layout.clean or (None if layout.noisy else ".")
        return _pairs(layouts.by_patterns(folder, noisy, clean, layout.name), exr_options)
    if blocks := sidd.blocks(folder):
        files = [folder / f"{name}.mat" for name in (sidd.NOISY, sidd.CLEAN)]
        return FolderContents(blocks, (f"{len(blocks)} pairs, SIDD's validation blocks",)), files
    if photographs := sidd.folders(folder):
        files = [reader.path for image in photographs for reader in image.readers]
        return FolderContents(photographs, (f"{len(photographs)} pairs, SIDD's folders",)), files
    if pairs := layouts.by_keywords(folder):
        return _pairs(pairs, exr_options)
    if files := files_of(folder):
        _refuse_noisy(folder, files)
        return _clean_images(files, exr_options)
    if pairs := layouts.by_scenes(folder):
        return _pairs(pairs, exr_options)
    raise _no_images(folder)


def _pairs(found: FilePairs, exr_options: ExrOptions) -> tuple[FolderContents, list[Path]]:
    noise = _noises(found)
    images = tuple(
        CleanImage(pair.name, FileReader(pair.clean, exr_options), photograph=pair.photograph,
                   recorded=tuple((noise[label], FileReader(path, exr_options)) for label, path in pair.noisy.items()))
        for pair in found.pairs
    )  # fmt: skip
    return FolderContents(images, (found.how,)), list(layouts.used(found.pairs))


def _noises(found: FilePairs) -> dict[str, Noise]:
    """The noise of each label: what its files' manifests say, samples a pixel of renders, or a name."""
    noises: dict[str, Noise] = {}
    for label in dict.fromkeys(label for pair in found.pairs for label in pair.noisy):
        files = [(pair.noisy[label], pair.clean) for pair in found.pairs]
        applied = {noise_of(noisy, clean) for noisy, clean in files}
        samples = re.fullmatch(r"spp([1-9]\d*)", label)
        named = MonteCarlo(int(samples[1])) if samples else Real(label)
        only = applied.pop() if len(applied) == 1 else None
        if only is not None and only in noises.values():
            raise BadInput(f"{label or 'noisy'} and another folder beside it both have noise of {only.spec}: make two "
                           "data sets of them")  # fmt: skip
        noises[label] = only or named
    return noises


def _clean_images(files: list[Path], exr_options: ExrOptions) -> tuple[FolderContents, list[Path]]:
    by_name = {path.name: path for path in files}
    images = tuple(CleanImage(name, FileReader(by_name[name], exr_options)) for name in in_natural_order(list(by_name)))
    noisy, _ = layouts.noisy_looking(files)
    said = [f"taken as clean images, whatever their names say: {counted(noisy, 'file')}"] if noisy else []
    return FolderContents(images, tuple(said)), files


def _refuse_noisy(folder: Path, files: list[Path]) -> None:
    """Raise AmbiguousLayout where files that should be clean are noisy by their names or by a manifest."""
    if spec := written_in(folder):
        raise AmbiguousLayout(f"{folder} has noisy images, made by bench noise apply with {spec}, expected clean ones: put it "
                      "as noisy/ beside their clean images in clean/, and name the folder of both")  # fmt: skip
    noisy, clean = layouts.noisy_looking(files)
    if noisy and 2 * len([*noisy, *clean]) >= len(files):
        raise AmbiguousLayout(f"{folder} has {counted(noisy, 'file')} with names of noisy images and no clean image to each, "
                      f"expected clean images or pairs: state which are which, {how_to_state(folder)}")  # fmt: skip


def _no_images(folder: Path) -> BadInput:
    kinds = ", ".join(sorted({*layouts.SUFFIXES, EXR_SUFFIX}))
    inside = [path.name for path in folders_of(folder) if next(_images_below(path), None)]
    if inside:
        return AmbiguousLayout(f"{folder} has no images itself, and its folders make no pairs: {counted(inside, 'folder')}. "
                       f"Name one of them, or state which are which, {how_to_state(folder)}")  # fmt: skip
    skipped = _skipped(folder, set())
    return BadInput(f"the folder {folder} has no images ({kinds}), and no noisy/ beside clean/"
                    f"{'; it has ' + skipped if skipped else ''}")  # fmt: skip


def _images_below(folder: Path, depth: int = 3) -> Iterator[Path]:
    yield from files_of(folder)
    for path in folders_of(folder) if depth > 1 else ():
        yield from _images_below(path, depth - 1)


def _skipped(folder: Path, used: set[Path]) -> str:
    """What of a folder is not used, by suffix, with three names each; '' where there is nothing."""
    holding = {parent for path in used for parent in path.parents}
    files, folders = defaultdict(list), []

    def walk(place: Path) -> None:
        for path in sorted(place.iterdir()):
            if path.name.startswith(".") or path.name in IGNORED_FILES or path in used:
                continue
            if not path.is_dir():
                files[path.suffix.lower()].append(str(path.relative_to(folder)))
            elif path in holding:
                walk(path)
            elif any(not inside.name.startswith(".") for inside in path.iterdir()):
                folders.append(str(path.relative_to(folder)))

    walk(folder)
    told = [counted(names, f"{suffix or 'suffixless'} file") for suffix, names in sorted(files.items())]
    return ", ".join([*told, *([counted(folders, "folder")] if folders else [])])
