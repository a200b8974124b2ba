"""`bench data`: data sets."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli import Suggesting
from bench.commands.run import whole_numbers


@click.group(cls=Suggesting)
def data() -> None:
    """Data sets: list, fetch, check, add a folder under a name, render."""


@data.command("list")
@click.argument("name", required=False)
def list_(name) -> None:
    """Data sets: inside the installation, public, and added; where they lie. With NAME all about that one."""
    from rich.table import Table

    from bench.console import console
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
        table.add_row(known, use, str(len(found.images)), found.title, "in the installation")
    for public in PUBLIC.values():
        missing = f"bench data fetch {public.name}" if public.direct else public.home
        table.add_row(public.name, public.use, str(public.files), public.title, str(locate(public.name) or missing))
    for known, folder in added_datasets().items():
        if known not in PUBLIC:
            table.add_row(known, "", _count(Path(folder)), "added by you", folder)
    console().print(table)
    click.echo("Licence, citation and address of one: bench data list NAME. Terms of the pictures in the installation:")
    for photo in (*builtin.PHOTOGRAPHS, *builtin.TISSUE):
        click.echo(f"  {photo.name}: {photo.licence}, from {photo.package}")


def _about(name: str) -> list[str]:
    """What is known of a public set, or of one that was added, line by line."""
    from bench.datasets.locations import added_datasets, locate
    from bench.datasets.public import PUBLIC
    from bench.errors import unknown

    if name in added_datasets() and name not in PUBLIC:
        return [f"{name}: added by you, in {added_datasets()[name]}", *_about_folder(Path(added_datasets()[name]))]
    if name not in PUBLIC:
        raise unknown("data set", name, [*PUBLIC, *added_datasets()])
    public = PUBLIC[name]
    address = public.archive.url if public.archive else public.base
    return [
        f"{name}: {public.title} ({public.use}, {public.files} files)",
        f"  licence   {public.licence}",
        f"  citation  {public.citation}",
        f"  home      {public.home}",
        f"  fetched   {f'from {address}' if address else 'not directly: get it from its home, then bench data add'}",
        f"  compared  {f'with {len(public.manifest)} SHA-256 values' if public.manifest else 'no list is published'}",
        f"  here      {locate(name) or 'no'}",
    ]


def _about_folder(folder: Path) -> list[str]:
    """What a folder is taken for, and what of it is skipped."""
    from bench.datasets import load_dataset
    from bench.errors import BadInput

    try:
        found = load_dataset(folder)
    except BadInput as error:
        return [f"  {error}"]
    return [f"  {len(found.images)} images", *(f"  {remark}" for remark in found.remarks)]


def _count(folder: Path) -> str:
    from bench.datasets import folders
    from bench.errors import BadInput

    try:
        return str(len(folders.images_of(folder)))
    except folders.AmbiguousLayout:
        return "layout to be stated"
    except BadInput:
        return "folder is gone or empty"


@data.command()
@click.argument("name")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def add(name, folder) -> None:
    """Remember DIR as the data set NAME; a public name is checked against its SHA-256 list.

    \b
    DIR holds images, or pairs of a noisy and a clean one, here or in subfolders (scenes):
      noisy/ (input/, LQ/, ...) beside clean/ (gt/, target/, HR/, ...), files of the same names
      clean/ beside folders of any names with files of the same names: each is a noise
      spp64/, spp128/, ... beside reference/: renders, 8 bits or EXR
      X_noisy.png beside X_clean.png (X_gt, X; X_real beside X_mean; XNoisy beside XReference)
      SIDD's ValidationNoisyBlocksSrgb.mat and ValidationGtBlocksSrgb.mat, or its Data/

    Any other names are stated where the set is used: NAME(noisy='in', clean='gt', name='{}_n').
    """
    from bench import datasets

    dataset = datasets.add(name, folder)
    if dataset is None:
        click.echo(f"{name}: added; its names do not say which files are clean, {name}(noisy='in', clean='gt') does")
        return
    click.echo(f"{name}: {len(dataset.images)} images{', ' + dataset.note if dataset.note else ''}")
    for remark in dataset.remarks:
        click.echo(f"  {remark}")


@data.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
def fetch(names) -> None:
    """Download public data sets from their owners' servers, and compare them with their SHA-256 lists.

    They go into the user's own folder ($BENCH_HOME/data). What was broken off is taken up again.
    """
    from contextlib import ExitStack

    from bench.datasets.fetch import fetch as fetched
    from bench.datasets.public import PUBLIC, verify
    from bench.errors import unknown

    for name in names:
        if name not in PUBLIC:
            raise unknown("public data set", name, PUBLIC)
    for name in names:
        with ExitStack() as stack:
            folder = fetched(PUBLIC[name], _Watching(name, stack))
        click.echo(f"{name}: {folder}, {verify(PUBLIC[name], folder)}")


class _Watching:
    """A progress bar that begins once the total is known."""

    def __init__(self, name, stack):
        self.name, self.stack, self.bar = name, stack, None

    def __call__(self, what: str, done: int, total: int) -> None:
        from bench.progress import progress

        if self.bar is None:
            self.bar = self.stack.enter_context(progress(self.name, max(total, 1)))
        if done > self.bar.done:
            self.bar.advance(done - self.bar.done, what)


@data.command()
@click.argument("name")
def check(name) -> None:
    """Read every image of the data set NAME (a name, or a folder) and compare a public one with its SHA-256 list.

    Every image that cannot be used is named with its reason.
    """
    from collections import Counter

    from bench import datasets
    from bench.datasets import channels
    from bench.datasets.locations import locate
    from bench.datasets.public import PUBLIC, verify
    from bench.errors import BadInput
    from bench.noise import noises
    from bench.progress import progress

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
        raise BadInput(
            f"{len(broken)} of {len(found.images)} images of {name} cannot be used: mend them or move them away"
        )
    pairs = f", pairs with {', '.join(map(noises.canonical, found.recorded))}" if found.recorded else ""
    counts = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    click.echo(f"{name}: {len(found.images)} images can be read ({counts}){pairs}{'; ' + note if note else ''}")


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
