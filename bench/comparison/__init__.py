"""Comparison of two runs, or of two models of one run: score differences on the same noisy pixels, with tests.

Each side of a comparison is a model, or several trainings of it, whose scores are averaged image by image. Rows are
paired if their pixels are equal: the same clean image, noise, noise version and seed, under one protocol.

pairs      which models are compared with which, from specs
alignment  data sets and images of two runs matched by their pixels
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from os import PathLike

import pandas as pd

from bench import spec
from bench.comparison.alignment import align_by_pixels
from bench.comparison.pairs import ComparedPair, choose_pairs
from bench.core.errors import BadInput, unknown
from bench.runs.filters import Filters
from bench.runs.run_data import RunData
from bench.runs.selection import Selection
from bench.runs.store import FIRST_VERSION
from bench.statistics import measured
from bench.statistics.ood import Conditions, common
from bench.statistics.paired import differences, failed_on_both
from bench.statistics.significance import TESTS, holm
from reports.formatting import plural

Run = str | PathLike | pd.DataFrame | RunData  # a run folder, a bench.Run, or rows
MAX_LISTED_CELLS = 3  # cells without a counterpart that a note names
COLUMNS = (
    "model", "against", "dataset", "noise", "noise_name", "level", "metric", "images", "photographs", "unpaired",
    "failed", "mean", "mean_against", "difference", "low", "high", "p", "p_holm", "trainings", "trainings_against",
    "training_sd", "training_min", "training_max", "moved",
)  # fmt: skip


def compare(
    run: Run,
    other: Run | None = None,
    *,
    models: Sequence[str] | str | None = None,
    against: str | None = None,
    noises: str | None = None,
    datasets: str | None = None,
    metrics: str | None = None,
    seeds: Collection[int] | None = None,
    protocol: str | None = None,
    test: str = TESTS[0],
    conditions: tuple[Conditions, Conditions] | None = None,
) -> pd.DataFrame:
    """Compare two runs, or two models of one run, image by image: one row per pair, data set, noise and metric.

    `run` and `other` are run folders, runs, or frames of rows. Differences are `run` minus `other`, for each model that
    both have; without `other` they are `models` minus `against` within one run, by default ours minus its baseline. A
    side is a list of specs, "ours, ours(weights='ours-small-seed1')": trainings of one network, whose scores are
    averaged. A sequence of such lists is several sides, each compared with the other; "all" is every model by itself.
    `noises` (specs; a name without parameters has all its levels), `datasets`, `metrics` and `seeds` select a subset.

    Columns: images, photographs, unpaired (images without a counterpart), failed (images that failed in `run` and have
    a score in `other`), mean and mean_against, difference with low and high (95% interval over photographs), p of the
    `test` ('permutation' or 'wilcoxon'), p_holm (Holm's correction over all rows of the metric; OOD means are a family
    of their own), training_sd, training_min, training_max (differences of single trainings), and moved: (image,
    difference) of the images with the largest differences. Units are those of the metrics: dB, or none.
    `attrs["notes"]` lists what could not be compared.

    An OOD mean is over the noises that are out of distribution for both sides. `conditions`, of `run` and of `other`,
    give the training noise of models for frames of rows; run folders have it in their manifests.
    Formulas and sources: `bench.statistics.formulas`. Raises BadInput.
    """
    data = run if isinstance(run, RunData) else RunData.read(run, protocol)
    past = other if isinstance(other, RunData) else data if other is None else RunData.read(other, data.protocol)
    mine, theirs = conditions or (data.conditions, past.conditions)
    own_rows, other_rows, notes = data.rows, past.rows, []
    pairs = choose_pairs(own_rows, other_rows, models, against, other is not None, notes, (data.known, past.known))
    for which, one in ({"The": data} if past is data else {"This": data, "The other": past}).items():
        skipped_rows = one.selection.others
        notes += [f"{which} run has rows {skipped.reason}, which are not compared." for skipped in skipped_rows]
    own_rows = Filters(noises=noises, datasets=datasets, seeds=seeds).apply(own_rows)
    other_rows = Filters(noises=noises, seeds=seeds).apply(other_rows)
    names = _metrics(own_rows, other_rows, metrics, _version_mismatches(data.selection, past.selection))
    ood = [
        set(common(own_rows, mine, pair.side.labels)) & set(common(other_rows, theirs, pair.against.labels))
        for pair in pairs
    ]
    sides = [_aligned_rows(pair, own_rows, other_rows, datasets is not None, notes) for pair in pairs]
    frames = [
        differences(*rows, pair.side, pair.against, names, test, ood_noises)
        for pair, rows, ood_noises in zip(pairs, sides, ood, strict=True)
    ]
    frame = pd.concat(
        [one.assign(model=pair.side.name, against=pair.against.name) for pair, one in zip(pairs, frames, strict=True)]
    )
    if frame.empty:
        raise BadInput("nothing to compare: no image has scores on both sides under the same noise and protocol")
    notes += _without_counterpart(frame, sides)
    notes += _different_training_noise(pairs, mine, theirs)
    is_ood_mean = frame["noise_name"] == ""
    frame["p_holm"] = _corrected(frame, is_ood_mean)
    frame = frame.reindex(columns=COLUMNS).reset_index(drop=True)
    frame.attrs["notes"] = notes
    return frame


def _corrected(frame: pd.DataFrame, is_ood_mean: pd.Series) -> pd.Series:
    """Holm's adjusted p within each metric, OOD means as a family of their own.

    Rows in which no image differs are not counted among the tests.
    """
    counted = frame["p"].where(frame["moved"].str.len() > 0)
    adjusted = counted.groupby([frame["metric"], is_ood_mean]).transform(lambda family: holm(family.to_numpy()))
    return adjusted.where(counted.notna(), frame["p"])


def _aligned_rows(
    pair: ComparedPair, own_rows: pd.DataFrame, other_rows: pd.DataFrame, same_datasets: bool, notes: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of each side, the other side's under this side's names of data sets and images.

    `same_datasets`: drop rows of the other side's data sets that this side does not have.
    """
    mine, theirs = (
        own_rows[own_rows["model"].isin(pair.side.labels)],
        other_rows[other_rows["model"].isin(pair.against.labels)],
    )
    theirs = align_by_pixels(mine, theirs, notes)
    return mine, theirs[theirs["dataset"].isin(mine["dataset"])] if same_datasets else theirs


