"""One row per model and data set: PSNR at the reference noise, OOD mean, PSNR drop, mean rank and relative error."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from bench.statistics.intervals import mean_intervals
from bench.statistics.ood import Conditions, RankingGroup, by_kind, groups
from bench.statistics.ranks import mean_ranks
from bench.statistics.relative_error import REFERENCE_MODEL, relative_error
from bench.statistics.scores import NOISY, ImageScores, by_dataset, with_noisy


def standings(
    rows: pd.DataFrame, conditions: Conditions | None = None, reference: str = REFERENCE_MODEL
) -> pd.DataFrame:
    """One row per data set x model, the noisy input last.

    training_noise, group  in words
    reference, ood, drop   mean PSNR at the reference noise, OOD mean, PSNR drop, in dB
    rank, relative_error   mean rank by PSNR, and error relative to the model `reference`, under OOD noise
    below_noisy            the mean PSNR is below that of the noisy input over the same images, under the noises that
                           are OOD for the group, or at the reference noise if there are none

    Values have their 95% interval in NAME_low and NAME_high. OOD means, ranks and relative errors are within a group,
    over the images with a score at every noise; those of the noisy input are within the first group.
    """
    conditions = conditions or Conditions()
    chosen = groups(rows, conditions)
    parts = [_of_dataset(scores, chosen, rows, conditions, reference) for scores in by_dataset(with_noisy(rows))]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _of_dataset(
    scores: ImageScores, chosen: list[RankingGroup], rows: pd.DataFrame, conditions: Conditions, reference: str
) -> pd.DataFrame:
    own = rows[rows["dataset"] == scores.dataset]
    parts = [_of_group(scores, group, own, conditions, reference, index == 0) for index, group in enumerate(chosen)]
    table = pd.concat(parts, ignore_index=True)
    table.insert(0, "dataset", scores.dataset)
    noisy = table["model"] == NOISY
    return pd.concat([table[~noisy], table[noisy]], ignore_index=True)


def _of_group(
    scores: ImageScores, group: RankingGroup, rows: pd.DataFrame, conditions: Conditions, reference: str, first: bool
) -> pd.DataFrame:
    """The models of a group; with the first group also the noisy input."""
    noises = by_kind(rows, [spec for spec in group.ood if spec in set(rows["noise"])])
    levels = [spec for specs in noises.values() for spec in specs]
    models = [*group.models, *([NOISY] if first else [])]
    photographs = scores.photographs.to_numpy()
    at_reference = pd.DataFrame({m: scores.of("psnr", m, [conditions.reference])[conditions.reference] for m in models})
    ood_means = {m: scores.of("psnr", m, levels).mean(axis=1, skipna=False) for m in [*models, NOISY]}
    inputs = ood_means[NOISY] if levels else scores.of("psnr", NOISY, [conditions.reference])[conditions.reference]
    ood = pd.DataFrame({model: ood_means[model] for model in models})
    gains = {m: ((ood if levels else at_reference)[m] - inputs).mean() for m in models}
    table = pd.DataFrame(
        {
            "model": models,
            "training_noise": ["" if m == NOISY else conditions.of(m).description for m in models],
            "group": ["" if m == NOISY else group.name for m in models],
            "images": ood.notna().sum().to_numpy(),
            "below_noisy": [bool(m != NOISY and gains[m] < 0) for m in models],
        }
    )
    for name, per_image in {"reference": at_reference, "ood": ood, "drop": at_reference - ood}.items():
        table[_bounds(name)] = mean_intervals(per_image.to_numpy(float), photographs)
    ranked = [model for model in models if model != NOISY and ood[model].notna().any()]
    ranks = mean_ranks(ood[ranked], photographs)[["rank", "low", "high"]].reindex(models)
    table[_bounds("rank")] = ranks.to_numpy() if len(ranked) > 1 else math.nan
    comparable = first or reference in group.models
    relative = relative_error(scores, models, noises if comparable else {}, reference)
    table[_bounds("relative_error")] = relative[_bounds("relative_error")].to_numpy(np.float64)
    return table


def _bounds(name: str) -> list[str]:
    return [name, f"{name}_low", f"{name}_high"]
