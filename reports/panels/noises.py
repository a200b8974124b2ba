"""What each noise is, how it looks, and how the models do as it grows."""

from dataclasses import dataclass

from reports.drawn import Drawn
from reports.folder import SiteFolder
from reports.formatting import level, number
from reports.level_curves import draw
from reports.measures import GAP, Measure
from reports.panels import Panel
from reports.results import NOISY, NoiseSetting, Results
from reports.study import NoiseCard


@dataclass(frozen=True)
class Setting:
    """One level: the noisy input's PSNR a data set as text, and a picture's address or ''."""

    setting: NoiseSetting
    inputs: tuple[str, ...]
    picture: str


@dataclass(frozen=True)
class Curves:
    """The charts of one data set and one measure."""

    dataset: str
    dataset_index: int
    measure: Measure
    figures: tuple[Drawn, ...]


@dataclass(frozen=True)
class Entry:
    """A noise."""

    card: NoiseCard
    name: str
    versions: str
    levels: str
    settings: tuple[Setting, ...]
    curves: tuple[Curves, ...]


def context(results: Results, folder: SiteFolder) -> dict[str, object] | None:
    """The noises of the run, then cards of noises that it did not use."""
    names = list(dict.fromkeys([*results.noise_names, *(card.name for card in results.study.noises)]))
    if not names:
        return None
    entries = [entry(results, folder, name) for name in names]
    measures = [m for m in results.measures if any(c.measure is m for one in entries for c in one.curves)]
    return {"entries": entries, "datasets": list(enumerate(results.datasets)), "measures": measures}


def entry(results: Results, folder: SiteFolder, name: str) -> Entry:
    """One noise with its settings and curves."""
    card = results.noise_card(name)
    of_noise = results.rows[results.rows["noise_name"] == name]
    versions = ", ".join(str(version) for version in of_noise["noise_version"].dropna().unique())
    settings = tuple(setting(results, folder, one) for one in results.noises if one.name == name)
    levels = ", ".join(level(value) for value in card.levels)
    return Entry(card, name, versions, levels, settings, curves(results, folder, name))


def setting(results: Results, folder: SiteFolder, one: NoiseSetting) -> Setting:
    """One level with the PSNR of its input and the first noisy picture of it."""
    lines = [results.line(dataset, one.spec, NOISY) for dataset in results.datasets]
    inputs = tuple("" if line is None else number(line["psnr"], 2) for line in lines)
    pictures = (p for p in results.study.pictures if p.noise == one.spec and p.source == NOISY)
    picture = next(pictures, None)
    return Setting(one, inputs, (folder.picture(picture.path) or "") if picture else "")


def curves(results: Results, folder: SiteFolder, name: str) -> tuple[Curves, ...]:
    """The charts of each data set and measure that has some."""
    found = []
    for index, dataset in enumerate(results.datasets):
        for measure in results.measures:
            figures = tuple(draw(results, folder, dataset, name, measure)) if measure is not GAP else ()
            if figures:
                found.append(Curves(dataset, index, measure, figures))
    return tuple(found)


PANEL = Panel("noise", 0, "Noise", context)
