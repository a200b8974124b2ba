"""`bench data`: data sets."""

from __future__ import annotations

from pathlib import Path

import click

from bench.commands.run import whole_numbers


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


@data.command("render-mc")
@click.argument("out", metavar="OUT_DIR", type=click.Path(path_type=Path))
@click.option("--scenes", default="all", show_default=True, help="box, textures, glass, small_light.")
@click.option("--spp", default="64,128", show_default=True, callback=whole_numbers, help="Of the noisy renders.")
@click.option("--reference", type=click.IntRange(2), default=8192, show_default=True, help="Samples of the reference.")
@click.option("--side", type=click.IntRange(8, 4096), default=256, show_default=True, help="Pixels of a side.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--variant", default="auto", show_default=True, help="Of Mitsuba: llvm_ad_rgb, scalar_rgb, ...")
@click.option("--format", "kind", type=click.Choice(["exr", "png"]), default="exr", show_default=True,
              help="Linear light, or tone-mapped 8-bit pictures.")  # fmt: skip
def render_mc(out, scenes, spp, reference, side, seed, variant, kind) -> None:
    """Render pairs with Mitsuba 3 into OUT_DIR: scenes at few samples a pixel, and a reference.

    The noise that the references have left is measured from two halves and written into card.json. The same command
    goes on where it was interrupted. Use them with bench run --data OUT_DIR. Needs pip install 'maskbench[render]'.
    """
    from bench.errors import BadInput, unknown
    from bench.progress import progress
    from bench.rendering import render
    from bench.rendering.scenes import SCENES

    chosen = list(SCENES) if scenes == "all" else [name.strip() for name in scenes.split(",") if name.strip()]
    for name in chosen:
        if name not in SCENES:
            raise unknown("scene", name, SCENES)
    if not chosen:
        raise BadInput("no scene was named: write --scenes all, or --scenes box,glass")
    variant = render.choose_variant(variant)
    settings = render.Settings(tuple(chosen), spp, reference - reference % 2, side, seed, variant)
    click.echo(f"{len(chosen)} scenes of {side}x{side}, {', '.join(map(str, spp))} spp and a reference, with {variant}")
    with progress("passes", settings.passes) as bar:
        for step in render.render_pairs(settings, out, kind):
            bar.skip(1) if step.before else bar.advance(note=step.what)
    click.echo(f"{out}: bench run --data {out}; the noise of the references is in {out / 'card.json'}")
