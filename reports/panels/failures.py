"""Rows that failed, counted by reason."""

from reports.folder import SiteFolder
from reports.panels import Panel
from reports.results import Results

SHOWN = 50


def context(results: Results, folder: SiteFolder) -> dict[str, object] | None:
    """Reasons with the rows that they cost; None where nothing failed."""
    failed = results.failed
    if failed.empty:
        return None
    groups = failed.fillna({"reason": ""}).groupby(["model", "dataset", "reason"], observed=True, dropna=False)
    counts = groups.agg(count=("noise", "size"), noises=("noise", lambda noise: list(dict.fromkeys(noise))))
    counts = counts.sort_values("count", ascending=False, kind="stable").reset_index()
    address = folder.csv("tables/failed.csv", failed)
    return {
        "causes": counts.head(SHOWN).to_dict("records"),
        "more": max(len(counts) - SHOWN, 0),
        "failed": len(failed),
        "total": len(results.rows),
        "address": address,
    }


PANEL = Panel("overview", 50, "Failed rows", context)
