"""Mask and complete: what networks make of an image of which most pixels are gone, as in figure 3 of the paper."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from baselines.training import mask_input
from bench import noises, picture
from bench.datasets import builtin
from bench.errors import BadInput
from bench.inside import figures, findings
from bench.inside.outputs import Denoiser, to_levels
from bench.inside.patches import network_input
from bench.inside.setting import opened, record
from bench.metrics import psnr
from bench.protocols import Protocol
from bench.store import write_whole

VERSION = 1
WORDS = (
    "The masked pixels are set to -0.1 in all channels, as in the training of masked networks; what is gone at one "
    "ratio is gone at every higher one. PSNR in dB against the clean image, of all pixels and of those that were gone."
)


@dataclass(frozen=True)
class Completed:
    """One ratio: the masked image and each model's output, uint8 (H, W, 3), and where pixels are gone, (H, W)."""

    ratio: int
    gone: np.ndarray
    masked: np.ndarray
    outputs: dict[str, np.ndarray]


def clean_image(path: Path | None, side: int) -> tuple[str, np.ndarray]:
    """(name, float32 (H, W, 3) in [0, 1]): the centre of an image, by default builtin's chelsea. Raises BadInput."""
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
    x = torch.from_numpy(given).permute(2, 0, 1)[None].contiguous()  # (1, 3, H, W)
    found = []
    for ratio in ratios:
        generator = torch.Generator().manual_seed(key % 2**63)  # anew, so that masks are nested
        masked = mask_input(x, (ratio, ratio), generator)
        gone = (masked != x).any(1)[0].numpy()
        outputs = {one.model.label: _pixels(one(masked, [key])) for one in denoisers}
        found.append(Completed(ratio, gone, _pixels(masked), outputs))
    return found


def _pixels(image: torch.Tensor) -> np.ndarray:
    """(1, 3, H, W) -> uint8 (H, W, 3)."""
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


def keep(frame: pd.DataFrame, completed: Sequence[Completed], denoisers: Sequence[Denoiser], image: str,
         clean: np.ndarray, noise: Any | None, seed: int, protocol: Protocol, out: Path) -> list[Path]:  # fmt: skip
    """Findings into the run store; numbers, settings and figure beside it. Raises BadInput."""
    stem = findings.file_stem(out / "complete", Path(image).stem, *([noises.canonical(noise)] if noise else []))
    height, width = clean.shape[:2]
    settings = {
        "image": image, "image_sha256": noises.pixel_hash(clean), "height": height, "width": width,
        "ratios": [one.ratio for one in completed], "noise": noise and noises.canonical(noise), "seed": seed,
        "protocol": protocol.name, "models": [one.model.label for one in denoisers],
        "weights_sha256": [one.model.weights_hash for one in denoisers], "version": VERSION, "words": WORDS,
    }  # fmt: skip
    numbers = frame.set_index(["model", "ratio"])["psnr"]
    rows = [
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
    with opened(out) as store:
        findings.write(store, rows)
        record(store, "complete", settings)
        csv, text = (stem.with_name(f"{stem.name}.{suffix}") for suffix in ("csv", "json"))
        write_whole(csv, frame.to_csv(index=False).encode())
        write_whole(text, (json.dumps(settings, indent=1) + "\n").encode())
        return [csv, text, *figures.save(draw(frame, completed, clean), stem)]


def draw(frame: pd.DataFrame, completed: Sequence[Completed], clean: np.ndarray):
    """A column a ratio: the masked image above, what each model makes of it below; the clean image first."""
    from matplotlib.figure import Figure

    models = list(completed[0].outputs)
    numbers = frame.set_index(["model", "ratio"])["psnr"]
    height, width = clean.shape[:2]
    cell = 1.75
    with figures.style():
        columns, rows = len(completed) + 1, len(models) + 1
        size = (cell * columns, (cell * height / width + 0.22) * rows)
        figure = Figure(figsize=size, layout="constrained")
        figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes in grid.ravel():
            axes.set_axis_off()
        grid[0, 0].imshow(clean, interpolation="nearest")
        grid[0, 0].set_title("clean", fontsize=8, fontweight="normal")
        for row, model in enumerate(models, 1):
            grid[row, 0].text(0.98, 0.5, model, fontsize=9, fontweight="bold", ha="right", va="center",
                              transform=grid[row, 0].transAxes, wrap=True)  # fmt: skip
        for column, one in enumerate(completed, 1):
            for row, (model, pixels) in enumerate({"masked": one.masked, **one.outputs}.items()):
                axes = grid[row, column]
                axes.imshow(pixels, interpolation="nearest")
                title = f"{one.ratio}% gone" if row == 0 else f"{numbers[model, one.ratio]:.1f} dB"
                axes.set_title(title, fontsize=8, fontweight="normal")
    return figure
