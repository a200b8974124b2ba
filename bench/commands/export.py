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
@click.option("--protocol", help="For means, of a run with several protocols.")
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False),
              help="A file.  [default: standard output; parquet needs a file]")  # fmt: skip
def export(folder, kind, per, protocol, out) -> None:
    """Write the rows of a run as csv, parquet, json, markdown or latex."""
    from bench import statistics
    from bench.errors import BadInput
    from bench.files import write
    from bench.runs import export
    from bench.runs.conditions import conditions_of
    from bench.runs.latest import latest, started_in
    from bench.runs.store import Store
    from bench.statistics.standings import standings

    with Store.open(folder) as store:
        frame, started = store.rows(), started_in(store)
    if per != "image" and len(frame):
        protocols = sorted(set(frame["protocol"]))
        if protocol is None and len(protocols) > 1:
            raise BadInput(
                f"{folder} has rows of several protocols: add --protocol {' or --protocol '.join(protocols)}"
            )
        frame = frame[frame["protocol"] == (protocol or protocols[0])]
        if not len(frame):
            raise BadInput(f"{folder} has no rows of the protocol {protocol!r}; it has {', '.join(protocols)}")
        if started:
            frame = latest(frame, started, protocol or protocols[0])[0]
        conditions = conditions_of(started, protocol or protocols[0])
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
