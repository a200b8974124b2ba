"""Export of noisy images to a folder, so that other code can be evaluated on the same pixels."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from bench import datasets
from bench.core.errors import BadInput
from bench.core.files import write
from bench.datasets.channels import to_pillow
from bench.noise import noises
from bench.noise.picture import noisy_version
from noise_zoo.noise import Noise

CLEAN = "clean"  # subfolder for the clean images of a noise that makes its own


def export_noisy_images(text: str, source: Path, out: Path, seed: int, overwrite: bool = False) -> int:
    """Write a noisy 8-bit PNG for every image of a folder, and manifest.json; return their number.

    Clean images that the noise makes itself are written to `out`/clean. All names are checked before anything is
    written; an incomplete export is removed again. Raises BadInput for clashing names, existing files without
    `overwrite`, and unreadable images.
    """
    noise = noises.load_noise(text)
    images = datasets.load_dataset(source).images
    names = _names(images, source)
    targets = [out / name for name in names] + ([] if noise.keeps_clean else [out / CLEAN / name for name in names])
    for folder in {path.parent for path in targets}:
        if folder.resolve() == source.resolve():
            raise BadInput(
                f"expected another output folder, got that of the clean images, {folder}: they would be overwritten"
            )
    _check_existing([*targets, out / "manifest.json"], out, overwrite)
    with _removed_on_error([path for path in targets if not path.exists()]):
        files = {name: _write_pair(image, name, noise, seed, out) for name, image in zip(names, images, strict=True)}
        _write_manifest(noise, seed, files, out)
    return len(files)


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


def _write_manifest(noise: Noise, seed: int, files: dict[str, dict[str, Any]], out: Path) -> None:
    manifest = {
        "noise": noises.canonical(noise),
        "version": noises.version(noise),
        "seed": seed,
        "protocol": "stored",
        "numpy": np.__version__,
        "clean": "unchanged" if noise.keeps_clean else f"{CLEAN}/, made by the noise",
        "files": files,
    }
    write(out / "manifest.json", (json.dumps(manifest, indent=1) + "\n").encode())


def _names(images: Iterable[datasets.CleanImage], source: Path) -> list[str]:
    """Return the names of the PNG files. Raises BadInput if two images would have the same one."""
    names = [f"{Path(image.name).stem}.png" for image in images]
    alike = Counter(map(str.lower, names))
    if twice := next((name for name in names if alike[name.lower()] > 1), None):
        raise BadInput(f"{source}: expected one image per name without suffix, got two for {twice}: rename one")
    return names


def _check_existing(paths: list[Path], out: Path, overwrite: bool) -> None:
    if out.exists() and not out.is_dir():
        raise BadInput(f"expected an output folder, got the file {out}")
    existing = [path for path in paths if path.exists()]
    if existing and not overwrite:
        some = f"{existing[0].relative_to(out)}{' and others' if len(existing) > 1 else ''}"
        raise BadInput(
            f"expected a new folder, got {out} with {some}: choose another one, or replace the files with --overwrite"
        )


def _write_pair(image: datasets.CleanImage, name: str, noise: Noise, seed: int, out: Path) -> dict[str, Any]:
    """Write a noisy image, and its clean one if the noise made it; return its entry in the manifest."""
    try:
        clean = image.read()
    except ValueError as error:
        raise BadInput(str(error)) from error
    try:
        version = noisy_version(np.rint(clean * 255).astype(np.uint8), noise, seed)
    except BadInput as error:
        raise BadInput(f"{image.name}: {error}") from error
    write(out / name, _png(version.stored))
    if not noise.keeps_clean:
        write(out / CLEAN / name, _png(version.target))
    return {
        "source": image.name,
        "source_pixel_hash": noises.pixel_hash(clean),
        "pixel_hash": noises.pixel_hash(version.stored.astype(np.float32) / 255),
        "psnr": version.psnr,
        "ssim": version.ssim,
    }


def _png(pixels: np.ndarray) -> bytes:
    content = BytesIO()
    to_pillow(pixels).save(content, "png")
    return content.getvalue()
