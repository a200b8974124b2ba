"""The data of a board of submissions: frozen dataclasses, filled in by the caller."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class BoardEntry:
    """A submission.

    key             its folder, by which everything else names it
    about           what it states, by section and field: model, training, cost, files, contact, software
    training_noise  in words
    reference_only  trained on the reference noise and nothing else
    agrees          whether the scores of a re-run agree; None without a re-run
    check           a sentence about the re-run
    contaminated    the board's data sets that its training data includes
    """

    key: str
    name: str
    about: Mapping[str, Mapping[str, Any]]
    training_noise: str = ""
    weights_hash: str = ""
    reference_only: bool = False
    agrees: bool | None = None
    check: str = ""
    contaminated: tuple[str, ...] = ()

    def stated(self, section: str, name: str) -> Any:
        """A field that it states, None if it is absent or empty."""
        value = self.about.get(section, {}).get(name)
        return None if value == "" else value

    @property
    def flags(self) -> frozenset[str]:
        """The filters that it passes."""
        passed = {
            "reference": self.reference_only,
            "fixed": not self.stated("model", "test_time_training"),
            "public": self.stated("files", "weights_url") is not None,
            "verified": bool(self.agrees),
        }
        return frozenset(name for name, passes in passed.items() if passes)


@dataclass(frozen=True)
class BoardScore:
    """Mean PSNR of a submission in a group of noises, in dB, with the ends of its 95% interval (NaN for none).

    better, worse  the submissions of its training noise that are significantly better and worse
    ranked         number of submissions of its training noise
    """

    key: str
    mean: float
    low: float
    high: float
    better: frozenset[str]
    worse: frozenset[str]
    ranked: int

    @property
    def ranks(self) -> tuple[int, int]:
        """Its first and last rank."""
        return 1 + len(self.better), self.ranked - len(self.worse)


@dataclass(frozen=True)
class BoardGroup:
    """A group of noises on which submissions are compared.

    noises, datasets  specs
    images    number of images
    bodies    (training noise, scores, the best first): submissions are ranked within each; '' for the reference noise
    apart     submissions that are not comparable: key -> reason
    columns   submissions x noises, or kinds of noise: mean PSNR
    noisy     mean PSNR of the noisy input
    inside    submissions that were trained on one of the noises
    """

    key: str
    title: str
    meaning: str
    noises: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    images: int = 0
    bodies: tuple[tuple[str, tuple[BoardScore, ...]], ...] = ()
    apart: Mapping[str, str] = field(default_factory=dict)
    columns: pd.DataFrame = field(default_factory=pd.DataFrame)
    noisy: float = float("nan")
    inside: frozenset[str] = frozenset()

    @property
    def scores(self) -> dict[str, BoardScore]:
        """All scores by submission."""
        return {one.key: one for _, scores in self.bodies for one in scores}


@dataclass(frozen=True)
class Board:
    """A board.

    apart   submissions without any comparable rows, and folders that cannot be read: key -> reason
    scores  one row per submission x dataset x noise: images, psnr, psnr_low, psnr_high, psnr_noisy
    reference  spec of the reference noise
    """

    entries: tuple[BoardEntry, ...]
    groups: tuple[BoardGroup, ...]
    apart: Mapping[str, str]
    scores: pd.DataFrame
    protocol: str = ""
    command: str = ""
    reference: str = ""
