"""`bench brightness`: shifts are those of the 8-bit outputs; a masked model is shown without its mask too."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from baselines.weights_io import checkpoints
from bench import load_model
from bench.analyses.brightness import with_unmasked
from bench.analyses.core import measurements
from bench.analyses.core.patches import batches, cut
from bench.datasets import load_dataset
from bench.models import model_specs
from bench.noise import noises
from bench.protocols import load_protocol, to_bytes
from bench.runs.store import Store

pytestmark = pytest.mark.slow


def test_the_shifts_are_those_of_the_outputs(call, photos, tmp_path):
    out = tmp_path / "run"
    result = call("brightness", "ours", "--data", photos, "--patches", 8, "--side", 16, "--out", out)
    assert result.exit_code == 0, result.output
    frame = pd.read_csv(out / "brightness/gaussian-sigma-15.csv").set_index(["model", "channel"])["shift"]
    assert set(frame.index.get_level_values("model")) == {"ours", "ours(mask_at_test=False)"}
    patches, stored = cut([load_dataset(photos)], 8, 16), load_protocol("stored")
    (batch,) = batches(patches, noises.load_noise("gaussian(sigma=15)"), 0, stored, 8)
    clean = to_bytes(batch.clean.numpy()).astype(float)
    for label, options in (("ours", {"keys": batch.keys}), ("ours(mask_at_test=False)", {})):
        with torch.inference_mode():
            output = to_bytes(load_model(label)(batch.noisy, **options).numpy()).astype(float)
        expected = (output - clean).mean((0, 2, 3))
        np.testing.assert_allclose(frame[label][["red", "green", "blue"]], expected, atol=0.01)
        assert frame[label, "all"] == pytest.approx(expected.mean(), abs=0.01)
    assert frame["ours", "red"] != frame["ours(mask_at_test=False)", "red"]
    histograms = pd.read_csv(out / "brightness/gaussian-sigma-15-histograms.csv").set_index(["model", "level"])
    counted = np.bincount(clean[:, 0].astype(int).ravel(), minlength=256) / clean[:, 0].size
    np.testing.assert_allclose(histograms.loc["clean", "red"], counted, rtol=1e-5)
    with Store.open(out) as store:
        kept = measurements.read(store, "brightness_green").set_index("model")["value"]
    assert kept["ours"] == frame["ours", "green"]
    assert json.loads((out / "brightness/gaussian-sigma-15.json").read_text())["noise"] == "gaussian(sigma=15)"
    assert {path.suffix for path in (out / "brightness").iterdir()} == {".csv", ".json", ".svg", ".png", ".pdf"}


def test_only_a_model_that_masks_at_test_time_is_shown_twice(tmp_path):
    def labels(*specs):
        return [model.label for model in with_unmasked([model_specs.resolve(one) for one in specs])]

    assert labels("baseline", "dncnn") == ["baseline", "dncnn"]
    assert labels("ours", "ours(mask_at_test=False)") == ["ours", "ours(mask_at_test=False)"]
    checkpoints.write_weights(model_specs.load_model("ours").state_dict(), tmp_path / "mine.safetensors", {})
    file = model_specs.resolve(f"ours(weights='{tmp_path / 'mine.safetensors'}', attention_mask=10)")
    masked, twin = with_unmasked([file])
    assert twin.label == masked.label[:-1] + ", mask_at_test=False)"
    assert twin.file == masked.file and twin.load().mask_at_test is False
    full = labels("ours(size='full', weights=None, attention_mask=50)")
    assert full[1] == "ours(size='full', weights=None, attention_mask=50, mask_at_test=False)"


def test_a_network_that_gives_no_image_is_an_error(call, networks, photos, tmp_path):
    for name in ("Broken", "Shrinking"):
        result = call("brightness", f"{networks}:{name}", "--data", photos, "--side", 40, "--out", tmp_path / "run")
        line = result.output.strip().splitlines()[-1]
        assert result.exit_code == 2 and line.startswith(f"Error: model {name}: "), result.output
