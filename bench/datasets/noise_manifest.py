"""Manifests of `bench noise apply`: which noise made the noisy images of a folder."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from bench.core.errors import BadInput
from noise_zoo.recorded import Applied

MANIFEST, CLEAN = "manifest.json", "clean"  # CLEAN: subfolder of the clean images that a noise writes
MAX_DEPTH = 3  # folders between the manifest of several data sets and noises and a noisy image


def noise_of(noisy: Path, clean: Path) -> Applied | None:
    """Return the noise of a noisy file from its folder's manifest, or None if the file is not listed there.

    Raises BadInput if the noise wrote clean images of its own and `clean` is another one.
    """
    manifest = manifest_in(noisy.parent)
    if manifest is None or "noise" not in manifest or noisy.name not in manifest["files"]:
        return None
    own = noisy.parent / CLEAN
    if str(manifest.get("clean", "")).startswith(CLEAN) and clean.parent != own:
        raise BadInput(
            f"{noisy}: expected the clean images of {manifest['noise']} in {own}, got {clean.parent}: use "
            f"{noisy.parent} as the data set"
        )
    return Applied(manifest["noise"], manifest["version"])


def written_in(folder: Path) -> str:
    """Return the noise spec of a folder in a manifest there or above, if any listed file exists, else ''."""
    for top in (folder.resolve(), *folder.resolve().parents[:MAX_DEPTH]):
        if manifest := manifest_in(top):
            below = "" if top == folder.resolve() else f"{folder.resolve().relative_to(top).as_posix()}/"
            listed = (name for name in manifest["files"] if name.startswith(below) and "/" not in name[len(below) :])
            found = next((name for name in listed if (top / name).is_file()), None)
            return "" if found is None else manifest.get("noise") or manifest["files"][found]["noise"]
    return ""


def manifest_in(folder: Path) -> dict[str, Any] | None:
    """Return the manifest of `bench noise apply` in a folder; None if there is none, or another program wrote it."""
    return _manifest(folder, _changed(folder))


def _changed(folder: Path) -> float:
    path = folder / MANIFEST
    return path.stat().st_mtime if path.is_file() else 0.0


@lru_cache(maxsize=64)
def _manifest(folder: Path, changed: float) -> dict[str, Any] | None:
    if not changed:
        return None
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("files"), dict):
        return None
    one = isinstance(manifest.get("noise"), str) and isinstance(manifest.get("version"), int)
    several = isinstance(manifest.get("noises"), dict) and isinstance(manifest.get("datasets"), dict)
    return manifest if one or several else None
