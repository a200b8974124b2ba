"""Manifests of `bench noise apply`: which noise made the noisy images of a folder."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from bench.core.errors import BadInput
from noise_zoo.recorded import Applied

MANIFEST, CLEAN = "manifest.json", "clean"  # CLEAN: subfolder of the clean images that a noise writes


def noise_of(noisy: Path, clean: Path) -> Applied | None:
    """Return the noise of a noisy file from its folder's manifest, or None if the file is not listed there.

    Raises BadInput if the noise wrote clean images of its own and `clean` is another one.
    """
    manifest = _manifest(noisy.parent, _changed(noisy.parent))
    if manifest is None or noisy.name not in manifest["files"]:
        return None
    own = noisy.parent / CLEAN
    if str(manifest.get("clean", "")).startswith(CLEAN) and clean.parent != own:
        raise BadInput(
            f"{noisy}: expected the clean images of {manifest['noise']} in {own}, got {clean.parent}: use "
            f"{noisy.parent} as the data set"
        )
    return Applied(manifest["noise"], manifest["version"])


def written_in(folder: Path) -> str:
    """Return the noise spec in a folder's manifest if any listed file exists, else ''."""
    manifest = _manifest(folder, _changed(folder))
    return manifest["noise"] if manifest and any((folder / name).is_file() for name in manifest["files"]) else ""


def _changed(folder: Path) -> float:
    path = folder / MANIFEST
    return path.stat().st_mtime if path.is_file() else 0.0


@lru_cache(maxsize=64)
def _manifest(folder: Path, changed: float) -> dict[str, Any] | None:
    """Read a manifest of `bench noise apply`; None if there is none, or if another program wrote it."""
    if not changed:
        return None
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    valid = (
        isinstance(manifest, dict)
        and isinstance(manifest.get("files"), dict)
        and isinstance(manifest.get("noise"), str)
    )
    return manifest if valid and isinstance(manifest.get("version"), int) else None
