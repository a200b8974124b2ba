"""`bench runs`: what lies in run folders."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli import Suggesting


@click.group(cls=Suggesting)
def runs() -> None:
    """Keep run folders in order."""


@runs.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path, file_okay=False))
@click.option("--failed", is_flag=True, help="Rows that failed; the next run tries them again.")
@click.option("--deleted", is_flag=True, help="Rows of pictures that are no longer in their data set.")
@click.option("--superseded", is_flag=True, help="Rows of replaced pictures, of older weights or sources, and of older "
              "versions of noises.")  # fmt: skip
@click.option("--settings", is_flag=True, help="Rows of another precision, tile or seed than the last run of their "
              "model; not removed unless it is named.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="List what would be removed; remove nothing.")
def prune(folder, dry_run, **options) -> None:
    """Remove rows that do not count, and their pictures: failed, deleted and superseded ones, or those named.

    \b
    bench runs prune runs/latest --dry-run
    bench runs prune runs/latest --failed
    """
    from bench.errors import BadInput
    from bench.files import StoreFull
    from bench.runs import prune, selection
    from bench.runs.store import Store

    chosen = [name for name in prune.CHOICES if options[name]] or list(prune.DEFAULT)
    with Store.open(folder) as store:  # refuses what is no run folder, and makes none
        selection.required_start_entries(store)
        if dry_run:
            click.echo(f"would remove {listed(prune.removable(store, prune.existing_images(store), chosen), chosen)}")
            return
    try:
        with Store.create(folder) as store:
            there = prune.existing_images(store)
            rows = prune.removable(store, there, chosen)
            words = listed(rows, chosen)
            pictures = prune.remove(store, rows, there if "deleted" in chosen else None)
            store.record({"event": "pruned", "removed": words, "pictures": pictures})
    except StoreFull as error:
        raise BadInput(f"{error}. Make room first") from None
    click.echo(f"removed {words}, and {pictures} pictures")


def listed(rows, chosen: list[str]) -> str:
    """'1 failed, 0 deleted, 3 superseded rows'; prints whose they are."""
    for choice in chosen:
        for (model, dataset), part in rows[rows["choice"] == choice].groupby(["model", "dataset"], sort=False):
            images = list(dict.fromkeys(part["image"]))
            more = f" and {len(images) - 3} more" if len(images) > 3 else ""
            click.echo(f"{choice}: {len(part)} rows of {model} on {dataset} ({', '.join(images[:3])}{more})")
    counts = rows["choice"].value_counts()
    return ", ".join(f"{counts.get(choice, 0)} {choice}" for choice in chosen) + " rows"
