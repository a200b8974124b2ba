"""SRGA of models on noises, against the training noise and above a noise floor: measured, kept and drawn."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis import srga
from bench.errors import BadInput
from bench.inside import findings
from bench.inside.figures import bars
from bench.inside.look import Drawing, Look
from bench.inside.patches import batches
from bench.inside.probe import Probe
from bench.inside.question import Question
from bench.inside.setting import Setting
from bench.noise import noises
from bench.runs.store import Store

VERSION = 1  # of the definition: a change of the numbers is a new version
BATCH = 16  # patches that go through a network and into the table at a time
IN_MEMORY = 3_300_000_000  # bytes of features that are held in memory; more go into a file of the run folder
WORDS = (
    "SRGA: 0 is the same as under the reference noise; higher is further away. The floor is the score of the same "
    "patches under the reference noise with another seed: a value whose interval reaches down to it says nothing. "
    "Intervals are 95% delete-half jackknife intervals over photographs."
)


def ask(chosen: Sequence[Any], reference: Any, setting: Setting, components: int, pca: str) -> Question:
    """The question, with no more components than patches. Raises BadInput."""
    count = len(setting.patches.patches)
    if count < 2:
        raise BadInput(f"SRGA needs two patches or more: {setting.patches.words} are there")
    how = {"components": min(components, count), "pca": pca, "version": VERSION}
    return Question("srga", tuple(chosen), reference, setting, how)


def measure(probes: Sequence[Probe], question: Question, store: Store) -> Iterator[int]:
    """Commit the scores that are not in the store yet, one by one; yields batches done, or found to be done."""
    known = set(findings.read(store).index)
    each = -(-len(question.setting.patches.patches) // BATCH)
    for probe in probes:
        missing = [pair for pair in question.pairs if findings.key(question.finding(probe, *pair)) not in known]
        yield each * (len(question.pairs) - len(missing) + (not missing))
        if missing:
            yield from _measure_model(probe, question, missing, store)


def _measure_model(probe: Probe, question: Question, pairs: list[tuple[str, Any, int]], store: Store) -> Iterator[int]:
    setting = question.setting
    groups = [patch.image for patch in setting.patches.patches]
    table = None

    def describe(noise: Any, seed: int) -> Iterator[srga.Deep | None]:
        nonlocal table
        first = 0
        for batch in batches(setting.patches, noise, seed, setting.protocol, BATCH):
            features = probe(batch.noisy, batch.keys)[probe.layers[-1]].float().cpu().numpy()
            if table is None:
                table = feature_table(len(groups), features.shape[1], setting.out)
            table[first : first + len(features)] = features
            first += len(features)
            yield None
        try:
            deep = srga.describe(table, groups, min(question.how["components"], table.shape[1]), question.how["pca"])
        except ValueError as error:
            raise BadInput(f"model {probe.model.label}, {noises.canonical(noise)}: {error}") from error
        yield deep

    reference = None
    for name, noise, seed in [("", question.reference, setting.seed), *pairs]:
        for deep in describe(noise, seed):
            if deep is None:
                yield 1
        if reference is None:
            reference = deep
            continue
        found = srga.compare(reference, deep)
        bounds = {"value": found.value, "low": found.low, "high": found.high}
        findings.write(store, [{**question.finding(probe, name, noise, seed), **bounds}])


def feature_table(rows: int, columns: int, folder: Path) -> np.ndarray:
    """Room for float32 features: in memory, or in a file without a name in the folder where they would fill it."""
    if rows * columns * 4 <= IN_MEMORY:
        return np.empty((rows, columns), np.float32)
    with tempfile.TemporaryFile(dir=folder) as file:  # the map keeps it open
        return np.memmap(file, np.float32, "w+", shape=(rows, columns))


def look(frame: pd.DataFrame, probes: Sequence[Probe], question: Question) -> Look:
    """The answer as it is kept; the scores themselves are in the store already."""
    settings = {**question.described(probes), "draws": srga.DRAWS}
    reference = noises.canonical(question.reference)
    title = f"SRGA against {reference}"
    caption = (
        f"A bar is a model at a level; 0 is the same as under {reference}. The pale part of a bar, up to the dashed "
        "line (its upper bound), is the model's noise floor. Whiskers are 95% intervals over photographs."
    )
    drawings = [Drawing(title, caption, bars.draw(frame))] if len(frame) else []
    return Look("srga", "srga", title, WORDS, settings, {"": frame}, drawings)
