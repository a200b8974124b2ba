"""A model's line and marker as in the charts, small enough for running text."""

from markupsafe import Markup

from reports.charts import shapes
from reports.charts.style import SeriesStyle

WIDTH, HEIGHT, LINE, RADIUS = 22, 10, 2, 3.4


def swatch(style: SeriesStyle) -> Markup:
    """A style -> an SVG of 22 x 10 CSS pixels; hidden from screen readers, because a name is next to it."""
    middle = HEIGHT / 2
    drawn = [shapes.Polyline(((0, middle), (WIDTH, middle)), style.colour, LINE, style.dash)]
    drawn += [shapes.marker(WIDTH / 2, middle, style.marker, style.colour, RADIUS)] if style.marker else []
    body = "".join(shape.svg() for shape in drawn)
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    return Markup(f'<svg class="swatch" {size} aria-hidden="true">{body}</svg>')
