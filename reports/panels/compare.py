"""Comparison with other runs: differences of mean PSNR, their significance, and the images with the largest ones."""

import math
from dataclasses import dataclass
from functools import partial

import pandas as pd

from reports import latex, links, tables
from reports.charts.row_charts import Difference, differences_chart
from reports.charts.style import series_style
from reports.data import OOD_MEAN, RunComparison
from reports.downloads import PublishedChart, publish
from reports.formatting import interval, number, plural, signed
from reports.panels import Panel
from reports.results import Results
from reports.site_writer import SiteWriter

COLUMNS = {  # of the file: those of the comparison
    "model": "model", "dataset": "dataset", "noise": "noise", "images": "images", "before": "mean_against",
    "after": "mean", "difference": "difference", "low": "low", "high": "high", "p": "p", "adjusted": "p_holm",
}  # fmt: skip
MAX_FIGURES = 24  # one per model and data set
MAX_IMAGES = 12


@dataclass(frozen=True)
class DifferenceRow:
    """One mean difference as text, with the address of its images.

    `significant`: its 95% interval excludes zero; `overall`: it is over several noises.
    """

    move: dict
    before: str
    after: str
    difference: str
    interval: str
    p: str
    adjusted: str
    address: str
    significant: bool
    overall: bool


@dataclass(frozen=True)
class MovedImage:
    """One image: the difference of its PSNR in dB as text, and its address."""

    model: str
    dataset: str
    noise: str
    image: str
    difference: str
    address: str


@dataclass(frozen=True)
class ComparedRun:
    """A comparison with its tables and charts; `equal` counts the means that are equal, which have no row."""

    comparison: RunComparison
    sentence: str
    equal: int
    tested: bool
    lines: tuple[DifferenceRow, ...]
    images: tuple[MovedImage, ...]
    figures: tuple[tuple[str, str, PublishedChart], ...]
    files: tables.TableFiles
    images_files: tables.TableFiles


def context(results: Results, writer: SiteWriter) -> dict[str, object] | None:
    """The comparisons; None without any."""
    if not results.study.comparisons:
        return None
    return {"compared": [compared(results, writer, one) for one in results.study.comparisons]}


def compared(results: Results, writer: SiteWriter, comparison: RunComparison) -> ComparedRun:
    """The comparison with one run."""
    overall, moves = of_means(comparison), of_noises(comparison)
    lines = [line(move) for move in (*overall, *moves) if move["difference"]]
    lines.sort(key=lambda one: (not one.significant, -abs(one.move["difference"])))
    images = moved_images(comparison)
    return ComparedRun(
        comparison,
        sentence(results, moves),
        sum(not move["difference"] for move in (*overall, *moves)),
        any(not math.isnan(move["p"]) for move in moves),
        tuple(lines),
        images,
        tuple(figures(results, writer, comparison)),
        tables.publish(
            writer, ("against", comparison.run), file_of([*overall, *moves]), latex_table(results, comparison, lines)
        ),
        tables.publish(
            writer, ("moved", comparison.run), images_frame(comparison), images_latex(results, comparison, images)
        ),
    )


def of_noises(comparison: RunComparison) -> list[dict]:
    """The differences under single noises."""
    return [one for one in comparison.differences.to_dict("records") if one["noise_name"]]


def of_means(comparison: RunComparison) -> list[dict]:
    """The differences of OOD means."""
    return [one for one in comparison.differences.to_dict("records") if not one["noise_name"]]


def file_of(moves: list[dict]) -> pd.DataFrame:
    """Differences with full precision."""
    return pd.DataFrame([[move[column] for column in COLUMNS.values()] for move in moves], columns=list(COLUMNS))


def significant(move: dict) -> bool:
    """Whether the 95% interval of the difference excludes zero."""
    return move["low"] > 0 or move["high"] < 0


def line(move: dict) -> DifferenceRow:
    """One mean difference as a row of the table."""
    overall = not move["noise_name"]
    means = number(move["mean_against"], 2), number(move["mean"], 2)
    change = signed(move["difference"], 3), interval(move["low"], move["high"], 3)
    address = links.images(move["dataset"], OOD_MEAN if overall else move["noise"], move["model"])
    tested = probability(move["p"]), probability(move["p_holm"])
    return DifferenceRow(move, *means, *change, *tested, address, significant(move), overall)


def probability(p: float) -> str:
    """A p value as text, a dash for NaN."""
    return number(None, 0) if math.isnan(p) else "< 0.001" if p < 0.001 else number(p, 3)


