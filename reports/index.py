"""A page over many studies: what each found, and how the scores of models moved from one to the next."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from reports import latex, links, tables
from reports.abstract import Abstract, Score
from reports.charts.history import history_chart
from reports.charts.style import look
from reports.drawn import Drawn, publish
from reports.folder import SiteFolder
from reports.formatting import MISSING, listing, number, signed
from reports.pages import Page
from reports.results import OOD_MEAN, Results
from reports.site import HERE, Section, environment_of
from reports.study import Study


@dataclass(frozen=True)
class Entry:
    """A study's site below the index, at `folder`, and its abstract."""

    folder: str
    abstract: Abstract


@dataclass(frozen=True)
class Move:
    """A model over the studies that can be compared: values as text ('' where it was not run), and the last change.

    `addresses` are those of the images behind each value.
    """

    model: str
    values: tuple[str, ...]
    addresses: tuple[str, ...]
    change: str


@dataclass(frozen=True)
class History:
    """Studies of one protocol, data set and list of noises, oldest first: their names, a chart, a line a model."""

    protocol: str
    dataset: str
    noises: tuple[str, ...]
    studies: tuple[Entry, ...]
    moves: tuple[Move, ...]
    figure: Drawn
    files: tables.Files


def build(title: str, entries: Sequence[Entry], out: Path) -> Path:
    """Studies whose sites lie below `out` already -> index.html there."""
    ordered = sorted(entries, key=lambda entry: (entry.abstract.created, entry.folder))
    folder = SiteFolder(out, keep=[entry.folder for entry in ordered])
    study = Study(title)
    environment = environment_of(Results(study, pd.DataFrame(), pd.DataFrame()))
    context = {"entries": ordered[::-1], "histories": histories(ordered, folder)}
    body = environment.get_template("studies.html").render(context)
    page = Page("index.html", "Studies")
    sections = [Section("studies", "Studies", Markup(body))]
    html = environment.get_template("page.html").render(page=page, sections=sections, menu=[])
    folder.text(page.file, html)
    folder.copy(HERE / "static", "static")
    for entry in ordered:
        folder.adopt(entry.folder)
    folder.close()
    return folder.root / page.file


def histories(entries: Sequence[Entry], folder: SiteFolder) -> list[History]:
    """The studies in groups that can be compared: the same protocol, data set and noises."""
    groups: dict[tuple[str, str, tuple[str, ...]], list[Entry]] = defaultdict(list)
    for entry in entries:
        keys = dict.fromkeys((one.dataset, one.noises) for one in entry.abstract.scores if one.noises)
        for dataset, noises in keys:
            groups[entry.abstract.protocol, dataset, noises].append(entry)
    return [history(key, group, folder) for key, group in groups.items() if len(group) > 1]


def history(key: tuple[str, str, tuple[str, ...]], group: list[Entry], folder: SiteFolder) -> History:
    """One group."""
    protocol, dataset, noises = key
    scores = [
        {one.model: one for one in entry.abstract.scores if (one.dataset, one.noises) == (dataset, noises)}
        for entry in group
    ]
    models = list(dict.fromkeys(model for study in scores for model, one in study.items() if one.ood is not None))
    lines = []
    for model in models:
        known = [(place, study[model].ood) for place, study in enumerate(scores) if has(study, model)]
        lines.append((model, known, look(models, model)))
    data = pd.DataFrame(
        [
            {"model": model, "study": group[place].abstract.run, "created": group[place].abstract.created, "psnr": psnr}
            for model, known, _ in lines
            for place, psnr in known
        ]
    )
    names = [entry.abstract.run or entry.folder for entry in group]
    chart = history_chart(names, lines, f"PSNR (dB), OOD mean on {dataset}")
    figure = publish(folder, ("history", dataset, str(len(folder.written))), chart, data)
    moves = tuple(move(model, scores, addresses(key, group, model)) for model in models)
    wide = [[model, *(study[model].ood if has(study, model) else None for study in scores)] for model in models]
    paper = latex_table(f"Mean PSNR in dB under OOD noise on {dataset}, protocol {protocol}.", names, moves)
    files = tables.publish(folder, ("history", dataset), pd.DataFrame(wide, columns=["model", *names]), paper)
    return History(protocol, dataset, noises, tuple(group), moves, figure, files)


def latex_table(caption: str, studies: Sequence[str], moves: Sequence[Move]) -> str:
    """The table as it would stand in a paper."""
    body = [(one.model, *(value or MISSING for value in one.values), one.change or MISSING) for one in moves]
    return latex.plain_table(caption, ["model", *studies, "change"], body, "l" + "r" * (len(studies) + 1))


def has(study: dict[str, Score], model: str) -> bool:
    """Whether a model has an OOD mean there."""
    return model in study and study[model].ood is not None


def addresses(key: tuple[str, str, tuple[str, ...]], group: list[Entry], model: str) -> tuple[str, ...]:
    """Where a model's score of each study comes from: the page of images in that study's site."""
    _, dataset, noises = key
    noise = noises[0] if len(noises) == 1 else OOD_MEAN
    return tuple(f"{entry.folder}/{links.images(dataset, noise, model)}" for entry in group)


def move(model: str, scores: Sequence[dict[str, Score]], addresses: tuple[str, ...]) -> Move:
    """A model's values with where they lead, and what changed in the last study that has it."""
    known = [study[model] for study in scores if has(study, model)]
    texts = tuple(number(study[model].ood, 2) if has(study, model) else "" for study in scores)
    if len(known) < 2:
        return Move(model, texts, addresses, "")
    before, after = known[-2:]
    change = signed(after.ood - before.ood, 2)
    same = [("weights", before.weights_hash == after.weights_hash), ("images", before.images == after.images)]
    different = [name for name, equal in same if not equal]
    note = [f"other {listing(different)}"] if different else []
    note += ["below the noisy input"] if after.below_noisy else []
    return Move(model, texts, addresses, change + (f" ({', '.join(note)})" if note else ""))
