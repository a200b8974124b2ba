"""Rows that failed, counted by reason."""

import pandas as pd

from reports import latex
from reports.folder import SiteFolder
from reports.panels import Panel
from reports.results import Results
from reports.tables import publish

SHOWN = 50


def context(results: Results, folder: SiteFolder) -> dict[str, object] | None:
    """Reasons with the rows that they cost; None where nothing failed."""
    failed = results.failed
    if failed.empty:
        return None
    groups = failed.fillna({"reason": ""}).groupby(["model", "dataset", "reason"], observed=True, dropna=False)
    counts = groups.agg(count=("noise", "size"), noises=("noise", lambda noise: list(dict.fromkeys(noise))))
    counts = counts.sort_values("count", ascending=False, kind="stable").reset_index()
    return {
        "causes": counts.head(SHOWN).to_dict("records"),
        "more": max(len(counts) - SHOWN, 0),
        "failed": len(failed),
        "total": len(results.rows),
        "files": publish(folder, ("failed",), failed, latex_table(counts)),
    }


def latex_table(counts: pd.DataFrame) -> str:
    """Every cause with all of its noises."""
    keys = ["model", "dataset", "noises", "count", "reason"]
    body = counts.assign(noises=counts["noises"].map(", ".join))[keys].to_numpy().tolist()
    return latex.plain_table("Rows that failed.", ["model", "data set", "noises", "rows", "reason"], body, "lllrl")


PANEL = Panel("overview", 50, "Failed rows", context)
