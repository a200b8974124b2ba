"""The site of a board of submissions: leaderboards, PSNR against cost, a page and a badge per submission."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from reports import tables
from reports.board_data import Board, BoardEntry, BoardGroup
from reports.charts.lines import Point, Series, line_chart
from reports.charts.style import TWO_COLUMNS, series_style
from reports.data import Study
from reports.downloads import PublishedChart, publish
from reports.formatting import count, level, number, plural, rank, seconds, short_count, slug
from reports.pages import SitePage
from reports.results import Results
from reports.site import HERE, Section, environment_of
from reports.site_writer import SiteWriter

TITLE = "MaskBench board"
FILTERS = {
    "reference": "trained on Gaussian 15 only",
    "fixed": "no test-time training",
    "public": "weights public",
    "verified": "verified",
}
FACTS = {  # section, field -> term on the page of a submission
    ("model", "paper"): "Paper",
    ("model", "venue"): "Venue",
    ("model", "link"): "Address of the paper",
    ("model", "code"): "Code",
    ("model", "licence"): "Licence",
    ("model", "spec"): "Spec",
    ("model", "parameters"): "Parameters",
    ("model", "flops_per_pixel"): "FLOPs per pixel",
    ("model", "forward_passes"): "Forward passes",
    ("model", "test_time_training"): "Test-time training",
    ("training", "noise"): "Training noise",
    ("training", "data"): "Training data",
    ("training", "additional_data"): "Additional data",
    ("cost", "seconds"): "Seconds per image",
    ("cost", "hardware"): "Hardware",
    ("files", "weights_url"): "Weights",
    ("files", "weights_sha256"): "SHA-256 of the weights",
    ("files", "outputs_url"): "Outputs",
    ("files", "outputs_sha256"): "SHA-256 of the outputs",
    ("contact", "name"): "Contact",
    ("contact", "address"): "Address",
    ("software", "maskbench"): "MaskBench version",
}


@dataclass(frozen=True)
class Cost:
    """A cost that a submission states: section and field, title, and its values and ticks as text."""

    section: str
    field: str
    title: str
    text: Callable[[float], str]
    tick: Callable[[float], str] = short_count

    def of(self, entry: BoardEntry) -> float:
        """The cost of a submission, NaN if it states none."""
        value = entry.stated(self.section, self.field)
        return math.nan if value is None else float(value)


COSTS = (
    Cost("model", "parameters", "Parameters", short_count),
    Cost("model", "flops_per_pixel", "FLOPs per pixel", short_count),
    Cost("cost", "seconds", "Seconds per image", seconds, level),
)


def build(board: Board, out: Path, address: str = "", benchmark: str = "") -> Path:
    """Write the site of a board; returns its index.html. Raises SiteError if it would replace other files.

    address    where the site will be published, for badges
    benchmark  OWNER/NAME of a data set on a model hub, under which `.eval_results` name the scores; '': write none
    """
    study = Study(TITLE, command=board.command)
    environment = environment_of(Results(study, pd.DataFrame(), pd.DataFrame()))
    keys = [entry.key for entry in board.entries]
    taken: set[str] = set()
    names = {key: slug(key, taken) for key in keys}
    files = {key: f"submission-{name}.html" for key, name in names.items()}
    environment.globals |= {
        "board": board,
        "board_title": TITLE,
        "entries": {entry.key: entry for entry in board.entries},
        "names": names,
        "files": files,
        "costs": COSTS,
        "style": partial(series_style, keys),
        "address": address.rstrip("/"),
    }
    page, body = environment.get_template("page.html"), environment.get_template("board.html")
    with SiteWriter(out) as writer:
        figures = charts(board, files, writer)
        downloads = {
            group.key: tables.publish(writer, ("board", group.key), frame(board, group)) for group in board.groups
        }
        content = body.render(figures=figures, downloads=downloads, filters=shown_filters(board))
        first = SitePage("index.html", "Board")
        sections = [Section("board", "Denoising noise that was not trained on", Markup(content))]
        writer.text(first.file, page.render(page=first, sections=sections, menu=[]))
        for entry in board.entries:
            about = {
                "entry": entry,
                "facts": facts(entry),
                "others": [one for one in board.entries if one.name == entry.name and one.key != entry.key],
                "scores": board.scores[board.scores["submission"] == entry.key].to_dict("records"),
                "badge": writer.text(f"badges/{names[entry.key]}.json", badge(board, entry)),
                "results_file": "",
            }
            if benchmark and any(entry.key in group.scores for group in board.groups):
                text = eval_results(board, entry, benchmark, address and f"{address.rstrip('/')}/{files[entry.key]}")
                about["results_file"] = writer.text(f"eval_results/{names[entry.key]}.yaml", text)
            content = environment.get_template("submission.html").render(about)
            own = SitePage(files[entry.key], entry.name)
            writer.text(own.file, page.render(page=own, sections=[Section("submission", "", Markup(content))], menu=[]))
        writer.copy(HERE / "static", "static")
    return out / first.file


def shown_filters(board: Board) -> dict[str, str]:
    """The filters that some submission passes and some does not."""
    passed = [entry.flags for entry in board.entries]
    return {name: text for name, text in FILTERS.items() if len({name in flags for flags in passed}) > 1}


def facts(entry: BoardEntry) -> list[tuple[str, str]]:
    """What a submission states, as (term, text); absent fields are left out."""
    found = []
    for (section, name), term in FACTS.items():
        value = entry.stated(section, name)
        if value is not None:
            found.append((term, fact(name, value)))
    return found


def fact(name: str, value: object) -> str:
    """A field's value as text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return seconds(value) if name == "seconds" else count(value)
    return str(value)


