"""Comparison with another run, for the page of a run: differences of the mean PSNR of each model under each noise."""

from __future__ import annotations

from pathlib import Path

import reports
from bench import comparison
from bench.core.errors import BadInput
from bench.runs.run_data import RunData
from bench.statistics.paired import OOD_MEAN

NOTES = (
    "Differences are this run minus the other run, paired by image. 95% intervals and p values (permutation test of "
    "the mean) are over photographs; p values are corrected by Holm's method over all comparisons here, separately for "
    "single noises and OOD means."
)


def compare(data: RunData, other: Path) -> reports.RunComparison:
    """A run and the folder of another, under the same protocol -> the differences, over images with equal pixels."""
    past = RunData.read(other, data.protocol)
    about = other.name, past.manifest[-1]["at"]
    try:
        frame = comparison.compare(data, past, metrics="psnr")
    except BadInput as error:
        return reports.RunComparison(*about, (), notes=f"{str(error)[0].upper()}{str(error)[1:]}.")
    is_mean = frame["noise"] == OOD_MEAN
    moves, overall = (tuple(map(_move, part.to_dict("records"))) for part in (frame[~is_mean], frame[is_mean]))
    return reports.RunComparison(*about, moves, overall, " ".join([NOTES, *frame.attrs["notes"]]))


def _move(line: dict) -> reports.MeanDifference:
    return reports.MeanDifference(
        line["model"],
        line["dataset"],
        line["noise"],
        line["images"],
        line["mean_against"],
        line["mean"],
        line["difference"],
        line["low"],
        line["high"],
        line["p"],
        line["p_holm"],
        line["moved"],
    )
