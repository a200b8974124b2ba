"""Options that the commands of analyses share. Imports nothing heavy.

@analysis_command(NOISES, REFERENCE, patches=300)
def srga(models, config, noise, reference):
    '''Help.'''
    return ...  # a Result, which is saved and printed
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.commands.options import shared

if TYPE_CHECKING:
    from bench.analyses.core.result import Result
    from bench.models.model import Model
    from noise_zoo.noise import Noise

MIN_SIDE = 8  # pixels

NOISE = shared("noise", "gaussian(sigma=15)", also="This command takes one noise with its level.")
NOISES = shared("noise", "mixture")
REFERENCE = click.option("--reference", help="Reference noise, usually the training noise.  [default: that of the run, "
                         "or gaussian(sigma=15)]")  # fmt: skip
LAYER = click.option("--layer", help="Layer whose features are compared.  [default: the deepest]")

_COMMON = (
    shared("protocol", "stored"),
    shared("seed", 0),
    shared("device", "auto"),
    shared("run", Path("runs/latest"), also="Use the one with the scores."),
)
_MODELS = shared("models", also="Same as the arguments.")


def analysis_command(*options: Callable, patches: int) -> Callable:
    """Decorate a function of `models`, `config` and its own options into the command of an analysis of patches.

    options   of the command itself, listed before the shared ones
    patches   default number of patches
    """
    common = (
        _MODELS,
        *options,
        shared("datasets", absent="those of the run in --out, else builtin"),
        shared("data"),
        click.option("--patches", type=click.IntRange(1), default=patches, show_default=True,
                     help="Number of patches; they overlap if the images are too few."),
        click.option("--side", type=click.IntRange(MIN_SIDE), default=128, show_default=True,
                     help="Side of a patch in pixels."),
        *_COMMON,
    )  # fmt: skip

    def decorate(function: Callable) -> click.Command:
        @wraps(function)
        def command(names, models, datasets, data, patches, side, protocol, seed, device, out, **own):
            from bench.analyses.core.config import configure

            config = configure(datasets, data, patches, side, protocol, seed, device, out)
            chosen = resolve_models(names, models)
            click.echo(f"{config.patches.words}; protocol {config.protocol.name}")
            finish(function(chosen, config, **own), out)

        return _command(command, click.argument("names", metavar="[MODELS]...", nargs=-1), *common)

    return decorate


def image_command(*options: Callable, side: int) -> Callable:
    """Decorate a function of `models`, `scene` and its own options into the command of an analysis of one image.

    side   default side in pixels of the centre of the image that is used
    """
    common = (
        _MODELS,
        click.option("--image", type=click.Path(path_type=Path), help="Image file; same as the last argument.  "
                     "[default: chelsea of builtin]"),
        *options,
        click.option("--side", type=click.IntRange(2 * MIN_SIDE), default=side, show_default=True,
                     help="Side in pixels of the centre of the image that is used."),
        *_COMMON,
    )  # fmt: skip

    def decorate(function: Callable) -> click.Command:
        @wraps(function)
        def command(names, models, image, noise, side, protocol, seed, device, out, **own):
            from bench.analyses.core.scene import load_scene

            if names and image is None and is_image(names[-1]):
                *names, image = names
            scene = load_scene(image and Path(image).expanduser(), side, noise, protocol, seed, device)
            finish(function(resolve_models(names, models), scene, **own), out)

        return _command(command, click.argument("names", metavar="[MODELS]... [IMAGE]", nargs=-1), *common)

    return decorate


def _command(function: Callable, *parameters: Callable) -> click.Command:
    for parameter in reversed(parameters):
        function = parameter(function)
    return click.command()(function)


def is_image(name: str) -> bool:
    """Whether an argument is an image file by its suffix, not a model spec."""
    from bench.datasets import SUFFIXES

    return name.lower().endswith(tuple(SUFFIXES))


def listed(text: str | None) -> tuple[str, ...]:
    """'layers.*, norm' -> ('layers.*', 'norm')."""
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def noises_of(text: str, channels: int) -> list[Noise]:
    """The noises of specs that apply to images of 1 or 3 channels; prints which are skipped. Raises BadInput."""
    from bench.noise import noises

    chosen, skipped = noises.for_channels(noises.expand(text), channels)
    for sentence in skipped:
        click.echo(f"note: {sentence}")
    return chosen


def resolve_models(names: Sequence[str], option: str | None) -> list[Model]:
    """The models of the arguments and of --models; prints which models of a group are skipped. Raises BadInput."""
    from bench.models import model_specs

    chosen, skipped = model_specs.expand(",".join([*([option] if option else []), *names]))
    for sentence in skipped:
        click.echo(f"note: {sentence}")
    return chosen


def finish(result: Result, out: Path) -> None:
    """Save a result, and print its notes, summary, explanation and files."""
    from rich.table import Table

    from bench import analyses
    from bench.analyses.core.result import save
    from bench.core.console import console

    files = save(result, out)
    for note in result.notes:
        click.echo(f"note: {note}")
    table = Table(title=result.summary.title, title_justify="left")
    for number, heading in enumerate(result.summary.headings):
        table.add_column(heading, justify="right" if number else "left")
    for row in result.summary.rows:
        table.add_row(*row)
    console().print(table)
    click.echo(next(card.about for card in analyses.cards() if card.name == result.analysis))
    click.echo("files: " + ", ".join(map(str, files)))
