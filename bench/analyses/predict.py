"""Rank correlation of the analyses with the PSNR drop, from the measurements and the scores of one run.

A cell is a model under a noise at a level. Its PSNR drop is the PSNR under the reference noise minus the PSNR under its
own, image by image, in dB. The measurements are of the deepest features, against the same reference noise.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.predict import DRAWS, QUESTIONS, rank_correlation
from bench import spec
from bench.analyses.core import figures, measurements
from bench.analyses.core.result import CaptionedFigure, Models, Result, Tables, TextTable
from bench.core.errors import BadInput
from bench.runs import contents, selection
from bench.runs.store import Store
from bench.runs.table import cell_text
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
    """Measurements and scores of a run: one row per cell with its PSNR drop in dB and each measure, NaN if unknown."""

    reference: str
    dataset: str
    protocol: str
    cells: pd.DataFrame

    @property
    def measures(self) -> list[str]:
        return [name for name in MEASURES if name in self.cells and self.cells[name].notna().any()]

    @property
    def text(self) -> str:
        """'6 models under 25 levels of 7 noises, builtin, protocol stored, reference gaussian(sigma=15)'"""
        counts = {word: self.cells[column].nunique() for word, column in
                  {"model": "model", "level": "noise", "noise": "noise_name"}.items()}  # fmt: skip
        models, levels, names = (f"{count} {word}{'s' * (count != 1)}" for word, count in counts.items())
        where = f"{self.dataset}, protocol {self.protocol}, reference {self.reference}"
        return f"{models} under {levels} of {names}, {where}"


def measure(store: Store, reference: str, dataset: str | None = None, protocol: str | None = None) -> Result:
    """Rank correlation of each measure with the PSNR drop from a reference noise, by its canonical spec.

    dataset, protocol   of the measurements; by default those with the most cells

    Raises BadInput if nothing can be joined.
    """
    joined = join(store, reference, dataset, protocol)
    table = correlations(joined)
    where = {"dataset": joined.dataset, "protocol": joined.protocol}
    rows = [
        {
            "measure": f"rank_correlation_{row['measure'].replace(' ', '_')}", **where, "other_noise": reference,
            "settings": measurements.settings_text({"question": row["question"], "version": VERSION}),
            "value": row["rho"], "low": row["low"], "high": row["high"],
        }
        for row in table.to_dict("records")
    ]  # fmt: skip
    cells = joined.cells
    question = {
        "reference": reference, "datasets": spec.split(joined.dataset), "protocol": joined.protocol,
        "noises": list(dict.fromkeys(cells["noise"])), "draws": DRAWS, "version": VERSION,
    }  # fmt: skip
    models = [{"models": model, "weights_sha256": weights}
              for model, weights in dict(zip(cells["model"], cells["weights_hash"], strict=True)).items()]  # fmt: skip
    lines = [
        [
            MEASURES[name],
            str(part["cells"].iloc[0]),
            *(cell_text(*row) for row in part[["rho", "low", "high"]].to_numpy()),
        ]
        for name, part in table.groupby("measure", sort=False)
    ]
    summary = TextTable("Rank correlation with the PSNR drop [95%]",
                        ("measure", "cells", "all cells", "which noise", "which model"), lines)  # fmt: skip
    return Result("predict", ["predict"], question, models, {"": table, "cells": cells},
                  partial(draw, text=joined.text, reference=reference), summary, rows, [joined.text],
                  replaces=True)  # fmt: skip


def join(store: Store, reference: str, dataset: str | None = None, protocol: str | None = None) -> Joined:
    """The cells with scores and measurements; of several data sets and protocols, those with the most.

    dataset   text of the column in the measurements: one name, or several with commas

    Raises BadInput if there is none.
    """
    measured = against_reference(of_pixels(measurements.read(store), store), reference)
    rows = selection.all_of_store(store)
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
    """Measurements of a model under a noise against itself under the reference, where higher is further away."""
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
    for name in measures:
        values = of_one_setting(measured[measured["measure"] == name], cells)
        cells = cells.merge(values.rename(name).reset_index(), how="left", on=[*MODEL, *NOISE])
    cells = cells[cells[measures].notna().any(axis=1)]
    cells = cells.assign(noise_name=[spec.parse(noise).name for noise in cells["noise"]])
    return Joined(reference, dataset, protocol, cells.reset_index(drop=True))


def drops(rows: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Rows of one protocol -> per model and noise: number of images, mean PSNR drop in dB, and the noisy input's."""
    image = ["dataset", "image", "image_hash"]
    scores = rows.groupby([*MODEL, *NOISE, *image], sort=False)[["psnr", "psnr_noisy"]].mean().reset_index()
    before = scores[scores["noise"] == reference].sort_values("noise_version")
    before = before.drop_duplicates([*MODEL, *image], keep="last").drop(columns=NOISE)
    pairs = scores[scores["noise"] != reference].merge(before, on=[*MODEL, *image], suffixes=("", "_before"))
    pairs = pairs.assign(drop=pairs["psnr_before"] - pairs["psnr"],
                         noisy=pairs["psnr_noisy_before"] - pairs["psnr_noisy"])  # fmt: skip
    cells = pairs.groupby([*MODEL, *NOISE], sort=False)
    return cells.agg(images=("drop", "size"), drop=("drop", "mean"), **{NOISY: ("noisy", "mean")}).reset_index()


