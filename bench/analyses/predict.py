"""Rank correlation of the analyses with the PSNR drop, from the measurements and the scores of one run.

A cell is a model under a noise at a level. Its PSNR drop is the PSNR under the reference noise minus the PSNR under its
own, image by image, in dB. The measurements are of the deepest features, against the same reference noise.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from itertools import cycle

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.predict import DRAWS, QUESTIONS, rank_correlation
from bench import spec
from bench.analyses.core import figures, measurements
from bench.analyses.core.result import CaptionedFigure, Result, TextTable, estimate_texts
from bench.core.errors import BadInput
from bench.noise import noises
from bench.runs import contents, selection
from bench.runs.filters import EVERYTHING, Filters
from bench.runs.run_specs import RunModels
from bench.runs.store import Store
from noise_zoo.noise import Noise
from reports.charts.style import INK, MARKERS, MUTED, SERIES

TITLE = "Does the inside predict the PSNR drop?"
ORDER = 10
ABOUT = (
    "Spearman's rank correlation of a measure with the PSNR drop from the reference noise. All cells: models and "
    "noises together, where strong noise increases both. Which noise: within each model, mean over models. Which "
    "model: within each noise, mean over noises; what all models have in common under a noise has no influence. The "
    "PSNR drop of the noisy input needs no network: a useful measure has a higher correlation. 95% intervals: "
    "bootstrap over models, and over noises with all of their levels (1000 draws); with fewer than three models or "
    "noises only the others are drawn."
)
VERSION = 1
NOISY = "noisy input"
MEASURES = {
    "srga": "SRGA",
    "wasserstein": "Wasserstein distance",
    "cka": "1 - CKA",
    NOISY: "input's PSNR drop, dB",
}
MODEL = ["model", "weights_hash"]
NOISE = ["noise", "noise_version"]
WHERE = ["dataset", "protocol"]


@dataclass(frozen=True)
class Joined:
    """Measurements and scores of a run: one row per cell with its PSNR drop in dB and each measure, NaN if unknown.

    patches   'srga: 300 of 128x128 pixels' for each measure, if it is known
    """

    reference: str
    dataset: str
    protocol: str
    cells: pd.DataFrame
    patches: tuple[str, ...]

    @property
    def measures(self) -> list[str]:
        """The measures that are known of any cell, in the order of the figure."""
        return [name for name in MEASURES if name in self.cells and self.cells[name].notna().any()]

    @property
    def text(self) -> str:
        """'6 models under 25 levels of 7 noises, builtin, protocol stored, reference gaussian(sigma=15)'"""
        counts = zip(self.cells[["model", "noise", "noise_name"]].nunique(), ("model", "level", "noise"), strict=True)
        models, levels, names = (f"{count} {word}{'s' * (count != 1)}" for count, word in counts)
        where = f"{self.dataset}, protocol {self.protocol}, reference {self.reference}"
        return f"{models} under {levels} of {names}, {where}"


def measure(
    store: Store,
    reference: Noise,
    dataset: str | None = None,
    protocol: str | None = None,
    filters: Filters = EVERYTHING,
) -> Result:
    """Rank correlation in [-1, 1] of each measure with the PSNR drop from a reference noise.

    dataset, protocol   of the measurements; by default those with the most cells
    filters             the rows with the scores

    Raises BadInput if nothing can be joined.
    """
    reference = noises.canonical(reference)
    joined = join(store, reference, dataset, protocol, filters)
    cells, table = joined.cells, correlations(joined)
    chosen = {option: value for option, value in filters.options().items() if value is not None}
    rows = [
        measurements.row(
            f"rank_correlation_{row.measure.replace(' ', '_')}",
            {
                "dataset": joined.dataset,
                "protocol": joined.protocol,
                "other_noise": reference,
                "settings": measurements.settings_text({"question": row.question, "version": VERSION, **chosen}),
            },
            estimate=(row.rho, row.low, row.high),
        )
        for row in table.itertuples()
    ]
    question = {
        "reference": reference,
        "datasets": spec.split(joined.dataset),
        "protocol": joined.protocol,
        "noises": list(cells["noise"].unique()),
        "patches_by_measure": joined.patches,
        "draws": DRAWS,
        "version": VERSION,
    }
    models = [
        {"models": model, "weights_sha256": weights}
        for model, weights in dict(zip(cells["model"], cells["weights_hash"], strict=True)).items()
    ]
    lines = [
        [MEASURES[name], str(part["cells"].iloc[0]), *estimate_texts(part, ("rho", "low", "high"))]
        for name, part in table.groupby("measure", sort=False)
    ]
    headings = ("measure", "cells", "all cells", "which noise", "which model")
    summary = TextTable("Rank correlation with the PSNR drop [95%]", headings, lines)
    return Result(
        "predict",
        ["predict"],
        question,
        models,
        {"": table, "cells": cells},
        partial(draw, joined.text),
        lambda result: summary,
        rows,
        notes=[joined.text],
        replaces=True,
    )


def join(
    store: Store,
    reference: str,
    dataset: str | None = None,
    protocol: str | None = None,
    filters: Filters = EVERYTHING,
) -> Joined:
    """The cells with scores and measurements; of several data sets and protocols, those with the most.

    dataset   text of the column in the measurements: one name, or several with commas

    Raises BadInput if there is none.
    """
    measured = against_reference(of_pixels(measurements.read(store), store), reference)
    rows = selection.all_of_store(store)
    if len(rows):
        rows = filters.apply(rows, RunModels.of_manifest(store.manifest()), reference)
    for column, value in (("dataset", dataset), ("protocol", protocol)):
        measured = measured[measured[column] == value] if value else measured
    candidates = [_join(part, rows, reference, *where) for where, part in measured.groupby(WHERE, sort=False)]
    candidates = [one for one in candidates if len(one.cells)]
    if not candidates:
        raise BadInput(_missing(store, measured, rows, reference))
    return max(candidates, key=lambda one: one.cells[[*one.measures]].notna().to_numpy().sum())


def _missing(store: Store, measured: pd.DataFrame, rows: pd.DataFrame, reference: str) -> str:
    """What is missing for a correlation, and how to measure it."""
    folder = store.folder
    if not len(measured):
        return (
            f"expected SRGA, feature distances or CKA against {reference} in {folder}, got none: run bench srga, bench "
            f"features, or bench cka MODEL --noise-b all with --out {folder}"
        )
    if not len(rows):
        return (
            f"expected scores in {folder}, got none: run bench run with --out {folder} and the same models and noises"
        )
    pairs = [" under ".join(where) for where in sorted(set(measured[WHERE].itertuples(index=False, name=None)))]
    return (
        f"expected scores in {folder} of the models, noises, data set and protocol of the measurements "
        f"({'; '.join(pairs)}) and of {reference}, got none: run bench run with them"
    )


def of_pixels(measured: pd.DataFrame, store: Store) -> pd.DataFrame:
    """Measurements of the pixels that the scores are of, as far as both say of which they are."""
    read = store.contents()
    read = read[read["noise"] == ""]
    pixels = measured["settings"].map(lambda text: json.loads(text).get("pixels") if text else None)
    kept = pd.Series(True, measured.index)
    for dataset in set(measured["dataset"]):
        names = [dataset] if dataset in set(read["dataset"]) else spec.split(dataset)
        part = read[read["dataset"].isin(names)]
        if set(names) <= set(part["dataset"]) and part["image_hash"].notna().all():
            now = contents.combined_hash(part[["dataset", "image", "image_hash"]].itertuples(index=False, name=None))
            kept &= (measured["dataset"] != dataset) | pixels.isna() | (pixels == now)
    return measured[kept]


def against_reference(measured: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Measurements of a model under a noise against itself under the reference, where higher is more different."""
    itself = [measured[column] == measured[f"other_{column}"] for column in (*MODEL, "layer")]
    measured = measured[np.logical_and.reduce([*itself, measured["measure"].isin(MEASURES)])].copy()
    swapped = (measured["noise"] == reference) & (measured["measure"] == "cka")  # CKA has the reference first
    for column in NOISE:
        pair = [column, f"other_{column}"]
        measured.loc[swapped, pair] = measured.loc[swapped, pair[::-1]].to_numpy()
    measured = measured[(measured["other_noise"] == reference) & (measured["noise"] != reference)]
    return measured.assign(value=measured["value"].where(measured["measure"] != "cka", 1 - measured["value"]))


