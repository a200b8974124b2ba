"""A run against another one, as its page says it: how the mean PSNR of each model under each noise differs."""

from __future__ import annotations

import pandas as pd

import reports
from bench import comparison
from bench.errors import BadInput
from bench.statistics.ood import Conditions
from bench.statistics.paired import OOD_MEAN

WORDS = (
    "A difference is this run minus the other, of each image with itself. Its interval and p (permutation test of the "
    "mean) are over photographs; p is corrected for all of these comparisons by Holm's method, OOD means "
    "apart."
)


def compare(
    rows: pd.DataFrame, other: pd.DataFrame, conditions: tuple[Conditions, Conditions], name: str, created: str
) -> reports.Comparison:
    """The rows of this run and those of another under one protocol -> what moved; images of equal pixels are paired."""
    try:
        frame = comparison.compare(rows, other, metrics="psnr", conditions=conditions)
    except BadInput as error:
        return reports.Comparison(name, created, (), words=f"{str(error)[0].upper()}{str(error)[1:]}.")
    away = frame["noise"] == OOD_MEAN
    moves, overall = (tuple(map(_move, part.to_dict("records"))) for part in (frame[~away], frame[away]))
    return reports.Comparison(name, created, moves, overall, " ".join([WORDS, *frame.attrs["notes"]]))


def _move(line: dict) -> reports.Move:
    return reports.Move(
        line["model"], line["dataset"], line["noise"], line["images"], line["mean_against"], line["mean"],
        line["difference"], line["low"], line["high"], line["p"], line["p_holm"], line["moved"],
    )  # fmt: skip
