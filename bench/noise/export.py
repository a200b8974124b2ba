"""Export of noisy images to a folder, so that other code can be evaluated on the same pixels.

`export_noisy_images` writes one noise for one folder of images, `export_noisy_set` many noises and seeds for many data
sets. `bench.outputs` reads the manifests of both.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

import bench
from bench import datasets
from bench.core.errors import BadInput
from bench.core.files import write
from bench.datasets import CleanImage, Dataset
from bench.datasets.channels import to_pillow
from bench.datasets.noise_manifest import CLEAN, MANIFEST
from bench.noise import noises
from bench.noise.compatibility import fits
from bench.noise.picture import NoisyVersion, noisy_version, recorded_version
from bench.protocols import Protocol, load_protocol
from noise_zoo.noise import Noise

ENDINGS = {"png": ".png", "npy": ".npy", "tiff-float": ".tif"}  # format of noisy images -> ending of their files


def export_noisy_images(
    text: str,
    source: Path | str,
    out: Path,
    seed: int,
    overwrite: bool = False,
    rules: Protocol | None = None,
    kind: str | None = None,
) -> int:
    """Write a noisy image for every image of a folder or data set, and manifest.json; return their number.

    Clean images that the noise makes itself are written to `out`/clean. All names are checked before anything is
    written; an incomplete export is removed again. Raises BadInput for clashing names, existing files without
    `overwrite`, and unreadable images.
    """
    noise, rules = noises.load_noise(text), rules or load_protocol("stored")
    ending = ENDINGS[checked_format(kind, rules, [noise])]
    data = datasets.load_dataset(source)
    cell = _Cell(data, noise, seed, "", CLEAN, _names(data))
    for folder in (out, *([] if noise.keeps_clean else [out / CLEAN])):
        if data.folder and folder.resolve() == Path(data.folder):
            raise BadInput(
                f"expected another output folder, got that of the clean images, {folder}: they would be overwritten"
            )
    files = [cell.file(image, ending) for image in data.images]
    targets = [] if noise.keeps_clean else [cell.target(image) for image in data.images]
    _check_existing([*files, *targets, MANIFEST], out, overwrite)
    with _removed_on_error([out / name for name in (*files, *targets) if not (out / name).exists()]):
        entries = dict(_write_cell(cell, rules, ending, out))
        _write_manifest(
            {
                "noise": noises.canonical(noise),
                "version": noises.version(noise),
                "seed": seed,
                "protocol": rules.name,
                "numpy": np.__version__,
                "dataset": data.name,
                "clean": "unchanged" if noise.keeps_clean else f"{CLEAN}/, made by the noise",
                "files": {
                    name: {"source": entry["image"], "source_pixel_hash": entry["clean_hash"]} | _scores(entry)
                    for name, entry in entries.items()
                },
            },
            out,
        )
    return len(files)


def export_noisy_set(
    chosen: Sequence[Noise],
    sets: Sequence[Dataset],
    out: Path,
    seeds: Sequence[int] = (0,),
    rules: Protocol | None = None,
    kind: str | None = None,
    overwrite: bool = False,
    reference: Noise | None = None,
    on_written: Callable[[str], None] = lambda name: None,
) -> int:
    """Write data sets under noises and seeds, with their clean images and a manifest; return the number of noisy ones.

    Noisy images are DATASET/NOISE/IMAGE, or DATASET/NOISE/seedN/IMAGE for several seeds. Clean ones are 8-bit PNGs,
    clean/DATASET/IMAGE; those that a noise makes itself are clean/DATASET/NOISE/IMAGE.

    kind        'png' (8 bits), 'npy' or 'tiff-float' (float32, white is 1); by default png, or npy under a protocol
                that does not round noisy images
    reference   the noise that is also drawn on the clean images of pairs, as in a run
    on_written  called with the name of each noisy image

    Raises BadInput as `export_noisy_images`, and for 'png' under a protocol that does not round noisy images.
    """
    rules = rules or load_protocol("stored")
    kind = checked_format(kind, rules, chosen)
    cells = _cells(chosen, sets, seeds, reference)
    originals = {f"{CLEAN}/{_slug(data.name)}/{name}": image for data in sets for image, name in _copies(data)}
    files = [cell.file(image, ENDINGS[kind]) for cell in cells for image in cell.data.images]
    targets = [cell.target(image) for cell in cells if not cell.noise.keeps_clean for image in cell.data.images]
    every = [*files, *targets, *originals]
    if twice := next((name for name, count in Counter(map(str.lower, every)).items() if count > 1), None):
        raise BadInput(f"expected data sets and noises of names that differ in letters and digits, got two for {twice}")
    _check_existing([*every, MANIFEST], out, overwrite)
    entries: dict[str, Any] = {}
    with _removed_on_error([out / name for name in every if not (out / name).exists()]):
        for name, image in originals.items():
            write(out / name, _png(_pixels(image)))
        for cell in cells:
            for name, entry in _write_cell(cell, rules, ENDINGS[kind], out):
                entries[name] = entry
                on_written(name)
        _write_manifest(
            {
                "maskbench": bench.__version__,
                "numpy": np.__version__,
                "protocol": rules.name,
                "format": kind,
                "seeds": list(seeds),
                "noises": {
                    noises.canonical(noise): {"version": noises.version(noise), "recorded": noise.recorded}
                    for noise in dict.fromkeys(cell.noise for cell in cells)
                },
                "datasets": {data.name: _described(data, entries) for data in sets},
                "files": {
                    name: {"dataset": entry["dataset"], "image": entry["image"], "noise": entry["noise"]}
                    | {"seed": entry["seed"], **_scores(entry)}
                    for name, entry in entries.items()
                },
            },
            out,
        )
    return len(files)


def checked_format(kind: str | None, rules: Protocol, chosen: Sequence[Noise]) -> str:
    """The format of noisy images under a protocol, the default for None. Raises BadInput if it would round them."""
    unrounded = next((noise for noise in chosen if not rules.stores_bytes(noises.noise_name(noise))), None)
    if kind is None:
        return "png" if unrounded is None else "npy"
    if kind == "png" and unrounded is not None:
        raise BadInput(
            f"--format: expected npy or tiff-float under the protocol {rules.name}, which does not round "
            f"{noises.canonical(unrounded)}, got png"
        )
    return kind


@dataclass(frozen=True)
class _Cell:
    """A data set under a noise and a seed: the folder of its noisy images, and that of clean ones the noise makes.

    names  the stem of each image's file
    """

    data: Dataset
    noise: Noise
    seed: int
    folder: str
    target_folder: str
    names: dict[str, str]

    def file(self, image: CleanImage, ending: str) -> str:
        return "/".join(filter(None, [self.folder, self.names[image.name] + ending]))

    def target(self, image: CleanImage) -> str:
        return f"{self.target_folder}/{self.names[image.name]}.png"


def _cells(
    chosen: Sequence[Noise], sets: Sequence[Dataset], seeds: Sequence[int], reference: Noise | None
) -> list[_Cell]:
    """The cells in the order of the data sets. Raises BadInput for two images of one name in a data set."""
    cells = []
    for data in sets:
        names = _names(data)
        for noise in (noise for noise in chosen if fits(noise, data, reference)):
            for seed in seeds:
                folder = f"{_slug(data.name)}/{_slug(noises.canonical(noise))}"
                folder += f"/seed{seed}" if len(seeds) > 1 else ""
                cells.append(_Cell(data, noise, seed, folder, f"{CLEAN}/{folder}", names))
    return cells


def _slug(text: str) -> str:
    """A spec as the name of a folder: 'gaussian(sigma=25)' -> 'gaussian-sigma-25'."""
    return re.sub(r"[^\w.+]+", "-", text).strip("-")


def _copies(data: Dataset) -> Iterator[tuple[CleanImage, str]]:
    """Each image of a data set and the name of its clean copy."""
    names = _names(data)
    return ((image, f"{names[image.name]}.png") for image in data.images)


def _described(data: Dataset, entries: dict[str, Any]) -> dict[str, Any]:
    """What the manifest says about a data set and its clean images."""
    hashes = {entry["image"]: entry["clean_hash"] for entry in entries.values() if entry["dataset"] == data.name}
    images = {
        image.name: {
            "clean": f"{CLEAN}/{_slug(data.name)}/{name}",
            "pixel_hash": hashes[image.name],
            **({"photograph": image.photograph} if image.photograph != image.name else {}),
        }
        for image, name in _copies(data)
    }
    return {"title": data.title, "licence": data.licence, "note": data.note, "images": images}


def _scores(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: entry[name] for name in ("pixel_hash", "psnr", "ssim")}


@contextmanager
def _removed_on_error(paths: list[Path]) -> Iterator[None]:
    """Remove these files if the block ends with an error or an interrupt."""
    try:
        yield
    except BaseException:
        for path in paths:
            with suppress(OSError):  # not written yet
                path.unlink()
        raise


def _write_manifest(manifest: dict[str, Any], out: Path) -> None:
    write(out / MANIFEST, (json.dumps(manifest, indent=1) + "\n").encode())


def _names(data: Dataset) -> dict[str, str]:
    """Image -> the stem of its files. Raises BadInput if two images would have the same one."""
    names = {image.name: Path(image.name).stem for image in data.images}
    alike = Counter(map(str.lower, names.values()))
    if twice := next((name for name in names.values() if alike[name.lower()] > 1), None):
        where = data.folder or data.name
        raise BadInput(f"{where}: expected one image per name without suffix, got two for {twice}.png: rename one")
    return names


def _check_existing(names: Iterable[str], out: Path, overwrite: bool) -> None:
    if out.exists() and not out.is_dir():
        raise BadInput(f"expected an output folder, got the file {out}")
    existing = [name for name in names if (out / name).exists()]
    if existing and not overwrite:
        some = f"{existing[0]}{' and others' if len(existing) > 1 else ''}"
        raise BadInput(
            f"expected a new folder, got {out} with {some}: choose another one, or replace the files with --overwrite"
        )


def _write_cell(cell: _Cell, rules: Protocol, ending: str, out: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Write the noisy images of a cell, and the clean ones that its noise makes; yield each name with its entry."""
    for image in cell.data.images:
        pixels = _pixels(image)
        version = _version(image, pixels, cell, rules)
        given = rules.noisy_input(version.noisy, noises.noise_name(version.noise)).astype(np.float32)
        write(out / cell.file(image, ending), _encoded(version.stored if ending == ".png" else given, ending))
        if not cell.noise.keeps_clean:
            write(out / cell.target(image), _png(version.target))
        yield (
            cell.file(image, ending),
            {
                "dataset": cell.data.name,
                "image": image.name,
                "noise": noises.canonical(cell.noise),
                "seed": cell.seed,
                "clean_hash": noises.pixel_hash(pixels.astype(np.float32) / 255),
                "pixel_hash": noises.pixel_hash(given),
                "psnr": version.psnr,
                "ssim": version.ssim,
            },
        )


