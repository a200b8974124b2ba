"""The summary of a run, `study.json` of its site: the headline and the mean scores, read by the index over runs."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from reports.measures import DROP, PSNR
from reports.panels.headline import sentence
from reports.results import NOISY, Results

FILE = "study.json"
VERSION = 3


@dataclass(frozen=True)
class ModelScore:
    """One model on one data set, in dB: mean PSNR at the reference noise, OOD mean, PSNR drop, None if not measured.

    noises  specs over which the OOD mean is taken: those that are OOD for all models of its group
    images  the number of images in the OOD mean: those with a score at each of `noises`
    group   '' for models trained on the reference noise, else their training noise in words
    noisy   OOD mean of the noisy input
    label   what tables call the model; its name if empty
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
    label: str = ""


@dataclass(frozen=True)
class StudySummary:
    """Summary of a run.

    created    ISO 8601 time
    answer     the headline of its overview page
    reference  spec of the reference noise
    noises     specs over which the OOD mean of the headline is taken
    """

    title: str
    run: str
    created: str
    protocol: str
    answer: str
    reference: str
    noises: tuple[str, ...]
    scores: tuple[ModelScore, ...]

    @property
    def models(self) -> tuple[str, ...]:
        """The models in order."""
        return tuple(dict.fromkeys(score.model for score in self.scores))

    @property
    def datasets(self) -> tuple[str, ...]:
        """The data sets in order."""
        return tuple(dict.fromkeys(score.dataset for score in self.scores))


def summary_of(results: Results) -> StudySummary:
    """The summary of a run."""
    study = results.study
    hashes = results.rows.dropna(subset=["weights_hash"]).groupby("model")["weights_hash"].last().to_dict()
    scores = tuple(score(results, model, dataset, hashes) for dataset in results.datasets for model in results.models)
    noises = tuple(setting.spec for setting in results.ood_of_headline)
    known = (study.title, study.run, study.created, study.protocol, sentence(results), study.reference)
    return StudySummary(*known, noises, scores)


def score(results: Results, model: str, dataset: str, hashes: dict) -> ModelScore:
    """One model on one data set."""
    line = results.line(dataset, results.reference.spec, model) if results.reference else None
    group, card = results.group_of(model), results.model_card(model)
    ood, drop = (results.ood_per_image(dataset, group, measure) for measure in (PSNR, DROP))
    values = [None if line is None else line["psnr"]]
    values += [table[model].mean() if model in table.columns else None for table in (ood, drop)]
    values += [ood[NOISY].where(ood[model].notna()).mean() if {model, NOISY} <= {*ood.columns} else None]
    *known, noisy = [float(value) if value is not None and math.isfinite(value) else None for value in values]
    images = int(ood[model].notna().sum()) if model in ood.columns else 0
    evaluated = set(results.rows.loc[results.rows["dataset"] == dataset, "noise"])
    noises = tuple(setting.spec for setting in results.ood(group) if setting.spec in evaluated)
    return ModelScore(
        model,
        dataset,
        str(hashes.get(model, "")),
        images,
        *known,
        noises,
        group.name,
        card.training_noise,
        noisy,
        results.below_noisy(dataset, model),
        card.label,
    )


def to_json(one: StudySummary) -> str:
    """The text of `study.json`."""
    return json.dumps({"version": VERSION, **asdict(one)}, indent=1, ensure_ascii=False) + "\n"


def _of_first_version(loaded: dict) -> dict:
    """Version 1 as the current version, without its headline: that named the model with the smallest PSNR drop."""
    scores = [
        {
            **{key: one[key] for key in ("model", "dataset", "weights_hash", "images", "reference")},
            "ood": one["away"],
            "drop": one["loss"],
            "noises": loaded["noises"],
        }
        for one in loaded["scores"]
    ]
    headline = "No headline: these pages are of an older version. Make them again with bench report."
    return {**loaded, "answer": headline, "reference": "gaussian(sigma=15)", "scores": scores}


def _check_texts(study: StudySummary) -> None:
    """Raises TypeError for a field of text that is something else, as in a file that somebody changed."""
    for one in (study, *study.scores):
        for known in fields(one):
            value = getattr(one, known.name)
            if known.type in (str, "str") and not isinstance(value, str):
                raise TypeError(f"{known.name}: expected text, got {type(value).__name__}")


def read(site: Path) -> StudySummary:
    """The summary of a site, of this or an earlier version. Raises ValueError without a readable one."""
    path = Path(site) / FILE
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
        version = loaded.pop("version")
        if version > VERSION:
            raise ValueError(f"{path}: expected version {VERSION} or older, got {version}: update MaskBench")
        loaded = _of_first_version(loaded) if version == 1 else loaded
        scores = tuple(ModelScore(**{**one, "noises": tuple(one["noises"])}) for one in loaded.pop("scores"))
        study = StudySummary(**{**loaded, "noises": tuple(loaded["noises"])}, scores=scores)
        _check_texts(study)
        return study
    except FileNotFoundError:
        raise ValueError(f"expected a site (a folder with {FILE}), got {site}: make one with bench report") from None
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError, OSError) as error:
        raise ValueError(f"{path} cannot be read ({error!r}): make the site again with bench report") from error
