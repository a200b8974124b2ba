"""Ctrl-C and SIGTERM as a wish: what is in work is finished and saved first; a second one ends at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def graceful_shutdown() -> Iterator[Callable[[], bool]]:
    """A function that says whether the user, or a cluster, has asked to stop since the block began."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():  # only that one hears signals
        yield asked.is_set
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def ask(number: int, frame) -> None:
        asked.set()
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in SIGNALS:
        signal.signal(number, ask)
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
