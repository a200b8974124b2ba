"""A card for every model."""

from dataclasses import dataclass

from reports.folder import SiteFolder
from reports.formatting import interval, number
from reports.measures import PSNR
from reports.panels import Panel
from reports.results import Results
from reports.study import ModelCard


@dataclass(frozen=True)
class Score:
    """PSNR on one data set as text: at Gaussian 15, and off the training noise."""

    dataset: str
    reference: str
    reference_interval: str
    away: str


@dataclass(frozen=True)
class Entry:
    """A model: its card, how long an image took (seconds as text), and its scores."""

    card: ModelCard
    name: str
    seconds: str
    scores: tuple[Score, ...]


def context(results: Results, folder: SiteFolder) -> dict[str, object] | None:
    """The models of the run in order."""
    if not results.models:
        return None
    return {"entries": [entry(results, name) for name in results.models]}


def entry(results: Results, name: str) -> Entry:
    """One model."""
    own = results.ok[results.ok["model"] == name]
    seconds = own["seconds"].astype(float).median()
    card = results.model_card(name)
    first = own.iloc[0] if len(own) else None
    if first is not None and not card.size:
        card = ModelCard(name, size=text(first["size"]), weights=text(first["weights"]),
                         weights_hash=text(first["weights_hash"]))  # fmt: skip
    return Entry(card, name, number(seconds, 2), tuple(score(results, dataset, name) for dataset in results.datasets))


def text(value: object) -> str:
    """A cell -> its text, '' where it is missing."""
    return "" if value is None or value != value else str(value)


def score(results: Results, dataset: str, name: str) -> Score:
    """One data set."""
    line = results.line(dataset, results.reference.spec, name) if results.reference else None
    away = results.off_training_per_image(dataset, PSNR)
    return Score(
        dataset,
        number(line["psnr"], 2) if line else number(None, 2),
        interval(line["psnr_low"], line["psnr_high"], 2) if line else "",
        number(float(away[name].mean()), 2) if name in away.columns else number(None, 2),
    )


PANEL = Panel("models", 0, "Models", context)
