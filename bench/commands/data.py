"""`bench data`: data sets."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli import Suggesting
from bench.commands.options import integers, shared


@click.group(cls=Suggesting)
def data() -> None:
    """List, download, check, add and render data sets."""


@data.command("list")
@click.argument("name", required=False)
def list_(name) -> None:
    """List data sets, and where their files are.

    Data sets are part of the package, public, or added with bench data add. With NAME, show everything about one:
    licence, citation, address.

    \b
    Examples:
      bench data list
      bench data list CBSD68
    """
    from rich.table import Table

    from bench.core.console import console
    from bench.datasets import builtin
    from bench.datasets.locations import added_datasets, locate
    from bench.datasets.public import PUBLIC

    if name:
        click.echo("\n".join(_about(name)))
        return
    table = Table("name", "use", "files", "what", "where")
    for known in builtin.NAMES:
        found = builtin.load(known)
        use = "pairs" if found.recorded else "test"
        table.add_row(known, use, str(len(found.images)), found.title, "in the package")
    for public in PUBLIC.values():
        missing = f"bench data fetch {public.name}" if public.direct else public.home
        table.add_row(public.name, public.use, str(public.files), public.title, str(locate(public.name) or missing))
    for known, folder in added_datasets().items():
        if known not in PUBLIC:
            table.add_row(known, "", _count(Path(folder)), "user-defined", folder)
    console().print(table)
    click.echo("details: bench data list NAME. Licences of the images in the package:")
    for photo in (*builtin.PHOTOGRAPHS, *builtin.TISSUE):
        click.echo(f"  {photo.name}: {photo.licence}, from {photo.package}")


def _about(name: str) -> list[str]:
    """Description of a public or user-defined data set, as lines."""
    from bench.core.errors import unknown
    from bench.datasets.locations import added_datasets, locate
    from bench.datasets.public import PUBLIC

    if name in added_datasets() and name not in PUBLIC:
        return [f"{name}: user-defined, {added_datasets()[name]}", *_about_folder(Path(added_datasets()[name]))]
    if name not in PUBLIC:
        raise unknown("data set", name, [*PUBLIC, *added_datasets()])
    public = PUBLIC[name]
    address = public.archive.url if public.archive else public.base
    return [
        f"{name}: {public.title} ({public.use}, {public.files} files)",
        f"  licence   {public.licence}",
        f"  citation  {public.citation}",
        f"  home      {public.home}",
        f"  download  {address or 'by hand, from its home page; then bench data add'}",
        f"  checked   {f'with {len(public.manifest)} SHA-256 values' if public.manifest else 'no list is published'}",
        f"  folder    {locate(name) or 'not on this machine'}",
    ]


def _about_folder(folder: Path) -> list[str]:
    """Number of images in a folder, and what of it is skipped, as lines."""
    from bench.core.errors import BadInput
    from bench.datasets import load_dataset
    from reports.formatting import plural

    try:
        found = load_dataset(folder)
    except BadInput as error:
        return [f"  {error}"]
    return [f"  {plural(len(found.images), 'image')}", *(f"  {remark}" for remark in found.remarks)]


def _count(folder: Path) -> str:
    """Number of images in a folder, or why it is unknown."""
    from bench.core.errors import BadInput
    from bench.datasets import folders

    try:
        return str(len(folders.images_of(folder)))
    except folders.AmbiguousLayout:
        return "unknown layout"
    except BadInput:
        return "no images"


@data.command()
@click.argument("name")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def add(name, folder) -> None:
    """Add a folder of images as a data set under a name.

    A public name is checked against its list of SHA-256 values. DIR has images, or pairs of a noisy and a clean one, in
    itself or in subfolders:

    \b
      noisy/ (input/, LQ/, ...) and clean/ (gt/, target/, HR/, ...), files of the same names
      clean/ and folders of other names with files of the same names: each is a noise
      spp64/, spp128/, ... and reference/: renders, 8 bits or EXR
      X_noisy.png and X_clean.png (X_gt, X; X_real and X_mean; XNoisy and XReference)
      ValidationNoisyBlocksSrgb.mat and ValidationGtBlocksSrgb.mat of SIDD, or its Data/

    For other names state the layout where the set is used: NAME(noisy='in', clean='gt', name='{}_n').

    \b
    Examples:
      bench data add holiday photos/
      bench run --datasets holiday
    """
    from bench import datasets
    from reports.formatting import plural

    dataset = datasets.add(name, folder)
    if dataset is None:
        click.echo(f"{name}: added; state which files are noisy and clean, {name}(noisy='in', clean='gt')")
        return
    click.echo(f"{name}: {plural(len(dataset.images), 'image')}{', ' + dataset.note if dataset.note else ''}")
    for remark in dataset.remarks:
        click.echo(f"note: {remark}")


@data.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
def remove(names) -> None:
    """Remove data sets: unregister folders, delete downloads.

    A folder that was added with bench data add is left as it is; one that bench data fetch downloaded is deleted.

    \b
    Example:
      bench data remove holiday
    """
    from bench.datasets.locations import added_datasets, forget

    for name in names:
        added = name in added_datasets()
        folder = forget(name)
        click.echo(f"{name}: removed" + (f"; {folder} is left as it is" if added else f", {folder} deleted"))


@data.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
def fetch(names) -> None:
    """Download public data sets and check their files.

    Files come from the owners' servers, are compared with lists of SHA-256 values, and go into $BENCH_HOME/data. An
    interrupted download is resumed. bench data list shows the names.

    \b
    Example:
      bench data fetch CBSD68 Kodak24
    """
    from contextlib import ExitStack

    from bench.core.errors import unknown
    from bench.core.progress import DownloadProgress
    from bench.datasets.fetch import fetch as fetched
    from bench.datasets.public import PUBLIC, verify

    for name in names:
        if name not in PUBLIC:
            raise unknown("public data set", name, PUBLIC)
    for name in names:
        with ExitStack() as stack:
            folder = fetched(PUBLIC[name], DownloadProgress(name, stack))
        click.echo(f"{name}: {folder}, {verify(PUBLIC[name], folder)}")


@data.command()
@click.argument("name")
def check(name) -> None:
    """Read every image of a data set and list unusable ones.

    NAME is a data set spec, or a folder. A public data set is also compared with its list of SHA-256 values. Exit code
    2 if an image cannot be used.

    \b
    Examples:
      bench data check CBSD68
      bench data check photos/
    """
    from collections import Counter

    from bench import datasets
    from bench.core.errors import BadInput
    from bench.core.progress import progress
    from bench.datasets import channels
    from bench.datasets.locations import locate
    from bench.datasets.public import PUBLIC, verify
    from bench.noise import noises
    from reports.formatting import plural

    found = datasets.load_dataset(datasets.source(name))
    note = verify(PUBLIC[name], locate(name)) if name in PUBLIC else ""
    broken, kinds = [], Counter()
    with progress("images", len(found.images)) as bar:
        for image in found.images:
            if problem := image.problem():
                broken.append(problem)
            else:
                kinds[channels.kind(image.read_bytes())] += 1
            bar.advance(note=image.name)
    for problem in dict.fromkeys(broken):
        click.echo(problem)
    for remark in found.remarks:
        click.echo(f"note: {remark}")
    if broken:
        raise BadInput(f"{name}: {len(broken)} of {len(found.images)} images cannot be used: repair or remove them")
    pairs = f", pairs with {', '.join(map(noises.canonical, found.recorded))}" if found.recorded else ""
    counts = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    images = plural(len(found.images), "image")
    click.echo(f"{name}: {images} can be read ({counts}){pairs}{'; ' + note if note else ''}")


@data.command("render-mc")
@click.argument("out", metavar="OUT_DIR", type=click.Path(path_type=Path))
@click.option(
    "--scenes",
    default="all",
    show_default=True,
    metavar="NAMES",
    help="Scenes to render: all, or names: box, textures, glass, small_light.",
)
@click.option(
    "--spp",
    default="64,128",
    show_default=True,
    callback=integers,
    metavar="INTEGERS",
    help="Samples per pixel of the noisy renders.",
)
@click.option(
    "--reference",
    type=click.IntRange(2),
    default=8192,
    show_default=True,
    metavar="N",
    help="Samples per pixel of the clean render.",
)
@click.option(
    "--side",
    type=click.IntRange(8, 4096),
    default=256,
    show_default=True,
    metavar="PIXELS",
    help="Side of the square images in pixels.",
)
@shared("seed", 0)
@click.option(
    "--variant",
    default="auto",
    show_default=True,
    metavar="NAME",
    help="Variant of Mitsuba: llvm_ad_rgb, scalar_rgb, cuda_ad_rgb.",
)
@shared("format", "exr", type=click.Choice(["exr", "png"]), also="exr is linear light, png is tone-mapped to 8 bits.")
def render_mc(out, scenes, spp, reference, side, seed, variant, kind) -> None:
    """Render pairs of noisy and clean images with Mitsuba 3.

    Scenes are rendered into OUT_DIR at few samples per pixel, and with many as the clean image. The noise that is left
    in the clean images is estimated from two halves and written to card.json. Run the same command again to resume.
    Requires pip install 'maskbench[render]'.

    \b
    Examples:
      bench data render-mc renders --scenes box,glass --spp 16,64
      bench run --data renders
    """
    from bench.core.errors import BadInput, unknown
    from bench.core.progress import progress
    from bench.rendering import render
    from bench.rendering.scenes import SCENES
    from reports.formatting import plural

    chosen = list(SCENES) if scenes == "all" else scenes.replace(",", " ").split()
    for name in chosen:
        if name not in SCENES:
            raise unknown("scene", name, SCENES)
    if not chosen:
        raise BadInput("--scenes: expected all or names such as box,glass, got none")
    variant = render.choose_variant(variant)
    settings = render.Settings(tuple(chosen), spp, reference - reference % 2, side, seed, variant)
    samples = ", ".join(map(str, (*spp, reference)))
    click.echo(f"{plural(len(chosen), 'scene')} of {side}x{side} pixels, {samples} samples per pixel, with {variant}")
    with progress("passes", settings.passes) as bar:
        for step in render.render_pairs(settings, out, kind):
            bar.skip(1) if step.before else bar.advance(note=step.what)
    click.echo(f"use: bench run --data {out}\nnoise of the clean images: {out / 'card.json'}")
