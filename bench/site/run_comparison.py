"""Comparison with another run, for the page of a run: differences of the mean PSNR of each model under each noise."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

import reports
from bench import comparison
from bench.core.errors import BadInput
from bench.runs.run_data import RunData

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
        return reports.RunComparison(*about, pd.DataFrame(), f"{str(error)[0].upper()}{str(error)[1:]}.")
    return reports.RunComparison(*about, frame, " ".join([NOTES, *frame.attrs["notes"]]))
