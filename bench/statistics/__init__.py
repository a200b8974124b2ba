"""Statistics of the rows of a run: means and differences with 95% intervals, tests, ranks, relative errors.

`bench.statistics.formulas` has all formulas with their sources.
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
