"""One writer per folder of a run or a training: a lock file, and a note that names the process that holds it.

The operating system releases the lock of a killed process.
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

from bench.core.errors import BadInput

LOCK_FILE, NOTE_FILE = "lock", "writer.json"
NOTE_KEYS = {"process", "machine", "since", "command"}


class WriterLock:
    """The lock of a folder, held from `acquire` to `release` or to the end of the process.

    progress  the command or file that shows how far a writer has got, for the error message
    """

    def __init__(self, folder: Path, progress: str):
        self.folder, self.progress = folder, progress
        self._lock = FileLock(folder / LOCK_FILE, timeout=0, thread_local=False)

    def acquire(self) -> None:
        """Raises BadInput if the folder is already being written, also by this process; OSError if it is read-only."""
        try:
            self._lock.acquire()
            self._refuse_foreign_note()
            self._write_note()
        except Timeout:
            raise BadInput(
                f"{self.folder} is being written by {described(note(self.folder))}: wait for it "
                f"({self.progress} shows its progress), or name another folder with --out"
            ) from None

    def _refuse_foreign_note(self) -> None:
        """Raises BadInput if a file of another program has the name of the note."""
        path = self.folder / NOTE_FILE
        if path.exists() and not note(self.folder).keys() >= NOTE_KEYS:
            self._lock.release()
            raise BadInput(
                f"expected a folder of a run, got {self.folder} with a file {NOTE_FILE} of something else: "
                "name another folder with --out"
            )

    def _write_note(self) -> None:
        """Record which process holds the lock."""
        content = {
            "process": os.getpid(),
            "machine": platform.node(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": "bench " + " ".join(map(shlex.quote, sys.argv[1:])),
        }
        (self.folder / NOTE_FILE).write_text(json.dumps(content, indent=1), encoding="utf-8")

    def release(self) -> None:
        """Release the lock and remove the note; does nothing if the lock is not held."""
        if self._lock.is_locked:
            with suppress(OSError):
                (self.folder / NOTE_FILE).unlink(missing_ok=True)
            self._lock.release()


def writer(folder: Path) -> dict[str, Any] | None:
    """The note of the process that is writing into a folder; None if there is none, or if that is unknown."""
    if not (folder / LOCK_FILE).exists():
        return None
    lock = FileLock(folder / LOCK_FILE, timeout=0)
    try:
        with lock:
            return None
    except Timeout:
        return note(folder)
    except OSError:  # this user has no permission to write into the folder
        return None


def note(folder: Path) -> dict[str, Any]:
    """The content of a folder's note, with the keys NOTE_KEYS; empty if there is none yet."""
    try:
        content = json.loads((folder / NOTE_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def described(note: dict[str, Any]) -> str:
    """A note as text, 'process 12 on host since 2026-01-01T00:00:00+00:00 (bench run ...)'."""
    if not note.keys() >= NOTE_KEYS:
        return "another process"
    return f"process {note['process']} on {note['machine']} since {note['since']} ({note['command']})"
