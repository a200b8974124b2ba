"""`bench report`: the pages of a run."""

from __future__ import annotations

from pathlib import Path

import click

from bench.commands.options import filter_options, shared


def named_folders(context, parameter, texts: tuple[str, ...]) -> dict[str, Path]:
    """'ours=runs/train/ours' -> folder by model; the last '=' counts, since a label may contain one."""
    if wrong := [text for text in texts if not all(text.rpartition("=")[::2])]:
        raise click.BadParameter(f"expected MODEL=FOLDER such as ours=runs/train/ours, got {wrong[0]!r}")
    return {model: Path(folder) for model, _, folder in (text.rpartition("=") for text in texts)}


@click.command()
@click.argument("folders", metavar="[RUN [OTHER...]]", nargs=-1, type=click.Path(path_type=Path))
@shared("folder", Path("site"))
@filter_options
@shared("protocol", absent="the last one in the run")
@click.option(
    "--training",
    multiple=True,
    metavar="MODEL=FOLDER",
    callback=named_folders,
    help="Show the test curves of a training on the page of its model; FOLDER is the --out of bench train: "
    "ours=runs/train/ours. Repeat for several.",
)
def report(folders, out, filters, protocol, training) -> None:
    """Make a web site of a run: leaderboard, charts and images.

    The site is a folder that opens without a server or network. RUN is a run folder, runs/latest by default. For each
    OTHER run a page shows how RUN differs from it.

    \b
    Examples:
      bench report
      bench report runs/study -o site
      bench report runs/study --models "Mine, masked" --noise mixture
      bench report runs/new runs/old
    """
    from bench.site import report

    folder, *others = folders or (Path("runs/latest"),)
    page = report.build(folder, out, protocol, training, others, filters)
    click.echo(f"page: {page.resolve().as_uri()}")
