"""CKA between the layers of two models, or of one model on two noises: measured, kept and drawn."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.cka import SMALLEST_BATCH, Cka, Similarity
from bench import noises
from bench.errors import BadInput
from bench.inside import figures, findings
from bench.inside.patches import batches
from bench.inside.probe import Probe
from bench.inside.setting import Setting, opened, record
from bench.store import write_whole

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
        "words": WORDS,
    }
    yield Compared(first, second, similarity, settings)


def dropped(patches: int, batch: int) -> int:
    """How many patches are left over in a last batch that is too small."""
    rest = patches % batch
    return rest if rest < SMALLEST_BATCH else 0


def keep(compared: Compared, setting: Setting) -> list[Path]:
    """Findings into the run store; CSV, settings and figures beside it. Raises BadInput."""
    one, other = compared.first, compared.second
    name = findings.file_stem(setting.out / "cka", one.words, *([other.words] if other.words != one.words else []))
    text = findings.settings_text({key: compared.settings[key] for key in ("patches", "side", "batch")})
    frame = compared.frame()
    rows = []
    for row in frame.to_dict("records"):
        rows.append({
            "measure": "cka",
            **findings.about(one.probe.model, row["layer"], one.noise, setting.seed),
            **findings.about(other.probe.model, row["other_layer"], other.noise, setting.seed, other=True),
            "dataset": ", ".join(setting.patches.datasets), "protocol": setting.protocol.name, "settings": text,
            "value": row["cka"], "low": row["low"], "high": row["high"], "device": str(setting.device),
        })  # fmt: skip
    with opened(setting.out) as store:
        findings.write(store, rows)
        record(store, "cka", compared.settings)
        csv, settings = (name.with_name(f"{name.name}.{suffix}") for suffix in ("csv", "json"))
        write_whole(csv, frame.to_csv(index=False).encode())
        write_whole(settings, (json.dumps(compared.settings, indent=1) + "\n").encode())
        return [csv, settings, *figures.save(draw(compared), name)]


def draw(compared: Compared):
    """A heatmap, rows from the first layer at the bottom, as in figure 12 of the paper."""
    import seaborn
    from matplotlib.figure import Figure

    value = compared.similarity.value
    rows, columns = value.shape
    cell = 0.62 if max(rows, columns) <= 12 else 0.26 if max(rows, columns) <= 40 else 0.16
    least = float(np.nanmin(value)) if np.isfinite(value).any() else 0.0
    low = min(0.9, np.floor(least * 10) / 10)  # colours from the tenth below the smallest value to 1
    digits = ".3f" if low >= 0.8 else ".2f"
    with figures.style():
        figure = Figure(figsize=(max(2.2, cell * columns) + 1.9, max(1.6, cell * rows) + 1.3))
        axes = figure.subplots()
        seaborn.heatmap(
            value[::-1], ax=axes, vmin=low, vmax=1, cmap="cividis", annot=cell > 0.5, fmt=digits, square=True,
            annot_kws={"fontsize": 8}, linewidths=0.6 if cell > 0.2 else 0, linecolor="white",
            xticklabels=compared.second.probe.layers, yticklabels=compared.first.probe.layers[::-1],
            cbar_kws={"label": "CKA", "shrink": 0.9, "pad": 0.03},
        )  # fmt: skip
        for text in axes.texts:  # black or white, whichever is the easier to read on its cell
            brightness = luminance(axes.collections[0].get_cmap()((float(text.get_text()) - low) / (1 - low)))
            text.set_color("black" if brightness > 0.18 else "white")
        axes.tick_params(length=0, labelsize=8 if cell > 0.5 else 6.5)
        axes.set_xticks(axes.get_xticks(), axes.get_xticklabels(), rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(axes.get_yticks(), axes.get_yticklabels(), rotation=0)
        two = compared.first.noise != compared.second.noise
        for side, label in ((compared.second, axes.set_xlabel), (compared.first, axes.set_ylabel)):
            words = [side.probe.model.label, *([noises.canonical(side.noise)] if two else [])]
            label("\n".join(words), fontweight="bold")
        axes.set_title(compared.title)
    return figure


def luminance(colour: tuple[float, ...]) -> float:
    """Relative luminance of an sRGB colour in [0, 1]. Source: WCAG 2.1."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
