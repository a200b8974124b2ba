"""Scores of the images of a data set, side by side: what all statistics start from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from bench.datasets.channels import EQUAL, GREY

NOISY = "noisy"


@dataclass(frozen=True, eq=False)
class Scores:
    """Of one data set: a row an image, a column a (metric, model, noise); seeds are averaged, NaN where none was taken.

    `photographs` (images,) says what crops of one photograph have in common: their scores are not independent.
    """

    dataset: str
    table: pd.DataFrame
    photographs: pd.Series

    def of(self, metric: str, model: str, noises: Sequence[str]) -> pd.DataFrame:
        """Images x noises of one metric and model, NaN where there is nothing."""
        columns = pd.MultiIndex.from_product([[metric], [model], noises])
        return self.table.reindex(columns=columns).set_axis(list(noises), axis=1)


def measured(rows: pd.DataFrame) -> list[str]:
    """The metrics of a frame of rows: what has a column NAME and one NAME_noisy."""
    return [name for name in rows.columns if f"{name}_noisy" in rows.columns]


def inputs(rows: pd.DataFrame) -> Iterator[str]:
    """Phrases on images of one data set that are greyscale, or have three equal channels, and how models take them."""
    said = rows["input"].fillna("") if "input" in rows else pd.Series("", rows.index)
    for start, words in (
        (GREY, "greyscale: noise is drawn and scores are taken in one channel"),
        (EQUAL, "of three equal channels: noise is drawn in each"),
    ):
        count, all_ = (part["image"].nunique() for part in (rows[said.str.startswith(start)], rows))
        if count:
            yield f"{'its' if count == all_ else f'{count} of {all_}'} images are {words}"
    for words, how in (
        ("replicated", "colour networks get the channel three times, and their outputs are averaged"),
        ("each channel by itself", "networks for greyscale get each channel by itself"),
    ):
        models = rows.loc[said.str.endswith(words), "model"].nunique()
        if models:
            yield how


def without_value(rows: pd.DataFrame) -> Iterator[str]:
    """A sentence for each metric that has no value in some rows which did not fail, with the reason of most."""
    good = rows[rows["status"] == "ok"]
    reasons = good["reason"].fillna("")
    for metric in measured(rows):
        found = reasons.str.extract(rf"(?:^|; )no (?:\w+, )*{metric}(?:, \w+)*: ([^;]*)")[0]
        why = found[good[metric].isna()].dropna()
        if len(why):
            yield (
                f"{metric} has no value in {len(why)} of {len(good)} rows, and its means are over the other images: "
                f"{why.value_counts().index[0]}"
            )


def with_noisy(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the models, and the noisy input as one model more."""
    metrics = measured(rows)
    noisy = rows[rows[[f"{metric}_noisy" for metric in metrics]].notna().any(axis=1)]
    noisy = noisy.drop_duplicates(["dataset", "image", "noise", "noise_version", "seed", "protocol"]).copy()
    scores = {metric: noisy[f"{metric}_noisy"] for metric in metrics}
    noisy = noisy.assign(model=NOISY, **scores, status="ok", reason="")
    return pd.concat([rows, noisy], ignore_index=True)


def photograph_of(rows: pd.DataFrame) -> pd.Series:
    """The photograph of each row; where a store of old does not say, its image."""
    if "photograph" not in rows:
        return rows["image"]
    return rows["photograph"].mask(rows["photograph"].isna() | (rows["photograph"] == ""), rows["image"])


def by_dataset(rows: pd.DataFrame) -> Iterator[Scores]:
    """The scores of rows that succeeded, a data set after the other."""
    good, metrics = rows[rows["status"] == "ok"], measured(rows)
    good = good.assign(photograph=photograph_of(good))
    for dataset, part in good.groupby("dataset", sort=False):
        means = part.groupby(["image", "model", "noise"], sort=False)[metrics].mean()
        table = means.unstack(["model", "noise"])
        yield Scores(str(dataset), table, part.groupby("image")["photograph"].first().reindex(table.index))
