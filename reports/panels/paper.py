"""Paper: published tables and figures beside those of this run, and verdicts on what the papers claim."""

import math
from dataclasses import dataclass
from functools import partial

import pandas as pd

from reports import latex, tables
from reports.charts.progress import training_chart
from reports.charts.style import series_style
from reports.copied_figures import CopiedFigure, copy_figure
from reports.data import TrainingCurve
from reports.downloads import PublishedChart, publish
from reports.formatting import interval, number, plural, short_count, signed
from reports.measures import PSNR, Measure
from reports.panels import Panel
from reports.paper_study import PaperExperiment
from reports.results import Results
from reports.site_writer import SiteWriter

HOLDS, DOES_NOT_HOLD = "holds", "does not hold"
KINDS = {HOLDS: "best", DOES_NOT_HOLD: "failed"}  # verdict -> class of its cell
DIGITS = {"dB": 2, "8-bit levels": 2}  # of effects; others have 4
NOT_TRANSCRIBED = "value not transcribed"


@dataclass(frozen=True)
class VerdictRow:
    """A claim with its verdict, as text."""

    text: str
    source: str
    verdict: str
    css_class: str
    effect: str
    interval: str
    reason: str
    weights: str
    networks: str
    datasets: str
    experiment: str


@dataclass(frozen=True)
class PublishedCell:
    """One metric of a model: the published value, ours with its interval, ours minus published."""

    published: str
    ours: str
    interval: str
    difference: str


@dataclass(frozen=True)
class ModelLine:
    """A model of a table; `size`: parameters here and as published."""

    name: str
    size: str
    other_size: bool
    cells: tuple[PublishedCell, ...]


@dataclass(frozen=True)
class PublishedTable:
    """The models under one noise on one data set."""

    caption: str
    headings: tuple[str, ...]
    lines: tuple[ModelLine, ...]
    order: tuple[str, ...]
    files: tables.TableFiles


@dataclass(frozen=True)
class OwnTable:
    """Means of this run whose published values are not transcribed: models down, noises across."""

    caption: str
    headings: tuple[str, ...]
    lines: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    files: tables.TableFiles


@dataclass(frozen=True)
class ShownExperiment:
    """An experiment with its tables and figures."""

    source: PaperExperiment
    published: tuple[PublishedTable, ...]
    own: tuple[OwnTable, ...]
    figures: tuple[CopiedFigure, ...]
    curves: PublishedChart | None


def context(results: Results, writer: SiteWriter) -> dict[str, object] | None:
    """The verdicts, and the experiments in their order; None without any."""
    paper = results.study.paper
    if paper is None or not paper.experiments:
        return None
    lines = [verdict_row(row) for row in paper.verdicts.to_dict("records")]
    counts = paper.verdicts["verdict"].value_counts()
    return {
        "verdicts": lines,
        "counts": ", ".join(f"{name}: {amount}" for name, amount in counts.items()),
        "several": len({line.weights for line in lines}) > 1,
        "files": tables.publish(writer, ("claims",), paper.verdicts),
        "experiments": [shown(results, writer, one) for one in paper.experiments],
    }


def verdict_row(row: dict[str, object]) -> VerdictRow:
    """A row of the frame of verdicts -> its texts."""
    digits = DIGITS.get(str(row["unit"]), 4)
    known = isinstance(row["effect"], float) and math.isfinite(row["effect"])
    effect = signed(row["effect"], digits) + (f" {row['unit']}" if row["unit"] else "") if known else ""
    ends = interval(row["low"], row["high"], digits) if known else ""
    reason = "; ".join(str(row[name]) for name in ("weakest", "why") if row[name])
    texts = (str(row[name]) for name in ("weights", "networks", "datasets", "experiment"))
    css_class = KINDS.get(str(row["verdict"]), "missing")
    return VerdictRow(
        str(row["text"]), str(row["source"]), str(row["verdict"]), css_class, effect, ends, reason, *texts
    )


def shown(results: Results, writer: SiteWriter, one: PaperExperiment) -> ShownExperiment:
    """An experiment with its files written to the site."""
    known = {measure.key: measure for measure in (*results.measures, *results.study.measures)}
    published, own = [], []
    for (weights, noise, dataset), part in groups(one.values, ["weights", "noise", "dataset"]):
        if part["published"].notna().any():
            where = (weights, noise, dataset)
            published.append(published_table(writer, one, where, part, known))
    unpublished = one.values[one.values["published"].isna()] if len(one.values) else one.values
    for (weights, dataset), part in groups(unpublished, ["weights", "dataset"]):
        own.append(own_table(writer, one, weights, dataset, part))
    figures = tuple(copy_figure(writer, source, "paper", one.name) for source in one.figures)
    return ShownExperiment(one, tuple(published), tuple(own), figures, curve_chart(writer, one))


def groups(frame: pd.DataFrame, columns: list[str]):
    """`groupby` in the order of the rows; nothing for an empty frame."""
    return frame.groupby(columns, sort=False) if len(frame) else ()


