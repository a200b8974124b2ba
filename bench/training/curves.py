"""Test curves: PSNR on held-out images while a network was trained (figure 13 of the paper), from logs and cards.

`bench train` logs into `log.jsonl` of its folder and copies the curve into the card of the weights, under `curve`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from bench.errors import BadInput

LOG = "log.jsonl"
COLUMNS = ("training", "iteration", "noise", "psnr")


def read(folder: Path) -> pd.DataFrame:
    """The test curves of a training's folder: training (the folder's name), iteration, noise, psnr in dB.

    Raises BadInput where no training has logged there.
    """
    return _frame(folder.resolve().name, [(line["iteration"], line["scores"]) for line in _lines(folder)])


def losses(folder: Path) -> pd.DataFrame:
    """What a training logged every two seconds or so: iteration, loss (mean since the line before), rate, speed."""
    columns = ["iteration", "loss", "rate", "iterations_per_second"]
    return pd.DataFrame(_lines(folder), columns=columns)


def of_card(card: dict[str, Any]) -> pd.DataFrame:
    """The test curves in the card of weights, under its name; empty where it has none."""
    return _frame(card["name"], [(point["iteration"], point["psnr"]) for point in card.get("curve", [])])


def for_card(folder: Path) -> list[dict[str, Any]]:
    """The curve of a training's folder as a card has it, to a hundredth of a dB; empty where its log is gone."""
    lines = _lines(folder) if (folder / LOG).is_file() else []
    points = [(line["iteration"], line["scores"]) for line in lines]
    return [{"iteration": iteration, "psnr": {noise: round(value, 2) for noise, value in scores.items()}}
            for iteration, scores in points if scores]  # fmt: skip


def _frame(training: str, points: list[tuple[int, dict[str, float] | None]]) -> pd.DataFrame:
    rows = [(training, i, noise, value) for i, scores in points for noise, value in (scores or {}).items()]
    return pd.DataFrame(rows, columns=COLUMNS)


def _lines(folder: Path) -> list[dict[str, Any]]:
    """The lines of the log that were written whole."""
    log = folder / LOG
    if not log.is_file():
        raise BadInput(f"{folder} is not the folder of a training: it has no {LOG}. Make one with bench train --out")
    found = []
    for line in log.read_text().splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:  # the last one, of a training that was killed
            continue
    return [line for line in found if isinstance(line, dict) and {"iteration", "scores"} <= line.keys()]
