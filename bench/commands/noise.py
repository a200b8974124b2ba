"""`bench noise`: the noise zoo."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli import Suggesting


@click.group(cls=Suggesting)
def noise() -> None:
    """List noises, show one, write noisy copies of a folder, tell which noise is in one."""


@noise.command("list")
def list_() -> None:
    """Noises by name, with the levels that a bare name sweeps and the groups that sweep it."""
    from rich.table import Table

    from bench.console import console
    from bench.errors import BadInput
    from bench.noise import noises
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
@click.argument("image", required=False, type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="Draw a contact sheet (PNG).")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
def show(spec, image, out, seed) -> None:
    """What SPEC is, and what it does to IMAGE: PSNR and SSIM of the stored noisy image.

    Without its level a noise shows all levels. IMAGE is the installation's picture of a cat where none is named. The
    contact sheet has the picture at each level, and charts: density, variance against intensity, spectrum, and
    correlation of neighbours, of the noise as it is drawn, before clipping.
    """
    from rich.table import Table

    from bench.console import console
    from bench.datasets import builtin
    from bench.errors import BadInput
    from bench.noise import noises, picture

    if out and out.suffix.lower() != ".png":
        raise BadInput(f"-o {out} came: a contact sheet is a PNG, so its name ends with .png")
    chosen = noises.expand(spec)
    kinds = list(dict.fromkeys(map(noises.noise_name, chosen)))
    if out and len(kinds) > 1:
        raise BadInput(f"-o draws one noise, and {len(kinds)} came ({', '.join(kinds[:4])}): name one")
    pixels = picture.read(image) if image else builtin.read_crop(builtin.PHOTOGRAPHS[1])
    chosen, skipped = noises.for_channels(chosen, pixels.shape[2])
    for sentence in skipped:
        click.echo(f"note: {sentence}", err=True)
    screen = console()
    for cls in dict.fromkeys(map(type, chosen)):
        screen.print(f"{cls.title or cls.__name__}\n  {cls.formula}\n  {cls.source}")
    versions = [picture.noisy_version(pixels, noise, seed) for noise in chosen]
    table = Table("noise", "PSNR, dB", "SSIM")
    for version in versions:
        table.add_row(version.label, f"{version.psnr:.2f}", "-" if version.ssim is None else f"{version.ssim:.4f}")
    screen.print(table)
    _warn(chosen)
    if out:
        from bench.files import write
        from bench.noise import sheet

        write(out, sheet.draw(chosen[0], pixels, versions))
        click.echo(f"contact sheet: {out}")


@noise.command()
@click.argument("spec")
@click.argument("source", metavar="IN_DIR", type=click.Path(path_type=Path))
@click.argument("out", metavar="OUT_DIR", type=click.Path(path_type=Path))
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--overwrite", is_flag=True, help="Replace what lies in OUT_DIR under these names.")
def apply(spec, source, out, seed, overwrite) -> None:
    """Write noisy copies of the images in IN_DIR as 8-bit PNGs: the very pixels that `bench run` would use.

    A noise that makes clean images of its own (isp) has them written into OUT_DIR/clean. manifest.json has the noise,
    its version, the seed and the hashes of all pixels.
    """
    from bench.datasets import load_dataset
    from bench.noise import noises
    from bench.noise.export import export_noisy_images

    _warn([noises.load_noise(spec)])
    for remark in load_dataset(source).remarks:
        click.echo(f"note: {remark}", err=True)
    written = export_noisy_images(spec, source, out, seed, overwrite)
    click.echo(f"{written} images in {out}; manifest: {out / 'manifest.json'}")


@noise.command()
@click.option("--noise", "text", default="all", show_default=True, help="Noise specs, as in bench run.")
@click.option("--datasets", default="builtin", show_default=True, help="Data set specs.")
@click.option("--protocol", default="stored", show_default=True, help="stored, float or masked-denoising.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--format", "kind", type=click.Choice(["table", "csv", "json", "markdown", "latex"]), default="table",
              show_default=True)  # fmt: skip
def table(text, datasets, protocol, seed, kind) -> None:
    """Noise x level -> PSNR and SSIM of the noisy input, the mean over each data set.

    csv and json have a row for each noise and data set, with 95% intervals over images.
    """
    import pandas as pd

    from bench import protocols, spec
    from bench.console import console
    from bench.datasets import load_dataset
    from bench.errors import BadInput
    from bench.evaluation import noise_table
    from bench.noise import noises
    from bench.noise.compatibility import fits, matched
    from bench.runs import export

    names = spec.split(datasets)
    if not names:
        raise BadInput("no data set was named: write --datasets builtin, say")
    reference = noises.load_noise(noises.REFERENCE)
    chosen, sets, sentences = matched(noises.expand(text), [load_dataset(name) for name in names], reference)
    for sentence in sentences:
        click.echo(f"note: {sentence}", err=True)
    _warn(chosen)
    rules = protocols.load_protocol(protocol)
    measured = noise_table.measure(chosen, sets, rules.name, seed)
    count = sum(fits(noise, data, reference) for noise in chosen for data in sets)
    rows = list(_watched(measured, count) if kind == "table" else measured)
    frame = pd.DataFrame(rows)
    if kind in ("csv", "json"):
        click.echo(export.encode(frame, kind).decode(), nl=False)
    elif kind == "table":
        console().print(_rich(noise_table.wide(frame), f"PSNR in dB / SSIM of the noisy input, protocol {rules.name}"))
    else:
        click.echo(export.encode(noise_table.wide(frame), kind).decode(), nl=False)


def _warn(chosen) -> None:
    """Say which noises leave pictures nearly as they are, on the error stream: a level in another unit, probably."""
    from bench.noise.level_check import weak_noise_warnings

    for sentence in weak_noise_warnings(chosen):
        click.echo(f"warning: {sentence}", err=True)


def _watched(rows, total: int):
    """Rows with a progress bar."""
    from bench.progress import progress

    with progress("noises", total) as bar:
        for row in rows:
            yield row
            bar.advance(note=f"{row['dataset']} {row['noise']}")


def _rich(frame, title: str):
    """A frame of text as a table for the terminal."""
    from rich.table import Table

    drawn = Table(*frame.columns, title=title, title_justify="left")
    for line in frame.itertuples(index=False):
        drawn.add_row(*line)
    return drawn


@noise.command()
@click.argument("noisy", metavar="NOISY_DIR|PAIRS", type=click.Path(path_type=Path))
@click.argument("clean", metavar="[CLEAN_DIR]", required=False, type=click.Path(path_type=Path))
def identify(noisy, clean) -> None:
    """Estimate from pairs of images which noise lies between them, and its level.

    \b
    bench noise identify NOISY_DIR CLEAN_DIR    files are paired by name
    bench noise identify PAIRS                  a folder of pairs in any layout that bench run takes, or a data set

    The first line is a spec that bench run takes where a noise of the zoo explains the images and no other does;
    camera noise, real noise and random mixtures are described by what they are made of. Images that are not the same
    picture, or not aligned, are reported as that.
    """
    from bench.errors import BadInput
    from bench.noise import noises
    from bench.noise.identification_report import lines
    from bench.noise.pairs import read_pairs, recorded_pairs
    from noise_zoo.identification import identify as identification

    several = {"": read_pairs(noisy, clean)} if clean else recorded_pairs(noisy if noisy.is_dir() else str(noisy))
    for name, pairs in several.items():
        try:
            found = identification(pairs)
        except BadInput:
            raise
        except ValueError as error:
            raise BadInput(f"{noisy}: {error}") from error
        if len(several) > 1:
            click.echo(f"{noises.canonical(name)}:")
        for line in lines(found):
            click.echo(line)
