"""CKA between the layers of two models, or of one model on two noises: measured, kept and drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.cka import SMALLEST_BATCH, Cka, Similarity, centred_grams
from bench.errors import BadInput
from bench.inside import findings
from bench.inside.figures import heatmap
from bench.inside.look import Drawing, Look
from bench.inside.patches import batches
from bench.inside.probe import Probe
from bench.inside.setting import Setting
from bench.noise import noises

WORDS = (
    "Linear CKA, minibatch unbiased HSIC: a ratio of means over batches. Intervals are 95% jackknife intervals over "
    "batches: they say how much CKA would move with other patches of these images."
)


@dataclass(frozen=True)
class Side:
    """A model with its layers, and the noise that it looks at."""

    probe: Probe
    noise: Any

    @property
    def words(self) -> str:
        return f"{self.probe.model.label}, {noises.canonical(self.noise)}"

    def is_same(self, other: Side) -> bool:
        """Whether the features of both are the same."""
        return self.probe is other.probe and self.noise == other.noise


@dataclass(frozen=True)
class Compared:
    """CKA of each layer of the first side (rows) with each of the second."""

    first: Side
    second: Side
    similarity: Similarity
    batch: int

    @property
    def title(self) -> str:
        """'ours and baseline, gaussian(sigma=15)', or with a noise for each."""
        one, other = self.first, self.second
        if one.noise == other.noise:
            pair = (one.probe.model.label, other.probe.model.label)
            return f"{' and '.join(dict.fromkeys(pair))}, {noises.canonical(one.noise)}"
        if one.probe.model.label == other.probe.model.label:
            return f"{one.probe.model.label}: {noises.canonical(one.noise)} and {noises.canonical(other.noise)}"
        return f"{one.words} and {other.words}"

    def label(self, side: Side) -> str:
        """What an axis is called: the model and its noise."""
        return f"{side.probe.model.label}\n{noises.canonical(side.noise)}"

    def frame(self) -> pd.DataFrame:
        """A row a pair of layers."""
        rows, columns = self.first.probe.layers, self.second.probe.layers
        pairs = pd.MultiIndex.from_product([rows, columns], names=["layer", "other_layer"])
        found, noise = self.similarity, noises.canonical(self.second.noise)
        numbers = {"cka": found.value.ravel(), "low": found.low.ravel(), "high": found.high.ravel()}
        return pd.DataFrame({"other_noise": noise, **numbers}, index=pairs).reset_index()

    def findings(self, seed: int) -> list[dict[str, Any]]:
        """A row a pair of layers, as the run store has it, without on what and how it was measured."""
        one, other = self.first, self.second
        return [
            {
                "measure": "cka",
                **findings.about(one.probe.model, row["layer"], one.noise, seed),
                **findings.about(other.probe.model, row["other_layer"], other.noise, seed, other=True),
                "value": row["cka"], "low": row["low"], "high": row["high"],
            }
            for row in self.frame().to_dict("records")
        ]  # fmt: skip


def compare(first: Side, others: Sequence[Side], setting: Setting, batch: int) -> Iterator[Compared | None]:
    """Measure; yields None for each batch that went through a network, and the results as they are ready.

    All sides see the same patches, each in passes of its own. Of the first side the Gram matrices are kept, 8 x `batch`
    bytes a patch and layer, so that it is run once however many others there are. Raises BadInput.
    """
    if len(setting.patches.patches) < SMALLEST_BATCH:
        raise BadInput(f"CKA needs {SMALLEST_BATCH} patches or more: {setting.patches.words} are there")
    if len(others) > 1:
        shared_layers(first.probe, others[0].probe)  # before anything is measured
    own: list[np.ndarray] = []
    for grams in _grams(first, setting, batch):
        own.append(grams)
        yield None
    for other in others:
        measured = Cka(first.probe.layers, other.probe.layers)
        if other.is_same(first):
            for grams in own:
                measured.add_grams(grams, grams)
        else:
            for left, right in zip(own, _grams(other, setting, batch), strict=True):
                measured.add_grams(left, right)
                yield None
        yield Compared(first, other, measured.result(), batch)


def _grams(side: Side, setting: Setting, batch: int) -> Iterator[np.ndarray]:
    """Of each batch, what CKA needs of it."""
    for seen in batches(setting.patches, side.noise, setting.seed, setting.protocol, batch, SMALLEST_BATCH):
        yield centred_grams(side.probe(seen.noisy, seen.keys), side.probe.layers)


def passes(first: Side, others: Sequence[Side]) -> int:
    """How often the patches go through a network."""
    return 1 + sum(not other.is_same(first) for other in others)


def dropped(patches: int, batch: int) -> int:
    """How many patches are left over in a last batch that is too small."""
    rest = patches % batch
    return rest if rest < SMALLEST_BATCH else 0


def look(compared: Sequence[Compared], setting: Setting) -> Look:
    """The answer as it is kept: a heatmap of all pairs of layers, or of all noises where there are several."""
    one, batch = compared[0].first, compared[0].batch
    sides = [one, *(each.second for each in compared)]
    settings = {
        **setting.described(),
        "batch": batch,
        "batches": compared[0].similarity.batches,
        "patches_dropped": dropped(len(setting.patches.patches), batch),
        "models": [side.probe.model.label for side in sides],
        "weights_sha256": [side.probe.model.weights_hash for side in sides],
        "layers": [list(side.probe.layers) for side in sides],
        "noises": [noises.canonical(side.noise) for side in sides],
        "noise_versions": [side.noise.version for side in sides],
        "device": str(setting.device),
    }
    drawing = _pairs(compared[0]) if len(compared) == 1 else _sweep(compared)
    frame = pd.concat([each.frame() for each in compared], ignore_index=True)
    if len(compared) == 1:
        labels = dict.fromkeys(side.words for side in sides)
        frame = frame.drop(columns="other_noise")
    else:
        labels = dict.fromkeys([one.words, sides[1].probe.model.label, "noises", *settings["noises"][1:]])
    how = setting.how(batch=batch)
    found = [{**row, **how} for each in compared for row in each.findings(setting.seed)]
    return Look("cka", findings.file_stem(*labels), drawing.title, WORDS, settings, {"": frame}, (drawing,), found)


def _pairs(compared: Compared) -> Drawing:
    one, other = compared.first, compared.second
    figure = heatmap.draw(
        compared.similarity.value,
        heatmap.Side(compared.label(one), one.probe.layers),
        heatmap.Side(compared.label(other), other.probe.layers),
    )
    caption = f"CKA of every layer of {one.words} (rows) with every layer of {other.words} (columns)."
    return Drawing(f"CKA: {compared.title}", caption, figure)


def _sweep(compared: Sequence[Compared]) -> Drawing:
    """A row a layer of the first side, a column a noise: CKA with the same layer of the other side."""
    one, other = compared[0].first, compared[0].second
    names = tuple(noises.canonical(each.second.noise) for each in compared)
    layers, rows, columns = zip(*shared_layers(one.probe, other.probe), strict=True)
    value = np.stack([each.similarity.value[rows, columns] for each in compared], 1)
    pair = dict.fromkeys((one.probe.model.label, other.probe.model.label))
    title = f"{' and '.join(pair)}: {noises.canonical(one.noise)} and other noises"
    against = f"noise, against {noises.canonical(one.noise)}"
    figure = heatmap.draw(value, heatmap.Side("\n".join(pair), layers), heatmap.Side(against, names))
    caption = (
        f"CKA of each layer of {one.words} (rows) with the same layer of {other.probe.model.label} under another noise "
        "(columns); 1 is the same."
    )
    return Drawing(f"CKA: {title}", caption, figure)


def shared_layers(one: Probe, other: Probe) -> list[tuple[str, int, int]]:
    """(layer, row, column) of the layers that have one name on both sides. Raises BadInput where there is none."""
    shared = [(name, row, other.layers.index(name)) for row, name in enumerate(one.layers) if name in other.layers]
    if not shared:
        raise BadInput(f"{one.model.label} and {other.model.label} share no layer's name: name one noise for --noise-b")
    return shared
