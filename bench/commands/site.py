"""`bench site`: one site for several runs."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli import Suggesting
from bench.commands.options import shared


@click.group(cls=Suggesting)
def site() -> None:
    """Make one site for several runs."""


@site.command()
@click.argument("sources", nargs=-1, required=True, metavar="RUNS_OR_SITES...", type=click.Path(path_type=Path))
@shared("folder", Path("studies"))
@click.option("--title", default="Studies", show_default=True, metavar="TEXT", help="Title of the page.")
def index(sources, out, title) -> None:
    """Make a page that lists several runs and their results.

    Sources are run folders or sites made by bench report. The page shows the findings of each and how scores changed
    from one to the next.

    \b
    Examples:
      bench site index runs/january runs/june
      bench site index sites/* --title "Denoising studies" -o studies
    """
    from bench.site import site_index

    page = site_index.build(sources, out, title)
    click.echo(f"page: {page.resolve().as_uri()}")
