"""What the page Paper shows: published tables and figures beside those of this run, and verdicts on their claims."""

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from reports.data import TrainingCurve


@dataclass(frozen=True)
class PaperFigure:
    """A figure of this run in place of a published one; `command` makes it."""

    title: str
    caption: str
    svg: Path
    pdf: Path | None = None
    csv: Path | None = None
    command: str = ""


@dataclass(frozen=True)
class PaperExperiment:
    """A published table or figure, and what this run has of it.

    claim     what its caption claims
    notes     what its source does not state, and what was chosen instead
    problems  what is missing here, with the command that gets it
    networks  size and training of the networks, and whether the size is the published one; a sentence per weights
    values    one row per weights, noise, data set, model (`role`) and metric: published (NaN if not transcribed), ours
              with low and high, difference, parameters, parameters_published, same_size
    orders    one row per weights, noise, data set and metric: models, rank_correlation, same_order
    curves    PSNR on held-out images during training by model, mean over unseen noises
    """

    name: str
    title: str
    source: str
    claim: str
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    values: pd.DataFrame = field(default_factory=pd.DataFrame)
    orders: pd.DataFrame = field(default_factory=pd.DataFrame)
    figures: tuple[PaperFigure, ...] = ()
    curves: tuple[TrainingCurve, ...] = ()


@dataclass(frozen=True)
class PaperStudy:
    """The reproduced experiments, and `verdicts`: one row per claim and weights (verdict, effect, low, high, why)."""

    experiments: tuple[PaperExperiment, ...]
    verdicts: pd.DataFrame
