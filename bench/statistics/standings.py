"""Models on a data set in one line each: on the training noise, off it, ranks and robustness."""

from __future__ import annotations

import math

import pandas as pd

from bench.noise.noises import REFERENCE
from bench.statistics.intervals import mean_intervals
from bench.statistics.ranks import mean_ranks
from bench.statistics.robustness import REFERENCE_MODEL, robustness
from bench.statistics.scores import NOISY, Scores, by_dataset, with_noisy


def off_training(rows: pd.DataFrame) -> dict[str, list[str]]:
    """The levels (specs) of each noise but Gaussian; where there is no other, of Gaussian noise off 15."""
    met = rows[["noise", "noise_name"]].drop_duplicates("noise")
    other = met[met["noise_name"] != "gaussian"]
    chosen = other if len(other) else met[met["noise"] != REFERENCE]
    return {str(name): list(part["noise"]) for name, part in chosen.groupby("noise_name", sort=False)}


def standings(rows: pd.DataFrame, reference: str = REFERENCE_MODEL) -> pd.DataFrame:
    """One row a data set x model, the noisy input last: images, PSNR under Gaussian 15 and off training, the loss
    between them (dB), the mean rank by PSNR off training and the robustness relative to a model, each with bounds.

    Means off training, ranks and robustness are over the images that have every noise off training; see `formulas`.
    """
    models = [*dict.fromkeys(rows["model"]), NOISY]
    found = [_of_dataset(scores, models, rows, reference) for scores in by_dataset(with_noisy(rows))]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def _of_dataset(scores: Scores, models: list[str], rows: pd.DataFrame, reference: str) -> pd.DataFrame:
    noises = off_training(rows[rows["dataset"] == scores.dataset])
    levels = [spec for specs in noises.values() for spec in specs]
    photographs = scores.photographs.to_numpy()
    home = pd.DataFrame({model: scores.of("psnr", model, [REFERENCE])[REFERENCE] for model in models})
    away = pd.DataFrame({model: scores.of("psnr", model, levels).mean(axis=1, skipna=False) for model in models})
    found = pd.DataFrame({"dataset": scores.dataset, "model": models, "images": away.notna().sum().to_numpy()})
    for name, table in {"reference": home, "off_training": away, "loss": home - away}.items():
        found[_bounds(name)] = mean_intervals(table.to_numpy(float), photographs)
    there = [model for model in models if model != NOISY and away[model].notna().any()]
    ranks = mean_ranks(away[there], photographs)[["rank", "low", "high"]].reindex(models)
    found[_bounds("rank")] = ranks.to_numpy() if len(there) > 1 else math.nan
    scored = robustness(scores, models, noises, reference)
    found[_bounds("robustness")] = scored[_bounds("robustness")].to_numpy()
    return found


def _bounds(name: str) -> list[str]:
    return [name, f"{name}_low", f"{name}_high"]
