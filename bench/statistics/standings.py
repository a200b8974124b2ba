"""Models on a data set in one line each: at the reference noise, under OOD noise, ranks and robustness."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from bench.statistics.intervals import mean_intervals
from bench.statistics.ood import Conditions, Group, by_kind, groups
from bench.statistics.ranks import mean_ranks
from bench.statistics.robustness import REFERENCE_MODEL, robustness
from bench.statistics.scores import NOISY, Scores, by_dataset, with_noisy


def standings(
    rows: pd.DataFrame, conditions: Conditions | None = None, reference: str = REFERENCE_MODEL
) -> pd.DataFrame:
    """One row per data set x model, the noisy input last: its training noise and group, PSNR at the reference noise
    and its mean under OOD noise, the PSNR drop between them (dB), the mean rank by PSNR under OOD noise, and the
    robustness relative to a model, each with bounds.

    `below_noisy` says that the model's mean is below that of the noisy input, over the same images and noises: those
    that are OOD for its group, or else the reference noise. Ranks, robustness and OOD means are over the images that
    have every noise, and within a group; those of the noisy input are of the first. See `formulas`.
    """
    conditions = conditions or Conditions()
    chosen = groups(rows, conditions)
    found = [_of_dataset(scores, chosen, rows, conditions, reference) for scores in by_dataset(with_noisy(rows))]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def _of_dataset(
    scores: Scores, chosen: list[Group], rows: pd.DataFrame, conditions: Conditions, reference: str
) -> pd.DataFrame:
    here = rows[rows["dataset"] == scores.dataset]
    parts = [_of_group(scores, group, here, conditions, reference, place == 0) for place, group in enumerate(chosen)]
    found = pd.concat(parts, ignore_index=True)
    found.insert(0, "dataset", scores.dataset)
    noisy = found["model"] == NOISY
    return pd.concat([found[~noisy], found[noisy]], ignore_index=True)


def _of_group(
    scores: Scores, group: Group, here: pd.DataFrame, conditions: Conditions, reference: str, first: bool
) -> pd.DataFrame:
    """The models of a group, and the noisy input with the first one."""
    noises = by_kind(here, [spec for spec in group.ood if spec in set(here["noise"])])
    levels = [spec for specs in noises.values() for spec in specs]
    models = [*group.models, *([NOISY] if first else [])]
    photographs = scores.photographs.to_numpy()
    home = pd.DataFrame({m: scores.of("psnr", m, [conditions.reference])[conditions.reference] for m in models})
    away = {m: scores.of("psnr", m, levels).mean(axis=1, skipna=False) for m in [*models, NOISY]}
    inputs = away[NOISY] if levels else scores.of("psnr", NOISY, [conditions.reference])[conditions.reference]
    away = pd.DataFrame({model: away[model] for model in models})
    gains = {m: ((away if levels else home)[m] - inputs).mean() for m in models}
    found = pd.DataFrame({
        "model": models,
        "training_noise": ["" if m == NOISY else conditions.of(m).description for m in models],
        "group": ["" if m == NOISY else group.name for m in models],
        "images": away.notna().sum().to_numpy(),
        "below_noisy": [bool(m != NOISY and gains[m] < 0) for m in models],
    })  # fmt: skip
    for name, table in {"reference": home, "ood": away, "drop": home - away}.items():
        found[_bounds(name)] = mean_intervals(table.to_numpy(float), photographs)
    there = [model for model in models if model != NOISY and away[model].notna().any()]
    ranks = mean_ranks(away[there], photographs)[["rank", "low", "high"]].reindex(models)
    found[_bounds("rank")] = ranks.to_numpy() if len(there) > 1 else math.nan
    comparable = first or reference in group.models
    scored = robustness(scores, models, noises if comparable else {}, reference)
    found[_bounds("robustness")] = scored[_bounds("robustness")].to_numpy(np.float64)
    return found


def _bounds(name: str) -> list[str]:
    return [name, f"{name}_low", f"{name}_high"]
