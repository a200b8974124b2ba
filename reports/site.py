"""Builds the site: renders the template of each panel and joins panels into pages."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import jinja2
import pandas as pd
from markupsafe import Markup

from reports import formatting, links, panels
from reports.charts.style import series_style
from reports.charts.swatch import swatch
from reports.data import Study
from reports.pages import MODEL, PAGES, SitePage
from reports.results import NOISY, Results
from reports.site_writer import SiteWriter
from reports.summary import FILE as SUMMARY_FILE
from reports.summary import summary_of, to_json

HERE = Path(__file__).parent
MANY_ROWS = 20_000  # from which on charts are drawn by several processes
MOST_PROCESSES = 4


@dataclass(frozen=True)
class Section:
    """A rendered panel."""

    anchor: str
    title: str
    body: Markup


def build(study: Study, rows: pd.DataFrame, summary: pd.DataFrame, out: Path) -> Path:
    """Write the site of a run to `out`; returns its index.html. Raises SiteError if it would replace other files.

    `rows` has one row per model x noise x image x seed, `summary` one per model x data set x noise.
    """
    with drawing_pool(len(rows)) as pool, SiteWriter(out, pool=pool) as writer:
        return out / write(Results(study, rows, summary), writer)


@contextmanager
def drawing_pool(rows: int) -> Iterator[Executor | None]:
    """Processes that draw the charts of a run with this number of rows; None for small runs, which need none."""
    if rows < MANY_ROWS:
        yield None
        return
    count = min(os.cpu_count() or 1, MOST_PROCESSES)
    pool = ProcessPoolExecutor(count, get_context("spawn"), signal.signal, (signal.SIGINT, signal.SIG_IGN))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def write(results: Results, writer: SiteWriter) -> str:
    """Write the pages of a run; returns the address of the first one.

    All charts are asked for before the first page waits for one.
    """
    environment = environment_of(results)
    pages = {key: [] for key in PAGES} | {(MODEL, model): [] for model in results.models}
    found = []
    for name, panel in panels.load_panels().items():
        if panel.page not in (*PAGES, MODEL):
            raise ValueError(f"panel {name}: expected a page of {', '.join((*PAGES, MODEL))}, got {panel.page!r}")
        subjects = [(model,) for model in results.models] if panel.page == MODEL else [()]
        for subject in subjects:
            context = panel.context(results, writer, *subject)
            if context is not None:
                found.append((name, panel.title, (MODEL, *subject) if subject else panel.page, context))
    for name, title, page, context in found:
        body = environment.get_template(f"panels/{name}.html").render(context)
        pages[page].append(Section(name.replace("_", "-"), title, Markup(body)))
    menu = [page for key, page in PAGES.items() if pages[key] or key == "overview"]
    template = environment.get_template("page.html")
    for key, page in PAGES.items():
        if page in menu:
            writer.text(page.file, template.render(page=page, sections=pages[key], menu=menu))
    for model, file in results.model_files.items():
        page = SitePage(file, results.label(model))
        writer.text(file, template.render(page=page, sections=pages[MODEL, model], menu=menu))
    writer.copy(HERE / "static", "static")
    writer.text(SUMMARY_FILE, to_json(summary_of(results)))
    return PAGES["overview"].file


def environment_of(results: Results) -> jinja2.Environment:
    """The template environment: autoescape, the study, the results and the text filters."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "study": results.study,
        "results": results,
        "noisy": NOISY,
        "images": links.images,
        "drawn_swatch": swatch,
        "style": lambda model: series_style(results.models, model),
    }
    environment.filters |= {
        "number": formatting.number,
        "interval": formatting.interval,
        "level": formatting.level,
        "seconds": formatting.seconds,
        "count": formatting.count,
        "short_count": formatting.short_count,
        "plural": formatting.plural,
        "rank": lambda ranks: formatting.rank(*ranks),
        "printable": formatting.printable,
        "printable_lines": lambda text: "\n".join(formatting.printable(line) for line in text.splitlines()),
        "shortened": formatting.shortened,
    }
    return environment
