"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from bench.errors import BadInput


class StoreFull(OSError):
    """A file or a store cannot be written, for want of room or of leave; what was committed is there."""


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a kill leaves the old one or the new one. Raises StoreFull when there is no room."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        os.replace(part, path)
    except OSError as error:
        with suppress(OSError):  # where a folder is missing there is no part of the file either
            part.unlink()
        raise StoreFull(f"{path} cannot be written: {error.strerror or error}") from error


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, with its folders. Raises BadInput where it cannot be written."""
    try:
        write_whole(path, content)
    except StoreFull as error:
        raise BadInput(str(error)) from error
