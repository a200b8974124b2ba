"""Sections of the site: one module per panel, with a constant `PANEL` and a template of the same name.

Templates are in templates/panels/. `context` takes the results and the site writer (on the pages of models also the
model) and returns the variables of the template, or None for no section.
"""

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

Context = Callable[..., dict[str, object] | None]


@dataclass(frozen=True)
class Panel:
    """A section: its page (a key of reports.pages.PAGES, or MODEL), its order on that page, its heading."""

    page: str
    order: int
    title: str
    context: Context


def load_panels() -> dict[str, Panel]:
    """Panels by module name, in order."""
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    panels = {name: panel_of(import_module(f"{__name__}.{name}")) for name in names}
    return dict(sorted(panels.items(), key=lambda item: (item[1].order, item[0])))


def panel_of(module: ModuleType) -> Panel:
    """A module -> its panel. Raises TypeError for a module without one."""
    panel = getattr(module, "PANEL", None)
    if not isinstance(panel, Panel):
        raise TypeError(f"{module.__name__}: expected a constant PANEL of type reports.panels.Panel, got {panel!r}")
    return panel
