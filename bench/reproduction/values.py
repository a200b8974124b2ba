"""Published values beside ours: difference, interval, order."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import stats

from bench import spec
from bench.models import cards
from bench.reproduction.evidence import Evidence, NotTested
from bench.reproduction.experiments import Experiment, PublishedValues
from bench.reproduction.weights import network_and_stem
from bench.statistics import mean_interval

COLUMNS = (
    "weights", "noise", "dataset", "dataset_here", "role", "metric", "published", "ours", "low", "high", "difference",
    "images", "trainings", "parameters", "parameters_published", "iterations", "same_size", "why",
)  # fmt: skip
ORDER_COLUMNS = ("weights", "noise", "dataset", "metric", "models", "rank_correlation", "same_order")


def compare(experiment: Experiment, evidence: Evidence) -> pd.DataFrame:
    """One row per published value: ours with its 95% interval over photographs, and ours minus published.

    Noises without published values have rows of PSNR, with `published` NaN.

    `why` says why there is no value of ours. `same_size`: whether the network has the published number of parameters.
    """
    lines = [
        line for values in (*experiment.values, *_not_transcribed(experiment)) for line in _lines(values, evidence)
    ]
    return pd.DataFrame(lines, columns=list(COLUMNS))


def _not_transcribed(experiment: Experiment) -> Iterator[PublishedValues]:
    """The evaluated noises of an experiment that have no published values, with NaN for each role."""
    known = {(values.noise, values.dataset) for values in experiment.values}
    for entry in experiment.evaluate:
        for noise in spec.split(entry["noise"]):
            if (noise, entry["dataset"]) not in known:
                of_role = dict.fromkeys(experiment.roles, (np.nan,))
                yield PublishedValues(noise, entry["dataset"], ("psnr",), of_role)


def _lines(values: PublishedValues, evidence: Evidence) -> Iterator[dict]:
    reproduction = evidence.reproduction
    where = {
        "weights": reproduction.weight_set,
        "noise": values.noise,
        "dataset": values.dataset,
        "dataset_here": reproduction.datasets.get(values.dataset, ""),
    }
    for role, published in values.of_role.items():
        size = _size(role, evidence)
        for metric, value in zip(values.metrics, published, strict=True):
            line = {**where, **size, "role": role, "metric": metric, "published": value}
            yield line | _ours(evidence, values, role, metric, value)


def _ours(evidence: Evidence, values: PublishedValues, role: str, metric: str, published: float) -> dict:
    try:
        trainings = evidence.scores(role, metric, values.noise, values.dataset)
        photographs = evidence.photographs(values.dataset)
    except NotTested as error:
        return {"why": str(error), "images": 0, "trainings": 0}
    scores = sum(trainings[1:], trainings[0]) / len(trainings)
    mean, low, high = mean_interval(scores.to_numpy(), photographs.to_numpy())
    numbers = {"ours": mean, "low": low, "high": high, "difference": mean - published}
    return {**numbers, "images": int(scores.notna().sum()), "trainings": len(trainings), "why": ""}


def _size(role: str, evidence: Evidence) -> dict:
    """Parameters and iterations of a role's network here, and the published number of parameters."""
    network = network_and_stem(role, "full")[0]
    published = cards.networks().get(network, {}).get("FACTS", {}).get("full", {}).get("parameters")
    labels = evidence.reproduction.roles.get(role, ())
    card = evidence.cards.get(labels[0], {}) if labels else {}
    own = card.get("parameters")
    same = own == published if own and published else None
    iterations = card.get("recipe", {}).get("iterations")
    return {"parameters": own, "parameters_published": published, "iterations": iterations, "same_size": same}


def orders(table: pd.DataFrame) -> pd.DataFrame:
    """One row per noise, data set and metric with two or more models: Spearman's rank correlation of published and our
    values, and whether each pair of models with different published values is in the same order."""
    lines = []
    known = table[table["ours"].notna()]
    for key, part in known.groupby(["weights", "noise", "dataset", "metric"], sort=False):
        if len(part) < 2:
            continue
        published, ours = part["published"].to_numpy(float), part["ours"].to_numpy(float)
        pairs = itertools.combinations(range(len(part)), 2)
        same = all(
            np.sign(published[a] - published[b]) == np.sign(ours[a] - ours[b])
            for a, b in pairs
            if published[a] != published[b]
        )
        varies = np.ptp(published) > 0 and np.ptp(ours) > 0
        correlation = float(stats.spearmanr(published, ours).statistic) if varies else np.nan
        lines.append((*key, len(part), correlation, bool(same)))
    return pd.DataFrame(lines, columns=list(ORDER_COLUMNS))
