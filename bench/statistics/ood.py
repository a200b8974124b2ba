"""Which noises are out of distribution (OOD) for which models, and which models are ranked against each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from bench.noise.level_check import NEARLY_CLEAN_PSNR
from bench.noise.noises import REFERENCE
from bench.noise.training_noise import NOT_KNOWN, TrainingNoise
from reports.data import ModelGroup

UNKNOWN_GROUP = "training noise unknown"
TEST_TIME_GROUP = "trained on each test image"


@dataclass(frozen=True)
class Conditions:
    """The reference noise of PSNR drops ('' for none) and the training noise of the models of a run.

    `training` is by model label; the training noise of other models is unknown.
    """

    reference: str = REFERENCE
    training: Mapping[str, TrainingNoise] = field(default_factory=dict)

    def of(self, model: str) -> TrainingNoise:
        """The training noise of a model."""
        return self.training.get(model, NOT_KNOWN)

    def is_ood(self, model: str, noise: str) -> bool:
        """Whether a noise is out of distribution for a model; if its training noise is unknown, every noise except
        the reference noise is."""
        known = self.of(model)
        return not known.covers(noise) if known.known else noise != self.reference


def groups(rows: pd.DataFrame, conditions: Conditions) -> list[ModelGroup]:
    """The models of a run by training noise; the headline is about the first group.

    The first group is that of the reference noise; without a reference noise, the largest.
    """
    models = list(dict.fromkeys(rows["model"]))
    main_noise = conditions.reference or _most_common(conditions, models)
    names = {model: _group_of(conditions.of(model), main_noise) for model in models}
    order = [name for name, _ in Counter(name for name in names.values() if name is not None).most_common()]
    order.sort(key=lambda name: name != "")
    first = order[0] if order else ""
    chosen = {model: first if name is None else name for model, name in names.items()}
    members = {name: tuple(m for m in models if chosen[m] == name) for name in dict.fromkeys([first, *order])}
    return [
        ModelGroup(name, own, tuple(common(rows, conditions, own)), name != UNKNOWN_GROUP)
        for name, own in members.items()
        if own
    ]


def _most_common(conditions: Conditions, models: Iterable[str]) -> str:
    """The most frequent training noise; '' if all are unknown."""
    known = [conditions.of(model) for model in models]
    texts = Counter(one.text for one in known if one.trained and one.known)
    return texts.most_common(1)[0][0] if texts else ""


def _group_of(known: TrainingNoise, main_noise: str) -> str | None:
    """The name of a model's group; None for an untrained network, which is added to the first group."""
    if known.at_test_time:
        return TEST_TIME_GROUP
    if not known.trained:
        return "" if known.ranges else None
    if not known.known:
        return UNKNOWN_GROUP
    return "" if known.text == main_noise else f"trained on {known.text}"


def common(rows: pd.DataFrame, conditions: Conditions, models: Sequence[str]) -> list[str]:
    """The noises of the rows that are OOD for all of these models and not nearly clean."""
    excluded = nearly_clean(rows)
    noises = [str(noise) for noise in dict.fromkeys(rows["noise"]) if noise not in excluded]
    return [noise for noise in noises if all(conditions.is_ood(model, noise) for model in models)]


def nearly_clean(rows: pd.DataFrame) -> dict[str, float]:
    """The noises under which the mean PSNR of the noisy input is at least NEARLY_CLEAN_PSNR -> that PSNR."""
    inputs = rows.drop_duplicates(["dataset", "image", "noise", "noise_version", "seed"])
    means = inputs.groupby("noise", sort=False)["psnr_noisy"].mean()
    return {str(noise): float(mean) for noise, mean in means.items() if mean >= NEARLY_CLEAN_PSNR}


def by_kind(rows: pd.DataFrame, specs: Sequence[str]) -> dict[str, list[str]]:
    """Noise settings by spec -> noise name -> its specs in order."""
    names = rows.drop_duplicates("noise").set_index("noise")["noise_name"].to_dict()
    levels: dict[str, list[str]] = {}
    for spec in specs:
        levels.setdefault(str(names[spec]), []).append(spec)
    return levels


def in_page_order(rows: pd.DataFrame, reference: str) -> pd.DataFrame:
    """The noise settings of rows: noise, noise_name, level; the reference noise's name first, then by level."""
    settings = rows[["noise", "noise_name", "level"]].drop_duplicates("noise")
    names = dict.fromkeys([reference.partition("(")[0], *settings["noise_name"]])
    place = {name: index for index, name in enumerate(names)}
    keyed = settings.assign(place=settings["noise_name"].map(place))
    return keyed.sort_values(["place", "level", "noise"], ignore_index=True).drop(columns="place")
