"""Tables for papers in LaTeX: models down, noises across, the best and those statistically tied with it in bold."""

from collections.abc import Sequence
from itertools import groupby

from reports import latex
from reports.latex import Source
from reports.measures import PSNR, Measure
from reports.panels.leaderboard import Column, cells, columns_of, latex_mean, marks, ranked
from reports.results import NOISY, NoiseAverage, NoiseSetting, Results

LAYOUTS = {
    "leaderboard": "reference noise, OOD mean, mean of each noise",
    "levels": "every noise at every level",
}
SYMBOLS = {"sigma": r"\sigma", "alpha": r"\alpha", "var": r"\sigma^2", "density": "d", "peak": r"\lambda"}


def paper_tables(
    results: Results,
    layout: str,
    measures: Sequence[Measure] = (PSNR,),
    transpose: bool = False,
    intervals: bool = False,
    caption: str = "",
    label: str = "",
) -> str:
    """One booktabs table per data set; cells of several measures are joined by slashes.

    layout     a key of LAYOUTS
    transpose  noises down, models across
    intervals  with the 95% intervals
    caption    LaTeX source, '' for a generated one
    label      for references; of several tables each gets the number of its data set: tab:x-2
    """
    tables = []
    for number, dataset in enumerate(results.datasets, 1):
        own = label if not label or len(results.datasets) == 1 else f"{label}-{number}"
        tables.append(_table(results, dataset, layout, measures, transpose, intervals, caption, own))
    return "\n".join(tables)


def _table(results, dataset, layout, measures, transpose, intervals, caption, label) -> str:
    columns = _columns(results, dataset, layout, measures[0])
    scores = [{column: cells(results, dataset, column, measure) for column in columns} for measure in measures]
    parts = _parts(results, dataset, measures[0], columns, scores[0])
    generated = _caption(results, dataset, measures, intervals)
    explained = f"% {generated}\n" if caption else ""  # the marks, which a caption of the user may not explain
    caption = Source(caption) if caption else generated

    def cell(column: Column, model: str) -> str:
        found = [own[column][model][0] for own in scores]
        return "/".join(latex_mean(one, intervals) for one in found) + marks(found[0])

    if not transpose:
        rows: list[Sequence[str] | str] = []
        for heading, models in parts:
            rows += [r"\midrule"] if rows else []
            if heading:
                rows.append(rf"\multicolumn{{{1 + len(columns)}}}{{l}}{{\emph{{{latex.escape(heading)}}}}} \\")
            rows += [[latex.escape(results.label(model)), *(cell(one, model) for one in columns)] for model in models]
        groups = [(name, len(list(run))) for name, run in groupby(_title(results, one) for one in columns)]
        return explained + latex.table(caption, groups, ["Method", *map(level_heading, columns)], rows, label=label)
    models = [model for _, own in parts for model in own]
    rows = []
    for title, run in groupby(columns, key=lambda column: _title(results, column)):
        rows += [r"\midrule"] if rows else []
        for index, column in enumerate(run):
            first = latex.escape(title) if index == 0 else ""
            rows.append([first, latex.escape(level_heading(column)), *(cell(column, model) for model in models)])
    header = ["Noise", "Level", *map(results.label, models)]
    return explained + latex.table(caption, (), header, rows, "ll" + "r" * len(models), label)


def _columns(results: Results, dataset: str, layout: str, measure: Measure) -> list[Column]:
    part = results.summary[(results.summary["dataset"] == dataset) & results.summary[measure.key].notna()]
    columns = columns_of(results, dataset, measure, set(part["noise"]))
    if layout == "levels":
        return [one for one in columns if isinstance(one, NoiseSetting)]
    averaged = {level for one in columns if isinstance(one, NoiseAverage) and one.name for level in one.settings}
    kept = [one for one in columns if one not in averaged]
    return sorted(kept, key=lambda one: one != results.reference)


def _parts(results, dataset, measure, columns, scores) -> list[tuple[str, list[str]]]:
    """(heading, models) of each group, the best first; the noisy input last."""
    bodies, noisy = ranked(results, dataset, measure, tuple(columns), scores)
    parts = [(one.heading, [row.model for row in one.lines]) for one in bodies]
    return [*parts, *([("", [NOISY])] if noisy else [])]


def _title(results: Results, column: Column) -> str:
    """The heading of the columns of a noise."""
    if isinstance(column, NoiseAverage) and not column.name:
        return ""
    card = next((card for card in results.study.noises if card.name == column.name), None)
    return (card and card.title) or column.name


def level_heading(column: Column) -> str:
    """A level in mathematics: gaussian(sigma=25) -> $\\sigma=25$; other columns by their label."""
    if isinstance(column, NoiseAverage):
        return "mean" if column.name else column.label
    parts = [part.strip().partition("=") for part in column.label.split(",")]
    if not all(equals and _is_number(value) for _, equals, value in parts):
        return column.label
    named = (
        f"{SYMBOLS[name]}={value}" if name in SYMBOLS else rf"\mathrm{{{latex.escape(name)}}}={value}"
        for name, _, value in parts
    )
    return Source(f"${', '.join(named)}$".replace(r"\mathrm{level}=", ""))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _caption(results: Results, dataset: str, measures: Sequence[Measure], intervals: bool) -> str:
    title = "/".join(measure.heading for measure in measures)
    better = ", ".join(f"{one.title}: {'higher' if one.higher_is_better else 'lower'} is better" for one in measures)
    shown = " Brackets: 95% interval over photographs." if intervals else ""
    return (
        f"{title} on {dataset}, protocol {results.study.protocol}. Bold: best or statistically tied with it. "
        f"Dagger: in distribution; arrow: below the noisy input. {better}.{shown}"
    )
