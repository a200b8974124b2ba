"""Folders of named data sets: $BENCH_DATA/NAME, a folder registered with `bench data add`, or a download."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from bench.core.errors import BadInput, described, unknown
from bench.core.files import write
from bench.core.paths import expand_user, user_folder
from bench.datasets.image import SUFFIXES

# suffixes, kind of file, and what to use as the data set instead
FILES = (
    (" ".join({*SUFFIXES, ".exr"}), "an image file", "use its folder, {parent}, or a folder with this image only"),
    (".zip .tar .gz .tgz .bz2 .xz .7z .rar .zst", "an archive", "extract it and use the extracted folder"),
    (".mat .h5 .hdf5", "a file of arrays", "use its folder if it is SIDD's, else save each image as PNG"),
    (".npy .npz .lmdb .mdb .pkl .pt .pth .parquet .tfrecord", "a file of arrays", "save each image as PNG in a folder"),
    (".mp4 .avi .mov .mkv .y4m .yuv", "a video", "save its frames as PNG in a folder"),
    (".heic .heif .avif .dng .cr2 .nef .arw .raf .psd", "an image of an unsupported format", "save it as PNG"),
    ("", "another file", "use the folder of the images"),
)


def locate(name: str) -> Path | None:
    """Return the folder of a named data set, or None."""
    for root in filter(None, os.environ.get("BENCH_DATA", "").split(os.pathsep)):
        if (expand_user(Path(root)) / name).is_dir():
            return expand_user(Path(root)) / name
    if name in added_datasets():
        return Path(added_datasets()[name])
    return download_folder(name) if download_folder(name).is_dir() else None


def download_folder(name: str) -> Path:
    """Return the folder that a public set is downloaded to."""
    return user_folder() / "data" / name


def added_datasets() -> dict[str, str]:
    """Return the data sets registered with `bench data add`: {name: folder}. Raises BadInput if the file is broken."""
    if not _settings().exists():
        return {}
    try:
        known = json.loads(_settings().read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{_settings()} cannot be read, {described(error)}: repair or remove it") from error
    if not isinstance(known, dict) or not all(isinstance(folder, str) for folder in known.values()):
        raise BadInput(f"{_settings()}: expected names and folders of data sets, got other JSON: repair or remove it")
    return known


def remember(name: str, folder: Path) -> None:
    """Register a folder as the data set `name`."""
    write(_settings(), json.dumps({**added_datasets(), name: str(folder.resolve())}, indent=1).encode())


def forget(name: str) -> Path:
    """Unregister a data set, or delete the downloaded one of that name; return its folder. Raises BadInput."""
    known, downloaded = added_datasets(), download_folder(name)
    if name in known:
        write(_settings(), json.dumps({key: folder for key, folder in known.items() if key != name}, indent=1).encode())
        return Path(known[name])
    names = [path.name for path in (user_folder() / "data").glob("*") if path.is_dir()]
    if name not in names:  # a name such as / or ../.. would be a folder elsewhere
        raise unknown("added or downloaded data set", name, [*known, *names])
    shutil.rmtree(downloaded)
    return downloaded


def _settings() -> Path:
    return user_folder() / "datasets.json"


def not_a_folder(path: Path) -> BadInput:
    """Return the error for a path that is not a folder of images, with what to use instead."""
    if not path.exists():
        return BadInput(f"expected a folder of images, got {path}, which does not exist: check the path")
    suffix = path.suffix.lower()
    kind, do = next(((kind, do) for suffixes, kind, do in FILES if suffix in suffixes.split()), FILES[-1][1:])
    return BadInput(f"expected a folder of images, got {path}, {kind}: {do.format(parent=path.parent)}")
