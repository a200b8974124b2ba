"""`bench report`: the pages of a run."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", metavar="[RUN]", type=click.Path(path_type=Path), default=Path("runs/latest"))
@click.option("-o", "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("site"), show_default=True)
@click.option("--protocol", help="Of a run with several protocols.  [default: the one that was run last]")
def report(folder, out, protocol) -> None:
    """Make the pages of a run.

    They are a folder that opens without a server or a network. RUN is a run folder, runs/latest if none is named.
    """
    from bench import report

    page = report.build(folder, out, protocol)
    click.echo(f"page: {page.resolve().as_uri()}")
