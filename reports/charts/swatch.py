"""A model's line and marker as in the charts, small enough for running text."""

from functools import cache

from markupsafe import Markup
from matplotlib.lines import Line2D
from matplotlib.markers import MarkerStyle
from matplotlib.patches import PathPatch

from reports.charts.chart import Chart
from reports.charts.style import SeriesStyle, style

WIDTH, HEIGHT, LINE, MARKER = 22, 10, 2, 6.8  # CSS pixels


@cache
@style()
def swatch(look: SeriesStyle) -> Markup:
    """A style -> an SVG of 22 x 10 CSS pixels; hidden from screen readers, because a name is next to it."""
    chart, middle = Chart(WIDTH / 72, HEIGHT, HEIGHT, ""), HEIGHT / 2
    line = Line2D([0, WIDTH], [middle, middle], **look.line, linewidth=LINE, transform=chart.points)
    chart.figure.add_artist(line)
    if look.marker:  # as a path, because a marker of a line has an id, and a page has many swatches
        shape = MarkerStyle(look.marker)
        path = shape.get_path().transformed(shape.get_transform().scale(MARKER, -MARKER).translate(WIDTH / 2, middle))
        chart.figure.add_artist(PathPatch(path, facecolor=look.colour, linewidth=0, transform=chart.points))
    return Markup(chart.svg(WIDTH, "swatch"))
