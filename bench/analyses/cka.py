"""CKA between the layers of two models, or of one model under two noises."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np
import pandas as pd
import seaborn
from matplotlib import colormaps
from matplotlib.figure import Figure
from seaborn.utils import relative_luminance

from analysis.cka import MIN_BATCH, Cka, centred_grams
from analysis.jackknife import IntervalEstimate
from bench.analyses.core import figures, measurements
from bench.analyses.core.config import Config
from bench.analyses.core.feature_extractor import FeatureExtractor, feature_extractor
from bench.analyses.core.patches import batches
from bench.analyses.core.result import CaptionedFigure, Result, TextTable, estimate_texts
from bench.core.errors import BadInput
from bench.core.progress import Progress, progress
from bench.models.model_specs import Model
from bench.noise import noises
from noise_zoo.noise import Noise

TITLE = "Similarity of layers (CKA)"
ORDER = 40
ABOUT = (
    "Linear CKA from minibatches with unbiased HSIC, a ratio of means over batches: 1 for equal features up to "
    "rotation and scale, around 0 for unrelated ones. 95% jackknife intervals over batches: how much CKA would vary "
    "with other patches of these images."
)
ESTIMATE = ("cka", "low", "high")
NEGATIVE = "#b9c0c7"  # colour of values below 0, below the scale
LABEL = 2.2  # inches: width of a model's name at an axis
DARK_BELOW = 0.18  # relative luminance of a cell on which white text is easier to read


@dataclass(frozen=True)
class ModelInput:
    """A model with its layers, and the noise of its input."""

    extractor: FeatureExtractor
    noise: Noise

    @property
    def model(self) -> str:
        """The model's label."""
        return self.extractor.model.label

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of its layers in the order in which they run."""
        return self.extractor.layers

    @property
    def noise_text(self) -> str:
        """The noise's canonical spec."""
        return noises.canonical(self.noise)

    @property
    def text(self) -> str:
        """'ours, gaussian(sigma=15)'."""
        return f"{self.model}, {self.noise_text}"


