"""From a run folder to the pages: the rows to show, what is compared, what was seen inside; `reports` draws them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

import reports
from bench import statistics
from bench.analyses.core.saved_results import sample_text, saved_figures
from bench.errors import BadInput
from bench.runs.latest import latest, started
from bench.runs.store import Store
from bench.site import against
from bench.site.study import study_of
from bench.statistics.robustness import REFERENCE_MODEL
from bench.statistics.standings import standings
from bench.training import curves


def build(
    folder: Path,
    out: Path,
    protocol: str | None = None,
    training: Mapping[str, Path] | None = None,
    others: Sequence[Path] = (),
) -> Path:
    """Make the site of a run folder; returns its index.html. Raises BadInput.

    `training` says for a model, by its label, into which folder bench train wrote its log. `others` are run folders
    that this one is compared with.
    """
    study, rows = gather(folder, protocol, training or {})
    comparisons = []
    for other in others:
        past, past_rows = gather(other, study.protocol, {})
        comparisons.append(against.compare(rows, past_rows, past.run, past.created))
    study = replace(study, artefacts=tuple(figures(folder)), comparisons=tuple(comparisons),
                    standings=tuple(standings_of(rows)))  # fmt: skip
    try:
        return reports.build(study, rows, statistics.summarize(rows), out)
    except OSError as error:
        raise BadInput(f"the site {out} cannot be written: {error.strerror or error}") from error


def gather(folder: Path, protocol: str | None, training: Mapping[str, Path]) -> tuple[reports.Study, pd.DataFrame]:
    """A run folder -> what pages say of it, and its latest rows under a protocol, the last one by default."""
    with Store.open(folder) as store:
        manifest = started(store)
        chosen = protocol or manifest[-1]["protocol"]
        rows, left_out = latest(store.rows(), manifest, chosen)
        study = study_of(store, rows, manifest, chosen)
    study = replace(study, training=tuple(training_curves(manifest, rows, training)))
    return replace(study, not_measured=(*study.not_measured, *left_out)), rows


def standings_of(rows: pd.DataFrame) -> Iterator[reports.Standing]:
    """Mean rank and robustness of each model off training, as far as there are noises off training."""
    for line in standings(rows).to_dict("records"):
        ends = ("", "_low", "_high")
        rank, robustness = (tuple(line[f"{name}{end}"] for end in ends) for name in ("rank", "robustness"))
        yield reports.Standing(line["dataset"], line["model"], line["images"], rank, robustness, REFERENCE_MODEL)


def figures(folder: Path) -> Iterator[reports.Artefact]:
    """The figures of the analyses that are saved in the run folder."""
    for one in saved_figures(folder):
        files = {"svg": one.svg, "png": one.png, "csv": one.csv, "pdf": one.pdf}
        yield reports.Artefact(one.analysis, one.section, one.about, one.title, one.caption, sample_text(one.settings),
                               **files, command=one.command)  # fmt: skip


def training_curves(manifest: list[dict], rows: pd.DataFrame, training: Mapping[str, Path]) -> Iterator[reports.Curve]:
    """The test curves of a run's models, a curve a noise: of their cards, or of the folders named. Raises BadInput."""
    about = {model["label"]: model["card"] for entry in manifest for model in entry["models"]}
    models = list(dict.fromkeys(rows["model"]))
    if unknown := [model for model in training if model not in models]:
        raise BadInput(f"no model {unknown[0]!r} is in this run; there are: {', '.join(models)}")
    for model in models:
        frame = curves.read(training[model]) if model in training else curves.of_card({"name": model, **about[model]})
        for noise, part in frame.groupby("noise", sort=False):
            yield reports.Curve(model, str(noise), tuple(zip(part["iteration"], part["psnr"], strict=True)))
