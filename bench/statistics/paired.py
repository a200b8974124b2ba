"""Two sides on the same noisy pixels: differences, their intervals and tests, and the spread over trainings."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.statistics.intervals import mean_intervals
from bench.statistics.scores import photograph_of
from bench.statistics.significance import p_values

PIXELS = ["dataset", "noise", "noise_version", "image", "image_hash", "seed"]  # what makes noisy pixels equal
OOD_MEAN = "OOD mean"
MOVED = 3  # images a difference that are named


@dataclass(frozen=True)
class Side:
    """Trainings of one network, by the labels that their rows have; scores of an image are averaged over them."""

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
    """The rows of two runs (or twice of one) and a side in each -> a row per data set x noise x metric; see `compare`.

    `ood` are the noises that are out of distribution for both sides, of which there is a mean.
    """  # fmt: skip
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
    found = []
    for dataset, noises in order.groupby("dataset", sort=False):
        wide = [_wide(table.loc[dataset], ood) for table in tables]
        found.append(_lines(wide, len(side.labels), photographs.loc[dataset], noises, test).assign(dataset=dataset))
    lines = pd.concat(found).merge(counts, on=["dataset", "noise"], how="left")
    lines = pd.concat([lines, _all_failed(lines, counts, everything, metrics)], ignore_index=True)
    return lines.astype({name: "Int64" for name in ("unpaired", "failed")})  # the OOD mean has none


def _all_failed(lines: pd.DataFrame, counts: pd.DataFrame, rows: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """Lines without numbers, of noises under which every image failed on this side that has a score on the other."""
    cell = ["dataset", "noise"]
    there = pd.MultiIndex.from_frame(lines[cell])
    lost = counts[(counts["failed"] > 0) & ~pd.MultiIndex.from_frame(counts[cell]).isin(there)]
    about = rows.drop_duplicates(cell)[[*cell, "noise_name", "level"]]
    lost = lost.merge(about, on=cell).merge(pd.DataFrame({"metric": list(metrics)}), how="cross")
    same = {name: lines[name].iloc[0] for name in ("trainings", "trainings_against")}
    return lost.assign(images=0, photographs=0, moved=[()] * len(lost), **same)


def _rows(run: pd.DataFrame, label: str) -> pd.DataFrame:
    return run[run["model"] == label]


def _by_pixels(rows: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """Scores by what makes noisy pixels equal, of the rows that succeeded."""
    return rows[rows["status"] == "ok"].groupby(PIXELS, sort=False, dropna=False)[list(metrics)].mean()


def _wide(table: pd.DataFrame, ood: Collection[str]) -> pd.DataFrame:
    """(noise, image) x metrics -> images x (metric, noise), and the OOD mean of each metric, if of several noises."""
    wide = table.unstack("noise")
    away = [name for name in table.index.unique("noise") if name in ood]
    if len(away) > 1:
        for metric in table.columns:
            block = wide[metric].reindex(columns=away)
            wide[(metric, OOD_MEAN)] = block.mean(axis=1, skipna=False)
    return wide


def _lines(wide: list[pd.DataFrame], own: int, photographs: pd.Series, noises: pd.DataFrame, test: str) -> pd.DataFrame:
    """Images x (metric, noise) of each training, the first `own` of this side -> a row a metric x noise."""
    columns = _ordered(wide[0].columns, noises)
    values = np.stack([table[columns].to_numpy(float) for table in wide])  # (trainings, images, K)
    mine, theirs = values[:own].mean(0), values[own:].mean(0)
    change = mine - theirs
    change[np.abs(change) <= 1e-12 * (np.abs(mine) + np.abs(theirs))] = 0.0  # equal but for rounding
    there, images = np.isfinite(change), wide[0].index
    clusters = photographs.reindex(images).to_numpy()
    bounds = mean_intervals(change, clusters)
    means = np.stack([_mean(table, there) for table in values])  # (trainings, K)
    found = pd.DataFrame(columns.to_list(), columns=["metric", "noise"]).merge(noises, on="noise", how="left")
    found = found.drop(columns="dataset").fillna({"noise_name": ""})
    found["images"] = there.sum(0)
    found["photographs"] = [len(set(clusters[column])) for column in there.T]
    found["mean"], found["mean_against"] = means[:own].mean(0), means[own:].mean(0)
    found["difference"], found["low"], found["high"] = bounds.T
    found["p"] = p_values(change, clusters, test)
    found["moved"] = [_moved(images, column) for column in change.T]
    return _with_spread(found, means[:own], means[own:])[found["images"].to_numpy() > 0]


def _ordered(columns: pd.MultiIndex, noises: pd.DataFrame) -> pd.MultiIndex:
    """(metric, noise) of a table: metrics as they come, noises by name and level, the OOD mean last."""
    place = {noise: i for i, noise in enumerate(noises.sort_values(["noise_name", "level", "noise"])["noise"])}
    metrics = list(dict.fromkeys(columns.get_level_values(0)))
    order = sorted(columns, key=lambda one: (metrics.index(one[0]), place.get(one[1], len(place))))
    return pd.MultiIndex.from_tuples(order)


def _mean(table: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Means (K,) over the images that are there."""
    count = there.sum(0)
    return np.divide(np.where(there, table, 0).sum(0), count, out=np.full(len(count), np.nan), where=count > 0)


