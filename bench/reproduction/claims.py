"""Claims of the papers as tests of a reproduction: effect, interval and verdict.

A claim is a list of comparisons, each a difference that is positive where the claim is right, with its 95% interval. It
holds if the interval of every comparison is above the margin, so that no correction for multiple testing is needed
(intersection-union test: Berger, Technometrics 1982). Where a side has several trainings, the difference of every pair
of trainings has to be above it as well. It does not hold if a comparison fails. It is not tested if one lacks scores.
"""

from __future__ import annotations

import itertools
import math
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench import metrics
from bench.reproduction.evidence import Evidence, NotTested, of_run, settings_of
from bench.statistics import mean_interval

FILE = Path(__file__).with_name("claims.toml")
HOLDS, DOES_NOT_HOLD, NOT_TESTED = "holds", "does not hold", "not tested"
COLUMNS = (
    "claim", "verdict", "effect", "low", "high", "unit", "why", "weakest", "comparisons", "weights", "networks",
    "datasets", "text", "source", "experiment",
)  # fmt: skip


@dataclass(frozen=True)
class Claim:
    """A claim; the fields are the keys of its entry in `claims.toml`, where their meaning is."""

    name: str
    text: str
    source: str
    experiment: str
    test: str
    subject: str
    against: Sequence[str]
    noises: Sequence[str] = ()
    dataset: str = ""
    metrics: Sequence[str] = ("psnr",)
    margin: float = 0.0
    seen: str = ""
    measure: str = ""
    direction: str = ""
    absolute: bool = False
    unit: str = "dB"
    other_noise: str = ""
    ratios: Sequence[int] = ()

    @property
    def roles(self) -> list[str]:
        """All roles that it names."""
        return [role for side in (self.subject, *self.against) for role in _members(side)]


@dataclass(frozen=True)
class Comparison:
    """A difference that is positive where the claim is right, with its 95% interval.

    smallest   over pairs of trainings, where a side has several; else the difference
    missing    why it is not tested, '' if it is
    """

    text: str
    unit: str
    effect: float = math.nan
    low: float = math.nan
    high: float = math.nan
    smallest: float = math.nan
    missing: str = ""

    def holds(self, margin: float) -> bool:
        """Whether the interval, and the difference of each pair of trainings, is above the margin."""
        return self.low > margin and not self.smallest <= margin

    def strength(self, margin: float) -> float:
        """Distance from the margin in half widths of the interval, to find the weakest comparison."""
        half = self.effect - self.low
        return (self.effect - margin) / half if half > 0 else math.copysign(math.inf, self.effect - margin)


@dataclass(frozen=True)
class Verdict:
    """The verdict on a claim, with its weakest comparison; `why` says why it is not tested or does not hold."""

    verdict: str
    why: str = ""
    weakest: Comparison = field(default_factory=lambda: Comparison("", ""))
    comparisons: int = 0


def claims() -> tuple[Claim, ...]:
    """All claims, in the order of their file."""
    return read(FILE)


def read(file: Path) -> tuple[Claim, ...]:
    """The claims of a file."""
    return tuple(Claim(**entry) for entry in tomllib.loads(file.read_text(encoding="utf-8"))["claim"])


def table(evidence: Sequence[Evidence], tested: Sequence[Claim] | None = None) -> pd.DataFrame:
    """One row per claim and source of weights: verdict, and effect with interval of the weakest comparison."""
    found = {(one.reproduction.experiment, one.reproduction.weight_set): one for one in evidence}
    lines = [
        _line(claim, found.get((claim.experiment, weights)), weights)
        for claim in (claims() if tested is None else tested)
        for weights in dict.fromkeys(one.reproduction.weight_set for one in evidence)
    ]
    return pd.DataFrame(lines, columns=list(COLUMNS))


def _line(claim: Claim, evidence: Evidence | None, weights: str) -> tuple:
    if evidence is None:
        found, networks, datasets = Verdict(NOT_TESTED, f"bench reproduce {claim.experiment} was not run"), "", ""
    else:
        found, networks = judge(claim, evidence), evidence.networks(claim.roles)
        used = evidence.reproduction.datasets
        datasets = ", ".join(here if here == name else f"{here} in place of {name}" for name, here in used.items())
    weak = found.weakest
    numbers = (weak.effect, weak.low, weak.high, weak.unit, found.why, weak.text, found.comparisons)
    return (
        claim.name,
        found.verdict,
        *numbers,
        weights,
        networks,
        datasets,
        claim.text,
        claim.source,
        claim.experiment,
    )


def judge(claim: Claim, evidence: Evidence) -> Verdict:
    """The verdict on a claim."""
    every = list(TESTS[claim.test](claim, evidence))
    tested = [one for one in every if not one.missing]
    failed = [one for one in tested if not one.holds(claim.margin)]
    if failed:
        weakest = min(failed, key=lambda one: one.strength(claim.margin))
        return Verdict(DOES_NOT_HOLD, _reason(weakest, claim.margin), weakest, len(tested))
    if missing := list(dict.fromkeys(one.missing for one in every if one.missing)):
        return Verdict(NOT_TESTED, "; ".join(missing), comparisons=len(tested))
    return Verdict(HOLDS, "", min(tested, key=lambda one: one.strength(claim.margin)), len(tested))


