"""The rows and the summary of a run, in the order and the aggregations that pages need."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from reports.data import OOD_MEAN, DatasetCard, ModelCard, ModelGroup, NoiseCard, NoiseMean, Numbers, Study
from reports.formatting import level as level_text
from reports.formatting import slug
from reports.measures import DROP, PSNR, Measure

NOISY = "noisy"
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


def ordered(first: list[str], then: pd.Series) -> tuple[str, ...]:
    """The distinct names in a column: in the order of `first`, then of the column."""
    distinct = dict.fromkeys(then.dropna().astype(str))
    return tuple(dict.fromkeys([name for name in first if name in distinct] + list(distinct)))


@dataclass(frozen=True, eq=False)
class Results:
    """A study with its rows (one per model x noise x image x seed) and summary (one per model x data set x noise)."""

    study: Study
    all_rows: pd.DataFrame
    numbers: Numbers

    @cached_property
    def rows(self) -> pd.DataFrame:
        """All rows, with all columns that the site reads."""
        scores = [f"{one.key}{of}" for one in self.study.measures for of in ("", "_noisy")]
        return self.all_rows.reindex(columns=list(dict.fromkeys([*ROW_COLUMNS, *scores, *self.all_rows.columns])))

    @cached_property
    def summary(self) -> pd.DataFrame:
        """The summary, with all columns that the site reads."""
        scores = [f"{one.key}{bound}" for one in self.study.measures for bound in ("", "_low", "_high")]
        columns = list(dict.fromkeys([*SUMMARY_COLUMNS, *scores, *self.numbers.summary.columns]))
        return self.numbers.summary.reindex(columns=columns)

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
        return tuple(NoiseSetting(*one) for one in self.numbers.noises.itertuples(index=False))

    @cached_property
    def noise_names(self) -> tuple[str, ...]:
        """Names of the noises, that of the reference noise first."""
        return tuple(dict.fromkeys(one.name for one in self.noises))

    @cached_property
    def reference(self) -> NoiseSetting | None:
        """The reference noise of PSNR drops, None if there is none or it was not evaluated."""
        return next((setting for setting in self.noises if setting.spec == self.numbers.reference), None)

    @property
    def reference_label(self) -> str:
        """The reference noise in sentences: 'Gaussian 15', or its spec."""
        one = self.reference
        if one is None:
            return "the reference noise"
        plain = one.spec == f"gaussian(sigma={level_text(one.level)})"
        return f"Gaussian {level_text(one.level)}" if plain else one.spec

    @property
    def groups(self) -> tuple[ModelGroup, ...]:
        """The models by training noise, the group of the headline first."""
        return self.numbers.groups

    def group_of(self, model: str) -> ModelGroup:
        """The group of a model; the first, of the noisy input."""
        return next((one for one in self.groups if model in one.models), self.groups[0])

    def ood_on(self, dataset: str, group: ModelGroup) -> tuple[str, ...]:
        """The noises that are OOD for a group and that a data set was evaluated under."""
        return tuple(noise for noise in group.ood if (dataset, noise) in self.by_seed[PSNR.key])

    def ood_address(self, group: ModelGroup) -> str:
        """What addresses of the page of images call the OOD mean of a group."""
        known = (one.spec for one in self.numbers.means if one.over == group.ood)
        return group.ood[0] if len(group.ood) == 1 else next(known, OOD_MEAN)

    @property
    def ood_of_headline(self) -> tuple[NoiseSetting, ...]:
        """The noises that are out of distribution for the models of the headline."""
        return tuple(one for one in self.noises if self.groups and one.spec in self.groups[0].ood)

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

    def mean_per_image(self, dataset: str, mean: NoiseMean, measure: Measure) -> pd.DataFrame:
        """Images x models and the noisy input: mean over those of the settings that the data set was evaluated under;
        NaN for an image without a score at each of them."""
        evaluated = [noise for noise in mean.over if (dataset, noise) in self.by_seed[PSNR.key]]
        tables = [self.per_image(dataset, noise, measure) for noise in evaluated]
        known = bool(tables) and not any(table.empty for table in tables)
        total = sum(tables[1:], start=tables[0]) if known else pd.DataFrame()
        return (total / max(len(tables), 1)).dropna(axis="columns", how="all")

    @cached_property
    def _standings(self) -> dict[tuple[str, str], dict]:
        return {(line["dataset"], line["model"]): line for line in self.numbers.standings.to_dict("records")}

    def standing(self, dataset: str, model: str) -> dict:
        """The row of the standings for a data set and model; {} if all of its rows failed."""
        return self._standings.get((dataset, model), {})

    @cached_property
    def _ranks(self) -> dict[tuple[str, str, str], tuple[int, int]]:
        ood = self.numbers.leaderboard
        ranked = ood[(ood["noise"] == OOD_MEAN) & ood["first_rank"].notna()]
        keys = ["dataset", "measure", "model", "first_rank", "last_rank"]
        return {tuple(key): (int(a), int(b)) for *key, a, b in ranked[keys].itertuples(index=False)}

    def ranks_ood(self, dataset: str, model: str, measure: Measure) -> tuple[int, int] | None:
        """The (best, worst) rank of a model by OOD mean within its group, None without one."""
        return self._ranks.get((dataset, measure.key, model))

    def below_noisy(self, dataset: str, model: str) -> bool:
        """Whether a model's OOD mean of PSNR is below that of the noisy input."""
        return self.standing(dataset, model).get("gain", math.nan) < 0

    def in_distribution(self, model: str, noises: Iterable[str]) -> bool:
        """Whether a model was trained on one of these noises."""
        return not self.model_card(model).in_distribution.isdisjoint(noises)

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
