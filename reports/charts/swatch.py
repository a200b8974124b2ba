"""A model's line and marker as they are in every chart, small enough to stand in text."""

from markupsafe import Markup

from reports.charts import shapes
from reports.charts.style import Look

WIDTH, HEIGHT, LINE, RADIUS = 22, 10, 2, 3.4


def swatch(look: Look) -> Markup:
    """A look -> an SVG of 22 x 10 CSS pixels; it repeats a name beside it, and so says nothing to those who listen."""
    middle = HEIGHT / 2
    drawn = [shapes.Line(((0, middle), (WIDTH, middle)), look.colour, LINE, look.dash)]
    drawn += [shapes.marker(WIDTH / 2, middle, look.marker, look.colour, RADIUS)] if look.marker else []
    body = "".join(shape.svg() for shape in drawn)
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    return Markup(f'<svg class="swatch" {size} aria-hidden="true">{body}</svg>')
