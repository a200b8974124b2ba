"""What `bench noise apply` wrote beside noisy images: which noise made them."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from bench.errors import BadInput
from noise_zoo.recorded import Applied

MANIFEST, CLEAN = "manifest.json", "clean"  # CLEAN: the subfolder of clean images that a noise made itself


def noise_of(noisy: Path, clean: Path) -> Applied | None:
    """The noise that made a noisy file, as its folder's manifest says; None where that says nothing of it.

    Raises BadInput where the noise made a clean image of its own, and another one is beside it.
    """
    said = _manifest(noisy.parent, _changed(noisy.parent))
    if said is None or noisy.name not in said["files"]:
        return None
    own = noisy.parent / CLEAN
    if str(said.get("clean", "")).startswith(CLEAN) and clean.parent != own:
        raise BadInput(f"{noisy} was made with {said['noise']}, which makes clean images of its own, in {own}, not "
                       f"{clean.parent}: name {noisy.parent} as the data set")  # fmt: skip
    return Applied(said["noise"], said["version"])


def written_in(folder: Path) -> str:
    """The spec of the noise of a folder's images where most of them are in its manifest; else ''."""
    said = _manifest(folder, _changed(folder))
    return said["noise"] if said and any((folder / name).is_file() for name in said["files"]) else ""


def _changed(folder: Path) -> float:
    path = folder / MANIFEST
    return path.stat().st_mtime if path.is_file() else 0.0


@lru_cache(maxsize=64)
def _manifest(folder: Path, changed: float) -> dict[str, Any] | None:
    """A manifest of `bench noise apply`; None where there is none, or that of another program."""
    if not changed:
        return None
    try:
        said = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError):
        return None
    whole = isinstance(said, dict) and isinstance(said.get("files"), dict) and isinstance(said.get("noise"), str)
    return said if whole and isinstance(said.get("version"), int) else None
