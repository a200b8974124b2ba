"""What a study found, in a few numbers that other pages can read: `study.json` of a site."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

from reports.measures import GAP, PSNR
from reports.panels.answer import sentence
from reports.results import Results

FILE = "study.json"
VERSION = 1


@dataclass(frozen=True)
class Score:
    """One model on one data set, in dB: PSNR at Gaussian 15, its mean off the training noise, the loss between them.

    Means are over the images that have every noise; None where nothing was measured.
    """

    model: str
    dataset: str
    weights_hash: str
    images: int
    reference: float | None
    away: float | None
    loss: float | None


@dataclass(frozen=True)
class Abstract:
    """A study in short; `created` is an ISO 8601 time, `noises` are the specs off the training noise."""

    title: str
    run: str
    created: str
    protocol: str
    answer: str
    noises: tuple[str, ...]
    scores: tuple[Score, ...]

    @property
    def models(self) -> tuple[str, ...]:
        """The models in order."""
        return tuple(dict.fromkeys(score.model for score in self.scores))

    @property
    def datasets(self) -> tuple[str, ...]:
        """The data sets in order."""
        return tuple(dict.fromkeys(score.dataset for score in self.scores))


def abstract(results: Results) -> Abstract:
    """The abstract of a study."""
    study = results.study
    hashes = results.rows.dropna(subset=["weights_hash"]).groupby("model")["weights_hash"].last().to_dict()
    scores = tuple(score(results, model, dataset, hashes) for dataset in results.datasets for model in results.models)
    noises = tuple(setting.spec for setting in results.off_training)
    return Abstract(study.title, study.run, study.created, study.protocol, sentence(results), noises, scores)


def score(results: Results, model: str, dataset: str, hashes: dict) -> Score:
    """One model on one data set."""
    line = results.line(dataset, results.reference.spec, model) if results.reference else None
    away, loss = (results.off_training_per_image(dataset, measure) for measure in (PSNR, GAP))
    values = [None if line is None else line["psnr"]]
    values += [table[model].mean() if model in table.columns else None for table in (away, loss)]
    known = [float(value) if value is not None and math.isfinite(value) else None for value in values]
    images = int(away[model].notna().sum()) if model in away.columns else 0
    return Score(model, dataset, str(hashes.get(model, "")), images, *known)


def to_json(one: Abstract) -> str:
    """The text of `study.json`."""
    return json.dumps({"version": VERSION, **asdict(one)}, indent=1, ensure_ascii=False) + "\n"


def read(site: Path) -> Abstract:
    """The abstract of a site's folder. Raises ValueError where it has none that can be read."""
    path = Path(site) / FILE
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found.pop("version") > VERSION:
            raise ValueError(f"{path} was written by a newer version: update this one")
        scores = tuple(Score(**one) for one in found.pop("scores"))
        return Abstract(**{**found, "noises": tuple(found["noises"])}, scores=scores)
    except FileNotFoundError:
        raise ValueError(f"{site} is no site: it has no {FILE}. Make one with bench report") from None
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError, OSError) as error:
        raise ValueError(f"{path} cannot be read ({error!r}): make the site again with bench report") from error
