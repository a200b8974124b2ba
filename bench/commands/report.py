"""`bench report`: the pages of a run."""

from __future__ import annotations

from pathlib import Path

import click


def named_folders(context, parameter, texts: tuple[str, ...]) -> dict[str, Path]:
    """'ours=runs/train/ours' -> a folder by model; a label may have '=' in it, so the last one counts."""
    if wrong := [text for text in texts if not all(text.rpartition("=")[::2])]:
        raise click.BadParameter(f"{wrong[0]!r} came, wanted MODEL=FOLDER")
    return {model: Path(folder) for model, _, folder in (text.rpartition("=") for text in texts)}


@click.command()
@click.argument("folders", metavar="[RUN [OTHER...]]", nargs=-1, type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("site"), show_default=True)
@click.option("--protocol", help="Of a run with several protocols.  [default: the one that was run last]")
@click.option("--training", multiple=True, metavar="MODEL=FOLDER", callback=named_folders,
              help="Where bench train wrote: its test curves stand on the page of that model.")  # fmt: skip
def report(folders, out, protocol, training) -> None:
    """Make the pages of a run.

    They are a folder that opens without a server or a network. RUN is a run folder, runs/latest if none is named; a
    page says how it differs from each OTHER.
    """
    from bench.site import report

    folder, *others = folders or (Path("runs/latest"),)
    page = report.build(folder, out, protocol, training, others)
    click.echo(f"page: {page.resolve().as_uri()}")
