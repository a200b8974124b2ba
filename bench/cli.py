"""The command line: a thin skin over the Python calls. Heavy imports happen inside the commands.

Exit codes: 0 all done, 2 bad input (nothing lost), 3 some rows failed, 130 interrupted.
"""

from __future__ import annotations

import sys
from importlib import import_module

import click

from bench import analyses, paths
from bench.errors import BadInput, unknown

COMMANDS = (
    *("run", "status", "compare", "report", "export", "runs", "publish", "site", "train", "noise", "models", "data"),
    *(card.name for card in analyses.cards()),
)


class Refused(click.ClickException):
    """A `BadInput` on its way to the terminal: one line, exit code 2."""

    exit_code = 2


class Suggesting(click.Group):
    """A group that answers a mistyped command with the nearest ones, in one line, and expands ~ in paths."""

    def resolve_command(self, context: click.Context, args: list[str]):
        known = self.list_commands(context)
        if args[0] not in known and not context.resilient_parsing:  # so in the shell's completion
            raise unknown("command", args[0], known)
        name, command, rest = super().resolve_command(context, args)
        return name, command and paths.expand_path_options(command), rest


class Group(Suggesting):
    """The commands of `bench.commands`, a module each; `BadInput` becomes one line."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        return getattr(import_module(f"bench.commands.{name}"), name) if name in COMMANDS else None

    def invoke(self, context: click.Context):
        try:
            return super().invoke(context)
        except BadInput as error:
            raise Refused(str(error)) from error
        except KeyboardInterrupt:
            click.echo("interrupted: what was committed is kept; the same command goes on", err=True)
            sys.exit(130)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="maskbench", prog_name="bench")
def main() -> None:
    """Does an image denoiser still work on noise it was not trained on, and why?

    \b
    bench run --models all --noise mixture     evaluate; rows go into runs/latest
    bench compare runs/latest runs/before      what moved, and whether that says anything
    bench report runs/latest                   make the pages, in site/
    bench publish site                         put them on a gh-pages branch, or --zip
    """
