"""Densities of the deepest features under each noise, on common axes, with distances: measured, kept and drawn."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.distributions import BINS, EDGES, PLANE, PLANE_REACH, Histograms, Moments, channel_vectors, distance
from bench import noises
from bench.errors import BadInput
from bench.inside import figures, findings
from bench.inside.patches import batches
from bench.inside.probe import Probe
from bench.inside.question import Question
from bench.inside.setting import Setting, opened, record
from bench.store import write_whole
from reports.charts.style import INK, SERIES

VERSION = 1  # of the definition
DRAWN = 7  # noises in a figure besides the reference; more are told apart no longer
WORDS = (
    "The features of a pixel are projected on the principal components of the reference noise, in deviations of the "
    "reference. The distance is Wasserstein's (W1), the mean over the components, in these units; the floor is that of "
    "the reference noise with another seed. Intervals are 95% jackknife intervals over photographs "
    "(at most 16 groups), the projection left as it is."
)


@dataclass(frozen=True)
class Seen:
    """A model's features: where they lie under the reference noise (first) and the others, by canonical noise."""

    probe: Probe
    shares: np.ndarray  # of the variance of each component
    histograms: dict[str, Histograms]


def ask(chosen: Sequence[Any], reference: Any, setting: Setting) -> Question:
    return Question("wasserstein", tuple(chosen), reference, setting, {"version": VERSION})


def measure(probe: Probe, question: Question, rows: list[dict[str, Any]]) -> Iterator[Seen | None]:
    """Adds findings to `rows`; yields None for each batch, and what was seen last. Raises BadInput."""
    setting, moments = question.setting, Moments()
    try:
        for vectors, _ in _vectors(probe, setting, question.reference, setting.seed):
            moments.add(vectors)
            yield None
        projection = moments.projection()
    except ValueError as error:
        raise BadInput(f"model {probe.model.label}: {error}") from error
    seen, reference = {}, None
    for name, noise, seed in [("", question.reference, setting.seed), *question.pairs]:
        found = Histograms(len(projection.shares))
        for vectors, image in _vectors(probe, setting, noise, seed):
            found.add(projection(vectors), image)
            yield None
        if reference is None:
            reference = found
        else:
            apart = distance(reference, found)
            bounds = {"value": apart.value, "low": apart.low, "high": apart.high}
            rows.append({**question.finding(probe, name, noise, seed), **bounds})
        if name != question.floor:
            seen[noises.canonical(noise)] = found
    yield Seen(probe, projection.shares, seen)


def _vectors(probe: Probe, setting: Setting, noise: Any, seed: int):
    """(vectors (places, C), photograph) of each patch."""
    layer = probe.layers[-1]
    for batch in batches(setting.patches, noise, seed, setting.protocol, 1):
        features = probe(batch.noisy, batch.keys)[layer]
        shape = probe.capture.shapes[probe.capture.layers[-1]]
        yield channel_vectors(features, shape), batch.images[0]


def passes(question: Question) -> int:
    """How often the patches go through a network: twice for the projection and the reference, once a pair."""
    return 2 + len(question.pairs)


def keep(frame: pd.DataFrame, seen: Sequence[Seen], question: Question, rows: list[dict[str, Any]]) -> list[Path]:
    """Findings into the run store; distances, densities, settings and figures beside it. Raises BadInput."""
    folder = question.setting.out / "features"
    settings = {**question.described([one.probe for one in seen]), "words": WORDS,
                "components": [len(one.shares) for one in seen]}  # fmt: skip
    with opened(question.setting.out) as store:
        findings.write(store, rows)
        record(store, "features", settings)
        texts = {
            "distances.csv": frame.to_csv(index=False),
            "densities.csv": densities(seen).to_csv(index=False, float_format="%.6g"),
            "features.json": json.dumps(settings, indent=1) + "\n",
        }
        for name, text in texts.items():
            write_whole(folder / name, text.encode())
        written = [folder / name for name in texts]
        drawn = _drawn(question)
        written += figures.save(draw_densities(frame, seen, drawn), folder / "densities")
        return written + figures.save(draw_plane(seen, drawn), folder / "plane")


def densities(seen: Sequence[Seen]) -> pd.DataFrame:
    """A row a model, noise and bin that something is in: the bin's middle in deviations, and the density there."""
    middle = (EDGES[1:] + EDGES[:-1]) / 2
    parts = []
    for one in seen:
        for noise, found in one.histograms.items():
            density = found.density()
            there = density > 0
            parts.append(pd.DataFrame({"model": one.probe.model.label, "noise": noise, "deviations": middle[there],
                                       "density": density[there]}))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _drawn(question: Question) -> list[str]:
    """The reference, and the noises; where those are too many, the last level of each name."""
    tested = [noise for _, noise, _ in question.pairs[1:]]
    if len(tested) > DRAWN:
        tested = list({noises.noise_name(noise): noise for noise in tested}.values())[:DRAWN]
    return [noises.canonical(noise) for noise in (question.reference, *tested)]


