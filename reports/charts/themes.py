"""The dark theme for drawings that a page shows as files, which do not see its variables."""

import re
from functools import cache
from pathlib import Path

from reports.charts.style import VARIABLES

SHEET = Path(__file__).parents[1] / "static" / "site.css"


@cache
def dark_colours() -> dict[str, str]:
    """Each colour of the style -> what the style sheet gives for it in the dark theme."""
    pairs = re.findall(r"(--[\w-]+): light-dark\((#\w+), (#\w+)\)", SHEET.read_text(encoding="utf-8"))
    by_variable = {variable: dark for variable, _, dark in pairs}
    return {colour: by_variable[name] for colour, name in VARIABLES.items() if name in by_variable}


def darkened(svg: str) -> str:
    """An SVG of matplotlib in the colours of the style, on white -> the same in those of the dark theme.

    Filled white paths become the paper; white text, which stands on dark cells, stays.
    """
    colours = dark_colours()
    svg = re.sub("|".join(colours), lambda match: colours[match[0]], svg)
    svg = re.sub(r'(<path\b[^>]*style="fill: )#ffffff', rf"\g<1>{colours['#fdfdfc']}", svg)
    ink = colours["#1c2024"]  # for matplotlib's own black, which ticks have; black text stands on light cells
    return re.sub(r'(<use\b[^>]*style="stroke: )#000000', rf"\g<1>{ink}", svg)
