"""Rows of a run in, a static site out. Imports no other package of this project."""

from reports.data import (
    AnalysisFigure,
    DatasetCard,
    FormulaCard,
    MeanDifference,
    ModelCard,
    ModelGroup,
    ModelStanding,
    NoiseCard,
    Picture,
    RunComparison,
    Study,
    TrainingCurve,
)
from reports.measures import Measure
from reports.site import build
from reports.site_writer import SiteError

__all__ = [
    "AnalysisFigure",
    "DatasetCard",
    "FormulaCard",
    "MeanDifference",
    "Measure",
    "ModelCard",
    "ModelGroup",
    "ModelStanding",
    "NoiseCard",
    "Picture",
    "RunComparison",
    "SiteError",
    "Study",
    "TrainingCurve",
    "build",
]