def of_one_setting(measured: pd.DataFrame, cells: pd.DataFrame) -> pd.Series:
    """Values of one measure by model and noise: of the settings with the most cells, and of the deepest layer."""
    index = [*MODEL, *NOISE]
    of_cells = pd.MultiIndex.from_frame(measured[index]).isin(pd.MultiIndex.from_frame(cells[index]))
    measured = measured[of_cells]
    counts = measured.drop_duplicates(["settings", "seed", *index]).groupby(["settings", "seed"], sort=False).size()
    if len(counts):
        settings, seed = counts[::-1].idxmax()  # the newest of equals
        measured = measured[(measured["settings"] == settings) & (measured["seed"] == seed)]
    return measured.groupby(index, sort=False)["value"].last()  # layers are stored in the order in which they run


def correlations(joined: Joined) -> pd.DataFrame:
    """One row per measure and question: rho, low, high, and the number of cells, models and noises."""
    cells, rows = joined.cells, []
    families = cells.drop_duplicates("noise").set_index("noise")["noise_name"]
    tables = cells.pivot(index="model", columns="noise")[[*joined.measures, "drop"]]
    for name in joined.measures:
        table = tables[name][families.index]
        drop = tables["drop"][families.index].where(table.notna())
        counts = {"cells": int(table.notna().to_numpy().sum()), "models": int(table.notna().any(axis=1).sum()),
                  "noises": families[table.notna().any().to_numpy()].nunique()}  # fmt: skip
        for question in QUESTIONS:
            rho = rank_correlation(table.to_numpy(float), drop.to_numpy(float), question, families.tolist())
            rows.append({"measure": name, "question": question, "rho": rho.value, "low": rho.low, "high": rho.high,
                         **counts})  # fmt: skip
    return pd.DataFrame(rows)


def draw(tables: Tables, models: Models, text: str, reference: str) -> list[CaptionedFigure]:
    caption = (
        f"Top: one point per model (marker) and noise at a level (colour): the PSNR drop from {reference} against each "
        "measure, and against the PSNR drop of the noisy input. Bottom: the same minus the mean over the models under "
        f"that noise: whether a model with a larger measure has a larger PSNR drop. {text}."
    )
    return [CaptionedFigure(TITLE, caption, draw_points(tables["cells"], tables[""]), numbers="cells")]


def draw_points(cells: pd.DataFrame, table: pd.DataFrame) -> Figure:
    """One column of panels per measure: PSNR drop against the measure, and both minus their mean under a noise."""
    models, families = (list(dict.fromkeys(cells[column])) for column in ("model", "noise_name"))
    measures = list(dict.fromkeys(table["measure"]))
    rho = table.set_index(["measure", "question"])
    with figures.style():
        figure = Figure(figsize=(0.6 + 2.05 * len(measures), 5.0), layout="constrained")
        grid = figure.subplots(2, len(measures), squeeze=False, sharey="row")
        for name, (upper, lower) in zip(measures, grid.T, strict=True):
            known = cells[cells[name].notna()]
            draw_panel(upper, known, name, models, families, rho.loc[(name, "all")])
            upper.set_title(MEASURES[name], pad=18)
            if np.isnan(rho.loc[(name, "models"), "rho"]):  # equal for all models, or too few
                lower.set_axis_off()
                continue
            means = known.groupby("noise")[[name, "drop"]].transform("mean")
            centred = known.assign(**{column: known[column] - means[column] for column in (name, "drop")})
            draw_panel(lower, centred, name, models, families, rho.loc[(name, "models")])
            lower.set_xlabel(f"{MEASURES[name]},\nminus the noise's mean", fontsize=8)
            lower.axhline(0, color=MUTED, linewidth=0.8, zorder=1)
            lower.axvline(0, color=MUTED, linewidth=0.8, zorder=1)
        grid[0, 0].set_ylabel("PSNR drop, dB")
        grid[1, 0].set_ylabel("minus the noise's mean, dB")
        handles = [Line2D([], [], label=name, **point_style(number, 0) | {"color": MUTED})
                   for number, name in enumerate(models)]  # fmt: skip
        handles += [Line2D([], [], label=name, **point_style(0, number) | {"marker": "s"})
                    for number, name in enumerate(families)]  # fmt: skip
        figures.legend(figure, handles)
    return figure


def draw_panel(
    axes: Axes, cells: pd.DataFrame, measure: str, models: Sequence[str], families: Sequence[str], rho: pd.Series
) -> None:
    """PSNR drop against a measure, with the rank correlation above."""
    for (model, family), part in cells.groupby(["model", "noise_name"], sort=False):
        axes.plot(part[measure], part["drop"], **point_style(models.index(model), families.index(family)))
    unknown = np.isnan(rho["rho"])
    bounds = "" if np.isnan(rho["low"]) else f" [{rho['low']:.2f}, {rho['high']:.2f}]"
    text = "too few to rank" if unknown else f"ρ = {rho['rho']:.2f}{bounds}"
    axes.text(0, 1.03, text, transform=axes.transAxes, fontsize=8, color=INK)


def point_style(model: int, family: int) -> dict:
    """Marker of a model and colour of a noise, by their indices."""
    return {"marker": MARKERS[model % len(MARKERS)], "color": SERIES[family % len(SERIES)], "markersize": 4.2,
            "alpha": 0.8, "markeredgewidth": 0, "linestyle": "none"}  # fmt: skip
