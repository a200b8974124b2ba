"""Paths of the command line in which ~ stands for the user's folder: a shell expands it at the front of a word alone.

`--data=~/photos`, `--data "~/photos"` and a run file's `data = "~/photos"` come as they are.
"""

from __future__ import annotations

import os
from typing import Any

import click


class Expanded(click.Path):
    """A path with ~ or ~user at its front expanded, before anything is asked of it."""

    @classmethod
    def like(cls, path: click.Path) -> Expanded:
        """One with the conditions of another path."""
        made = cls.__new__(cls)
        made.__dict__.update(path.__dict__)
        return made

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        return super().convert(os.path.expanduser(value), parameter, context)


def expand(command: click.Command) -> click.Command:
    """The command, whose paths are `Expanded` from now on."""
    for parameter in command.params:
        if isinstance(parameter.type, click.Path) and not isinstance(parameter.type, Expanded):
            parameter.type = Expanded.like(parameter.type)
    return command
