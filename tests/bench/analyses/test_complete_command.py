"""`bench complete`: the masks are those of training, nested; the scores are those of the pictures."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio

from bench import load_model
from bench.analyses.complete import complete, parse_ratios, psnr_table
from bench.analyses.core import measurements
from bench.analyses.core.outputs import load_denoiser
from bench.analyses.core.scene import make_scene
from bench.core.errors import BadInput
from bench.datasets import load_dataset
from bench.models import model_specs
from bench.noise import noises
from bench.protocols import load_protocol
from bench.runs.store import Store

pytestmark = pytest.mark.slow

STORED = load_protocol("stored")
CPU = torch.device("cpu")


def completed(denoiser, clean, ratios, noise=None, seed=0):
    return complete([denoiser], make_scene("a.png", clean, noise, seed, STORED, CPU), ratios)


@pytest.fixture
def clean(photos):
    return load_dataset(photos).images[0].read()


@pytest.fixture
def blur(networks):
    return load_denoiser(model_specs.resolve(f"{networks}:Blur"), CPU)


def test_pixels_are_masked_in_all_channels_at_the_ratio_and_at_higher_ones(clean, blur):
    masks, images = completed(blur, clean, (25, 50, 75))
    for mask, shown, ratio in zip(masks, images["masked"], (0.25, 0.5, 0.75), strict=True):
        assert mask.mean() == pytest.approx(ratio, abs=5 * (ratio * (1 - ratio) / mask.size) ** 0.5)
        assert (shown[mask] == 0).all()  # -0.1, as it is shown
        np.testing.assert_array_equal(shown[~mask], np.rint(clean[~mask] * 255))
    assert (masks[:-1] <= masks[1:]).all()
    assert (completed(blur, clean, (25,), seed=1)[0] != masks[:1]).any()


def test_networks_see_the_masked_value_and_are_scored_on_their_outputs(clean, blur):
    masks, images = completed(blur, clean, (50,))
    (mask,), (output,) = masks, images["Blur"]
    x = torch.from_numpy(np.where(mask[..., None], np.float32(-0.1), clean)).permute(2, 0, 1)[None]
    expected = (blur.network(x)[0].clamp(0, 1) * 255).round().permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(output, expected)
    frame = psnr_table((50,), masks, images, clean).set_index("model")
    target = np.rint(clean * 255).astype(np.uint8)
    assert frame.loc["Blur", "psnr"] == pytest.approx(peak_signal_noise_ratio(target, output))
    part = peak_signal_noise_ratio(target[mask], output[mask])
    assert frame.loc["Blur", "psnr_gone"] == pytest.approx(part)


def test_noise_comes_before_the_mask(clean, blur):
    noise = noises.load_noise("gaussian(sigma=50)")
    (mask,), images = completed(blur, clean, (50,), noise, 3)
    noisy, _ = noises.network_input(noise, clean, 3, STORED)
    np.testing.assert_array_equal(images["masked"][0][~mask], np.rint(noisy[~mask] * 255))


def test_nothing_masked_is_the_image_itself(clean, blur):
    masks, images = completed(blur, clean, (0,))
    frame = psnr_table((0,), masks, images, clean).set_index("model")
    assert not masks.any() and frame.loc["masked", "psnr"] == 100 and np.isnan(frame.loc["masked", "psnr_gone"])


def test_the_command(call, networks, photos, tmp_path):
    out = tmp_path / "run"
    result = call(
        "complete", f"ours,{networks}:Blur", photos / "a.png", "--side", 32, "--ratios", "10,50", "--out", out
    )
    assert result.exit_code == 0, result.output
    assert "a.png, 32x32" in result.output and "50%" in result.output
    assert {path.name for path in (out / "complete").iterdir()} == {
        f"a.{end}" for end in ("csv", "json", "npz", "svg", "png", "pdf")
    }
    frame = pd.read_csv(out / "complete/a.csv").set_index(["model", "ratio"])["psnr"]
    assert frame["ours", 10] > frame["Blur", 10]  # it was trained for this
    with Store.open(out) as store:
        kept = measurements.read(store, "completion_psnr")
    assert sorted(kept["value"]) == sorted(frame.drop("masked", level="model"))
    settings = json.loads((out / "complete/a.json").read_text())
    assert (settings["ratios"], settings["height"], settings["noise"]) == ([10, 50], 32, None)
    noisy = call("complete", f"{networks}:Blur", "--noise", "poisson(alpha=2)", "--side", 16, "--out", out)
    assert noisy.exit_code == 0 and (out / "complete/chelsea-poisson-alpha-2.csv").exists(), noisy.output


def test_ratios_and_files_that_are_none(call, networks, tmp_path):
    for text in ("50;75", "120", "-5", ","):
        with pytest.raises(BadInput, match="--ratios"):
            parse_ratios(text)
    result = call("complete", f"{networks}:Blur", tmp_path / "none.png", "--out", tmp_path / "run")
    assert result.exit_code == 2 and "none.png" in result.output.splitlines()[-1]


def test_a_keyed_network_repeats(photos):
    clean = load_dataset(photos).images[0].read()[:16, :16]
    network = load_denoiser(model_specs.resolve("ours"), CPU)
    twice = [completed(network, clean, (30,)) for _ in range(2)]
    assert load_model("ours").takes_keys
    np.testing.assert_array_equal(*(images["ours"] for _, images in twice))


def test_a_network_with_a_tile_of_its_own_is_run_in_it(monkeypatch):
    sizes = set()
    monkeypatch.setattr("baselines.rnan.RNAN.forward", lambda network, x: sizes.add(tuple(x.shape[-2:])) or x)
    one = load_denoiser(model_specs.resolve("rnan(weights=None, size='small')"), CPU)
    x = torch.rand(1, 3, 64, 48)
    torch.testing.assert_close(one(x, [0]), x)
    assert sizes == {(48, 48)}
