"""Atomic writing of files."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from bench.core.errors import BadInput

STORE_FILES = ("rows.sqlite", "manifest.json", "lock", "writer.json")  # of a run folder


class StoreFull(OSError):
    """A file or a store cannot be written, because the disk is full or permission is missing.

    What was committed before is kept.
    """


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a killed process leaves the old file or the new one. Raises StoreFull."""
    part = path.with_name(path.name + ".part")
    try:
        if path.exists() and not path.is_file():  # a device or pipe, such as /dev/stdout, is not replaced
            path.write_bytes(content)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        Path(part).replace(path)
    except OSError as error:
        with suppress(OSError):  # if the folder could not be made, there is no partial file either
            part.unlink()
        raise StoreFull(f"{path} cannot be written: {error.strerror or error}") from error


def write(path: Path, content: bytes) -> None:
    """Write a file that the user named, atomically, and make its folders.

    Raises BadInput if it cannot be written, or if it would replace a file of a run's store.
    """
    if path.name in STORE_FILES and (path.parent / STORE_FILES[0]).exists():
        raise BadInput(f"expected a new file, got {path}, which is part of a run: choose another name")
    try:
        write_whole(path, content)
    except StoreFull as error:
        raise BadInput(str(error)) from error
