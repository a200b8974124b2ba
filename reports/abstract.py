"""What a study found, in a few numbers that other pages can read: `study.json` of a site."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

from reports.measures import GAP, PSNR
from reports.panels.answer import sentence
from reports.results import NOISY, Results

FILE = "study.json"
VERSION = 2


@dataclass(frozen=True)
class Score:
    """One model on one data set, in dB: PSNR at the reference noise, its OOD mean, the drop between them.

    Means are over the images that have every noise of `noises`, the specs that are OOD for all models of its group;
    None where nothing was measured. `group` is '' for models trained on the reference noise, else what they were
    trained on, in words; models of different groups are not ranked with each other.
    """

    model: str
    dataset: str
    weights_hash: str
    images: int
    reference: float | None
    ood: float | None
    drop: float | None
    noises: tuple[str, ...] = ()
    group: str = ""
    training_noise: str = ""
    noisy: float | None = None
    below_noisy: bool = False


@dataclass(frozen=True)
class Abstract:
    """A study in short; `created` is an ISO 8601 time, `reference` a noise's spec, `noises` those of the answer."""

    title: str
    run: str
    created: str
    protocol: str
    answer: str
    reference: str
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
    noises = tuple(setting.spec for setting in results.ood_of_headline)
    known = (study.title, study.run, study.created, study.protocol, sentence(results), study.reference)
    return Abstract(*known, noises, scores)


def score(results: Results, model: str, dataset: str, hashes: dict) -> Score:
    """One model on one data set."""
    line = results.line(dataset, results.reference.spec, model) if results.reference else None
    group = results.group_of(model)
    ood, drop = (results.ood_per_image(dataset, group, measure) for measure in (PSNR, GAP))
    values = [None if line is None else line["psnr"]]
    values += [table[model].mean() if model in table.columns else None for table in (ood, drop)]
    values += [ood[NOISY].where(ood[model].notna()).mean() if {model, NOISY} <= {*ood.columns} else None]
    *known, noisy = [float(value) if value is not None and math.isfinite(value) else None for value in values]
    images = int(ood[model].notna().sum()) if model in ood.columns else 0
    met = set(results.rows.loc[results.rows["dataset"] == dataset, "noise"])
    noises = tuple(setting.spec for setting in results.ood(group) if setting.spec in met)
    return Score(
        model, dataset, str(hashes.get(model, "")), images, *known, noises, group.name,
        results.model_card(model).training_noise, noisy, results.below_noisy(dataset, model),
    )  # fmt: skip


def to_json(one: Abstract) -> str:
    """The text of `study.json`."""
    return json.dumps({"version": VERSION, **asdict(one)}, indent=1, ensure_ascii=False) + "\n"


def _of_first_version(found: dict) -> dict:
    """The abstract of a site of old, which named the model with the smallest PSNR drop: it has no answer here."""
    scores = [
        {**{key: one[key] for key in ("model", "dataset", "weights_hash", "images", "reference")},
         "ood": one["away"], "drop": one["loss"], "noises": found["noises"]}
        for one in found["scores"]
    ]  # fmt: skip
    again = "These pages were made by an older version, and have no answer: make them again with bench report."
    return {**found, "answer": again, "reference": "gaussian(sigma=15)", "scores": scores}


def read(site: Path) -> Abstract:
    """The abstract of a site's folder. Raises ValueError where it has none that can be read."""
    path = Path(site) / FILE
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        version = found.pop("version")
        if version > VERSION:
            raise ValueError(f"{path} was written by a newer version: update this one")
        found = _of_first_version(found) if version == 1 else found
        scores = tuple(Score(**{**one, "noises": tuple(one["noises"])}) for one in found.pop("scores"))
        return Abstract(**{**found, "noises": tuple(found["noises"])}, scores=scores)
    except FileNotFoundError:
        raise ValueError(f"{site} is no site: it has no {FILE}. Make one with bench report") from None
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError, OSError) as error:
        raise ValueError(f"{path} cannot be read ({error!r}): make the site again with bench report") from error
