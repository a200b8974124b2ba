"""Sections of the site, one module each, found by module name.

A panel is a module here with a constant `PANEL` and a template of the module's name in templates/panels/.
Its `context` takes the results and the folder to write to (and the model, on the pages of models), and returns what
the template needs, or None where there is nothing to show.
"""

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

Context = Callable[..., dict[str, object] | None]


@dataclass(frozen=True)
class Panel:
    """A section: the page that it stands on (a key of reports.pages.PAGES, or MODEL), its place, its heading."""

    page: str
    order: int
    title: str
    context: Context


def found() -> dict[str, Panel]:
    """Panels by module name, in the order in which they are shown."""
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    panels = {name: panel_of(import_module(f"{__name__}.{name}")) for name in names}
    return dict(sorted(panels.items(), key=lambda item: (item[1].order, item[0])))


def panel_of(module: ModuleType) -> Panel:
    """A module -> its panel; says what is missing."""
    panel = getattr(module, "PANEL", None)
    if not isinstance(panel, Panel):
        raise TypeError(f"{module.__name__} must define PANEL, a reports.panels.Panel; it has {panel!r}")
    return panel
