"""Read a folder of images: pairs where file or folder names form pairs (`layouts`), else clean images.

Layouts, in the order in which they are tried:

SIDD's validation blocks    ValidationNoisyBlocksSrgb.mat and ValidationGtBlocksSrgb.mat
SIDD's folders              Data/SCENE/*_NOISY_SRGB_*.PNG and *_GT_SRGB_*.PNG
pairs by folders            clean/ (gt/, target/, HR/, ...) and noisy/ (input/, LQ/, ...), spp64/, spp128/, ... of
                            renders, or folders of any name with files of the same names
pairs by names              X_noisy and X_clean, XNoisy and XReference, X_real and X_mean, ...
clean images                image files
scenes                      subfolders that each hold pairs
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.core.errors import BadInput
from bench.datasets import layouts, sidd
from bench.datasets.image import CleanImage, counted, in_natural_order
from bench.datasets.layouts import EXR_SUFFIX, FilePairs, files_of, folders_of, how_to_state
from bench.datasets.locations import not_a_folder
from bench.datasets.noise_manifest import MANIFEST, noise_of, written_in
from bench.datasets.public import LOCAL_LIST
from bench.datasets.readers import DEFAULT_EXR_OPTIONS, ExrOptions, FileReader
from noise_zoo.monte_carlo import MonteCarlo
from noise_zoo.noise import Noise
from noise_zoo.real import Real

IGNORED_FILES = {MANIFEST, "card.json", LOCAL_LIST, "Thumbs.db", "desktop.ini"}  # not listed as skipped
IMAGE_FORMATS = "PNG, JPEG, TIFF, BMP, WebP, GIF, PPM, JPEG 2000 or EXR"


@dataclass(frozen=True)
class StatedLayout:
    """Patterns of noisy and clean files as stated in a data set spec; None and '{}' for automatic detection."""

    noisy: tuple[str, ...] | None = None
    clean: str | None = None
    name: str = "{}"

    @property
    def stated(self) -> bool:
        """Whether the user states a layout."""
        return self != AUTOMATIC


AUTOMATIC = StatedLayout()


@dataclass(frozen=True)
class FolderContents:
    """Images of a folder, and remarks on its layout and on skipped files."""

    images: tuple[CleanImage, ...]
    remarks: tuple[str, ...] = ()


class AmbiguousLayout(BadInput):
    """Folder and file names do not say which images are clean: the layout has to be stated."""


def read_folder(
    folder: Path, exr_options: ExrOptions = DEFAULT_EXR_OPTIONS, layout: StatedLayout = AUTOMATIC
) -> FolderContents:
    """Read the images of a folder, sorted by name. Raises BadInput if it has none, or if a pair is incomplete."""
    if not folder.is_dir():
        raise not_a_folder(folder)
    found, files = _contents(folder, exr_options, layout)
    linear = any(path.suffix.lower() == EXR_SUFFIX for path in files)
    if exr_options != DEFAULT_EXR_OPTIONS and not linear:
        raise BadInput(f"expected {EXR_SUFFIX} files for exposure, tone and layer, got none in {folder}: remove these")
    skipped = _skipped(folder, set(files))
    return FolderContents(found.images, (*found.remarks, *([f"skipped {skipped}"] if skipped else [])))


def images_of(folder: Path) -> tuple[CleanImage, ...]:
    """Read the images of a folder, pairs or clean images. Raises BadInput."""
    return read_folder(folder).images


def unpaired_images(folder: Path) -> tuple[CleanImage, ...]:
    """Read every image file of a folder as an image of its own, without pairing. Raises BadInput if there are none."""
    return read_folder(folder, layout=StatedLayout(clean=".")).images


def _contents(folder: Path, exr_options: ExrOptions, layout: StatedLayout) -> tuple[FolderContents, list[Path]]:
    """Return the contents of a folder and the files they are read from."""
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
        CleanImage(
            pair.name,
            FileReader(pair.clean, exr_options),
            photograph=pair.photograph,
            recorded=tuple((noise[label], FileReader(path, exr_options)) for label, path in pair.noisy.items()),
        )
        for pair in found.pairs
    )
    return FolderContents(images, (found.how,)), list(layouts.used(found.pairs))


def _noises(found: FilePairs) -> dict[str, Noise]:
    """Return the noise of each label: from the manifests of its files, samples per pixel of renders, else recorded."""
    noises: dict[str, Noise] = {}
    for label in dict.fromkeys(label for pair in found.pairs for label in pair.noisy):
        files = [(pair.noisy[label], pair.clean) for pair in found.pairs]
        applied = {noise_of(noisy, clean) for noisy, clean in files}
        samples = re.fullmatch(r"spp([1-9]\d*)", label)
        named = MonteCarlo(int(samples[1])) if samples else Real(label)
        only = applied.pop() if len(applied) == 1 else None
        if only is not None and only in noises.values():
            raise BadInput(
                f"expected different noise in each noisy folder, got {only.spec} in {label or 'noisy'} "
                "and in another one: make them two data sets"
            )
        noises[label] = only or named
    return noises


def _clean_images(files: list[Path], exr_options: ExrOptions) -> tuple[FolderContents, list[Path]]:
    by_name = {path.name: path for path in files}
    images = tuple(CleanImage(name, FileReader(by_name[name], exr_options)) for name in in_natural_order(list(by_name)))
    noisy, _ = layouts.noisy_looking(files)
    remarks = [f"read as clean images in spite of their names: {counted(noisy, 'file')}"] if noisy else []
    return FolderContents(images, tuple(remarks)), files


def _refuse_noisy(folder: Path, files: list[Path]) -> None:
    """Raise AmbiguousLayout if images without clean partners are noisy by a manifest or by most of their names."""
    if spec := written_in(folder):
        raise AmbiguousLayout(
            f"{folder}: expected clean images, got noisy ones of bench noise apply, {spec}: put "
            "them in DIR/noisy and their clean images in DIR/clean, and use DIR"
        )
    noisy, clean = layouts.noisy_looking(files)
    if noisy and 2 * len([*noisy, *clean]) >= len(files):
        raise AmbiguousLayout(
            f"{folder}: expected clean images or pairs, got {counted(noisy, 'file')} named as "
            f"noisy without clean ones: state which are which, {how_to_state(folder)}"
        )


def _no_images(folder: Path) -> BadInput:
    inside = [path.name for path in folders_of(folder) if next(_images_below(path), None)]
    if inside:
        return AmbiguousLayout(
            f"{folder}: expected images or folders of pairs, got {counted(inside, 'folder')} "
            f"of other names: use one of them, or state which are which, "
            f"{how_to_state(folder)}"
        )
    skipped = _skipped(folder, set())
    return BadInput(
        f"{folder}: expected images ({IMAGE_FORMATS}) or pairs of them, got "
        f"{skipped or 'an empty folder'}: check the path"
    )


def _images_below(folder: Path, depth: int = 3) -> Iterator[Path]:
    yield from files_of(folder)
    for path in folders_of(folder) if depth > 1 else ():
        yield from _images_below(path, depth - 1)


def _skipped(folder: Path, used: set[Path]) -> str:
    """List the unused files of a folder by suffix, with three names each; '' if there are none."""
    holding = {parent for path in used for parent in path.parents}
    files, folders = defaultdict(list), []

    def walk(directory: Path) -> None:
        for path in sorted(directory.iterdir()):
            if path.name.startswith(".") or path.name in IGNORED_FILES or path in used:
                continue
            if not path.is_dir():
                files[path.suffix.lower()].append(str(path.relative_to(folder)))
            elif path in holding:
                walk(path)
            elif any(not inside.name.startswith(".") for inside in path.iterdir()):
                folders.append(str(path.relative_to(folder)))

    walk(folder)
    listed = [counted(names, f"{suffix or 'suffixless'} file") for suffix, names in sorted(files.items())]
    return ", ".join([*listed, *([counted(folders, "folder")] if folders else [])])
