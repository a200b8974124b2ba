"""The command line: a thin skin over the Python calls. Heavy imports happen inside the commands.

Exit codes: 0 all done, 2 bad input (nothing lost), 3 some rows failed, 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from bench import analyses
from bench.core import output, paths
from bench.core.errors import BadInput, shortened, unknown

GROUPS = {  # title in `bench --help` -> commands, in their order
    "Evaluate": ("run", "score", "status", "compare", "export", "runs"),
    "Inspect": tuple(card.name for card in analyses.cards()),
    "Data and models": ("noise", "data", "models", "train"),
    "Reproduce": ("reproduce",),
    "Publish": ("report", "figure", "publish", "site", "submit", "board"),
}
COMMANDS = tuple(name for names in GROUPS.values() for name in names)
MAX_SUMMARY = 200  # characters of a command's summary in a list of commands: more than any has


class Refused(click.ClickException):
    """A `BadInput` on its way to the terminal: one line, exit code 2."""

    exit_code = 2


class Suggesting(click.Group):
    """A group of commands. It answers a mistyped command with the nearest ones, in one line, and expands ~ in paths."""

    def resolve_command(self, context: click.Context, args: list[str]):
        known = self.list_commands(context)
        if args[0] not in known and not context.resilient_parsing:  # so in the shell's completion
            raise unknown("command", args[0], known)
        name, command, rest = super().resolve_command(context, args)
        return name, command and paths.expand_path_options(command), rest

    def sections(self, context: click.Context) -> dict[str, Sequence[str]]:
        """The commands as help lists them: title of a section -> names."""
        return {"Commands": self.list_commands(context)}

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands by section, with the first line of each one's help in full."""
        for title, names in self.sections(context).items():
            with formatter.section(title):
                formatter.write_dl([(name, self._summary(context, name)) for name in names])

    def _summary(self, context: click.Context, name: str) -> str:
        return self.get_command(context, name).get_short_help_str(limit=MAX_SUMMARY)


class MainGroup(Suggesting):
    """The commands of `bench.commands`, a module each; `BadInput` becomes one line."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def sections(self, context: click.Context) -> dict[str, Sequence[str]]:
        return GROUPS

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        return getattr(import_module(f"bench.commands.{name}"), name) if name in COMMANDS else None

    def main(self, *args: Any, **options: Any) -> Any:
        try:
            with output.safe_streams():
                return super().main(*args, **options)
        except output.OutputError as error:
            if not error.closed:
                click.echo(f"Error: {error}", err=True)
            sys.exit(2)

    def invoke(self, context: click.Context):
        try:
            return super().invoke(context)
        except output.OutputError:
            raise
        except BadInput as error:
            raise Refused(str(error)) from error
        except OSError as error:  # of a path that the file system refuses, such as one that is too long
            subject = f"{shortened(str(error.filename))}: " if error.filename else ""
            raise Refused(f"{subject}{error.strerror or error}") from error
        except KeyboardInterrupt as interrupt:  # of a command that keeps work with what it kept
            click.echo(": ".join(filter(None, ("interrupted", str(interrupt)))), err=True)
            sys.exit(130)


@click.group(cls=MainGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="maskbench", prog_name="bench")
def main() -> None:
    """Test how well image denoisers generalize to noise they were not trained on.

    Evaluate models on many noises and data sets, compare them with confidence intervals and significance tests,
    inspect what happens inside a network, and publish the results as a web site.

    \b
    Examples:
      bench run --models all --noise mixture     evaluate; rows are written to runs/latest
      bench compare runs/latest                  compare ours with the baseline
      bench report runs/latest                   make the pages, in site/
      bench publish site                         push them to the branch gh-pages

    "bench COMMAND --help" describes a command.
    """
