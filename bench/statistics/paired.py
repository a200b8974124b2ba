"""Paired comparison of two sides on the same noisy pixels: differences, intervals, tests, variation over trainings."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.statistics.intervals import mean_intervals
from bench.statistics.scores import photograph_of
from bench.statistics.significance import p_values

PIXELS = ["dataset", "noise", "noise_version", "image", "image_hash", "seed"]  # rows with equal values: equal pixels
OOD_MEAN = "OOD mean"
MAX_MOVED = 3  # images listed per difference


@dataclass(frozen=True)
class Side:
    """One side of a comparison: trainings of one network by their row labels; scores are averaged over them."""

    labels: tuple[str, ...]

    @property
    def name(self) -> str:
        """'ours', or 'ours and 2 more trainings'."""
        more = len(self.labels) - 1
        return self.labels[0] + (f" and {more} more training{'s' if more > 1 else ''}" if more else "")


def differences(
    here: pd.DataFrame,
    there: pd.DataFrame,
    side: Side,
    against: Side,
    metrics: Sequence[str],
    test: str,
    ood: Collection[str],
) -> pd.DataFrame:
    """The rows of two runs (or one run twice) and one side in each -> one row per data set x noise x metric.

    `ood`: the noises that are out of distribution for both sides, over which the OOD mean is taken. For the columns
    see `bench.comparison.compare`.
    """
    trainings = [*(_rows(here, label) for label in side.labels), *(_rows(there, label) for label in against.labels)]
    scores = [_by_pixels(rows, metrics) for rows in trainings]
    common = scores[0].index
    for one in scores[1:]:
        common = common.intersection(one.index, sort=False)
    if common.empty:
        return pd.DataFrame()
    cube = np.stack([one.loc[common].to_numpy(float) for one in scores])  # (trainings, rows, metrics)
    cube[:, np.isnan(cube).any(0)] = np.nan
    of_image = common.droplevel(["noise_version", "image_hash", "seed"])
    photographs = pd.concat([rows.assign(photograph=photograph_of(rows)) for rows in trainings[: len(side.labels)]])
    photographs = photographs.drop_duplicates(["dataset", "image"]).set_index(["dataset", "image"])["photograph"]
    tables = [pd.DataFrame(one, of_image, metrics).groupby(level=[0, 1, 2], sort=False).mean() for one in cube]
    everything = pd.concat(trainings)
    order = everything.drop_duplicates(["dataset", "noise"])[["dataset", "noise", "noise_name", "level"]]
    both = common.droplevel(["noise_version", "image", "image_hash", "seed"]).unique()
    order = order[pd.MultiIndex.from_frame(order[["dataset", "noise"]]).isin(both)]
    counts = _counts(trainings, len(side.labels), common)
    parts = []
    for dataset, noises in order.groupby("dataset", sort=False):
        wide = [_wide(table.loc[dataset], ood) for table in tables]
        parts.append(_lines(wide, len(side.labels), photographs.loc[dataset], noises, test).assign(dataset=dataset))
    lines = pd.concat(parts).merge(counts, on=["dataset", "noise"], how="left")
    lines = pd.concat([lines, _all_failed(lines, counts, everything, metrics)], ignore_index=True)
    return lines.astype({name: "Int64" for name in ("unpaired", "failed")})  # the OOD mean has none


def _all_failed(lines: pd.DataFrame, counts: pd.DataFrame, rows: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """Lines without numbers, for noises under which all images with a score on the other side failed on this one."""
    cell = ["dataset", "noise"]
    known = pd.MultiIndex.from_frame(lines[cell])
    lost = counts[(counts["failed"] > 0) & ~pd.MultiIndex.from_frame(counts[cell]).isin(known)]
    about = rows.drop_duplicates(cell)[[*cell, "noise_name", "level"]]
    lost = lost.merge(about, on=cell).merge(pd.DataFrame({"metric": list(metrics)}), how="cross")
    same = {name: lines[name].iloc[0] for name in ("trainings", "trainings_against")}
    return lost.assign(images=0, photographs=0, moved=[()] * len(lost), **same)


def _rows(run: pd.DataFrame, label: str) -> pd.DataFrame:
    return run[run["model"] == label]


def _by_pixels(rows: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """The scores of the successful rows, indexed by PIXELS."""
    return rows[rows["status"] == "ok"].groupby(PIXELS, sort=False, dropna=False)[list(metrics)].mean()


def _wide(table: pd.DataFrame, ood: Collection[str]) -> pd.DataFrame:
    """(noise, image) x metrics -> images x (metric, noise), with the OOD mean of each metric for several OOD noises."""
    wide = table.unstack("noise")
    ood_here = [name for name in table.index.unique("noise") if name in ood]
    if len(ood_here) > 1:
        for metric in table.columns:
            block = wide[metric].reindex(columns=ood_here)
            wide[(metric, OOD_MEAN)] = block.mean(axis=1, skipna=False)
    return wide


def _lines(wide: list[pd.DataFrame], own: int, photographs: pd.Series, noises: pd.DataFrame, test: str) -> pd.DataFrame:
    """Images x (metric, noise) of each training, the first `own` of this side -> one row per metric x noise."""
    columns = _ordered(wide[0].columns, noises)
    values = np.stack([table[columns].to_numpy(float) for table in wide])  # (trainings, images, K)
    mine, theirs = values[:own].mean(0), values[own:].mean(0)
    change = mine - theirs
    change[np.abs(change) <= 1e-12 * (np.abs(mine) + np.abs(theirs))] = 0.0  # equal up to rounding
    paired, images = np.isfinite(change), wide[0].index
    clusters = photographs.reindex(images).to_numpy()
    bounds = mean_intervals(change, clusters)
    means = np.stack([_mean(table, paired) for table in values])  # (trainings, K)
    lines = pd.DataFrame(columns.to_list(), columns=["metric", "noise"]).merge(noises, on="noise", how="left")
    lines = lines.drop(columns="dataset").fillna({"noise_name": ""})
    lines["images"] = paired.sum(0)
    lines["photographs"] = [len(set(clusters[column])) for column in paired.T]
    lines["mean"], lines["mean_against"] = means[:own].mean(0), means[own:].mean(0)
    lines["difference"], lines["low"], lines["high"] = bounds.T
    lines["p"] = p_values(change, clusters, test)
    lines["moved"] = [_moved(images, column) for column in change.T]
    return _with_training_variation(lines, means[:own], means[own:])[lines["images"].to_numpy() > 0]


def _ordered(columns: pd.MultiIndex, noises: pd.DataFrame) -> pd.MultiIndex:
    """The (metric, noise) columns in order: metrics as given, noises by name and level, the OOD mean last."""
    position = {noise: i for i, noise in enumerate(noises.sort_values(["noise_name", "level", "noise"])["noise"])}
    metrics = list(dict.fromkeys(columns.get_level_values(0)))
    order = sorted(columns, key=lambda one: (metrics.index(one[0]), position.get(one[1], len(position))))
    return pd.MultiIndex.from_tuples(order)


def _mean(table: np.ndarray, paired: np.ndarray) -> np.ndarray:
    """Means (K,) over the paired images."""
    count = paired.sum(0)
    return np.divide(np.where(paired, table, 0).sum(0), count, out=np.full(len(count), np.nan), where=count > 0)


def _with_training_variation(lines: pd.DataFrame, mine: np.ndarray, theirs: np.ndarray) -> pd.DataFrame:
    """Add standard deviation, minimum and maximum of the difference over pairs of trainings; NaN for single ones."""
    several = len(mine) > 1 or len(theirs) > 1
    own, other = (side.std(axis=0, ddof=1) if len(side) > 1 else 0.0 for side in (mine, theirs))
    return lines.assign(
        trainings=len(mine),
        trainings_against=len(theirs),
        training_sd=np.hypot(own, other) if several else np.nan,
        training_min=mine.min(0) - theirs.max(0) if several else np.nan,
        training_max=mine.max(0) - theirs.min(0) if several else np.nan,
    )


def _moved(images: pd.Index, change: np.ndarray) -> tuple[tuple[str, float], ...]:
    """The images with the largest differences, the largest first."""
    size = np.abs(np.nan_to_num(change))
    order = np.argsort(-size, kind="stable")[:MAX_MOVED]
    return tuple((str(images[index]), float(change[index])) for index in order if size[index])


def _counts(trainings: list[pd.DataFrame], own: int, common: pd.Index) -> pd.DataFrame:
    """By data set and noise: the number of unpaired images, and of images that failed on this side only."""
    keys = ["dataset", "noise", "image"]
    paired = pd.MultiIndex.from_frame(common.to_frame(index=False)[keys]).unique()

    def images(parts: list[pd.DataFrame], status: str | None = None) -> pd.MultiIndex:
        rows = pd.concat(parts)
        chosen = rows if status is None else rows[rows["status"] == status]
        return pd.MultiIndex.from_frame(chosen[keys]).unique()

    both = images(trainings[:own], "failed").intersection(images(trainings[own:], "failed"))
    unpaired = images(trainings).difference(paired).difference(both)
    failed = images(trainings[:own], "failed").intersection(images(trainings[own:], "ok")).difference(paired)
    counts = pd.DataFrame(index=images(trainings).droplevel("image").unique())
    for name, index in {"unpaired": unpaired, "failed": failed}.items():
        counts[name] = (
            index.to_frame(index=False).groupby(["dataset", "noise"]).size().reindex(counts.index, fill_value=0)
        )
    return counts.reset_index()


def failed_on_both(here: pd.DataFrame, there: pd.DataFrame) -> int:
    """The number of (image, noise) that failed on both sides and have no score on either."""
    keys = ["dataset", "noise", "image"]

    def images(rows: pd.DataFrame, status: str) -> pd.MultiIndex:
        return pd.MultiIndex.from_frame(rows.loc[rows["status"] == status, keys]).unique()

    both = images(here, "failed").intersection(images(there, "failed"))
    return len(both.difference(images(here, "ok")).difference(images(there, "ok")))
