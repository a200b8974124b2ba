"""`bench features`: its distances are Wasserstein's of the projected channels of those pixels."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats
from sklearn.decomposition import PCA

from bench import load_model
from bench.analyses.core import measurements
from bench.analyses.core.patches import batches, cut
from bench.analyses.features import mass_levels
from bench.datasets import load_dataset
from bench.noise import noises
from bench.protocols import load_protocol
from bench.runs.store import Store

pytestmark = pytest.mark.slow


def command(stacks, photos, out, *more):
    return ("features", f"{stacks}:Stack(seed=1)", f"{stacks}:Stack(seed=2)", "--noise",
            "poisson(alpha=3),salt_pepper(density=0.02)", "--data", photos, "--patches", 8, "--side", 16,
            "--out", out, *more)  # fmt: skip


def vectors(network, photos, noise, seed):
    """Channel vectors of the deepest layer on all patches, by hand."""
    patches = cut([load_dataset(photos)], 8, 16)
    with torch.no_grad():
        seen = batches(patches, noises.load_noise(noise), seed, load_protocol("stored"), 8)
        found = torch.cat([network[1](network[0](batch.noisy)) for batch in seen])
    return found.permute(0, 2, 3, 1).reshape(-1, 6).double().numpy()


def test_the_distances_are_those_of_the_projected_channels(call, stacks, photos, tmp_path):
    result = call(*command(stacks, photos, tmp_path / "run"))
    assert result.exit_code == 0, result.output
    assert "8 patches of 16x16 from 4 images of photos" in result.output
    frame = pd.read_csv(tmp_path / "run/features/features.csv").set_index(["model", "noise"])
    network = load_model(f"{stacks}:Stack(seed=2)")
    reference = vectors(network, photos, "gaussian(sigma=15)", 0)
    pca = PCA(whiten=True).fit(reference)
    before = pca.transform(reference)
    for noise, seed, column in (("poisson(alpha=3)", 0, "wasserstein"), ("gaussian(sigma=15)", 1, "floor")):
        after = pca.transform(vectors(network, photos, noise, seed))
        by_hand = np.mean([stats.wasserstein_distance(*pair) for pair in zip(before.T, after.T, strict=True)])
        row = frame.loc[("Stack(seed=2)", "poisson(alpha=3)")]
        assert row[column] == pytest.approx(by_hand, rel=0.03, abs=5e-4)
    assert row["low"] < row["wasserstein"] < row["high"] and row["floor"] < row["wasserstein"]


def test_files_settings_and_measurements(call, stacks, photos, tmp_path):
    out = tmp_path / "run"
    assert call(*command(stacks, photos, out)).exit_code == 0
    figures = {f"features-{name}.{kind}" for name in ("densities", "plane") for kind in ("csv", "svg", "png", "pdf")}
    names = {"features.csv", "features.json", *figures}
    assert {path.name for path in (out / "features").iterdir()} == names
    densities = pd.read_csv(out / "features/features-densities.csv")
    assert set(densities["noise"]) == {"gaussian(sigma=15)", "poisson(alpha=3)", "salt_pepper(density=0.02)"}
    settings = json.loads((out / "features/features.json").read_text())
    assert settings["layers"] == ["1", "1"] and settings["components"][0] in range(2, 7)
    for name in ("densities", "plane"):
        assert "poisson(alpha=3)" in (out / f"features/features-{name}.svg").read_text()
    with Store.open(out) as store:
        kept = measurements.read(store)
    assert kept["measure"].value_counts().to_dict() == {"wasserstein": 4, "wasserstein_floor": 2}
    frame = pd.read_csv(out / "features/features.csv")
    assert sorted(frame["wasserstein"]) == sorted(kept.loc[kept["measure"] == "wasserstein", "value"])


def test_a_sweep_is_drawn_by_its_last_levels(call, stacks, photos, tmp_path):
    out = tmp_path / "run"
    result = call(*command(stacks, photos, out, "--noise", "all", "--patches", 2))
    assert result.exit_code == 0, result.output
    svg = (out / "features/features-densities.svg").read_text()
    assert "speckle(var=0.04)" in svg and "speckle(var=0.02)" not in svg
    assert "speckle(var=0.02)" in (out / "features/features-densities.csv").read_text()


def test_contours_hold_their_share():
    grid = np.linspace(-5, 5, 201)
    density = np.exp(-(grid[:, None] ** 2 + grid[None] ** 2) / 2)
    low, high = mass_levels(density, (0.9, 0.5))
    for level, share in ((low, 0.9), (high, 0.5)):
        assert density[density >= level].sum() / density.sum() == pytest.approx(share, abs=0.01)
        assert level == pytest.approx(1 - share, rel=0.05)  # of a round normal distribution


def test_bad_input_is_one_line_and_code_2(call, stacks, photos, tmp_path):
    result = call(*command(stacks, photos, tmp_path / "run", "--layer", "head"))
    line = result.output.strip().splitlines()[-1]
    assert result.exit_code == 2 and line.startswith("Error: model Stack") and "'head'" in line
