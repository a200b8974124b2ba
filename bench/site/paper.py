"""The data of the page Paper, from a run of `bench reproduce`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd

import reports
from bench.analyses.core.saved_results import SavedFigure, saved_figures
from bench.noise.noises import REFERENCE
from bench.reproduction import claims, evidence, experiments, record, values
from bench.reproduction.evidence import Evidence, NotTested
from bench.reproduction.experiments import Experiment
from bench.reproduction.record import DoneStep
from bench.runs.store import Store
from reports.paper_study import PaperExperiment, PaperFigure, PaperStudy

MAX_FIGURES = 3  # of one analysis


def paper_of(folder: Path) -> PaperStudy | None:
    """The page's data of a run folder; None without a reproduction. Raises BadInput."""
    with Store.open(folder) as store:
        found = list(evidence.of_store(store))
        done = record.done_steps(store.manifest(), folder)
    if not found:
        return None
    known = set(experiments.names())  # a run may be of a version with others
    order = {name: index for index, name in enumerate(experiments.names())}
    kept = sorted((one for one in found if one.reproduction.experiment in known), key=lambda one: order[_name(one)])
    saved = {figure.svg.resolve(): figure for figure in saved_figures(folder)}
    pages = [
        _experiment(experiments.load(name), list(group), folder, done, saved)
        for name, group in groupby(kept, key=_name)
    ]
    return PaperStudy(tuple(pages), claims.table(found))


def _name(one: Evidence) -> str:
    return one.reproduction.experiment


def _experiment(
    experiment: Experiment,
    found: Sequence[Evidence],
    folder: Path,
    done: dict[str, DoneStep],
    saved: dict[Path, SavedFigure],
) -> PaperExperiment:
    """An experiment with each source of weights."""
    table = pd.concat([values.compare(experiment, one) for one in found], ignore_index=True)
    problems = [(one.reproduction.weight_set, problem) for one in found for problem in one.reproduction.problems]
    listed = {problem for _, problem in problems}
    reasons = table.loc[table["why"] != "", ["weights", "why"]].drop_duplicates().itertuples(index=False)
    problems += [(weights, why) for weights, why in reasons if why not in listed]
    problems += [(one.reproduction.weight_set, why) for one in found if experiment.curves for why in _no_curves(one)]
    prefix = len(found) > 1
    keys = dict.fromkeys(key for one in found for key in one.reproduction.steps)
    steps = [done[key] for key in keys if key in done]
    return PaperExperiment(
        experiment.name,
        experiment.title,
        experiment.source,
        experiment.claim,
        experiment.notes,
        tuple(_problems(problems, prefix)),
        tuple(_networks(one, table) for one in found),
        tuple(dict.fromkeys(one.reproduction.command for one in found)),
        table,
        values.orders(table),
        tuple(_figures(steps, folder, saved)),
        tuple(curve for one in found for curve in _curves(experiment, one, prefix)) if experiment.curves else (),
    )


def _problems(problems: Sequence[tuple[str, str]], prefix: bool) -> Iterator[str]:
    """What is missing, by reason, with the weights in front where there are several."""
    for weights, of_weights in groupby(sorted(problems, key=lambda one: one[0]), key=lambda one: one[0]):
        for text in record.grouped(problem for _, problem in of_weights):
            yield f"{weights}: {text}" if prefix else text


def _networks(one: Evidence, table: pd.DataFrame) -> str:
    """'small, shipped: 111,075 parameters, 8,000 iterations: not the size of the paper's networks'."""
    text = one.networks(list(one.reproduction.roles))
    known = table[(table["weights"] == one.reproduction.weight_set) & table["same_size"].notna()]
    if not len(known):
        return f"{one.reproduction.weight_set}: {text or 'no weights at hand'}."
    same = known["same_size"].astype(bool)
    share = "the" if same.all() else "partly the" if same.any() else "not the"
    return f"{one.reproduction.weight_set}: {text}; {share} published size."


def _figures(steps: Sequence[DoneStep], folder: Path, saved: dict[Path, SavedFigure]) -> Iterator[PaperFigure]:
    """Drawings by their title, and the first figures of each analysis."""
    drawings: dict[str, dict[str, Any]] = {}
    counted: dict[str, int] = {}
    shown: set[Path] = set()
    for step in steps:
        files = [(folder / name).resolve() for name in step.files]
        if step.title:
            of_drawing = drawings.setdefault(
                str(files[0].with_suffix("")), {"title": step.title, "command": step.command}
            )
            of_drawing |= {file.suffix[1:]: file for file in files}
            continue
        for one in (saved[file] for file in files if file in saved and file not in shown):
            shown.add(one.svg.resolve())
            counted[one.analysis] = counted.get(one.analysis, 0) + 1
            if counted[one.analysis] <= MAX_FIGURES:
                yield PaperFigure(one.title, one.caption, one.svg, one.pdf, one.csv, step.command)
    for of_drawing in drawings.values():
        if "svg" in of_drawing:
            svg, pdf = of_drawing["svg"], of_drawing.get("pdf")
            yield PaperFigure(of_drawing["title"], "", svg, pdf, None, of_drawing["command"])


def _no_curves(one: Evidence) -> Iterator[str]:
    """Why roles have no test curve."""
    for role in one.reproduction.roles:
        try:
            one.curves(role)
        except NotTested as error:
            yield str(error)


def _curves(experiment: Experiment, one: Evidence, prefix: bool) -> Iterator[reports.TrainingCurve]:
    """PSNR during training, mean over unseen noises, of each role that has a curve."""
    for role in experiment.roles:
        try:
            curve = one.curves(role)
        except NotTested:
            continue
        mean = curve.drop(columns=REFERENCE, errors="ignore").mean(axis=1).dropna()
        name = f"{role} ({one.reproduction.weight_set})" if prefix else role
        yield reports.TrainingCurve(name, "mean of unseen noises", tuple(zip(mean.index, mean, strict=True)))
