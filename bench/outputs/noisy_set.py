"""The noisy images that outputs belong to, with their clean images: of `bench noise apply`, or pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from bench import datasets, protocols
from bench.core.errors import BadInput
from bench.datasets import CleanImage, Dataset
from bench.datasets.noise_manifest import CLEAN, MANIFEST, MAX_DEPTH, manifest_in
from bench.datasets.output_files import PixelReader
from bench.datasets.readers import FileReader
from bench.noise import noises
from bench.noise.pairs import by_stem
from bench.protocols import Protocol
from noise_zoo.noise import Noise
from noise_zoo.real import Real
from noise_zoo.recorded import Applied

Key = tuple[str, str, str, int]  # data set, image, noise, seed: as in rows


@dataclass(frozen=True)
class NoisyImage:
    """A noisy image that an output belongs to.

    folder, stem  of its file, within the folder of noisy images
    target        reader of the clean image that outputs are scored against, uint8 (H, W, C)
    pixel_hash    `noises.pixel_hash` of the noisy image as networks get it; '' if it is not known
    """

    key: Key
    folder: str
    stem: str
    target: Callable[[], np.ndarray]
    pixel_hash: str = ""

    @property
    def name(self) -> str:
        """Its file without ending."""
        return f"{self.folder}/{self.stem}" if self.folder else self.stem


@dataclass(frozen=True)
class NoisySet:
    """Noisy images of data sets under noises and seeds."""

    datasets: tuple[Dataset, ...]
    noises: tuple[Noise, ...]
    seeds: tuple[int, ...]
    protocol: Protocol
    images: tuple[NoisyImage, ...]

    @cached_property
    def folders(self) -> list[str]:
        """The folders of the noisy images."""
        return list(dict.fromkeys(image.folder for image in self.images))

    def noises_on(self, dataset: str) -> set[str]:
        """The noises of a data set's images."""
        return {noise for name, _, noise, _ in (image.key for image in self.images) if name == dataset}


def read_set(noisy: Path | str, clean: Path | None = None, protocol: str | None = None) -> NoisySet:
    """The noisy images of a folder with a manifest of `bench noise apply`, of a data set of pairs, or of a folder.

    noisy     a folder; of several data sets and noises also one of its subfolders; or a data set of pairs
    clean     folder of the clean images: of a folder without a manifest, or whose manifest has one noise
    protocol  by default that of the manifest, or 'stored'

    Raises BadInput.
    """
    folder = Path(noisy)
    for top in (folder, *list(folder.resolve().parents)[:MAX_DEPTH]) if folder.is_dir() else ():
        if manifest := manifest_in(top):
            rules = protocols.load_protocol(protocol or str(manifest.get("protocol", "stored")))
            try:
                if "datasets" not in manifest:
                    found = _of_one_noise(top, manifest, clean, rules)
                elif clean is not None:
                    raise BadInput(f"--clean: expected none, since {top} has its clean images, got {clean}")
                else:
                    found = _of_many(top, manifest, rules)
            except (KeyError, TypeError, AttributeError) as error:
                raise BadInput(
                    f"{top / MANIFEST}: expected the manifest of bench noise apply, got one without {error}: make the "
                    "noisy images again"
                ) from error
            return _below(found, "" if top == folder else folder.resolve().relative_to(top).as_posix())
    rules = protocols.load_protocol(protocol or "stored")
    if clean is not None:
        return _of_pairs(_paired(folder, clean), rules)
    data = datasets.load_dataset(datasets.source(str(noisy)))
    if not data.recorded:
        raise BadInput(
            f"expected noisy images of bench noise apply, or pairs, got clean images in {noisy}: give the folder of "
            "noisy images, and that of clean ones with --clean"
        )
    return _of_pairs(data, rules)


def _below(found: NoisySet, folder: str) -> NoisySet:
    """The part of a set in one of its folders, whose names are then relative to it."""
    if not folder:
        return found
    images = tuple(
        replace(image, folder=image.folder[len(folder) + 1 :])
        for image in found.images
        if f"{image.folder}/".startswith(f"{folder}/")
    )
    if not images:
        raise BadInput(
            f"expected a folder with noisy images of {MANIFEST}, got {folder}: choose a folder above or below"
        )
    keys = {image.key for image in images}
    names, seeds = {key[0] for key in keys}, sorted({key[3] for key in keys})
    kept = tuple(noise for noise in found.noises if noises.canonical(noise) in {key[2] for key in keys})
    return replace(
        found,
        datasets=tuple(data for data in found.datasets if data.name in names),
        noises=kept,
        seeds=tuple(seeds),
        images=images,
    )


def _of_many(folder: Path, manifest: Mapping[str, Any], rules: Protocol) -> NoisySet:
    """From the manifest of `export_noisy_set`."""
    named = {text: _noise(text, about["version"], about["recorded"]) for text, about in manifest["noises"].items()}
    recorded: dict[tuple[str, str], list[tuple[Noise, PixelReader]]] = {}
    images, seeds = [], tuple(manifest["seeds"])
    for name, entry in manifest["files"].items():
        where, about = (entry["dataset"], entry["image"]), manifest["datasets"][entry["dataset"]]
        noise, parent = named[entry["noise"]], Path(name).parent.as_posix()
        if noise.recorded and entry["seed"] == seeds[0]:
            recorded.setdefault(where, []).append((noise, PixelReader(folder / name)))
        own = f"{CLEAN}/{Path(name).with_suffix('.png')}"
        clean = about["images"][entry["image"]]["clean"] if noise.keeps_clean else own
        key = (*where, entry["noise"], int(entry["seed"]))
        images.append(NoisyImage(key, parent, Path(name).stem, FileReader(folder / clean), entry["pixel_hash"]))
    sets = (_dataset(folder, name, about, recorded) for name, about in manifest["datasets"].items())
    return NoisySet(tuple(sets), tuple(named.values()), seeds, rules, tuple(images))