def _version_mismatches(one: Selection, other: Selection) -> dict[str, str]:
    """Metric -> its versions in two runs, for metrics whose versions differ: their scores are not compared."""
    versions = [
        (name, one.metrics.get(name, FIRST_VERSION), other.metrics.get(name, FIRST_VERSION))
        for name in {**one.metrics, **other.metrics}
    ]
    return {
        name: f"version {mine} in this run, {theirs} in the other" for name, mine, theirs in versions if mine != theirs
    }


def _metrics(
    own_rows: pd.DataFrame, other_rows: pd.DataFrame, chosen: str | None, differing: dict[str, str]
) -> list[str]:
    """The metrics to compare: those chosen, or all that both runs computed by the same version. Raises BadInput."""
    known = [name for name in measured(own_rows) if name in measured(other_rows) and name not in differing]
    shared = [name for name in known if own_rows[name].notna().any() and other_rows[name].notna().any()]
    if not shared:
        one, other = (
            ", ".join(name for name in measured(rows) if rows[name].notna().any()) for rows in (own_rows, other_rows)
        )
        raise BadInput(f"expected a metric that both sides have, got {one or 'none'} and {other or 'none'}")
    if chosen is None:
        return shared
    names = spec.split(chosen)
    for name in names:
        if name in differing:
            raise BadInput(f"expected {name} of one version, got {differing[name]}: run one of the two again")
        if name not in shared:
            raise unknown("metric", name, shared, " of both sides (evaluate it with bench run --metrics)")
    return names


def _without_counterpart(frame: pd.DataFrame, sides: Sequence[tuple[pd.DataFrame, pd.DataFrame]]) -> Iterator[str]:
    """Notes on cells and images without a counterpart, and on how many images were compared."""
    own_rows, other_rows = (pd.concat(rows) for rows in zip(*sides, strict=True))
    for which, rows in (("this side", own_rows), ("the other side", other_rows)):
        cells = set(rows.loc[rows["status"] == "ok", ["dataset", "noise"]].itertuples(index=False, name=None))
        alone = sorted(cells - set(frame[["dataset", "noise"]].itertuples(index=False, name=None)))
        if alone:
            first = ", ".join(f"{noise} on {dataset}" for dataset, noise in alone[:MAX_LISTED_CELLS])
            more = f" and {len(alone) - MAX_LISTED_CELLS} more" if len(alone) > MAX_LISTED_CELLS else ""
            yield f"Only on {which}: {first}{more}."
    by_noise = frame[frame["noise_name"] != ""]
    for dataset, part in by_noise.groupby("dataset", sort=False):
        total = pd.concat([rows.loc[rows["dataset"] == dataset, "image"] for rows in (own_rows, other_rows)]).nunique()
        yield f"{part['images'].max()} of {total} images of {dataset} were compared."
    if failed := sum(map(failed_on_both, *zip(*sides, strict=True))):
        yield f"{plural(failed, 'row')} failed on both sides."
    unpaired = int(by_noise.drop_duplicates(["model", "against", "dataset", "noise"])["unpaired"].sum())
    if unpaired:
        yield f"{plural(unpaired, 'row')} without a counterpart on the other side: skipped."


def _different_training_noise(pairs: Sequence[ComparedPair], mine: Conditions, theirs: Conditions) -> Iterator[str]:
    """A note for each pair whose sides were trained on different noise, if both training noises are known."""
    for pair in pairs:
        one, other = mine.of(pair.side.labels[0]), theirs.of(pair.against.labels[0])
        if one.trained and other.trained and one.known and other.known and one.text != other.text:
            yield (
                f"{pair.side.name} was trained on {one.text}, {pair.against.name} on {other.text}: the OOD mean is "
                "over the noises that are out of distribution for both."
            )


def regressions(frame: pd.DataFrame, limit: float, metric: str, higher_is_better: bool) -> list[str]:
    """One sentence per row of a comparison that is worse than `limit` (below 0), and per row with failed images.

    The means are tested and not their intervals: the same network gives the same scores on the same pixels, so a mean
    that is lower has fallen, even for few images. Where a lower score is better the sign is reversed.
    """
    rows, sentences = frame[frame["metric"] == metric], []
    change = rows["difference"] if higher_is_better else -rows["difference"]
    for row in rows[change < limit].to_dict("records"):
        sentences.append(
            f"{row['model']}, {row['noise']} on {row['dataset']}: {metric} {row['difference']:+.4f} "
            f"against {row['against']}"
        )
    for row in rows[rows["failed"].fillna(0) > 0].to_dict("records"):
        sentences.append(f"{row['model']}, {row['noise']} on {row['dataset']}: {row['failed']} images failed")
    return sentences