def measure(
    models: Sequence[Model],
    config: Config,
    noise: Noise,
    other_noises: Sequence[Noise] = (),
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
    config.patches.require(MIN_BATCH, "CKA")
    other_layers = layers if other_layers is None else other_layers
    extractors = [feature_extractor(models[0], layers, config.device)]
    same = len(models) == 1 and layers == other_layers
    extractors.append(extractors[0] if same else feature_extractor(models[-1], other_layers, config.device))
    first = ModelInput(extractors[0], noise)
    tested = other_noises if len(other_noises) == 1 else [one for one in other_noises if one != noise] or [noise]
    others = [ModelInput(extractors[1], one) for one in tested]
    if len(others) > 1:
        shared_layers(first, others[0])  # raises before the measurement
    tables = [cka_table(first, other, cka) for other, cka in compare(first, others, config, batch)]
    where = config.columns(batch=batch)
    rows = [
        measurements.row(
            "cka",
            measurements.subject(models[0], row.layer, noise, config.seed),
            measurements.other_subject(models[-1], row.other_layer, other.noise, config.seed),
            where,
            estimate=(row.cka, row.low, row.high),
        )
        for other, table in zip(others, tables, strict=True)
        for row in table.itertuples()
    ]
    dropped, every = count % batch if count % batch < MIN_BATCH else 0, [first, *others]
    question = {
        **config.settings,
        "batch": batch,
        "batches": -(-(count - dropped) // batch),
        "patches_dropped": dropped,
        "models": [one.model for one in every],
        "weights_sha256": [one.extractor.model.weights_hash for one in every],
        "layers": [list(one.layers) for one in every],
        "noises": [one.noise_text for one in every],
        "noise_versions": [noises.version(one.noise) for one in every],
    }
    if len(others) == 1:
        labels, table = [one.text for one in every], tables[0].drop(columns="other_noise")
        summary, draw = partial(pair_summary, first, others[0]), partial(draw_pair, first, others[0])
    else:
        labels = [first.text, others[0].model, "noises", *question["noises"][1:]]
        table = pd.concat(tables, ignore_index=True)
        summary, draw = partial(noise_summary, first), partial(draw_noises, first, others)
    notes = [f"{dropped} patches are skipped: a batch has {MIN_BATCH} or more"] if dropped else []
    return Result("cka", list(dict.fromkeys(labels)), question, [], {"": table}, draw, summary, rows, notes=notes)


def compare(first: ModelInput, others: Sequence[ModelInput], config: Config, batch: int) -> Iterator[tuple]:
    """(other, CKA of the first model's A layers with the other's B layers, an `IntervalEstimate` (A, B)) for each.

    All models have the same patches. The Gram matrices of the first are kept, 8 x `batch` bytes per patch and layer, so
    that it runs once for any number of others.
    """
    per_pass = len(config.patches.patches) // batch + (len(config.patches.patches) % batch >= MIN_BATCH)
    with progress("batches", per_pass * (1 + sum(other != first for other in others))) as bar:
        own = list(gram_matrices(first, config, batch, bar))
        for other in others:
            cka = Cka(first.layers, other.layers)
            grams = own if other == first else gram_matrices(other, config, batch, bar)
            for left, right in zip(own, grams, strict=True):
                cka.add_grams(left, right)
            yield other, cka.result()


def gram_matrices(one: ModelInput, config: Config, batch: int, bar: Progress) -> Iterator[np.ndarray]:
    """U-centred Gram matrices of the layers, (A, n n) for each batch of n patches."""
    for patches in batches(config.patches, one.noise, config.seed, config.protocol, batch, MIN_BATCH):
        yield centred_grams(one.extractor(patches.noisy, patches.keys), one.layers)
        bar.advance()


def shared_layers(first: ModelInput, other: ModelInput) -> list[str]:
    """Names of the layers that both have. Raises BadInput if there is none."""
    shared = [name for name in first.layers if name in other.layers]
    if not shared:
        raise BadInput(f"expected layers of one name, got none in {first.model} and {other.model}: give one --noise-b")
    return shared


def cka_table(first: ModelInput, other: ModelInput, cka: IntervalEstimate) -> pd.DataFrame:
    """One row per pair of layers: layer, other_layer, other_noise, cka, low, high."""
    pairs = pd.DataFrame(product(first.layers, other.layers), columns=["layer", "other_layer"])
    return pairs.assign(other_noise=other.noise_text, cka=cka.value.ravel(), low=cka.low.ravel(), high=cka.high.ravel())


def input_text(one: ModelInput, result: Result) -> str:
    """'masked (ours), gaussian(sigma=15)'."""
    return f"{result.name(one.model)}, {one.noise_text}"


def pair_title(first: ModelInput, other: ModelInput, result: Result) -> str:
    """'masked (ours) and baseline, gaussian(sigma=15)', or the noise of each."""
    if first.noise == other.noise:
        return f"{' and '.join(map(result.name, dict.fromkeys((first.model, other.model))))}, {first.noise_text}"
    if first.model == other.model:
        return f"{result.name(first.model)}: {first.noise_text} and {other.noise_text}"
    return f"{input_text(first, result)} and {input_text(other, result)}"


def pair_summary(first: ModelInput, other: ModelInput, result: Result) -> TextTable:
    """One row per layer: CKA with the layer of the same name, and the most similar layer."""
    table = result.tables[""]
    table = table.assign(text=estimate_texts(table, ESTIMATE, 3))
    lines = []
    for layer, part in table.groupby("layer", sort=False):
        same = part.loc[part["other_layer"] == layer, "text"]
        best = part.sort_values("cka", ascending=False, kind="stable").iloc[0]
        nearest = "-" if np.isnan(best["cka"]) else f"{best['other_layer']}: {best['text']}"
        lines.append((layer, same.iloc[0] if len(same) else "-", nearest))
    headings = ("layer", "CKA with the same layer [95%]", "most similar layer")
    return TextTable(f"CKA: {pair_title(first, other, result)}", headings, lines)


def noise_summary(first: ModelInput, result: Result) -> TextTable:
    """One row per noise and one column per layer: CKA with the layer of the same name; the deepest has its interval."""
    table = result.tables[""]
    same = table[table["layer"] == table["other_layer"]]
    lines = [
        [noise, *part["cka"].map("{:.3f}".format)[:-1], *estimate_texts(part[-1:], ESTIMATE, 3)]
        for noise, part in same.groupby("other_noise", sort=False)
    ]
    title = f"CKA with the same layer: {input_text(first, result)} and other noises [95%]"
    return TextTable(title, ["noise", *same["layer"].unique()], lines)


def draw_pair(first: ModelInput, other: ModelInput, result: Result) -> list[CaptionedFigure]:
    """The figure of two models, or of one under two noises: each layer with each layer."""
    value = result.tables[""]["cka"].to_numpy().reshape(len(first.layers), -1)
    rows, columns = (input_text(one, result) for one in (first, other))
    labels = (f"{figures.wrapped(result.name(one.model), LABEL, 9)}\n{one.noise_text}" for one in (first, other))
    caption = f"CKA of each layer of {rows} (rows) with each layer of {columns} (columns)."
    figure = draw_heatmap(value, first.layers, other.layers, *labels)
    return [CaptionedFigure(f"CKA: {pair_title(first, other, result)}", caption, figure)]


def draw_noises(first: ModelInput, others: Sequence[ModelInput], result: Result) -> list[CaptionedFigure]:
    """The figure of several noises: each layer with the layer of the same name, one column per noise."""
    table, layers = result.tables[""], shared_layers(first, others[0])
    names = [other.noise_text for other in others]
    same = table[table["layer"] == table["other_layer"]].pivot(index="layer", columns="other_noise", values="cka")
    pair = [result.name(model) for model in dict.fromkeys((first.model, others[0].model))]
    label = "\n".join(figures.wrapped(name, LABEL, 9) for name in pair)
    figure = draw_heatmap(
        same.loc[layers, names].to_numpy(), layers, names, label, f"noise, against {first.noise_text}"
    )
    caption = (
        f"CKA of each layer of {input_text(first, result)} (rows) with the same layer of {pair[-1]} under other noises."
    )
    return [CaptionedFigure(f"CKA: {' and '.join(pair)}, {first.noise_text} and other noises", caption, figure)]


def draw_heatmap(
    value: np.ndarray, rows: Sequence[str], columns: Sequence[str], row_label: str, column_label: str
) -> Figure:
    """CKA (A, B) as in figure 12 of Chen et al. (CVPR 2023), first row at the bottom; colours 0 to 1, grey below."""
    across, down = len(columns), len(rows)
    longest = max(across, down)
    cell = 0.62 if longest <= 10 else 0.5 if longest <= 16 else 0.26 if longest <= 40 else 0.16  # inches
    annotated = cell >= 0.5
    colours = colormaps["cividis"].with_extremes(under=NEGATIVE)
    figure = Figure(figsize=(cell * across + 1.9, cell * down + 1.3))
    axes = figure.subplots()
    bar = axes.inset_axes((1 + 0.12 / (cell * across), 0, 0.14 / (cell * across), 1))  # as high as the map
    seaborn.heatmap(
        value[::-1],
        ax=axes,
        vmin=0,
        vmax=1,
        cmap=colours,
        square=True,
        annot=annotated,
        fmt=".3f",
        annot_kws={"fontsize": 8 if cell > 0.5 else 7},
        linewidths=0.6 if cell > 0.2 else 0,
        linecolor="white",
        xticklabels=columns,
        yticklabels=rows[::-1],
        cbar_ax=bar,
        cbar_kws={"label": "CKA", "extend": "min" if (value < 0).any() else "neither"},
    )
    for text in axes.texts:
        dark = relative_luminance(colours(float(text.get_text()))) <= DARK_BELOW
        text.set_color("white" if dark else "black")
    for each in (axes, bar):
        each.grid(False)
    axes.tick_params(labelsize=8 if annotated else 6.5)
    axes.set_xticks(axes.get_xticks(), axes.get_xticklabels(), rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(axes.get_yticks(), axes.get_yticklabels(), rotation=0)
    axes.set_xlabel(column_label, fontweight="bold")
    axes.set_ylabel(row_label, fontweight="bold")
    return figure
