"""`bench cka`: what it prints and saves, and that its numbers are CKA of the features of those pixels."""

import json
import sqlite3

import numpy as np
import pandas as pd
import pytest
import torch

from bench.analyses import cka
from bench.analyses.core import measurements
from bench.analyses.core.config import configure
from bench.analyses.core.patches import batches, cut
from bench.datasets import load_dataset
from bench.models import model_specs
from bench.noise import noises
from bench.protocols import load_protocol
from bench.runs.store import Store

pytestmark = pytest.mark.slow


def gram_cka(x, y, batch):
    """Minibatch CKA by the formulas of Song et al. and Nguyen et al., a pair by itself."""

    def hsic(a, b):
        k, m = (f @ f.T for f in (a, b))
        n, ones = len(k), np.ones(len(k))
        np.fill_diagonal(k, 0), np.fill_diagonal(m, 0)
        total = np.trace(k @ m) + ones @ k @ ones * (ones @ m @ ones) / ((n - 1) * (n - 2))
        return (total - 2 / (n - 2) * (ones @ k @ m @ ones)) / (n * (n - 3))

    parts = [(x[i : i + batch], y[i : i + batch]) for i in range(0, len(x), batch)]
    cross, left, right = (np.mean([hsic(p[a], p[b]) for p in parts]) for a, b in ((0, 1), (0, 0), (1, 1)))
    return cross / np.sqrt(left * right)


def features(network, patches, noise):
    """The two inner layers of a stack on all patches, by hand, in float64."""
    seen = batches(patches, noises.load_noise(noise), 0, load_protocol("stored"), 4)
    with torch.no_grad():
        first = torch.cat([network[0](batch.noisy) for batch in seen])
    return [layer.flatten(1).double().numpy() for layer in (first, first.relu())]


@pytest.mark.parametrize("other_noise", [None, "salt_pepper(density=0.02)"])
def test_the_numbers_are_cka_of_the_layers_on_those_pixels(call, stacks, photos, tmp_path, other_noise):
    out = tmp_path / "run"
    command = ["cka", f"{stacks}:Stack(seed=1)", "--data", photos, "--patches", 12, "--side", 16, "--batch", 4,
               "--out", out]  # fmt: skip
    command += ["--noise-b", other_noise] if other_noise else [f"{stacks}:Stack(seed=2)"]
    result = call(*command)
    assert result.exit_code == 0, result.output
    assert "12 patches of 16x16 from 4 images of photos" in result.output
    from bench import load_model

    patches = cut([load_dataset(photos)], 12, 16)
    first = features(load_model(f"{stacks}:Stack(seed=1)"), patches, "gaussian(sigma=15)")
    if other_noise:
        second = features(load_model(f"{stacks}:Stack(seed=1)"), patches, other_noise)
    else:
        second = features(load_model(f"{stacks}:Stack(seed=2)"), patches, "gaussian(sigma=15)")
    frame = pd.read_csv(next((out / "cka").glob("*.csv")))
    assert list(frame.columns) == ["layer", "other_layer", "cka", "low", "high"]
    expected = [gram_cka(x, y, 4) for x in first for y in second]
    np.testing.assert_allclose(frame["cka"], expected, atol=1e-6)
    assert ((frame["low"] < frame["cka"]) & (frame["cka"] < frame["high"])).all()
    assert max(expected) < 1 - 1e-6  # two passes, kept apart


def test_one_network_on_one_noise_is_itself(call, stacks, photos, tmp_path):
    result = call(
        "cka",
        f"{stacks}:Keyed",
        "--data",
        photos,
        "--patches",
        12,
        "--side",
        16,
        "--batch",
        4,
        "--out",
        tmp_path / "run",
    )
    assert result.exit_code == 0, result.output
    frame = pd.read_csv(next((tmp_path / "run/cka").glob("*.csv")))
    same = frame[frame["layer"] == frame["other_layer"]]
    np.testing.assert_allclose(same["cka"], 1, atol=1e-12)


def test_a_sweep_is_each_noise_by_itself(call, stacks, photos, tmp_path):
    command = ("cka", f"{stacks}:Keyed", "--data", photos, "--patches", 12, "--side", 16, "--batch", 4)
    sweep = call(*command, "--noise-b", "salt_pepper(density=0.02), gaussian", "--out", tmp_path / "sweep")
    assert sweep.exit_code == 0, sweep.output
    frame = pd.read_csv(next((tmp_path / "sweep/cka").glob("*.csv")))
    assert list(dict.fromkeys(frame["other_noise"])) == [
        "salt_pepper(density=0.02)",
        "gaussian(sigma=25)",
        "gaussian(sigma=50)",
    ]  # 15 is itself
    last = frame[(frame["other_noise"] == "gaussian(sigma=50)") & (frame["layer"] == frame["other_layer"])]
    (line,) = (line for line in sweep.output.splitlines() if "gaussian(sigma=50)" in line and "│" in line)
    cells = [cell.split()[0] for cell in line.strip("│ ").split("│")[1:]]
    assert cells == [f"{value:.3f}" for value in last["cka"]]
    assert call(*command, "--noise-b", "gaussian(sigma=25)", "--out", tmp_path / "alone").exit_code == 0
    alone = pd.read_csv(next((tmp_path / "alone/cka").glob("*.csv")))
    part = frame[frame["other_noise"] == "gaussian(sigma=25)"].drop(columns="other_noise").reset_index(drop=True)
    pd.testing.assert_frame_equal(part, alone, check_exact=True)
    with Store.open(tmp_path / "sweep") as store:
        assert set(measurements.read(store)["other_noise"]) == set(frame["other_noise"])
    svg = next((tmp_path / "sweep/cka").glob("*.svg")).read_text()
    assert "gaussian(sigma=50)" in svg and "noise, against " in svg
    assert "other noises" not in svg  # the title stands over the figure, not in it


