"""Tables of trainings as data: the paper's ablations with its numbers, and our own with ours.

    bench train --list                      which tables there are
    bench train --list table-3a             the small trainings of one; `| sh` does them all
    bench train --list table-3a --preset paper --data DIV2K,WED

A table is a TOML file here: what it is, and for each training a label, the network and the settings. One of the paper
has its PSNR and SSIM, and the noise and the data set that they are for; one of ours has PSNR on held-out images, which
is in the cards of the weights: `at` the training noise, and `off` it, the mean of the other noises of the test curves.
`usual` are options of every training, unless others are given.
"""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.core.errors import unknown

FOLDER = Path(__file__).parent


def names() -> list[str]:
    """Names of the tables of trainings."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name: str) -> dict[str, Any]:
    """A table: title, about, `training` (label, model, settings, and psnr and ssim, or at and off), and what is of all.

    That is `usual`, and of the paper's `noise` and `dataset`. Raises BadInput.
    """
    if name not in names():
        raise unknown("table", name, names())
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def tables() -> str:
    """What tables there are, a line each."""
    return "\n".join(f"{name:12} {load(name)['title']} ({len(load(name)['training'])} trainings)" for name in names())


def commands(name: str, options: Sequence[str] = ()) -> str:
    """The lines of a shell script: a training each, with its numbers, and for the paper's the run that scores them all.

    `options` are further words of each training's command; without a preset among them, it is the table's, or `small`.
    """
    table = load(name)
    options = [*_usual(table, options), *options]
    size = _size(options)
    # shards.INDEX would import torch
    ending = ".safetensors" + ".index.json" * ("--parts" in options)
    lines = [f"# {table['title']}", f"# {table['about']}"]
    weights = []
    for row in table["training"]:
        words = training_words(name, row["label"], options)
        lines.append(f"{joined(['bench', 'train', *words])}  # {_numbers(row)}")
        weights.append(f"{row['model']}(weights='{words[-1]}/{words[-3]}{ending}')")
    if "noise" not in table:  # each card has its scores
        return "\n".join(lines)
    if size == "small":
        lines.append("# small trainings: compare the order with the paper's; --preset paper lists those of its size")
    if "mixture" in table["noise"]:
        lines.append("# the paper's mixture was never published: this is ours, so compare the order, not the numbers")
    run = ["bench", "run", "--models", ", ".join(weights), "--noise", table["noise"], "--datasets", table["dataset"]]
    return "\n".join([*lines, joined([*run, "--out", f"runs/{name}"])])


def training_words(name: str, label: str, options: Sequence[str], folder: str = "runs/train") -> list[str]:
    """The words after `bench train` of one training of a table; the last are --as NAME --out FOLDER."""
    table = load(name)
    row = next(row for row in table["training"] if row["label"] == label)
    options = [*_usual(table, options), *options]
    settings = [word for key, value in row["settings"].items() for word in ("--set", f"{key}={value}")]
    called, out = f"{name}-{label}-{_size(options)}", f"{folder}/{name}/{label}"
    return [row["model"], *options, *settings, "--as", called, "--out", out]


def _usual(table: dict[str, Any], options: Sequence[str]) -> list[str]:
    """The options of every training of a table that are not given."""
    usual = {f"--{key}": str(value) for key, value in table.get("usual", {"preset": "small"}).items()}
    return [word for pair in usual.items() if pair[0] not in options for word in pair]


def _size(options: Sequence[str]) -> str:
    return "small" if options[options.index("--preset") + 1] == "small" else "full"


def _numbers(row: dict[str, Any]) -> str:
    """Result of a training, as text."""
    if not {"psnr", "at"} & row.keys():
        return "paper: value not transcribed"
    if "psnr" in row:
        return f"paper: {row['psnr']:.2f} dB / {row['ssim']:.4f}"
    return f"here: {row['at']:.2f} dB at the training noise, {row['off']:.2f} mean of the others"


def joined(arguments: Sequence[str]) -> str:
    """`shlex.join`, but in double quotes where there are single ones, so that people can read it."""
    return " ".join(
        f'"{word}"' if "'" in word and not set(word) & set('"$`\\!') else shlex.quote(word) for word in arguments
    )
