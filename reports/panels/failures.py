"""Rows that failed, counted by reason."""

from reports.panels import Panel
from reports.results import Results
from reports.site_writer import SiteWriter
from reports.tables import publish

MAX_SHOWN = 50


def context(results: Results, writer: SiteWriter) -> dict[str, object] | None:
    """The number of failed rows by model, data set and reason; None without failed rows."""
    failed = results.failed
    if failed.empty:
        return None
    groups = failed.fillna({"reason": ""}).groupby(["model", "dataset", "reason"], observed=True, dropna=False)
    counts = groups.agg(count=("noise", "size"), noises=("noise", lambda noise: list(dict.fromkeys(noise))))
    counts = counts.sort_values("count", ascending=False, kind="stable").reset_index()
    return {
        "causes": counts.head(MAX_SHOWN).to_dict("records"),
        "more": max(len(counts) - MAX_SHOWN, 0),
        "failed": len(failed),
        "total": len(results.rows),
        "files": publish(writer, ("failed",), failed),
    }


PANEL = Panel("overview", 50, "Failed rows", context)
