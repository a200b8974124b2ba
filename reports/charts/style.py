"""The style of all charts and figures: sizes, colours, markers and dashes. A series has the same style everywhere;
its marker and dash duplicate its colour."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import matplotlib

ONE_COLUMN, TWO_COLUMNS = 3.5, 7.2  # inches: the widths of figures in papers of two columns

INK = "#1c2024"
MUTED = "#5f6b76"
RULE = "#dfe3e7"
ACCENT = "#0b5fa5"
WARM = "#c75a06"  # negative values; distinct from the accent with all common colour vision deficiencies
NOISY_COLOUR = "#868e96"
PAPER = "#fdfdfc"
DARK = "#15181c"

# Okabe and Ito (2008) without its yellow, then three of Tol's muted set: distinct with all common colour vision
# deficiencies. site.css has a lighter variant of each for the dark theme.
SERIES = ("#0072b2", "#d55e00", "#009e73", "#aa4499", "#c98a00", "#3f9fdc", "#882255", "#7d7d1a")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")
DASHES: tuple[tuple[float, ...], ...] = ((), (5, 1.6), (2, 1.4), (6, 1.6, 1.5, 1.6))  # in units of the line's width
NOISY_DASH = (3.0, 2.2)

VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    RULE: "--rule",
    ACCENT: "--accent",
    WARM: "--warm",
    NOISY_COLOUR: "--noisy",
    PAPER: "--paper",
    DARK: "--dark-text",
    **{colour: f"--series-{number}" for number, colour in enumerate(SERIES, 1)},
}

SETTINGS = {
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": RULE,
    "grid.linewidth": 0.7,
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "svg.fonttype": "none",  # text stays text
    "pdf.fonttype": 42,  # as TrueType, which journals ask for
    "svg.hashsalt": "maskbench",  # equal figures are equal files
}


@contextmanager
def style(**settings: object) -> Iterator[None]:
    """A context (or decorator) for drawing in the style of all charts; `settings` replace some of its rcParams.

    Signs that no font has are shown as boxes, without a warning.
    """
    with matplotlib.rc_context(SETTINGS | settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        yield


@dataclass(frozen=True)
class SeriesStyle:
    """Colour, marker and dash of a model; `index` is its position among the models, -1 for the noisy input."""

    index: int
    colour: str
    marker: str
    dash: tuple[float, ...]

    @property
    def css_class(self) -> str:
        """The CSS class of its parts of a chart."""
        return "series-noisy" if self.index < 0 else f"series-{self.index}"

    @property
    def variable(self) -> str:
        """The CSS variable of its colour."""
        return VARIABLES[self.colour]

    @property
    def line(self) -> dict[str, object]:
        """Its line in the terms of matplotlib."""
        return {"color": self.colour, "linestyle": (0, self.dash) if self.dash else "-"}


NOISY_STYLE = SeriesStyle(-1, NOISY_COLOUR, "", NOISY_DASH)


def series_style(models: Sequence[str], model: str) -> SeriesStyle:
    """All models in order and one of them (or the noisy input) -> its style in every chart."""
    if model not in models:
        return NOISY_STYLE
    index = list(models).index(model)
    round_ = index // len(SERIES)
    colour = index % len(SERIES)
    return SeriesStyle(index, SERIES[colour], MARKERS[(colour + round_) % len(MARKERS)], DASHES[round_ % len(DASHES)])
