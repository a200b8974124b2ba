"""Contact sheet of a noise: an image at each of its levels, and four charts of the noise statistics."""

from __future__ import annotations

import math
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from bench import spec
from bench.datasets.channels import in_colour
from bench.noise import noises
from bench.noise.picture import NoisyVersion
from noise_zoo.noise import Noise
from noise_zoo.noise_statistics import MAX_LAG, MAX_VALUE, NoiseStatistics, noise_statistics
from reports.charts.style import INK, MUTED, RULE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DPI = 200
SIDE, ENLARGED = 192, 2  # side of the displayed crop in pixels, dots per pixel
TILE = SIDE * ENLARGED
GAP, MARGIN, HEAD, CAPTION = 40, 80, 200, 74  # dots
CHART, INDENT, AXIS, LEGEND = 330, 70, 130, 120  # dots: height of a chart; space left of it, below it, above the charts
MAX_COLUMNS = 5
BARS = 20  # of the density, on each side of 0
LEVEL_COLOURS = (
    "#9ac5e3",
    "#65a3cf",
    "#3b80b6",
    "#1f5f97",
    "#123f6d",
    "#0a2443",
)  # from the lowest to the highest level
SETTINGS: dict[Any, Any] = {  # of matplotlib
    "font.family": "DejaVu Sans",
    "font.size": 7.5,
    "text.color": INK,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "xtick.color": RULE,
    "ytick.color": RULE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
}


def draw(noise: Noise, pixels: np.ndarray, versions: list[NoisyVersion]) -> bytes:
    """Draw the sheet of one noise as PNG bytes: the clean image uint8 (H, W, 1 or 3), noisy versions, charts."""
    from matplotlib import rc_context

    tiles = _tiles(noise, pixels, versions)
    rows = math.ceil(len(tiles) / MAX_COLUMNS)
    columns = math.ceil(len(tiles) / rows)
    width = 2 * MARGIN + max(columns, 4) * (TILE + GAP) - GAP
    top = HEAD + rows * (TILE + CAPTION)
    with rc_context(SETTINGS):
        top += LEGEND if len(versions) > 1 else LEGEND - 50
        page = SheetPage(width, top + CHART + AXIS)
        _head(page, noise, versions)
        for index, tile in enumerate(tiles):
            row, column = divmod(index, columns)
            _picture(page, MARGIN + column * (TILE + GAP), HEAD + row * (TILE + CAPTION), *tile)
        _charts(page, top, noise, versions)
        return page.png()


def _tiles(noise: Noise, pixels: np.ndarray, versions: list[NoisyVersion]) -> list[tuple[np.ndarray, str, str]]:
    """Return (image, label, scores) of the tiles; a clean image that the noise made is an extra tile."""
    tiles = [(pixels, "clean", "")]
    if not noise.keeps_clean and len(versions) == 1:
        tiles = [(pixels, "input", ""), (versions[0].target, "clean, made by the noise", "")]
    for version in versions:
        scores = f"{version.psnr:.2f} dB" + ("" if version.ssim is None else f"   SSIM {version.ssim:.3f}")
        tiles.append((version.stored, _level(noise, version), scores))
    return tiles


@dataclass
class SheetPage:
    """A figure in coordinates of dots, with y downwards from its top left corner."""

    width: int
    height: int

    def __post_init__(self) -> None:
        from matplotlib.figure import Figure

        self.figure = Figure(figsize=(self.width / DPI, self.height / DPI), dpi=DPI, facecolor="white")

    def axes(self, x: float, y: float, width: float, height: float) -> Axes:
        """Add axes with their upper left corner at (x, y)."""
        box = (x / self.width, 1 - (y + height) / self.height, width / self.width, height / self.height)
        return self.figure.add_axes(box)

    def text(self, x: float, y: float, text: str, **style: Any) -> None:
        """Write text on a base line, without math parsing of dollar signs."""
        self.figure.text(x / self.width, 1 - y / self.height, text, parse_math=False, **style)

    def png(self) -> bytes:
        """The sheet as a PNG file."""
        content = BytesIO()
        self.figure.savefig(content, format="png", dpi=DPI)
        return content.getvalue()


