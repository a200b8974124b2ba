"""`bench data`: data sets."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def data() -> None:
    """List data sets, and add folders under a name."""


@data.command("list")
def list_() -> None:
    """Data sets by name: inside the installation, public, and added; and where they lie."""
    from rich.table import Table

    from bench import datasets
    from bench.console import console
    from bench.datasets import builtin

    table = Table("name", "images", "what", "where")
    for name in builtin.NAMES:
        found = builtin.load(name)
        table.add_row(name, str(len(found.images)), found.title, "in the installation")
    for name in sorted({*datasets.PUBLIC, *datasets.added()}):
        folder = datasets.locate(name)
        count = len(datasets.read_manifest(name)) if name in datasets.PUBLIC else _count(folder)
        where = str(folder) if folder else f"not here: put it into $BENCH_DATA/{name}, or bench data add {name} DIR"
        table.add_row(name, str(count), datasets.PUBLIC.get(name, "added by you"), where)
    console().print(table)
    click.echo("Terms of the pictures in the installation:")
    for photo in (*builtin.PHOTOGRAPHS, *builtin.TISSUE):
        click.echo(f"  {photo.name}: {photo.licence}, from {photo.package}")


def _count(folder: Path) -> str:
    from bench.datasets import SUFFIXES

    return str(sum(f.suffix.lower() in SUFFIXES for f in folder.iterdir())) if folder.is_dir() else "folder is gone"


@data.command()
@click.argument("name")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def add(name, folder) -> None:
    """Remember the images in DIR as the data set NAME; a public name is checked against its SHA-256 list."""
    from bench import datasets

    dataset = datasets.add(name, folder)
    click.echo(f"{name}: {len(dataset.images)} images{', ' + dataset.note if dataset.note else ''}")
