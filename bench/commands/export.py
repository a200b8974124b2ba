"""`bench export`: the rows of a run as a table in a file format."""

from __future__ import annotations

import sys
from pathlib import Path

import click

FORMATS = ("csv", "parquet", "json", "markdown", "latex")


@click.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--format", "kind", type=click.Choice(FORMATS), default="csv", show_default=True)
@click.option(
    "--per",
    type=click.Choice(["image", "cell", "model", "table"]),
    default="image",
    show_default=True,
    help="A row per image; per model x data set x noise with means and intervals; per model x "
    "data set with OOD means, mean rank and robustness; or a table to print, noises down and models across: "
    "mean PSNR ± half its 95% interval.",
)
@click.option("--protocol", help="Of a run with several; means need one.")
@click.option("--all", "everything", is_flag=True, help="Of images: also the rows that do not count, of older weights, "
              "replaced pictures and the like.")  # fmt: skip
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False),
              help="A file.  [default: standard output; parquet needs a file]")  # fmt: skip
def export(folder, kind, per, protocol, everything, out) -> None:
    """Write the rows of a run as csv, parquet, json, markdown or latex.

    These are the rows that count: made of what names and settings meant in the last run that had them. What is left
    out is said on standard error.
    """
    from bench import statistics
    from bench.errors import BadInput
    from bench.files import write
    from bench.runs import export, selection
    from bench.runs.conditions import conditions_of
    from bench.runs.store import Store
    from bench.statistics.standings import standings

    if everything and per != "image":
        raise BadInput("--all is for a row per image: means are over rows that belong together")
    with Store.open(folder) as store:
        found, started = selection.of_protocols(store), selection.start_entries(store)
        frame = store.rows() if everything else None
    protocols = [one.protocol for one in found]
    if protocol is not None and protocol not in protocols:
        raise BadInput(f"{folder} has no rows of the protocol {protocol!r}; it has {', '.join(protocols)}")
    if per != "image" and protocol is None and len(found) > 1:
        raise BadInput(f"{folder} has rows of several protocols: add --protocol {' or --protocol '.join(protocols)}")
    found = [one for one in found if protocol in (None, one.protocol)]
    if frame is None:
        frame = selection.merge(found) if per == "image" else found[0].rows
        for left in dict.fromkeys(left for one in found for left in one.others):
            click.echo(left, err=True)
    elif protocol is not None:
        frame = frame[frame["protocol"] == protocol]
    if per != "image" and len(frame):
        conditions = conditions_of(started, found[0].protocol)
        frame = standings(frame, conditions) if per == "model" else statistics.summarize(frame, conditions.reference)
    if per == "table" and len(frame):
        frame = statistics.pivot(frame)
    if kind == "parquet" and out is None:
        raise BadInput("parquet is not text: name a file with --out rows.parquet")
    content = export.encode(frame, kind)
    if out is not None:
        write(out, content)
        return
    try:
        sys.stdout.write(content.decode())
    except OSError as error:
        raise BadInput(f"standard output cannot be written: {error.strerror}") from error
