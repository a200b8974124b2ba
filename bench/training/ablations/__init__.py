"""The paper's ablations as data: each table is a list of trainings, with the numbers that the paper has for them.

    bench train --list                      which tables there are
    bench train --list table-3a             the commands of one; `| sh` does them all
    bench train --list table-3a --preset small --data BSDS400

A table is a TOML file here: what it is, the noise and the data set of its numbers, and for each training a label, the
network, the settings and the paper's PSNR and SSIM.
"""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.errors import unknown

FOLDER = Path(__file__).parent


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name: str) -> dict[str, Any]:
    """A table: title, about, noise, dataset, and a list `training` of label, model, settings, psnr, ssim."""
    if name not in names():
        raise unknown("table", name, names())
    return tomllib.loads((FOLDER / f"{name}.toml").read_text())


def tables() -> str:
    """What tables there are, a line each."""
    return "\n".join(f"{name:10} {load(name)['title']} ({len(load(name)['training'])} trainings)" for name in names())


def commands(name: str, options: Sequence[str] = ()) -> str:
    """The lines of a shell script: a training each, with the paper's numbers, and the run that scores them all.

    `options` are further words of each training's command; without a preset among them, it is the paper's.
    """
    table = load(name)
    options = [*options] if "--preset" in options else ["--preset", "paper", *options]
    size = "small" if options[options.index("--preset") + 1] == "small" else "full"
    ending = ".safetensors" + ".index.json" * ("--parts" in options)  # baselines.parts.INDEX would import torch
    lines = [f"# {table['title']}", f"# {table['about']}"]
    weights = []
    for row in table["training"]:
        called, out = f"{name}-{row['label']}-{size}", f"runs/train/{name}/{row['label']}"
        settings = [word for key, value in row["settings"].items() for word in ("--set", f"{key}={value}")]
        words = ["bench", "train", row["model"], *options, *settings, "--as", called, "--out", out]
        lines.append(f"{_joined(words)}  # paper: {row['psnr']:.2f} dB / {row['ssim']:.4f}")
        weights.append(f"{row['model']}(weights='{out}/{called}{ending}')")
    lines.append("# the paper's mixture was never published: this is ours, so compare the order, not the numbers")
    run = ["bench", "run", "--models", ", ".join(weights), "--noise", table["noise"], "--datasets", table["dataset"]]
    return "\n".join([*lines, _joined([*run, "--out", f"runs/{name}"])])


def _joined(words: Sequence[str]) -> str:
    """`shlex.join`, but in double quotes where there are single ones, so that people can read it."""
    return " ".join(
        f'"{word}"' if "'" in word and not set(word) & set('"$`\\!') else shlex.quote(word) for word in words
    )