def colours(drawn: Sequence[str]) -> dict[str, str]:
    """Ink for the reference, a colour for each other noise."""
    return dict(zip(drawn, (INK, *SERIES), strict=False))


def draw_densities(frame: pd.DataFrame, seen: Sequence[Seen], drawn: Sequence[str]):
    """A panel a model, a line a noise, on a logarithmic axis so that tails show; the distance beside each."""
    from matplotlib.figure import Figure

    middle = (EDGES[1:] + EDGES[:-1]) / 2
    each = colours(drawn)
    columns = min(len(seen), 4)
    lines = -(-len(seen) // columns)
    values = frame.set_index(["model", "noise"])["wasserstein"]
    with figures.style():
        figure = Figure(figsize=(0.6 + 2.35 * columns, 0.75 + 2.3 * lines), layout="constrained")
        grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
        for axes, one in zip(grid.ravel(), seen, strict=False):
            for noise in drawn:
                style = (0, (4, 1.5)) if noise == drawn[0] else "-"
                line = axes.plot(*smooth(middle, one.histograms[noise]), color=each[noise], linestyle=style,
                                 zorder=3 if noise == drawn[0] else 2)[0]  # fmt: skip
                line.set_label(noise)
            axes.set_title(one.probe.model.label)
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
            axes.set_ylim(1e-5, 2)
            axes.set_xlim(-12, 12)
            axes.grid()
            axes.tick_params(length=0, which="both")
            for place, noise in enumerate(drawn[1:]):
                text = f"{values[one.probe.model.label, noise]:.3f}"
                axes.text(0.97, 0.97 - 0.085 * (place + 1), text, color=each[noise], fontsize=7.5, ha="right",
                          va="top", transform=axes.transAxes)  # fmt: skip
            axes.text(0.97, 0.97, "distance", color=INK, fontsize=7.5, ha="right", va="top", transform=axes.transAxes)
        for axes in grid.ravel()[len(seen) :]:
            axes.set_axis_off()
        figure.supxlabel("projected feature, deviations of the reference", fontsize=9)
        figure.supylabel("density", fontsize=9)
        handles, labels = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", ncols=figures.legend_columns(figure, labels))
    return figure


def smooth(middle: np.ndarray, found: Histograms, joined: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """(x, density) of bins joined by eights; bins that nothing is in are gaps."""
    counts = found.counts.sum((0, 1)).reshape(BINS // joined, joined).sum(1)
    width = np.diff(EDGES[::joined])
    density = counts / counts.sum() / width
    return middle.reshape(-1, joined).mean(1), np.where(counts > 0, density, np.nan)


def draw_plane(seen: Sequence[Seen], drawn: Sequence[str]):
    """The first two components: half and nine tenths of the pixels of each noise lie inside its contours."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from scipy.ndimage import gaussian_filter

    each = colours(drawn)
    shown = [one for one in seen if len(one.shares) > 1]
    columns = max(1, min(len(shown), 4))
    lines = max(1, -(-len(shown) // columns))
    centres = (np.arange(PLANE) + 0.5) * (2 * PLANE_REACH / PLANE) - PLANE_REACH
    with figures.style():
        figure = Figure(figsize=(0.6 + 2.35 * columns, 0.75 + 2.5 * lines), layout="constrained")
        grid = figure.subplots(lines, columns, squeeze=False)
        for axes, one in zip(grid.ravel(), shown, strict=False):
            for noise in reversed(drawn):
                density = gaussian_filter(one.histograms[noise].plane.astype(float), 1.5)
                axes.contour(centres, centres, density.T, levels=mass_levels(density, (0.9, 0.5)), colors=each[noise],
                             linewidths=(1.0, 1.6), linestyles="dashed" if noise == drawn[0] else "solid",
                             zorder=3 if noise == drawn[0] else 2)  # fmt: skip
            axes.set_title(one.probe.model.label)
            for name, share, label in zip("12", one.shares, (axes.set_xlabel, axes.set_ylabel), strict=False):
                label(f"component {name} ({100 * share:.0f}%)")
            axes.set_aspect("equal")
            axes.set_xlim(-4, 4)
            axes.set_ylim(-4, 4)
            axes.grid()
            axes.tick_params(length=0)
        for axes in grid.ravel()[len(shown) :]:
            axes.set_axis_off()
        handles = [Line2D([], [], color=each[noise], linestyle="--" if noise == drawn[0] else "-") for noise in drawn]
        figure.legend(handles, drawn, loc="outside upper left", ncols=figures.legend_columns(figure, drawn))
    return figure


def mass_levels(density: np.ndarray, shares: Sequence[float]) -> list[float]:
    """The densities above which the given shares (falling) of the mass lie, rising."""
    ordered = np.sort(density.ravel())[::-1]
    inside = np.cumsum(ordered) / ordered.sum()
    levels = [float(ordered[np.searchsorted(inside, share)]) for share in shares]
    return [level * (1 + 1e-9 * place) for place, level in enumerate(levels)]  # strictly rising
