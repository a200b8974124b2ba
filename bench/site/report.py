"""From a run folder to its site: collects rows, comparisons and figures of analyses for `reports`."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import reports
from bench.analyses.core.saved_results import sample_text, saved_figures
from bench.core.errors import BadInput, unknown
from bench.core.processes import isolated_children
from bench.runs.export import readable
from bench.runs.filters import EVERYTHING, Filters
from bench.runs.run_data import RunData
from bench.runs.run_specs import label_in_run
from bench.runs.store import Store
from bench.site import run_comparison
from bench.site.numbers import numbers_of
from bench.site.paper import paper_of
from bench.site.study import study_of
from bench.training import curves


def build(
    folder: Path,
    out: Path,
    protocol: str | None = None,
    training: Mapping[str, Path] | None = None,
    others: Sequence[Path] = (),
    filters: Filters = EVERYTHING,
) -> Path:
    """Make the site of a run folder; returns its index.html. Raises BadInput.

    training  by model: the folder of bench train with its log
    others    run folders to compare this run with
    filters   the rows to show
    """
    study, data = gather(folder, protocol, training or {}, filters)
    words = _report_command(folder, others, protocol, filters, training or {})
    study = replace(
        study,
        command=f"{study.command}\n{shlex.join(words)}",
        analysis_figures=tuple(figures(folder)),
        comparisons=tuple(run_comparison.compare(data, other) for other in others),
        paper=paper_of(folder),
    )
    try:
        with isolated_children():
            return reports.build(study, readable(data.rows), _numbers(data), out)
    except OSError as error:
        raise BadInput(f"cannot write the site {out}: {error.strerror or error}") from error
    except reports.SiteError as error:
        raise BadInput(str(error)) from error


def _report_command(
    folder: Path, others: Sequence[Path], protocol: str | None, filters: Filters, training: Mapping[str, Path]
) -> list[str]:
    """The words of the command that makes these pages."""
    options = {"--protocol": protocol, **filters.options()}
    words = ["bench", "report", *map(str, (folder, *others))]
    words += [word for option, value in options.items() if value is not None for word in (option, value)]
    return words + [word for model, log in training.items() for word in ("--training", f"{model}={log}")]


def paper_tables(folder: Path, protocol: str | None, filters: Filters, layout: str, **options: Any) -> str:
    """The LaTeX tables of a run folder for a paper, with the options of `reports.paper_tables.paper_tables`.

    `layout`: 'leaderboard', 'levels', or metrics joined by slashes, which every cell has: 'psnr/ssim'. Raises BadInput.
    """
    from reports.measures import DROP
    from reports.paper_tables import LAYOUTS, paper_tables
    from reports.results import Results

    study, data = gather(folder, protocol, {}, filters)
    results = Results(study, readable(data.rows), _numbers(data))
    known = {measure.key: measure for measure in results.measures if measure is not DROP}
    names = ["psnr"] if layout in LAYOUTS else [name.strip() for name in layout.split("/")]
    for name in names:
        if name not in known:
            raise unknown("layout or metric", name, [*LAYOUTS, *known])
    return paper_tables(results, layout if layout in LAYOUTS else "levels", [known[n] for n in names], **options)


def _numbers(data: RunData) -> reports.Numbers:
    return numbers_of(data.rows, data.conditions, [one.key for one in data.measures() if not one.higher_is_better])


def gather(
    folder: Path, protocol: str | None, training: Mapping[str, Path], filters: Filters = EVERYTHING
) -> tuple[reports.Study, RunData]:
    """A run folder -> the data of its pages, and its selected rows under a protocol (default: the last)."""
    with Store.open(folder) as store:
        data = RunData.of(store, protocol, filters)
        study = study_of(store, data)
    left_out = [left.sentence for left in data.selection.skipped]
    if filters != EVERYTHING:
        shown, every = len(data.rows), len(data.selection.rows)
        left_out.append(f"Only a selection of the run is shown: {shown} of its {every} rows.")
    curves_ = tuple(training_curves(data, training))
    return replace(study, training=curves_, not_measured=(*study.not_measured, *left_out)), data


def figures(folder: Path) -> Iterator[reports.AnalysisFigure]:
    """The figures of the analyses that are saved in the run folder."""
    for one in saved_figures(folder):
        files = {"svg": one.svg, "png": one.png, "csv": one.csv, "pdf": one.pdf}
        texts = (one.analysis, one.section, one.about, one.title, one.caption, sample_text(one))
        yield reports.AnalysisFigure(*texts, **files, command=one.command)


def training_curves(data: RunData, training: Mapping[str, Path]) -> Iterator[reports.TrainingCurve]:
    """The validation curves of a run's models, one per noise, from their cards or from `training`. Raises BadInput."""
    about = {model["label"]: model["card"] for entry in data.manifest for model in entry["models"]}
    training = {label_in_run(model, data.rows, data.known, []): folder for model, folder in training.items()}
    for model in dict.fromkeys(data.rows["model"]):
        frame = curves.read(training[model]) if model in training else curves.of_card({"name": model, **about[model]})
        for noise, part in frame.groupby("noise", sort=False):
            yield reports.TrainingCurve(model, str(noise), tuple(zip(part["iteration"], part["psnr"], strict=True)))
