"""Processes that the project starts: none imports from the current folder, and none leaves children behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

SAFE_PATH = "PYTHONSAFEPATH"  # the environment variable of Python's option -P
WINDOWS = sys.platform == "win32"


def start_python(module: str, **options: Any) -> subprocess.Popen[Any]:
    """Start a module as a program in a session of its own, so that an interrupt from the terminal does not reach it.

    A file such as random.py in the current folder is not imported in place of a library's module. `options` are those
    of `subprocess.Popen`.
    """
    group = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)  # on Windows alone
    flags: dict[str, Any] = {"creationflags": group} if WINDOWS else {"start_new_session": True}
    return subprocess.Popen([sys.executable, "-P", "-m", module], **flags, **options)


@contextmanager
def isolated_children() -> Iterator[None]:
    """A context in which Python processes that libraries start do not import from the current folder either."""
    before = os.environ.get(SAFE_PATH)
    os.environ[SAFE_PATH] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[SAFE_PATH]
        else:
            os.environ[SAFE_PATH] = before


def kill(process: subprocess.Popen[Any]) -> None:
    """Kill a process of `start_python` with the processes that it started, and wait for its end."""
    if WINDOWS:
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False)
        process.kill()
    else:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # also when it has ended itself: its children may live on
    process.wait()


def ending(process: subprocess.Popen[Any]) -> str:
    """How a process ended, as text."""
    code = process.wait()
    if code < 0 and -code == getattr(signal, "SIGKILL", None):
        return "its process was killed, probably because memory was exhausted"
    return f"its process ended with {signal.Signals(-code).name if code < 0 else f'code {code}'}"
