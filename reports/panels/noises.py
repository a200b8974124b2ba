"""What each noise is: its formula, its levels, where it comes from, and a look at it."""

from dataclasses import dataclass

from reports.folder import SiteFolder
from reports.formatting import level, number
from reports.panels import Panel
from reports.results import NOISY, NoiseSetting, Results
from reports.study import NoiseCard

PICTURED = 4


@dataclass(frozen=True)
class Setting:
    """One level: the noisy input's PSNR a data set as text, and a picture's address or ''."""

    setting: NoiseSetting
    inputs: tuple[str, ...]
    picture: str


@dataclass(frozen=True)
class Entry:
    """A noise."""

    card: NoiseCard
    name: str
    versions: str
    levels: str
    settings: tuple[Setting, ...]


def context(results: Results, folder: SiteFolder) -> dict[str, object] | None:
    """The noises of the run, then cards of noises that it did not use."""
    names = list(dict.fromkeys([*results.noise_names, *(card.name for card in results.study.noises)]))
    if not names:
        return None
    return {"entries": [entry(results, folder, name) for name in names], "datasets": results.datasets}


def entry(results: Results, folder: SiteFolder, name: str) -> Entry:
    """One noise with its settings."""
    card = results.noise_card(name)
    of_noise = results.rows[results.rows["noise_name"] == name]
    versions = ", ".join(str(version) for version in of_noise["noise_version"].dropna().unique())
    settings = tuple(setting(results, folder, one) for one in results.noises if one.name == name)
    return Entry(card, name, versions, ", ".join(level(value) for value in card.levels), settings)


def setting(results: Results, folder: SiteFolder, one: NoiseSetting) -> Setting:
    """One level with the PSNR of its input and the first noisy picture of it."""
    lines = [results.line(dataset, one.spec, NOISY) for dataset in results.datasets]
    inputs = tuple("" if line is None else number(line["psnr"], 2) for line in lines)
    pictures = (p for p in results.study.pictures if p.noise == one.spec and p.source == NOISY)
    picture = next(pictures, None)
    return Setting(one, inputs, (folder.picture(picture.path) or "") if picture else "")


PANEL = Panel("noise", 0, "Noise", context)
