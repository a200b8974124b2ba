"""`bench status`: how far a run is."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--cells", is_flag=True, help="A line for each noise and seed, too.")
def status(folder, cells) -> None:
    """Say what a run has done, what failed and what is missing, and who works on it."""
    from bench import lock
    from bench.console import print_frame
    from bench.progress import duration
    from bench.runs import status as found

    now = found.of(folder)
    click.echo(now.command or "(a run from Python)")
    by = ["model", "data set", *(["noise", "seed"] if cells else [])]
    print_frame(now.cells.groupby(by, sort=False, as_index=False)[["rows", "done", "failed", "missing"]].sum())
    complete = int((now.cells["missing"] + now.cells["failed"] == 0).sum())
    click.echo(f"{complete} of {len(now.cells)} cells complete, {now.missing} rows missing")
    for reason, count in now.reasons.items():
        click.echo(f"{count} rows failed: {reason}")
    for left in now.skipped:
        click.echo(left)
    if now.writer is None:
        ended = "ended by itself" if now.finished else "did not end by itself: the same command goes on"
        click.echo(f"nobody writes here now; the last command {ended}")
        return
    rate = f"{60 * now.rate:.1f} rows a minute" if now.rate else "starting"
    left = f", about {duration(now.missing / now.rate)} left" if now.rate else ""
    click.echo(f"written by {lock.described(now.writer)}: {rate}{left}")
