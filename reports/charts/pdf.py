"""Charts as PDF by ReportLab: one page of the size of the chart, text as text in embedded fonts."""

import io
from collections.abc import Sequence
from functools import cache

import matplotlib
from reportlab.lib.colors import HexColor
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas as Paper

from reports.charts import shapes
from reports.charts.svg import Chart

POINTS_PER_PIXEL = 0.75  # CSS pixels
ROUND = 1  # ReportLab's constant for round line caps and joins


def pdf(chart: Chart) -> bytes:
    """A chart -> the bytes of its PDF, equal for equal charts."""
    written = io.BytesIO()
    size = (chart.width * POINTS_PER_PIXEL, chart.height * POINTS_PER_PIXEL)
    paper = Paper(written, size, invariant=True, pageCompression=True)
    paper.setTitle(chart.description)
    paper.scale(POINTS_PER_PIXEL, POINTS_PER_PIXEL)
    paper.setLineCap(ROUND)
    paper.setLineJoin(ROUND)
    for shape in shapes.flat(chart.shapes):
        draw(paper, shape, chart.height)
    paper.save()
    return written.getvalue()


def draw(paper: Paper, shape: shapes.Shape, height: float) -> None:
    """Draw one shape; y runs upwards in PDF and downwards in shapes."""
    colour = HexColor(shape.colour)
    match shape:
        case shapes.Polyline(points, _, width, dash, opacity):
            paper.setStrokeColor(colour, opacity)
            paper.setLineWidth(width)
            paper.setDash([part * width for part in dash])
            paper.drawPath(path(paper, points, height), stroke=1, fill=0)
            paper.setDash()
        case shapes.Area(points, _, opacity):
            paper.setFillColor(colour, opacity)
            outline = path(paper, points, height)
            outline.close()
            paper.drawPath(outline, stroke=0, fill=1)
        case shapes.Disc(x, y, radius, _, hollow):
            paper.setFillColor(colour, 1)
            paper.setStrokeColor(colour, 1)
            paper.setLineWidth(1.7)
            paper.circle(x, height - y, radius, stroke=int(hollow), fill=int(not hollow))
        case shapes.TextLabel():
            write(paper, shape, height)


def path(paper: Paper, points: Sequence[shapes.PointXY], height: float):
    """An open path through points."""
    outline = paper.beginPath()
    for index, (x, y) in enumerate(points):
        (outline.lineTo if index else outline.moveTo)(x, height - y)
    return outline


def write(paper: Paper, text: shapes.TextLabel, height: float) -> None:
    """Draw a line of text."""
    paper.saveState()
    paper.setFillColor(HexColor(text.colour), 1)
    paper.setFont(fonts()[text.bold], text.size)
    paper.translate(text.x, height - text.y)
    paper.rotate(90 if text.upright else 0)
    put = {"start": paper.drawString, "middle": paper.drawCentredString, "end": paper.drawRightString}[text.anchor]
    put(0, -shapes.CENTRE * text.size, text.text)
    paper.restoreState()


@cache
def fonts() -> dict[bool, str]:
    """Names of the regular and the bold font: DejaVu Sans of matplotlib."""
    names = {False: "DejaVuSans", True: "DejaVuSans-Bold"}
    for name in names.values():
        pdfmetrics.registerFont(TTFont(name, f"{matplotlib.get_data_path()}/fonts/ttf/{name}.ttf"))
    return names
