"""Files that a command writes for its user."""

from __future__ import annotations

from pathlib import Path

from bench.errors import BadInput
from bench.store import StoreFull, write_whole


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, with its folders. Raises BadInput where it cannot be written."""
    try:
        write_whole(path, content)
    except StoreFull as error:
        raise BadInput(str(error)) from error
