"""`bench detail`: a blur loses what its response says; the noisy input is the measure of errors."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from analysis.detail import Spectrum
from bench import load_model
from bench.analyses.core import measurements
from bench.analyses.core.patches import batches, cut
from bench.datasets import load_dataset
from bench.noise import noises
from bench.protocols import load_protocol
from bench.runs.store import Store

pytestmark = pytest.mark.slow


def test_the_command(call, networks, photos, tmp_path):
    out = tmp_path / "run"
    result = call(
        "detail",
        f"{networks}:Blur",
        f"{networks}:Blur(strength=0)",
        "--noise",
        "poisson(alpha=2)",
        "--data",
        photos,
        "--patches",
        8,
        "--side",
        16,
        "--out",
        out,
    )
    assert result.exit_code == 0, result.output
    frame = pd.read_csv(out / "detail/poisson-alpha-2.csv").set_index(["model", "range"])
    stored, patches = load_protocol("stored"), cut([load_dataset(photos)], 8, 16)
    by_hand, noisy = Spectrum(), Spectrum()
    for batch in batches(patches, noises.load_noise("poisson(alpha=2)"), 0, stored, 1):
        with torch.no_grad():
            by_hand.add(load_model(f"{networks}:Blur")(batch.noisy).clamp(0, 1), batch.clean, batch.images[0])
        noisy.add(batch.noisy, batch.clean, batch.images[0])
    fine = frame.loc[("Blur", "fine")]
    kept, error = by_hand.kept_in("fine"), by_hand.error_in("fine", noisy)
    assert [*fine] == pytest.approx([kept.value, kept.low, kept.high, error.value, error.low, error.high], rel=1e-4)
    same = frame.loc["Blur(strength=0)"]
    np.testing.assert_allclose(same[["error", "error_low", "error_high"]], 0, atol=1e-4)
    np.testing.assert_allclose(same["kept"], frame.loc["noisy", "kept"], atol=1e-5)
    assert fine["kept"] < 0.5 and fine["error"] < -5  # a blur takes detail and noise alike
    with Store.open(out) as store:
        rows = measurements.read(store)
    assert set(rows["measure"]) == {
        f"detail_{what}_{name}" for what in ("kept", "error") for name in ("coarse", "middle", "fine")
    }
    value = rows[(rows["measure"] == "detail_error_fine") & (rows["model"] == "Blur")]["value"].item()
    assert value == pytest.approx(fine["error"])
    names = {f"poisson-alpha-2{end}" for end in (".csv", "-curves.csv", ".json", ".svg", ".png", ".pdf")}
    assert {path.name for path in (out / "detail").iterdir()} == names
    assert json.loads((out / "detail/poisson-alpha-2.json").read_text())["patches"] == 8
    assert "noisy input" in result.output and "noisy input" in (out / "detail/poisson-alpha-2.svg").read_text()


def test_a_noise_without_level_is_an_error(call, networks, tmp_path):
    result = call("detail", f"{networks}:Blur", "--noise", "poisson", "--out", tmp_path / "run")
    assert result.exit_code == 2 and "alpha" in result.output
