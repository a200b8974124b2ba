"""Test curves: PSNR on held-out images during training (figure 13 of the paper), from logs and cards.

`bench train` logs to `log.jsonl` in its folder, and stores the curve in the card of the weights, under `curve`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from bench.core.errors import BadInput

LOG = "log.jsonl"
COLUMNS = ("training", "iteration", "noise", "psnr")


def read(folder: Path) -> pd.DataFrame:
    """Test curves of a training folder: training (name of the folder), iteration, noise, psnr in dB.

    Raises BadInput if there is no training log.
    """
    return _frame(folder.resolve().name, [(line["iteration"], line["scores"]) for line in _lines(folder)])


def losses(folder: Path) -> pd.DataFrame:
    """Training log, about every two seconds: iteration, loss (mean since the previous line), learning rate, speed."""
    columns = ["iteration", "loss", "rate", "iterations_per_second"]
    return pd.DataFrame(_lines(folder), columns=columns)


def of_card(card: dict[str, Any]) -> pd.DataFrame:
    """Test curves in the card of weights, under its name; empty if it has none."""
    return _frame(card["name"], [(point["iteration"], point["psnr"]) for point in card.get("curve", [])])


def for_card(folder: Path) -> list[dict[str, Any]]:
    """The curve of a training folder as stored in a card, rounded to 0.01 dB; empty if there is no log."""
    lines = _lines(folder) if (folder / LOG).is_file() else []
    points = [(line["iteration"], line["scores"]) for line in lines]
    return [
        {"iteration": iteration, "psnr": {noise: round(value, 2) for noise, value in scores.items()}}
        for iteration, scores in points
        if scores
    ]


def _frame(training: str, points: list[tuple[int, dict[str, float] | None]]) -> pd.DataFrame:
    rows = [(training, i, noise, value) for i, scores in points for noise, value in (scores or {}).items()]
    return pd.DataFrame(rows, columns=COLUMNS)


def _lines(folder: Path) -> list[dict[str, Any]]:
    """Complete lines of the log. Raises BadInput if there is no log."""
    log = folder / LOG
    if not log.is_file():
        raise BadInput(
            f"expected the folder of a training, got {folder}, which has no {LOG}: train with bench train --out"
        )
    found = []
    for line in log.read_text(encoding="utf-8").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:  # incomplete last line of a killed training
            continue
    return [line for line in found if isinstance(line, dict) and {"iteration", "scores"} <= line.keys()]
