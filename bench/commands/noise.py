"""`bench noise`: the noise zoo."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def noise() -> None:
    """List noises, show one, write noisy copies of a folder."""


@noise.command("list")
def list_() -> None:
    """Noises by name, with the levels that a bare name sweeps and the groups that sweep it."""
    from rich.table import Table

    from bench import noises
    from bench.console import console
    from bench.errors import BadInput
    from bench.spec import format_value

    table = Table("name", "version", "level", "levels", "groups", "definition")
    for name in noises.names():
        try:
            cls = noises.noise_class(name)
        except BadInput as error:  # of another package: the others are listed all the same
            table.add_row(name, "", "", "", "", str(error))
            continue
        levels = ", ".join(map(format_value, cls.levels))
        version = cls.version if isinstance(cls.version, int) else "of its parts"
        table.add_row(name, str(version), cls.axis or "-", levels, ", ".join(cls.groups), cls.formula)
    console().print(table)


@noise.command()
@click.argument("spec")
@click.option(
    "-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write a picture of the levels (PNG)."
)
@click.option("--image", type=click.Path(path_type=Path), help="An image of your own.  [default: builtin's chelsea]")
def show(spec, out, image) -> None:
    """What SPEC is, and what it does to an image: PSNR and SSIM of the stored noisy image.

    A bare name shows all levels.
    """
    from rich.table import Table

    from bench import noises, picture
    from bench.console import console
    from bench.datasets import builtin

    chosen = noises.expand(spec)
    cls = type(chosen[0])
    screen = console()
    screen.print(f"{cls.title}, version {cls.version}\n  {cls.formula}\n  {cls.source}")
    pixels = picture.read(image) if image else builtin.read_crop(builtin.PHOTOGRAPHS[1])
    panels = picture.noisy_versions(pixels, chosen)
    table = Table("noise", "PSNR, dB", "SSIM")
    for panel in panels:
        table.add_row(panel.label, f"{panel.psnr:.2f}", f"{panel.ssim:.4f}")
    screen.print(table)
    if out:
        picture.write_sheet(pixels, panels, out)
        click.echo(f"picture: {out}")


@noise.command()
@click.argument("spec")
@click.argument("source", metavar="IN_DIR", type=click.Path(path_type=Path))
@click.argument("out", metavar="OUT_DIR", type=click.Path(path_type=Path))
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
def apply(spec, source, out, seed) -> None:
    """Write noisy copies of the images in IN_DIR as 8-bit PNGs: the very pixels that `bench run` would use."""
    from bench import picture

    written = picture.apply_to_folder(spec, source, out, seed)
    click.echo(f"{written} images in {out}; manifest: {out / 'manifest.json'}")
