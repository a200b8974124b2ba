"""Means and differences with intervals, tests, ranks and scores of robustness, from the rows of a run.

Every formula, with its source, is in `bench.statistics.formulas`.
"""

from bench.noise.noises import REFERENCE
from bench.statistics.intervals import mean_interval, mean_intervals
from bench.statistics.scores import NOISY, measured, with_noisy
from bench.statistics.summary import pivot, summarize

WORDS = (
    "Intervals are 95% bootstrap intervals of the mean (BCa, 9,999 resamples) over photographs, the seeds of an image "
    "averaged first; crops of one photograph are drawn together, and for few photographs the intervals are widened as "
    "Student's t is. They say how much the mean would move with other photographs of this kind; they say nothing of "
    "another training of the same network."
)
__all__ = [
    "NOISY",
    "REFERENCE",
    "WORDS",
    "mean_interval",
    "mean_intervals",
    "measured",
    "pivot",
    "summarize",
    "with_noisy",
]
