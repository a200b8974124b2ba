"""`bench noise`: list, show, apply and identify noises."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli import Suggesting
from bench.commands.options import TABLE_FORMATS, shared


@click.group(cls=Suggesting)
def noise() -> None:
    """List noises, apply them to images, and identify them."""


@noise.command("list")
def list_() -> None:
    """List the noises with their levels, groups and definitions.

    A noise that is named without a level means all of its levels; a group means all of its noises.

    \b
    Example:
      bench noise list
    """
    from rich.table import Table

    from bench.core.console import console
    from bench.core.errors import BadInput
    from bench.noise import noises
    from bench.spec import format_value

    table = Table("name", "version", "level", "levels", "groups", "definition")
    for name in noises.names():
        try:
            cls = noises.noise_class(name)
        except BadInput as error:  # of another package: list the others nevertheless
            table.add_row(name, "", "", "", "", str(error))
            continue
        levels = ", ".join(map(format_value, cls.levels))
        version = cls.version if isinstance(cls.version, int) else "that of its noises"
        table.add_row(name, str(version), cls.axis or "-", levels, ", ".join(cls.groups), cls.formula)
    console().print(table)


@noise.command()
@click.argument("spec", metavar="NOISE")
@click.argument("image", required=False, type=click.Path(path_type=Path))
@shared("file", absent="no file", also="Draws a contact sheet: a PNG.")
@shared("seed", 0)
def show(spec, image, out, seed) -> None:
    """Show the effect of a noise on an image.

    NOISE is a noise spec; without a level all its levels are shown. IMAGE is a file, a photograph of a cat by default.
    PSNR and SSIM are those of the noisy image, clipped and rounded to 8 bits. The contact sheet has the image at each
    level and charts of the noise before clipping: density, variance over intensity, spectrum and correlation.

    \b
    Examples:
      bench noise show gaussian
      bench noise show "speckle(var=0.04)" photo.png -o sheet.png
    """
    from rich.table import Table

    from bench.core.console import console
    from bench.core.errors import BadInput
    from bench.datasets import builtin
    from bench.noise import noises, picture

    if out and out.suffix.lower() != ".png":
        raise BadInput(f"-o: expected a name that ends with .png, got {out}: a contact sheet is a PNG")
    chosen = noises.expand(spec)
    kinds = list(dict.fromkeys(map(noises.noise_name, chosen)))
    if out and len(kinds) > 1:
        raise BadInput(f"-o: expected one noise, got {len(kinds)} ({', '.join(kinds[:4])}): choose one")
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
        from bench.core.files import write
        from bench.noise import sheet

        write(out, sheet.draw(chosen[0], pixels, versions))
        click.echo(f"contact sheet: {out}")


@noise.command()
@click.argument("spec", metavar="NOISES")
@click.argument("source", metavar="[IN_DIR", required=False, type=click.Path(path_type=Path))
@click.argument("target", metavar="OUT_DIR]", required=False, type=click.Path(path_type=Path))
@shared("datasets", absent="IN_DIR")
@shared("data")
@shared("folder", absent="OUT_DIR")
@shared("seeds", "0", names=("--seeds", "--seed"))
@shared("protocol", "stored")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["png", "npy", "tiff-float"]),
    show_default="png, or npy under a protocol that does not round",
    help="Format of the noisy images: png with 8 bits; npy or tiff-float with float32 values, white is 1.",
)
@click.option("--overwrite", is_flag=True, help="Replace files in the output folder that have the same names.")
def apply(spec, source, target, datasets, data, out, seeds, protocol, kind, overwrite) -> None:
    """Write noisy images for code outside MaskBench.

    The pixels are the ones that bench run uses; bench score scores what other code makes of them. manifest.json has the
    noises, their versions, the protocol, the seeds and the hashes of all pixels.

    With --datasets or --data and --out: DATASET/NOISE/IMAGE for every noise, level, data set and seed; data sets of
    pairs have their recorded noise. Clean images are in clean/.

    With IN_DIR, a folder or a data set, and OUT_DIR: one noise, noisy images in OUT_DIR itself. A noise that makes its
    own clean images (isp) writes them to OUT_DIR/clean.

    \b
    Examples:
      bench noise apply "poisson, gaussian(sigma=25)" --datasets "CBSD68(crop=256, limit=16), Set12" --out noisy/
      bench noise apply "gaussian(sigma=25)" photos/ noisy/
    """
    from bench import protocols
    from bench.core.errors import BadInput
    from bench.datasets import load_dataset
    from bench.datasets import source as source_of
    from bench.noise import noises
    from bench.noise.export import export_noisy_images
    from reports.formatting import plural

    rules = protocols.load_protocol(protocol)
    if source is None and (datasets is not None or data):
        written = _apply_to_sets(spec, datasets, data, out, seeds, rules, kind, overwrite)
        click.echo(f"{plural(written, 'image')} in {out}; manifest: {out / 'manifest.json'}")
        return
    if source is None or target is None or datasets is not None or data or out is not None:
        raise BadInput(
            "expected IN_DIR and OUT_DIR, or --datasets or --data with --out, got another combination: "
            "see bench noise apply --help"
        )
    if len(seeds) != 1:
        raise BadInput("--seeds: expected one seed with IN_DIR and OUT_DIR, got several: use --datasets with --out")
    _warn([noises.load_noise(spec)])
    given = source_of(str(source))
    for remark in load_dataset(given).remarks:
        click.echo(f"note: {remark}", err=True)
    written = export_noisy_images(spec, given, target, seeds[0], overwrite, rules, kind)
    click.echo(f"{plural(written, 'image')} in {target}; manifest: {target / 'manifest.json'}")


def _apply_to_sets(text, datasets, data, out, seeds, rules, kind, overwrite) -> int:
    """Write the noisy images of data sets; returns their number. Raises BadInput."""
    from bench.core.errors import BadInput
    from bench.core.progress import progress
    from bench.datasets import arrays, load_dataset
    from bench.noise import noises
    from bench.noise.compatibility import fits, matched
    from bench.noise.export import export_noisy_set

    if out is None:
        raise BadInput("expected an output folder, got none: add --out FOLDER")
    found = [*arrays.expand(datasets or ""), *map(load_dataset, data)]
    if not found:
        raise BadInput("--datasets: expected a data set such as builtin, got none")
    names = [one.name for one in found]
    if twice := [name for name in names if names.count(name) > 1]:
        raise BadInput(f"expected data sets of different names, got {twice[0]!r} twice: rename one of the folders")
    named = noises.expand(text)
    reference = next((noise for noise in named if noises.canonical(noise) == noises.REFERENCE), None)
    chosen, sets, sentences = matched(named, found, reference)
    for sentence in (*sentences, *(f"{one.name}: {remark}" for one in sets for remark in one.remarks)):
        click.echo(f"note: {sentence}", err=True)
    if reference is None:
        click.echo(
            f"note: {noises.REFERENCE}, the reference noise of bench run, is not among the noises: outputs will have "
            "no PSNR drop",
            err=True,
        )
    _warn(chosen)
    cells = [(one, noise) for one in sets for noise in chosen if fits(noise, one, reference)]
    count = sum(len(one.images) for one, _ in cells) * len(seeds)
    with progress("images", count) as bar:
        return export_noisy_set(
            chosen, sets, out, seeds, rules, kind, overwrite, reference, on_written=lambda name: bar.advance(note=name)
        )


@noise.command()
@shared("noise", "all")
@shared("datasets", absent="builtin, or the folders of --data")
@shared("data")
@shared("protocol", "stored")
@shared("seed", 0)
@shared(
    "format",
    "table",
    type=click.Choice(TABLE_FORMATS),
    also="csv and json have a row per noise and data set, with 95% intervals.",
)
def table(noise, datasets, data, protocol, seed, kind) -> None:
    """Print PSNR and SSIM of the noisy images themselves.

    One line per noise and level: the mean over each data set, before any denoising.

    \b
    Examples:
      bench noise table --noise mixture
      bench noise table --noise "gaussian, poisson" --data photos/ --format csv
    """
    import pandas as pd

    from bench import protocols, spec
    from bench.core.console import console
    from bench.core.errors import BadInput
    from bench.datasets import load_dataset
    from bench.evaluation import noise_table
    from bench.noise import noises
    from bench.noise.compatibility import fits, matched
    from bench.runs import export

    sources = [*spec.split(datasets or ""), *data] or (["builtin"] if datasets is None else [])
    if not sources:
        raise BadInput("--datasets: expected a data set such as builtin, got none")
    reference = noises.load_noise(noises.REFERENCE)
    chosen, sets, sentences = matched(noises.expand(noise), [load_dataset(source) for source in sources], reference)
    for sentence in sentences:
        click.echo(f"note: {sentence}", err=True)
    _warn(chosen)
    rules = protocols.load_protocol(protocol)
    measured = noise_table.measure(chosen, sets, rules.name, seed)
    count = sum(fits(one, dataset, reference) for one in chosen for dataset in sets)
    rows = list(_with_progress(measured, count) if kind == "table" else measured)
    frame = pd.DataFrame(rows)
    if kind in ("csv", "json"):
        click.echo(export.encode(frame, kind).decode(), nl=False)
    elif kind == "table":
        console().print(_rich(noise_table.wide(frame), f"PSNR in dB / SSIM of the noisy input, protocol {rules.name}"))
    else:
        click.echo(export.encode(noise_table.wide(frame), kind).decode(), nl=False)


def _warn(chosen) -> None:
    """Warn on standard error of noises that hardly change images: their level is probably in another unit."""
    from bench.noise.level_check import weak_noise_warnings

    for sentence in weak_noise_warnings(chosen):
        click.echo(f"warning: {sentence}", err=True)


def _with_progress(rows, total: int):
    """The rows, shown by a progress bar as they are computed."""
    from bench.core.progress import progress

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
    """Identify the noise between pairs of images, and its level.

    The first line is a spec for bench run if one noise explains the pairs. Camera noise, recorded noise and random
    mixtures are described by their components. Pairs of different scenes, or not aligned, are reported as such.

    \b
    Examples:
      bench noise identify noisy/ clean/    pairs by file name
      bench noise identify renders/         a folder of pairs, in any layout of bench data add
      bench noise identify mc-mini          a data set of pairs
    """
    from bench.core.errors import BadInput
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
