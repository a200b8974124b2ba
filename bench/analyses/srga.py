"""SRGA of models under noises, with a noise floor."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis import srga
from bench.analyses.core import figures, measurements
from bench.analyses.core.config import Config, open_store
from bench.analyses.core.feature_extractor import FeatureExtractor, deepest
from bench.analyses.core.noise_shift import NoiseShift, summary
from bench.analyses.core.outputs import model_settings
from bench.analyses.core.patches import batches
from bench.analyses.core.result import CaptionedFigure, Result
from bench.core.errors import as_bad_input
from bench.core.progress import Progress, progress
from bench.models.model_specs import Model
from bench.noise import noises
from bench.runs.store import Store
from noise_zoo.noise import Noise
from reports.charts.style import INK, MUTED

TITLE = "Divergence of deep features (SRGA)"
ORDER = 20
ABOUT = (
    "SRGA (Liu et al., TPAMI 2023): 0 for the same features as under the reference noise, higher for a larger "
    "divergence. Noise floor: SRGA of the same patches under the reference noise with another seed; a value whose "
    "interval includes it is not significant. 95% delete-half jackknife intervals over photographs."
)
VERSION = 1  # of the definition: other numbers need another version
BATCH = 16  # patches per pass through a network
MAX_BYTES_IN_MEMORY = 3_300_000_000  # of features; more go into a temporary file in the run folder
FLOOR_LINE = {"color": MUTED, "linewidth": 1, "linestyle": (0, (2, 1))}


def measure(
    models: Sequence[Model],
    config: Config,
    chosen: Sequence[Noise],
    reference: Noise,
    layers: Sequence[str] = (),
    components: int = 300,
    pca: str = "exact",
) -> Result:
    """SRGA of each model under each noise, from 0; values that are in the run folder are not measured again.

    chosen       noises that are compared with the `reference` noise
    layers       names or patterns, of which the deepest is used; the default layers without any
    components   of the PCA, at most the number of patches
    pca          'exact', or 'official' for scikit-learn's PCA as published

    Raises BadInput.
    """
    config.patches.require(2, "SRGA")
    count = len(config.patches.patches)
    settings = {"components": min(components, count), "pca": pca, "version": VERSION}
    shift = NoiseShift("srga", tuple(chosen), reference, config, settings)
    extractors = [deepest(model, layers, config.device) for model in models]
    with open_store(config.out) as store:
        with progress("batches", -(-count // BATCH) * len(extractors) * (len(shift.pairs) + 1)) as bar:
            for extractor in extractors:
                measure_missing(extractor, shift, store, bar)
        table = shift.frame(extractors, measurements.read(store))
    return Result(
        "srga",
        ["srga"],
        {**shift.question, "draws": srga.DRAWS},
        [model_settings(one.model, layers=one.layers[-1]) for one in extractors],
        {"": table},
        draw,
        partial(summary, "srga", "SRGA", 2),
        joins=True,
        notes=[f"{count} components: the PCA has at most as many as patches"] if components > count else [],
    )


def measure_missing(extractor: FeatureExtractor, shift: NoiseShift, store: Store, bar: Progress) -> None:
    """Commit the values of a model that are not in the store, one by one."""
    known = measurements.read(store).index
    missing = [pair for pair in shift.pairs if measurements.key(shift.measurement(extractor, *pair)) not in known]
    passes = len(shift.pairs) - len(missing) + (not missing)  # skipped; the reference too if nothing is missing
    bar.skip(passes * -(-len(shift.config.patches.patches) // BATCH))
    if missing:
        reference = fit(extractor, shift, shift.reference, shift.config.seed, bar)
        for measure, noise, seed in missing:
            value = srga.compare(reference, fit(extractor, shift, noise, seed, bar))
            measurements.write(store, [shift.measurement(extractor, measure, noise, seed, value)])


def fit(extractor: FeatureExtractor, shift: NoiseShift, noise: Noise, seed: int, bar: Progress) -> srga.FeatureFit:
    """The fit to a model's deepest features of all patches under a noise. Raises BadInput."""
    config, table, first = shift.config, None, 0
    photographs = [patch.image for patch in config.patches.patches]
    for batch in batches(config.patches, noise, seed, config.protocol, BATCH):
        features = extractor(batch.noisy, batch.keys)[extractor.layers[-1]].float().cpu().numpy()
        if table is None:
            table = feature_table(len(photographs), features.shape[1], config.out)
        table[first : first + len(features)] = features
        first += len(features)
        bar.advance()
    with as_bad_input(f"model {extractor.model.label} under {noises.canonical(noise)}"):
        return srga.fit_features(
            table, photographs, min(shift.settings["components"], table.shape[1]), shift.settings["pca"]
        )


