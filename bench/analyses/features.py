"""Densities of the deepest features under each noise, and their distance from those under the reference noise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.ndimage import gaussian_filter

from analysis.features import BINS, EDGES, PLANE_CELLS, PLANE_REACH, Histograms, Moments, channel_vectors, distance
from bench.analyses.core import figures, measurements
from bench.analyses.core.config import Config
from bench.analyses.core.feature_extractor import FeatureExtractor, deepest
from bench.analyses.core.noise_shift import NoiseShift, summary
from bench.analyses.core.patches import batches
from bench.analyses.core.result import CaptionedFigure, Models, Result, Tables
from bench.core.errors import as_bad_input
from bench.core.progress import Progress, progress
from bench.models.model_specs import Model
from bench.noise import noises
from reports.charts.style import INK, SERIES

TITLE = "Distributions of deep features"
ORDER = 30
ABOUT = (
    "The features of a pixel are projected on the principal components of the reference noise, in standard deviations "
    "of the reference noise. Distance: Wasserstein (W1) in these units, mean over the components. Noise floor: the "
    "distance for the reference noise with another seed. 95% jackknife intervals over photographs (in at most 16 "
    "groups), with a fixed projection."
)
VERSION = 1  # of the definition: other numbers need another version
MAX_DRAWN = 7  # noises in a figure besides the reference noise; more are hard to distinguish
JOINED_BINS = 8  # neighbouring bins that are drawn as one point
JOINED_CELLS = 4  # neighbouring cells of the plane, along each axis, that are saved as one
SMOOTHING = 1.5  # cells: standard deviation of the Gaussian filter for contours
DRAWN_REACH = 4  # standard deviations
MASSES = (0.9, 0.5)  # shares of the pixels within the contours


def measure(
    models: Sequence[Model], config: Config, chosen: Sequence[Any], reference: Any, layers: Sequence[str] = ()
) -> Result:
    """Wasserstein distance of each model's deepest features under each noise, in standard deviations of the reference.

    chosen   noises that are compared with the `reference` noise
    layers   names or patterns, of which the deepest is used; the default layers without any

    Raises BadInput.
    """
    shift = NoiseShift("wasserstein", tuple(chosen), reference, config, {"version": VERSION})
    extractors = [deepest(model, layers, config.device) for model in models]
    rows, densities, planes, of_models = [], [], [], []
    passes = len(shift.pairs) + 2  # the reference noise twice: for the projection, and for its histograms
    with progress("patches", len(config.patches.patches) * len(extractors) * passes) as bar:
        for extractor, settings in zip(extractors, shift.models(extractors), strict=True):
            shares, histograms = measure_model(extractor, shift, rows, bar)
            labels = {"model": settings["models"]}
            densities += [density_table(one).assign(**labels, noise=noise) for noise, one in histograms.items()]
            planes += [plane_table(one).assign(**labels, noise=noise) for noise, one in histograms.items()]
            shown = [round(float(share), 4) for share in shares[:2]]
            of_models.append({**settings, "components": len(shares), "component_shares": shown})
    table = shift.frame(extractors, measurements.by_key(rows))
    tables = {
        "": table,
        "densities": pd.concat(densities, ignore_index=True)[["model", "noise", "deviations", "density"]],
        "plane": pd.concat(planes, ignore_index=True)[["model", "noise", "first", "second", "share"]],
    }
    title = "Distance of the features, in standard deviations"
    return Result("features", ["features"], shift.question, of_models, tables,
                  partial(draw, drawn=drawn_noises(shift), skipped=len(shift.pairs) > MAX_DRAWN + 1),
                  summary(table, "wasserstein", title, 3), rows, joins=True)  # fmt: skip


def measure_model(
    extractor: FeatureExtractor, shift: NoiseShift, rows: list[dict[str, Any]], bar: Progress
) -> tuple[np.ndarray, dict[str, Histograms]]:
    """Shares of the components in the variance, and histograms by noise, the reference first; adds measurements."""
    config, moments = shift.config, Moments()
    for vectors, _ in channel_vectors_of(extractor, config, shift.reference, config.seed, bar):
        moments.add(vectors)
    with as_bad_input(f"model {extractor.model.label}"):
        projection = moments.projection()

    def histograms_of(noise: Any, seed: int) -> Histograms:
        histograms = Histograms(len(projection.shares))
        for vectors, photograph in channel_vectors_of(extractor, config, noise, seed, bar):
            histograms.add(projection(vectors), photograph)
        return histograms

    reference = histograms_of(shift.reference, config.seed)
    kept = {noises.canonical(shift.reference): reference}
    for number, (measure, noise, seed) in enumerate(shift.pairs):
        histograms = histograms_of(noise, seed)
        rows.append(shift.measurement(extractor, measure, noise, seed, distance(reference, histograms)))
        if number:  # not the noise floor
            kept[noises.canonical(noise)] = histograms
    return projection.shares, kept


def channel_vectors_of(extractor: FeatureExtractor, config: Config, noise: Any, seed: int, bar: Progress) -> Iterator:
    """(vectors (pixels, C) of the deepest layer, photograph) of each patch."""
    layer = extractor.layers[-1]
    for batch in batches(config.patches, noise, seed, config.protocol, 1):
        features = extractor(batch.noisy, batch.keys)[layer]
        with as_bad_input(f"model {extractor.model.label}"):
            vectors = channel_vectors(features, extractor.capture.shapes[extractor.capture.layers[-1]])
        yield vectors, batch.images[0]
        bar.advance()


def density_table(histograms: Histograms) -> pd.DataFrame:
    """One row per bin that is not empty: its middle in standard deviations, and the density there."""
    middle, density = (EDGES[1:] + EDGES[:-1]) / 2, histograms.density()
    return pd.DataFrame({"deviations": middle, "density": density})[density > 0]


def plane_table(histograms: Histograms) -> pd.DataFrame:
    """One row per square of the first two components that is not empty: its middle, and its share of the pixels."""
    count = PLANE_CELLS // JOINED_CELLS
    middle = (np.arange(count) + 0.5) * (2 * PLANE_REACH / count) - PLANE_REACH
    counts = histograms.plane.reshape(count, JOINED_CELLS, count, JOINED_CELLS).sum((1, 3))
    first, second = np.nonzero(counts)
    return pd.DataFrame({"first": middle[first], "second": middle[second],
                         "share": counts[first, second] / max(counts.sum(), 1)})  # fmt: skip


def drawn_noises(shift: NoiseShift) -> list[str]:
    """The reference noise and the others; of too many, the last level of each."""
    tested = [noise for _, noise, _ in shift.pairs[1:]]
    if len(tested) > MAX_DRAWN:
        tested = list({noises.noise_name(noise): noise for noise in tested}.values())[:MAX_DRAWN]
    return [noises.canonical(noise) for noise in (shift.reference, *tested)]


def draw(tables: Tables, models: Models, drawn: Sequence[str], skipped: bool) -> list[CaptionedFigure]:
    last = " Of each noise its last level is drawn." if skipped else ""
    densities = (
        f"Density of a projected feature, all components together, under {drawn[0]} (dashed) and other noises, in "
        f"standard deviations of {drawn[0]}; logarithmic, to show the tails. Numbers are distances.{last}"
    )
    plane = (
        f"Contours around 50% (thick) and 90% (thin) of the pixels, on the two components of largest variance under "
        f"{drawn[0]} (dashed), with their shares of it.{last}"
    )
    shares = {model["models"]: model.get("component_shares") or [] for model in models}
    return [
        CaptionedFigure("Densities of deep features", densities, draw_densities(tables, drawn), "densities",
                        "densities"),
        CaptionedFigure("Deep features on two components", plane, draw_plane(tables["plane"], shares, drawn), "plane",
                        "plane"),
    ]  # fmt: skip


def draw_densities(tables: Tables, drawn: Sequence[str]) -> Figure:
    """One panel per model with a line per noise, as in figure 15 of Chen et al. (CVPR 2023); `drawn[0]` is dashed."""
    colours = dict(zip(drawn, (INK, *SERIES), strict=False))
    distances = tables[""].set_index(["model", "noise"])["wasserstein"].to_dict()
    by_model = dict(list(tables["densities"].groupby("model", sort=False)))
    with figures.style():
        figure, grid = figures.panels(len(by_model), 2.3, share_y=True)
        for axes, (model, table) in zip(grid, by_model.items(), strict=True):
            lines = {}
            for noise in reversed(drawn):
                dash = (0, (4, 1.5)) if noise == drawn[0] else "-"
                x, density = joined_density(table[table["noise"] == noise])
                (lines[noise],) = axes.plot(x, density, color=colours[noise], linestyle=dash, label=noise)
            for number, noise in enumerate(drawn):
                text = f"{distances[model, noise]:.3f}" if number else "distance"
                axes.text(0.97, 0.97 - 0.085 * number, text, color=colours[noise], fontsize=7.5, ha="right", va="top",
                          transform=axes.transAxes)  # fmt: skip
            axes.set(title=model, yscale="log", ylim=(1e-5, 2), xlim=(-12, 12))
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
            axes.tick_params(length=0, which="both")
        figure.supxlabel("projected feature, standard deviations of the reference", fontsize=9)
        figure.supylabel("density", fontsize=9)
        figures.legend(figure, [lines[noise] for noise in drawn])
    return figure


def joined_density(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """(x, density) of one noise over joined bins; NaN in empty ones."""
    share = np.zeros(BINS)
    index = np.searchsorted(EDGES, table["deviations"]) - 1
    share[index] = table["density"] * np.diff(EDGES)[index]
    share, edges = share.reshape(-1, JOINED_BINS).sum(1), EDGES[::JOINED_BINS]
    return (edges[1:] + edges[:-1]) / 2, np.where(share > 0, share / np.diff(edges), np.nan)


def draw_plane(table: pd.DataFrame, shares: dict[str, list[float]], drawn: Sequence[str]) -> Figure:
    """Contours of each noise on the first two components, one panel per model; `drawn[0]` is dashed.

    shares   of the two components in the variance, by model; empty if they are unknown
    """
    colours = dict(zip(drawn, (INK, *SERIES), strict=False))
    by_model = dict(list(table.groupby("model", sort=False)))
    centres = (np.arange(PLANE_CELLS) + 0.5) * (2 * PLANE_REACH / PLANE_CELLS) - PLANE_REACH
    dashes = {noise: "dashed" if noise == drawn[0] else "solid" for noise in drawn}
    with figures.style():
        figure, grid = figures.panels(len(by_model), 2.5)
        for axes, (model, part) in zip(grid, by_model.items(), strict=True):
            for noise in reversed(drawn):
                density = smooth_density(part[part["noise"] == noise])
                axes.contour(centres, centres, density.T, levels=mass_levels(density, MASSES), colors=colours[noise],
                             linewidths=(1.0, 1.6), linestyles=dashes[noise])  # fmt: skip
            percent = [f" ({100 * share:.0f}%)" for share in shares[model]] or ["", ""]
            axes.set(title=model, xlabel=f"component 1{percent[0]}", ylabel=f"component 2{percent[1]}", aspect="equal",
                     xlim=(-DRAWN_REACH, DRAWN_REACH), ylim=(-DRAWN_REACH, DRAWN_REACH))  # fmt: skip
        figures.legend(figure, [Line2D([], [], color=colours[noise], linestyle=dashes[noise], label=noise)
                                for noise in drawn])  # fmt: skip
    return figure


def smooth_density(table: pd.DataFrame) -> np.ndarray:
    """Share of the pixels in each cell of the plane, smoothed, (PLANE_CELLS, PLANE_CELLS)."""
    count = PLANE_CELLS // JOINED_CELLS
    joined = np.zeros((count, count))
    rows, columns = (
        ((table[name] + PLANE_REACH) * count / (2 * PLANE_REACH)).astype(int) for name in ("first", "second")
    )
    joined[rows, columns] = table["share"]
    return gaussian_filter(np.kron(joined, np.ones((JOINED_CELLS, JOINED_CELLS))), SMOOTHING)


def mass_levels(density: np.ndarray, shares: Sequence[float]) -> list[float]:
    """Density levels above which given shares (descending) of the mass lie, ascending."""
    ordered = np.sort(density.ravel())[::-1]
    inside = np.cumsum(ordered) / ordered.sum()
    levels = [float(ordered[np.searchsorted(inside, share)]) for share in shares]
    return [level * (1 + 1e-9 * number) for number, level in enumerate(levels)]  # strictly ascending
