"""`bench srga`: its numbers are SRGA of the deepest features of those pixels; saved values are not measured again."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from analysis import srga
from bench import load_model
from bench.analyses import srga as command_module
from bench.analyses.core import measurements
from bench.analyses.core.noise_shift import above_floor
from bench.analyses.core.patches import batches, cut
from bench.datasets import load_dataset
from bench.noise import noises
from bench.protocols import load_protocol
from bench.runs.store import Store

pytestmark = pytest.mark.slow


@pytest.fixture
def pictures(photos):
    """Six, so that there are bounds."""
    for name in ("a", "b"):
        (photos / f"{name}2.png").write_bytes((photos / f"{name}.png").read_bytes())
    return photos


def command(stacks, pictures, out, *more):
    return ("srga", f"{stacks}:Stack(seed=1)", f"{stacks}:Stack(seed=2)", "--noise", "poisson(alpha=2),salt_pepper",
            "--data", pictures, "--patches", 18, "--side", 16, "--components", 12, "--out", out, *more)  # fmt: skip


def deep(network, patches, noise, seed):
    """The deepest features by hand: what comes out of the ReLU."""
    groups = [patch.image for patch in patches.patches]
    stored, loaded = load_protocol("stored"), noises.load_noise(noise)
    with torch.no_grad():
        found = [network[1](network[0](batch.noisy)) for batch in batches(patches, loaded, seed, stored, 5)]
    return srga.fit_features(torch.cat(found).flatten(1).numpy(), groups, 12)


def frame_of(out):
    return pd.read_csv(out / "srga/srga.csv").set_index(["model", "noise"])


def test_the_numbers_are_srga_of_the_deepest_features(call, stacks, pictures, tmp_path):
    result = call(*command(stacks, pictures, tmp_path / "run"))
    assert result.exit_code == 0, result.output
    assert "18 patches of 16x16 from 6 images of photos" in result.output
    network = load_model(f"{stacks}:Stack(seed=2)")
    patches = cut([load_dataset(pictures)], 18, 16)
    reference = deep(network, patches, "gaussian(sigma=15)", 0)
    expected = srga.compare(reference, deep(network, patches, "poisson(alpha=2)", 0))
    floor = srga.compare(reference, deep(network, patches, "gaussian(sigma=15)", 1))
    found = frame_of(tmp_path / "run").loc[("Stack(seed=2)", "poisson(alpha=2)")]
    assert found["layer"] == 1 and expected.value > floor.value > 0
    numbers = [*found[["srga", "low", "high", "floor", "floor_low", "floor_high"]]]
    by_hand = [expected.value, expected.low, expected.high, floor.value, floor.low, floor.high]
    assert numbers == pytest.approx(by_hand, abs=1e-4)  # a network may give other last digits in other batches


def test_saved_values_are_not_measured_again(call, stacks, pictures, tmp_path, monkeypatch):
    out, measured = tmp_path / "run", []
    original = command_module.fit

    def recorded(extractor, shift, noise, seed, bar):
        measured.append((extractor.model.label, noises.canonical(noise)))
        return original(extractor, shift, noise, seed, bar)

    monkeypatch.setattr(command_module, "fit", recorded)
    first = call(*command(stacks, pictures, out))
    assert len(measured) == 2 * 9  # the reference, the noise floor, Poisson, six densities
    before = frame_of(out)
    measured.clear()
    second = call(*command(stacks, pictures, out))
    assert not measured and frame_of(out).equals(before)
    tables = [result.output[result.output.index("SRGA [95%]") :] for result in (first, second)]
    assert tables[0] == tables[1]
    call(*command(stacks, pictures, out, "--noise", "speckle(var=0.04),poisson(alpha=2)"))
    assert [noise for _, noise in measured] == ["gaussian(sigma=15)", "speckle(var=0.04)"] * 2


def test_files_settings_and_measurements(call, stacks, pictures, tmp_path):
    out = tmp_path / "run"
    assert call(*command(stacks, pictures, out, "--patches", 60)).exit_code == 0
    assert sorted(path.suffix for path in (out / "srga").iterdir()) == [".csv", ".json", ".pdf", ".png", ".svg"]
    settings = json.loads((out / "srga/srga.json").read_text())
    expected = {"patches": 60, "overlapping": True, "images": 6, "components": 12, "pca": "exact", "floor_seed": 1,
              "reference": "gaussian(sigma=15)", "layers": ["1", "1"]}  # fmt: skip
    assert settings | expected == settings
    assert "noise floor" in (out / "srga/srga.svg").read_text()
    with Store.open(out) as store:
        kept = measurements.read(store)
        assert store.manifest()[-1]["event"] == "srga"
    assert kept["measure"].value_counts().to_dict() == {"srga": 14, "srga_floor": 2}
    assert set(kept["other_noise"]) == {"gaussian(sigma=15)"}
    poisson = kept[(kept["noise"] == "poisson(alpha=2)") & (kept["model"] == "Stack(seed=1)")]
    assert poisson["value"].item() == frame_of(out).loc[("Stack(seed=1)", "poisson(alpha=2)"), "srga"]


def test_features_that_do_not_fit_into_memory_are_kept_in_a_file(call, stacks, pictures, tmp_path, monkeypatch):
    frames = []
    for place, limit in enumerate((10**9, 0)):
        monkeypatch.setattr(command_module, "MAX_BYTES_IN_MEMORY", limit)
        assert call(*command(stacks, pictures, tmp_path / f"run{place}")).exit_code == 0
        frames.append(frame_of(tmp_path / f"run{place}"))
    pd.testing.assert_frame_equal(*frames)
    assert isinstance(command_module.feature_table(3, 4, tmp_path), np.memmap)
    assert {path.name for path in (tmp_path / "run1").iterdir()} == {"lock", "rows.sqlite", "manifest.json", "srga"}


def test_a_score_says_something_above_its_floor_only():
    row = {"srga": 2.0, "low": 1.5, "high": 2.5, "floor": 1.0, "floor_low": 0.5, "floor_high": 1.4}
    assert above_floor(row, "srga")
    assert not above_floor({**row, "floor_high": 1.6}, "srga")
    nothing = {name: np.nan for name in ("low", "high", "floor_low", "floor_high")}
    assert above_floor({**row, **nothing}, "srga")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--noise", "posson"], ["'posson'", "'poisson'"]),
        (["--reference", "gaussian"], ["gaussian", "sigma"]),
        (["--layer", "7"], ["'7'"]),
        (["--patches", "1"], ["--patches", "got 1"]),
        (["--pca", "full"], ["'full'"]),
    ],
)
def test_bad_input_is_one_line_and_code_2(call, stacks, pictures, tmp_path, arguments, words):
    result = call(*command(stacks, pictures, tmp_path / "run", *arguments))
    assert result.exit_code == 2, result.output
    line = result.output.strip().splitlines()[-1]
    assert line.startswith("Error:") and all(word in line for word in words), result.output


def test_replaced_pictures_are_measured_again(call, tmp_path, stacks):
    """And a folder of other pictures under a name that the run has is refused."""
    folder, out = tmp_path / "mine", tmp_path / "out"
    folder.mkdir()
    values = []
    for seed in (1, 2):
        for name in ("a", "b"):
            pixels = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).resize((64, 64)).save(folder / f"{name}.png")
        result = call(
            "srga",
            f"{stacks}:Stack",
            "--noise",
            "gaussian(sigma=50)",
            "--data",
            folder,
            "--side",
            16,
            "--patches",
            12,
            "--out",
            out,
        )
        assert result.exit_code == 0, result.output
        values.append(pd.read_csv(out / "srga/srga.csv")["srga"].iloc[0])
    assert values[0] != values[1] and not (out / "srga/srga-2.csv").exists()
    run = ("run", "--models", "tv", "--noise", "gaussian(sigma=15)", "--metrics", "psnr", "--out", out, "--data")
    assert call(*run, folder).exit_code == 0
    (tmp_path / "else").mkdir()
    shutil.copytree(folder, tmp_path / "else/mine")
    Image.new("RGB", (64, 64)).save(tmp_path / "else/mine/a.png")
    other = ("srga", f"{stacks}:Stack", "--data", tmp_path / "else/mine", "--side", 16, "--patches", 12, "--out", out)
    result = call(*other)
    assert result.exit_code == 2 and "mine" in result.output
