"""`bench runs`: care for run folders."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli import Suggesting


@click.group(cls=Suggesting)
def runs() -> None:
    """Rename models of a run, and clean up run folders."""


@runs.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path, file_okay=False))
@click.argument("pairs", metavar="MODEL=NAME...", nargs=-1, required=True)
def label(folder, pairs) -> None:
    """Rename models of a run in tables, charts and pages.

    MODEL is a spec or the present name of a model of the run. An empty NAME restores the spec. Scores and the keys of
    rows do not change. A figure of an analysis has the new names after its command is run again.

    \b
    Examples:
      bench runs label runs/latest "ours=Chen et al." "UNet(weights='mine.pth')=Mine"
      bench runs label runs/latest "Mine="
    """
    from bench.core.errors import BadInput
    from bench.models import display_names
    from bench.runs import selection
    from bench.runs.run_specs import RunModels, label_in_run
    from bench.runs.store import Store

    if wrong := [pair for pair in pairs if not pair.rpartition("=")[0].strip()]:
        raise BadInput(f"expected MODEL=NAME such as ours=Mine, got {wrong[0]!r}")
    with Store.open(folder) as store:  # refuses what is no run folder, and makes none
        selection.required_start_entries(store)
    with Store.create(folder) as store:
        rows, known = store.rows(), RunModels.of_manifest(store.manifest())
        given = {}
        for model, _, name in (pair.rpartition("=") for pair in pairs):
            given[label_in_run(model.strip(), rows, known, [])] = display_names.checked(name.strip())
        labels = list(dict.fromkeys(rows["model"]))
        entry = {"event": "labelled", "names": given}
        named = {**display_names.given_names(store.manifest()), **given}
        display_names.check_distinct({label: named.get(label, "") for label in labels})
        store.record(entry)
    for model, name in display_names.display_names(labels, named).items():
        click.echo(f"{model}: {name}")


@runs.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path, file_okay=False))
@click.option("--failed", is_flag=True, help="Remove failed rows; the next run computes them again.")
@click.option("--deleted", is_flag=True, help="Remove rows of images that are no longer in their data set.")
@click.option(
    "--superseded",
    is_flag=True,
    help="Remove rows of replaced images, older weights or source code, and older versions of noises.",
)
@click.option(
    "--settings",
    is_flag=True,
    help="Remove rows of another precision, tile or seed than in the last run of their model. Not included by default.",
)
@click.option("--dry-run", is_flag=True, help="List what would be removed, and remove nothing.")
def prune(folder, dry_run, **options) -> None:
    """Remove rows that are not used, and their images.

    RUN is a run folder. Without options, failed, deleted and superseded rows are removed.

    \b
    Examples:
      bench runs prune runs/latest --dry-run
      bench runs prune runs/latest --failed
    """
    from bench.core.errors import BadInput
    from bench.core.files import StoreFull
    from bench.runs import prune, selection
    from bench.runs.store import Store
    from reports.formatting import plural

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
            counts = listed(rows, chosen)
            pictures = prune.remove(store, rows, there if "deleted" in chosen else None)
            store.record({"event": "pruned", "removed": counts, "pictures": pictures})
    except StoreFull as error:
        raise BadInput(f"{error}: free some space first") from None
    click.echo(f"removed {counts} and {plural(pictures, 'image')}")


def listed(rows, chosen: list[str]) -> str:
    """Counts as text, '1 failed, 0 deleted, 3 superseded rows'; prints a line per model and data set."""
    from reports.formatting import plural

    for choice in chosen:
        for (model, dataset), part in rows[rows["choice"] == choice].groupby(["model", "dataset"], sort=False):
            images = list(dict.fromkeys(part["image"]))
            more = f" and {len(images) - 3} more" if len(images) > 3 else ""
            click.echo(f"{choice}: {plural(len(part), 'row')} of {model} on {dataset} ({', '.join(images[:3])}{more})")
    counts = rows["choice"].value_counts()
    return ", ".join(f"{counts.get(choice, 0)} {choice}" for choice in chosen) + " rows"
