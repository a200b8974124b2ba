"""Noisy pictures for people and for others' code: sheets of levels, and folders of noisy PNGs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench import datasets, noises
from bench.errors import BadInput
from bench.metrics import psnr, ssim
from bench.protocols import load_protocol, to_bytes
from bench.store import StoreFull, write_whole


@dataclass(frozen=True)
class NoisyVersion:
    """A stored noisy image, uint8 (H, W, 3), and its scores against its clean target."""

    label: str
    pixels: np.ndarray
    psnr: float
    ssim: float


def read(path: Path) -> np.ndarray:
    """A user's image file as uint8 (H, W, 3). Raises BadInput."""
    try:
        return datasets.read_file(path)
    except ValueError as error:
        raise BadInput(str(error)) from error


def stored_noise(pixels: np.ndarray, noise: Any, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(noisy, clean target) in 8 bits, as the `stored` protocol has them, of uint8 (H, W, 3)."""
    clean = pixels.astype(np.float32) / 255
    noisy, target = noises.apply(noise, clean, noises.generator(noises.pixel_hash(clean), noise, seed))
    return to_bytes(load_protocol("stored").noisy_input(noisy)), to_bytes(target)


def noisy_versions(pixels: np.ndarray, chosen: list[Any], seed: int = 0) -> list[NoisyVersion]:
    """The image under each noise, scored."""
    found = []
    for noise in chosen:
        noisy, target = stored_noise(pixels, noise, seed)
        scores = psnr.score(noisy, target), ssim.score(noisy, target)
        found.append(NoisyVersion(noises.canonical(noise), noisy, *scores))
    return found


def write_sheet(pixels: np.ndarray, versions: list[NoisyVersion], out: Path) -> None:
    """A PNG with the clean image and each noisy version, titled."""
    from matplotlib.figure import Figure

    count = len(versions) + 1
    columns = min(4, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(3.2 * columns, 3.5 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    titles = ["clean", *(f"{v.label}\n{v.psnr:.2f} dB, SSIM {v.ssim:.3f}" for v in versions)]
    for axis, title, shown in zip(axes, titles, [pixels, *(v.pixels for v in versions)], strict=False):
        axis.imshow(shown, interpolation="nearest")
        axis.set_title(title, fontsize=9)
    for axis in axes:
        axis.axis("off")
    content = BytesIO()
    figure.savefig(content, format="png", dpi=150)
    _write(out, content.getvalue())


def apply_to_folder(text: str, source: Path, out: Path, seed: int) -> int:
    """Write a noisy PNG for every image of a folder, and a manifest; returns how many. Raises BadInput."""
    noise = noises.load_noise(text)
    dataset = datasets.load_dataset(source)
    if out.resolve() == source.resolve():
        raise BadInput(f"{out} is the folder of the clean images: name another, so that they are not overwritten")
    files = {}
    for image in dataset.images:
        try:
            clean = image.read()
        except ValueError as error:
            raise BadInput(str(error)) from error
        noisy, target = stored_noise(np.rint(clean * 255).astype(np.uint8), noise, seed)
        name = f"{Path(image.name).stem}.png"
        if name in files:
            raise BadInput(f"two images of {source} would both become {name}: rename one")
        content = BytesIO()
        Image.fromarray(noisy).save(content, "png")
        _write(out / name, content.getvalue())
        files[name] = {"clean": image.name, "clean_sha256": noises.pixel_hash(clean), "psnr": psnr.score(noisy, target)}
    manifest = {"noise": noises.canonical(noise), "version": noise.version, "seed": seed, "protocol": "stored",
                "numpy": np.__version__, "files": files}  # fmt: skip
    _write(out / "manifest.json", (json.dumps(manifest, indent=1) + "\n").encode())
    return len(files)


def _write(path: Path, content: bytes) -> None:
    try:
        write_whole(path, content)
    except StoreFull as error:
        raise BadInput(str(error)) from error