def _join(measured: pd.DataFrame, rows: pd.DataFrame, reference: str, dataset: str, protocol: str) -> Joined:
    scored = set(rows["dataset"])
    names = {dataset} if dataset in scored else set(spec.split(dataset))
    usable = (rows["status"] == "ok") & (rows["precision"] == "float32") & (rows["protocol"] == protocol)
    cells = drops(rows[usable & rows["dataset"].isin(names if names <= scored else ())], reference)
    measures = list(dict.fromkeys(measured["measure"]))
    patches = []
    for name in measures:
        chosen = of_one_setting(measured[measured["measure"] == name], cells)
        values = chosen.groupby([*MODEL, *NOISE], sort=False)["value"].last()  # layers are in the order they run in
        cells = cells.merge(values.rename(name).reset_index(), how="left", on=[*MODEL, *NOISE])
        settings = json.loads(chosen["settings"].iloc[0]) if len(chosen) else {}
        if "patches" in settings:
            patches.append(f"{name}: {settings['patches']} of {settings['side']}x{settings['side']} pixels")
    cells = cells[cells[measures].notna().any(axis=1)]
    cells = cells.assign(noise_name=[spec.parse(noise).name for noise in cells["noise"]])
    return Joined(reference, dataset, protocol, cells.reset_index(drop=True), tuple(patches))


