"""Two runs, or two models of one run: how their scores differ on the same noisy pixels, and whether that says anything.

Each side of a comparison is a network, or several trainings of it, whose scores are averaged image by image. What is
compared are rows of equal pixels: the same clean image, noise, version and seed, under one protocol.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from bench.errors import BadInput, unknown
from bench.runs import selection
from bench.runs.asked import written_in
from bench.runs.conditions import read_conditions
from bench.runs.selection import Selection
from bench.runs.store import FIRST
from bench.same_pixels import aligned
from bench.sides import Pair, chosen, pairs_of
from bench.statistics import measured
from bench.statistics.ood import Conditions, common
from bench.statistics.paired import differences, failed_on_both
from bench.statistics.significance import TESTS, holm

Run = str | Path | pd.DataFrame
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
    protocol: str | None = None,
    test: str = TESTS[0],
    conditions: tuple[Conditions, Conditions] | None = None,
) -> pd.DataFrame:
    """Compare two runs, or two models of one, image by image; one row a pair x data set x noise x metric.

    `run` and `other` are run folders or their rows; differences are `run` less `other`, of each model that both have.
    Without `other`, they are `models` less `against`, of one run: by default ours less its baseline. A side is a list
    of specs, "ours, ours(weights='ours-small-seed1')": trainings of one network, whose scores are averaged. Several
    sides, each against the other one, are a sequence of such lists; "all" is every model by itself. `noises` (specs;
    a bare name has all its levels), `datasets` and `metrics` choose among what was run.

    Columns: images, photographs, unpaired (images without a counterpart), failed (those that failed here and have a
    score there), mean and mean_against, difference with low and high (95% over photographs), p of the `test`
    ('permutation' or 'wilcoxon'), p_holm (over all rows of the metric; OOD means are a family of their own),
    training_sd, training_min, training_max (differences of single trainings), and moved: (image, difference) of
    those that moved most. Metrics keep their units: dB, or none. `attrs["notes"]` says what could not be compared.
    An OOD mean is over the noises that are out of distribution for both sides; `conditions`, of `run` and of `other`,
    say what models were trained on where these are rows, as manifests do of run folders.
    Formulas and sources: `bench.statistics.formulas`. Raises BadInput.
    """
    mine, theirs = conditions or (_conditions(run), _conditions(run if other is None else other))
    found = _rows(run, protocol)
    past = found if other is None else _rows(other, found.protocol)
    here, there, notes = found.rows, past.rows, []
    written = written_in(run), written_in(run if other is None else other)
    pairs = pairs_of(here, there, models, against, other is not None, notes, written)
    for which, one in {"This": found, "The other": past}.items() if past is not found else [("The", found)]:
        notes += [f"{which} run has rows {left.reason}, which are not compared." for left in one.others]
    here, there = chosen(here, noises, datasets), chosen(there, noises, None)
    names = _metrics(here, there, metrics, _of_two_versions(found, past))
    ood = [set(common(here, mine, pair.side.labels)) & set(common(there, theirs, pair.against.labels))
           for pair in pairs]  # fmt: skip
    sides = [_sides(pair, here, there, datasets is not None, notes) for pair in pairs]
    found = [differences(*rows, pair.side, pair.against, names, test, noises_)
             for pair, rows, noises_ in zip(pairs, sides, ood, strict=True)]  # fmt: skip
    frame = pd.concat(
        [one.assign(model=p.side.name, against=p.against.name) for p, one in zip(pairs, found, strict=True)]
    )
    if frame.empty:
        raise BadInput("nothing can be compared: no image has scores on both sides under the same noise and protocol")
    notes += _alone(frame, sides)
    notes += _trained_apart(pairs, mine, theirs)
    away = frame["noise_name"] == ""
    frame["p_holm"] = _corrected(frame, away)
    frame = frame.reindex(columns=COLUMNS).reset_index(drop=True)
    frame.attrs["notes"] = notes
    return frame


def _conditions(run: Run) -> Conditions:
    return Conditions() if isinstance(run, pd.DataFrame) else read_conditions(Path(run))


def _corrected(frame: pd.DataFrame, away: pd.Series) -> pd.Series:
    """Holm's p within each metric, OOD means apart; what did not move at all is not counted."""
    counted = frame["p"].where(frame["moved"].str.len() > 0)
    adjusted = counted.groupby([frame["metric"], away]).transform(lambda family: holm(family.to_numpy()))
    return adjusted.where(counted.notna(), frame["p"])


