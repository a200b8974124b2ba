"""Does what is inside predict the drop? Findings and scores of one run joined cell by cell, and rank correlations.

A cell is a model under a noise at a level. Its drop is the PSNR under the reference noise less the PSNR under its own,
image by image, in dB. The findings are of the deepest features, against the same reference noise.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import pandas as pd

from analysis.rank_correlation import DRAWS, QUESTIONS, rank_correlation
from bench import spec
from bench.errors import BadInput
from bench.inside import findings
from bench.inside.figures import prediction as figure
from bench.inside.look import Drawing, Look
from bench.runs import contents, selection
from bench.runs.store import Store

VERSION = 1
NOISY = "noisy input"
MEASURES = {
    "srga": "SRGA",
    "wasserstein": "Wasserstein distance of the features",
    "cka": "1 - CKA",
    NOISY: "drop of the noisy input, dB",
}
SHORT = {"srga": "SRGA", "wasserstein": "Wasserstein distance", "cka": "1 - CKA", NOISY: "noisy input's drop, dB"}
WORDS = (
    "Spearman's rank correlation of a measure with the drop in PSNR from the reference noise. All cells: models and "
    "noises together, where strong noise moves both. Which noise: within each model, mean over models. Which model: "
    "within each noise, mean over noises; what all models share of a noise cannot help there. The noisy input's own "
    "drop needs no network, and is what a measure has to beat. Intervals: 95%, "
    f"bootstrap that draws models, and noises with all of their levels, with repeats ({DRAWS} draws); where there are "
    "fewer than three models or noises, only the others are drawn."
)
MODEL = ["model", "weights_hash"]
NOISE = ["noise", "noise_version"]
WHERE = ["dataset", "protocol"]


@dataclass(frozen=True)
class Joined:
    """`cells`: a row a model and noise with its drop (dB) and each measure, NaN where it was not measured."""

    reference: str
    dataset: str
    protocol: str
    cells: pd.DataFrame

    @property
    def measures(self) -> list[str]:
        return [name for name in MEASURES if name in self.cells and self.cells[name].notna().any()]

    @property
    def words(self) -> str:
        """'6 models under 25 levels of 7 noises, builtin, protocol stored, reference gaussian(sigma=15)'"""
        models, levels, names = (self.cells[column].nunique() for column in ("model", "noise", "noise_name"))
        counts = f"{_count(models, 'model')} under {_count(levels, 'level')} of {_count(names, 'noise')}"
        return f"{counts}, {self.dataset}, protocol {self.protocol}, reference {self.reference}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def join(store: Store, reference: str, dataset: str | None = None, protocol: str | None = None) -> Joined:
    """The cells whose drop and findings are there; of several data sets and protocols, that with the most.

    `dataset` is the text that findings have: one name, or several with commas. Raises BadInput where there are none.
    """
    found, rows = _against(_of_pixels(findings.read(store), store), reference), selection.all_of_store(store)
    for column, wanted in (("dataset", dataset), ("protocol", protocol)):
        found = found[found[column] == wanted] if wanted else found
    made = [_join(part, rows, reference, *where) for where, part in found.groupby(WHERE, sort=False)]
    made = [one for one in made if len(one.cells)]
    if not made:
        raise BadInput(_nothing(store, found, rows, reference))
    return max(made, key=lambda one: one.cells[[*one.measures]].notna().to_numpy().sum())


def _of_pixels(found: pd.DataFrame, store: Store) -> pd.DataFrame:
    """The findings on the pixels that the scores are of, as far as both say of which they are."""
    read = store.contents()
    read = read[read["noise"] == ""]
    pixels = found["settings"].map(lambda text: json.loads(text).get("pixels") if text else None)
    kept = pd.Series(True, found.index)
    for dataset in set(found["dataset"]):
        names = [dataset] if dataset in set(read["dataset"]) else spec.split(dataset)
        part = read[read["dataset"].isin(names)]
        if set(names) <= set(part["dataset"]) and part["image_hash"].notna().all():
            now = contents.combined_hash(part[["dataset", "image", "image_hash"]].itertuples(index=False, name=None))
            kept &= (found["dataset"] != dataset) | pixels.isna() | (pixels == now)
    return found[kept]


def _nothing(store: Store, found: pd.DataFrame, rows: pd.DataFrame, reference: str) -> str:
    """What is missing for an answer, and how to get it."""
    folder = store.folder
    if not len(found):
        return (
            f"{folder} has no SRGA, feature distances or CKA against {reference}: run bench srga, bench features or "
            f"bench cka MODEL --noise-b all with --out {folder}"
        )
    if not len(rows):
        return f"{folder} has no scores: run bench run with --out {folder}, the same models, noises and data sets"
    pairs = [" under ".join(where) for where in sorted(set(found[WHERE].itertuples(index=False, name=None)))]
    return (
        f"{folder} has scores and findings, and none of both of one model, noise, data set and protocol, with "
        f"{reference} among the scores: findings are of {'; '.join(pairs)}"
    )


def _against(found: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Findings of a model on a noise against itself on the reference, under the measures' names, further is more."""
    itself = (found["model"] == found["other_model"]) & (found["weights_hash"] == found["other_weights_hash"])
    found = found[itself & (found["layer"] == found["other_layer"]) & found["measure"].isin(MEASURES)].copy()
    turned = (found["noise"] == reference) & (found["measure"] == "cka")  # CKA has the reference first
    for column in ("noise", "noise_version"):
        found.loc[turned, [column, f"other_{column}"]] = found.loc[turned, [f"other_{column}", column]].to_numpy()
    found = found[(found["other_noise"] == reference) & (found["noise"] != reference)]
    return found.assign(value=found["value"].where(found["measure"] != "cka", 1 - found["value"]))


