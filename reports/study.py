"""What a site says about a run besides its numbers: plain frozen dataclasses, filled in by the caller."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reports.measures import PSNR, Measure
from reports.paired import Intervals, means_alone


@dataclass(frozen=True)
class ModelCard:
    """One denoiser; `parameters` and `iterations` are counts, None where unknown."""

    name: str
    title: str = ""
    size: str = ""
    parameters: int | None = None
    weights: str = ""
    weights_hash: str = ""
    paper: str = ""
    licence: str = ""
    trained_on: str = ""
    iterations: int | None = None
    note: str = ""
    training_noise: str = ""  # in words
    in_distribution: frozenset[str] = frozenset()  # specs of the run's noises that it was trained on


@dataclass(frozen=True)
class Group:
    """Models that are ranked with each other, over the noises (specs) that are out of distribution for all of them.

    `name` is '' for those that were trained on the reference noise, else what they were trained on, in words; `known`:
    whether that is known.
    """

    name: str
    models: tuple[str, ...]
    ood: tuple[str, ...]
    known: bool = True


@dataclass(frozen=True)
class NoiseCard:
    """One noise; `axis` says what its level is and in which unit, `levels` are points on that axis."""

    name: str
    title: str = ""
    formula: str = ""
    source: str = ""
    axis: str = ""
    levels: tuple[float, ...] = ()


@dataclass(frozen=True)
class DatasetCard:
    """One data set under its canonical spec; `images` is a count."""

    name: str
    title: str = ""
    images: int | None = None
    licence: str = ""
    note: str = ""


@dataclass(frozen=True)
class Picture:
    """One lossless image file; `source` is 'clean', 'noisy' or the name of the model that made it."""

    dataset: str
    image: str
    noise: str
    seed: int
    source: str
    path: Path


@dataclass(frozen=True)
class Curve:
    """PSNR in dB on held-out images under a noise while a model was trained: (iteration, PSNR) in order."""

    model: str
    noise: str
    points: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Artefact:
    """A figure of an analysis of networks, with its files.

    analysis   its name; `section` is its heading, and `about` how to read all of its figures
    caption    how to read this figure; `sample` says what it was computed on
    command    makes it again
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
    """A quantity that pages show: its formula in plain characters, what it says in words, and who it is from."""

    name: str
    formula: str
    words: str
    source: str = ""


@dataclass(frozen=True)
class Standing:
    """A model on a data set, under OOD noise: its mean rank by PSNR in its group and its robustness, each with a 95%
    interval.

    Robustness is its error relative to that of `reference`, which has 1; NaN where that model was not run.
    """

    dataset: str
    model: str
    images: int
    rank: tuple[float, float, float]
    robustness: tuple[float, float, float]
    reference: str


@dataclass(frozen=True)
class Move:
    """How a model's mean PSNR on a noise differs from that of another run over the same images, in dB.

    `difference` is this run minus the other, with its 95% interval; `p` is the test's probability, NaN without one,
    and `adjusted` the same corrected for the number of comparisons.
    `moved` are the images that moved most, as (image, difference), the largest first.
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
class Comparison:
    """This run against an earlier one; `words` say how the tests were made and what could not be compared.

    `overall` are moves of means over several noises, whose `noise` says which.
    """

    run: str
    created: str
    moves: tuple[Move, ...]
    overall: tuple[Move, ...] = ()
    words: str = ""


@dataclass(frozen=True)
class Study:
    """Everything a reader needs to judge and repeat a run; `created` is an ISO 8601 time.

    `intervals` computes the intervals of what pages put together themselves, means over noises and differences.
    `reference` is the spec of the noise from which PSNR drops are counted, '' for none; `groups` are the models by what
    they were trained on, the one of the headline first; `nearly_clean` has the noises that leave pictures nearly as
    they are, with the mean PSNR of the noisy input in dB, which are in no OOD mean. Without groups all models are one,
    and all noise but these and the reference noise is out of distribution.
    """

    title: str
    command: str = ""
    created: str = ""
    run: str = ""
    protocol: str = ""
    protocol_description: str = ""
    intervals: Intervals = means_alone
    formulas: tuple[Formula, ...] = ()
    measures: tuple[Measure, ...] = (PSNR,)
    versions: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, str] = field(default_factory=dict)
    models: tuple[ModelCard, ...] = ()
    noises: tuple[NoiseCard, ...] = ()
    datasets: tuple[DatasetCard, ...] = ()
    pictures: tuple[Picture, ...] = ()
    standings: tuple[Standing, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    artefacts: tuple[Artefact, ...] = ()
    training: tuple[Curve, ...] = ()
    not_measured: tuple[str, ...] = ()
    reference: str = "gaussian(sigma=15)"
    groups: tuple[Group, ...] = ()
    nearly_clean: Mapping[str, float] = field(default_factory=dict)
