"""Means and differences with intervals, tests, ranks and scores of robustness, from the rows of a run.

Every formula, with its source, is in `bench.statistics.formulas`.
"""

from bench.noise.noises import REFERENCE
from bench.statistics.intervals import mean_interval, mean_intervals
from bench.statistics.scores import NOISY, inputs, measured, with_noisy, without_value
from bench.statistics.summary import pivot, summarize

__all__ = [
    "NOISY",
    "REFERENCE",
    "inputs",
    "mean_interval",
    "mean_intervals",
    "measured",
    "pivot",
    "summarize",
    "with_noisy",
    "without_value",
]