def _pixels(image: CleanImage) -> np.ndarray:
    """The clean pixels, uint8 (H, W, C). Raises BadInput if they cannot be read."""
    try:
        return image.pixels
    except ValueError as error:
        raise BadInput(str(error)) from error


def _version(image: CleanImage, pixels: np.ndarray, cell: _Cell, rules: Protocol) -> NoisyVersion:
    try:
        if cell.noise.recorded:
            return recorded_version(image, cell.noise, rules.name)
        return noisy_version(pixels, cell.noise, cell.seed, rules.name)
    except ValueError as error:
        raise BadInput(f"{image.name}: {error}") from error


def _encoded(pixels: np.ndarray, ending: str) -> bytes:
    """The content of a file: uint8 as PNG, float32 as npy or TIFF; a greyscale image is (H, W) in it."""
    if ending == ".png":
        return _png(pixels)
    content, shaped = BytesIO(), pixels[..., 0] if pixels.shape[-1] == 1 else pixels
    if ending == ".npy":
        np.save(content, shaped, allow_pickle=False)
    else:
        import tifffile

        photometric = "rgb" if shaped.ndim == 3 else "minisblack"
        tifffile.imwrite(content, shaped, photometric=photometric, metadata=None)
    return content.getvalue()


def _png(pixels: np.ndarray) -> bytes:
    content = BytesIO()
    to_pillow(pixels).save(content, "png")
    return content.getvalue()