def test_files_settings_and_measurements(call, stacks, photos, tmp_path):
    out = tmp_path / "run"
    command = ("cka", f"{stacks}:Stack", f"{stacks}:Stack(seed=2)", "--noise-a", "poisson(alpha=2)", "--data", photos,
               "--patches", 14, "--side", 16, "--batch", 4, "--layers", "0", "--out", out)  # fmt: skip
    for _ in range(2):  # the second takes the place of the first
        assert call(*command).exit_code == 0
    assert sorted(path.suffix for path in (out / "cka").iterdir()) == [".csv", ".json", ".pdf", ".png", ".svg"]
    svg = next((out / "cka").glob("*.svg")).read_text()
    assert "Stack(seed=2)" in svg and ">0<" in svg  # text is text
    settings = json.loads(next((out / "cka").glob("*.json")).read_text())
    assert (
        settings
        | {
            "patches": 14,
            "patches_dropped": 2,
            "batch": 4,
            "batches": 3,
            "side": 16,
            "protocol": "stored",
            "noises": ["poisson(alpha=2)"] * 2,
            "overlapping": False,
        }
        == settings
    )
    with Store.open(out) as store:
        kept, rows = measurements.read(store, "cka"), store.rows()
        assert [entry["event"] for entry in store.manifest()] == ["cka", "cka"]
    assert len(rows) == 0 and len(kept) == 1
    row = kept.iloc[0]
    assert (row["model"], row["other_model"], row["noise"], row["dataset"]) == (
        "Stack",
        "Stack(seed=2)",
        "poisson(alpha=2)",
        "photos",
    )
    assert row["value"] == pd.read_csv(next((out / "cka").glob("*.csv")))["cka"].item()
    assert "2 patches are skipped" in call(*command).output


def test_from_python_it_is_the_same(call, stacks, photos, tmp_path):
    config = configure(data=[photos], patches=12, side=16)
    chosen = [model_specs.resolve(f"{stacks}:Stack(seed={seed})") for seed in (1, 2)]
    result = cka.measure(chosen, config, noises.load_noise("gaussian(sigma=15)"), batch=4)
    call(
        "cka",
        f"{stacks}:Stack(seed=1)",
        f"{stacks}:Stack(seed=2)",
        "--data",
        photos,
        "--patches",
        12,
        "--side",
        16,
        "--batch",
        4,
        "--out",
        tmp_path / "run",
    )
    frame = pd.read_csv(next((tmp_path / "run/cka").glob("*.csv")), dtype={"layer": str, "other_layer": str})
    pd.testing.assert_frame_equal(result.tables[""], frame)


def test_colours_are_the_same_in_every_figure_and_negative_values_are_grey():
    for value in ([[0.98, 1.0]], [[-0.2, 0.5]]):
        figure = cka.draw_heatmap(np.array(value), ["a"], ["b", "c"], "rows", "columns")
        mesh = figure.axes[0].collections[0]
        assert mesh.get_clim() == (0, 1)
    colour = mesh.get_facecolors()[0]
    assert np.ptp(colour[:3]) < 0.1 and figure.axes[0].texts[0].get_text() == "-0.200"


def test_a_run_folder_without_findings_has_none(tmp_path):
    with Store.create(tmp_path) as store:
        assert len(measurements.read(store)) == 0
    with sqlite3.connect(tmp_path / "rows.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM rows").fetchone() == (0,)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["our"], ["'our'", "'ours'"]),
        (["STACK", "--layers", "3"], ["model Stack", "'3'", "bench models layers"]),
        (["STACK", "--noise-a", "poisson"], ["poisson", "alpha"]),
        (["STACK", "--side", "64"], ["--side", "at most 40"]),
        (["STACK", "--patches", "3"], ["--patches", "got 3"]),
        (["STACK", "--datasets", "builtin,builtin"], ["'builtin' twice"]),
    ],
)
def test_bad_input_is_one_line_and_code_2(call, stacks, photos, tmp_path, arguments, words):
    given = [f"{stacks}:Stack" if word == "STACK" else word for word in arguments]
    result = call("cka", "--data", photos, "--side", 16, "--out", tmp_path / "run", *given)
    assert result.exit_code == 2, result.output
    line = result.output.strip().splitlines()[-1]
    assert line.startswith("Error:") and all(word in line for word in words), result.output


def test_two_files_of_one_name_are_two_models(call, photos, tmp_path):
    files = []
    for seed, folder in enumerate(("a", "b")):
        network = model_specs.load_model("dncnn(weights=None, nc=4, nb=3)")
        torch.nn.init.constant_(network.model[0].bias, seed)
        (tmp_path / folder).mkdir()
        torch.save(network.state_dict(), tmp_path / folder / "net.pth")
        files.append(f"dncnn(weights='{tmp_path / folder / 'net.pth'}')")
    result = call("cka", *files, "--data", photos, "--side", 16, "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert all(f"{folder}/net.pth" in result.output for folder in ("a", "b"))
