"""Rows in, a static site out. Imports no other package of this project."""

from reports.measures import Measure
from reports.site import build
from reports.study import (
    Artefact,
    Comparison,
    Curve,
    DatasetCard,
    Formula,
    Group,
    ModelCard,
    Move,
    NoiseCard,
    Picture,
    Standing,
    Study,
)

__all__ = [
    "Artefact",
    "Comparison",
    "Curve",
    "DatasetCard",
    "Formula",
    "Group",
    "Measure",
    "ModelCard",
    "Move",
    "NoiseCard",
    "Picture",
    "Standing",
    "Study",
    "build",
]
