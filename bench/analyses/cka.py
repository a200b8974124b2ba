"""CKA between the layers of two models, or of one model under two noises."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import seaborn
from matplotlib import colormaps
from matplotlib.figure import Figure

from analysis.cka import MIN_BATCH, Cka, centred_grams
from bench.analyses.core import figures, measurements
from bench.analyses.core.config import Config
from bench.analyses.core.feature_extractor import FeatureExtractor, feature_extractor
from bench.analyses.core.patches import batches
from bench.analyses.core.result import CaptionedFigure, Models, Result, Tables, TextTable
from bench.core.errors import BadInput
from bench.core.progress import Progress, progress
from bench.models.model_specs import Model
from bench.noise import noises
from bench.runs.table import cell_text

TITLE = "Similarity of layers (CKA)"
ORDER = 40
ABOUT = (
    "Linear CKA from minibatches with unbiased HSIC, a ratio of means over batches: 1 for equal features up to "
    "rotation and scale, around 0 for unrelated ones. 95% jackknife intervals over batches: how much CKA would vary "
    "with other patches of these images."
)
NEGATIVE = "#b9c0c7"  # colour of values below 0, below the scale
DARK_BELOW = 0.18  # relative luminance of a cell on which white text is easier to read


@dataclass(frozen=True)
class ModelInput:
    """A model with its layers, and the noise of its input."""

    extractor: FeatureExtractor
    noise: Any

    @property
    def model(self) -> str:
        return self.extractor.model.label

    @property
    def noise_text(self) -> str:
        return noises.canonical(self.noise)

    @property
    def text(self) -> str:
        return f"{self.model}, {self.noise_text}"


def measure(
    models: Sequence[Model],
    config: Config,
    noise: Any,
    other_noises: Sequence[Any] = (),
    layers: Sequence[str] = (),
    other_layers: Sequence[str] | None = None,
    batch: int = 16,
) -> Result:
    """CKA of the layers of one or two models in [-1, 1].

    models         one or two; one is compared with itself
    noise          of the first model's input, and of the second's without `other_noises`
    other_noises   of the second model's input; several give one column each in the figure
    layers         names or patterns; the default layers without any. `other_layers` are those of the second model
    batch          patches per batch, at least 4

    Raises BadInput.
    """
    if len(models) > 2:
        raise BadInput(f"expected one or two models, got {len(models)}: {', '.join(one.label for one in models)}")
    count = len(config.patches.patches)
    if count < MIN_BATCH:
        raise BadInput(f"--patches: expected {MIN_BATCH} or more for CKA, got {count}")
    other_layers = layers if other_layers is None else other_layers
    extractors = [feature_extractor(models[0], layers, config.device)]
    same = len(models) == 1 and layers == other_layers
    extractors.append(extractors[0] if same else feature_extractor(models[-1], other_layers, config.device))
    first = ModelInput(extractors[0], noise)
    tested = other_noises if len(other_noises) == 1 else [one for one in other_noises if one != noise] or [noise]
    others = [ModelInput(extractors[1], one) for one in tested]
    if len(others) > 1:
        shared_layers(first, others[0])  # raises before the measurement
    dropped = count % batch if count % batch < MIN_BATCH else 0
    tables = [cka_table(first, other, cka) for other, cka in compare(first, others, config, batch)]
    pairs = zip(others, tables, strict=True)
    rows = [row for other, table in pairs for row in measured_rows(first, other, table, config, batch)]
    every = [first, *others]
    question = {
        **config.settings, "batch": batch, "batches": -(-(count - dropped) // batch), "patches_dropped": dropped,
        "models": [one.model for one in every], "weights_sha256": [one.extractor.model.weights_hash for one in every],
        "layers": [list(one.extractor.layers) for one in every], "noises": [one.noise_text for one in every],
        "noise_versions": [noises.version(one.noise) for one in every],
    }  # fmt: skip
    if len(others) == 1:
        labels = dict.fromkeys(one.text for one in every)
        table, summary = tables[0].drop(columns="other_noise"), pair_summary(tables[0], pair_title(first, others[0]))
    else:
        labels = dict.fromkeys([first.text, others[0].model, "noises", *question["noises"][1:]])
        table = pd.concat(tables, ignore_index=True)
        summary = noise_summary(table, first)

    def draw(tables: Tables, models: Models) -> list[CaptionedFigure]:
        return [draw_pair(tables[""], first, others[0]) if len(others) == 1 else draw_noises(tables[""], first, others)]

    notes = [f"{dropped} patches are skipped: a batch has {MIN_BATCH} or more"] if dropped else []
    return Result("cka", [*labels], question, [], {"": table}, draw, summary, rows, notes)


def compare(first: ModelInput, others: Sequence[ModelInput], config: Config, batch: int) -> Iterator[tuple]:
    """(other, CKA of the first model's A layers with the other's B layers, an `IntervalEstimate` (A, B)) for each.

    All models have the same patches. The Gram matrices of the first are kept, 8 x `batch` bytes per patch and layer, so
    that it runs once for any number of others.
    """
    per_pass = len(config.patches.patches) // batch + (len(config.patches.patches) % batch >= MIN_BATCH)
    repeated = [other for other in others if is_same(first, other)]
    with progress("batches", per_pass * (1 + len(others) - len(repeated))) as bar:
        own = list(gram_matrices(first, config, batch, bar))
        for other in others:
            cka = Cka(first.extractor.layers, other.extractor.layers)
            grams = own if is_same(first, other) else gram_matrices(other, config, batch, bar)
            for left, right in zip(own, grams, strict=True):
                cka.add_grams(left, right)
            yield other, cka.result()


def is_same(first: ModelInput, other: ModelInput) -> bool:
    """Whether the features of both are the same."""
    return first.extractor is other.extractor and first.noise == other.noise


def gram_matrices(one: ModelInput, config: Config, batch: int, bar: Progress) -> Iterator[np.ndarray]:
    """U-centred Gram matrices of the layers, (A, n n) for each batch of n patches."""
    for patches in batches(config.patches, one.noise, config.seed, config.protocol, batch, MIN_BATCH):
        yield centred_grams(one.extractor(patches.noisy, patches.keys), one.extractor.layers)
        bar.advance()


def shared_layers(first: ModelInput, other: ModelInput) -> list[str]:
    """Names of the layers that both have. Raises BadInput if there is none."""
    shared = [name for name in first.extractor.layers if name in other.extractor.layers]
    if not shared:
        raise BadInput(f"expected layers of one name, got none in {first.model} and {other.model}: give one --noise-b")
    return shared


def cka_table(first: ModelInput, other: ModelInput, cka) -> pd.DataFrame:
    """One row per pair of layers: other_noise, cka, low, high."""
    pairs = pd.MultiIndex.from_product([first.extractor.layers, other.extractor.layers], names=["layer", "other_layer"])
    values = {"cka": cka.value.ravel(), "low": cka.low.ravel(), "high": cka.high.ravel()}
    return pd.DataFrame({"other_noise": other.noise_text, **values}, index=pairs).reset_index()


def measured_rows(first: ModelInput, other: ModelInput, table: pd.DataFrame, config: Config, batch: int) -> list[dict]:
    """Measurements for the store, one per pair of layers."""
    return [
        {
            "measure": "cka",
            **measurements.subject(first.extractor.model, row["layer"], first.noise, config.seed),
            **measurements.other_subject(other.extractor.model, row["other_layer"], other.noise, config.seed),
            **config.columns(batch=batch), "value": row["cka"], "low": row["low"], "high": row["high"],
        }
        for row in table.to_dict("records")
    ]  # fmt: skip


def pair_title(first: ModelInput, other: ModelInput) -> str:
    """'ours and baseline, gaussian(sigma=15)', or the noise of each."""
    if first.noise == other.noise:
        return f"{' and '.join(dict.fromkeys((first.model, other.model)))}, {first.noise_text}"
    if first.model == other.model:
        return f"{first.model}: {first.noise_text} and {other.noise_text}"
    return f"{first.text} and {other.text}"


def pair_summary(table: pd.DataFrame, title: str) -> TextTable:
    """One row per layer: CKA with the layer of the same name, and the most similar layer."""
    lines = []
    for layer, part in table.groupby("layer", sort=False):
        texts = [cell_text(*numbers, 3) for numbers in part[["cka", "low", "high"]].to_numpy()]
        texts = dict(zip(part["other_layer"], texts, strict=True))
        known = part.dropna(subset="cka")
        best = known.loc[known["cka"].idxmax(), "other_layer"] if len(known) else None
        lines.append((layer, texts.get(layer, "-"), f"{best}: {texts[best]}" if best else "-"))
    return TextTable(f"CKA: {title}", ("layer", "CKA with the same layer [95%]", "most similar layer"), lines)


def noise_summary(table: pd.DataFrame, first: ModelInput) -> TextTable:
    """One row per noise and one column per layer: CKA with the layer of the same name; the deepest has its interval."""
    same = table[table["layer"] == table["other_layer"]]
    lines = []
    for noise, part in same.groupby("other_noise", sort=False):
        *shallow, deepest = part[["cka", "low", "high"]].to_numpy()
        lines.append((noise, *(f"{value:.3f}" for value, _, _ in shallow), cell_text(*deepest, 3)))
    title = f"CKA with the same layer: {first.text} and other noises [95%]"
    return TextTable(title, ("noise", *dict.fromkeys(same["layer"])), lines)


def draw_pair(table: pd.DataFrame, first: ModelInput, other: ModelInput) -> CaptionedFigure:
    value = table["cka"].to_numpy().reshape(len(first.extractor.layers), -1)
    figure = draw_heatmap(value, first.extractor.layers, other.extractor.layers,
                          *(f"{one.model}\n{one.noise_text}" for one in (first, other)))  # fmt: skip
    caption = f"CKA of each layer of {first.text} (rows) with each layer of {other.text} (columns)."
    return CaptionedFigure(f"CKA: {pair_title(first, other)}", caption, figure)


def draw_noises(table: pd.DataFrame, first: ModelInput, others: Sequence[ModelInput]) -> CaptionedFigure:
    layers = shared_layers(first, others[0])
    names = [other.noise_text for other in others]
    same = table[table["layer"] == table["other_layer"]].pivot(index="layer", columns="other_noise", values="cka")
    pair = dict.fromkeys((first.model, others[0].model))
    figure = draw_heatmap(same.loc[layers, names].to_numpy(), layers, names, "\n".join(pair),
                          f"noise, against {first.noise_text}")  # fmt: skip
    caption = f"CKA of each layer of {first.text} (rows) with the same layer of {others[0].model} under other noises."
    return CaptionedFigure(f"CKA: {' and '.join(pair)}, {first.noise_text} and other noises", caption, figure)


def draw_heatmap(
    value: np.ndarray, rows: Sequence[str], columns: Sequence[str], row_label: str, column_label: str
) -> Figure:
    """CKA (A, B) as in figure 12 of Chen et al. (CVPR 2023), first row at the bottom; colours 0 to 1, grey below."""
    across, down = len(columns), len(rows)
    longest = max(across, down)
    cell = 0.62 if longest <= 10 else 0.5 if longest <= 16 else 0.26 if longest <= 40 else 0.16  # inches
    annotated = cell >= 0.5
    colours = colormaps["cividis"].with_extremes(under=NEGATIVE)
    with figures.style():
        figure = Figure(figsize=(cell * across + 1.9, cell * down + 1.3))
        axes = figure.subplots()
        bar = axes.inset_axes((1 + 0.12 / (cell * across), 0, 0.14 / (cell * across), 1))  # as high as the map
        seaborn.heatmap(
            value[::-1], ax=axes, vmin=0, vmax=1, cmap=colours, square=True,
            annot=annotated, fmt=".3f", annot_kws={"fontsize": 8 if cell > 0.5 else 7},
            linewidths=0.6 if cell > 0.2 else 0, linecolor="white", xticklabels=columns, yticklabels=rows[::-1],
            cbar_ax=bar, cbar_kws={"label": "CKA", "extend": "min" if (value < 0).any() else "neither"},
        )  # fmt: skip
        for text in axes.texts:
            text.set_color("black" if luminance(colours(float(text.get_text()))) > DARK_BELOW else "white")
        for each in (axes, bar):
            each.grid(False)
        axes.tick_params(labelsize=8 if annotated else 6.5)
        axes.set_xticks(axes.get_xticks(), axes.get_xticklabels(), rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(axes.get_yticks(), axes.get_yticklabels(), rotation=0)
        axes.set_xlabel(column_label, fontweight="bold")
        axes.set_ylabel(row_label, fontweight="bold")
    return figure


def luminance(colour: Sequence[float]) -> float:
    """Relative luminance of an sRGB colour in [0, 1]. Source: WCAG 2.1."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
