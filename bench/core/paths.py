"""The user's own folder, and paths that begin with ~, which a shell expands only at the front of a word.

`--data=~/photos`, `--data "~/photos"` and a run file's `data = "~/photos"` arrive unexpanded.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click


def user_folder() -> Path:
    """Where added data sets and imported weights are kept: $BENCH_HOME, or the system's folder for application data.

    It need not exist yet.
    """
    return expand_user(Path(os.environ.get("BENCH_HOME") or click.get_app_dir("maskbench")))


def expand_user(path: Path) -> Path:
    """A path with a leading ~ or ~user expanded; unchanged if there is no such user."""
    return Path(os.path.expanduser(path))


class ExpandedPath(click.Path):
    """A path option in which a leading ~ or ~user is expanded before the path is checked."""

    @classmethod
    def like(cls, path: click.Path) -> ExpandedPath:
        """The same conditions (existing file, folder, writable) as another path option."""
        made = cls.__new__(cls)
        made.__dict__.update(path.__dict__)
        return made

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        """Expand ~, then check as `click.Path` does."""
        return super().convert(os.path.expanduser(value), parameter, context)


def expand_path_options(command: click.Command) -> click.Command:
    """Make every path option and argument of a command an `ExpandedPath`; returns the command."""
    for parameter in command.params:
        if isinstance(parameter.type, click.Path) and not isinstance(parameter.type, ExpandedPath):
            parameter.type = ExpandedPath.like(parameter.type)
    return command
