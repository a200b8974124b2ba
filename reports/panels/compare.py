"""What moved since another run: by how much, whether it can be told from nothing, and on which images."""

import math
from dataclasses import dataclass

import pandas as pd

from reports import latex, links, tables
from reports.charts.differences import Difference, differences_chart
from reports.charts.style import look
from reports.drawn import Drawn, publish
from reports.folder import SiteFolder
from reports.formatting import interval, number, plural, signed
from reports.panels import Panel
from reports.results import OOD_MEAN, Results
from reports.study import Comparison, Move

COLUMNS = ("model", "dataset", "noise", "images", "before", "after", "difference", "low", "high", "p", "adjusted")
FIGURES = 24  # charts, one a model and data set
IMAGES = 12


@dataclass(frozen=True)
class Line:
    """One mean as text, where it leads, whether its interval excludes zero, and whether it is over several noises."""

    move: Move
    before: str
    after: str
    difference: str
    interval: str
    p: str
    adjusted: str
    address: str
    told: bool
    overall: bool


@dataclass(frozen=True)
class MovedImage:
    """One image that moved: by how many dB as text, and where to see it."""

    model: str
    dataset: str
    noise: str
    image: str
    difference: str
    address: str


@dataclass(frozen=True)
class Compared:
    """A comparison ready for its place on the page; `equal` counts the means without a line, which did not move."""

    comparison: Comparison
    sentence: str
    equal: int
    tested: bool
    lines: tuple[Line, ...]
    images: tuple[MovedImage, ...]
    figures: tuple[tuple[str, str, Drawn], ...]
    files: tables.Files
    images_files: tables.Files


def context(results: Results, folder: SiteFolder) -> dict[str, object] | None:
    """The comparisons that were asked for; None where there are none."""
    if not results.study.comparisons:
        return None
    return {"compared": [compared(results, folder, one) for one in results.study.comparisons]}


def compared(results: Results, folder: SiteFolder, comparison: Comparison) -> Compared:
    """One other run."""
    everything = (*comparison.overall, *comparison.moves)
    lines = [line(move, move in comparison.overall) for move in everything if move.difference]
    lines.sort(key=lambda one: (not one.told, -abs(one.move.difference)))
    frame = pd.DataFrame([[getattr(move, column) for column in COLUMNS] for move in everything], columns=COLUMNS)
    images = moved_images(comparison)
    return Compared(
        comparison,
        sentence(comparison.moves),
        sum(not move.difference for move in everything),
        any(not math.isnan(move.p) for move in comparison.moves),
        tuple(lines),
        images,
        tuple(figures(results, folder, comparison)),
        tables.publish(folder, ("against", comparison.run), frame, latex_table(results, comparison, lines)),
        tables.publish(folder, ("moved", comparison.run), images_frame(comparison), images_latex(comparison, images)),
    )


def told(move: Move) -> bool:
    """Whether the interval of the difference excludes zero."""
    return move.low > 0 or move.high < 0


def line(move: Move, overall: bool) -> Line:
    """One mean, of one noise or over several."""
    texts = (number(move.before, 2), number(move.after, 2), signed(move.difference, 3), signed_interval(move))
    address = links.images(move.dataset, OOD_MEAN if overall else move.noise, move.model)
    return Line(move, *texts, probability(move.p), probability(move.adjusted), address, told(move), overall)


def probability(p: float) -> str:
    """A p as text, a dash where there is none."""
    return number(None, 0) if math.isnan(p) else "< 0.001" if p < 0.001 else number(p, 3)


def signed_interval(move: Move) -> str:
    """Its ends to 3 digits."""
    return interval(move.low, move.high, 3)


