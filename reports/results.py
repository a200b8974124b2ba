"""The rows and the summary of a run, put in reading order."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from reports.formatting import level as level_text
from reports.formatting import slug
from reports.measures import GAP, PSNR, Measure
from reports.paired import near_best, rank_ranges
from reports.study import DatasetCard, Group, ModelCard, NoiseCard, Study

NOISY = "noisy"
OOD_MEAN = "OOD mean"
ROW_COLUMNS = (
    "model size weights weights_hash dataset image noise noise_name noise_version level seed protocol "
    "precision tile device psnr ssim psnr_noisy ssim_noisy seconds status reason"
).split()
SUMMARY_COLUMNS = (
    "model dataset noise noise_name level images failed psnr psnr_low psnr_high gap gap_low gap_high".split()
)


@dataclass(frozen=True)
class NoiseSetting:
    """A noise at one level: its spec, its noise's name, the level (NaN where it has none)."""

    spec: str
    name: str
    level: float

    @property
    def label(self) -> str:
        """The part of the spec in brackets, else the level: 'sigma=15'."""
        if self.spec.startswith(self.name + "(") and self.spec.endswith(")"):
            return self.spec[len(self.name) + 1 : -1]
        return level_text(self.level) or self.spec


@dataclass(frozen=True)
class Average:
    """A mean over settings of noise, where one setting would stand; `name` is empty for the OOD mean of a group."""

    spec: str
    name: str
    settings: tuple[NoiseSetting, ...]

    @property
    def label(self) -> str:
        """What stands above its column."""
        return f"mean of {len(self.settings)}" if self.name else OOD_MEAN


def ordered(first: list[str], then: pd.Series) -> tuple[str, ...]:
    """Names of cards, then names met in a column -> those met, the cards' order first."""
    met = dict.fromkeys(then.dropna().astype(str))
    return tuple(dict.fromkeys([name for name in first if name in met] + list(met)))


