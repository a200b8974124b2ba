"""Tables of the scores of a data set's images, the input of all statistics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
import pandas as pd

from bench.datasets.channels import EQUAL, GREY

NOISY = "noisy"
DROP = "drop"  # the name of the columns of PSNR drops
GIVEN_LEVEL = "noise level true"  # in the column `input` of rows (bench.evaluation.rows)


@dataclass(frozen=True, eq=False)
class ImageScores:
    """Scores of one data set: images x (metric, model, noise), mean over seeds, NaN without a score.

    `photographs` (images,): the photograph of each image; scores of crops of one photograph are not independent.
    """

    dataset: str
    table: pd.DataFrame
    photographs: pd.Series

    def with_drops(self, reference: str) -> ImageScores:
        """With PSNR drops in dB as the metric DROP: PSNR at the reference noise minus PSNR at each noise."""
        psnr = self.table["psnr"]
        models = psnr.columns.get_level_values("model")
        at_reference = self.table.reindex(columns=pd.MultiIndex.from_product([["psnr"], models, [reference]]))
        drops = pd.DataFrame(at_reference.to_numpy() - psnr.to_numpy(), psnr.index, psnr.columns)
        return ImageScores(
            self.dataset, pd.concat([self.table, pd.concat({DROP: drops}, axis=1)], axis=1), self.photographs
        )

    def mean_over(self, metric: str, noises: Sequence[str]) -> pd.DataFrame:
        """Images x models, the noisy input last: mean of a metric over noises.

        NaN for an image without a score under each of them; models without any value have no column.
        """
        key = (metric, *noises)
        if key not in self._means:
            mean = np.full((len(self.table), len(self._models)), np.nan)
            if metric in self._cubes and noises and set(noises) <= set(self._noises):
                chosen = self._cubes[metric].take([self._noises.index(noise) for noise in noises], axis=2)
                mean = chosen.mean(axis=2)
            self._means[key] = pd.DataFrame(mean, self.table.index, self._models).dropna(axis="columns", how="all")
        return self._means[key]

    @cached_property
    def _means(self) -> dict[tuple[str, ...], pd.DataFrame]:
        return {}

    @cached_property
    def _models(self) -> list[str]:
        names = sorted(set(self.table.columns.get_level_values("model")) - {NOISY})
        return [*names, NOISY]

    @cached_property
    def _noises(self) -> list[str]:
        return list(dict.fromkeys(self.table.columns.get_level_values("noise")))

    @cached_property
    def _cubes(self) -> dict[str, np.ndarray]:
        """Metric -> scores (images, models, noises)."""
        pairs = list(product(self._models, self._noises))
        shape = len(self.table), len(self._models), len(self._noises)
        metrics = self.table.columns.get_level_values(0).unique()
        every = {name: self.table.reindex(columns=[(name, *pair) for pair in pairs]) for name in metrics}
        return {name: wide.to_numpy(float).reshape(shape) for name, wide in every.items()}

    def of(self, metric: str, model: str, noises: Sequence[str]) -> pd.DataFrame:
        """Images x noises for one metric and model, NaN without a score."""
        columns = pd.MultiIndex.from_product([[metric], [model], noises])
        return self.table.reindex(columns=columns).set_axis(list(noises), axis=1)


def measured(rows: pd.DataFrame) -> list[str]:
    """The metrics of a frame of rows: names with the columns NAME and NAME_noisy."""
    return [name for name in rows.columns if f"{name}_noisy" in rows.columns]


def inputs(rows: pd.DataFrame) -> Iterator[str]:
    """Phrases about greyscale images of one data set, and about how models with another number of channels get them."""
    recorded = rows["input"].fillna("") if "input" in rows else pd.Series("", rows.index)
    for start, description in (
        (GREY, "greyscale: noise and scores are computed on one channel"),
        (EQUAL, "stored with three equal channels: noise is drawn in each channel"),
    ):
        count, all_ = (part["image"].nunique() for part in (rows[recorded.str.startswith(start)], rows))
        if count:
            yield f"{'its' if count == all_ else f'{count} of {all_}'} images are {description}"
    for end, how in (
        ("replicated", "colour networks get the channel three times and their output channels are averaged"),
        ("each channel by itself", "greyscale networks are applied to each channel separately"),
    ):
        models = rows.loc[recorded.str.endswith(end), "model"].nunique()
        if models:
            yield how
    if recorded.str.contains(GIVEN_LEVEL, regex=False).any():
        yield "networks with level='true' are not blind: they are given the standard deviation of the noise"


def without_value(rows: pd.DataFrame) -> Iterator[str]:
    """A sentence for each metric without a value in some successful rows, with the most frequent reason."""
    good = rows[rows["status"] == "ok"]
    reasons = good["reason"].fillna("")
    for metric in measured(rows):
        reason = reasons.str.extract(rf"(?:^|; )no (?:\w+, )*{metric}(?:, \w+)*: ([^;]*)")[0]
        reason = reason[good[metric].isna()].dropna()
        if len(reason):
            yield (
                f"{metric} has no value in {len(reason)} of {len(good)} rows ({reason.value_counts().index[0]}); "
                "its means are over the other images"
            )


def with_noisy(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the models, with the noisy input as an additional model."""
    metrics = measured(rows)
    noisy = rows[rows[[f"{metric}_noisy" for metric in metrics]].notna().any(axis=1)]
    noisy = noisy.drop_duplicates(["dataset", "image", "noise", "noise_version", "seed", "protocol"]).copy()
    scores = {metric: noisy[f"{metric}_noisy"] for metric in metrics}
    noisy = noisy.assign(model=NOISY, **scores, status="ok", reason="")
    return pd.concat([rows, noisy], ignore_index=True)


def photograph_of(rows: pd.DataFrame) -> pd.Series:
    """The photograph of each row; its image if the (older) store has no photographs."""
    if "photograph" not in rows:
        return rows["image"]
    return rows["photograph"].mask(rows["photograph"].isna() | (rows["photograph"] == ""), rows["image"])


def by_dataset(rows: pd.DataFrame) -> Iterator[ImageScores]:
    """The scores of the successful rows of each data set."""
    good, metrics = rows[rows["status"] == "ok"], measured(rows)
    good = good.assign(photograph=photograph_of(good))
    for dataset, part in good.groupby("dataset", sort=False):
        means = part.groupby(["image", "model", "noise"], sort=False)[metrics].mean()
        table = means.unstack(["model", "noise"])
        yield ImageScores(str(dataset), table, part.groupby("image")["photograph"].first().reindex(table.index))
