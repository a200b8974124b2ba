"""Graceful shutdown on Ctrl-C and SIGTERM: the current work is finished and saved; a second signal ends at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def graceful_shutdown() -> Iterator[Callable[[], bool]]:
    """A context that yields a function: whether a signal to stop has arrived since the context was entered.

    The first signal restores the previous handlers, so that the second one takes effect immediately.
    """
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():  # Python delivers signals to the main thread only
        yield stop.is_set
        return
    previous = {number: signal.getsignal(number) for number in SIGNALS}

    def request_stop(number: int, frame: FrameType | None) -> None:
        stop.set()
        for number, handler in previous.items():
            signal.signal(number, handler)

    for number in SIGNALS:
        signal.signal(number, request_stop)
    try:
        yield stop.is_set
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
