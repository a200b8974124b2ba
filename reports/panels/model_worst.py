"""The image of each noise on which a model is furthest behind the best other model."""

from dataclasses import dataclass

import pandas as pd

from reports import latex, links
from reports.formatting import number, signed
from reports.pages import MODEL
from reports.panels import Panel
from reports.results import NOISY, Results
from reports.site_writer import SiteWriter
from reports.tables import publish

MAX_SHOWN = 12
COLUMNS = ("dataset", "image", "noise", "seed", "noisy", "psnr", "best", "best model", "behind")


@dataclass(frozen=True)
class WorstImage:
    """One image under one noise; scores are PSNR as text, `behind` is the model minus the best other model in dB."""

    dataset: str
    noise: str
    image: str
    own: str
    best: str
    best_model: str
    behind: str
    noisy: str
    address: str


def context(results: Results, writer: SiteWriter, model: str) -> dict[str, object] | None:
    """The worst image of each noise, the furthest behind first; None if all rows of the model failed."""
    table = results.side_by_side
    if model not in table.columns:
        return None
    table = table[table[model].notna()]
    group = results.group_of(model)
    others = table[[name for name in group.models if name != model and name in table.columns]]
    best = others.max(axis=1) if len(others.columns) else table[NOISY]
    behind = (table[model] - best).dropna()
    worst = behind.groupby(table.loc[behind.index, "noise_name"], sort=False).idxmin()
    order = behind[worst].sort_values(kind="stable").index[:MAX_SHOWN]
    made_worse = int((table[model] < table[NOISY]).sum())
    records = [record(table.loc[at], others.loc[at], model) for at in order]
    cases = [case(one, model) for one in records]
    return {
        "cases": cases,
        "files": publish(
            writer, ("behind", model), pd.DataFrame(records, columns=COLUMNS), latex_table(results, model, cases)
        ),
        "made_worse": made_worse,
        "count": len(table),
        "alone": len(others.columns) == 0,
        "seeds": table["seed"].nunique() > 1,
    }


def record(row: pd.Series, others: pd.Series, model: str) -> dict[str, object]:
    """One image with full precision."""
    known = others.dropna().astype(float)
    name = known.idxmax() if len(known) else NOISY
    keys = {key: row[key] for key in ("dataset", "image", "noise", "seed")}
    own, best = float(row[model]), float(row[name])
    return {**keys, "noisy": row[NOISY], "psnr": own, "best": best, "best model": name, "behind": own - best}


def case(one: dict[str, object], model: str) -> WorstImage:
    """A record as text."""
    address = links.images(one["dataset"], one["noise"], model, one["image"], int(one["seed"]))
    own, best, noisy = (number(one[key], 2) for key in ("psnr", "best", "noisy"))
    texts = (own, best, one["best model"], signed(one["behind"], 2), noisy)
    return WorstImage(one["dataset"], one["noise"], one["image"], *texts, address)


def latex_table(results: Results, model: str, cases: list[WorstImage]) -> str:
    """The table as LaTeX."""
    body = [
        (one.dataset, one.image, one.noise, one.noisy, one.own, one.best, results.label(one.best_model), one.behind)
        for one in cases
    ]
    label = results.label(model)
    header = ["data set", "image", "noise", "noisy", label, "best other", "", "difference"]
    caption = f"The image of each noise on which {label} is furthest behind the best other model; PSNR in dB."
    return latex.plain_table(caption, header, body, "lllrrrlr")


PANEL = Panel(MODEL, 20, "Worst images", context)
