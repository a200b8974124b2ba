"""Two runs, or two models of one run: how their scores differ on the same noisy pixels, and whether that says anything.

Each side of a comparison is a network, or several trainings of it, whose scores are averaged image by image. What is
compared are rows of equal pixels: the same clean image, noise, version and seed, under one protocol.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from bench.errors import BadInput, unknown
from bench.runs import latest
from bench.runs.asked import written_in
from bench.runs.conditions import read_conditions
from bench.sides import Pair, chosen, pairs_of
from bench.statistics import measured
from bench.statistics.ood import Conditions, common
from bench.statistics.paired import differences
from bench.statistics.significance import TESTS, holm

Run = str | Path | pd.DataFrame
COLUMNS = (
    "model", "against", "dataset", "noise", "noise_name", "level", "metric", "images", "photographs", "unpaired",
    "failed", "mean", "mean_against", "difference", "low", "high", "p", "p_holm", "trainings", "trainings_against",
    "training_sd", "training_least", "training_most", "moved",
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
    training_sd, training_least, training_most (differences of single trainings), and moved: (image, difference) of
    those that moved most. Metrics keep their units: dB, or none. `attrs["notes"]` says what could not be compared.
    An OOD mean is over the noises that are out of distribution for both sides; `conditions`, of `run` and of `other`,
    say what models were trained on where these are rows, as manifests do of run folders.
    Formulas and sources: `bench.statistics.formulas`. Raises BadInput.
    """
    mine, theirs = conditions or (_conditions(run), _conditions(run if other is None else other))
    here, protocol = _rows(run, protocol)
    there = here if other is None else _rows(other, protocol)[0]
    notes: list[str] = []
    written = written_in(run), written_in(run if other is None else other)
    pairs = pairs_of(here, there, models, against, other is not None, notes, written)
    here, there = (chosen(rows, noises, datasets) for rows in (here, there))
    names = _metrics(here, there, metrics)
    ood = [set(common(here, mine, pair.side.labels)) & set(common(there, theirs, pair.against.labels))
           for pair in pairs]  # fmt: skip
    found = [differences(here, there, pair.side, pair.against, names, test, noises_)
             for pair, noises_ in zip(pairs, ood, strict=True)]  # fmt: skip
    frame = pd.concat(
        [one.assign(model=p.side.name, against=p.against.name) for p, one in zip(pairs, found, strict=True)]
    )
    if frame.empty:
        raise BadInput("nothing can be compared: no image has scores on both sides under the same noise and protocol")
    notes += _alone(frame, pairs, here, there)
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


def _rows(run: Run, protocol: str | None) -> tuple[pd.DataFrame, str]:
    """The rows of a run that count, and their protocol."""
    if not isinstance(run, pd.DataFrame):
        return latest.read(Path(run), protocol)
    protocols = sorted(set(run["protocol"]))
    if protocol is None and len(protocols) > 1:
        raise BadInput(f"the rows are of several protocols: name one of {', '.join(protocols)}")
    rows = run if protocol is None else run[run["protocol"] == protocol]
    if rows.empty:
        raise BadInput(
            f"the rows have none of the protocol {protocol!r}; they have {', '.join(protocols) or 'nothing'}"
        )
    return rows, protocol or protocols[0]


def _metrics(here: pd.DataFrame, there: pd.DataFrame, wanted: str | None) -> list[str]:
    """The metrics to compare: those named, or all that both runs measured. Raises BadInput."""
    known = [name for name in measured(here) if name in measured(there)]
    taken = [name for name in known if here[name].notna().any() and there[name].notna().any()]
    if not taken:
        one, other = (", ".join(name for name in measured(rows) if rows[name].notna().any()) for rows in (here, there))
        raise BadInput(f"the two sides have no metric in common: one has {one or 'none'}, the other {other or 'none'}")
    if wanted is None:
        return taken
    asked = [part.strip() for part in wanted.split(",") if part.strip()]
    for name in asked:
        if name not in taken:
            raise unknown("metric that both sides have", name, taken)
    return asked


def _alone(frame: pd.DataFrame, pairs: Sequence[Pair], here: pd.DataFrame, there: pd.DataFrame) -> Iterator[str]:
    """Sentences about means without a counterpart, and images without one."""
    for which, rows, labels in (
        ("this side", here, [label for pair in pairs for label in pair.side.labels]),
        ("the other side", there, [label for pair in pairs for label in pair.against.labels]),
    ):
        cells = set(rows.loc[rows["model"].isin(labels), ["dataset", "noise"]].itertuples(index=False, name=None))
        lone = sorted(cells - set(frame[["dataset", "noise"]].itertuples(index=False, name=None)))
        if lone:
            first = ", ".join(f"{noise} on {dataset}" for dataset, noise in lone[:3])
            more = f" and {len(lone) - 3} more" if len(lone) > 3 else ""
            yield f"Only on {which}: {first}{more}."
    lines = frame[frame["noise_name"] != ""]
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
