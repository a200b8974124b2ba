"""Densities of the deepest features under each noise, and their distance from those under the reference noise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.ndimage import gaussian_filter

from analysis.features import BINS, EDGES, PLANE_CELLS, PLANE_REACH, Histograms, Moments, channel_vectors, distance
from bench import spec
from bench.analyses.core import figures, measurements
from bench.analyses.core.config import Config
from bench.analyses.core.feature_extractor import FeatureExtractor, deepest
from bench.analyses.core.noise_shift import NoiseShift, summary
from bench.analyses.core.outputs import model_settings
from bench.analyses.core.patches import batches
from bench.analyses.core.result import CaptionedFigure, Result
from bench.core.errors import as_bad_input
from bench.core.progress import Progress, progress
from bench.models.model_specs import Model
from bench.noise import noises
from noise_zoo.noise import Noise
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
PANEL = 2.2  # inches: width of a panel's title
MASSES = (0.9, 0.5)  # shares of the pixels within the contours


def measure(
    models: Sequence[Model], config: Config, chosen: Sequence[Noise], reference: Noise, layers: Sequence[str] = ()
) -> Result:
    """Wasserstein distance of each model's deepest features under each noise, in standard deviations of the reference.

    chosen   noises that are compared with the `reference` noise
    layers   names or patterns, of which the deepest is used; the default layers without any

    Raises BadInput.
    """
    shift = NoiseShift("wasserstein", tuple(chosen), reference, config, {"version": VERSION})
    extractors = [deepest(model, layers, config.device) for model in models]
    rows, densities, planes, settings = [], [], [], []
    passes = len(shift.pairs) + 2  # the reference noise twice: for the projection, and for its histograms
    with progress("patches", len(config.patches.patches) * len(extractors) * passes) as bar:
        for extractor in extractors:
            model = extractor.model
            shares, (reference_histograms, *tested) = measure_model(extractor, shift, bar)
            for pair, histograms in zip(shift.pairs, tested, strict=True):
                rows.append(shift.measurement(extractor, *pair, distance(reference_histograms, histograms)))
            for noise, histograms in zip((reference, *shift.tested), (reference_histograms, *tested[1:]), strict=True):
                named = {"model": model.label, "noise": noises.canonical(noise)}
                densities.append(density_table(histograms, named))
                planes.append(plane_table(histograms, named))
            shown = [round(float(share), 4) for share in shares[:2]]
            settings.append(
                model_settings(model, layers=extractor.layers[-1], components=len(shares), component_shares=shown)
            )
    table = shift.frame(extractors, measurements.by_key(rows))
    tables = {
        "": table,
        "densities": pd.concat(densities, ignore_index=True),
        "plane": pd.concat(planes, ignore_index=True),
    }
    title = "Distance of the features, in standard deviations"
    return Result(
        "features",
        ["features"],
        shift.question,
        settings,
        tables,
        draw,
        partial(summary, "wasserstein", title, 3),
        rows,
        joins=True,
    )


def measure_model(extractor: FeatureExtractor, shift: NoiseShift, bar: Progress) -> tuple[np.ndarray, list[Histograms]]:
    """(shares of the components in the variance, histograms under the reference noise and of each pair of `shift`)."""
    seed, moments = shift.config.seed, Moments()
    for vectors, _ in channel_vectors_of(extractor, shift.config, shift.reference, seed, bar):
        moments.add(vectors)
    with as_bad_input(f"model {extractor.model.label}"):
        projection = moments.projection()
    histograms = []
    for noise, of_seed in ((shift.reference, seed), *(pair[1:] for pair in shift.pairs)):
        histograms.append(Histograms(len(projection.shares)))
        for vectors, photograph in channel_vectors_of(extractor, shift.config, noise, of_seed, bar):
            histograms[-1].add(projection(vectors), photograph)
    return projection.shares, histograms


def channel_vectors_of(extractor: FeatureExtractor, config: Config, noise: Noise, seed: int, bar: Progress) -> Iterator:
    """(vectors (pixels, C) of the deepest layer, photograph) of each patch."""
    layer = extractor.layers[-1]
    for batch in batches(config.patches, noise, seed, config.protocol, 1):
        features = extractor(batch.noisy, batch.keys)[layer]
        with as_bad_input(f"model {extractor.model.label}"):
            vectors = channel_vectors(features, extractor.capture.shapes[extractor.capture.layers[-1]])
        yield vectors, batch.images[0]
        bar.advance()


def density_table(histograms: Histograms, named: dict[str, str]) -> pd.DataFrame:
    """One row per bin that is not empty: its middle in standard deviations, and the density there."""
    middle, density = (EDGES[1:] + EDGES[:-1]) / 2, histograms.density()
    return pd.DataFrame({**named, "deviations": middle, "density": density})[density > 0]


def plane_table(histograms: Histograms, named: dict[str, str]) -> pd.DataFrame:
    """One row per square of the first two components that is not empty: its middle, and its share of the pixels."""
    count = PLANE_CELLS // JOINED_CELLS
    middle = (np.arange(count) + 0.5) * (2 * PLANE_REACH / count) - PLANE_REACH
    counts = histograms.plane.reshape(count, JOINED_CELLS, count, JOINED_CELLS).sum((1, 3))
    first, second = np.nonzero(counts)
    share = counts[first, second] / max(counts.sum(), 1)
    return pd.DataFrame({**named, "first": middle[first], "second": middle[second], "share": share})


def draw(result: Result) -> list[CaptionedFigure]:
    """The figures of a result: densities, and contours on two components. Of many noises each one's last level."""
    reference = result.settings["reference"]
    tested = [noise for noise in result.settings["noises"] if noise != reference]
    skipped = len(tested) > MAX_DRAWN
    if skipped:
        tested = list({spec.parse(noise).name: noise for noise in tested}.values())[:MAX_DRAWN]
    last = " Of each noise its last level is drawn." if skipped else ""
    densities = (
        f"Density of a projected feature, all components together, under {reference} (dashed) and other noises, in "
        f"standard deviations of {reference}; logarithmic, to show the tails. Numbers are distances.{last}"
    )
    plane = (
        f"Contours around 50% (thick) and 90% (thin) of the pixels, on the two components of largest variance under "
        f"{reference} (dashed), with their shares of it.{last}"
    )
    styles = {noise: {"color": colour, "linestyle": "-"} for noise, colour in zip(tested, SERIES, strict=False)}
    styles = {reference: {"color": INK, "linestyle": (0, (4, 1.5))}, **styles}
    return [
        CaptionedFigure(
            "Densities of deep features", densities, draw_densities(result, styles), "densities", "densities"
        ),
        CaptionedFigure("Deep features on two components", plane, draw_plane(result, styles), "plane", "plane"),
    ]


