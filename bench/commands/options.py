"""Options that several commands share: one name, one meaning, one text. Imports nothing heavy."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any

import click

from bench import spec
from bench.core.errors import shortened
from bench.core.integers import integers_of

TABLE_FORMATS = ("table", "csv", "json", "markdown", "latex")


def spec_list(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """A list of specs, separated by commas or spaces -> the same separated by commas; each value of a repeated option.

    None stays None, and a path that exists stays as it is.
    """
    if isinstance(value, tuple):
        return tuple(spec_list(context, parameter, text) for text in value)
    if value is None or os.path.exists(os.path.expanduser(value)):
        return value
    return ", ".join(spec.split_list(value))


def integers(context: click.Context, parameter: click.Parameter, text: str | None) -> tuple[int, ...] | None:
    """'0,1' or '0 1' -> (0, 1); None stays None."""
    if text is None:
        return None
    try:
        return integers_of(",".join(text.replace(",", " ").split()))
    except ValueError:
        raise click.BadParameter(f"expected integers such as 0 or 0,1, got {shortened(text)}") from None


def assignments(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """('a=1', 'b=2') -> {'a': '1', 'b': '2'}."""
    for value in values:
        if "=" not in value:
            raise click.BadParameter(f"expected NAME=VALUE such as input_mask=75-85, got {value!r}")
    return dict(value.split("=", 1) for value in values)


@dataclass(frozen=True)
class SharedOption:
    """An option as every command has it: its names, what it means, and what else click has to know."""

    names: tuple[str, ...]
    help: str
    settings: dict[str, Any] = field(default_factory=dict)


FOLDER, FILE = click.Path(path_type=Path, file_okay=False), click.Path(path_type=Path, dir_okay=False)
SPECS = {"metavar": "SPECS", "callback": spec_list}
SHARED = {
    "models": SharedOption(
        ("--models",),
        """Models, as specs or groups: "ours, dncnn(size='full')", "net.py:MyNet". NAME=SPEC gives a model a name
        for tables and charts: "Mine=net.py:MyNet".

        \b
        all         the eight networks of the paper
        classical   methods without training
        rivals      classical, and networks that are not in the paper
        everything  all, rivals and imported weights

        bench models list shows them.""",
        SPECS,
    ),
    "noise": SharedOption(
        ("--noise",),
        """Noises, as specs or groups: "gaussian(sigma=25), poisson". A name without a level means all its levels.

        \b
        paper   the noises of the paper
        extras  further noises of this package
        all     paper, and the noises of installed packages

        bench noise list shows them.""",
        SPECS,
    ),
    "datasets": SharedOption(("--datasets",), 'Data sets, as specs: "CBSD68, Kodak24(crop=256, limit=16)".', SPECS),
    "data": SharedOption(
        ("--data",),
        "Folder of images to use as a data set: photos/. Repeat for several.",
        {"metavar": "FOLDER", "multiple": True, "type": click.Path(path_type=Path)},
    ),
    "metrics": SharedOption(
        ("--metrics",),
        "Metrics: psnr, psnr_y, ssim, lpips, lpips_squeeze, or file.py:METRIC.",
        {"metavar": "NAMES", "callback": spec_list},
    ),
    "protocol": SharedOption(
        ("--protocol",),
        """How noisy images are stored and scored.

        \b
        stored                8 bits per channel, as in image files
        float                 floating point, as in KAIR, SwinIR and Restormer
        masked-denoising      as in the test script of Chen et al.
        masked-denoising-bgr  the same, with LPIPS of BGR images

        Rows of different protocols are never mixed.""",
        {"metavar": "NAME"},
    ),
    "seed": SharedOption(
        ("--seed",), "Seed of the random numbers, e.g. 1.", {"metavar": "INTEGER", "type": click.IntRange(0)}
    ),
    "seeds": SharedOption(
        ("--seeds",), "Seeds of the noise, e.g. 0,1,2.", {"metavar": "INTEGERS", "callback": integers}
    ),
    "device": SharedOption(
        ("--device",), "auto (a GPU if there is one), cpu, cuda, or one GPU: cuda:1.", {"metavar": "NAME"}
    ),
    "run": SharedOption(("-o", "--out"), "Run folder to write to, e.g. runs/study.", {"type": FOLDER}),
    "folder": SharedOption(("-o", "--out"), "Folder to write to.", {"type": FOLDER}),
    "file": SharedOption(("-o", "--out"), "File to write to.", {"type": FILE}),
    "format": SharedOption(("--format", "kind"), "Format of the output."),
}


def shared(
    name: str, default: Any = None, *, absent: str = "", also: str = "", names: tuple[str, ...] = (), **settings: Any
) -> Callable:
    """The decorator that gives a command the shared option `name`.

    default   its value where it is not given
    absent    what happens then, in words, where that is no value
    also      what the option means for this command alone
    names     those of the option, where a command has more of them
    settings  of `click.option`, over those that all commands share
    """
    option = SHARED[name]
    text = f"{inspect.cleandoc(option.help)} {also}".strip()
    settings = {**option.settings, **settings}
    if default is not None:
        settings["default"] = default
    return click.option(*(names or option.names), help=text, show_default=absent or default is not None, **settings)


def filter_options(command: Callable) -> Callable:
    """The decorator of commands that read a run: the function gets `filters`, the rows that the user selects."""

    @shared("models", absent="all in the run", also="Names of the run's models are accepted too.", callback=None)
    @shared("noise", absent="all in the run", also="The reference noise stays.")
    @shared("datasets", absent="all in the run")
    @shared("metrics", absent="all in the run")
    @shared("seeds", absent="all in the run")
    @wraps(command)
    def with_filters(models, noise, datasets, metrics, seeds, **others):
        from bench.runs.filters import Filters

        return command(filters=Filters(models, noise, datasets, metrics, seeds), **others)

    return with_filters
