"""`bench board`: the site of a board of submissions."""

from __future__ import annotations

from pathlib import Path

import click

from bench.commands.options import shared


@click.command()
@click.argument("submissions", type=click.Path(path_type=Path, file_okay=False, exists=True))
@shared("folder", Path("site"))
@shared("protocol", absent="that of most submissions")
@click.option(
    "--like",
    metavar="NAME",
    show_default="what most submissions have",
    help="Folder name of the submission whose images, noises, noise versions and seeds the board has.",
)
@click.option(
    "--rerun",
    "reruns",
    multiple=True,
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Run or submission of your own that evaluates submitted models again. Can be repeated.",
)
@click.option("--address", default="", metavar="URL", help="Where the site will be published, for badges.")
@click.option(
    "--benchmark",
    default="",
    metavar="OWNER/NAME",
    help="Data set on Hugging Face that the scores belong to: also write .eval_results of each submission.",
)
def board(submissions, out, protocol, like, reruns, address, benchmark) -> None:
    """Make a board of the submissions in a folder.

    Leaderboards by group of noises, a chart of PSNR against cost, and a page and a badge for each submission. Only
    submissions with the same protocol, pixels, noise versions and seeds are compared; others are listed with the
    reason. A submission is verified if a re-run of the same weights has the same scores.

    \b
    Examples:
      bench board submissions -o site
      bench board submissions --rerun runs/again -o site
    """
    from bench.site import board as pages

    page = pages.build(submissions, out, protocol, like, reruns, address, benchmark)
    click.echo(f"page: {page.resolve().as_uri()}")
