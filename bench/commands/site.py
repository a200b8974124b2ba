"""`bench site`: pages over many studies."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli import Suggesting


@click.group(cls=Suggesting)
def site() -> None:
    """Pages over many studies."""


@site.command()
@click.argument("sources", nargs=-1, required=True, metavar="RUNS_OR_SITES...", type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("studies"),
              show_default=True)  # fmt: skip
@click.option("--title", default="Studies", show_default=True)
def index(sources, out, title) -> None:
    """Make one page over run folders and sites: what each found, and how the scores moved between them."""
    from bench.site import site_index

    page = site_index.build(sources, out, title)
    click.echo(f"page: {page.resolve().as_uri()}")
