"""Errors that a user can mend: one line each, saying what came, what was wanted and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class BadInput(ValueError):
    """The command, a file or a value is wrong; nothing was lost. The command line exits with code 2."""


def unknown(kind: str, name: str, choices: Iterable[str]) -> BadInput:
    """The error for a name that is not there, with the nearest names that are."""
    choices = sorted(choices)
    lower = {choice.lower(): choice for choice in choices}
    near = [lower[match] for match in difflib.get_close_matches(name.lower(), lower, n=2, cutoff=0.6)]
    hint = f" Did you mean {' or '.join(repr(match) for match in near)}?" if near else ""
    return BadInput(f"unknown {kind} {name!r}.{hint} There are: {', '.join(choices) or 'none'}")


def told(error: BaseException) -> str:
    """What another's code raised, in one line: "KeyError: 'width'"."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
