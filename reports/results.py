"""The rows and the summary of a run, in the order and the aggregations that pages need."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from reports.data import DatasetCard, ModelCard, ModelGroup, NoiseCard, Study
from reports.formatting import level as level_text
from reports.formatting import slug
from reports.measures import DROP, PSNR, Measure
from reports.paired import near_best, rank_ranges

NOISY = "noisy"
MIN_PHOTOGRAPHS = 3  # with fewer there are no intervals
OOD_MEAN = "OOD mean"
ROW_COLUMNS = (
    "model size weights weights_hash dataset image noise noise_name noise_version level seed protocol "
    "precision tile device psnr ssim psnr_noisy ssim_noisy seconds status reason"
).split()
SUMMARY_COLUMNS = (
    "model dataset noise noise_name level images failed psnr psnr_low psnr_high drop drop_low drop_high".split()
)


@dataclass(frozen=True)
class NoiseSetting:
    """A noise at one level: its spec, the name of the noise, the level (NaN without one)."""

    spec: str
    name: str
    level: float

    @property
    def label(self) -> str:
        """The parameters of the spec, such as 'sigma=15', else the level."""
        if self.spec.startswith(self.name + "(") and self.spec.endswith(")"):
            return self.spec[len(self.name) + 1 : -1]
        return level_text(self.level) or self.spec


@dataclass(frozen=True)
class NoiseAverage:
    """A mean over noise settings, which tables treat like one setting; `name` is '' for the OOD mean of a group."""

    spec: str
    name: str
    settings: tuple[NoiseSetting, ...]

    @property
    def label(self) -> str:
        """The heading of its column."""
        return f"mean of {len(self.settings)}" if self.name else OOD_MEAN


def ordered(first: list[str], then: pd.Series) -> tuple[str, ...]:
    """The distinct names in a column: in the order of `first`, then of the column."""
    distinct = dict.fromkeys(then.dropna().astype(str))
    return tuple(dict.fromkeys([name for name in first if name in distinct] + list(distinct)))


@dataclass(frozen=True, eq=False)
class Results:
    """A study with its rows (one per model x noise x image x seed) and summary (one per model x data set x noise)."""

    study: Study
    all_rows: pd.DataFrame
    all_summary: pd.DataFrame

    @cached_property
    def rows(self) -> pd.DataFrame:
        """All rows, with all columns that the site reads."""
        scores = [f"{one.key}{of}" for one in self.study.measures for of in ("", "_noisy")]
        return self.all_rows.reindex(columns=list(dict.fromkeys([*ROW_COLUMNS, *scores, *self.all_rows.columns])))

    @cached_property
    def summary(self) -> pd.DataFrame:
        """The summary, with all columns that the site reads."""
        scores = [f"{one.key}{bound}" for one in self.study.measures for bound in ("", "_low", "_high")]
        columns = list(dict.fromkeys([*SUMMARY_COLUMNS, *scores, *self.all_summary.columns]))
        return self.all_summary.reindex(columns=columns)

    @cached_property
    def ok(self) -> pd.DataFrame:
        """The rows that succeeded."""
        return self.rows[self.rows["status"] == "ok"]

    @cached_property
    def failed(self) -> pd.DataFrame:
        """The rows that failed."""
        return self.rows[self.rows["status"] != "ok"]

    @cached_property
    def failures(self) -> dict[tuple[str, str], list[tuple[str, str, int, str]]]:
        """(data set, noise) -> (model, image, seed, reason) of each failed row."""
        failures: dict[tuple[str, str], list[tuple[str, str, int, str]]] = {}
        columns = ["dataset", "noise", "model", "image", "seed", "reason"]
        for dataset, noise, model, image, seed, reason in self.failed[columns].itertuples(index=False, name=None):
            text = "" if pd.isna(reason) else str(reason)
            failures.setdefault((dataset, noise), []).append((model, str(image), int(seed), text))
        return failures

    @cached_property
    def models(self) -> tuple[str, ...]:
        """Names of the models, without the noisy input."""
        names = pd.concat([self.summary["model"], self.rows["model"]])
        return tuple(m for m in ordered([card.name for card in self.study.models], names) if m != NOISY)

    def label(self, model: str) -> str:
        """What tables and charts call a model or the noisy input."""
        return "noisy input" if model == NOISY else self.model_card(model).label or model

    @cached_property
    def model_files(self) -> dict[str, str]:
        """The file of each model's page."""
        taken: set[str] = set()
        return {model: f"model-{slug(model, taken)}.html" for model in self.models}

    @cached_property
    def datasets(self) -> tuple[str, ...]:
        """Specs of the data sets."""
        names = pd.concat([self.summary["dataset"], self.rows["dataset"]])
        return ordered([card.name for card in self.study.datasets], names)

    @cached_property
    def noises(self) -> tuple[NoiseSetting, ...]:
        """The noise settings by noise and level, the noise of the reference setting first."""
        columns = ["noise", "noise_name", "level"]
        distinct = pd.concat([self.summary[columns], self.rows[columns]]).drop_duplicates("noise")
        settings = [
            NoiseSetting(str(spec), str(name), math.nan if pd.isna(level) else float(level))
            for spec, name, level in distinct.itertuples(index=False)
        ]
        order = {name: index for index, name in enumerate(self.noise_names)}
        return tuple(
            sorted(settings, key=lambda s: (order[s.name], math.inf if math.isnan(s.level) else s.level, s.spec))
        )

    @cached_property
    def noise_names(self) -> tuple[str, ...]:
        """Names of the noises, that of the reference noise first."""
        names = pd.concat([self.summary["noise_name"], self.rows["noise_name"]])
        first = self.study.reference.partition("(")[0]
        return ordered([first, *(card.name for card in self.study.noises)], names)

    @cached_property
    def reference(self) -> NoiseSetting | None:
        """The reference noise of PSNR drops, None if there is none or it was not evaluated."""
        return next((setting for setting in self.noises if setting.spec == self.study.reference), None)

    @property
    def reference_label(self) -> str:
        """The reference noise in sentences: 'Gaussian 15', or its spec."""
        one = self.reference
        if one is None:
            return "the reference noise"
        plain = one.spec == f"gaussian(sigma={level_text(one.level)})"
        return f"Gaussian {level_text(one.level)}" if plain else one.spec

    @cached_property
    def groups(self) -> tuple[ModelGroup, ...]:
        """The models by training noise, the group of the headline first; one group if the study has none."""
        others = (self.study.reference, *self.study.nearly_clean)
        known = self.study.groups or (
            ModelGroup("", self.models, tuple(s.spec for s in self.noises if s.spec not in others)),
        )
        kept = (replace(one, models=tuple(m for m in self.models if m in one.models)) for one in known)
        return tuple(one for one in kept if one.models)

    def group_of(self, model: str) -> ModelGroup:
        """The group of a model; the first, of the noisy input."""
        return next((one for one in self.groups if model in one.models), self.groups[0])

    def ood(self, group: ModelGroup) -> tuple[NoiseSetting, ...]:
        """The noises that are out of distribution for every model of a group."""
        return tuple(setting for setting in self.noises if setting.spec in group.ood)

    def ood_on(self, dataset: str, group: ModelGroup) -> tuple[NoiseSetting, ...]:
        """Those of `ood` that a data set was evaluated under."""
        return tuple(one for one in self.ood(group) if (dataset, one.spec) in self.by_seed[PSNR.key])

    @property
    def ood_of_headline(self) -> tuple[NoiseSetting, ...]:
        """The noises that are out of distribution for the models of the headline."""
        return self.ood(self.groups[0]) if self.groups else ()

    @cached_property
    def measures(self) -> tuple[Measure, ...]:
        """The measures with at least one value."""
        return tuple(m for m in (*self.study.measures, DROP) if self.summary[m.key].notna().any())

    @cached_property
    def _lines(self) -> dict[tuple[str, str, str], dict]:
        lines = self.summary.to_dict("records")
        return {(line["dataset"], line["noise"], line["model"]): line for line in lines}

    def line(self, dataset: str, noise: str, model: str) -> dict | None:
        """The row of the summary for a data set, noise and model, or None."""
        return self._lines.get((dataset, noise, model))

    @cached_property
    def side_by_side(self) -> pd.DataFrame:
        """PSNR of each model and of the noisy input, one row per data set x noise x image x seed."""
        keys = ["dataset", "noise", "noise_name", "image", "seed"]
        noisy = self.rows.groupby(keys, observed=True, sort=False)["psnr_noisy"].first().astype(float)
        own = self.ok.drop_duplicates([*keys, "model"]).set_index([*keys, "model"])["psnr"].astype(float)
        return own.unstack("model").assign(**{NOISY: noisy}).reset_index()

    def ood_average(self, group: ModelGroup) -> NoiseAverage:
        """The OOD mean of a group; groups with the same OOD noises share it."""
        settings = self.ood(group)
        same = next(one for one in self.groups if self.ood(one) == settings)
        name = f" ({same.name})" if same is not self.groups[0] else ""
        return NoiseAverage(settings[0].spec if len(settings) == 1 else OOD_MEAN + name, "", settings)

    def level_average(self, name: str, settings: Iterable[NoiseSetting]) -> NoiseAverage:
        """The mean of a noise over its levels in `settings`, without the reference noise and nearly clean settings."""
        excluded = (self.study.reference, *self.study.nearly_clean)
        levels = tuple(one for one in settings if one.name == name and one.spec not in excluded)
        return NoiseAverage(f"mean of {name}", name, levels)

    @cached_property
    def averages(self) -> tuple[NoiseAverage, ...]:
        """All means over at least two settings: the OOD mean of each group, then the mean of each noise."""
        averages = [self.ood_average(group) for group in self.groups]
        ood_means = {one.settings for one in averages}
        for name in self.noise_names:
            average = self.level_average(name, self.noises)
            averages += [] if average.settings in ood_means else [average]
        return tuple(dict.fromkeys(average for average in averages if len(average.settings) > 1))

    @cached_property
    def by_seed(self) -> dict[str, dict[tuple[str, str], pd.DataFrame]]:
        """Key of a measure -> (data set, noise) -> table of (image, seed) x models and the noisy input."""
        keys = ["dataset", "noise", "image", "seed"]
        every = pd.MultiIndex.from_frame(self.rows[keys].drop_duplicates())
        tables: dict[str, dict[tuple[str, str], pd.DataFrame]] = {}
        for key in (measure.key for measure in self.study.measures):
            own = self.ok.groupby([*keys, "model"], observed=True)[key].mean().astype(float).unstack("model")
            noisy = self.rows.groupby(keys, observed=True)[f"{key}_noisy"].mean().astype(float)
            wide = own.reindex(every).assign(**{NOISY: noisy.reindex(every)})
            cells = wide.groupby(level=["dataset", "noise"], observed=True, sort=False)
            tables[key] = {cell: part.droplevel(["dataset", "noise"]) for cell, part in cells}
        return tables

    @cached_property
    def _scores(self) -> dict[str, dict[tuple[str, str], pd.DataFrame]]:
        return {key: {cell: means(table) for cell, table in tables.items()} for key, tables in self.by_seed.items()}

    def per_image(self, dataset: str, noise: str, measure: Measure) -> pd.DataFrame:
        """Images x models and the noisy input, mean over seeds; of DROP, at the reference noise minus at this noise."""
        if measure is DROP:
            if self.reference is None:
                return pd.DataFrame()
            tables = self._scores["psnr"]
            at_noise = tables.get((dataset, noise), pd.DataFrame())
            return tables.get((dataset, self.reference.spec), pd.DataFrame()) - at_noise
        return self._scores[measure.key].get((dataset, noise), pd.DataFrame())

    def mean_per_image(self, dataset: str, settings: tuple[NoiseSetting, ...], measure: Measure) -> pd.DataFrame:
        """Images x models and the noisy input: mean over those of the settings that the data set was evaluated under;
        NaN for an image without a score at each of them."""
        key = (dataset, settings, measure.key)
        if key not in self._means:
            evaluated = [one for one in settings if (dataset, one.spec) in self.by_seed[PSNR.key]]
            tables = [self.per_image(dataset, setting.spec, measure) for setting in evaluated]
            known = bool(tables) and not any(table.empty for table in tables)
            total = sum(tables[1:], start=tables[0]) if known else pd.DataFrame()
            self._means[key] = (total / max(len(tables), 1)).dropna(axis="columns", how="all")
        return self._means[key]

    @cached_property
    def _means(self) -> dict[tuple[str, tuple[NoiseSetting, ...], str], pd.DataFrame]:
        return {}

    def ood_per_image(self, dataset: str, group: ModelGroup, measure: Measure) -> pd.DataFrame:
        """Images x models of a group and the noisy input: the OOD mean; NaN for an image without a score at each
        noise."""
        table = self.mean_per_image(dataset, self.ood(group), measure)
        return table[[column for column in table.columns if column in (*group.models, NOISY)]]

    @cached_property
    def _photographs(self) -> dict[str, pd.Series]:
        columns = self.rows.reindex(columns=["dataset", "image", "photograph"]).drop_duplicates(["dataset", "image"])
        named = columns.astype(object)  # older stores do not record which crops are of one photograph
        known = named["photograph"].notna() & (named["photograph"] != "")
        named["photograph"] = named["photograph"].where(known, named["image"])
        return {str(name): part.set_index("image")["photograph"] for name, part in named.groupby("dataset")}

    def photographs(self, dataset: str, images: pd.Index) -> np.ndarray:
        """The photograph of each image of a data set; several crops can be of one photograph."""
        return self._photographs[dataset].reindex(images).to_numpy(str)

    def photograph(self, dataset: str, image: str) -> str:
        """The photograph of one image."""
        return str(self._photographs[dataset][image])

    def intervals(self, dataset: str, table: pd.DataFrame) -> np.ndarray:
        """Images x columns of a data set -> (columns, 3): mean and the ends of its 95% interval over photographs."""
        return self.study.intervals(table.to_numpy(float), self.photographs(dataset, table.index))

    def ranks(self, dataset: str, images: pd.DataFrame, measure: Measure) -> dict[str, tuple[int, int]]:
        """Images x models -> by model its (best, worst) rank over the images that all models have; {} for fewer than
        two models, or too few photographs for intervals."""
        shared = images.drop(columns=NOISY, errors="ignore").dropna()
        if len(shared.columns) < 2 or len(set(self.photographs(dataset, shared.index))) < MIN_PHOTOGRAPHS:
            return {}
        return rank_ranges(shared, measure.higher_is_better, lambda table: self.intervals(dataset, table))

    def intervals_ood(self, dataset: str, group: ModelGroup, measure: Measure) -> dict[str, tuple[float, float, float]]:
        """By model of a group: its OOD mean and the ends of its 95% interval."""
        key = (dataset, group.name, measure.key)
        if key not in self._intervals:
            table = self.ood_per_image(dataset, group, measure)
            bounds = self.intervals(dataset, table) if len(table) else ()
            self._intervals[key] = dict(zip(table.columns, map(tuple, bounds), strict=True))
        return self._intervals[key]

    @cached_property
    def _intervals(self) -> dict[tuple[str, str, str], dict[str, tuple[float, float, float]]]:
        return {}

    def ranks_ood(self, dataset: str, group: ModelGroup, measure: Measure) -> dict[str, tuple[int, int]]:
        """By model of a group its (best, worst) rank by OOD mean, over the images that all models have; of DROP, among
        the models that are `near_best`."""
        key = (dataset, group.name, measure.key)
        if key not in self._ranks:
            table = self.ood_per_image(dataset, group, measure)
            if measure is DROP:
                table = table[[model for model in table.columns if model in self.near_best(dataset, group)]]
            self._ranks[key] = self.ranks(dataset, table, measure)
        return self._ranks[key]

    @cached_property
    def _ranks(self) -> dict[tuple[str, str, str], dict[str, tuple[int, int]]]:
        return {}

    def near_best(self, dataset: str, group: ModelGroup) -> frozenset[str]:
        """The models of a group whose PSNR drops are compared; see `paired.near_best`."""
        return near_best(self.ood_per_image(dataset, group, PSNR), NOISY, lambda table: self.intervals(dataset, table))

    def gain(self, dataset: str, model: str) -> float:
        """OOD mean of PSNR minus that of the noisy input over the same images, in dB; at the reference noise if there
        is no OOD noise; NaN if unknown."""
        table = self.ood_per_image(dataset, self.group_of(model), PSNR)
        if table.empty and self.reference is not None:
            table = self.per_image(dataset, self.reference.spec, PSNR)
        both = model in table.columns and NOISY in table.columns
        return float((table[model] - table[NOISY]).mean()) if both else math.nan

    def below_noisy(self, dataset: str, model: str) -> bool:
        """Whether a model's OOD mean of PSNR is below that of the noisy input."""
        return self.gain(dataset, model) < 0

    def cell_below_noisy(self, dataset: str, settings: tuple[NoiseSetting, ...], model: str) -> bool:
        """Whether a model's mean PSNR over some settings is below that of the noisy input over the same images."""
        table = self.mean_per_image(dataset, settings, PSNR)
        both = model in table.columns and NOISY in table.columns
        return bool(both and (table[model] - table[NOISY]).mean() < 0)

    def in_distribution(self, model: str, settings: tuple[NoiseSetting, ...]) -> bool:
        """Whether a model was trained on one of these settings."""
        return any(one.spec in self.model_card(model).in_distribution for one in settings)

    @property
    def any_in_distribution(self) -> bool:
        """Whether any model was trained on a noise of this run."""
        return any(card.in_distribution for card in self.study.models)

    def model_card(self, name: str) -> ModelCard:
        """The card of that name, or an empty card."""
        return next((card for card in self.study.models if card.name == name), ModelCard(name))

    def noise_card(self, name: str) -> NoiseCard:
        """The card of that name, or an empty card."""
        return next((card for card in self.study.noises if card.name == name), NoiseCard(name))

    def dataset_card(self, name: str) -> DatasetCard:
        """The card of that name, or an empty card."""
        return next((card for card in self.study.datasets if card.name == name), DatasetCard(name))


def means(table: pd.DataFrame) -> pd.DataFrame:
    """(image, seed) x models -> sorted images x models with a score, mean over seeds."""
    if table.index.get_level_values("image").has_duplicates:
        table = table.groupby(level="image", sort=False).mean()
    else:
        table = table.droplevel("seed")
    return table.dropna(axis="columns", how="all").dropna(how="all").sort_index()