def _join(found: pd.DataFrame, rows: pd.DataFrame, reference: str, dataset: str, protocol: str) -> Joined:
    scored = set(rows["dataset"])
    names = {dataset} if dataset in scored else set(spec.split(dataset))
    there = (rows["status"] == "ok") & (rows["precision"] == "float32") & (rows["protocol"] == protocol)
    cells = drops(rows[there & rows["dataset"].isin(names if names <= scored else ())], reference)
    for measure, part in found.groupby("measure", sort=False):
        values = _of_one_setting(part, cells)
        cells = cells.merge(values.rename(measure).reset_index(), how="left", on=[*MODEL, *NOISE])
    known = [name for name in cells if name in MEASURES and name != NOISY]
    cells = cells[cells[known].notna().any(axis=1)] if known else cells.iloc[:0]
    cells = cells.assign(noise_name=[spec.parse(noise).name for noise in cells["noise"]])
    return Joined(reference, dataset, protocol, cells.reset_index(drop=True))


def drops(rows: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Rows of one protocol -> a row a model and noise: mean drop of its PSNR and of the noisy input's, and images."""
    image = ["dataset", "image", "image_hash"]
    scores = rows.groupby([*MODEL, *NOISE, *image], sort=False)[["psnr", "psnr_noisy"]].mean()
    scores = scores.reset_index()
    before = scores[scores["noise"] == reference].sort_values("noise_version")
    before = before.drop_duplicates([*MODEL, *image], keep="last").drop(columns=NOISE)
    pairs = scores[scores["noise"] != reference].merge(before, on=[*MODEL, *image], suffixes=("", "_before"))
    pairs = pairs.assign(drop=pairs["psnr_before"] - pairs["psnr"],
                         noisy=pairs["psnr_noisy_before"] - pairs["psnr_noisy"])  # fmt: skip
    cells = pairs.groupby([*MODEL, *NOISE], sort=False)
    return cells.agg(images=("drop", "size"), drop=("drop", "mean"), **{NOISY: ("noisy", "mean")}).reset_index()


def _of_one_setting(found: pd.DataFrame, cells: pd.DataFrame) -> pd.Series:
    """Values by model and noise, of the settings under which the most cells were measured, and of the deepest layer."""
    index = [*MODEL, *NOISE]
    there = found[pd.MultiIndex.from_frame(found[index]).isin(pd.MultiIndex.from_frame(cells[index]))]
    counts = there.drop_duplicates(["settings", "seed", *index]).groupby(["settings", "seed"], sort=False).size()
    if not len(counts):
        return pd.Series(dtype=float, index=pd.MultiIndex.from_arrays([[]] * len(index), names=index))
    settings, seed = counts[::-1].idxmax()  # of equals, the one measured last
    there = there[(there["settings"] == settings) & (there["seed"] == seed)]
    return there.groupby(index, sort=False)["value"].last()  # layers are kept in the order in which they run


def correlations(joined: Joined) -> pd.DataFrame:
    """A row a measure and question: rho, low, high, and how many cells, models and noises it rests on."""
    cells, rows = joined.cells, []
    families = cells.drop_duplicates("noise").set_index("noise")["noise_name"]
    tables = cells.pivot(index="model", columns="noise")[[*joined.measures, "drop"]]
    for measure in joined.measures:
        table = tables[measure][families.index]
        drop = tables["drop"][families.index].where(table.notna())
        counts = {"cells": int(table.notna().to_numpy().sum()), "models": int(table.notna().any(axis=1).sum()),
                  "noises": families[table.notna().any().to_numpy()].nunique()}  # fmt: skip
        for question in QUESTIONS:
            found = rank_correlation(table.to_numpy(float), drop.to_numpy(float), question, families.tolist())
            rows.append({"measure": measure, "question": question, "rho": found.value, "low": found.low,
                         "high": found.high, **counts})  # fmt: skip
    return pd.DataFrame(rows)


def look(joined: Joined, frame: pd.DataFrame) -> Look:
    """The answer as it is kept."""
    cells = joined.cells
    settings = {
        "reference": joined.reference, "datasets": spec.split(joined.dataset), "protocol": joined.protocol,
        "models": list(dict.fromkeys(cells["model"])), "noises": list(dict.fromkeys(cells["noise"])),
        "weights_sha256": list(dict.fromkeys(cells["weights_hash"])), "draws": DRAWS, "version": VERSION,
    }  # fmt: skip
    how = {"dataset": joined.dataset, "protocol": joined.protocol}
    found = [
        {
            "measure": f"rank_correlation_{row['measure'].replace(' ', '_')}", **how, "other_noise": joined.reference,
            "settings": findings.settings_text({"question": row["question"], "version": VERSION}),
            "value": row["rho"], "low": row["low"], "high": row["high"],
        }
        for row in frame.to_dict("records")
    ]  # fmt: skip
    title = "Does what is inside predict the drop?"
    caption = (
        "Above: a point is a model (its shape) under a noise at a level (its colour); the drop in PSNR from "
        f"{joined.reference} against what was measured inside the network, and against the drop of the noisy input "
        "itself. Below: the same, less the mean of all models under that noise: whether the model that a measure calls "
        f"worse loses more. {joined.words[0].upper()}{joined.words[1:]}."
    )
    drawn = figure.draw(cells, frame, {name: SHORT[name] for name in joined.measures})
    drawing = Drawing(title, caption, drawn, numbers="cells")
    return Look("predict", "predict", title, WORDS, settings, {"": frame, "cells": cells}, (drawing,), found,
                of_the_run=True)  # fmt: skip
