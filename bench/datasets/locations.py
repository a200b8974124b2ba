"""Where data sets lie: $BENCH_DATA/NAME, a folder that was added under the name, or what was fetched."""

from __future__ import annotations

import json
import os
from pathlib import Path

from bench.datasets.image import SUFFIXES
from bench.errors import BadInput, described
from bench.files import write
from bench.home import expanded, home

# suffixes, what such a file is, and what to do instead of naming it as a data set
FILES = (
    (" ".join({*SUFFIXES, ".exr"}), "one image file", "name its folder, {parent}, or a folder with it alone"),
    (".zip .tar .gz .tgz .bz2 .xz .7z .rar .zst", "an archive", "unpack it, and name the folder that comes out"),
    (".mat .h5 .hdf5", "a file of arrays", "name its folder if it is SIDD's, else save each image as PNG"),
    (".npy .npz .lmdb .mdb .pkl .pt .pth .parquet .tfrecord", "a file of arrays", "save each image as PNG in a folder"),
    (".mp4 .avi .mov .mkv .y4m .yuv", "a film", "save its frames as PNG in a folder"),
    (".heic .heif .avif .dng .cr2 .nef .arw .raf .psd", "one picture of a format that is not read", "save it as PNG"),
    ("", "a file", "name the folder of the images"),
)


def locate(name: str) -> Path | None:
    """The folder of a named data set, or None."""
    for root in filter(None, os.environ.get("BENCH_DATA", "").split(os.pathsep)):
        if (expanded(Path(root)) / name).is_dir():
            return expanded(Path(root)) / name
    if name in added_datasets():
        return Path(added_datasets()[name])
    return download_folder(name) if download_folder(name).is_dir() else None


def download_folder(name: str) -> Path:
    """Where a set lies once it is fetched."""
    return home() / "data" / name


def added_datasets() -> dict[str, str]:
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
    write(_settings(), json.dumps({**added_datasets(), name: str(folder.resolve())}, indent=1).encode())


def _settings() -> Path:
    return home() / "datasets.json"


def not_a_folder(path: Path) -> BadInput:
    """The error for a path in the place of a folder of images: what it is, and what to write."""
    if not path.exists():
        return BadInput(f"there is no folder {path}")
    suffix = path.suffix.lower()
    kind, do = next(((kind, do) for suffixes, kind, do in FILES if suffix in suffixes.split()), FILES[-1][1:])
    return BadInput(f"{path} is {kind}, expected a folder of images: {do.format(parent=path.parent)}")