def feature_table(rows: int, columns: int, folder: Path) -> np.ndarray:
    """An uninitialized float32 array: in memory, or in an unnamed file in the folder if it is too large."""
    if rows * columns * 4 <= MAX_BYTES_IN_MEMORY:
        return np.empty((rows, columns), np.float32)
    with tempfile.TemporaryFile(dir=folder) as file:  # the map keeps it open
        return np.memmap(file, np.float32, "w+", shape=(rows, columns))


def draw(result: Result) -> list[CaptionedFigure]:
    """The figure of a result; none if it has the reference noise alone."""
    table, reference = result.tables[""], result.settings["reference"]
    caption = (
        f"One bar per model and level; 0 is the same as under {reference}. The pale part of a bar is the model's noise "
        "floor, up to the upper bound of its interval (dashed). Whiskers are 95% intervals over photographs."
    )
    return [CaptionedFigure(f"SRGA against {reference}", caption, draw_bars(result))] if len(table) else []


def draw_bars(result: Result) -> Figure:
    """One panel per noise with a bar per model and level, as in figure 14 of Chen et al. (CVPR 2023)."""
    table = result.tables[""]
    colours = figures.model_colours(table["model"])
    by_noise = dict(list(table.groupby("noise_name", sort=False)))
    top = 1.06 * np.nanmax(table[["srga", "high", "floor", "floor_high"]].to_numpy(float))
    figure, grid = figures.panels(len(by_noise), 1.75, share_y=True)
    for axes, (name, part) in zip(grid, by_noise.items(), strict=True):
        draw_panel(axes, part, colours)
        axes.set(ylim=(0, top), ylabel="SRGA" if axes.get_subplotspec().is_first_col() else "", title=name)
    handles = [Patch(facecolor=colour, label=result.name(model)) for model, colour in colours.items()]
    floor = Patch(facecolor=MUTED, alpha=0.35, label="noise floor")
    figures.legend(figure, [*handles, floor, Line2D([], [], label="its upper bound", **FLOOR_LINE)])
    return figure


def draw_panel(axes: Axes, table: pd.DataFrame, colours: dict[str, str]) -> None:
    """The levels of one noise from left to right; the part of a bar that is noise floor is pale."""
    levels = list(dict.fromkeys(table["noise"]))
    bar = 0.8 / len(colours)
    for number, (model, colour) in enumerate(colours.items()):
        shown = table[table["model"] == model].set_index("noise").reindex(levels)
        x = np.arange(len(shown)) + bar * (number - (len(colours) - 1) / 2)
        axes.bar(x, shown["srga"], bar * 0.92, color=colour, zorder=2)
        axes.bar(x, shown["floor"], bar * 0.92, color="white", alpha=0.55, zorder=3, linewidth=0)
        error = [shown["srga"] - shown["low"], shown["high"] - shown["srga"]]
        axes.errorbar(x, shown["srga"], error, fmt="none", ecolor=INK, elinewidth=0.9, zorder=4)
        axes.hlines(shown["floor_high"].fillna(shown["floor"]), x - bar / 2, x + bar / 2, zorder=5, **FLOOR_LINE)
    axes.set_xlim(-0.5, len(levels) - 0.5)
    single = [re.fullmatch(r"[^(]+\((\w+)=([^=]+)\)", noise) for noise in levels]
    texts = [match[2] if match else noise if "(" in noise else "" for match, noise in zip(single, levels, strict=True)]
    names = {match[1] if match else "" for match in single}
    axes.set_xticks(range(len(levels)), texts)  # 25, above sigma, for gaussian(sigma=25)
    axes.set_xlabel(names.pop() if len(names) == 1 else "", fontsize=8)
    axes.grid(axis="x", visible=False)
