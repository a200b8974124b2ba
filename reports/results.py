"""The rows and the summary of a run, put in reading order."""

import math
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from reports.formatting import level as level_text
from reports.formatting import slug
from reports.measures import GAP, Measure
from reports.study import DatasetCard, ModelCard, NoiseCard, Study

NOISY = "noisy"
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
    def _scores(self) -> dict[str, dict[tuple[str, str], pd.DataFrame]]:
        tables: dict[str, dict[tuple[str, str], pd.DataFrame]] = {}
        for key in (measure.key for measure in self.study.measures):
            keys = ["dataset", "noise", "image", "model"]
            own = self.ok[[*keys, key]].astype({key: float})
            noisy = self.rows[["dataset", "noise", "image"]].assign(
                model=NOISY, **{key: self.rows[f"{key}_noisy"].astype(float)}
            )
            means = pd.concat([own, noisy]).dropna(subset=[key]).groupby(keys, observed=True)[key].mean()
            tables[key] = {
                cell: part.droplevel(["dataset", "noise"]).unstack("model")
                for cell, part in means.groupby(level=["dataset", "noise"], observed=True)
            }
        return tables

    def per_image(self, dataset: str, noise: str, measure: Measure) -> pd.DataFrame:
        """Images x models (the noisy input too), averaged over seeds; for the gap, Gaussian 15 minus this."""
        if measure is GAP:
            if self.reference is None:
                return pd.DataFrame()
            tables = self._scores["psnr"]
            here = tables.get((dataset, noise), pd.DataFrame())
            return tables.get((dataset, self.reference.spec), pd.DataFrame()) - here
        return self._scores[measure.key].get((dataset, noise), pd.DataFrame())

    def off_training_per_image(self, dataset: str, measure: Measure) -> pd.DataFrame:
        """Images x models: the mean over the noises off the training noise, where an image has them all."""
        key = (dataset, measure.key)
        if key not in self._off_training:
            self._off_training[key] = self._mean_off_training(dataset, measure)
        return self._off_training[key]

    @cached_property
    def _off_training(self) -> dict[tuple[str, str], pd.DataFrame]:
        return {}

    def _mean_off_training(self, dataset: str, measure: Measure) -> pd.DataFrame:
        tables = [self.per_image(dataset, setting.spec, measure) for setting in self.off_training]
        if not tables or any(table.empty for table in tables):
            return pd.DataFrame()
        total = tables[0]
        for table in tables[1:]:
            total = total + table
        return (total / len(tables)).dropna(axis="columns", how="all")

    def model_card(self, name: str) -> ModelCard:
        """The card of that name, or an empty one."""
        return next((card for card in self.study.models if card.name == name), ModelCard(name))

    def noise_card(self, name: str) -> NoiseCard:
        """The card of that name, or an empty one."""
        return next((card for card in self.study.noises if card.name == name), NoiseCard(name))

    def dataset_card(self, name: str) -> DatasetCard:
        """The card of that name, or an empty one."""
        return next((card for card in self.study.datasets if card.name == name), DatasetCard(name))
