"""A run against another one: the same model, noise and images, and how the mean PSNR differs."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

import reports
from bench import statistics

CELL = ["model", "dataset", "noise"]
IMAGE = ["image", "image_hash", "seed"]
MOVED = 3  # images a mean that are named
WORDS = (
    "A difference is this run less the other, of each image with itself; its interval is the 95% bootstrap interval of "
    "the mean difference (BCa, 9,999 resamples) over images."
)


def compare(rows: pd.DataFrame, other: pd.DataFrame, name: str, created: str) -> reports.Comparison:
    """The rows of this run and those of another under one protocol -> what moved; images of equal pixels are paired."""
    both = _scores(rows).merge(_scores(other), on=[*CELL, *IMAGE], suffixes=("", "_before"))
    moves = tuple(_moves(both))
    cells = len(_scores(rows)[CELL].drop_duplicates())
    alone = f" {cells - len(moves)} of {cells} means of this run have no counterpart there."
    return reports.Comparison(name, created, moves, WORDS + alone * (len(moves) < cells))


def _scores(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.loc[rows["status"] == "ok", [*CELL, *IMAGE, "psnr"]]


def _moves(both: pd.DataFrame) -> Iterator[reports.Move]:
    for (model, dataset, noise), part in both.groupby(CELL, sort=False):
        images = part.groupby("image", sort=False)[["psnr", "psnr_before"]].mean()
        change = images["psnr"] - images["psnr_before"]
        mean, low, high = statistics.mean_interval(change.to_numpy(float))
        order = change.abs().sort_values(ascending=False, kind="stable").index[:MOVED]
        moved = tuple((str(image), float(change[image])) for image in order)
        before, after = float(images["psnr_before"].mean()), float(images["psnr"].mean())
        yield reports.Move(model, dataset, noise, len(images), before, after, mean, low, high, math.nan, moved)
