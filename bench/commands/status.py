"""`bench status`: progress of a run."""

from __future__ import annotations

from pathlib import Path

import click

from bench.commands.options import filter_options, shared


@click.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@filter_options
@shared("protocol", absent="that of the last command")
@click.option("--cells", is_flag=True, help="One line per cell: also by noise and seed.")
def status(folder, filters, protocol, cells) -> None:
    """Show the progress of a run: done, failed and missing rows.

    RUN is a run folder. The last command in it, or the last one under --protocol, is compared with the rows that are
    there. A running command is shown
    with its speed and the estimated time left.

    \b
    Examples:
      bench status runs/latest
      bench status runs/latest --cells
    """
    from bench.core import lock
    from bench.core.console import print_frame
    from bench.core.progress import duration
    from bench.runs import status as progress_of
    from bench.runs.conditions import read_conditions
    from bench.runs.run_specs import RunModels
    from bench.runs.scored_files import ORIGIN
    from reports.formatting import plural

    now, known = progress_of.of(folder, protocol), RunModels.of(folder)
    click.echo(f"command: {now.command or 'bench.run in Python'}")
    chosen = filters.apply(now.cells, known, read_conditions(folder, protocol).reference)
    shown = chosen.assign(model=chosen["model"].map(known.name)).rename(columns={"dataset": "data set"})
    by = ["model", "data set", *(["noise", "seed"] if cells else [])]
    print_frame(shown.groupby(by, sort=False, as_index=False)[["rows", "done", "failed", "missing"]].sum())
    complete = int((chosen["missing"] + chosen["failed"] == 0).sum())
    missing = int(chosen["missing"].sum())
    click.echo(f"{complete} of {len(chosen)} cells complete, {plural(missing, 'row')} missing")
    if now.files:
        click.echo(f"{ORIGIN}: {', '.join(map(known.name, now.files))}")
    for reason, count in now.reasons.items():
        click.echo(f"{plural(count, 'row')} failed: {reason}")
    for left in now.skipped:
        click.echo(left)
    if now.writer is None:
        ended = "finished" if now.finished else "did not finish: resume with the same command"
        click.echo(f"not running; the last command {ended}")
        return
    rate = f"{60 * now.rate:.1f} rows per minute" if now.rate else "starting"
    left = f", about {duration(now.missing / now.rate)} left" if now.rate else ""
    click.echo(f"running in {lock.described(now.writer)}: {rate}{left}")
