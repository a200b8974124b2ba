"""Which input pixels decide a window of the output: local attribution maps, kept and drawn."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from analysis.attribution import Attribution, Window, attribute
from bench import noises
from bench.errors import BadInput
from bench.inside import figures, findings
from bench.inside.outputs import Denoiser
from bench.inside.patches import network_input
from bench.inside.probe import keyed
from bench.inside.setting import opened, record
from bench.protocols import Protocol
from bench.store import write_whole
from reports.charts.style import look

VERSION = 1
WORDS = (
    "Local attribution maps (Gu & Dong, CVPR 2021): which input pixels the structure in the window of the output comes "
    "from. Diffusion index: 0 where one pixel decides all, 100 where all count alike. Half and nine tenths: within so "
    "many pixels of the window. Sum: of the map, over what it should be; 1 where the path's steps are fine enough."
)


@dataclass(frozen=True)
class Scene:
    """A clean image, float32 (H, W, 3) in [0, 1], what networks get of it, and the window of the output."""

    image: str
    clean: np.ndarray
    noisy: np.ndarray
    noise: Any
    seed: int
    protocol: Protocol
    window: Window


def scene_of(
    image: str, clean: np.ndarray, noise: Any, seed: int, protocol: Protocol, at: str | None, side: int
) -> Scene:
    """A scene with its window `at` 'row,column' (its top left pixel), in the middle by default. Raises BadInput."""
    height, width = clean.shape[:2]
    if side > min(height, width):
        raise BadInput(f"a window of {side}x{side} is larger than the image of {width}x{height}: write --window 16")
    place = ((height - side) // 2, (width - side) // 2)
    if at is not None:
        parts = [part.strip() for part in at.split(",")]
        if len(parts) != 2 or not all(part.isdigit() for part in parts):
            raise BadInput(f"the place {at!r} came, wanted row,column of the window's top left pixel, such as 120,96")
        place = int(parts[0]), int(parts[1])
        if place[0] > height - side or place[1] > width - side:
            raise BadInput(
                f"a window of {side}x{side} at {at} reaches out of the image of {height} rows and {width} columns"
            )
    noisy, _ = network_input(clean, noise, seed, protocol)
    return Scene(image, clean, noisy, noise, seed, protocol, Window(*place, side))


def measure(one: Denoiser, scene: Scene, steps: int) -> Attribution:
    """The map of one model. Raises BadInput where there is none."""
    key = noises.mask_key(noises.pixel_hash(scene.clean), scene.noise, scene.seed)
    x = torch.from_numpy(scene.noisy).permute(2, 0, 1)[None].contiguous().to(one.device)
    options = keyed(one.network, [key])  # the same masks along the whole path
    one.network.requires_grad_(False)
    try:
        return attribute(lambda image: one.network(image, **options), x, scene.window, steps)
    except (ValueError, RuntimeError) as error:
        raise BadInput(f"model {one.model.label}: {error}") from error


def reach(found: Attribution, window: Window, share: float) -> float:
    """How far from the window, in pixels, one has to go for a share of the map."""
    distance, within = found.within(window)
    return float(distance[np.searchsorted(within, share)])


def frame_of(maps: dict[str, Attribution], window: Window) -> pd.DataFrame:
    """A row a model: diffusion index, share of the map inside the window, reach of half and nine tenths (pixels)."""
    rows = [
        {
            "model": model,
            "diffusion_index": found.diffusion_index,
            "inside": float(found.within(window)[1][0]),
            "half": reach(found, window, 0.5),
            "nine_tenths": reach(found, window, 0.9),
            "completeness": found.completeness,
        }
        for model, found in maps.items()
    ]
    return pd.DataFrame(rows)


def keep(frame: pd.DataFrame, maps: dict[str, Attribution], denoisers: Sequence[Denoiser], scene: Scene, steps: int,
         out: Path) -> list[Path]:  # fmt: skip
    """Findings into the run store; numbers, maps, settings and figure beside it. Raises BadInput."""
    stem = findings.file_stem(out / "attribute", Path(scene.image).stem, noises.canonical(scene.noise))
    window = {"top": scene.window.top, "left": scene.window.left, "side": scene.window.side}
    settings = {
        "image": scene.image, "image_sha256": noises.pixel_hash(scene.clean), "height": scene.clean.shape[0],
        "width": scene.clean.shape[1], "window": window, "noise": noises.canonical(scene.noise), "seed": scene.seed,
        "protocol": scene.protocol.name, "steps": steps, "models": [one.model.label for one in denoisers],
        "weights_sha256": [one.model.weights_hash for one in denoisers], "version": VERSION, "words": WORDS,
    }  # fmt: skip
    how = {name: settings[name] for name in ("image_sha256", "window", "steps", "version")}
    rows = [
        {
            "measure": "diffusion_index",
            **findings.about(one.model, "", scene.noise, scene.seed),
            "dataset": scene.image, "protocol": scene.protocol.name, "settings": findings.settings_text(how),
            "device": str(one.device), "value": maps[one.model.label].diffusion_index,
        }
        for one in denoisers
    ]  # fmt: skip
    with opened(out) as store:
        findings.write(store, rows)
        record(store, "attribute", settings)
        csv, text = (stem.with_name(f"{stem.name}.{suffix}") for suffix in ("csv", "json"))
        write_whole(csv, frame.to_csv(index=False).encode())
        write_whole(text, (json.dumps(settings, indent=1) + "\n").encode())
        return [csv, text, *figures.save(draw(frame, maps, scene), stem)]


def draw(frame: pd.DataFrame, maps: dict[str, Attribution], scene: Scene):
    """The input with the window, each model's map on it, and how the share grows with the distance."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    models = list(maps)
    window = scene.window
    indices = frame.set_index("model")["diffusion_index"]
    grey = scene.noisy.clip(0, 1) @ np.array([0.299, 0.587, 0.114], np.float32)
    with figures.style():
        columns = len(models) + 1
        figure = Figure(figsize=(1.9 * columns, 4.3), layout="constrained")
        upper, lower = figure.subfigures(2, 1, height_ratios=(1.25, 1))
        grid = upper.subplots(1, columns, squeeze=False)[0]
        for axes, model in zip(grid, ["", *models], strict=True):
            axes.set_axis_off()
            axes.imshow(scene.noisy.clip(0, 1) if not model else 0.5 + 0.5 * grey, cmap="gray", vmin=0, vmax=1)
            frame_ = Rectangle((window.left - 0.5, window.top - 0.5), window.side, window.side, fill=False,
                               edgecolor="#ffffff" if not model else "#1c2024", linewidth=1.2)  # fmt: skip
            if model:
                strength = np.abs(maps[model].map)
                strength = (strength / np.quantile(strength, 0.999)).clip(0, 1) ** 0.5
                colour = np.zeros((*strength.shape, 4))
                colour[..., :3] = np.array([213, 94, 0]) / 255  # vermilion, on grey
                colour[..., 3] = strength
                axes.imshow(colour)
            axes.add_patch(frame_)
            title = f"{model}\ndiffusion index {indices[model]:.1f}" if model else noises.canonical(scene.noise)
            axes.set_title(title, fontsize=8, fontweight="normal" if not model else "bold")
        axes = lower.subplots()
        for model in models:
            distance, share = maps[model].within(window)
            style = look(models, model)
            axes.plot(distance, 100 * share, color=style.colour, label=model)
        farthest = max(reach(found, window, 0.995) for found in maps.values())
        axes.set_xlim(0, max(4.0, farthest))
        axes.set_ylim(0, 102)
        axes.set_xlabel("distance from the window, pixels")
        axes.set_ylabel("share of the map, %")
        axes.grid()
        axes.tick_params(length=0)
        axes.legend(loc="lower right")
    return figure
