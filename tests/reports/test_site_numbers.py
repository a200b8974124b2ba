"""Numbers, intervals, file names and ties."""

import math
import re

import numpy as np
import pytest
from scipy import stats

from reports import formatting, latex
from reports.charts import themes
from reports.charts.heatmap import ink
from reports.charts.level_curve import legible, spread
from reports.charts.style import ACCENT, DARK, PAPER, VARIABLES, WARM
from reports.paired import leaders, mean_interval, t_quantile


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(31.236, 2, "31.24"), (-0.004, 2, "0.00"), (-1.5, 1, "\u22121.5"), (math.nan, 2, "–"), (None, 2, "–")],
)
def test_number(value, digits, text):
    assert formatting.number(value, digits) == text


def test_interval():
    assert formatting.interval(30.1, 31.25, 2) == "30.10\N{EN DASH}31.25"
    assert formatting.interval(-0.5, 0.5, 1) == "\N{MINUS SIGN}0.5 to 0.5"
    assert formatting.interval(math.nan, 1, 2) == ""


def test_counts():
    assert formatting.count(824118) == "824,118"
    assert [formatting.short_count(n) for n in (999, 94118, 824118, 11504163)] == [
        "999",
        "94.1k",
        "824k",
        "11.5M",
    ]
    assert formatting.level(0.024) == "0.024" and formatting.level(15.0) == "15" and formatting.level(math.nan) == ""


def test_slug_is_safe_and_free():
    taken = set()
    names = [
        "../../etc/passwd",
        "..",
        "<script>",
        "CBSD68(crop=256, limit=16)",
        "\N{GRINNING FACE}",
        "x" * 500,
        "x" * 400,
    ]
    slugs = [formatting.slug(name, taken) for name in names]
    assert len(set(slugs)) == len(names)
    for one in slugs:
        assert set(one) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.") and ".." not in one and len(one) <= 43


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 9, 30, 67, 1000])
def test_quantile_against_scipy(freedom):
    assert t_quantile(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=1.5e-3)


def test_mean_interval_against_scipy():
    values = np.random.default_rng(3).normal(30, 2, 24)
    mean, low, high = mean_interval(np.append(values, np.nan))
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (mean, low, high) == pytest.approx((values.mean(), expected.low, expected.high), rel=1e-6)


def test_best_and_ties_are_paired():
    generator = np.random.default_rng(0)
    images = generator.normal(30, 3, 20)
    scores = {
        "best": images + 0.5 + generator.normal(0, 0.05, 20),
        "worse by a little, always": images + generator.normal(0, 0.05, 20),
        "as good, noisily": images + 0.45 + generator.normal(0, 1.0, 20),
    }
    scores["as good, noisily"] += scores["best"].mean() - 0.1 - scores["as good, noisily"].mean()
    best, tied = leaders({name: values.mean() for name, values in scores.items()}, scores, True)
    assert best == "best"
    assert tied == {"best", "as good, noisily"}
    best, tied = leaders({name: values.mean() for name, values in scores.items()}, scores, False)
    assert best == "worse by a little, always" and "best" not in tied


def test_ties_without_images_or_numbers():
    assert leaders({}, {}, True) == (None, frozenset())
    assert leaders({"a": math.nan}, {}, True) == (None, frozenset())
    assert leaders({"a": 1.0, "b": 1.0, "c": 0.5}, {}, True)[1] == {"a", "b"}
    one = {"a": np.array([31.0]), "b": np.array([30.0])}
    # A single image tells no two models apart.
    assert leaders({"a": 31.0, "b": 30.0}, one, True)[1] == {"a"}


def test_labels_do_not_touch():
    places = spread([10, 11, 12, 100], 14, 0, 120)
    assert all(b - a >= 14 - 1e-9 for a, b in zip(places, places[1:], strict=False)) and places[-1] <= 120
    assert legible([0.002, 0.004, 0.008, 0.012, 0.016, 0.02], 200) >= {0.02, 0.008}
    assert 0.002 not in legible([0.002, 0.004, 0.008, 0.012, 0.016, 0.02], 200)


def test_charts_and_style_sheet_have_the_same_colours():
    sheet = themes.SHEET.read_text(encoding="utf-8")
    for colour, variable in VARIABLES.items():
        assert re.search(rf"{variable}: (light-dark\({colour}, #\w+\)|{colour});", sheet), variable
    assert set(VARIABLES) - set(themes.dark_colours()) == {DARK}


def test_a_figure_in_the_dark():
    light = (
        '<svg ><path d="M0 0" style="fill: #ffffff"/><path style="fill: none; stroke: #0072b2"/>'
        '<text style="fill: #ffffff">on a dark cell</text><use style="stroke: #000000"/></svg>'
    )
    dark = themes.darkened(light)
    assert 'd="M0 0" style="fill: #14171b"' in dark and "stroke: #56aee8" in dark and "stroke: #e4e7ea" in dark
    assert '<text style="fill: #ffffff">' in dark


@pytest.mark.parametrize(("value", "strength"), [(v, s / 50) for v in (1.0, -1.0) for s in range(46)])
def test_numbers_on_a_heatmap_can_be_read_in_both_themes(value, strength):
    sheet = themes.SHEET.read_text(encoding="utf-8")
    for theme in (0, 1):

        def shown(colour, theme=theme):
            pair = re.search(rf"{VARIABLES[colour]}: light-dark\((#\w+), (#\w+)\)", sheet)
            return np.array([int((pair.groups()[theme] if pair else colour)[i : i + 2], 16) for i in (1, 3, 5)]) / 255

        cell = strength * shown(ACCENT if value > 0 else WARM) + (1 - strength) * shown(PAPER)
        light, dark = sorted((luminance(cell), luminance(shown(ink(value, strength)))), reverse=True)
        assert (light + 0.05) / (dark + 0.05) > 3


def luminance(colour: np.ndarray) -> float:
    """Relative luminance of an sRGB colour in [0, 1]. Source: WCAG 2.1."""
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_latex_escapes():
    assert latex.escape("a_b & 50% $x$ \\end") == r"a\_b \& 50\% \$x\$ \textbackslash{}end"
