"""Where data sets lie: $BENCH_DATA/NAME, a folder that was added under the name, or what was fetched."""

from __future__ import annotations

import json
import os
from pathlib import Path

from bench.errors import BadInput, described
from bench.files import write
from bench.home import home


def locate(name: str) -> Path | None:
    """The folder of a named data set, or None."""
    for root in filter(None, os.environ.get("BENCH_DATA", "").split(os.pathsep)):
        if (Path(root) / name).is_dir():
            return Path(root) / name
    if name in added():
        return Path(added()[name])
    return fetched(name) if fetched(name).is_dir() else None


def fetched(name: str) -> Path:
    """Where a set lies once it is fetched."""
    return home() / "data" / name


def added() -> dict[str, str]:
    """Data sets that the user has named with `bench data add`: name -> folder."""
    if not _settings().exists():
        return {}
    try:
        known = json.loads(_settings().read_text())
    except (OSError, ValueError) as error:
        raise BadInput(f"{_settings()} cannot be read: {described(error)}. Mend it, or move it away") from error
    if not isinstance(known, dict) or not all(isinstance(folder, str) for folder in known.values()):
        raise BadInput(f"{_settings()} is no list of data sets and their folders: mend it, or move it away")
    return known


def remember(name: str, folder: Path) -> None:
    write(_settings(), json.dumps({**added(), name: str(folder.resolve())}, indent=1).encode())


def _settings() -> Path:
    return home() / "datasets.json"