def measure_of(key: str, known: dict[str, Measure]) -> Measure:
    """A measure by its key; one with four digits for a metric that the run did not measure."""
    return known.get(key) or (PSNR if key == "psnr" else Measure(key, key.upper(), "", 4, True, ""))


def setting_text(noise: str, dataset: str, here: str) -> str:
    """'mixture, mean over its levels; builtin in place of CBSD68'."""
    levels = "" if "(" in noise or noise == "isp" else ", mean over its levels"
    place = f"{here} in place of {dataset}" if here and here != dataset else dataset
    return f"{noise}{levels}; {place}"


def published_table(
    writer: SiteWriter, one: PaperExperiment, where: tuple[str, str, str], part: pd.DataFrame, known: dict[str, Measure]
) -> PublishedTable:
    """The published values under one noise beside ours."""
    measures = [measure_of(key, known) for key in dict.fromkeys(part["metric"])]
    lines = tuple(model_line(role, rows, measures) for role, rows in groups(part, ["role"]))
    weights, noise, dataset = where
    caption = f"{setting_text(noise, dataset, part['dataset_here'].iloc[0])}; weights: {weights}"
    chosen = one.orders
    for column, value in zip(("weights", "noise", "dataset"), where, strict=True):
        chosen = chosen[chosen[column] == value]
    order = tuple(order_sentence(row, measure_of(row["metric"], known)) for row in chosen.to_dict("records"))
    return PublishedTable(
        caption,
        tuple(measure.heading for measure in measures),
        lines,
        order,
        tables.publish(
            writer, ("paper", one.name, noise, dataset, weights), part, latex_table(caption, measures, lines)
        ),
    )


def model_line(role: tuple[str], rows: pd.DataFrame, measures: list[Measure]) -> ModelLine:
    """A model with the published value and ours of each metric."""
    by_metric = rows.set_index("metric").to_dict("index")
    first = rows.iloc[0]
    own, paper = first["parameters"], first["parameters_published"]
    size = f"{short_count(own)} parameters; paper {short_count(paper)}" if pd.notna(own) else ""
    return ModelLine(
        role[0].rpartition("/")[2],
        size,
        bool(size) and not first["same_size"],
        tuple(cell(by_metric[measure.key], measure) for measure in measures),
    )


def cell(row: dict[str, float], measure: Measure) -> PublishedCell:
    """The texts of one value."""
    texts = (number(row[name], measure.digits) for name in ("published", "ours"))
    ends = interval(row["low"], row["high"], measure.digits)
    return PublishedCell(*texts, ends, signed(row["difference"], measure.digits))


def order_sentence(row: dict[str, object], measure: Measure) -> str:
    """'PSNR: another order than in the paper; rank correlation 0.43 over 8 models'."""
    order = "the same order as" if row["same_order"] else "another order than"
    correlation = number(row["rank_correlation"], 2)
    return (
        f"{measure.title}: {order} in the paper; rank correlation {correlation} over {plural(row['models'], 'model')}"
    )


def latex_table(caption: str, measures: list[Measure], lines: tuple[ModelLine, ...]) -> str:
    """The table as LaTeX."""
    header = ["model", *(f"{one.title} {which}" for one in measures for which in ("published", "here", "difference"))]
    body = [
        (line.name, *(text for one in line.cells for text in (one.published, one.ours, one.difference)))
        for line in lines
    ]
    return latex.plain_table(caption, header, body, "l" + "r" * (len(header) - 1))


def own_table(writer: SiteWriter, one: PaperExperiment, weights: str, dataset: str, part: pd.DataFrame) -> OwnTable:
    """Our mean PSNR, where published values are not transcribed."""
    here = part["dataset_here"].iloc[0]
    place = f"{here} in place of {dataset}" if here and here != dataset else dataset
    noises = tuple(dict.fromkeys(part["noise"]))
    lines = []
    for (role,), rows in groups(part, ["role"]):
        by_noise = rows.set_index("noise").to_dict("index")
        cells = [by_noise[noise] for noise in noises]
        texts = tuple((number(row["ours"], 2), interval(row["low"], row["high"], 2)) for row in cells)
        lines.append((str(role).rpartition("/")[2], texts))
    caption = f"PSNR (dB) here; {NOT_TRANSCRIBED} from the paper. {place}; weights: {weights}"
    return OwnTable(caption, noises, tuple(lines), tables.publish(writer, ("paper", one.name, dataset, weights), part))


def curve_chart(writer: SiteWriter, one: PaperExperiment) -> PublishedChart | None:
    """Test curves of the models in one chart; None without any."""
    kept: list[TrainingCurve] = [curve for curve in one.curves if curve.points]
    if not kept:
        return None
    names = [curve.model for curve in kept]
    curves = [(curve.model, curve.points, series_style(names, curve.model)) for curve in kept]
    data = pd.DataFrame(
        [{"model": curve.model, "iteration": at, "psnr": psnr} for curve in kept for at, psnr in curve.points]
    )
    chart = partial(training_chart, curves)
    return publish(writer, ("paper", one.name), chart, data, 460, chart)


PANEL = Panel("paper", 0, "Paper", context)
