"""The models side by side; each has a page of its own."""

from reports.folder import SiteFolder
from reports.panels import Panel
from reports.panels.model_card import context as model_context
from reports.results import Results


def context(results: Results, folder: SiteFolder) -> dict[str, object] | None:
    """The models of the run in order."""
    if not results.models:
        return None
    return {"entries": [model_context(results, folder, model) for model in results.models]}


PANEL = Panel("models", 0, "Models", context)
