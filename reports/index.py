"""The index page over several runs: their headlines, and the scores of models from run to run."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from reports import latex, links, tables
from reports.charts.progress import history_chart
from reports.charts.style import series_style
from reports.data import Study
from reports.downloads import PublishedChart, publish
from reports.formatting import MISSING, listing, number, signed
from reports.pages import SitePage
from reports.results import OOD_MEAN, Results
from reports.site import HERE, Section, environment_of
from reports.site_writer import SiteWriter
from reports.summary import ModelScore, StudySummary


@dataclass(frozen=True)
class StudyEntry:
    """The site of a run in `folder` below the index, and its summary."""

    folder: str
    summary: StudySummary


@dataclass(frozen=True)
class ModelHistory:
    """A model in comparable runs: OOD means as text ('' if not run), and the difference between its last two runs.

    `addresses` are those of the images behind each value.
    """

    model: str
    label: str
    values: tuple[str, ...]
    addresses: tuple[str, ...]
    change: str


@dataclass(frozen=True)
class StudyHistory:
    """Runs with the same protocol, data set and noises, oldest first, with a chart and one row per model."""

    protocol: str
    dataset: str
    noises: tuple[str, ...]
    studies: tuple[StudyEntry, ...]
    moves: tuple[ModelHistory, ...]
    figure: PublishedChart
    files: tables.TableFiles


def build(title: str, entries: Sequence[StudyEntry], out: Path) -> Path:
    """Write index.html over sites that are already in folders below `out`; returns its path."""
    ordered = sorted(entries, key=lambda entry: (entry.summary.created, entry.folder))
    study = Study(title)
    environment = environment_of(Results(study, pd.DataFrame(), pd.DataFrame()))
    page = SitePage("index.html", "Runs")
    with SiteWriter(out, keep=[entry.folder for entry in ordered]) as writer:
        context = {"entries": ordered[::-1], "histories": histories(ordered, writer)}
        body = environment.get_template("studies.html").render(context)
        sections = [Section("studies", "Runs", Markup(body))]
        html = environment.get_template("page.html").render(page=page, sections=sections, menu=[])
        writer.text(page.file, html)
        writer.copy(HERE / "static", "static")
        for entry in ordered:
            writer.adopt(entry.folder)
    return out / page.file


def histories(entries: Sequence[StudyEntry], writer: SiteWriter) -> list[StudyHistory]:
    """Groups of comparable runs: the same protocol, data set and noises."""
    groups: dict[tuple[str, str, tuple[str, ...]], list[StudyEntry]] = defaultdict(list)
    for entry in entries:
        keys = dict.fromkeys((one.dataset, one.noises) for one in entry.summary.scores if one.noises)
        for dataset, noises in keys:
            groups[entry.summary.protocol, dataset, noises].append(entry)
    return [history(key, group, writer) for key, group in groups.items() if len(group) > 1]


def history(key: tuple[str, str, tuple[str, ...]], group: list[StudyEntry], writer: SiteWriter) -> StudyHistory:
    """One group of comparable runs."""
    protocol, dataset, noises = key
    scores = [
        {one.model: one for one in entry.summary.scores if (one.dataset, one.noises) == (dataset, noises)}
        for entry in group
    ]
    labels = {one.model: one.label or one.model for run in scores for one in run.values()}
    models = list(dict.fromkeys(model for study in scores for model, one in study.items() if one.ood is not None))
    lines = []
    for model in models:
        known = [(index, study[model].ood) for index, study in enumerate(scores) if has(study, model)]
        lines.append((model, known, series_style(models, model)))
    data = pd.DataFrame(
        [
            {"model": model, "study": group[index].summary.run, "created": group[index].summary.created, "psnr": psnr}
            for model, known, _ in lines
            for index, psnr in known
        ]
    )
    names = [entry.summary.run or entry.folder for entry in group]
    labelled = [(labels[model], known, style) for model, known, style in lines]
    chart = partial(history_chart, names, labelled, f"OOD mean of PSNR (dB) on {dataset}")
    figure = publish(writer, ("history", dataset, str(len(writer.written))), chart, data, 350, chart)
    moves = tuple(move(model, labels[model], scores, addresses(key, group, model)) for model in models)
    wide = [[model, *(study[model].ood if has(study, model) else None for study in scores)] for model in models]
    paper = latex_table(f"OOD mean of PSNR in dB on {dataset}, protocol {protocol}.", names, moves)
    files = tables.publish(writer, ("history", dataset), pd.DataFrame(wide, columns=["model", *names]), paper)
    return StudyHistory(protocol, dataset, noises, tuple(group), moves, figure, files)


def latex_table(caption: str, studies: Sequence[str], moves: Sequence[ModelHistory]) -> str:
    """The table as LaTeX."""
    body = [(one.label, *(value or MISSING for value in one.values), one.change or MISSING) for one in moves]
    return latex.plain_table(caption, ["model", *studies, "difference"], body, "l" + "r" * (len(studies) + 1))


def has(study: dict[str, ModelScore], model: str) -> bool:
    """Whether a run has an OOD mean of a model."""
    return model in study and study[model].ood is not None


def addresses(key: tuple[str, str, tuple[str, ...]], group: list[StudyEntry], model: str) -> tuple[str, ...]:
    """The images behind a model's score, in the site of each run."""
    _, dataset, noises = key
    noise = noises[0] if len(noises) == 1 else OOD_MEAN
    return tuple(f"{entry.folder}/{links.images(dataset, noise, model)}" for entry in group)


def move(model: str, label: str, scores: Sequence[dict[str, ModelScore]], addresses: tuple[str, ...]) -> ModelHistory:
    """A model's values with their addresses, and the difference between the last two runs that have it."""
    known = [study[model] for study in scores if has(study, model)]
    texts = tuple(number(study[model].ood, 2) if has(study, model) else "" for study in scores)
    if len(known) < 2:
        return ModelHistory(model, label, texts, addresses, "")
    before, after = known[-2:]
    change = signed(after.ood - before.ood, 2)
    same = [("weights", before.weights_hash == after.weights_hash), ("images", before.images == after.images)]
    different = [name for name, equal in same if not equal]
    note = [f"different {listing(different)}"] if different else []
    note += ["below the noisy input"] if after.below_noisy else []
    return ModelHistory(model, label, texts, addresses, change + (f" ({', '.join(note)})" if note else ""))
