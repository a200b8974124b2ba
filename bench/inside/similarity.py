"""CKA between the layers of two models, or of one model on two noises: measured, kept and drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.cka import SMALLEST_BATCH, Cka, Similarity
from bench import noises
from bench.errors import BadInput
from bench.inside import findings
from bench.inside.figures import heatmap
from bench.inside.look import Drawing, Look
from bench.inside.patches import batches
from bench.inside.probe import Probe
from bench.inside.setting import Setting

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


@dataclass(frozen=True)
class Compared:
    """CKA of each layer of the first side (rows) with each of the second."""

    first: Side
    second: Side
    similarity: Similarity
    settings: dict[str, Any]

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
        """What an axis is called: the model, and its noise where the sides have different ones."""
        words = [side.probe.model.label, noises.canonical(side.noise)]
        return "\n".join(words if self.first.noise != self.second.noise else words[:1])

    def frame(self) -> pd.DataFrame:
        """A row a pair of layers."""
        rows, columns = self.first.probe.layers, self.second.probe.layers
        pairs = pd.MultiIndex.from_product([rows, columns], names=["layer", "other_layer"])
        found = self.similarity
        numbers = {"cka": found.value.ravel(), "low": found.low.ravel(), "high": found.high.ravel()}
        return pd.DataFrame(numbers, index=pairs).reset_index()


def compare(first: Side, second: Side, setting: Setting, batch: int) -> Iterator[Compared | None]:
    """Measure; yields None for each batch, and the result last.

    The two sides see the same patches, in two passes that are kept apart unless everything about them is the same.
    """
    if len(setting.patches.patches) < SMALLEST_BATCH:
        raise BadInput(f"CKA needs {SMALLEST_BATCH} patches or more: {setting.patches.words} are there")
    measured = Cka(first.probe.layers, second.probe.layers)
    patches, seed, protocol = setting.patches, setting.seed, setting.protocol
    streams = [batches(patches, first.noise, seed, protocol, batch, SMALLEST_BATCH)]
    if second.noise != first.noise:
        streams.append(batches(patches, second.noise, seed, protocol, batch, SMALLEST_BATCH))
    for seen in zip(*streams, strict=True):
        left = first.probe(seen[0].noisy, seen[0].keys)
        same = second.probe is first.probe and len(streams) == 1
        right = left if same else second.probe(seen[-1].noisy, seen[-1].keys)
        measured.add(left, right)
        yield None
    similarity = measured.result()
    settings = {
        **setting.described(),
        "batch": batch,
        "batches": similarity.batches,
        "patches_dropped": dropped(len(patches.patches), batch),
        "models": [side.probe.model.label for side in (first, second)],
        "weights_sha256": [side.probe.model.weights_hash for side in (first, second)],
        "noises": [noises.canonical(side.noise) for side in (first, second)],
        "noise_versions": [side.noise.version for side in (first, second)],
        "device": str(setting.device),
    }
    yield Compared(first, second, similarity, settings)


def dropped(patches: int, batch: int) -> int:
    """How many patches are left over in a last batch that is too small."""
    rest = patches % batch
    return rest if rest < SMALLEST_BATCH else 0


def look(compared: Compared, setting: Setting) -> Look:
    """The answer as it is kept."""
    one, other = compared.first, compared.second
    sides = [one.words, *([other.words] if other.words != one.words else [])]
    how = setting.how(batch=compared.settings["batch"])
    frame = compared.frame()
    found = [
        {
            "measure": "cka",
            **findings.about(one.probe.model, row["layer"], one.noise, setting.seed),
            **findings.about(other.probe.model, row["other_layer"], other.noise, setting.seed, other=True),
            **how, "value": row["cka"], "low": row["low"], "high": row["high"],
        }
        for row in frame.to_dict("records")
    ]  # fmt: skip
    figure = heatmap.draw(
        compared.similarity.value,
        heatmap.Side(compared.label(one), one.probe.layers),
        heatmap.Side(compared.label(other), other.probe.layers),
        compared.title,
    )
    caption = f"CKA of every layer of {one.words} (rows) with every layer of {other.words} (columns)."
    drawing = Drawing(f"CKA: {compared.title}", caption, figure)
    return Look("cka", findings.file_stem(*sides), drawing.title, WORDS, compared.settings, {"": frame}, (drawing,),
                found)  # fmt: skip