def _with_spread(found: pd.DataFrame, mine: np.ndarray, theirs: np.ndarray) -> pd.DataFrame:
    """Add what the difference between one training of each side varies by; NaN where each side has one."""
    several = len(mine) > 1 or len(theirs) > 1
    deviation = [side.std(axis=0, ddof=1) if len(side) > 1 else 0.0 for side in (mine, theirs)]
    return found.assign(
        trainings=len(mine),
        trainings_against=len(theirs),
        training_sd=np.hypot(*deviation) if several else np.nan,
        training_min=mine.min(0) - theirs.max(0) if several else np.nan,
        training_max=mine.max(0) - theirs.min(0) if several else np.nan,
    )


def _moved(images: pd.Index, change: np.ndarray) -> tuple[tuple[str, float], ...]:
    """The images that moved most, the largest first."""
    size = np.abs(np.nan_to_num(change))
    order = np.argsort(-size, kind="stable")[:MOVED]
    return tuple((str(images[place]), float(change[place])) for place in order if size[place])


def _counts(trainings: list[pd.DataFrame], own: int, common: pd.Index) -> pd.DataFrame:
    """By data set and noise: images without a counterpart, and those that failed on this side and not on the other."""
    keys = ["dataset", "noise", "image"]
    paired = pd.MultiIndex.from_frame(common.to_frame(index=False)[keys]).unique()

    def images(parts: list[pd.DataFrame], status: str | None = None) -> pd.MultiIndex:
        rows = pd.concat(parts)
        chosen = rows if status is None else rows[rows["status"] == status]
        return pd.MultiIndex.from_frame(chosen[keys]).unique()

    both = images(trainings[:own], "failed").intersection(images(trainings[own:], "failed"))
    unpaired = images(trainings).difference(paired).difference(both)
    failed = images(trainings[:own], "failed").intersection(images(trainings[own:], "ok")).difference(paired)
    found = pd.DataFrame(index=images(trainings).droplevel("image").unique())
    for name, index in {"unpaired": unpaired, "failed": failed}.items():
        found[name] = (
            index.to_frame(index=False).groupby(["dataset", "noise"]).size().reindex(found.index, fill_value=0)
        )
    return found.reset_index()


def failed_on_both(here: pd.DataFrame, there: pd.DataFrame) -> int:
    """How many images failed on both sides and have no score on either, counted under each noise."""
    keys = ["dataset", "noise", "image"]

    def images(rows: pd.DataFrame, status: str) -> pd.MultiIndex:
        return pd.MultiIndex.from_frame(rows.loc[rows["status"] == status, keys]).unique()

    both = images(here, "failed").intersection(images(there, "failed"))
    return len(both.difference(images(here, "ok")).difference(images(there, "ok")))