def frame(board: Board, group: BoardGroup) -> pd.DataFrame:
    """The leaderboard of a group with full precision."""
    lines = []
    for heading, scores in group.bodies:
        for one in scores:
            entry = next(entry for entry in board.entries if entry.key == one.key)
            line = {"submission": one.key, "model": entry.name, "training": heading or "reference noise or none"}
            line |= {"psnr": one.mean, "psnr_low": one.low, "psnr_high": one.high}
            line |= dict(zip(("first rank", "last rank"), one.ranks, strict=True))
            line |= {cost.field: cost.of(entry) for cost in COSTS} | group.columns.loc[one.key].to_dict()
            lines.append(
                line | {"verified": bool(entry.agrees), "trained on test images": ", ".join(entry.contaminated)}
            )
    return pd.DataFrame(lines)


def charts(board: Board, files: dict[str, str], writer: SiteWriter) -> list[tuple[Cost, PublishedChart, list[str]]]:
    """PSNR of the first group against each cost that two submissions state, and the names without that cost."""
    if not board.groups:
        return []
    group, found = board.groups[0], []
    entries = [entry for entry in board.entries if entry.key in group.scores]
    keys = [entry.key for entry in board.entries]
    for cost in COSTS:
        shown = [entry for entry in entries if cost.of(entry) > 0]
        if len(shown) < 2:
            continue
        series = []
        for entry in shown:
            one = group.scores[entry.key]
            title = f"{entry.name}: {number(one.mean, 2)} dB, {cost.title.lower()} {cost.text(cost.of(entry))}"
            point = Point(math.log10(cost.of(entry)), one.mean, address=files[entry.key], title=title)
            series.append(Series(entry.name, series_style(keys, entry.key), (point,)))
        data = pd.DataFrame([(entry.key, cost.of(entry), group.scores[entry.key].mean) for entry in shown])
        data.columns = ["submission", cost.field, "psnr"]
        description = "; ".join(one.points[0].title for one in series)
        draw = partial(
            line_chart,
            series,
            ticks(series, cost),
            f"{group.title}: mean PSNR (dB)",
            description,
            font=7,
            axis=cost.title,
        )
        figure = publish(writer, ("cost", cost.field), partial(draw, width=TWO_COLUMNS * 0.75), data, 424, draw)
        found.append((cost, figure, [entry.name for entry in entries if entry not in shown]))
    return found


def ticks(series: Sequence[Series], cost: Cost) -> dict[float, str]:
    """1, 2 and 5 times the powers of ten around the values, by their logarithm."""
    values = [point.x for one in series for point in one.points]
    powers = range(math.floor(min(values)), math.ceil(max(values)) + 1)
    steps = [(power + math.log10(factor), factor * 10.0**power) for power in powers for factor in (1, 2, 5)]
    first = max(position for position, _ in steps if position <= min(values))
    last = min(position for position, _ in steps if position >= max(values))
    return {at: cost.tick(round(value, 12)) for at, value in steps if first <= at <= last}


def badge(board: Board, entry: BoardEntry) -> str:
    """The badge of a submission, JSON as the endpoint of shields.io reads it."""
    group = next((group for group in board.groups if entry.key in group.scores), None)
    label = "MaskBench" if group is None else f"MaskBench {group.title}"
    message = "not comparable" if group is None else standing(group, entry.key)
    checked = "" if entry.agrees else ", unverified"
    content = {"schemaVersion": 1, "label": label, "message": message + checked}
    return json.dumps(content | {"color": "blue" if entry.agrees else "lightgrey"}, ensure_ascii=False) + "\n"


def standing(group: BoardGroup, key: str) -> str:
    """'26.98 dB, rank 1–2 of 5'."""
    one = group.scores[key]
    return f"{number(one.mean, 2)} dB" + (f", rank {rank(*one.ranks)} of {one.ranked}" if one.ranked > 1 else "")


def eval_results(board: Board, entry: BoardEntry, benchmark: str, address: str) -> str:
    """The scores of a submission as YAML for the folder `.eval_results` of its repository on Hugging Face.

    Strings are quoted as in JSON, which YAML includes. Source: https://huggingface.co/docs/hub/eval-results.
    """
    lines = []
    for group in board.groups:
        if entry.key not in group.scores:
            continue
        one = group.scores[entry.key]
        checked = "verified" if entry.agrees else "unverified"
        note = f"mean PSNR in dB, {plural(group.images, 'image')}, protocol {board.protocol}, {checked}"
        task = slug(group.title).replace("-", "_")
        lines += ["- dataset:", f"    id: {json.dumps(benchmark)}", f"    task_id: {json.dumps(task)}"]
        lines += [f"  value: {one.mean:.4f}"]
        lines += ["  source:", f"    url: {json.dumps(address)}", f"    name: {json.dumps(TITLE)}"] if address else []
        lines += [f"  notes: {json.dumps(note)}"]
    return "\n".join(lines) + "\n"
