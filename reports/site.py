"""Builds the site: every panel fills its template, every page collects its panels."""

from dataclasses import dataclass
from pathlib import Path

import jinja2
import pandas as pd
from markupsafe import Markup

from reports import abstract, formatting, links, panels
from reports.charts.style import look
from reports.charts.swatch import swatch
from reports.folder import SiteFolder
from reports.pages import MODEL, PAGES, Page
from reports.results import NOISY, Results
from reports.study import Study

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Section:
    """A panel ready to stand on its page."""

    anchor: str
    title: str
    body: Markup


def build(study: Study, rows: pd.DataFrame, summary: pd.DataFrame, out: Path) -> Path:
    """Rows (model x noise x image x seed), summary (model x data set x noise) -> index.html in `out`."""
    results = Results(study, rows, summary)
    folder = SiteFolder(out)
    environment = environment_of(results)
    pages = {key: [] for key in PAGES} | {(MODEL, model): [] for model in results.models}
    for name, panel in panels.found().items():
        if panel.page not in (*PAGES, MODEL):
            raise ValueError(f"panel {name} asks for page {panel.page!r}; there are {', '.join((*PAGES, MODEL))}")
        subjects = [(model,) for model in results.models] if panel.page == MODEL else [()]
        for subject in subjects:
            context = panel.context(results, folder, *subject)
            if context is not None:
                body = environment.get_template(f"panels/{name}.html").render(context)
                section = Section(name.replace("_", "-"), panel.title, Markup(body))
                pages[(MODEL, *subject) if subject else panel.page].append(section)
    menu = [page for key, page in PAGES.items() if pages[key] or key == "overview"]
    template = environment.get_template("page.html")
    for key, page in PAGES.items():
        if page in menu:
            folder.text(page.file, template.render(page=page, sections=pages[key], menu=menu))
    for model, file in results.model_files.items():
        page = Page(file, model)
        folder.text(file, template.render(page=page, sections=pages[MODEL, model], menu=menu))
    folder.copy(HERE / "static", "static")
    folder.text(abstract.FILE, abstract.to_json(abstract.abstract(results)))
    folder.close()
    return folder.root / PAGES["overview"].file


def environment_of(results: Results) -> jinja2.Environment:
    """Templates with autoescape, the study and the formats."""
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
        "look": lambda model: look(results.models, model),
    }
    environment.filters |= {
        "number": formatting.number,
        "interval": formatting.interval,
        "level": formatting.level,
        "count": formatting.count,
        "short_count": formatting.short_count,
        "plural": formatting.plural,
        "rank": lambda ranks: formatting.rank(*ranks),
        "printable": formatting.printable,
        "printable_lines": lambda text: "\n".join(formatting.printable(line) for line in text.splitlines()),
        "shortened": formatting.shortened,
    }
    return environment
