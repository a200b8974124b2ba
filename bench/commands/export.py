"""`bench export`: the rows of a run as a table in a file format."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from bench.commands.options import filter_options, shared

FORMATS = ("csv", "parquet", "json", "markdown", "latex")


@click.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@shared("format", "csv", type=click.Choice(FORMATS))
@click.option(
    "--per",
    type=click.Choice(["image", "cell", "model", "table"]),
    show_default="image",
    help="What a row is, as listed above.",
)
@click.option(
    "--layout",
    metavar="leaderboard|levels|psnr/ssim",
    show_default="leaderboard, without --per",
    help="With --format latex: a table for a paper, models in rows and noises in columns, the best and its "
    "statistical ties in bold. leaderboard: PSNR at the reference noise, OOD mean, mean of each noise; "
    "levels: every level; psnr/ssim or other metrics with slashes: every level, several metrics in a "
    "cell.",
)
@click.option("--transpose", is_flag=True, help="With --layout: noises in rows, models in columns.")
@click.option("--intervals", is_flag=True, help="With --layout: with the 95% intervals.")
@click.option("--caption", default="", metavar="TEXT", help="With --layout: caption, as LaTeX source.")
@click.option("--label", default="", metavar="NAME", help="With --layout: label for references, e.g. tab:results.")
@filter_options
@shared("protocol", absent="all in the run; means need one")
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="With --per image: add the rows that are not in the selection, "
    "such as those of older weights or replaced images.",
)
@shared("file", absent="standard output", also="parquet needs one.")
def export(folder, filters, kind, per, protocol, everything, out, layout, **table) -> None:
    """Write the rows of a run as a table.

    RUN is a run folder. --per chooses what a row is:

    \b
      image  the scores of one model on one image, noise and seed
      cell   means with 95% intervals of one model, data set and noise
      model  OOD means, mean rank and relative error of one model on a data set
      table  a plain table, noises in rows and models in columns: PSNR ± half its 95% interval

    Column model: the spec; column label: the name in tables and charts.

    Only current rows are written: those computed with the present weights, images and noise versions. Others are listed
    on standard error; --all adds them.

    \b
    Examples:
      bench export runs/latest --format csv -o rows.csv
      bench export runs/latest --format latex --layout psnr/ssim -o table.tex
    """
    from bench.core.errors import BadInput
    from bench.core.files import write
    from bench.core.output import unfiltered
    from bench.runs import export, selection
    from bench.runs.conditions import conditions_of
    from bench.runs.run_specs import RunModels
    from bench.runs.store import Store

    if kind == "latex" and per is None and layout is None and not everything:
        layout = "leaderboard"
    per = per or "image"
    if layout is not None or any(table.values()):
        if layout is None or kind != "latex":
            missing = "--format latex" if layout else "--layout, e.g. leaderboard"
            raise BadInput(f"a table for a paper needs --layout and --format latex: add {missing}")
        from bench.site import report  # imports torch: for tables of papers alone

        content = report.paper_tables(folder, protocol, filters, layout, **table).encode()
        if out is None:
            click.echo(content, nl=False)
        else:
            write(out, content)
        return
    if everything and per != "image":
        raise BadInput(f"--all: expected --per image, got --per {per}: means are over the selection only")
    with Store.open(folder) as store:
        found, started = selection.of_protocols(store), selection.start_entries(store)
        frame = store.rows() if everything else None
        known = RunModels.of_manifest(store.manifest())
    protocols = [one.protocol for one in found]
    if protocol is not None and protocol not in protocols:
        raise BadInput(f"--protocol: expected {' or '.join(protocols)}, the protocols in {folder}, got {protocol!r}")
    if per != "image" and protocol is None and len(found) > 1:
        raise BadInput(f"{folder} has rows of several protocols: add --protocol {' or --protocol '.join(protocols)}")
    found = [one for one in found if protocol in (None, one.protocol)]
    if frame is None:
        frame = selection.merge(found) if per == "image" else found[0].rows
        for left in dict.fromkeys(left for one in found for left in one.others):
            click.echo(left, err=True)
    elif protocol is not None:
        frame = frame[frame["protocol"] == protocol]
    conditions = conditions_of(started, found[0].protocol)
    if len(frame):
        frame = export.tabulate(filters.apply(frame, known, conditions.reference), per, conditions, known, filters)
    if kind == "parquet" and out is None:
        raise BadInput("--format parquet: expected a file, got standard output: add --out rows.parquet")
    content = export.encode(frame, kind)
    if out is not None:
        write(out, content)
        return
    unfiltered(sys.stdout).write(content.decode())
