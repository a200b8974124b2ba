"""The data of a site besides the rows of the run: frozen dataclasses, filled in by the caller."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from reports.measures import PSNR, Measure
from reports.paired import Intervals, means_alone

if TYPE_CHECKING:
    from reports.paper_study import PaperStudy


@dataclass(frozen=True)
class ModelCard:
    """One model.

    name             its spec, by which rows, files and addresses name it
    title            heading of its page
    label            what tables and charts call it; its name if empty
    parameters, iterations  counts, None if unknown
    training_noise   in words
    in_distribution  specs of the run's noises that it was trained on
    """

    name: str
    title: str = ""
    label: str = ""
    size: str = ""
    parameters: int | None = None
    weights: str = ""
    weights_hash: str = ""
    paper: str = ""
    licence: str = ""
    trained_on: str = ""
    iterations: int | None = None
    note: str = ""
    training_noise: str = ""
    in_distribution: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ModelGroup:
    """Models with the same training noise, which are ranked against each other.

    name   '' if they were trained on the reference noise, else their training noise in words
    ood    specs of the noises that are out of distribution for all of them, over which OOD means are taken
    known  whether their training noise is known
    """

    name: str
    models: tuple[str, ...]
    ood: tuple[str, ...]
    known: bool = True


@dataclass(frozen=True)
class NoiseCard:
    """One noise; `axis` names the parameter that is its level and its unit, `levels` are its values."""

    name: str
    title: str = ""
    formula: str = ""
    source: str = ""
    axis: str = ""
    levels: tuple[float, ...] = ()


@dataclass(frozen=True)
class DatasetCard:
    """One data set by its canonical spec; `images` is a count, None if unknown."""

    name: str
    title: str = ""
    images: int | None = None
    licence: str = ""
    note: str = ""


@dataclass(frozen=True)
class Picture:
    """One lossless image file; `source` is 'clean', 'noisy' or the name of the model whose output it is."""

    dataset: str
    image: str
    noise: str
    seed: int
    source: str
    path: Path


@dataclass(frozen=True)
class TrainingCurve:
    """PSNR in dB on held-out images under one noise during training: (iteration, PSNR) in order."""

    model: str
    noise: str
    points: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class AnalysisFigure:
    """A figure of an analysis of networks, with its files.

    analysis  its name, with the heading `section` and the introduction `about`, which all of its figures share
    caption   how to read the figure
    sample    the images and settings that it was computed on
    command   reproduces it
    """

    analysis: str
    section: str
    about: str
    title: str
    caption: str
    sample: str
    svg: Path
    png: Path
    csv: Path
    pdf: Path | None = None
    command: str = ""


@dataclass(frozen=True)
class FormulaCard:
    """A quantity of the site: its formula in plain characters, an explanation, and its source."""

    name: str
    formula: str
    explanation: str
    source: str = ""


@dataclass(frozen=True)
class ModelStanding:
    """Mean rank and relative error of a model on one data set under OOD noise, each as (value, low, high) with its
    95% interval.

    The rank is by PSNR within the model's group. `relative_error` is the error relative to the model `reference`, which
    has 1; NaN without that model in the run.
    """

    dataset: str
    model: str
    images: int
    rank: tuple[float, float, float]
    relative_error: tuple[float, float, float]
    reference: str


@dataclass(frozen=True)
class MeanDifference:
    """Mean PSNR of one model under one noise in two runs, over the same images, in dB.

    before, after     mean PSNR in the other run and in this run
    difference        this run minus the other, with the ends `low` and `high` of its 95% interval
    p, adjusted       p value and p value after Holm's correction, NaN without a test
    moved             the images with the largest differences as (image, difference), the largest first
    """

    model: str
    dataset: str
    noise: str
    images: int
    before: float
    after: float
    difference: float
    low: float
    high: float
    p: float = math.nan
    adjusted: float = math.nan
    moved: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class RunComparison:
    """Comparison with another run; `notes` describe the tests and what could not be compared.

    `moves` are differences under single noises, `overall` those of OOD means.
    """

    run: str
    created: str
    moves: tuple[MeanDifference, ...]
    overall: tuple[MeanDifference, ...] = ()
    notes: str = ""


@dataclass(frozen=True)
class Study:
    """Everything needed to judge and reproduce a run.

    created       ISO 8601 time
    intervals     computes means with 95% intervals, for noise means and differences that the pages form
    figure_command  start of the command that makes a figure of an image, '' for none
    reference     spec of the reference noise of PSNR drops, '' for none
    groups        the models by training noise, the group of the headline first; without groups, all models are one
                  group, and every noise except `reference` and `nearly_clean` is OOD
    paper         published tables and figures beside those of the run, None for none
    nearly_clean  noises too weak to be in an OOD mean, with the mean PSNR of their noisy input in dB
    """

    title: str
    command: str = ""
    created: str = ""
    run: str = ""
    protocol: str = ""
    protocol_description: str = ""
    intervals: Intervals = means_alone
    formulas: tuple[FormulaCard, ...] = ()
    measures: tuple[Measure, ...] = (PSNR,)
    versions: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, str] = field(default_factory=dict)
    models: tuple[ModelCard, ...] = ()
    noises: tuple[NoiseCard, ...] = ()
    datasets: tuple[DatasetCard, ...] = ()
    pictures: tuple[Picture, ...] = ()
    standings: tuple[ModelStanding, ...] = ()
    comparisons: tuple[RunComparison, ...] = ()
    analysis_figures: tuple[AnalysisFigure, ...] = ()
    training: tuple[TrainingCurve, ...] = ()
    not_measured: tuple[str, ...] = ()
    reference: str = "gaussian(sigma=15)"
    groups: tuple[ModelGroup, ...] = ()
    nearly_clean: Mapping[str, float] = field(default_factory=dict)
    figure_command: str = ""
    paper: "PaperStudy | None" = None
