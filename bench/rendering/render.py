"""Render scenes with Mitsuba 3 in passes, so that a render can be resumed, and measure the noise of the references.

    OUT/reference/SCENE.exr     mean of two independent halves
    OUT/spp64/SCENE.exr ...     noisy renders, independent of the reference
    OUT/card.json               settings, and the remaining noise of each reference
    OUT/.passes/                sums of the finished passes, removed at the end

A pass depends only on the scene, its size, the seed and its index, and passes are summed in order in float64: a
resumed render equals an uninterrupted one bit for bit on the same machine and variant.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from bench.core.errors import BadInput
from bench.core.files import write
from bench.datasets import exr, tone
from bench.metrics import psnr
from bench.protocols import to_bytes
from bench.rendering import scenes

HALVES = ("half0", "half1")
MAX_PASS_SAMPLES = 4_000_000  # samples of a pass, about 1 GB of memory
VARIANTS = ("llvm_ad_rgb", "scalar_rgb")  # the first one is several times faster and needs the LLVM library


@dataclass(frozen=True)
class Settings:
    """Scenes by name, `side` in pixels, samples per pixel `spp` of noisy renders and `reference` of references."""

    scenes: tuple[str, ...]
    spp: tuple[int, ...]
    reference: int
    side: int
    seed: int
    variant: str

    def chunks(self, samples: int) -> list[int]:
        """Return the samples per pixel of each pass."""
        largest = max(1, MAX_PASS_SAMPLES // self.side**2)
        whole, rest = divmod(samples, largest)
        return [largest] * whole + [rest] * bool(rest)

    def renders(self, scene: str) -> dict[str, list[int]]:
        """Return {render: samples per pixel of its passes} of a scene, noisy renders first."""
        noisy = {f"spp{spp}": self.chunks(spp) for spp in self.spp}
        return noisy | dict.fromkeys(HALVES, self.chunks(self.reference // 2))

    @property
    def passes(self) -> int:
        """Number of render passes."""
        return sum(len(chunks) for scene in self.scenes for chunks in self.renders(scene).values())


@dataclass(frozen=True)
class RenderedPass:
    """A finished pass, with `before` if it was rendered by an earlier call."""

    what: str
    before: bool


def choose_variant(variant: str = "auto") -> str:
    """Set and return the variant of Mitsuba; 'auto' is the fastest one that starts. Raises BadInput if none starts."""
    try:
        import mitsuba
    except ImportError:
        raise BadInput("expected the package Mitsuba to render, got none: pip install 'maskbench[render]'") from None
    for candidate in VARIANTS if variant == "auto" else (variant,):
        try:
            mitsuba.set_variant(candidate)
        except ImportError as error:
            problem = str(error)
            continue
        mitsuba.set_log_level(mitsuba.LogLevel.Error)
        return candidate
    raise BadInput(f"expected a variant of Mitsuba that starts, got {variant}: {' '.join(problem.split())}")


def render_pairs(settings: Settings, out: Path, kind: str = "exr") -> Iterator[RenderedPass]:
    """Render the missing passes to `out`, yielding after each; then write `exr` or tone-mapped `png` files."""
    import mitsuba

    passes = out / ".passes"
    _check_settings(settings, out)
    write(passes / "settings.json", json.dumps(asdict(settings), indent=1).encode())
    for name in settings.scenes:
        for render, chunks in settings.renders(name).items():
            scene = None
            total, done = _resume(passes / f"{name}-{render}.npz")
            for index, samples in enumerate(chunks):
                what = f"{name} {render}"
                if index < done:
                    yield RenderedPass(what, before=True)
                    continue
                if scene is None:
                    sampler = "multijitter" if render in HALVES else "independent"
                    scene = mitsuba.load_dict(scenes.description(name, settings.side, sampler))
                seed = _key(settings.seed, name, render, index)
                pixels = np.array(mitsuba.render(scene, spp=samples, seed=seed), np.float64)
                total = total + pixels * samples
                content = BytesIO()
                np.savez(content, total=total, done=index + 1)
                write(passes / f"{name}-{render}.npz", content.getvalue())
                yield RenderedPass(what, before=False)
    _finish(settings, out, kind)


def _check_settings(settings: Settings, out: Path) -> None:
    """Raise BadInput if a folder has renders with other settings, or other files."""
    known = out / ".passes" / "settings.json"
    if known.exists():
        if json.loads(known.read_text(encoding="utf-8")) != json.loads(json.dumps(asdict(settings))):
            raise BadInput(
                f"expected the settings of the unfinished render ({known}), got others: use those, or another folder"
            )
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadInput(f"expected a new folder for the renders, got {out}, which exists: choose another one")


def _resume(path: Path) -> tuple[np.ndarray | float, int]:
    """Return the sum over the finished passes, and their number."""
    if not path.exists():
        return 0.0, 0
    with np.load(path) as known:
        return known["total"], int(known["done"])


def _key(*parts: Any) -> int:
    """Return the seed of a pass: 32 bits of a hash of its parts."""
    return int.from_bytes(hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()[:4], "little")


def _finish(settings: Settings, out: Path, kind: str) -> None:
    """Write images and card from the sums of passes, and remove these."""
    made = {}
    for name in settings.scenes:
        files = {render: out / ".passes" / f"{name}-{render}.npz" for render in settings.renders(name)}
        counts = {render: sum(chunks) for render, chunks in settings.renders(name).items()}
        renders = {render: _resume(file)[0] / counts[render] for render, file in files.items()}
        halves = [renders.pop(half) for half in HALVES]
        renders["reference"] = sum(halves) / 2
        for render, pixels in renders.items():
            write(out / render / f"{name}.{kind}", _encode(pixels.astype(np.float32), kind))
        made[name] = _measure(renders, halves)
    write(out / "card.json", (json.dumps(_card(settings, made), indent=1) + "\n").encode())
    for file in sorted((out / ".passes").iterdir()):
        file.unlink()
    (out / ".passes").rmdir()


def _encode(pixels: np.ndarray, kind: str) -> bytes:
    if kind == "exr":
        return exr.encode(pixels)
    from PIL import Image

    content = BytesIO()
    Image.fromarray(to_bytes(tone.map_tones(pixels))).save(content, "png", optimize=True)
    return content.getvalue()


def _measure(renders: dict[str, np.ndarray], halves: list[np.ndarray]) -> dict[str, Any]:
    """Return the PSNR in dB of each render against the reference, and the estimated PSNR of the reference, tone-mapped.

    The mean of two independent halves has a quarter of the variance of their difference.
    """
    first, second = (tone.map_tones(half.astype(np.float32)).astype(np.float64) for half in halves)
    difference = first - second
    stored = {name: to_bytes(tone.map_tones(pixels.astype(np.float32))) for name, pixels in renders.items()}
    noisy = {
        f"psnr_{name}": round(psnr.score(pixels, stored["reference"]), 2)
        for name, pixels in stored.items()
        if name != "reference"
    }
    return {
        **noisy,
        "psnr_of_the_reference": round(-10 * np.log10(np.mean(difference**2) / 4), 2),
        "largest_difference_of_the_halves": round(float(np.abs(difference).max()), 4),
    }


def _card(settings: Settings, made: dict[str, Any]) -> dict[str, Any]:
    return {
        "renderer": f"Mitsuba {importlib.metadata.version('mitsuba')}, {settings.variant}",
        **asdict(settings),
        "samples": "noisy renders independent, references multi-jittered pass by pass; box reconstruction filter; "
        "path tracing, 12 bounces, Russian roulette from the 6th",
        "tone_mapping": "for the scores below: exposure 0, clipped to [0, 1], sRGB curve",
        "reference_noise": "psnr_of_the_reference: 10 log10(4 / mean((A - B)^2)), A and B its independent halves; "
        "the largest difference of these is in units of the white level",
        "scenes_measured": made,
    }
