"""Which noise is out of distribution (OOD) for which models, and which models are ranked with each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from bench.noise.level_check import NEARLY_CLEAN_PSNR
from bench.noise.noises import REFERENCE
from bench.noise.training_noise import NOT_KNOWN, TrainingNoise

UNKNOWN_GROUP = "training noise unknown"


@dataclass(frozen=True)
class Conditions:
    """Of a run: the reference noise, from which PSNR drops are counted ('' for none), and what models were trained on.

    `training` is by the label of a model; of one that is not there nothing is known.
    """

    reference: str = REFERENCE
    training: Mapping[str, TrainingNoise] = field(default_factory=dict)

    def of(self, model: str) -> TrainingNoise:
        """What a model was trained on."""
        return self.training.get(model, NOT_KNOWN)

    def is_ood(self, model: str, noise: str) -> bool:
        """Whether a noise is out of distribution for a model; where its training noise is unknown, all but the
        reference noise is taken to be."""
        known = self.of(model)
        return not known.covers(noise) if known.known else noise != self.reference


@dataclass(frozen=True)
class Group:
    """Models that are ranked with each other, over the same noises: those that are OOD for every one of them.

    name  '' of those trained on the reference noise, beside which methods without training stand; else what they
          were trained on, in words
    ood   specs, in the order of the rows
    """

    name: str
    models: tuple[str, ...]
    ood: tuple[str, ...]

    @property
    def known(self) -> bool:
        """Whether it is known what its models were trained on."""
        return self.name != UNKNOWN_GROUP


def groups(rows: pd.DataFrame, conditions: Conditions) -> list[Group]:
    """The models of a run by what they were trained on; the first group is the one that headlines are about.

    That is the group of the reference noise; where there is none, that of the most models.
    """
    models = list(dict.fromkeys(rows["model"]))
    home = conditions.reference or _most_common(conditions, models)
    names = {model: _group_of(conditions.of(model), home) for model in models}
    order = [name for name, _ in Counter(name for name in names.values() if name is not None).most_common()]
    order.sort(key=lambda name: name != "")
    first = order[0] if order else ""
    chosen = {model: first if name is None else name for model, name in names.items()}
    members = {name: tuple(m for m in models if chosen[m] == name) for name in dict.fromkeys([first, *order])}
    return [Group(name, own, tuple(common(rows, conditions, own))) for name, own in members.items() if own]


def _most_common(conditions: Conditions, models: Iterable[str]) -> str:
    """The training noise that most models have, where there is no reference noise; '' where none is known."""
    known = [conditions.of(model) for model in models]
    texts = Counter(one.text for one in known if one.trained and one.known)
    return texts.most_common(1)[0][0] if texts else ""


def _group_of(known: TrainingNoise, home: str) -> str | None:
    """The name of a model's group; None of an untrained network, which stands with the first."""
    if not known.trained:
        return "" if known.ranges else None
    if not known.known:
        return UNKNOWN_GROUP
    return "" if known.text == home else f"trained on {known.text}"


def common(rows: pd.DataFrame, conditions: Conditions, models: Sequence[str]) -> list[str]:
    """The noises of some rows that are OOD for all of these models; none that leaves pictures nearly as they are."""
    left_out = nearly_clean(rows)
    met = [str(noise) for noise in dict.fromkeys(rows["noise"]) if noise not in left_out]
    return [noise for noise in met if all(conditions.is_ood(model, noise) for model in models)]


def nearly_clean(rows: pd.DataFrame) -> dict[str, float]:
    """The noises under which the noisy input has NEARLY_CLEAN_PSNR dB or more, and how much: no test of a denoiser."""
    inputs = rows.drop_duplicates(["dataset", "image", "noise", "noise_version", "seed"])
    means = inputs.groupby("noise", sort=False)["psnr_noisy"].mean()
    return {str(noise): float(mean) for noise, mean in means.items() if mean >= NEARLY_CLEAN_PSNR}


def by_kind(rows: pd.DataFrame, specs: Sequence[str]) -> dict[str, list[str]]:
    """Noises by specs -> the specs of each kind, in their order."""
    kinds = rows.drop_duplicates("noise").set_index("noise")["noise_name"].to_dict()
    found: dict[str, list[str]] = {}
    for spec in specs:
        found.setdefault(str(kinds[spec]), []).append(spec)
    return found
