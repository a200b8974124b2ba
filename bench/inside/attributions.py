"""Which input pixels decide a window of the output: local attribution maps, kept and drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from analysis.attribution import Attribution, Window, attribute
from bench.errors import BadInput
from bench.inside import findings
from bench.inside.figures import attribution
from bench.inside.look import Drawing, Look
from bench.inside.outputs import Denoiser, described
from bench.inside.patches import network_input
from bench.inside.probe import one_line_errors
from bench.networks.mask_keys import keyed
from bench.noise import noises
from bench.protocols import Protocol

VERSION = 1
WORDS = (
    "Local attribution maps (Gu & Dong, CVPR 2021): which input pixels the structure in the window of the output comes "
    "from. Diffusion index: 0 where one pixel decides all, 100 where all count alike. Half and nine tenths: within so "
    "many pixels of the window. Sum: of the map, over what it should be; 1 where the path's steps are fine enough."
)


@dataclass(frozen=True)
class Scene:
    """A clean image, float32 (H, W, 1 or 3) in [0, 1], what networks get of it, and the window of the output."""

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
    network = one.for_image(x.shape[1])
    options = keyed(network, [key])  # the same masks along the whole path
    network.requires_grad_(False)
    with one_line_errors(one.model):
        return attribute(lambda image: network(image, **options), x, scene.window, steps)


def frame_of(maps: dict[str, Attribution], window: Window) -> pd.DataFrame:
    """A row a model: diffusion index, share of the map inside the window, reach of half and nine tenths (pixels)."""
    rows = [
        {
            "model": model,
            "diffusion_index": found.diffusion_index,
            "inside": float(found.within(window)[1][0]),
            "half": found.reach(window, 0.5),
            "nine_tenths": found.reach(window, 0.9),
            "completeness": found.completeness,
        }
        for model, found in maps.items()
    ]
    return pd.DataFrame(rows)


def look(
    frame: pd.DataFrame, maps: dict[str, Attribution], denoisers: Sequence[Denoiser], scene: Scene, steps: int
) -> Look:
    """The answer as it is kept."""
    noise = noises.canonical(scene.noise)
    window = {"top": scene.window.top, "left": scene.window.left, "side": scene.window.side}
    settings = {
        "image": scene.image, "image_sha256": noises.pixel_hash(scene.clean), "height": scene.clean.shape[0],
        "width": scene.clean.shape[1], "window": window, "noise": noise, "seed": scene.seed,
        "protocol": scene.protocol.name, "steps": steps, **described(denoisers), "version": VERSION,
    }  # fmt: skip
    how = {name: settings[name] for name in ("image_sha256", "window", "steps", "version")}
    found = [
        {
            "measure": "diffusion_index",
            **findings.about(one.model, "", scene.noise, scene.seed),
            "dataset": scene.image, "protocol": scene.protocol.name, "settings": findings.settings_text(how),
            "device": str(one.device), "value": maps[one.model.label].diffusion_index,
        }
        for one in denoisers
    ]  # fmt: skip
    title = f"Where the output comes from: {scene.image}, {noise}"
    caption = (
        "The input with the window, and for each model the pixels on which the structure in this window of its output "
        "depends. Below: how much of the map lies within a distance from the window."
    )
    figure = attribution.draw(scene.noisy, noise, scene.window, maps)
    return Look("attribute", findings.file_stem(Path(scene.image).stem, noise), title, WORDS, settings,
                {"": frame, "shares": shares(maps, scene.window)},
                (Drawing(title, caption, figure, numbers="shares"),), found)  # fmt: skip


def shares(maps: dict[str, Attribution], window: Window) -> pd.DataFrame:
    """A row a model and distance from the window, in pixels: the share of the map that is no further away."""
    parts = []
    for model, found in maps.items():
        distance, share = found.within(window)
        parts.append(pd.DataFrame({"model": model, "distance": distance, "share": share}))
    return pd.concat(parts, ignore_index=True)
