"""What `compare` and `report` are asked for, in every way that `run` took it, against what the rows have."""

import shutil
import sys
from io import StringIO

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

from bench.cli import main
from bench.core.errors import BadInput
from bench.runs import run_specs, selection

pytestmark = pytest.mark.slow

NETWORK = """
import torch

class Half(torch.nn.Module):
    def __init__(self, gain=0.5):
        super().__init__()
        self.gain = gain

    def forward(self, x):
        return x * self.gain
"""
NOISE = """
from dataclasses import dataclass
from typing import ClassVar
import numpy as np
from noise_zoo.noise import Noise

@dataclass(frozen=True)
class Shift(Noise):
    amount: float
    axis: ClassVar[str] = "amount"
    levels: ClassVar[tuple] = (0.05, 0.1)

    def __call__(self, clean, rng):
        return (clean + np.float32(self.amount)).astype(np.float32), clean
"""
MODELS = "half.py:Half, own/second.py:Half(gain=0.25), half.py:Half(gain=0.75), tv"
NOISES = "own/shift.py:Shift, poisson_gaussian(sigma=3), gaussian"


def call(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with pictures, a user's network and noise, and a run of them; left as it is."""
    folder = tmp_path_factory.mktemp("asked")
    (folder / "own").mkdir()
    (folder / "photos").mkdir()
    (folder / "half.py").write_text(NETWORK)
    (folder / "own" / "second.py").write_text(NETWORK + "# another file\n")
    (folder / "own" / "shift.py").write_text(NOISE)
    for name in "ab":
        pixels = np.random.default_rng(ord(name)).integers(0, 256, (24, 24, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "photos" / f"{name}.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("BENCH_HOME", str(folder / "home"))
        patch.setattr(sys, "argv", ["bench"])
        result = call(
            "run", "--models", MODELS, "--noise", NOISES, "--data", "photos", "--metrics", "psnr", "--out", "r"
        )
        assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def run(made, tmp_path, monkeypatch):
    """A copy of that folder, entered: what it says is in `r`."""
    shutil.copytree(made, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(sys, "argv", ["bench"])
    return tmp_path / "here"


def compared(*arguments):
    """(models compared, noises compared) of `bench compare r` with these arguments."""
    result = call("compare", "r", *arguments, "--format", "csv")
    assert result.exit_code == 0, result.output
    frame = pd.read_csv(StringIO(result.output))
    return set(frame["model"]), set(frame["noise"]) - {"OOD mean"}


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("half.py:Half", "Half"),
        ("./half.py:Half", "Half"),
        ("{run}/half.py:Half", "Half"),
        ("half.py:Half(gain=0.5)", "Half"),
        ("half.py:Half(0.75)", "Half(gain=0.75)"),
        ("half:Half", "Half"),
        ("own/second.py:Half(gain=0.250)", "Half(gain=0.25)"),
        ("Half", "Half"),
        ("Half(gain=0.25)", "Half(gain=0.25)"),
    ],
)
def test_a_network_is_found_however_run_took_it(text, label, run):
    assert compared("--models", text.format(run=run), "--against", "tv")[0] == {label}
    assert call("compare", "r", "--models", "tv", "--against", text.format(run=run)).exit_code == 0


def test_a_network_of_another_file_is_not_the_one_of_that_name(run):
    result = call("compare", "r", "--models", "own/second.py:Half", "--against", "tv")
    assert result.exit_code == 2 and "another source" in result.output
    result = call("compare", "r", "--models", "gone.py:Half", "--against", "tv")
    assert result.exit_code == 2 and "gone.py" in result.output
    assert call("compare", "r", "--models", "half.py:Half(gain=0.1)", "--against", "tv").exit_code == 2


def test_rows_of_an_earlier_source_are_said_to_be_that(run):
    rows, written = selection.read(run / "r").rows, run_specs.RunModels.of(run / "r")
    notes = []
    assert run_specs.label_in_run("half.py:Half", rows, written, notes) == "Half" and not notes
    (run / "half.py").write_text(NETWORK + "# edited\n")
    assert run_specs.label_in_run("half.py:Half", rows, written, notes) == "Half" and len(notes) == 1
    with pytest.raises(BadInput, match="another source"):
        run_specs.label_in_run(f"{run}/half.py:Half", rows, written, notes)
    (run / "half.py").unlink()
    assert (
        run_specs.label_in_run("half.py:Half(gain=0.75)", rows, written, notes) == "Half(gain=0.75)" and len(notes) == 2
    )
    assert run_specs.label_in_run("Half(gain=0.75)", rows, written, notes) == "Half(gain=0.75)" and len(notes) == 2


def test_groups_are_their_members_in_the_run(run):
    assert compared("--models", "classical", "--against", "Half")[0] == {"tv"}
    assert call("compare", "r", "--models", "classical", "--against", "tv").exit_code == 2


@pytest.mark.parametrize(
    ("text", "noises"),
    [
        ("own/shift.py:Shift", {"shift.py:Shift(amount=0.05)", "shift.py:Shift(amount=0.1)"}),
        ("{run}/own/shift.py:Shift(0.1)", {"shift.py:Shift(amount=0.1)"}),
        ("shift.py:Shift", {"shift.py:Shift(amount=0.05)", "shift.py:Shift(amount=0.1)"}),
        ("poisson_gaussian(sigma=3)", {f"poisson_gaussian(peak={peak}, sigma=3)" for peak in (10, 30, 60, 120)}),
        ("paper", {f"gaussian(sigma={sigma})" for sigma in (15, 25, 50)}),
        ("gaussian(25), own/shift.py:Shift(0.1)", {"gaussian(sigma=25)", "shift.py:Shift(amount=0.1)"}),
    ],
)
def test_noises_are_found_however_run_took_them(text, noises, run):
    assert compared("--models", "Half", "--against", "tv", "--noise", text.format(run=run))[1] == noises


def test_a_noise_of_another_source_is_not_the_one_of_that_name(run):
    (run / "own" / "shift.py").write_text(NOISE + "# edited\n")
    assert call("compare", "r", "--models", "Half", "--against", "tv", "--noise", "own/shift.py:Shift").exit_code == 2
    assert compared("--models", "Half", "--against", "tv", "--noise", "shift.py:Shift")[1]


def test_the_training_of_a_page_is_named_likewise(run, monkeypatch):
    seen = {}

    def of(folder):
        seen[str(folder)] = True
        return pd.DataFrame({"noise": [], "iteration": [], "psnr": []})

    monkeypatch.setattr("bench.training.curves.read", of)
    assert call("report", "r", "--training", "half.py:Half=logs", "-o", "site").exit_code == 0 and "logs" in seen
    assert call("report", "r", "--training", "gone.py:Half=logs", "-o", "site").exit_code == 2