def _reason(one: Comparison, margin: float) -> str:
    limit = f"{margin:g}" if margin else "zero"
    if one.high < margin:
        return f"the opposite: the interval is below {limit}"
    return f"the interval includes {limit}" if one.low <= margin else "the sign differs between trainings"


def of_runs(folders: Sequence[Path]) -> pd.DataFrame:
    """`table` of each run of `bench reproduce`, with the run in its first column. Raises BadInput."""
    frames = [table(of_run(folder)) for folder in folders]
    for folder, frame in zip(folders, frames, strict=True):
        frame.insert(0, "run", str(folder))
    return pd.concat(frames, ignore_index=True)


def changed(current: pd.DataFrame, expected: pd.DataFrame) -> list[str]:
    """Sentences on verdicts that differ from expected ones, by claim and weights, and by run if there are several.

    Raises ValueError for a frame without these columns.
    """
    key = [*(["run"] if current["run"].nunique() > 1 else []), "claim", "weights"]
    if missing := {*key, "verdict"} - {*expected}:
        raise ValueError(f"no column {sorted(missing)[0]}")
    known, now = (frame.set_index(key)["verdict"].to_dict() for frame in (expected, current))
    return [
        f"{', '.join(one)}: expected {known.get(one, 'no verdict')}, got {now.get(one, 'no verdict')}"
        for one in dict.fromkeys([*known, *now])
        if known.get(one) != now.get(one)
    ]


def _members(side: str) -> list[str]:
    """'a + b' -> ['a', 'b']."""
    return [role.strip() for role in side.split(" + ")]


Quantity = Callable[[str], list[pd.Series]]  # role -> values by image of each training


def _difference(text: str, unit: str, side: str, other: str, quantity: Quantity, photographs: Any) -> Comparison:
    """Mean difference of a quantity between two sides, paired by image; its interval is over photographs."""
    try:
        mine, theirs = ([value for role in _members(one) for value in quantity(role)] for one in (side, other))
        clusters = photographs()
    except NotTested as error:
        return Comparison(text, unit, missing=str(error))
    difference = (_mean(mine) - _mean(theirs)).dropna()
    effect, low, high = mean_interval(difference.to_numpy(), clusters.reindex(difference.index).to_numpy())
    if not (math.isfinite(low) and math.isfinite(high)):
        return Comparison(text, unit, missing=f"too few photographs for an interval ({len(difference)})")
    pairs = [(one - another).mean() for one, another in itertools.product(mine, theirs)]
    groups = len(_members(side)) > 1 or len(_members(other)) > 1  # trainings of several networks are no repetitions
    return Comparison(text, unit, effect, low, high, effect if groups else min(pairs))


def _mean(values: Sequence[pd.Series]) -> pd.Series:
    return sum(values[1:], values[0]) / len(values)


def _higher(claim: Claim, evidence: Evidence) -> Iterator[Comparison]:
    for name, noise, other in itertools.product(claim.metrics, claim.noises, claim.against):
        metric = metrics.load_metric(name)
        sign = 1 if metric.higher_is_better else -1

        def score(role: str, name: str = name, noise: str = noise, sign: int = sign) -> list[pd.Series]:
            return [sign * one for one in evidence.scores(role, name, noise, claim.dataset)]

        text = f"{metric.title}, {noise}, against {other}"
        yield _difference(text, metric.unit, claim.subject, other, score, lambda: evidence.photographs(claim.dataset))


def _smaller_loss(claim: Claim, evidence: Evidence) -> Iterator[Comparison]:
    for noise, other in itertools.product(claim.noises, claim.against):
        first, *_, last = settings_of(noise)

        def kept(role: str, first: str = first, last: str = last) -> list[pd.Series]:
            ends = (evidence.scores(role, "psnr", level, claim.dataset) for level in (last, first))
            return [at_last - at_first for at_last, at_first in zip(*ends, strict=True)]

        text = f"PSNR lost from {first} to {last}, against {other}"
        yield _difference(text, "dB", claim.subject, other, kept, lambda: evidence.photographs(claim.dataset))


def _gain_over_loss(claim: Claim, evidence: Evidence) -> Iterator[Comparison]:
    for noise, other in itertools.product(claim.noises, claim.against):

        def both(role: str, noise: str = noise) -> list[pd.Series]:
            parts = (evidence.scores(role, "psnr", one, claim.dataset) for one in (claim.seen, noise))
            return [seen + unseen for seen, unseen in zip(*parts, strict=True)]

        text = f"PSNR at {noise} plus PSNR at {claim.seen}, against {other}"
        yield _difference(text, "dB", claim.subject, other, both, lambda: evidence.photographs(claim.dataset))


