"""Errors that a user can fix, one line each: `expected X, got Y: what to do`."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

MAX_REASON = 400  # characters of a reason in a row or message


class BadInput(ValueError):
    """A wrong command, file or value. The command line prints the message and exits with code 2."""


def unknown(kind: str, name: str, choices: Iterable[str], where: str = "") -> BadInput:
    """The error for an unknown name of a kind ("noise", "metric"), with up to two similar names and all choices.

    `where` says which choices are meant, " in the run".
    """
    choices = sorted(choices)
    lower = {choice.lower(): choice for choice in choices}
    near = [lower[match] for match in difflib.get_close_matches(name.lower(), lower, n=2, cutoff=0.6)]
    hint = f" Did you mean {' or '.join(repr(match) for match in near)}?" if near else ""
    return BadInput(f"unknown {kind} {name!r}{where}.{hint} Available: {', '.join(choices) or 'none'}")


def shortened(text: object, max_length: int = 80) -> str:
    """The repr of a value in at most `max_length` characters, with ... in its middle if it is longer."""
    text = repr(text)
    return text if len(text) <= max_length else f"{text[: max_length - 23]}...{text[-20:]}"


def described(error: BaseException) -> str:
    """The first line of an error's message; of anything but a ValueError with the name of its class in front.

    It is text that can be printed and stored, of at most MAX_REASON characters, whatever a user-defined error is.
    """
    try:
        message = str(error)
    except Exception:  # the error's own method
        message = ""
    line = storable(next(iter(message.strip().splitlines()), ""))
    return line if isinstance(error, ValueError) and line else f"{type(error).__name__}: {line}".removesuffix(": ")


def storable(text: str) -> str:
    """Text without control characters and lone surrogates, in at most MAX_REASON characters."""
    shown = "".join(letter for letter in text[:MAX_REASON] if letter.isprintable())
    return shown.encode("utf-8", "replace").decode("utf-8") + ("..." if len(text) > MAX_REASON else "")


@contextmanager
def as_bad_input(subject: str = "") -> Iterator[None]:
    """A context in which any exception, as user-defined code may raise, becomes a BadInput: '<subject>: <message>'."""
    try:
        yield
    except Exception as error:
        raise BadInput(f"{subject}: {described(error)}" if subject else described(error)) from error
