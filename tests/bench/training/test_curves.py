"""Test curves: from a training's log and from a card."""

import json

import pytest

from bench.core.errors import BadInput
from bench.training import curves

LINES = [
    {"iteration": 1, "iterations": 4, "loss": 0.5, "rate": 1e-3, "iterations_per_second": 2.0, "scores": None},
    {"iteration": 2, "iterations": 4, "loss": 0.4, "rate": 1e-3, "iterations_per_second": 2.0,
     "scores": {"gaussian(sigma=15)": 30.123, "poisson(alpha=3)": 25.0}},
    {"iteration": 4, "iterations": 4, "loss": 0.3, "rate": 1e-4, "iterations_per_second": 2.5,
     "scores": {"gaussian(sigma=15)": 31.987, "poisson(alpha=3)": 26.5}},
]  # fmt: skip
POINTS = [
    (2, "gaussian(sigma=15)", 30.123),
    (2, "poisson(alpha=3)", 25.0),
    (4, "gaussian(sigma=15)", 31.987),
    (4, "poisson(alpha=3)", 26.5),
]


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "ours-seed1"
    place.mkdir()
    (place / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in LINES) + '{"iteration": 5, "lo')
    return place


def test_curves_of_a_log(folder):
    """A last line that was cut off by a kill is left out."""
    frame = curves.read(folder)
    assert tuple(frame.columns) == curves.COLUMNS
    assert [tuple(row) for row in frame.itertuples(index=False)] == [("ours-seed1", *point) for point in POINTS]


def test_losses_of_a_log(folder):
    frame = curves.losses(folder)
    assert list(frame["loss"]) == [0.5, 0.4, 0.3] and list(frame["iteration"]) == [1, 2, 4]


def test_a_card_has_the_curve_to_a_hundredth(folder):
    card = {"name": "ours-small", "curve": curves.for_card(folder)}
    frame = curves.of_card(json.loads(json.dumps(card)))
    expected = [("ours-small", iteration, noise, round(value, 2)) for iteration, noise, value in POINTS]
    assert [tuple(row) for row in frame.itertuples(index=False)] == expected
    assert curves.of_card({"name": "old"}).empty


def test_a_folder_without_a_training_is_named(tmp_path):
    with pytest.raises(BadInput, match="log.jsonl"):
        curves.read(tmp_path)