def _measured(claim: Claim, evidence: Evidence) -> Iterator[Comparison]:
    """Values of an analysis, of the first training of each model."""
    for noise, other in itertools.product(claim.noises, claim.against):
        where = {"noise": noise} | ({"other_noise": claim.other_noise} if claim.other_noise else {})

        def rows(role: str, where: Mapping[str, str] = where) -> pd.DataFrame:
            found = evidence.measurement(claim.measure, role, claim.dataset, **where)
            return _same_layers(found, evidence.labels(role)[0]) if claim.measure == "cka" else found

        def pair(other: str = other, rows: Callable[[str], pd.DataFrame] = rows) -> tuple[pd.Series, pd.Series]:
            order = (other, claim.subject) if claim.direction == "lower" else (claim.subject, other)
            return _comparable(*map(rows, order))

        text = f"{claim.measure}, {noise}{claim.other_noise and f' and {claim.other_noise}'}, against {other}"
        yield _end_to_end(text, claim.unit, pair, claim.absolute)


def _deeper(claim: Claim, evidence: Evidence) -> Iterator[Comparison]:
    for noise, other in itertools.product(claim.noises, claim.against):

        def pair(noise: str = noise, other: str = other) -> tuple[pd.Series, pd.Series]:
            found = evidence.measurement("cka", claim.subject, claim.dataset, noise=noise, other_noise=noise)
            rows = _same_layers(found, evidence.labels(other)[0])
            rows = rows[rows["settings"] == rows["settings"].iloc[-1]]
            return rows.iloc[0], rows.iloc[-1]

        yield _end_to_end(f"cka with {other}, {noise}: first minus deepest layer", "", pair, False)


def _same_layers(rows: pd.DataFrame, other: str) -> pd.DataFrame:
    """CKA with the layers of the same name of another model, from the first layer to the deepest. Raises NotTested."""
    found = rows[(rows["layer"] == rows["other_layer"]) & (rows["other_model"] == other)]
    if found.empty:
        raise NotTested(f"cka with {other} was not measured")
    return found


def _comparable(first: pd.DataFrame, second: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """The last measurement of each with equal settings, such as the number of patches. Raises NotTested."""
    shared = [settings for settings in second["settings"] if settings in set(first["settings"])]
    if not shared:
        raise NotTested("measured on other patches, or by another version of the analysis: run it again for both")
    return tuple(one[one["settings"] == shared[-1]].iloc[-1] for one in (first, second))


def _ends(row: pd.Series, absolute: bool) -> np.ndarray:
    """Value, low and high of a measurement, or of its size."""
    value, low, high = row[["value", "low", "high"]].to_numpy(float)
    if not absolute:
        return np.array([value, low, high])
    near = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
    return np.array([abs(value), near, max(abs(low), abs(high))])


def _end_to_end(text: str, unit: str, pair: Callable[[], tuple[pd.Series, pd.Series]], absolute: bool) -> Comparison:
    """First minus second of a pair of measurements; its interval is from end to end of both: conservative."""
    try:
        (mine, low, high), (theirs, other_low, other_high) = (_ends(row, absolute) for row in pair())
    except NotTested as error:
        return Comparison(text, unit, missing=str(error))
    if not np.isfinite([low, high, other_low, other_high]).all():
        return Comparison(text, unit, missing=f"{text}: too few photographs for an interval")
    return Comparison(text, unit, mine - theirs, low - other_high, high - other_low)


def _completed(claim: Claim, evidence: Evidence) -> Iterator[Comparison]:
    """Images that both completed, of the same pixels; the interval is over photographs."""
    for ratio, other in itertools.product(claim.ratios, claim.against):

        def completed(role: str, ratio: int = ratio) -> list[pd.Series]:
            return [evidence.completion(role, claim.dataset, ratio)]

        def photographs(ratio: int = ratio) -> pd.Series:
            images = evidence.completion(claim.subject, claim.dataset, ratio).index
            of_image = evidence.photographs(claim.dataset).reindex(images.get_level_values("image"))
            return pd.Series(of_image.to_numpy(), images)

        text = f"PSNR with {ratio}% masked, against {other}"
        yield _difference(text, "dB", claim.subject, other, completed, photographs)


def _falls(claim: Claim, evidence: Evidence) -> Iterator[Comparison]:
    """What is lost since the best point of the test curve; the interval is over the noises of the curve."""
    for other in claim.against:

        def kept(role: str) -> list[pd.Series]:
            curve = evidence.curves(role)
            unseen = curve.drop(columns="gaussian(sigma=15)", errors="ignore")
            return [unseen.iloc[-1] - unseen.max()]

        def noises(other: str = other) -> pd.Series:
            names = evidence.curves(other).columns
            return pd.Series(names, names)

        yield _difference(f"PSNR lost since its best, against {other}", "dB", claim.subject, other, kept, noises)


TESTS: dict[str, Callable[[Claim, Evidence], Iterator[Comparison]]] = {
    "higher": _higher,
    "smaller-loss": _smaller_loss,
    "gain-over-loss": _gain_over_loss,
    "measured": _measured,
    "deeper": _deeper,
    "completed": _completed,
    "falls": _falls,
}
