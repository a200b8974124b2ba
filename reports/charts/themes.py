"""The dark theme for SVG files in a page, which have no access to its CSS variables."""

import re
from functools import cache
from pathlib import Path

from reports.charts.style import VARIABLES

SHEET = Path(__file__).parents[1] / "static" / "site.css"


@cache
def dark_colours() -> dict[str, str]:
    """Each colour of the style -> its counterpart in the dark theme of the style sheet."""
    pairs = re.findall(r"(--[\w-]+): light-dark\((#\w+), (#\w+)\)", SHEET.read_text(encoding="utf-8"))
    by_variable = {variable: dark for variable, _, dark in pairs}
    return {colour: by_variable[name] for colour, name in VARIABLES.items() if name in by_variable}


def darkened(svg: str) -> str:
    """An SVG of matplotlib in the colours of the style, on white -> the same in the dark theme.

    White fills become the page's background; white text, which is on dark cells, stays white.
    """
    colours = dark_colours()
    svg = re.sub("|".join(colours), lambda match: colours[match[0]], svg)
    svg = re.sub(r'(<path\b[^>]*style="fill: )#ffffff', rf"\g<1>{colours['#fdfdfc']}", svg)
    ink = colours["#1c2024"]  # for ticks, which matplotlib draws black; black text is on light cells and stays
    return re.sub(r'(<use\b[^>]*style="stroke: )#000000', rf"\g<1>{ink}", svg)
