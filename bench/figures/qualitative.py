"""The qualitative figure: noisy image, outputs of models and clean image, with magnified parts and scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, isfinite

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from bench.figures.drawing import DOTS_PER_INCH, LINE, Look, divided
from bench.figures.pictures import FigureScene
from bench.figures.zoom import Box
from reports.charts.lettering import text_width
from reports.formatting import number
from reports.measures import Measure

BOX_COLOURS = ("#e8202a", "#ffc800", "#22b8f0", "#3fbf4a")  # distinct on dark and bright pixels
BOX_LINE = 0.9  # points
GAP, INNER = 0.04, 0.022  # inches between panels, and between the pictures of a panel
MIN_PANEL = 0.55  # inches: the width that decides how many panels are in one line
MAX_COLUMNS = 8
SHARP = 256  # pixels: magnified parts are repeated to this side, so that viewers do not blur them


@dataclass(frozen=True)
class ImagePanel:
    """One picture, its name, and the lines of its scores, each as texts with whether they are bold."""

    name: str
    pixels: np.ndarray
    scores: tuple[tuple[str, bool], ...]


def panels_of(scene: FigureScene, names: Mapping[str, str], measures: Sequence[Measure]) -> list[ImagePanel]:
    """Noisy image, models, clean image; below the clean one are the names of the metrics."""
    first = scene.rows.iloc[0]
    noisy = [(number(first[f"{one.key}_noisy"], one.digits), False) for one in measures]
    panels = [ImagePanel("noisy", scene.noisy, tuple(noisy))]
    best = {one.key: _best(scene, one) for one in measures}
    for label, pixels in scene.outputs.items():
        texts = [number(scene.rows.at[label, one.key], one.digits) for one in measures]
        bold = [text == best[one.key] for text, one in zip(texts, measures, strict=True)]
        panels.append(ImagePanel(names[label], pixels, tuple(zip(texts, bold, strict=True))))
    return [*panels, ImagePanel("clean", scene.clean, tuple((one.heading, False) for one in measures))]


def _best(scene: FigureScene, measure: Measure) -> str:
    """The best score of the models as it is printed; '' of a single model."""
    values = [value for value in scene.rows[measure.key] if isfinite(value)]
    if len(scene.outputs) < 2 or not values:
        return ""
    return number((max if measure.higher_is_better else min)(values), measure.digits)


def draw(panels: Sequence[ImagePanel], boxes: Sequence[Box], look: Look, columns: int | None = None) -> Figure:
    """Panels in lines of `columns` (default: by the width of the figure), each with its magnified boxes below."""
    columns = min(len(panels), columns or _columns(len(panels), look))
    width = (look.width - GAP * (columns - 1)) / columns
    height = width * panels[0].pixels.shape[0] / panels[0].pixels.shape[1]
    side = (width - INNER * (len(boxes) - 1)) / len(boxes) if boxes else 0.0
    lines = [panels[start : start + columns] for start in range(0, len(panels), columns)]
    texts = [_captions(line, width, look) for line in lines]
    step = LINE * look.em
    pictures = height + (INNER + side if boxes else 0)
    captions = [step * len(line[0]) + 0.3 * look.em for line in texts]
    between = 0.6 * look.em
    total = sum(captions) + pictures * len(lines) + between * (len(lines) - 1)
    with look.context:
        figure = Figure(figsize=(look.width, total))
        top = 0.0
        for line, line_texts, caption in zip(lines, texts, captions, strict=True):
            for index, (panel, panel_texts) in enumerate(zip(line, line_texts, strict=True)):
                left = index * (width + GAP)
                _whole(_axes(figure, left, top, width, height), panel.pixels, boxes, width)
                for place, box in enumerate(boxes):
                    axes = _axes(figure, left + place * (side + INNER), top + height + INNER, side, side)
                    _magnified(axes, box.of(panel.pixels), BOX_COLOURS[place % len(BOX_COLOURS)])
                for place, parts in enumerate(panel_texts):
                    y = top + pictures + 0.3 * look.em + step * (place + 0.5)
                    _centred(figure, parts, left + width / 2, y, look)
            top += pictures + caption + between
    return figure


def _columns(count: int, look: Look) -> int:
    """Panels in a line: as many as are not too narrow, and about the same number in every line."""
    most = max(1, min(MAX_COLUMNS, int((look.width + GAP) / (MIN_PANEL + GAP))))
    return ceil(count / ceil(count / most))


Parts = tuple[tuple[str, bool], ...]  # texts of one line, with whether each is bold


def _captions(line: Sequence[ImagePanel], width: float, look: Look) -> list[list[Parts]]:
    """The lines of text below each panel, as many for each: names from the top, scores at the bottom.

    Scores of one panel are in one line, or in a line each where one panel has too little room for that.
    """
    points, size = 72 * width, look.font_size
    names = [[((text, False),) for text in divided(panel.name, points, size)] for panel in line]
    joined = [[tuple(part for score in panel.scores for part in (score, ("/", False)))[:-1]] for panel in line]
    if any(sum(text_width(text, size, bold) for text, bold in parts) > points for (parts,) in joined):
        joined = [
            [((text, bold),) for score, bold in panel.scores for text in divided(score, points, size)] for panel in line
        ]
    total = max(map(len, names)) + max(map(len, joined))
    return [
        [*name, *[()] * (total - len(name) - len(scores)), *scores] for name, scores in zip(names, joined, strict=True)
    ]


def _axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes without ticks at a position in inches from the upper left corner."""
    whole_width, whole_height = figure.get_size_inches()
    axes = figure.add_axes(
        (left / whole_width, 1 - (top + height) / whole_height, width / whole_width, height / whole_height)
    )
    axes.set_axis_off()
    return axes


def _whole(axes: Axes, pixels: np.ndarray, boxes: Sequence[Box], width: float) -> None:
    """The whole image, with its boxes."""
    height, across = pixels.shape[:2]
    most = round(DOTS_PER_INCH * width)
    if across > most:
        shown = Image.fromarray(pixels).resize((most, round(height * most / across)), Image.Resampling.LANCZOS)
        pixels = np.asarray(shown)
    axes.imshow(pixels, interpolation="none", aspect="auto", extent=(0, across, height, 0))
    for place, box in enumerate(boxes):
        colour = BOX_COLOURS[place % len(BOX_COLOURS)]
        axes.add_patch(Rectangle((box.x, box.y), box.side, box.side, fill=False, edgecolor=colour, linewidth=BOX_LINE))


def _magnified(axes: Axes, pixels: np.ndarray, colour: str) -> None:
    """A magnified part, pixels as squares, in a frame of its box's colour."""
    times = max(1, SHARP // pixels.shape[0])
    axes.imshow(pixels.repeat(times, 0).repeat(times, 1), interpolation="none", aspect="auto")
    # twice the line: its outer half is clipped
    axes.add_patch(
        Rectangle((0, 0), 1, 1, transform=axes.transAxes, fill=False, edgecolor=colour, linewidth=2 * BOX_LINE)
    )


def _centred(figure: Figure, parts: Parts, x: float, y: float, look: Look) -> None:
    """Texts one after the other, centred at a position in inches from the upper left corner."""
    width, height = figure.get_size_inches()
    lengths = [text_width(text, look.font_size, bold) / 72 for text, bold in parts]
    left = x - sum(lengths) / 2
    for (text, bold), length in zip(parts, lengths, strict=True):
        figure.text(
            left / width,
            1 - y / height,
            text,
            fontsize=look.font_size,
            va="center_baseline",
            fontweight="bold" if bold else "normal",
        )
        left += length
