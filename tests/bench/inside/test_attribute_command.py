"""`bench attribute`: a filter's map ends at its reach; the numbers printed and kept are those of the map."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from bench.errors import BadInput
from bench.inside import attributions, findings
from bench.inside.outputs import denoiser
from bench.networks import models
from bench.noise import noises
from bench.protocols import load_protocol
from bench.runs.store import Store

NOISE = noises.load_noise("gaussian(sigma=15)")
STORED = load_protocol("stored")
CPU = torch.device("cpu")


def scene(at=None, side=4, size=(24, 30)):
    clean = np.random.default_rng(0).random((*size, 3), dtype=np.float32)
    return attributions.scene_of("a.png", clean, NOISE, 0, STORED, at, side)


def test_a_blur_of_3x3_reaches_a_pixel_further(networks):
    seen = scene("4,6")
    found = attributions.measure(denoiser(models.resolve(f"{networks}:Blur"), CPU), seen, 4)
    rows, columns = np.nonzero(found.map)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (3, 9, 5, 11)
    frame = attributions.frame_of({"Blur": found}, seen.window)
    row = frame.iloc[0]
    assert 0 < row["inside"] < 1 and row["half"] <= row["nine_tenths"] <= 8**0.5
    weights = np.abs(found.map)
    assert row["inside"] == pytest.approx(weights[4:8, 6:10].sum() / weights.sum())


def test_a_network_with_masks_keeps_them_along_the_path():
    seen = scene(side=8, size=(16, 16))
    twice = [attributions.measure(denoiser(models.resolve("ours"), CPU), seen, 16) for _ in range(2)]
    np.testing.assert_array_equal(twice[0].map, twice[1].map)
    assert twice[0].completeness == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"at": "1;2"}, "wanted row,column"),
        ({"at": "21,0"}, "reaches out of the image of 24 rows and 30 columns"),
        ({"side": 25}, "larger than the image of 30x24"),
    ],
)
def test_windows_that_do_not_fit(arguments, message):
    with pytest.raises(BadInput, match=message):
        scene(**arguments)


def test_the_command(call, networks, photos, tmp_path):
    out = tmp_path / "run"
    result = call("attribute", f"{networks}:Blur,{networks}:Blur(strength=0.5)", photos / "a.png", "--window", 4,
                  "--at", "8,8", "--steps", 8, "--out", out)  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "window of 4x4 at 8,8" in result.output
    stem = "a-gaussian-sigma-15"
    assert {path.name for path in (out / "attribute").iterdir()} == {
        *(f"{stem}.{end}" for end in ("csv", "json", "svg", "png", "pdf")), f"{stem}-shares.csv"}  # fmt: skip
    frame = pd.read_csv(out / f"attribute/{stem}.csv").set_index("model")
    assert frame.loc["Blur", "diffusion_index"] > frame.loc["Blur(strength=0.5)", "diffusion_index"]
    with Store.open(out) as store:
        kept = findings.read(store, "diffusion_index").set_index("model")["value"]
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
