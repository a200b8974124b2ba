"""`bench predict`: drops are those of the rows, measures those of the measurements, joined cell by cell."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bench.analyses import predict
from bench.analyses.core import measurements
from bench.analyses.core.saved_results import saved_figures
from bench.core.errors import BadInput
from bench.noise import noises
from bench.runs.store import COLUMNS, Store

pytestmark = pytest.mark.slow

REFERENCE = "gaussian(sigma=15)"
NOISES = ("gaussian(sigma=25)", "poisson(alpha=2)", "poisson(alpha=3)", "speckle(var=0.04)", "mixture(level=2)")
MODELS = ("one", "two", "three", "four")


def row(model, noise, image, psnr, noisy, **more):
    loaded = noises.load_noise(noise)
    empty = {name: "" if kind == "TEXT" else None for name, kind in COLUMNS.items()}
    return {
        **empty,
        "model": model,
        "weights_hash": model,
        "dataset": "photos",
        "image": image,
        "image_hash": image,
        "noise": noise,
        "noise_version": loaded.version,
        "seed": 0,
        "protocol": "stored",
        "precision": "float32",
        "tile": 0,
        "psnr": psnr,
        "psnr_noisy": noisy,
        "status": "ok",
        **more,
    }


def finding(measure, model, noise, value, layer="last", **more):
    loaded, against = noises.load_noise(noise), noises.load_noise(REFERENCE)
    found = {
        "measure": measure,
        "model": model,
        "weights_hash": model,
        "layer": layer,
        "noise": noise,
        "noise_version": loaded.version,
        "seed": 0,
        "other_model": model,
        "other_weights_hash": model,
        "other_layer": layer,
        "other_noise": REFERENCE,
        "other_noise_version": against.version,
        "other_seed": 0,
        "dataset": "photos",
        "protocol": "stored",
        "settings": "{}",
        "value": value,
        **more,
    }
    if measure == "cka":  # the reference comes first there
        for name in ("noise", "noise_version"):
            found[name], found[f"other_{name}"] = found[f"other_{name}"], found[name]
    return found


@pytest.fixture
def numbers():
    """(drop, SRGA, CKA) by model and noise: SRGA in the order of the drop within each noise, CKA at random."""
    random = np.random.default_rng(0)
    drop = random.uniform(1, 9, size=(4, 5))
    return drop, np.sqrt(drop) + random.permutation(5) * 10, random.uniform(0, 1, size=(4, 5))


@pytest.fixture
def run(tmp_path, numbers):
    """A run folder with scores of two images, that of the second 2 dB better throughout, and measurements."""
    drop, srga, cka = numbers
    with Store.create(tmp_path / "run") as store:
        rows, found = [], []
        for i, model in enumerate(MODELS):
            for image, better in (("a", 0), ("b", 2)):
                rows.append(row(model, REFERENCE, image, 30 + better, 25))
                rows += [row(model, noise, image, 30 + better - drop[i, j], 24 - j) for j, noise in enumerate(NOISES)]
            for j, noise in enumerate(NOISES):
                found.append(finding("srga", model, noise, srga[i, j]))
                found.append(finding("cka", model, noise, -1.0, "first"))
                found.append(finding("cka", model, noise, cka[i, j]))
        rows.append(row("one", NOISES[0], "c", 99, 1))  # without a reference to count from
        rows.append(row("one", NOISES[0], "b", 5, 1, precision="bf16"))
        found.append(finding("srga", "one", NOISES[0], 99.0, settings='{"other": 1}'))  # of other settings, alone
        found.append(finding("srga_floor", "one", REFERENCE, 1.0))
        found.append(finding("cka", "one", NOISES[0], 0.5, other_model="two", other_weights_hash="two"))
        store.write(rows)
        measurements.write(store, found)
    return tmp_path / "run"


def test_drops_and_findings_are_joined_cell_by_cell(run, numbers):
    drop, srga, cka = numbers
    with Store.open(run) as store:
        joined = predict.join(store, REFERENCE)
    assert joined.measures == ["srga", "cka", "noisy input"]
    assert joined.text == f"4 models under 5 levels of 4 noises, photos, protocol stored, reference {REFERENCE}"
    cells = joined.cells.set_index(["model", "noise"])
    assert len(cells) == 20 and set(cells["images"]) == {2}
    for i, model in enumerate(MODELS):
        for j, noise in enumerate(NOISES):
            cell = cells.loc[(model, noise)]
            expected = [drop[i, j], srga[i, j], 1 - cka[i, j], 1 + j]
            assert cell[["drop", "srga", "cka", "noisy input"]].tolist() == pytest.approx(expected)


@pytest.mark.oracle
def test_the_numbers_are_scipy_s_and_are_kept(call, run, numbers):
    drop, srga, cka = numbers
    result = call("predict", run)
    assert result.exit_code == 0, result.output
    assert "4 models under 5 levels" in result.output
    frame = pd.read_csv(run / "predict/predict.csv").set_index(["measure", "question"])
    assert frame.loc[("srga", "models"), "rho"] == pytest.approx(1)
    assert frame.loc[("srga", "all"), "rho"] == pytest.approx(stats.spearmanr(srga.ravel(), drop.ravel()).statistic)
    each = [stats.spearmanr(1 - cka[i], drop[i]).statistic for i in range(4)]
    assert frame.loc[("cka", "noises"), "rho"] == pytest.approx(np.mean(each))
    assert np.isnan(frame.loc[("noisy input", "models"), "rho"])  # all models have the same noisy input
    assert (frame["low"] <= frame["rho"]).all() | frame["low"].isna().any()
    with Store.open(run) as store:
        kept = measurements.read(store, "rank_correlation_srga")
    assert len(kept) == 3 and kept["value"].iloc[0] == frame.loc[("srga", "all"), "rho"]
    (artefact,) = saved_figures(run)
    assert artefact.analysis == "predict" and len(pd.read_csv(artefact.csv)) == 20
    assert "ρ = 1.00" in artefact.svg.read_text()


def test_filters_choose_the_cells_and_replace_no_other_number(call, run, numbers):
    assert call("predict", run).exit_code == 0
    result = call("predict", run, "--models", ", ".join(MODELS[:3]), "--noise", NOISES[0], "--seeds", 0)
    assert result.exit_code == 0 and "3 models under 1 level of 1 noise" in result.output, result.output
    with Store.open(run) as store:
        assert len(measurements.read(store, "rank_correlation_srga")) == 6
    assert call("predict", run, "--models", "five").exit_code == 2


def test_a_measure_of_some_cells_counts_them_alone(run, numbers):
    drop, _, _ = numbers
    with Store.create(run) as store:
        values = zip(MODELS, (4, 3, 2, 1), strict=True)
        measurements.write(store, [finding("wasserstein", model, NOISES[0], value) for model, value in values])
    with Store.open(run) as store:
        frame = predict.correlations(predict.join(store, REFERENCE)).set_index(["measure", "question"])
    found = frame.loc[("wasserstein", "models")]
    assert (found["cells"], found["models"], found["noises"]) == (4, 4, 1)
    assert found["rho"] == pytest.approx(stats.spearmanr((4, 3, 2, 1), drop[:, 0]).statistic)


def test_what_is_missing_is_said(tmp_path, run):
    with Store.create(tmp_path / "empty") as store:
        with pytest.raises(BadInput, match="bench srga"):
            predict.join(store, REFERENCE)
        measurements.write(store, [finding("srga", "one", NOISES[0], 1.0)])
        with pytest.raises(BadInput, match="bench run"):
            predict.join(store, REFERENCE)
        store.write([row("two", NOISES[0], "a", 30, 20), row("two", REFERENCE, "a", 31, 20)])
        with pytest.raises(BadInput, match="photos under stored"):
            predict.join(store, REFERENCE)
    with Store.open(run) as store, pytest.raises(BadInput, match="bench srga"):
        predict.join(store, REFERENCE, dataset="builtin")
