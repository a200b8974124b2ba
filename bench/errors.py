"""Errors that a user can mend: one line each, saying what came, what was wanted and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class BadInput(ValueError):
    """The command, a file or a value is wrong; nothing was lost. The command line exits with code 2."""


def unknown(kind: str, name: str, choices: Iterable[str]) -> BadInput:
    """The error for a name that is not there, with the nearest names that are."""
    choices = sorted(choices)
    lower = {choice.lower(): choice for choice in choices}
    near = [lower[match] for match in difflib.get_close_matches(name.lower(), lower, n=2, cutoff=0.6)]
    hint = f" Did you mean {' or '.join(repr(match) for match in near)}?" if near else ""
    return BadInput(f"unknown {kind} {name!r}.{hint} There are: {', '.join(choices) or 'none'}")


def shortened(text: object, most: int = 80) -> str:
    """A value as it is written, in one line, its middle left out where that is long."""
    text = repr(text)
    return text if len(text) <= most else f"{text[: most - 23]}...{text[-20:]}"


def described(error: BaseException) -> str:
    """What an error says, in one line: a ValueError's words, and the kind of any other."""
    words = next(iter(str(error).splitlines()), "")
    return words if isinstance(error, ValueError) and words else f"{type(error).__name__}: {words}".removesuffix(": ")


@contextmanager
def as_bad_input(of: str = "") -> Iterator[None]:
    """Run inside it what a user's code or file may make raise anything: a BadInput that begins with what it is of."""
    try:
        yield
    except (Exception, SystemExit) as error:
        raise BadInput(f"{of}: {described(error)}" if of else described(error)) from error
