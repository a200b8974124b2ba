"""Which metrics a run has measured: columns, what is missing, stores of older versions."""

import json
import sqlite3

import pandas as pd
import pytest
from click.testing import CliRunner

import bench
from bench import statistics
from bench.cli import main
from bench.core.errors import BadInput
from bench.metrics import perceptual
from bench.runs.store import Store

pytestmark = pytest.mark.slow

MAE = """
from bench.metrics import Metric

def against(clean):
    return lambda output: (output.double() - clean.double()).abs().mean()

METRIC = Metric("mae", against, "MAE", higher_is_better=False, digits=1, meaning="lower is better",
                definition="mean |x - y|")
"""


@pytest.fixture
def mae(tmp_path) -> str:
    file = tmp_path / "mae.py"
    file.write_text(MAE)
    return f"{file}:METRIC"


def run(folder, photos, networks, metrics):
    return bench.run([f"{networks}:Blur"], "gaussian(sigma=15)", data=(photos,), metrics=metrics, out=folder).rows


def test_a_new_metric_is_measured_where_it_is_missing_and_nothing_is_lost(tmp_path, photos, networks, mae):
    folder = tmp_path / "run"
    first = run(folder, photos, networks, "psnr")
    assert first["psnr"].notna().all() and first["ssim"].isna().all() and "mae" not in first
    second = run(folder, photos, networks, ["ssim", mae])
    assert list(second["psnr"]) == list(first["psnr"]) and second[["ssim", "mae", "mae_noisy"]].notna().all(axis=None)
    assert (second["mae"] < second["mae_noisy"]).all()
    again = run(folder, photos, networks, ["psnr", "ssim", mae])
    pd.testing.assert_frame_equal(again, second)  # seconds too: nothing was done
    summary = statistics.summarize(again).set_index("model")
    assert summary.loc["Blur", "mae"] == pytest.approx(again["mae"].mean())
    assert summary.loc["noisy", "mae"] == pytest.approx(again["mae_noisy"].mean())


def test_what_cannot_be_measured_is_said_once(tmp_path, photos, networks):
    perceptual._network.cache_clear()  # other tests may have loaded it
    arguments = ["--models", f"{networks}:Blur", "--data", photos, "--noise", "gaussian(sigma=15)", "--limit", 1]
    result = CliRunner().invoke(main, ["run", *map(str, arguments), "--out", str(tmp_path / "run")])
    assert result.exit_code == 0, result.output
    assert result.output.count("lpips is not measured: the weights of AlexNet") == 1
    CliRunner().invoke(main, ["report", str(tmp_path / "run"), "-o", str(tmp_path / "site")])
    assert "LPIPS was not measured: the weights of AlexNet" in (tmp_path / "site/methods.html").read_text()


def test_the_report_shows_a_metric_from_outside(tmp_path, photos, networks, mae):
    run(tmp_path / "run", photos, networks, ["psnr", mae])
    result = CliRunner().invoke(main, ["report", str(tmp_path / "run"), "-o", str(tmp_path / "site")])
    assert result.exit_code == 0, result.output
    assert "MAE" in (tmp_path / "site/index.html").read_text()
    rows = json.loads(CliRunner().invoke(main, ["export", str(tmp_path / "run"), "--format", "json"]).output)
    assert rows[0]["mae"] > 0


def test_a_name_that_rows_have_already_is_refused(tmp_path):
    with Store.create(tmp_path / "run") as store, pytest.raises(BadInput, match="'seed'"):
        store.add_metrics(["seed"])


def test_a_failure_leaves_what_was_measured(tmp_path, photos, networks):
    first = run(tmp_path / "run", photos, networks, "psnr")
    failed = [{**row, "psnr": None, "status": "failed", "reason": "no memory"} for row in first.to_dict("records")]
    with Store.create(tmp_path / "run") as store:
        store.write(failed)
        pd.testing.assert_frame_equal(store.rows(), first)


def test_stores_of_the_first_version_go_on(tmp_path, photos, networks, mae):
    folder = tmp_path / "run"
    new = run(folder, photos, networks, "psnr,ssim")
    with sqlite3.connect(folder / "rows.sqlite") as connection:  # as version 1 left it
        connection.execute("UPDATE about SET value = '1'")
    with Store.open(folder) as store:
        pd.testing.assert_frame_equal(store.rows(), new)
    more = run(folder, photos, networks, ["psnr", "ssim", mae])
    assert more["mae"].notna().all() and list(more["psnr"]) == list(new["psnr"])
