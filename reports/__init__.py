"""Rows in, a static site out. Imports no other package of this project."""

from reports.site import build
from reports.study import DatasetCard, ModelCard, NoiseCard, Picture, Study

__all__ = ["DatasetCard", "ModelCard", "NoiseCard", "Picture", "Study", "build"]
