"""The images on which a model falls furthest behind, one for each noise."""

from dataclasses import dataclass

import pandas as pd

from reports import links
from reports.folder import SiteFolder
from reports.formatting import number, signed
from reports.pages import MODEL
from reports.panels import Panel
from reports.results import NOISY, Results

SHOWN = 12


@dataclass(frozen=True)
class Case:
    """One image under one noise; scores are PSNR as text, `behind` is the model less the best of the others."""

    dataset: str
    noise: str
    image: str
    own: str
    best: str
    best_model: str
    behind: str
    noisy: str
    address: str


def context(results: Results, folder: SiteFolder, model: str) -> dict[str, object] | None:
    """The worst case of each noise, the furthest behind first; None where nothing succeeded."""
    table = results.side_by_side
    if model not in table.columns:
        return None
    table = table[table[model].notna()]
    others = table[[name for name in results.models if name != model and name in table.columns]]
    best = others.max(axis=1) if len(others.columns) else table[NOISY]
    behind = (table[model] - best).dropna()
    worst = behind.groupby(table.loc[behind.index, "noise_name"], sort=False).idxmin()
    order = behind[worst].sort_values(kind="stable").index[:SHOWN]
    made_worse = int((table[model] < table[NOISY]).sum())
    return {
        "cases": [case(table.loc[at], others.loc[at], model) for at in order],
        "made_worse": made_worse,
        "count": len(table),
        "alone": len(others.columns) == 0,
        "seeds": table["seed"].nunique() > 1,
    }


def case(row: pd.Series, others: pd.Series, model: str) -> Case:
    """One row."""
    known = others.dropna().astype(float)
    name = known.idxmax() if len(known) else NOISY
    best = float(row[name])
    address = links.images(row["dataset"], row["noise"], model, row["image"], int(row["seed"]))
    texts = (number(row[model], 2), number(best, 2), name, signed(row[model] - best, 2), number(row[NOISY], 2))
    return Case(row["dataset"], row["noise"], row["image"], *texts, address)


PANEL = Panel(MODEL, 20, "Furthest behind", context)
