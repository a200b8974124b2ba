"""Numbers, intervals, file names and ties."""

import math
import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bench.statistics import mean_intervals
from reports import formatting, latex
from reports.charts import themes
from reports.charts.heatmap import ink
from reports.charts.lettering import legible, spread
from reports.charts.style import ACCENT, DARK, PAPER, VARIABLES, WARM
from reports.paired import leaders, means_alone, rank_ranges

pytestmark = pytest.mark.slow


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


def test_times_have_two_digits():
    assert [formatting.seconds(value) for value in (0.0034, 0.0301, 2.54, 312.4)] == ["0.0034", "0.030", "2.5", "312"]
    assert formatting.seconds(math.nan) == formatting.MISSING


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


def of_bench(table: pd.DataFrame) -> np.ndarray:
    """The intervals that `bench report` hands in."""
    return mean_intervals(table.to_numpy(float))


def paired_scores() -> pd.DataFrame:
    generator = np.random.default_rng(0)
    images = generator.normal(30, 3, 20)
    scores = {
        "best": images + 0.5 + generator.normal(0, 0.05, 20),
        "worse by a little, always": images + generator.normal(0, 0.05, 20),
        "as good, noisily": images + 0.45 + generator.normal(0, 1.0, 20),
    }
    scores["as good, noisily"] += scores["best"].mean() - 0.1 - scores["as good, noisily"].mean()
    return pd.DataFrame(scores)


def test_best_and_ties_are_paired():
    scores = paired_scores()
    best, tied = leaders(scores.mean().to_dict(), scores, True, of_bench)
    assert best == "best"
    assert tied == {"best", "as good, noisily"}
    best, tied = leaders(scores.mean().to_dict(), scores, False, of_bench)
    assert best == "worse by a little, always" and "best" not in tied


def test_a_rival_that_is_ahead_on_one_image_alone_is_no_tie():
    scores = pd.DataFrame({"best": np.full(20, 30.5), "other": np.linspace(29.9, 30.1, 20)})
    scores.loc[0, "other"] = 30.6
    assert leaders(scores.mean().to_dict(), scores, True, of_bench) == ("best", {"best"})
    assert leaders(scores.mean().to_dict(), scores, False, of_bench) == ("other", {"other"})


def test_ranks_are_those_that_the_intervals_of_all_pairs_allow():
    scores = paired_scores()
    wide = stats.ttest_1samp(scores["as good, noisily"] - scores["worse by a little, always"], 0).pvalue
    assert 0.01 < wide < 0.2  # close: what its interval says is asked below, not assumed
    low = mean_intervals((scores["as good, noisily"] - scores["worse by a little, always"]).to_numpy()[:, None])[0, 1]
    third = {"as good, noisily": (1, 2), "worse by a little, always": (3, 3)}
    second = {"as good, noisily": (1, 3), "worse by a little, always": (2, 3)}
    assert rank_ranges(scores, True, of_bench) == {"best": (1, 2), **(third if low > 0 else second)}
    turned = rank_ranges(scores, False, of_bench)
    assert turned["worse by a little, always"][0] == 1 and turned["best"] == (2, 3)
    assert rank_ranges(scores[["best"]], True, of_bench) == {"best": (1, 1)}


def test_ties_without_images_or_numbers():
    assert leaders({}, pd.DataFrame(), True, of_bench) == (None, frozenset())
    assert leaders({"a": math.nan}, pd.DataFrame(), True, of_bench) == (None, frozenset())
    assert leaders({"a": 1.0, "b": 1.0, "c": 0.5}, pd.DataFrame(), True, of_bench)[1] == {"a", "b"}
    one = pd.DataFrame({"a": [31.0], "b": [30.0]})
    # A single image tells no two models apart.
    assert leaders({"a": 31.0, "b": 30.0}, one, True, of_bench)[1] == {"a"}
    assert rank_ranges(one, True, of_bench) == {"a": (1, 2), "b": (1, 2)}


def test_without_intervals_there_are_means():
    values = np.array([[1.0, np.nan], [2.0, np.nan], [np.nan, np.nan]])
    found = means_alone(values, np.array(["a", "b", "c"]))
    assert found[0, 0] == 1.5 and np.isnan(found[0, 1:]).all() and np.isnan(found[1]).all()


def test_labels_do_not_touch():
    places = spread([10, 11, 12, 100], 14, 0, 120)
    assert all(b - a >= 14 - 1e-9 for a, b in zip(places, places[1:], strict=False)) and places[-1] <= 120
    labels = [(10_000 * level, str(level)) for level in (0.002, 0.004, 0.008, 0.012, 0.016, 0.02)]
    named = {label for _, label in legible(labels, 11.5)}
    assert named >= {"0.02", "0.008"} and "0.002" not in named


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
