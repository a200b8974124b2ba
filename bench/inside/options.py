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
    """The noises of a list of specs that images of 1 or 3 channels can have; a line says which are skipped.

    Raises BadInput.
    """
    from bench.noise import noises

    chosen, skipped = noises.for_channels(noises.expand(text), channels)
    for sentence in skipped:
        click.echo(f"note: {sentence}")
    return chosen


def models_of(text: str) -> list[Model]:
    """The models of a list of specs; each that a group leaves out is told in a line. Raises BadInput."""
    from bench.networks import models

    chosen, left_out = models.expand(text)
    for sentence in left_out:
        click.echo(f"note: {sentence}")
    return chosen
