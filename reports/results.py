"""The rows and the summary of a run, put in reading order."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from reports.formatting import level as level_text
from reports.formatting import slug
from reports.measures import GAP, Measure
from reports.paired import rank_ranges
from reports.study import DatasetCard, ModelCard, NoiseCard, Study

NOISY = "noisy"
OFF_TRAINING = "mean off training"
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
    def is_reference(self) -> bool:
        """Whether this is Gaussian noise of deviation 15 (of 255), from which gaps are counted."""
        return self.name == "gaussian" and self.level == 15

    @property
    def label(self) -> str:
        """The part of the spec in brackets, else the level: 'sigma=15'."""
        if self.spec.startswith(self.name + "(") and self.spec.endswith(")"):
            return self.spec[len(self.name) + 1 : -1]
        return level_text(self.level) or self.spec


@dataclass(frozen=True)
class Average:
    """A mean over several settings of noise, where one setting would stand; `name` is empty over several noises."""

    spec: str
    name: str
    settings: tuple[NoiseSetting, ...]

    @property
    def label(self) -> str:
        """What stands above its column."""
        return f"mean of {len(self.settings)}" if self.name else "off training"


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
        """The noises that ran, the reference first, then by noise and level."""
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
        """Names of the noises that ran, gaussian first."""
        met = pd.concat([self.summary["noise_name"], self.rows["noise_name"]])
        return ordered(["gaussian"] + [card.name for card in self.study.noises], met)

    @cached_property
    def reference(self) -> NoiseSetting | None:
        """Gaussian 15, if it ran."""
        return next((setting for setting in self.noises if setting.is_reference), None)

    @cached_property
    def off_training(self) -> tuple[NoiseSetting, ...]:
        """Noises of other kinds than Gaussian; where there are none, Gaussian noise of other levels."""
        other = tuple(setting for setting in self.noises if setting.name != "gaussian")
        return other or tuple(setting for setting in self.noises if not setting.is_reference)

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

    @cached_property
    def averages(self) -> tuple[Average, ...]:
        """The mean off the training noise, then that of each noise over its levels but Gaussian 15; each of several."""
        found = [Average(OFF_TRAINING, "", self.off_training)]
        for name in self.noise_names:
            levels = tuple(one for one in self.noises if one.name == name and not one.is_reference)
            found.append(Average(f"mean of {name}", name, levels))
        several = [average for average in found if len(average.settings) > 1]
        return tuple(one for one in several if not one.name or one.settings != self.off_training)

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
        """Images x models (the noisy input too), averaged over seeds; for the gap, Gaussian 15 minus this."""
        if measure is GAP:
            if self.reference is None:
                return pd.DataFrame()
            tables = self._scores["psnr"]
            here = tables.get((dataset, noise), pd.DataFrame())
            return tables.get((dataset, self.reference.spec), pd.DataFrame()) - here
        return self._scores[measure.key].get((dataset, noise), pd.DataFrame())

    def mean_per_image(self, dataset: str, settings: tuple[NoiseSetting, ...], measure: Measure) -> pd.DataFrame:
        """Images x models (the noisy input too): the mean over settings, where an image has them all."""
        key = (dataset, settings, measure.key)
        if key not in self._means:
            tables = [self.per_image(dataset, setting.spec, measure) for setting in settings]
            known = bool(tables) and not any(table.empty for table in tables)
            total = sum(tables[1:], start=tables[0]) if known else pd.DataFrame()
            self._means[key] = (total / max(len(tables), 1)).dropna(axis="columns", how="all")
        return self._means[key]

    @cached_property
    def _means(self) -> dict[tuple[str, tuple[NoiseSetting, ...], str], pd.DataFrame]:
        return {}

    def off_training_per_image(self, dataset: str, measure: Measure) -> pd.DataFrame:
        """Images x models: the mean over the noises off the training noise, where an image has them all."""
        return self.mean_per_image(dataset, self.off_training, measure)

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

    def intervals_off_training(self, dataset: str, measure: Measure) -> dict[str, tuple[float, float, float]]:
        """By model its mean off the training noise and the bounds of its 95% interval."""
        if (dataset, measure.key) not in self._intervals:
            table = self.off_training_per_image(dataset, measure)
            bounds = self.intervals(dataset, table) if len(table) else ()
            self._intervals[dataset, measure.key] = dict(zip(table.columns, map(tuple, bounds), strict=True))
        return self._intervals[dataset, measure.key]

    @cached_property
    def _intervals(self) -> dict[tuple[str, str], dict[str, tuple[float, float, float]]]:
        return {}

    def ranks_off_training(self, dataset: str, measure: Measure) -> dict[str, tuple[int, int]]:
        """The ranks that each model may have by its mean off the training noise, over the images that all have."""
        if (dataset, measure.key) not in self._ranks:
            self._ranks[dataset, measure.key] = self.ranks(
                dataset, self.off_training_per_image(dataset, measure), measure
            )
        return self._ranks[dataset, measure.key]

    @cached_property
    def _ranks(self) -> dict[tuple[str, str], dict[str, tuple[int, int]]]:
        return {}

    @property
    def off_training_spec(self) -> str:
        """What links call the mean off the training noise: the one setting itself where there is only one."""
        return self.off_training[0].spec if len(self.off_training) == 1 else OFF_TRAINING

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
