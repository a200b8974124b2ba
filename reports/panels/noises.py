"""Each noise: its definition, example crops, and the scores of the models against its level."""

from dataclasses import dataclass

from reports.data import NoiseCard
from reports.downloads import PublishedChart
from reports.formatting import level, number
from reports.level_curves import draw
from reports.measures import DROP, Measure
from reports.panels import Panel
from reports.results import NOISY, NoiseSetting, Results
from reports.site_writer import SiteWriter


@dataclass(frozen=True)
class SettingSample:
    """One setting: PSNR of the noisy input on each data set as text, and the address of a noisy picture or ''."""

    setting: NoiseSetting
    inputs: tuple[str, ...]
    picture: str


@dataclass(frozen=True)
class LevelCurves:
    """The charts of one noise, for one data set and one measure."""

    dataset: str
    dataset_index: int
    measure: Measure
    figures: tuple[PublishedChart, ...]


@dataclass(frozen=True)
class NoiseEntry:
    """A noise with its settings and charts."""

    card: NoiseCard
    name: str
    versions: str
    levels: str
    settings: tuple[SettingSample, ...]
    curves: tuple[LevelCurves, ...]


def context(results: Results, writer: SiteWriter) -> dict[str, object] | None:
    """The noises of the run, then noises that have a card but were not evaluated."""
    names = list(dict.fromkeys([*results.noise_names, *(card.name for card in results.study.noises)]))
    if not names:
        return None
    entries = [entry(results, writer, name) for name in names]
    measures = [m for m in results.measures if any(c.measure is m for one in entries for c in one.curves)]
    return {"entries": entries, "datasets": list(enumerate(results.datasets)), "measures": measures}


def entry(results: Results, writer: SiteWriter, name: str) -> NoiseEntry:
    """One noise with its settings and charts."""
    card = results.noise_card(name)
    of_noise = results.rows[results.rows["noise_name"] == name]
    versions = ", ".join(str(version) for version in of_noise["noise_version"].dropna().unique())
    settings = tuple(setting(results, writer, one) for one in results.noises if one.name == name)
    levels = ", ".join(level(value) for value in card.levels)
    return NoiseEntry(card, name, versions, levels, settings, curves(results, writer, name))


def setting(results: Results, writer: SiteWriter, one: NoiseSetting) -> SettingSample:
    """One setting with the PSNR of its noisy input and its first noisy picture."""
    lines = [results.line(dataset, one.spec, NOISY) for dataset in results.datasets]
    inputs = tuple("" if line is None else number(line["psnr"], 2) for line in lines)
    pictures = (p for p in results.study.pictures if p.noise == one.spec and p.source == NOISY)
    picture = next(pictures, None)
    return SettingSample(one, inputs, (writer.picture(picture.path) or "") if picture else "")


def curves(results: Results, writer: SiteWriter, name: str) -> tuple[LevelCurves, ...]:
    """The charts of each data set and measure."""
    charts = []
    for index, dataset in enumerate(results.datasets):
        for measure in results.measures:
            figures = tuple(draw(results, writer, dataset, name, measure)) if measure is not DROP else ()
            if figures:
                charts.append(LevelCurves(dataset, index, measure, figures))
    return tuple(charts)


PANEL = Panel("noise", 0, "Noise", context)