def _head(page: SheetPage, noise: Noise, versions: list[NoisyVersion]) -> None:
    """Write title, formula, and one line with the spec, the source of the noise and its version."""
    first = spec.parse(versions[0].label)
    options = tuple((key, value) for key, value in first.kwargs if key != noise.axis)
    text = versions[0].label if len(versions) == 1 else spec.format_value(spec.Spec(first.name, first.args, options))
    small = [text, *([noise.source] if noise.source else []), f"version {noises.version(noise)}"]
    page.text(MARGIN, 74, noise.title or noises.noise_name(noise), fontsize=15, fontweight="bold")
    page.text(MARGIN, 118, noise.formula, fontsize=9)
    page.text(MARGIN, 152, "   ·   ".join(small), fontsize=7.5, color=MUTED)


def _level(noise: Noise, version: NoisyVersion) -> str:
    level = noises.level(version.noise)
    return "noisy" if level is None else f"{noise.axis} {spec.format_value(level)}"


def _picture(page: SheetPage, x: int, y: int, pixels: np.ndarray, label: str, scores: str) -> None:
    """Draw the centre of an image at an integer scale, small images as large as they fit."""
    shown = centre(pixels)
    height, width = shown.shape[:2]
    scale = max(TILE // max(height, width), 1)
    axes = page.axes(x, y, width * scale, height * scale)
    axes.imshow(in_colour(shown), interpolation="nearest")
    axes.axis("off")
    page.text(x, y + height * scale + 32, label, fontsize=8)
    page.text(x + width * scale, y + height * scale + 32, scores, fontsize=7, color=MUTED, ha="right")


def centre(image: np.ndarray) -> np.ndarray:
    """Crop the centre SIDE x SIDE of (H, W, C); smaller images stay whole."""
    height, width = image.shape[:2]
    top, left = max(height - SIDE, 0) // 2, max(width - SIDE, 0) // 2
    return image[top : top + SIDE, left : left + SIDE]


def _charts(page: SheetPage, top: int, noise: Noise, versions: list[NoisyVersion]) -> None:
    """Draw four charts side by side, with the legend of levels above them."""
    statistics = [noise_statistics(version.noisy, version.clean) for version in versions]
    colours = level_colours(len(versions))
    cell = (page.width - 2 * MARGIN - 3 * GAP) / 4
    left = [MARGIN + index * (cell + GAP) for index in range(4)]
    charts = (
        ("Density of the noise", "noisy − clean, 8-bit levels", _values),
        ("Variance by intensity", "clean value, of 255", _variance),
        ("Spectrum, 1 is white", "cycles per pixel", _spectrum),
    )
    for x, (title, below, curves) in zip(left[:3], charts, strict=True):
        page.text(x, top - 18, title, fontsize=8.5, fontweight="bold")
        axes = page.axes(x + INDENT, top, cell - INDENT, CHART)
        axes.set_xlabel(below)
        axes.tick_params(length=0)
        curves(axes, statistics, colours)
    page.text(left[3], top - 18, "Correlation of neighbours", fontsize=8.5, fontweight="bold")
    _neighbours(page.axes(left[3] + INDENT - 16, top, CHART, CHART), statistics[-1], _level(noise, versions[-1]))
    if len(versions) > 1:
        for index, (colour, version) in enumerate(zip(colours, versions, strict=True)):
            x = MARGIN + index * (page.width - 2 * MARGIN) / max(len(versions), 6)
            page.text(x, top - 72, "\u25a0", fontsize=10, color=colour)
            page.text(x + 30, top - 72, _level(noise, version), fontsize=8)


def level_colours(count: int) -> list[str]:
    """Return `count` colours from the lowest to the highest level."""
    indices = np.linspace(0, len(LEVEL_COLOURS) - 1, count) if count > 1 else [3]
    return [LEVEL_COLOURS[round(index)] for index in indices]


def _values(axes: Axes, statistics: list[NoiseStatistics], colours: list[str]) -> None:
    """Plot densities on a logarithmic scale: a Gaussian is a parabola, and rare impulses stay visible."""
    bound = max(one.quantile for one in statistics)
    step = 2 * math.floor(bound / BARS / 2) + 1  # odd, so that 0 is the centre of a bar
    edges = np.arange(-step * (2 * BARS + 0.5), step * (2 * BARS + 1), step)
    centres = np.arange(-MAX_VALUE, MAX_VALUE + 1)
    densities = [np.histogram(centres, edges, weights=one.histogram)[0] / step for one in statistics]
    for density, colour in zip(densities, colours, strict=True):
        shown = np.where(density > 0, density, np.nan)
        axes.plot(edges[:-1] + step / 2, shown, color=colour, linewidth=1.3, marker=".", markersize=1.5)
    positive = np.concatenate(densities)[np.concatenate(densities) > 0]
    axes.set_yscale("log")
    axes.set_ylim(positive.min() / 2, positive.max() * 2)
    axes.yaxis.set_minor_formatter("")
    axes.set_xlim(-1.05 * bound - 1, 1.05 * bound + 1)


def _variance(axes: Axes, statistics: list[NoiseStatistics], colours: list[str]) -> None:
    for one, colour in zip(statistics, colours, strict=True):
        axes.plot(*one.variance, color=colour, linewidth=1.3, marker="o", markersize=2.2)
    axes.set_xlim(0, 255)
    axes.set_xticks([0, 64, 128, 192, 255])
    axes.set_ylim(0, 1.1 * max([variance.max(initial=0) for _, variance in (p.variance for p in statistics)] + [1e-3]))
    axes.locator_params(axis="y", nbins=5)


def _spectrum(axes: Axes, statistics: list[NoiseStatistics], colours: list[str]) -> None:
    for one, colour in zip(statistics, colours, strict=True):
        axes.plot(*one.spectrum, color=colour, linewidth=1.3)
    axes.set_xlim(0, 0.5)
    axes.set_ylim(0, max(2.0, 1.1 * max(power.max(initial=0) for _, power in (p.spectrum for p in statistics))))
    axes.locator_params(axis="y", nbins=5)


def _neighbours(axes: Axes, one: NoiseStatistics, level: str) -> None:
    """Draw the correlations of a sample with its neighbours, as numbers on colours."""
    axes.imshow(one.correlation, cmap="RdBu", vmin=-1, vmax=1)
    for (row, column), value in np.ndenumerate(one.correlation):
        if np.isfinite(value) and (row, column) != (MAX_LAG, MAX_LAG):
            ink = "white" if abs(value) > 0.55 else INK if abs(value) >= 0.05 else MUTED
            axes.text(column, row, hundredths(value), ha="center", va="center", fontsize=5.5, color=ink)
    ticks, lags = range(2 * MAX_LAG + 1), [str(lag) for lag in range(-MAX_LAG, MAX_LAG + 1)]
    axes.set_xticks(ticks, lags)
    axes.set_yticks(ticks, lags)
    axes.tick_params(length=0)
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    channels = "" if math.isnan(one.channels) else f"; between channels {hundredths(one.channels)}"
    axes.set_xlabel(f"{level}{channels}" if level != "noisy" else f"offset in pixels{channels}")


def hundredths(value: float) -> str:
    """Format a correlation with two decimals and no leading zero: '.67', '-.05', '1'."""
    text = f"{round(value, 2) + 0.0:.2f}"
    return {"1.00": "1", "-1.00": "-1"}.get(text, text.replace("0.", "."))
