"""Rows of a run in, a static site out. Imports no other package of this project."""

from reports.data import (
    AnalysisFigure,
    DatasetCard,
    Formula,
    ModelCard,
    ModelGroup,
    NoiseCard,
    NoiseMean,
    Numbers,
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
    "Formula",
    "Measure",
    "ModelCard",
    "ModelGroup",
    "NoiseCard",
    "NoiseMean",
    "Numbers",
    "Picture",
    "RunComparison",
    "SiteError",
    "Study",
    "TrainingCurve",
    "build",
]