def drops(rows: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Rows of one protocol -> per model and noise: number of images, mean PSNR drop in dB, and the noisy input's."""
    image = ["dataset", "image", "image_hash"]
    scores = rows.groupby([*MODEL, *NOISE, *image], sort=False)[["psnr", "psnr_noisy"]].mean().reset_index()
    before = scores[scores["noise"] == reference].sort_values("noise_version")
    before = before.drop_duplicates([*MODEL, *image], keep="last").drop(columns=NOISE)
    pairs = scores[scores["noise"] != reference].merge(before, on=[*MODEL, *image], suffixes=("", "_before"))
    pairs = pairs.assign(
        drop=pairs["psnr_before"] - pairs["psnr"], noisy=pairs["psnr_noisy_before"] - pairs["psnr_noisy"]
    )
    cells = pairs.groupby([*MODEL, *NOISE], sort=False)
    return cells.agg(images=("drop", "size"), drop=("drop", "mean"), **{NOISY: ("noisy", "mean")}).reset_index()


def of_one_setting(measured: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """Measurements of the cells by one measure: those of the settings and the seed with the most cells."""
    measured = measured.merge(cells[[*MODEL, *NOISE]])
    one = ["settings", "seed"]
    counts = measured.drop_duplicates([*one, *MODEL, *NOISE]).groupby(one, sort=False).size()
    if not len(counts):
        return measured
    settings, seed = counts[::-1].idxmax()  # the newest of equals
    return measured[(measured["settings"] == settings) & (measured["seed"] == seed)]


def correlations(joined: Joined) -> pd.DataFrame:
    """One row per measure and question: rho, low, high, and the number of cells, models and noises."""
    cells, rows = joined.cells, []
    families = cells.drop_duplicates("noise").set_index("noise")["noise_name"]
    tables = cells.pivot(index="model", columns="noise")[[*joined.measures, "drop"]]
    for name in joined.measures:
        table = tables[name][families.index]
        drop = tables["drop"][families.index].where(table.notna())
        counts = {
            "cells": int(table.notna().to_numpy().sum()),
            "models": int(table.notna().any(axis=1).sum()),
            "noises": families[table.notna().any().to_numpy()].nunique(),
        }
        for question in QUESTIONS:
            rho = rank_correlation(table.to_numpy(float), drop.to_numpy(float), question, families.tolist())
            rows.append({"measure": name, "question": question, **rho._asdict(), **counts})
    return pd.DataFrame(rows).rename(columns={"value": "rho"})


def draw(text: str, result: Result) -> list[CaptionedFigure]:
    """The figure of a result; `text` says of which cells it is."""
    caption = (
        "Top: one point per model (marker) and noise at a level (colour): the PSNR drop from "
        f"{result.settings['reference']} against each measure, and against the PSNR drop of the noisy input. Bottom: "
        "the same minus the mean over the models under that noise: whether a model with a larger measure has a larger "
        f"PSNR drop. {text}."
    )
    return [CaptionedFigure(TITLE, caption, draw_points(result), numbers="cells")]


def draw_points(result: Result) -> Figure:
    """One column of panels per measure: PSNR drop against the measure, and both minus their mean under a noise."""
    cells, table = result.tables["cells"], result.tables[""]
    markers = dict(zip(cells["model"].unique(), cycle(MARKERS), strict=False))
    colours = dict(zip(cells["noise_name"].unique(), cycle(SERIES), strict=False))
    measures, rho = table["measure"].unique(), table.set_index(["measure", "question"])
    figure = Figure(figsize=(0.6 + 2.05 * len(measures), 5.0), layout="constrained")
    grid = figure.subplots(2, len(measures), squeeze=False, sharey="row")
    for name, (upper, lower) in zip(measures, grid.T, strict=True):
        known = cells.dropna(subset=name)
        draw_panel(upper, known, name, rho.loc[(name, "all")], markers, colours)
        upper.set_title(MEASURES[name], pad=18)
        if np.isnan(rho.loc[(name, "models"), "rho"]):  # equal for all models, or too few
            lower.set_axis_off()
            continue
        both = known[[name, "drop"]]
        centred = known.assign(**(both - both.groupby(known["noise"]).transform("mean")))
        draw_panel(lower, centred, name, rho.loc[(name, "models")], markers, colours)
        lower.set_xlabel(f"{MEASURES[name]},\nminus the noise's mean", fontsize=8)
        lower.axhline(0, color=MUTED, linewidth=0.8, zorder=0.9)
        lower.axvline(0, color=MUTED, linewidth=0.8, zorder=0.9)
    grid[0, 0].set_ylabel("PSNR drop, dB")
    grid[1, 0].set_ylabel("minus the noise's mean, dB")
    shown = {"linestyle": "none", "markersize": 4.2, "alpha": 0.8, "markeredgewidth": 0}
    handles = [
        Line2D([], [], label=result.name(model), marker=marker, color=MUTED, **shown)
        for model, marker in markers.items()
    ]
    handles += [Line2D([], [], label=label, marker="s", color=colour, **shown) for label, colour in colours.items()]
    figures.legend(figure, handles)
    return figure


def draw_panel(
    axes: Axes, cells: pd.DataFrame, measure: str, rho: pd.Series, markers: dict[str, str], colours: dict[str, str]
) -> None:
    """PSNR drop against a measure, with the rank correlation above; markers by model, and colours by noise."""
    seaborn.scatterplot(
        cells,
        x=measure,
        y="drop",
        hue="noise_name",
        palette=colours,
        style="model",
        markers=markers,
        s=18,
        alpha=0.8,
        linewidth=0,
        legend=False,
        ax=axes,
    )
    axes.set(xlabel="", ylabel="")
    bounds = "" if np.isnan(rho["low"]) else f" [{rho['low']:.2f}, {rho['high']:.2f}]"
    text = "too few to rank" if np.isnan(rho["rho"]) else f"ρ = {rho['rho']:.2f}{bounds}"
    axes.text(0, 1.03, text, transform=axes.transAxes, fontsize=8, color=INK)
