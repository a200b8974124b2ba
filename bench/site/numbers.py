"""The numbers of a run's pages: means with intervals, ties, ranks and differences, as `reports.Numbers`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from bench.statistics import summarize
from bench.statistics.ood import Conditions, groups, in_page_order, nearly_clean
from bench.statistics.paired import OOD_MEAN
from bench.statistics.relative_error import REFERENCE_MODEL
from bench.statistics.scores import DROP, NOISY, ImageScores, by_dataset, with_noisy
from bench.statistics.standings import standings
from bench.statistics.ties import MAX_BEHIND_BEST, intervals_of, leaders, near_best, rank_ranges
from reports import ModelGroup, NoiseMean, Numbers

LEADERBOARD = (
    "dataset", "measure", "noise", "noise_name", "over", "model", "value", "low", "high", "best", "below_noisy",
    "first_rank", "last_rank",
)  # fmt: skip
DIFFERENCE = ("dataset", "model", "noise", "value", "low", "high")


def numbers_of(
    rows: pd.DataFrame, conditions: Conditions | None = None, lower_is_better: Sequence[str] = ()
) -> Numbers:
    """The numbers of rows under one protocol; `lower_is_better`: the metrics of which lower values are better."""
    if rows.empty:
        return Numbers()
    conditions = conditions or Conditions()
    order, excluded = in_page_order(rows, conditions.reference), nearly_clean(rows)
    place = {noise: index for index, noise in enumerate(order["noise"])}
    own = tuple(replace(one, ood=tuple(sorted(one.ood, key=place.__getitem__))) for one in groups(rows, conditions))
    summary = summarize(rows, conditions.reference)
    by_name = {one.dataset: one.with_drops(conditions.reference) for one in by_dataset(with_noisy(rows))}
    evaluated = rows.groupby("dataset", sort=False)["noise"].unique()
    lower = frozenset([*lower_is_better, DROP])
    parts = [
        _Dataset(by_name[name], set(noises), own, order, summary, conditions.reference, tuple(excluded), lower)
        for name, noises in evaluated.items()
        if name in by_name
    ]
    about = {"reference": conditions.reference, "groups": own, "nearly_clean": excluded, "noises": order}
    about |= {"means": noise_means(own, order, (conditions.reference, *excluded)), "summary": summary}
    if not parts:  # no scores
        return Numbers(**about)
    return Numbers(
        **about,
        error_reference=REFERENCE_MODEL,
        max_behind_best=MAX_BEHIND_BEST,
        leaderboard=pd.DataFrame([line for part in parts for line in part.leaderboard()], columns=LEADERBOARD),
        overall=overall(parts, own[0]),
        standings=_with_gains(standings(rows, conditions), parts),
        differences=pd.DataFrame([line for part in parts for line in part.differences()], columns=DIFFERENCE),
    )


def noise_means(chosen: Sequence[ModelGroup], order: pd.DataFrame, excluded: Sequence[str]) -> tuple[NoiseMean, ...]:
    """The means over at least two noise settings: the OOD mean of each group, then the mean of each noise over its
    levels without `excluded`; equal ones once."""
    means = {}
    for group in chosen:
        means.setdefault(group.ood, NoiseMean(OOD_MEAN + (f" ({group.name})" if means else ""), "", group.ood))
    for name, part in order.groupby("noise_name", sort=False):
        over = tuple(noise for noise in part["noise"] if noise not in excluded)
        means.setdefault(over, NoiseMean(f"mean of {name}", str(name), over))
    return tuple(one for one in means.values() if len(one.over) > 1)


@dataclass(frozen=True, eq=False)
class _Dataset:
    """The scores of one data set, the noises that it was evaluated under, and what holds for the whole run."""

    scores: ImageScores
    evaluated: set[str]
    groups: tuple[ModelGroup, ...]
    order: pd.DataFrame
    summary: pd.DataFrame
    reference: str
    excluded: tuple[str, ...]
    lower_is_better: frozenset[str]

    def images(self, metric: str, noises: Sequence[str], group: ModelGroup | None = None) -> pd.DataFrame:
        """Images x models (of a group) and the noisy input: mean over those of the noises that were evaluated."""
        table = self.scores.mean_over(metric, [noise for noise in noises if noise in self.evaluated])
        return table if group is None else table[[one for one in table.columns if one in (*group.models, NOISY)]]

    def leaderboard(self) -> Iterator[dict[str, Any]]:
        """The lines of the leaderboard of each metric and of PSNR drops."""
        summary = self.summary[self.summary["dataset"] == self.scores.dataset]
        lines = {(line["noise"], line["model"]): line for line in summary.to_dict("records")}
        for metric in (name for name in summary if f"{name}_images" in summary):
            for place, column in enumerate(self._columns(metric, set(summary.loc[summary[metric].notna(), "noise"]))):
                about = {"dataset": self.scores.dataset, "measure": metric, "noise": column.spec}
                about |= {"noise_name": column.name, "over": column.over}
                known: set[str] = set()
                for group in self.groups:
                    for line in self._cells(metric, column, group, lines, ranked=place == 0):
                        if line["model"] not in known:  # the noisy input is in the first group
                            yield about | line
                        known.add(line["model"])

    def _columns(self, metric: str, with_values: set[str]) -> Iterator[NoiseMean]:
        """The OOD mean, then for each noise: the reference noise, the mean over its other levels, these levels."""
        shown = self.order[self.order["noise"].isin(with_values)]
        shown = shown[shown["noise"] != self.reference] if metric == DROP else shown
        if any(not self.images(metric, group.ood, group).empty for group in self.groups):
            yield NoiseMean(OOD_MEAN, "", ())
        for name, noises in shown.groupby("noise_name", sort=False)["noise"]:
            if self.reference in set(noises):
                yield NoiseMean(self.reference, str(name), (self.reference,))
            over = tuple(noise for noise in noises if noise not in (self.reference, *self.excluded))
            if len(over) > 1 and over != self.groups[0].ood and not self.images(metric, over).empty:
                yield NoiseMean(f"mean of {name}", str(name), over)
            yield from (NoiseMean(noise, str(name), (noise,)) for noise in noises if noise != self.reference)

    def _cells(
        self, metric: str, column: NoiseMean, group: ModelGroup, lines: Mapping[tuple[str, str], dict], ranked: bool
    ) -> Iterator[dict[str, Any]]:
        """One column for the models of a group and the noisy input; best: of a group of several, or of the only one."""
        over, models = column.over or group.ood, (*group.models, NOISY)
        images, photographs = self.images(metric, over, group), self.scores.photographs
        if len(column.over) == 1:
            known = {model: lines[column.spec, model] for model in models if (column.spec, model) in lines}
            found = {m: tuple(line[f"{metric}{end}"] for end in ("", "_low", "_high")) for m, line in known.items()}
        else:
            complete = images.dropna() if set(images.columns) >= set(models) else images
            found = dict(zip(complete.columns, intervals_of(complete, photographs).tolist(), strict=True))
        psnr = self.images("psnr", over, group)
        near = near_best(psnr, photographs) if metric == DROP else frozenset(group.models)
        higher = metric not in self.lower_is_better
        _, tied = leaders({m: found[m][0] for m in found if m in near}, images, higher, photographs)
        compared = [model for model in images.columns if model in near]
        ranks = rank_ranges(images[compared], higher, photographs) if ranked else {}
        for model in models:
            value, low, high = found.get(model, (math.nan,) * 3)
            gain = (psnr[model] - psnr[NOISY]).mean() if {model, NOISY} <= set(psnr.columns) else math.nan
            first, last = ranks.get(model, (math.nan, math.nan))
            yield {
                "model": model,
                "value": value,
                "low": low,
                "high": high,
                "best": model in tied and (len(group.models) > 1 or len(self.groups) == 1),
                "below_noisy": gain < 0 and not math.isnan(value),
                "first_rank": first,
                "last_rank": last,
            }

    def differences(self) -> Iterator[tuple[Any, ...]]:
        """PSNR of each model minus the mean PSNR of the other models of its group, image by image, by noise."""
        for group in self.groups:
            for model in group.models:
                changes = {}
                for noise in self.order["noise"]:
                    table = self.images("psnr", [noise]).drop(columns=NOISY, errors="ignore")
                    table = table[[one for one in table.columns if one in group.models]]
                    if noise in self.evaluated and model in table and len(table.columns) > 1:
                        changes[noise] = table[model] - table.drop(columns=model).mean(axis=1)
                if changes:
                    bounds = intervals_of(pd.concat(changes.values(), axis=1), self.scores.photographs)
                    for noise, ends in zip(changes, bounds, strict=True):
                        yield (self.scores.dataset, model, noise, *ends)


def overall(parts: Sequence[_Dataset], group: ModelGroup) -> pd.DataFrame:
    """The OOD means and PSNR drops of a group over the images of all data sets with a value of every model."""
    psnr, drops = (
        _pooled({one.scores.dataset: one.images(metric, group.ood, group) for one in parts})
        for metric in ("psnr", DROP)
    )
    models = [model for model in group.models if model in psnr]
    if psnr.empty or not models:
        return pd.DataFrame()
    named = {one.scores.dataset: one.scores.dataset + " " + one.scores.photographs.astype(str) for one in parts}
    photographs = pd.concat(named)
    drops = drops[[one for one in drops.columns if one in psnr]] if len(drops) == len(psnr) else pd.DataFrame()
    frame = pd.DataFrame(intervals_of(psnr, photographs), psnr.columns, ["ood", "ood_low", "ood_high"])
    names = ["drop", "drop_low", "drop_high"]
    of_drops = pd.DataFrame(intervals_of(drops, photographs) if len(drops) else (), drops.columns, names)
    frame = frame.join(of_drops.astype(float)).reindex([*models, *([NOISY] if NOISY in psnr else [])])
    _, tied = leaders(frame.loc[models, "ood"].to_dict(), psnr, True, photographs)
    near = near_best(psnr, photographs)
    return (
        frame.assign(
            tied=frame.index.isin(tied),
            near=frame.index.isin(near),
            images=len(psnr),
            datasets=psnr.index.get_level_values(0).nunique(),
        )
        .rename_axis("model")
        .reset_index()
    )


def _pooled(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Images x models by data set -> (data set, image) x models, images with all values only."""
    known = {dataset: table for dataset, table in tables.items() if not table.empty}
    return pd.concat(known).dropna() if known else pd.DataFrame()


def _with_gains(lines: pd.DataFrame, parts: Sequence[_Dataset]) -> pd.DataFrame:
    """Standings with `gain`, the mean PSNR minus that of the noisy input over the same images: the OOD mean, or without
    OOD noise at the reference noise; and with `noisy`, the OOD mean of the noisy input over the images of the model."""
    gains = []
    for part in parts:
        for group in part.groups:
            ood = part.images("psnr", group.ood, group)
            table = part.images("psnr", [part.reference], group) if ood.empty else ood
            for model in group.models:
                both = {model, NOISY} <= set(table.columns)
                gain = (table[model] - table[NOISY]).mean() if both else math.nan
                noisy = ood[NOISY].where(ood[model].notna()).mean() if both and not ood.empty else math.nan
                gains.append((part.scores.dataset, model, gain, noisy))
    return lines.merge(pd.DataFrame(gains, columns=["dataset", "model", "gain", "noisy"]), how="left")