def _dataset(
    folder: Path,
    name: str,
    about: Mapping[str, Any],
    recorded: Mapping[tuple[str, str], list[tuple[Noise, PixelReader]]],
) -> Dataset:
    """A data set of a manifest, made of the clean copies and the noisy images that are `recorded` with them."""
    images = []
    for image, one in about["images"].items():
        noisy, reader = tuple(recorded.get((name, image), ())), FileReader(folder / one["clean"])
        copy = CleanImage(image, reader, recorded=noisy, photograph=one.get("photograph", ""))
        images.append(_verified(copy, one["pixel_hash"]))
    return Dataset(name, about["title"], about["licence"], tuple(images), about["note"])


def _of_one_noise(folder: Path, manifest: Mapping[str, Any], clean: Path | None, rules: Protocol) -> NoisySet:
    """From the manifest of `export_noisy_images`, whose clean images are elsewhere."""
    name = manifest.get("dataset", "")
    if clean is None and not name:
        raise BadInput(f"{folder}: expected the folder of the clean images, got none: add --clean DIR")
    try:
        data = datasets.load_dataset(clean or name).without_noise()
    except BadInput as error:
        raise error if clean else BadInput(f"{folder}: {error}; or add --clean DIR with the clean images") from error
    by_name = {image.name: image for image in data.images}
    noise = _noise(manifest["noise"], manifest["version"], False)
    chosen, images = [], []
    for file, entry in manifest["files"].items():
        if entry["source"] not in by_name:
            raise BadInput(f"{clean or name}: expected the clean image {entry['source']} of {folder / file}, got none")
        image = _verified(by_name[entry["source"]], entry["source_pixel_hash"])
        chosen.append(image)
        own = FileReader(folder / CLEAN / f"{Path(file).stem}.png")
        target = image.read_bytes if noise.keeps_clean else own
        key = (name or data.name, image.name, manifest["noise"], int(manifest["seed"]))
        images.append(NoisyImage(key, "", Path(file).stem, target, entry["pixel_hash"]))
    whole = replace(data, name=name or data.name, images=tuple(chosen))
    return NoisySet((whole,), (noise,), (int(manifest["seed"]),), rules, tuple(images))


def _paired(noisy: Path, clean: Path) -> Dataset:
    """The data set of a folder of noisy images and one of clean images, paired by stem. Raises BadInput."""
    left, right = by_stem(noisy), by_stem(clean)
    if alone := [image.name for stem, image in left.items() if stem not in right]:
        raise BadInput(f"{clean}: expected an image for each of {len(left)} in {noisy}, got none for {_some(alone)}")
    images = tuple(
        replace(right[stem], recorded=((Real(), image.read_bytes),), photograph=right[stem].name)
        for stem, image in left.items()
    )
    return Dataset(noisy.resolve().name, f"folder of {len(images)} pairs", "not stated", images)


def _of_pairs(data: Dataset, rules: Protocol) -> NoisySet:
    """The noisy images of pairs; of several noises each is in a folder of its noise's name."""
    several = len(data.recorded) > 1
    images = [
        NoisyImage(
            (data.name, image.name, noises.canonical(noise), 0),
            _folder_of(noise) if several else "",
            Path(image.name).stem,
            lambda image=image: image.pixels,
        )
        for noise in data.recorded
        for image in data.images
        if noise in dict(image.recorded)
    ]
    return NoisySet((data,), data.recorded, (0,), rules, tuple(images))


def _folder_of(noise: Noise) -> str:
    level = noises.level(noise)
    return getattr(noise, "name", "") or (f"spp{level:g}" if level is not None else noises.canonical(noise))


def _noise(text: str, version: int, recorded: bool) -> Noise:
    """The noise of a manifest. Raises BadInput if it is not installed in this version."""
    if recorded:
        try:
            found = noises.load_noise(text)
        except BadInput:
            return Applied(text, version)
        return found if found.recorded else Applied(text, version)
    try:
        found = noises.load_noise(text)
    except BadInput as error:
        hint = "; score in the folder of its file" if ":" in text else ""
        raise BadInput(f"noise of the noisy images, {text}: {error}{hint}") from error
    if noises.version(found) != version:
        raise BadInput(
            f"expected noisy images of version {noises.version(found)} of {text}, got version {version}: make them "
            "again with bench noise apply"
        )
    return found


@dataclass(frozen=True)
class _VerifiedReader:
    """Reads a clean image whose pixels have to be those of the manifest. Raises ValueError."""

    image: CleanImage
    expected: str

    def __call__(self) -> np.ndarray:
        pixels = self.image.pixels
        if noises.pixel_hash(pixels.astype(np.float32) / 255) != self.expected:
            raise ValueError(f"{self.image.name}: expected the clean image that noise was added to, got another one")
        return pixels


def _verified(image: CleanImage, expected: str) -> CleanImage:
    return replace(image, read_bytes=_VerifiedReader(image, expected), crop=None)


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    return f"{', '.join(listed[:3])}{', ...' if len(listed) > 3 else ''}"
