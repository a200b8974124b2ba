"""The fonts of PDFs: DejaVu Sans of matplotlib, cut down once to the signs of most charts.

matplotlib cuts the whole font down for each PDF, which takes ten times as long as to draw it.
"""

import atexit
from collections.abc import Iterable
from functools import cache
from tempfile import TemporaryDirectory

import matplotlib
from fontTools import subset
from matplotlib.text import Text

FILES = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")
SIGNS = frozenset(
    [*range(0x20, 0x250), *range(0x370, 0x400), *range(0x2000, 0x2070), *range(0x2190, 0x2300), *range(0x25A0, 0x2600)]
)  # Latin, Greek, punctuation, arrows, operators, shapes


def use_small_fonts(texts: Iterable[Text]) -> None:
    """Set texts that need no other signs in the small fonts, which look the same."""
    for text in texts:
        if SIGNS.issuperset(map(ord, text.get_text())):
            font = text.get_fontproperties()
            font.set_file(small_fonts()[font.get_weight() == "bold"])


@cache
def small_fonts() -> tuple[str, str]:
    """The paths of the regular and the bold font, made once in a process, in one folder: PDFs are in their order."""
    folder = TemporaryDirectory()
    atexit.register(folder.cleanup)
    options = subset.Options(glyph_names=True, name_IDs=["*"], notdef_outline=True)
    options.drop_tables += ["FFTM", "GDEF", "GPOS", "GSUB", "MATH"]  # kerning has a table of its own
    for name in FILES:
        with subset.load_font(f"{matplotlib.get_data_path()}/fonts/ttf/{name}", options) as font:
            cut = subset.Subsetter(options)
            cut.populate(unicodes=SIGNS)
            cut.subset(font)
            font.save(f"{folder.name}/{name}")
    return tuple(f"{folder.name}/{name}" for name in FILES)