def sentence(results: Results, moves: list[dict]) -> str:
    """The comparison in two sentences."""
    if not moves:
        return "No model was evaluated on the same images under the same noise in both runs."
    higher, lower = (sum(significant(m) and (m["difference"] > 0) is up for m in moves) for up in (True, False))
    equal = sum(m["difference"] == 0 for m in moves)
    if equal == len(moves):
        return f"All {plural(equal, 'mean')} are exactly equal."
    largest = max(moves, key=lambda m: abs(m["difference"]))
    return (
        f"Of {plural(len(moves), 'mean')} of PSNR, by the 95% interval of the difference: {higher} higher in this run, "
        f"{lower} lower, {len(moves) - higher - lower} not significantly different. The largest difference is "
        f"{signed(largest['difference'], 2)} dB: {results.label(largest['model'])} under {largest['noise']}."
    )


def moved_images(comparison: RunComparison) -> tuple[MovedImage, ...]:
    """The images with the largest differences."""
    return tuple(
        MovedImage(
            move["model"],
            move["dataset"],
            move["noise"],
            image,
            signed(change, 2),
            links.images(move["dataset"], move["noise"], move["model"], image),
        )
        for move, image, change in moved_most(comparison)[:MAX_IMAGES]
    )


def moved_most(comparison: RunComparison) -> list[tuple[dict, str, float]]:
    """The images that differ, by size of the difference."""
    every = [(move, image, change) for move in of_noises(comparison) for image, change in move["moved"] if change]
    return sorted(every, key=lambda one: -abs(one[2]))


def images_frame(comparison: RunComparison) -> pd.DataFrame:
    """The images that differ, with full precision."""
    rows = [
        [move["dataset"], image, move["model"], move["noise"], change] for move, image, change in moved_most(comparison)
    ]
    return pd.DataFrame(rows, columns=["dataset", "image", "model", "noise", "difference"])


def images_latex(results: Results, comparison: RunComparison, images: tuple[MovedImage, ...]) -> str:
    """The table of images as LaTeX."""
    body = [(one.dataset, one.image, results.label(one.model), one.noise, one.difference) for one in images]
    caption = f"Images with the largest difference of PSNR from {comparison.run}."
    return latex.plain_table(caption, ["data set", "image", "model", "noise", "difference (dB)"], body, "llllr")


def figures(results: Results, writer: SiteWriter, comparison: RunComparison):
    """One chart per model and data set with a difference, the largest differences first."""
    groups: dict[tuple[str, str], list[dict]] = {}
    for move in of_noises(comparison):
        groups.setdefault((move["model"], move["dataset"]), []).append(move)
    moved = [key for key, moves in groups.items() if any(move["difference"] for move in moves)]
    moved.sort(key=lambda key: -max(abs(move["difference"]) for move in groups[key]))
    known = {setting.spec: setting for setting in results.noises}
    for model, dataset in moved[:MAX_FIGURES]:
        moves = sorted(groups[model, dataset], key=lambda move: list(known).index(move["noise"]))
        differences = [
            Difference(
                known[m["noise"]].name,
                known[m["noise"]].label,
                m["difference"],
                m["low"],
                m["high"],
                links.images(dataset, m["noise"], model),
            )
            for m in moves
        ]
        heading = f"PSNR (dB) of {results.label(model)} on {dataset}: this run minus {comparison.run}"
        colour = series_style(results.models, model).colour
        chart = partial(differences_chart, differences, colour, heading, f"{heading}.")
        yield (
            model,
            dataset,
            publish(
                writer,
                ("against", comparison.run, model, dataset),
                chart,
                file_of(moves),
                460,
                partial(chart, font=8.5),
            ),
        )


def latex_table(results: Results, comparison: RunComparison, lines: list[DifferenceRow]) -> str:
    """The table of means as LaTeX, significant differences in bold."""
    body = []
    for one in lines:
        cells = [one.before, one.after, one.difference, one.interval, one.p, one.adjusted]
        texts = [latex.escape(cell) for cell in cells]
        texts[2] = rf"\textbf{{{texts[2]}}}" if one.significant else texts[2]
        names = [
            latex.escape(name) for name in (results.label(one.move["model"]), one.move["noise"], one.move["dataset"])
        ]
        body.append([" / ".join(names), *texts])
    header = ["model / noise / data set", "other run", "this run", "difference", "95% interval", "p", "p (Holm)"]
    caption = f"Mean PSNR in dB: {results.study.run or 'this run'} compared with {comparison.run}."
    return latex.table(caption, [("PSNR (dB)", 6)], header, body)


PANEL = Panel("compare", 0, "Compare", context)
