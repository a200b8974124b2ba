"""Saved results of analyses in a run folder, for pages and notebooks. Imports nothing heavy.

    NAME/STEM.json          question, models, command, texts, and the figures with their files
    NAME/STEM.csv           the numbers of the result in full precision
    NAME/STEM-PART.csv      more numbers, of one figure, to six digits
    NAME/STEM.svg, ...      a figure; STEM-PART for several

for figure in saved_figures(Path("runs/latest")):
    print(figure.title, figure.svg)
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import analyses
from bench.core.errors import BadInput

NOT_SETTINGS = ("look", "title", "words", "command", "figures", "names")  # fields of the JSON that determine no number
VERSIONS = ("version", "noise_versions")  # of the analysis and the noises: other versions give other numbers
# a result that differs in these alone is replaced
UPDATED = (*VERSIONS, "device", "weights_sha256", "pixels", "channels")
PER_MODEL = ("models", "weights_sha256", "layers", "components", "component_shares")  # where they are lists


@dataclass(frozen=True)
class SavedFigure:
    """A figure with its numbers.

    analysis   name of the analysis, such as 'cka'; `command` is the whole command line
    section    heading of the analysis on pages, and `about`, how to read all of its figures
    caption    how to read this figure
    svg, png, csv, pdf   files in the run folder; no PDF from an older version
    settings   everything that determines the numbers: data sets, patches, noises, models, hashes of weights
    names      label of a model -> its display name in the figure; empty from an older version
    """

    analysis: str
    section: str
    about: str
    title: str
    caption: str
    svg: Path
    png: Path
    csv: Path
    pdf: Path | None
    command: str
    settings: dict[str, Any]
    names: dict[str, str]


def saved_figures(folder: Path) -> list[SavedFigure]:
    """Every figure of a run folder, by analysis and then by name. Raises BadInput for a damaged one."""
    return [
        figure
        for card in analyses.cards()
        for file in sorted((folder / card.name).glob("*.json"), key=lambda file: file.stem)
        for figure in _figures(file, card)
    ]


def _figures(file: Path, card: analyses.AnalysisCard) -> Iterator[SavedFigure]:
    try:
        saved = json.loads(file.read_text(encoding="utf-8"))
        settings = {name: value for name, value in saved.items() if name not in NOT_SETTINGS}
        for figure in saved["figures"]:
            files = {kind: file.with_name(Path(figure[kind]).name) for kind in ("svg", "png", "csv")}
            files["pdf"] = file.with_name(Path(figure["pdf"]).name) if "pdf" in figure else None
            missing = [path.name for path in files.values() if path and not path.is_file()]
            if missing:
                raise BadInput(
                    f"{file}: expected the file {missing[0]}, which is missing: run again: {saved['command']}"
                )
            yield SavedFigure(
                card.name,
                card.title,
                card.about,
                figure["title"],
                figure["words"],
                **files,
                command=saved["command"],
                settings=settings,
                names=saved.get("names", {}),
            )
    except BadInput:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise BadInput(
            f"{file} cannot be read as a saved result ({error!r}): delete it, or run the analysis"
        ) from error


def sample_text(figure: SavedFigure) -> str:
    """What a result was computed on, in one sentence: data sets, patches or image, noises, models, protocol."""
    settings = {name: value for name, value in figure.settings.items() if name != "models"}
    settings["models"] = [figure.names.get(label, label) for label in figure.settings.get("models", [])]

    def listed(*names: str) -> str:
        values = [settings[name] for name in names if settings.get(name)]
        flat = [item for value in values for item in (value if isinstance(value, list) else [value])]
        return ", ".join(dict.fromkeys(map(str, flat)))

    parts = {"Data": listed("datasets", "image"), "patches": listed("patches_by_measure")}
    if "image" in settings:
        parts["Data"] += f", {settings['width']}x{settings['height']} pixels"
    elif "patches" in settings:
        overlap = ", overlapping" if settings.get("overlapping") else ""
        size = f"{settings['side']}x{settings['side']}"
        parts["patches"] = f"{settings['patches']} of {size} pixels from {settings['images']} images{overlap}"
    parts |= {
        "noise": listed("reference", "noise", "noises"),
        "models": listed("models"),
        "protocol": listed("protocol"),
    }
    return "; ".join(f"{name}: {text}" for name, text in parts.items() if text) + "."


def read(file: Path) -> dict[str, Any] | None:
    """The JSON of a saved result; None if there is none, or it is damaged."""
    try:
        saved = json.loads(file.read_text(encoding="utf-8"))
        return saved if saved["command"] and saved["figures"] is not None else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def same_question(saved: Mapping[str, Any], question: Mapping[str, Any]) -> bool:
    """Whether a saved result answers a question, for whichever models; settings that it lacks are ignored."""
    return all(saved[name] == value for name, value in question.items() if name in saved and name not in UPDATED)


def same_versions(saved: Mapping[str, Any], question: Mapping[str, Any]) -> bool:
    """Whether a saved result was made of the same pixels, by the same versions of the analysis and the noises.

    Settings that it lacks are ignored, but for the channels: without them it is of colour images, or of greyscale ones
    that an older version measured as colour.
    """
    same = all(saved[name] == question[name] for name in (*VERSIONS, "pixels") if name in saved and name in question)
    return same and saved.get("channels") == question.get("channels")


def models(saved: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Settings of each model of a saved result."""
    lists = {name: saved[name] for name in PER_MODEL if isinstance(saved.get(name), list)}
    return [dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True)]


def by_setting(models: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Settings of each model -> lists with one entry per model, as they are saved."""
    names = dict.fromkeys(name for model in models for name in model)
    return {name: [model.get(name) for model in models] for name in names}