def _sides(
    pair: Pair, here: pd.DataFrame, there: pd.DataFrame, of_these: bool, notes: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of each side, data sets and images called alike; `of_these`: of this side's data sets alone."""
    mine, theirs = here[here["model"].isin(pair.side.labels)], there[there["model"].isin(pair.against.labels)]
    theirs = aligned(mine, theirs, notes)
    return mine, theirs[theirs["dataset"].isin(mine["dataset"])] if of_these else theirs


def _rows(run: Run, protocol: str | None) -> Selection:
    """The rows of a run that count, with their protocol."""
    if not isinstance(run, pd.DataFrame):
        return selection.read(Path(run), protocol)
    protocols = sorted(set(run["protocol"]))
    if protocol is None and len(protocols) > 1:
        raise BadInput(f"the rows are of several protocols: name one of {', '.join(protocols)}")
    rows = run if protocol is None else run[run["protocol"] == protocol]
    if rows.empty:
        raise BadInput(
            f"the rows have none of the protocol {protocol!r}; they have {', '.join(protocols) or 'nothing'}"
        )
    return Selection(protocol or protocols[0], rows, metrics=run.attrs.get("metric_versions", {}))


def _of_two_versions(one: Selection, other: Selection) -> dict[str, str]:
    """Metrics that two runs computed by other versions, whose scores are not compared, and which these are."""
    versions = [(name, one.metrics.get(name, FIRST), other.metrics.get(name, FIRST))
                for name in {**one.metrics, **other.metrics}]  # fmt: skip
    return {name: f"version {mine} here, {theirs} there" for name, mine, theirs in versions if mine != theirs}


def _metrics(here: pd.DataFrame, there: pd.DataFrame, wanted: str | None, differing: dict[str, str]) -> list[str]:
    """The metrics to compare: those named, or all that both runs measured by one version. Raises BadInput."""
    known = [name for name in measured(here) if name in measured(there) and name not in differing]
    taken = [name for name in known if here[name].notna().any() and there[name].notna().any()]
    if not taken:
        one, other = (", ".join(name for name in measured(rows) if rows[name].notna().any()) for rows in (here, there))
        raise BadInput(f"the two sides have no metric in common: one has {one or 'none'}, the other {other or 'none'}")
    if wanted is None:
        return taken
    asked = [part.strip() for part in wanted.split(",") if part.strip()]
    for name in asked:
        if name in differing:
            raise BadInput(f"{name} was computed by two versions of it ({differing[name]}): run one of the two again")
        if name not in taken:
            raise unknown("metric that both sides have", name, taken)
    return asked


def _alone(frame: pd.DataFrame, sides: Sequence[tuple[pd.DataFrame, pd.DataFrame]]) -> Iterator[str]:
    """Sentences about means without a counterpart, and images without one, and how many have one."""
    here, there = (pd.concat(rows) for rows in zip(*sides, strict=True))
    for which, rows in (("this side", here), ("the other side", there)):
        cells = set(rows.loc[rows["status"] == "ok", ["dataset", "noise"]].itertuples(index=False, name=None))
        lone = sorted(cells - set(frame[["dataset", "noise"]].itertuples(index=False, name=None)))
        if lone:
            first = ", ".join(f"{noise} on {dataset}" for dataset, noise in lone[:3])
            more = f" and {len(lone) - 3} more" if len(lone) > 3 else ""
            yield f"Only on {which}: {first}{more}."
    lines = frame[frame["noise_name"] != ""]
    for dataset, part in lines.groupby("dataset", sort=False):
        of = pd.concat([rows.loc[rows["dataset"] == dataset, "image"] for rows in (here, there)]).nunique()
        yield f"{part['images'].max()} of {of} images of {dataset} were compared."
    if failed := sum(map(failed_on_both, *zip(*sides, strict=True))):
        yield f"{failed} images, counted under each noise, failed on both sides."
    unpaired = int(lines.drop_duplicates(["model", "against", "dataset", "noise"])["unpaired"].sum())
    if unpaired:
        yield f"{unpaired} images, counted under each noise, have no counterpart on the other side and are left out."


def _trained_apart(pairs: Sequence[Pair], mine: Conditions, theirs: Conditions) -> Iterator[str]:
    """A sentence for each pair whose sides were trained on different noise, as far as that is known."""
    for pair in pairs:
        one, other = mine.of(pair.side.labels[0]), theirs.of(pair.against.labels[0])
        if one.trained and other.trained and one.known and other.known and one.text != other.text:
            yield (f"{pair.side.name} was trained on {one.text}, {pair.against.name} on {other.text}: the OOD mean is "
                   "over what is out of distribution for both.")  # fmt: skip


def fallen(frame: pd.DataFrame, limit: float, metric: str, higher_is_better: bool) -> list[str]:
    """What got worse by more than a limit below 0 allows, a sentence each: means, and images that failed on this side.

    Judged are means, and not their intervals: of the same pixels the same networks give the same scores, so that a
    mean that fell has fallen, however few the images are. The sign is turned where a lower score is better.
    """
    lines, sentences = frame[frame["metric"] == metric], []
    worse = lines["difference"] if higher_is_better else -lines["difference"]
    for line in lines[worse < limit].to_dict("records"):
        sentences.append(
            f"{line['model']}, {line['noise']} on {line['dataset']}: {metric} {line['difference']:+.4f} "
            f"against {line['against']}"
        )
    for line in lines[lines["failed"].fillna(0) > 0].to_dict("records"):
        sentences.append(f"{line['model']}, {line['noise']} on {line['dataset']}: {line['failed']} images failed")
    return sentences
