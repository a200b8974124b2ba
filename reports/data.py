"""The data of a site besides the rows of the run: cards and frames, filled in by the caller."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from reports.measures import PSNR, Measure

OOD_MEAN = "OOD mean"


def frame_of(columns: str) -> Callable[[], pd.DataFrame]:
    """Names of columns -> a function that makes a frame with these and without rows."""
    return lambda: pd.DataFrame(columns=columns.split())


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

    name   '' if they were trained on the reference noise, else their training noise in words, or that they are trained
           on each image
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
class Formula:
    """A quantity: its name, its formula in plain characters, an explanation, and its source."""

    name: str
    formula: str
    explanation: str
    source: str = ""


@dataclass(frozen=True)
class NoiseMean:
    """A mean over noise settings, which tables treat like one setting.

    spec  what addresses of the page of images call it
    name  the noise, '' for an OOD mean
    over  specs of the settings
    """

    spec: str
    name: str
    over: tuple[str, ...]

    @property
    def label(self) -> str:
        """The heading of its column."""
        return f"mean of {len(self.over)}" if self.name else OOD_MEAN


@dataclass(frozen=True, eq=False)
class RunComparison:
    """Comparison with another run; `notes` describe the tests and what could not be compared.

    `differences` of mean PSNR in dB, over the same images, one row per model x data set x noise, with the columns

    model, dataset, noise, noise_name  noise_name is '' for an OOD mean
    images                             their number
    mean, mean_against                 mean PSNR in this run and in the other run
    difference, low, high              this run minus the other, with its 95% interval
    p, p_holm                          p value, and p value after Holm's correction; NaN without a test
    moved                              the images with the largest differences: (image, difference), the largest first
    """

    run: str
    created: str
    differences: pd.DataFrame
    notes: str = ""


@dataclass(frozen=True, eq=False)
class Numbers:
    """The numbers of a run besides its rows. All intervals are 95% intervals; NaN for none.

    reference        spec of the reference noise of PSNR drops, '' for none
    groups           the models by training noise, the group of the headline first
    nearly_clean     noises too weak to be in an OOD mean, with the mean PSNR of their noisy input in dB
    error_reference  the model that relative errors are relative to
    max_behind_best  how far behind the best mean, in dB of PSNR, a model is near it, so that its drop is compared
    noises           the noise settings in order: noise, noise_name, level
    means            the means over several settings that the page of images lists
    summary          one row per model x data set x noise: model, dataset, noise, noise_name, level, images, failed, and
                     for each metric, and the PSNR drop `drop`, its mean NAME with its interval NAME_low and NAME_high
    leaderboard      one row per data set x measure x column x model in the order of the columns: dataset, measure;
                     noise, the spec of a setting or mean; noise_name, '' for the OOD mean of the model's group; over,
                     the settings of a mean; model; value, low, high; best, or tied with the best of its group;
                     below_noisy, the mean PSNR is below that of the noisy input; first_rank, last_rank in the group,
                     in the first column
    overall          one row per model of the first group and the noisy input: model; ood, ood_low, ood_high, the OOD
                     mean over the images of all data sets with a value of every model; drop, drop_low, drop_high, the
                     PSNR drop; tied with the best, or the best; near the best, so that drops are compared; images and
                     datasets, their numbers; empty without such images
    standings        one row per data set x model: dataset, model, images; ood, drop, rank (mean rank by PSNR within the
                     group) and relative_error, each with NAME_low and NAME_high; below_noisy; gain, mean
                     PSNR minus that of the noisy input; noisy, the OOD mean of the noisy input over the same images
    differences      PSNR minus the mean PSNR of the other models of the group: dataset, model, noise, value, low, high
    """

    reference: str = ""
    groups: tuple[ModelGroup, ...] = ()
    nearly_clean: Mapping[str, float] = field(default_factory=dict)
    error_reference: str = ""
    max_behind_best: float = math.nan
    noises: pd.DataFrame = field(default_factory=frame_of("noise noise_name level"))
    means: tuple[NoiseMean, ...] = ()
    summary: pd.DataFrame = field(default_factory=frame_of("model dataset noise noise_name level images failed"))
    leaderboard: pd.DataFrame = field(default_factory=frame_of("dataset measure noise model first_rank last_rank"))
    overall: pd.DataFrame = field(default_factory=pd.DataFrame)
    standings: pd.DataFrame = field(default_factory=frame_of("dataset model"))
    differences: pd.DataFrame = field(default_factory=frame_of("dataset model noise value low high"))


@dataclass(frozen=True)
class Study:
    """What is needed to judge and reproduce a run, besides its numbers.

    created         ISO 8601 time
    figure_command  start of the command that makes a figure of an image, '' for none
    paper         published tables and figures beside those of the run, None for none
    """

    title: str
    command: str = ""
    created: str = ""
    run: str = ""
    protocol: str = ""
    protocol_description: str = ""
    formulas: tuple[Formula, ...] = ()
    measures: tuple[Measure, ...] = (PSNR,)
    versions: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, str] = field(default_factory=dict)
    models: tuple[ModelCard, ...] = ()
    noises: tuple[NoiseCard, ...] = ()
    datasets: tuple[DatasetCard, ...] = ()
    pictures: tuple[Picture, ...] = ()
    comparisons: tuple[RunComparison, ...] = ()
    analysis_figures: tuple[AnalysisFigure, ...] = ()
    training: tuple[TrainingCurve, ...] = ()
    not_measured: tuple[str, ...] = ()
    figure_command: str = ""
    paper: "PaperStudy | None" = None
