"""Options that the commands of analyses share. Imports nothing heavy.

@analysis_command(NOISE, patches=28)
def detail(models, config, noise):
    '''Help.'''
    return ...  # a Result, which is saved and printed
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import click

from bench import spec
from bench.commands.options import shared

if TYPE_CHECKING:
    from bench.analyses.core.result import Result
    from bench.models.model import Model
    from noise_zoo.noise import Noise

MIN_SIDE = 8  # pixels


def one_noise(context: click.Context, parameter: click.Parameter, text: str | None) -> Noise | None:
    """The noise that a spec names. Raises BadInput."""
    from bench.noise.noises import load_noise

    return load_noise(text) if text else None


def layer_list(context: click.Context, parameter: click.Parameter, text: str | None) -> tuple[str, ...]:
    """'layers.*, norm' -> ('layers.*', 'norm')."""
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


NOISE = shared("noise", "gaussian(sigma=15)", also="This command takes one noise with its level.", callback=one_noise)
NOISES = shared("noise", "mixture", names=("--noise", "noises"))
REFERENCE = click.option(
    "--reference",
    help="Reference noise, usually the training noise.  [default: that of the run, or gaussian(sigma=15)]",
)
LAYER = click.option(
    "--layer", "layers", help="Layer whose features are compared.  [default: the deepest]", callback=layer_list
)

_COMMON = (
    shared("protocol", "stored"),
    shared("seed", 0),
    shared("device", "auto"),
    shared("run", Path("runs/latest"), also="Use the one with the scores."),
)
_MODELS = shared("models", also="Same as the arguments. Names of the run's models too.")


def analysis_command(*options: Callable, patches: int) -> Callable:
    """Decorate a function of `models`, `config` and its own options into the command of an analysis of patches.

    It gets noises, not their specs, for its options `noise`, `noises` and `reference`.

    options   of the command itself, listed before the shared ones
    patches   default number of patches
    """

    def load(names, out, datasets, data, patches, side, protocol, seed, device, **own):
        from bench.analyses.core.config import configure

        config = configure(datasets, data, patches, side, protocol, seed, device, out)
        click.echo(f"{config.patches.text}; protocol {config.protocol.name}")
        if "noises" in own:
            own["noises"] = noises_of(own["noises"], config.patches.channels)
        if "reference" in own:
            own["reference"] = reference_noise(out, own["reference"])
        return names, config, own

    return _decorator(
        "[MODELS]...",
        load,
        *options,
        shared("datasets", absent="those of the run in --out, else builtin"),
        shared("data"),
        click.option(
            "--patches",
            type=click.IntRange(1),
            default=patches,
            show_default=True,
            help="Number of patches; they overlap if the images are too few.",
        ),
        click.option(
            "--side", type=click.IntRange(MIN_SIDE), default=128, show_default=True, help="Side of a patch in pixels."
        ),
    )


def image_command(*options: Callable, side: int) -> Callable:
    """Decorate a function of `models`, `scene` and its own options into the command of an analysis of one image.

    side   default side in pixels of the centre of the image that is used
    """

    def load(names, out, image, noise, side, protocol, seed, device, **own):
        from bench.analyses.core.scene import load_scene

        if names and image is None and is_image(names[-1]):
            *names, image = names
        return names, load_scene(image and Path(image).expanduser(), side, noise, protocol, seed, device), own

    return _decorator(
        "[MODELS]... [IMAGE]",
        load,
        click.option(
            "--image",
            type=click.Path(path_type=Path),
            help="Image file; same as the last argument.  [default: chelsea of builtin]",
        ),
        *options,
        click.option(
            "--side",
            type=click.IntRange(2 * MIN_SIDE),
            default=side,
            show_default=True,
            help="Side in pixels of the centre of the image that is used.",
        ),
    )


def _decorator(metavar: str, load: Callable, *options: Callable) -> Callable:
    """The decorator of a command with these and the common options.

    load   takes the arguments, the run folder and the options; returns the names of models, what they are analysed on
           and the command's own options
    """
    parameters = (click.argument("names", metavar=metavar, nargs=-1), _MODELS, *options, *_COMMON)

    def decorate(function: Callable) -> click.Command:
        @wraps(function)
        def command(names, models, out, **given):
            names, data, own = load(names, out, **given)
            chosen = resolve_models(names, models, out)
            return finish(function(chosen, data, **own), out, {one.label: one.display_name for one in chosen})

        for parameter in reversed(parameters):
            command = parameter(command)
        return click.command()(command)

    return decorate


def is_image(name: str) -> bool:
    """Whether an argument is an image file by its suffix, not a model spec."""
    from bench.datasets import SUFFIXES

    return name.lower().endswith(tuple(SUFFIXES))


def noises_of(text: str | None, channels: int) -> Sequence[Noise]:
    """The noises of specs that apply to images of 1 or 3 channels; prints which are skipped. Raises BadInput."""
    from bench.noise import noises

    chosen, skipped = noises.for_channels(noises.expand(text), channels) if text else ((), ())
    print_notes(skipped)
    return chosen


def reference_noise(out: Path, text: str | None, option: str = "--reference") -> Noise:
    """The noise of a spec; without one the reference noise of a run folder, or Gaussian 15. Raises BadInput."""
    from bench.noise import noises
    from bench.runs.conditions import reference_of

    return noises.load_noise(reference_of(out, text, option))


def resolve_models(names: Sequence[str], option: str | None, out: Path) -> list[Model]:
    """The models of the arguments and of --models; prints which models of a group are skipped. Raises BadInput.

    Names and labels of the models of the run in `out` are accepted too.
    """
    from bench.models import model_specs
    from bench.runs.run_specs import RunModels
    from bench.runs.store import ROWS_FILE

    known = RunModels.of(out) if (out / ROWS_FILE).is_file() else RunModels()
    parts = spec.split(",".join([*([option] if option else []), *map(known.written, names)]))
    chosen, skipped = model_specs.expand(",".join(map(known.written, parts)))
    print_notes(skipped)
    return chosen


def print_notes(sentences: Iterable[str]) -> None:
    """Print each sentence as a line of its own, 'note: ...'."""
    for sentence in sentences:
        click.echo(f"note: {sentence}")


def finish(result: Result, out: Path, given: Mapping[str, str] = MappingProxyType({})) -> list[Path]:
    """Save a result, and print its notes, summary, explanation and files; returns the files.

    `given`: label of a model -> the display name that the user gave it, '' for none.
    """
    from rich.table import Table

    from bench import analyses
    from bench.analyses.core.result import save
    from bench.core.console import console

    result, files = save(result, out, {label: name for label, name in given.items() if name})
    print_notes(result.notes)
    table = Table(title=result.summary.title, title_justify="left")
    for number, heading in enumerate(result.summary.headings):
        table.add_column(heading, justify="right" if number else "left")
    for row in result.summary.rows:
        table.add_row(*row)
    console().print(table)
    click.echo(next(card.about for card in analyses.cards() if card.name == result.analysis))
    click.echo("files: " + ", ".join(map(str, files)))
    return files
