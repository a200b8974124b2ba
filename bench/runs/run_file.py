"""Run files: the options of `bench run` in TOML, under the same names.

    models = ["ours", "baseline"]
    noise = "all"
    datasets = ["CBSD68(crop=256, limit=16)"]
    seeds = [0, 1]
    out = "runs/study"

A list stands for a list with commas on the command line (`data`: for a repeated option). Options on the command line
take precedence over those of the file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.core.errors import BadInput, described, unknown


def read(path: Path, options: Iterable[str]) -> dict[str, Any]:
    """Option -> value, as a default for click. Raises BadInput for an unknown option, with similar ones."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(
            f"the run file {path} cannot be read: {error.strerror}; for a model write --models {path}"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"expected a run file in TOML, got {path}: {described(error)}") from error
    known = {name.replace("_", "-"): name for name in options}
    values = {}
    for key, value in content.items():
        name = known.get(key.replace("_", "-"))
        if name is None:
            raise unknown("option", key, known, f" in {path}")
        values[name] = _as_option(path, key, value)
    return values


def _as_option(path: Path, key: str, value: Any) -> Any:
    parts = value if isinstance(value, list) else [value]
    if not all(isinstance(part, str | int | float) for part in parts):
        raise BadInput(f"{key} in {path}: expected text, a number, or a list of them, got {value!r}")
    if key == "data":
        return [str(part) for part in parts]
    if isinstance(value, list):
        return ", ".join(map(str, parts))
    return value if isinstance(value, bool) else str(value)  # a number for a path is a name
