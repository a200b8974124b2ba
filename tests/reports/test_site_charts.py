"""Charts: sizes, embedded fonts, names that fit, links and hover texts."""

import itertools
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from reports import site
from reports.charts.chart import standalone
from reports.charts.heatmap import heatmap
from reports.charts.lettering import text_width, wrapped
from reports.charts.level_curve import level_curve
from reports.charts.lines import Point, Series
from reports.charts.progress import history_chart, training_chart
from reports.charts.row_charts import Difference, ModelDrop, differences_chart, dots, drop_chart
from reports.charts.style import ONE_COLUMN, TWO_COLUMNS, series_style
from reports.measures import PSNR

pytestmark = pytest.mark.slow

LONG = [f"a_network_{index}(width=64, depth=12345678)" for index in range(10)]  # 40 characters
SHORT = [f"net{index}" for index in range(10)]
KINDS = ("level_curve", "dots", "drop", "differences", "heatmap", "training", "history")


def chart_of(kind: str, names: list[str], width: float, font: float):
    """A chart of a kind with these names, of models where it has models and else of noises."""
    look = [series_style(names, name) for name in names]
    size = {"width": width, "font": font}
    if kind in ("level_curve", "dots"):
        levels = (1.0, 2.0, 4.0) if kind == "level_curve" else (1.0,)
        lines = [
            Series(name, style, tuple(Point(x, 30 - x, 29 - x, 31 - x, f"images.html#{i}-{x:g}") for x in levels))
            for i, (name, style) in enumerate(zip(names, look, strict=True))
        ]
        return (
            level_curve("Title", "sigma", PSNR, lines, **size)
            if kind == "level_curve"
            else dots("Title", PSNR, lines, **size)
        )
    if kind == "drop":
        drops = [
            ModelDrop(name, style, 32.0, 28.0, 4.0, "images.html#a", True)
            for name, style in zip(names, look, strict=True)
        ]
        return drop_chart(drops, "Gaussian 15", "OOD mean over 7 noises", **size)
    if kind == "differences":
        rows = [
            Difference(f"noise {place // 3}", name, 0.1, -0.1, 0.3, "images.html#a") for place, name in enumerate(names)
        ]
        heading = f"PSNR (dB) of {names[0]} on {names[1]}: this run minus {names[2]}"
        return differences_chart(rows, look[0].colour, heading, "All differences", **size)
    if kind == "heatmap":
        values = np.arange(2.0 * len(names)).reshape(2, -1)
        links = [[f"images.html#{row}-{column}" for column in range(len(names))] for row in range(2)]
        rows = [("gaussian", "sigma=15"), (names[0], names[0])]
        return heatmap(rows, names, values, links, links, values > 15, "All drops", **size)
    curves = [
        (name, [(0, 20.0), (1000, 30.0 + i / 10)], style)
        for i, (name, style) in enumerate(zip(names, look, strict=True))
    ]
    if kind == "training":
        return training_chart(curves, **size)
    scores = [(name, [(0, 1.0), (1, 2.0)], style) for name, style in zip(names, look, strict=True)]
    return history_chart(["first", "second"], scores, "PSNR", **size)


def boxes(svg: str) -> list[tuple[str, tuple[float, float, float, float]]]:
    """The texts of a chart, and the points that their letters take: left, top, right, bottom."""
    found = []
    for one in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"):
        style = dict(part.split(": ") for part in one.get("style").split("; "))
        size = float(style["font-size"].removesuffix("px"))
        width = text_width(one.text, size, style.get("font-weight") == "700")
        moved = re.match(r"translate\((\S+) (\S+)\) rotate\(-90\)", one.get("transform", ""))
        if moved:
            x, y = float(moved[1]), float(moved[2])
            found.append((one.text, (x - 0.76 * size, y - width, x + 0.2 * size, y)))
        else:
            x, y = float(one.get("x")), float(one.get("y"))
            left = x - {"start": 0, "middle": width / 2, "end": width}[style.get("text-anchor", "start")]
            found.append((one.text, (left, y - 0.76 * size, left + width, y + 0.2 * size)))
    return found