def draw_densities(result: Result, styles: dict[str, dict]) -> Figure:
    """One panel per model with a line per noise, as in figure 15 of Chen et al. (CVPR 2023)."""
    distances = result.tables[""].set_index(["model", "noise"])["wasserstein"]
    by_model = dict(list(result.tables["densities"].groupby("model", sort=False)))
    figure, grid = figures.panels(len(by_model), 2.3, share_y=True)
    for axes, (model, table) in zip(grid, by_model.items(), strict=True):
        for noise, style in reversed(styles.items()):
            axes.plot(*joined_density(table[table["noise"] == noise]), **style)
        for number, (noise, style) in enumerate(styles.items()):
            text = f"{distances[model, noise]:.3f}" if number else "distance"
            axes.text(
                0.97,
                0.97 - 0.085 * number,
                text,
                color=style["color"],
                fontsize=7.5,
                ha="right",
                va="top",
                transform=axes.transAxes,
            )
        axes.set(title=figures.wrapped(result.name(model), PANEL, 10), yscale="log", ylim=(1e-5, 2), xlim=(-12, 12))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.tick_params(length=0, which="both")
    figure.supxlabel("projected feature, standard deviations of the reference", fontsize=9)
    figure.supylabel("density", fontsize=9)
    figures.legend(figure, [Line2D([], [], label=noise, **style) for noise, style in styles.items()])
    return figure


def joined_density(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """(x, density) of one noise over joined bins; NaN in empty ones."""
    share = np.zeros(BINS)
    index = np.searchsorted(EDGES, table["deviations"]) - 1
    share[index] = table["density"] * np.diff(EDGES)[index]
    share, edges = share.reshape(-1, JOINED_BINS).sum(1), EDGES[::JOINED_BINS]
    return (edges[1:] + edges[:-1]) / 2, np.where(share > 0, share / np.diff(edges), np.nan)


def draw_plane(result: Result, styles: dict[str, dict]) -> Figure:
    """Contours of each noise on the first two components, one panel per model, with the components' shares."""
    shares = {model["models"]: model.get("component_shares") for model in result.models}  # an older result has none
    by_model = dict(list(result.tables["plane"].groupby("model", sort=False)))
    centres = (np.arange(PLANE_CELLS) + 0.5) * (2 * PLANE_REACH / PLANE_CELLS) - PLANE_REACH
    figure, grid = figures.panels(len(by_model), 2.5)
    for axes, (model, table) in zip(grid, by_model.items(), strict=True):
        for noise, style in reversed(styles.items()):
            density = smooth_density(table[table["noise"] == noise])
            axes.contour(
                centres,
                centres,
                density.T,
                levels=mass_levels(density, MASSES),
                colors=style["color"],
                linewidths=(1.0, 1.6),
                linestyles=[style["linestyle"]],
            )
        percent = [f" ({100 * share:.0f}%)" for share in shares[model] or ()] or ["", ""]
        axes.set(
            title=figures.wrapped(result.name(model), PANEL, 10),
            xlabel=f"component 1{percent[0]}",
            ylabel=f"component 2{percent[1]}",
            aspect="equal",
            xlim=(-DRAWN_REACH, DRAWN_REACH),
            ylim=(-DRAWN_REACH, DRAWN_REACH),
        )
    figures.legend(figure, [Line2D([], [], label=noise, **style) for noise, style in styles.items()])
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
