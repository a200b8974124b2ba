"""Rows in, a static site out. Imports no other package of this project."""

from reports.site import build
from reports.study import Artefact, Curve, DatasetCard, ModelCard, NoiseCard, Picture, Study

__all__ = ["Artefact", "Curve", "DatasetCard", "ModelCard", "NoiseCard", "Picture", "Study", "build"]