@dataclass(frozen=True, eq=False)
class Results:
    """A study with its rows (one per model x noise x image x seed) and summary (one per model x noise)."""

    study: Study
    all_rows: pd.DataFrame
    all_summary: pd.DataFrame

    @cached_property
    def rows(self) -> pd.DataFrame:
        """Every row, with every column that the site reads."""
        scores = [f"{one.key}{of}" for one in self.study.measures for of in ("", "_noisy")]
        return self.all_rows.reindex(columns=list(dict.fromkeys([*ROW_COLUMNS, *scores, *self.all_rows.columns])))

    @cached_property
    def summary(self) -> pd.DataFrame:
        """Every summary line, with every column that the site reads."""
        scores = [f"{one.key}{bound}" for one in self.study.measures for bound in ("", "_low", "_high")]
        columns = list(dict.fromkeys([*SUMMARY_COLUMNS, *scores, *self.all_summary.columns]))
        return self.all_summary.reindex(columns=columns)

    @cached_property
    def ok(self) -> pd.DataFrame:
        """The rows that succeeded."""
        return self.rows[self.rows["status"] == "ok"]

    @cached_property
    def failed(self) -> pd.DataFrame:
        """The rows that did not."""
        return self.rows[self.rows["status"] != "ok"]

    @cached_property
    def failures(self) -> dict[tuple[str, str], list[tuple[str, str, int, str]]]:
        """(data set, noise) -> (model, image, seed, reason) of each row that failed there."""
        found: dict[tuple[str, str], list[tuple[str, str, int, str]]] = {}
        columns = ["dataset", "noise", "model", "image", "seed", "reason"]
        for dataset, noise, model, image, seed, reason in self.failed[columns].itertuples(index=False, name=None):
            text = "" if pd.isna(reason) else str(reason)
            found.setdefault((dataset, noise), []).append((model, str(image), int(seed), text))
        return found

    @cached_property
    def models(self) -> tuple[str, ...]:
        """Names of the models that ran, without the noisy input."""
        met = pd.concat([self.summary["model"], self.rows["model"]])
        return tuple(m for m in ordered([card.name for card in self.study.models], met) if m != NOISY)

    @cached_property
    def model_files(self) -> dict[str, str]:
        """The file of each model's page."""
        taken: set[str] = set()
        return {model: f"model-{slug(model, taken)}.html" for model in self.models}

    @cached_property
    def datasets(self) -> tuple[str, ...]:
        """Specs of the data sets that ran."""
        met = pd.concat([self.summary["dataset"], self.rows["dataset"]])
        return ordered([card.name for card in self.study.datasets], met)

    @cached_property
    def noises(self) -> tuple[NoiseSetting, ...]:
        """The noises that ran, by noise and level, those of the reference noise's kind first."""
        columns = ["noise", "noise_name", "level"]
        met = pd.concat([self.summary[columns], self.rows[columns]]).drop_duplicates("noise")
        settings = [
            NoiseSetting(str(spec), str(name), math.nan if pd.isna(level) else float(level))
            for spec, name, level in met.itertuples(index=False)
        ]
        rank = {name: place for place, name in enumerate(self.noise_names)}
        return tuple(
            sorted(settings, key=lambda s: (rank[s.name], math.inf if math.isnan(s.level) else s.level, s.spec))
        )

    @cached_property
    def noise_names(self) -> tuple[str, ...]:
        """Names of the noises that ran, that of the reference noise first."""
        met = pd.concat([self.summary["noise_name"], self.rows["noise_name"]])
        first = self.study.reference.partition("(")[0]
        return ordered([first, *(card.name for card in self.study.noises)], met)

    @cached_property
    def reference(self) -> NoiseSetting | None:
        """The reference noise, from which PSNR drops are counted, if there is one and it ran."""
        return next((setting for setting in self.noises if setting.spec == self.study.reference), None)

    @property
    def reference_words(self) -> str:
        """The reference noise for people: 'Gaussian 15', or its spec."""
        one = self.reference
        if one is None:
            return "the reference noise"
        plain = one.spec == f"gaussian(sigma={level_text(one.level)})"
        return f"Gaussian {level_text(one.level)}" if plain else one.spec

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The models by what they were trained on, the group of the headline first; one of them where nothing says."""
        others = (self.study.reference, *self.study.nearly_clean)
        known = self.study.groups or (
            Group("", self.models, tuple(s.spec for s in self.noises if s.spec not in others)),
        )
        kept = (replace(one, models=tuple(m for m in self.models if m in one.models)) for one in known)
        return tuple(one for one in kept if one.models)

    def group_of(self, model: str) -> Group:
        """The group of a model; the first, of the noisy input."""
        return next((one for one in self.groups if model in one.models), self.groups[0])

    def ood(self, group: Group) -> tuple[NoiseSetting, ...]:
        """The noises that are out of distribution for every model of a group."""
        return tuple(setting for setting in self.noises if setting.spec in group.ood)

    def ood_on(self, dataset: str, group: Group) -> tuple[NoiseSetting, ...]:
        """Those of them that a data set was run under."""
        return tuple(one for one in self.ood(group) if (dataset, one.spec) in self.by_seed[PSNR.key])

    @property
    def ood_of_headline(self) -> tuple[NoiseSetting, ...]:
        """The noises that are out of distribution for the models that the headline is about."""
        return self.ood(self.groups[0]) if self.groups else ()

    @cached_property
    def measures(self) -> tuple[Measure, ...]:
        """The measures that have at least one number."""
        return tuple(m for m in (*self.study.measures, GAP) if self.summary[m.key].notna().any())

    @cached_property
    def _lines(self) -> dict[tuple[str, str, str], dict]:
        lines = self.summary.to_dict("records")
        return {(line["dataset"], line["noise"], line["model"]): line for line in lines}

    def line(self, dataset: str, noise: str, model: str) -> dict | None:
        """The summary of one model x noise x data set, or None."""
        return self._lines.get((dataset, noise, model))

    @cached_property
    def side_by_side(self) -> pd.DataFrame:
        """PSNR of each model that succeeded, and of the noisy input, a row each data set x noise x image x seed."""
        keys = ["dataset", "noise", "noise_name", "image", "seed"]
        noisy = self.rows.groupby(keys, observed=True, sort=False)["psnr_noisy"].first().astype(float)
        own = self.ok.drop_duplicates([*keys, "model"]).set_index([*keys, "model"])["psnr"].astype(float)
        return own.unstack("model").assign(**{NOISY: noisy}).reset_index()

    def ood_average(self, group: Group) -> Average:
        """The OOD mean of a group; groups with the same noises have one name for it."""
        settings = self.ood(group)
        same = next(one for one in self.groups if self.ood(one) == settings)
        name = f" ({same.name})" if same is not self.groups[0] else ""
        return Average(settings[0].spec if len(settings) == 1 else OOD_MEAN + name, "", settings)

    def level_average(self, name: str, settings: Iterable[NoiseSetting]) -> Average:
        """The mean of a noise over its levels among these, but the reference noise and those that change nothing."""
        left_out = (self.study.reference, *self.study.nearly_clean)
        return Average(f"mean of {name}", name,
                       tuple(one for one in settings if one.name == name and one.spec not in left_out))  # fmt: skip

    @cached_property
    def averages(self) -> tuple[Average, ...]:
        """The OOD mean of each group, then that of each noise over its levels but the reference noise; of several."""
        found = [self.ood_average(group) for group in self.groups]
        alone = {one.settings for one in found}
        for name in self.noise_names:
            average = self.level_average(name, self.noises)
            found += [] if average.settings in alone else [average]
        return tuple(dict.fromkeys(average for average in found if len(average.settings) > 1))

    @cached_property
    def by_seed(self) -> dict[str, dict[tuple[str, str], pd.DataFrame]]:
        """Key of a measure -> (data set, noise) -> (image, seed) in the order of the rows x models and noisy input."""
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
        """Images x models (the noisy input too), averaged over seeds; for the drop, the reference noise minus this."""
        if measure is GAP:
            if self.reference is None:
                return pd.DataFrame()
            tables = self._scores["psnr"]
            here = tables.get((dataset, noise), pd.DataFrame())
            return tables.get((dataset, self.reference.spec), pd.DataFrame()) - here
        return self._scores[measure.key].get((dataset, noise), pd.DataFrame())

    def mean_per_image(self, dataset: str, settings: tuple[NoiseSetting, ...], measure: Measure) -> pd.DataFrame:
        """Images x models (the noisy input too): the mean over the settings that the data set was run under, where an
        image has them all."""
        key = (dataset, settings, measure.key)
        if key not in self._means:
            there = [one for one in settings if (dataset, one.spec) in self.by_seed[PSNR.key]]
            tables = [self.per_image(dataset, setting.spec, measure) for setting in there]
            known = bool(tables) and not any(table.empty for table in tables)
            total = sum(tables[1:], start=tables[0]) if known else pd.DataFrame()
            self._means[key] = (total / max(len(tables), 1)).dropna(axis="columns", how="all")
        return self._means[key]

    @cached_property
    def _means(self) -> dict[tuple[str, tuple[NoiseSetting, ...], str], pd.DataFrame]:
        return {}

    def ood_per_image(self, dataset: str, group: Group, measure: Measure) -> pd.DataFrame:
        """Images x the models of a group (the noisy input too): the OOD mean, where an image has every noise."""
        table = self.mean_per_image(dataset, self.ood(group), measure)
        return table[[column for column in table.columns if column in (*group.models, NOISY)]]

    @cached_property
    def _photographs(self) -> dict[str, pd.Series]:
        columns = self.rows.reindex(columns=["dataset", "image", "photograph"]).drop_duplicates(["dataset", "image"])
        named = columns.astype(object)  # a store of old does not say which crops are of one photograph
        known = named["photograph"].notna() & (named["photograph"] != "")
        named["photograph"] = named["photograph"].where(known, named["image"])
        return {str(name): part.set_index("image")["photograph"] for name, part in named.groupby("dataset")}

    def photographs(self, dataset: str, images: pd.Index) -> np.ndarray:
        """The photograph of each image of a data set: what its crops have in common."""
        return self._photographs[dataset].reindex(images).to_numpy(str)

    def photograph(self, dataset: str, image: str) -> str:
        """The photograph of one image."""
        return str(self._photographs[dataset][image])

    def intervals(self, dataset: str, table: pd.DataFrame) -> np.ndarray:
        """Images x columns of a data set -> (columns, 3): mean and the bounds of its 95% interval over photographs."""
        return self.study.intervals(table.to_numpy(float), self.photographs(dataset, table.index))

    def ranks(self, dataset: str, images: pd.DataFrame, measure: Measure) -> dict[str, tuple[int, int]]:
        """Images x models -> the ranks that each model may have, over the images that all have; {} where none can."""
        shared = images.drop(columns=NOISY, errors="ignore").dropna()
        if len(shared.columns) < 2 or len(shared) < 2:
            return {}
        return rank_ranges(shared, measure.higher_is_better, lambda table: self.intervals(dataset, table))

    def intervals_ood(self, dataset: str, group: Group, measure: Measure) -> dict[str, tuple[float, float, float]]:
        """By model of a group its OOD mean and the bounds of its 95% interval."""
        key = (dataset, group.name, measure.key)
        if key not in self._intervals:
            table = self.ood_per_image(dataset, group, measure)
            bounds = self.intervals(dataset, table) if len(table) else ()
            self._intervals[key] = dict(zip(table.columns, map(tuple, bounds), strict=True))
        return self._intervals[key]

    @cached_property
    def _intervals(self) -> dict[tuple[str, str, str], dict[str, tuple[float, float, float]]]:
        return {}

    def ranks_ood(self, dataset: str, group: Group, measure: Measure) -> dict[str, tuple[int, int]]:
        """The ranks that each model of a group may have by its OOD mean, over the images that all have; of the PSNR
        drop, among the models that are `near_best`."""
        key = (dataset, group.name, measure.key)
        if key not in self._ranks:
            table = self.ood_per_image(dataset, group, measure)
            if measure is GAP:
                table = table[[model for model in table.columns if model in self.near_best(dataset, group)]]
            self._ranks[key] = self.ranks(dataset, table, measure)
        return self._ranks[key]

    @cached_property
    def _ranks(self) -> dict[tuple[str, str, str], dict[str, tuple[int, int]]]:
        return {}

    def near_best(self, dataset: str, group: Group) -> frozenset[str]:
        """The models of a group whose PSNR drop says something: above the noisy input, and near the best OOD mean."""
        return near_best(self.ood_per_image(dataset, group, PSNR), NOISY, lambda table: self.intervals(dataset, table))

    def gain(self, dataset: str, model: str) -> float:
        """OOD mean of PSNR minus that of the noisy input over the same images, dB; without OOD noise, at the reference
        noise."""
        table = self.ood_per_image(dataset, self.group_of(model), PSNR)
        if table.empty and self.reference is not None:
            table = self.per_image(dataset, self.reference.spec, PSNR)
        both = model in table.columns and NOISY in table.columns
        return float((table[model] - table[NOISY]).mean()) if both else math.nan

    def below_noisy(self, dataset: str, model: str) -> bool:
        """Whether a model's mean is below that of the noisy input."""
        return self.gain(dataset, model) < 0

    def cell_below_noisy(self, dataset: str, settings: tuple[NoiseSetting, ...], model: str) -> bool:
        """Whether a model's mean PSNR over some noises is below that of the noisy input over the same images."""
        table = self.mean_per_image(dataset, settings, PSNR)
        both = model in table.columns and NOISY in table.columns
        return bool(both and (table[model] - table[NOISY]).mean() < 0)

    def in_distribution(self, model: str, settings: tuple[NoiseSetting, ...]) -> bool:
        """Whether a model was trained on one of these noises."""
        return any(one.spec in self.model_card(model).in_distribution for one in settings)

    @property
    def any_in_distribution(self) -> bool:
        """Whether some model was trained on a noise of this run."""
        return any(card.in_distribution for card in self.study.models)

    def model_card(self, name: str) -> ModelCard:
        """The card of that name, or an empty one."""
        return next((card for card in self.study.models if card.name == name), ModelCard(name))

    def noise_card(self, name: str) -> NoiseCard:
        """The card of that name, or an empty one."""
        return next((card for card in self.study.noises if card.name == name), NoiseCard(name))

    def dataset_card(self, name: str) -> DatasetCard:
        """The card of that name, or an empty one."""
        return next((card for card in self.study.datasets if card.name == name), DatasetCard(name))


def means(table: pd.DataFrame) -> pd.DataFrame:
    """(image, seed) x models -> images in order x models that have a score, averaged over seeds."""
    if table.index.get_level_values("image").has_duplicates:
        table = table.groupby(level="image", sort=False).mean()
    else:
        table = table.droplevel("seed")
    return table.dropna(axis="columns", how="all").dropna(how="all").sort_index()
