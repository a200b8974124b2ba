"""Standard output and error: no control characters of names, no encoding errors, one line if they cannot be written."""

from __future__ import annotations

import codecs
import errno
import os
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from bench.core.errors import BadInput

ASCII = {"\N{MINUS SIGN}": "-", "\N{EN DASH}": "-", "\N{HORIZONTAL ELLIPSIS}": "...", "\N{MULTIPLICATION SIGN}": "x",
         "\N{PLUS-MINUS SIGN}": "+/-", "\N{BULLET}": "*", "\N{GREEK SMALL LETTER SIGMA}": "sigma"}  # fmt: skip
KEPT = "\n\t"
_CONTROL = {code: None for code in (*range(32), *range(127, 160)) if chr(code) not in KEPT}


class OutputError(BadInput):
    """Standard output cannot be written. `closed`: its reader, such as head, has ended, which needs no message."""

    def __init__(self, error: OSError):
        super().__init__(f"cannot write standard output: {error.strerror or error}")
        self.closed = error.errno == errno.EPIPE


def printable(text: str) -> str:
    """Text without control characters, which a name can use to move the cursor or to hide text; newlines are kept."""
    return text.translate(_CONTROL)


class Stream:
    """A text stream whose errors are OutputErrors; without control characters, except through `unfiltered`."""

    def __init__(self, raw: TextIO, filtered: bool = True):
        self.raw, self.filtered = raw, filtered

    @property
    def unfiltered(self) -> Stream:
        """The stream for data and for escape sequences of the program's own."""
        return Stream(self.raw, filtered=False)

    def write(self, text: str) -> int:
        """Write text. Raises OutputError."""
        try:
            return self.raw.write(printable(text) if self.filtered else text)
        except OSError as error:
            raise OutputError(error) from error

    def writelines(self, lines: list[str]) -> None:
        """Write several texts. Raises OutputError."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Write what is buffered. Raises OutputError."""
        try:
            self.raw.flush()
        except OSError as error:
            raise OutputError(error) from error

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)


def unfiltered(stream: TextIO) -> TextIO:
    """The stream that prints control characters too."""
    plain: Any = stream.unfiltered if isinstance(stream, Stream) else stream  # a Stream passes a TextIO's attributes on
    return plain


@contextmanager
def safe_streams() -> Iterator[None]:
    """A context in which standard output and error are `Stream`s, as the command line uses them.

    Characters that their encoding lacks are replaced by similar ones. Raises OutputError at its end for what could not
    be written.
    """
    _open_closed_streams()
    before = sys.stdout, sys.stderr
    for stream in before:
        if hasattr(stream, "reconfigure") and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="maskbench")
    sys.stdout, sys.stderr = map(Stream, before)
    try:
        yield
    finally:
        try:
            sys.stdout.flush()
        except OutputError:
            _discard(before[0])
            raise
        finally:
            sys.stdout, sys.stderr = before


def _open_closed_streams() -> None:
    """Give closed standard streams a file again, so that no file of the program takes their numbers."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            with suppress(OSError):
                os.fstat(number)
                continue
            os.open(os.devnull, os.O_RDONLY)  # of stdout: writing fails, and is reported
            setattr(sys, name, os.fdopen(number, "r" if name == "stdin" else "w", encoding="utf-8"))


def _discard(stream: TextIO) -> None:
    """Send what is still buffered to nowhere, or Python complains at exit."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _similar(error: UnicodeError) -> tuple[str, int]:
    """Handler of encoding errors: '−' -> '-', 'é' -> 'e', others -> '?'."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    plain = (ASCII.get(letter) or unicodedata.normalize("NFKD", letter) for letter in text)
    return "".join(letter.encode("ascii", "ignore").decode() or "?" for letter in plain), error.end


codecs.register_error("maskbench", _similar)
