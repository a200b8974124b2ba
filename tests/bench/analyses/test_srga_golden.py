"""`bench srga` from end to end, from images to the table, gives the golden values of the official script.

A network whose deepest layer gives the golden features: the red level of a square says which row of a table, the green
one, which the noise sets, which table.
"""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bench.analyses.core.patches import cut
from bench.datasets import load_dataset

pytestmark = pytest.mark.slow

CASE, PATCHES, SIDE = "A", 200, 8
NOISES = ("ref", "scale1.3", "heavy", "outliers")  # the green level is the place

GOLDEN = '''
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import nn

from noise_zoo.noise import Noise


@dataclass(frozen=True)
class Table(Noise):
    """Sets the green channel to a level."""

    level: int
    axis: ClassVar[str] = "level"
    levels: ClassVar[tuple] = (1,)

    def __call__(self, clean, rng):
        noisy = clean.copy()
        noisy[..., 1] = self.level / 255
        return noisy, clean


class Features(nn.Module):
    def __init__(self, tables):
        super().__init__()
        self.register_buffer("tables", tables)  # (noises, patches, features)

    def forward(self, x):
        red, green = (255 * x[:, :2, 0, 0]).round().long().T
        return self.tables[green.clamp(max=len(self.tables) - 1), red.clamp(max=self.tables.shape[1] - 1)]


class Net(nn.Module):
    def __init__(self, tables):
        super().__init__()
        self.features = Features(torch.from_numpy(np.load(tables)))

    def forward(self, x):
        self.features(x)
        return x
'''


@pytest.mark.parametrize(("pca", "column", "tolerance"), [("official", "official", 1e-5), ("exact", "exact_pca", 1e-6)])
def test_golden_from_images_to_the_table(call, shared, tmp_path, pca, column, tolerance):
    golden = json.loads((shared / "golden/srga/srga_golden.json").read_text())["A_200x600_pca50_randomized"]
    inputs = np.load(shared / "golden/srga/srga_inputs.npz")
    squares, file = tmp_path / "squares", tmp_path / "golden.py"
    squares.mkdir()
    file.write_text(GOLDEN)
    for red in range(PATCHES):
        Image.fromarray(np.full((SIDE, SIDE, 3), (red, 0, 0), np.uint8)).save(squares / f"{red:03}.png")
    tables = np.empty((len(NOISES), *inputs[f"{CASE}.ref"].shape), np.float32)
    rows = [
        patch.image for patch in cut([load_dataset(squares)], PATCHES, SIDE).patches
    ]  # randomized PCA sees the order
    for place, noise in enumerate(NOISES):
        tables[place, rows] = inputs[f"{CASE}.{noise}"]
    np.save(tmp_path / "tables.npy", tables)
    noises = ",".join(f"{file}:Table({place})" for place in range(1, len(NOISES)))
    result = call(
        "srga",
        f"{file}:Net('{tmp_path / 'tables.npy'}')",
        "--layer",
        "features",
        "--noise",
        noises,
        "--reference",
        f"{file}:Table(0)",
        "--data",
        squares,
        "--patches",
        PATCHES,
        "--side",
        SIDE,
        "--components",
        golden["pca"],
        "--pca",
        pca,
        "--out",
        tmp_path / "run",
    )
    assert result.exit_code == 0, result.output
    found = pd.read_csv(tmp_path / "run/srga/srga.csv")
    expected = [golden["rows"][noise][column]["srga"] for noise in NOISES[1:]]
    assert found["srga"].tolist() == pytest.approx(expected, abs=tolerance)
    assert found["floor"].tolist() == pytest.approx([0] * len(expected), abs=1e-9)  # this noise draws nothing
