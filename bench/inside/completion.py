"""Mask and complete: what networks make of an image of which most pixels are gone, as in figure 3 of the paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from baselines.crops import mask_input
from bench.datasets import builtin
from bench.errors import BadInput
from bench.inside import findings
from bench.inside.figures import completed as completed_pictures
from bench.inside.look import Drawing, Look
from bench.inside.outputs import Denoiser, described, to_levels
from bench.inside.patches import network_input
from bench.metrics import psnr
from bench.noise import noises, picture
from bench.protocols import Protocol

VERSION = 1
WORDS = (
    "The masked pixels are set to -0.1 in all channels, as in the training of masked networks; what is gone at one "
    "ratio is gone at every higher one. PSNR in dB against the clean image, of all pixels and of those that were gone."
)


@dataclass(frozen=True)
class Completed:
    """One ratio: the masked image and each model's output, uint8 (H, W, 1 or 3), and where pixels are gone, (H, W)."""

    ratio: int
    gone: np.ndarray
    masked: np.ndarray
    outputs: dict[str, np.ndarray]


def clean_image(path: Path | None, side: int) -> tuple[str, np.ndarray]:
    """(name, float32 (H, W, C) in [0, 1]): the centre of an image, by default builtin's chelsea. Raises BadInput."""
    photograph = builtin.PHOTOGRAPHS[1]
    pixels = builtin.read_crop(photograph) if path is None else picture.read(path)
    height, width = (min(side, length) for length in pixels.shape[:2])
    top, left = ((length - kept) // 2 for length, kept in zip(pixels.shape, (height, width), strict=False))
    crop = pixels[top : top + height, left : left + width]
    return photograph.name if path is None else path.name, crop.astype(np.float32) / 255


def ratios_of(text: str) -> tuple[int, ...]:
    """'50,75,90' -> (50, 75, 90). Raises BadInput."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(part.isdigit() and int(part) <= 100 for part in parts):
        raise BadInput(f"ratios {text!r} came, wanted percentages such as 50,75,90")
    return tuple(dict.fromkeys(int(part) for part in parts))


def complete(denoisers: Sequence[Denoiser], clean: np.ndarray, noise: Any | None, ratios: Sequence[int], seed: int,
             protocol: Protocol) -> list[Completed]:  # fmt: skip
    """The image, noisy where a noise is given, masked at each ratio and completed by each model."""
    given = clean if noise is None else network_input(clean, noise, seed, protocol)[0]
    key = noises.stream_key("input mask", noises.pixel_hash(clean), seed)
    x = torch.from_numpy(given).permute(2, 0, 1)[None].contiguous()  # (1, C, H, W)
    found = []
    for ratio in ratios:
        generator = torch.Generator().manual_seed(key % 2**63)  # anew, so that masks are nested
        masked = mask_input(x, (ratio, ratio), generator)
        gone = (masked != x).any(1)[0].numpy()
        outputs = {one.model.label: _pixels(one(masked, [key])) for one in denoisers}
        found.append(Completed(ratio, gone, _pixels(masked), outputs))
    return found


def _pixels(image: torch.Tensor) -> np.ndarray:
    """(1, C, H, W) -> uint8 (H, W, C)."""
    return to_levels(image)[0].permute(1, 2, 0).numpy()


def frame_of(completed: Sequence[Completed], clean: np.ndarray) -> pd.DataFrame:
    """A row a ratio and model ('masked' for the input): PSNR of all pixels, and of those that were gone, dB."""
    wanted = np.rint(clean * 255).astype(np.uint8)
    rows = []
    for one in completed:
        for model, pixels in {"masked": one.masked, **one.outputs}.items():
            missing = psnr.score(pixels[one.gone], wanted[one.gone]) if one.gone.any() else np.nan
            rows.append({"model": model, "ratio": one.ratio, "psnr": psnr.score(pixels, wanted), "psnr_gone": missing})
    return pd.DataFrame(rows)


def look(frame: pd.DataFrame, completed: Sequence[Completed], denoisers: Sequence[Denoiser], image: str,
         clean: np.ndarray, noise: Any | None, seed: int, protocol: Protocol) -> Look:  # fmt: skip
    """The answer as it is kept."""
    height, width = clean.shape[:2]
    settings = {
        "image": image, "image_sha256": noises.pixel_hash(clean), "height": height, "width": width,
        "ratios": [one.ratio for one in completed], "noise": noise and noises.canonical(noise), "seed": seed,
        "protocol": protocol.name, **described(denoisers), "version": VERSION,
    }  # fmt: skip
    numbers = frame.set_index(["model", "ratio"])["psnr"]
    found = [
        {
            "measure": "completion_psnr",
            **(findings.about(one.model, "", noise, seed) if noise else findings.about_clean(one.model, seed)),
            "dataset": image, "protocol": protocol.name, "device": str(one.device),
            "settings": findings.settings_text({"ratio": ratio, "image_sha256": settings["image_sha256"],
                                                "version": VERSION}),
            "value": numbers[one.model.label, ratio],
        }
        for one in denoisers for ratio in settings["ratios"]
    ]  # fmt: skip
    title = f"Mask and complete: {image}{f', {noises.canonical(noise)}' if noise else ''}"
    caption = "A row has the image with so many of its pixels gone, and what each model makes of it, with its PSNR."
    pictures = {one.ratio: {"masked": one.masked, **one.outputs} for one in completed}
    drawing = Drawing(title, caption, completed_pictures.draw(clean, pictures, numbers.to_dict()))
    stem = findings.file_stem(Path(image).stem, *([noises.canonical(noise)] if noise else []))
    return Look("complete", stem, title, WORDS, settings, {"": frame}, (drawing,), found)
