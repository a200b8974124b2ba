"""`bench attribute`: a filter's map ends at its reach; the numbers printed and kept are those of the map."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from bench.analyses.attribute import attribution_map, map_table, parse_window
from bench.analyses.core import measurements
from bench.analyses.core.outputs import load_denoiser
from bench.analyses.core.scene import make_scene
from bench.core.errors import BadInput
from bench.models import model_specs
from bench.noise import noises
from bench.protocols import load_protocol
from bench.runs.store import Store

pytestmark = pytest.mark.slow

NOISE = noises.load_noise("gaussian(sigma=15)")
STORED = load_protocol("stored")
CPU = torch.device("cpu")


@pytest.fixture
def scene():
    return make_scene("a.png", np.random.default_rng(0).random((24, 30, 3), dtype=np.float32), NOISE, 0, STORED, CPU)


def test_a_blur_of_3x3_reaches_a_pixel_further(networks, scene):
    window = parse_window("4,6", 4, scene.clean.shape)
    found = attribution_map(load_denoiser(model_specs.resolve(f"{networks}:Blur"), CPU), scene, window, 4)
    rows, columns = np.nonzero(found.map)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (3, 9, 5, 11)
    frame = map_table({"Blur": found}, window)
    row = frame.iloc[0]
    assert 0 < row["inside"] < 1 and row["half"] <= row["nine_tenths"] <= 8**0.5
    weights = np.abs(found.map)
    assert row["inside"] == pytest.approx(weights[4:8, 6:10].sum() / weights.sum())


def test_a_network_with_masks_keeps_them_along_the_path():
    clean = np.random.default_rng(0).random((16, 16, 3), dtype=np.float32)
    scene, window = make_scene("a.png", clean, NOISE, 0, STORED, CPU), parse_window(None, 8, clean.shape)
    twice = [attribution_map(load_denoiser(model_specs.resolve("ours"), CPU), scene, window, 16) for _ in range(2)]
    np.testing.assert_array_equal(twice[0].map, twice[1].map)
    assert twice[0].completeness == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize(("at", "side", "value"), [("1;2", 4, "'1;2'"), ("21,0", 4, "21,0"), (None, 25, "got 25")])
def test_windows_that_do_not_fit(at, side, value):
    with pytest.raises(BadInput, match=value):
        parse_window(at, side, (24, 30, 3))


def test_the_command(call, networks, photos, tmp_path):
    out = tmp_path / "run"
    result = call(
        "attribute",
        f"{networks}:Blur,{networks}:Blur(strength=0.5)",
        photos / "a.png",
        "--window",
        4,
        "--at",
        "8,8",
        "--steps",
        8,
        "--out",
        out,
    )
    assert result.exit_code == 0, result.output
    assert "window of 4x4 at 8,8" in result.output
    stem = "a-gaussian-sigma-15"
    assert {path.name for path in (out / "attribute").iterdir()} == {
        *(f"{stem}.{end}" for end in ("csv", "json", "npz", "svg", "png", "pdf")),
        f"{stem}-shares.csv",
    }
    frame = pd.read_csv(out / f"attribute/{stem}.csv").set_index("model")
    assert frame.loc["Blur", "diffusion_index"] > frame.loc["Blur(strength=0.5)", "diffusion_index"]
    with Store.open(out) as store:
        kept = measurements.read(store, "diffusion_index").set_index("model")["value"]
    assert kept["Blur"] == pytest.approx(frame.loc["Blur", "diffusion_index"])
    settings = json.loads((out / f"attribute/{stem}.json").read_text())
    assert settings["window"] == {"top": 8, "left": 8, "side": 4} and settings["steps"] == 8


def test_a_network_without_gradients_is_an_error(call, photos, tmp_path):
    file = tmp_path / "net.py"
    file.write_text(
        "from torch import nn\nclass Cut(nn.Module):\n    def forward(self, x):\n        return x.detach() + 0\n"
    )
    result = call("attribute", f"{file}:Cut", photos / "a.png", "--window", 4, "--out", tmp_path / "run")
    assert result.exit_code == 2 and result.output.strip().splitlines()[-1].startswith("Error: model Cut: ")
