"""Options that the commands which look inside networks share. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bench.networks.model import Model
    from noise_zoo.noise import Noise


def data_options(patches: int) -> Callable:
    """Which patches, under which protocol, where it runs and where it is kept; `patches` is the default number."""
    options = (
        click.option("--datasets", default=None, help="Data set specs.  [default: builtin, or the folders of --data]"),
        click.option("--data", multiple=True, type=click.Path(path_type=Path), help="A folder of images."),
        click.option("--patches", "count", type=click.IntRange(1), default=patches, show_default=True,
                     help="How many; they overlap where the images have no room for so many side by side."),
        click.option("--side", type=click.IntRange(8), default=128, show_default=True, help="Of a patch, in pixels."),
        click.option("--protocol", default="stored", show_default=True, help="stored, float or masked-denoising."),
        click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the noise."),
        click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1."),
        click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("runs/latest"),
                     show_default=True, help="The run folder, the same as that of the scores."),
    )  # fmt: skip

    def decorate(command: Callable) -> Callable:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def listed(text: str | None) -> tuple[str, ...]:
    """'layers.*, norm' -> ('layers.*', 'norm')."""
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def noises_of(text: str, channels: int) -> list[Noise]:
    """The noises of a list of specs; each that needs colour is skipped on greyscale images, with a note.

    Raises BadInput.
    """
    from bench.errors import BadInput
    from bench.noise import noises

    chosen = noises.expand(text)
    kept = [noise for noise in chosen if channels == 3 or not noise.needs_colour]
    skipped = ", ".join(noises.canonical(noise) for noise in chosen if noise not in kept)
    if not kept:
        raise BadInput(f"the images are greyscale, and {skipped} needs colour: name another noise, or colour images")
    if skipped:
        click.echo(f"note: {skipped} skipped: the images are greyscale, and it needs colour")
    return kept


def models_of(text: str) -> list[Model]:
    """The models of a list of specs; each that a group leaves out is told in a line. Raises BadInput."""
    from bench.networks import models

    chosen, left_out = models.expand(text)
    for sentence in left_out:
        click.echo(f"note: {sentence}")
    return chosen
