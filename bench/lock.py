"""One writer for a folder, of a run or of a training: a lock and a note of who holds it.

A killed process gives the lock back by itself.
"""

from __future__ import annotations

import json
import os
import platform
import shlex
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from bench.errors import BadInput

LOCK, NOTE = "lock", "writer.json"


class WriterLock:
    """Held from `acquire` to `release`, or to the end of the process, whatever ends it."""

    def __init__(self, folder: Path, progress: str):
        self.folder, self.progress = folder, progress  # the latter says how far a writer is
        self._lock = FileLock(folder / LOCK, timeout=0, thread_local=False)

    def acquire(self) -> None:
        """Raises BadInput where another process, or this one, writes into the folder; OSError where nobody can."""
        try:
            self._lock.acquire()
            self._sign()
        except Timeout:
            raise BadInput(
                f"{self.folder} is being written by {described(note(self.folder))}: wait for it "
                f"({self.progress} says how far it is), or name another folder with --out"
            ) from None

    def _sign(self) -> None:
        """Leave a note of who holds the lock."""
        words = {
            "process": os.getpid(),
            "machine": platform.node(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": "bench " + " ".join(map(shlex.quote, sys.argv[1:])),
        }
        (self.folder / NOTE).write_text(json.dumps(words, indent=1))

    def release(self) -> None:
        """Nothing, where it is not held."""
        if self._lock.is_locked:
            with suppress(OSError):
                (self.folder / NOTE).unlink(missing_ok=True)
            self._lock.release()


def writer(folder: Path) -> dict[str, Any] | None:
    """The note of the process that writes into a folder now; None where none does, or where that cannot be told."""
    if not (folder / LOCK).exists():
        return None
    lock = FileLock(folder / LOCK, timeout=0)
    try:
        with lock:
            return None
    except Timeout:
        return note(folder)
    except OSError:  # a folder that cannot be written by this user
        return None


def note(folder: Path) -> dict[str, Any]:
    """What the note says; empty where there is none yet."""
    try:
        found = json.loads((folder / NOTE).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def described(found: dict[str, Any]) -> str:
    """A note in words."""
    if not found:
        return "another process"
    return f"process {found['process']} on {found['machine']} since {found['since']} ({found['command']})"
