"""Scores of published weights under the protocol of their paper, against published ones of the same images."""

import numpy as np
import pytest

import bench

pytestmark = pytest.mark.slow


def test_buifd_per_image(shared, tmp_path, monkeypatch):
    """El Helou & Suesstrunk's table, PSNR of 68 images x sigma 5, 10, ..., 75; their noise draws are not known."""
    home = tmp_path / "home/published"
    home.mkdir(parents=True)
    (home / "buifd-dncnn-55.pth").symlink_to(shared / "weights/published/buifd_color_dncnn_55.pth")
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    table = np.load(shared / "golden/published/buifd_color_dncnn_55_psnr.npy")
    folder = shared / "data/test/CBSD68"
    names = sorted(file.name for file in folder.glob("*.png"))
    options = {"data": (f"{folder}(limit=1)",), "protocol": "buifd", "metrics": "psnr", "reference": None}
    rows = bench.run("buifd-dncnn-55", "gaussian(sigma=25)", out=tmp_path / "run", **options).rows
    for row in rows.to_dict("records"):
        assert row["psnr"] == pytest.approx(table[names.index(row["image"]), 4], abs=0.1)