@pytest.mark.parametrize("names", [SHORT, LONG], ids=["short", "long"])
@pytest.mark.parametrize(("width", "font"), [(ONE_COLUMN, 7), (ONE_COLUMN, 8.5), (TWO_COLUMNS, 8.5)])
@pytest.mark.parametrize("kind", KINDS)
def test_texts_neither_touch_nor_leave_the_chart(kind, width, font, names):
    chart = chart_of(kind, names, width, font)
    drawn = boxes(chart.svg(400, "a"))
    shown = "".join(text for text, _ in drawn).replace(" ", "")
    assert all(name.replace(" ", "") in shown for name in names) and "\N{HORIZONTAL ELLIPSIS}" not in shown
    for text, (left, top, right, bottom) in drawn:
        assert left > -0.5 and right < chart.width + 0.5 and top > -0.5 and bottom < chart.height + 0.5, text
    for (one, a), (other, b) in itertools.combinations(drawn, 2):
        across, down = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
        assert across < 0.5 or down < 0.5, (one, other)


@pytest.mark.parametrize("kind", KINDS)
def test_fonts_of_a_pdf_are_embedded(kind):
    chart = chart_of(kind, [*SHORT[:3], "net\N{HEBREW LETTER ALEF}", "\N{GRINNING FACE}"], ONE_COLUMN, 7)
    chart.svg(400, "links")
    paper = chart.pdf()
    fonts = re.findall(rb"/BaseFont /([\w+-]+)", paper)
    assert fonts and all(b"+DejaVuSans" in font or b"+LastResort" in font for font in fonts), fonts
    assert b"/Helvetica" not in paper and b"/Type3" not in paper and b"/URI" not in paper
    assert paper.count(b"/FontFile2") >= len(set(fonts))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "heatmap"])
def test_width_and_font_are_parameters(kind):
    for width, font in ((ONE_COLUMN, 6.0), (TWO_COLUMNS, 9.0)):
        chart = chart_of(kind, SHORT[:3], width, font)
        box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", chart.pdf())
        assert float(box[1]) == pytest.approx(72 * width)
        svg = chart.svg(400, "a")
        assert f"font-size: {font:g}px" in svg and 'width="400"' in svg and 'width="400' not in standalone(svg)


@pytest.mark.parametrize("kind", KINDS)
def test_svg_of_a_page(kind):
    chart = chart_of(kind, SHORT, ONE_COLUMN, 7)
    svg = chart.svg(400, "first")
    root = ElementTree.fromstring(svg)
    texts = ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert set(SHORT[2:]) <= set(texts), "text is text"
    assert svg == chart_of(kind, SHORT, ONE_COLUMN, 7).svg(400, "first"), "equal charts are equal files"
    ids = [set(re.findall(r'\bid="([^"]+)"', text)) for text in (svg, chart.svg(400, "second"))]
    assert not ids[0] & ids[1], "ids differ between charts of a page"
    assert not re.search(r"(?<!, )#[0-9a-f]{6}\b(?!\))", svg), "every colour is a variable of the page"
    assert "<style" not in svg and "font-family: " not in svg and "_blank" not in svg
    plain = standalone(svg)
    assert "var(" not in plain and "<a" not in plain


@pytest.mark.parametrize(("kind", "count"), [("level_curve", 30), ("heatmap", 20), ("differences", 10), ("dots", 10)])
def test_every_value_has_its_hover_text_and_link(kind, count):
    svg = chart_of(kind, SHORT, ONE_COLUMN, 7).svg(400, "a")
    hovered = re.findall(
        r'<a href="([^"]+)"[^>]*><(?:use|path)[^>]*/?>(?:</use>|</path>)?<title>([^<]+)</title></a>', svg, re.DOTALL
    )
    assert len(hovered) == count
    assert kind == "heatmap" or all(re.search("95% interval", title) for _, title in hovered)


def test_a_name_like_a_colour_stays_a_name():
    assert ">#0072b2</text>" in chart_of("drop", ["#0072b2"], ONE_COLUMN, 7).svg(400, "a")


def test_names_are_divided_at_punctuation():
    name = "a_network_of_mine(width=64, depth=12)"
    lines = wrapped(name, 100, 8)
    assert "".join(lines).replace(" ", "") == name.replace(" ", "") and lines[1][0] == "("
    assert all(text_width(line, 8) <= 80 for line in wrapped("W" * 300, 80, 8))


def test_a_pool_of_processes_draws_the_same(make_study, tmp_path, monkeypatch):
    study = make_study(pictured=0, images=3, datasets=("builtin",), models=("ours", "dncnn"))
    first = site.build(*study, tmp_path / "a").parent
    monkeypatch.setattr(site, "MANY_ROWS", 1)
    second = site.build(*study, tmp_path / "b").parent
    files = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(second) for path in second.rglob("*") if path.is_file())
    assert all((first / one).read_bytes() == (second / one).read_bytes() for one in files)