def sentence(moves: tuple[Move, ...]) -> str:
    """What moved, in words."""
    if not moves:
        return "No model was run on the same images under the same noise in both runs."
    rose, fell = (sum(told(m) and (m.difference > 0) is up for m in moves) for up in (True, False))
    equal = sum(m.difference == 0 for m in moves)
    if equal == len(moves):
        return f"All {plural(equal, 'mean')} are equal, to the last digit."
    unclear = len(moves) - rose - fell
    largest = max(moves, key=lambda m: abs(m.difference))
    return (
        f"Of {plural(len(moves), 'mean')}, {rose} rose and {fell} fell by more than their intervals; {unclear} did "
        f"neither. The largest move is {signed(largest.difference, 2)} dB, of {largest.model} under {largest.noise}."
    )


def moved_images(comparison: Comparison) -> tuple[MovedImage, ...]:
    """The images that moved most, of all means."""
    return tuple(
        MovedImage(move.model, move.dataset, move.noise, image, signed(change, 2),
                   links.images(move.dataset, move.noise, move.model, image))
        for move, image, change in moved_most(comparison)[:IMAGES]
    )  # fmt: skip


def moved_most(comparison: Comparison) -> list[tuple[Move, str, float]]:
    """The images that moved, of all means, the largest moves first."""
    every = [(move, image, change) for move in comparison.moves for image, change in move.moved if change]
    return sorted(every, key=lambda one: -abs(one[2]))


def images_frame(comparison: Comparison) -> pd.DataFrame:
    """All of them with full precision."""
    rows = [[move.dataset, image, move.model, move.noise, change] for move, image, change in moved_most(comparison)]
    return pd.DataFrame(rows, columns=["dataset", "image", "model", "noise", "difference"])


def images_latex(comparison: Comparison, images: tuple[MovedImage, ...]) -> str:
    """The table of images as it would stand in a paper."""
    body = [(one.dataset, one.image, one.model, one.noise, one.difference) for one in images]
    caption = f"Images whose PSNR moved most against {comparison.run}."
    return latex.plain_table(caption, ["data set", "image", "model", "noise", "change (dB)"], body, "llllr")


def figures(results: Results, folder: SiteFolder, comparison: Comparison):
    """A chart a model and data set of those where something moved, the largest moves first."""
    groups: dict[tuple[str, str], list[Move]] = {}
    for move in comparison.moves:
        groups.setdefault((move.model, move.dataset), []).append(move)
    moved = [key for key, moves in groups.items() if any(move.difference for move in moves)]
    moved.sort(key=lambda key: -max(abs(move.difference) for move in groups[key]))
    known = {setting.spec: setting for setting in results.noises}
    for model, dataset in moved[:FIGURES]:
        moves = sorted(groups[model, dataset], key=lambda move: list(known).index(move.noise))
        differences = [
            Difference(known[m.noise].name, known[m.noise].label, m.difference, m.low, m.high,
                       links.images(dataset, m.noise, model))
            for m in moves
        ]  # fmt: skip
        heading = f"PSNR (dB) of {model} on {dataset}, this run minus {comparison.run}"
        colour = look(results.models, model).colour
        wide, narrow = (differences_chart(differences, colour, heading, f"{heading}.", width) for width in (620, 358))
        data = pd.DataFrame([[getattr(move, column) for column in COLUMNS] for move in moves], columns=COLUMNS)
        yield model, dataset, publish(folder, ("against", comparison.run, model, dataset), wide, data, narrow)


def latex_table(results: Results, comparison: Comparison, lines: list[Line]) -> str:
    """The table as it would stand in a paper; differences whose interval excludes zero in bold."""
    body = []
    for one in lines:
        cells = [one.before, one.after, one.difference, one.interval, one.p, one.adjusted]
        texts = [latex.escape(cell) for cell in cells]
        texts[2] = rf"\textbf{{{texts[2]}}}" if one.told else texts[2]
        names = [latex.escape(name) for name in (one.move.model, one.move.noise, one.move.dataset)]
        body.append([" / ".join(names), *texts])
    header = ["model / noise / data set", "before", "after", "difference", "95% interval", "p", "p (Holm)"]
    caption = f"PSNR in dB of {results.study.run or 'this run'} against {comparison.run}."
    return latex.table(caption, [("PSNR (dB)", 6)], header, body)


PANEL = Panel("compare", 0, "Compare", context)
