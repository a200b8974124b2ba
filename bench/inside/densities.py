"""Densities of the deepest features under each noise, on common axes, with distances: measured, kept and drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.distributions import EDGES, PLANE, PLANE_REACH, Histograms, Moments, channel_vectors, distance
from bench.inside.figures import densities as curves
from bench.inside.figures import plane
from bench.inside.look import Drawing, Look
from bench.inside.patches import batches
from bench.inside.probe import Probe, one_line_errors
from bench.inside.question import Question
from bench.inside.setting import Setting
from bench.noise import noises

VERSION = 1  # of the definition
DRAWN = 7  # noises in a figure besides the reference; more are told apart no longer
WORDS = (
    "The features of a pixel are projected on the principal components of the reference noise, in deviations of the "
    "reference. The distance is Wasserstein's (W1), the mean over the components, in these units; the floor is that of "
    "the reference noise with another seed. Intervals are 95% jackknife intervals over photographs "
    "(at most 16 groups), the projection left as it is."
)


@dataclass(frozen=True)
class Seen:
    """A model's features: where they lie under the reference noise (first) and the others, by canonical noise."""

    probe: Probe
    shares: np.ndarray  # of the variance of each component
    histograms: dict[str, Histograms]


def ask(chosen: Sequence[Any], reference: Any, setting: Setting) -> Question:
    return Question("wasserstein", tuple(chosen), reference, setting, {"version": VERSION})


def measure(probe: Probe, question: Question, rows: list[dict[str, Any]]) -> Iterator[Seen | None]:
    """Adds findings to `rows`; yields None for each batch, and what was seen last. Raises BadInput."""
    setting, moments = question.setting, Moments()
    for vectors, _ in _vectors(probe, setting, question.reference, setting.seed):
        moments.add(vectors)
        yield None
    with one_line_errors(probe.model):
        projection = moments.projection()
    seen, reference = {}, None
    for name, noise, seed in [("", question.reference, setting.seed), *question.pairs]:
        found = Histograms(len(projection.shares))
        for vectors, image in _vectors(probe, setting, noise, seed):
            found.add(projection(vectors), image)
            yield None
        if reference is None:
            reference = found
        else:
            apart = distance(reference, found)
            bounds = {"value": apart.value, "low": apart.low, "high": apart.high}
            rows.append({**question.finding(probe, name, noise, seed), **bounds})
        if name != question.floor:
            seen[noises.canonical(noise)] = found
    yield Seen(probe, projection.shares, seen)


def _vectors(probe: Probe, setting: Setting, noise: Any, seed: int):
    """(vectors (places, C), photograph) of each patch."""
    layer = probe.layers[-1]
    for batch in batches(setting.patches, noise, seed, setting.protocol, 1):
        features = probe(batch.noisy, batch.keys)[layer]
        shape = probe.capture.shapes[probe.capture.layers[-1]]
        with one_line_errors(probe.model):
            vectors = channel_vectors(features, shape)
        yield vectors, batch.images[0]


def passes(question: Question) -> int:
    """How often the patches go through a network: twice for the projection and the reference, once a pair."""
    return 2 + len(question.pairs)


def look(frame: pd.DataFrame, seen: Sequence[Seen], question: Question, rows: list[dict[str, Any]]) -> Look:
    """The answer as it is kept."""
    settings = {**question.described([one.probe for one in seen]), "components": [len(one.shares) for one in seen]}
    drawn, reference = _drawn(question), noises.canonical(question.reference)
    histograms = {one.probe.model.label: one.histograms for one in seen}
    shares = {one.probe.model.label: one.shares for one in seen}
    fewer = "" if len(drawn) == len(question.pairs) else " Of each noise its last level is drawn."
    drawings = (
        Drawing(
            "Densities of deep features",
            f"How often a projected feature has a value, all components together, under {reference} (dashed) and under "
            f"other noises, in deviations of {reference}; logarithmic, so that tails show; distances beside.{fewer}",
            curves.draw(frame, histograms, drawn), "densities", "densities",
        ),
        Drawing(
            "Deep features on two components",
            "Half (thick) and nine tenths (thin) of the pixels lie inside the contours, on the two components on which "
            f"{reference} (dashed) varies most, with their shares of its variance.{fewer}",
            plane.draw(histograms, shares, drawn), "plane", "plane",
        ),
    )  # fmt: skip
    tables = {"": frame, "densities": densities(seen), "plane": cells(seen)}
    return Look("features", "features", f"Deep features against {reference}", WORDS, settings, tables, drawings, rows)


def densities(seen: Sequence[Seen]) -> pd.DataFrame:
    """A row a model, noise and bin that something is in: the bin's middle in deviations, and the density there."""
    middle = (EDGES[1:] + EDGES[:-1]) / 2
    parts = []
    for one in seen:
        for noise, found in one.histograms.items():
            density = found.density()
            there = density > 0
            parts.append(pd.DataFrame({"model": one.probe.model.label, "noise": noise, "deviations": middle[there],
                                       "density": density[there]}))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def cells(seen: Sequence[Seen], joined: int = 4) -> pd.DataFrame:
    """A row a model, noise and square of the plane that something is in: its middle in deviations, share of pixels."""
    places = PLANE // joined
    middle = (np.arange(places) + 0.5) * (2 * PLANE_REACH / places) - PLANE_REACH
    parts = []
    for one in seen:
        for noise, found in one.histograms.items():
            counts = found.plane.reshape(places, joined, places, joined).sum((1, 3))
            first, second = np.nonzero(counts)
            parts.append(pd.DataFrame({"model": one.probe.model.label, "noise": noise, "first": middle[first],
                                       "second": middle[second],
                                       "share": counts[first, second] / max(counts.sum(), 1)}))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _drawn(question: Question) -> list[str]:
    """The reference, and the noises; where those are too many, the last level of each name."""
    tested = [noise for _, noise, _ in question.pairs[1:]]
    if len(tested) > DRAWN:
        tested = list({noises.noise_name(noise): noise for noise in tested}.values())[:DRAWN]
    return [noises.canonical(noise) for noise in (question.reference, *tested)]
