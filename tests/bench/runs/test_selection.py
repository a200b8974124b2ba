"""Which rows count: `run`, `status`, `export`, `report`, `compare` and `bench.run` all say the same number."""

import io
import os
import pathlib
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

import bench
from bench.cli import main
from bench.core.errors import BadInput
from bench.engines.in_process import InProcess
from bench.runner import Execution
from bench.runs import selection, status
from bench.runs.plan import make_plan
from bench.runs.store import Store

pytestmark = pytest.mark.slow

NOISE = "gaussian(sigma=15)"
GRAIN = """
from dataclasses import dataclass
from helper import SCALE
from noise_zoo.noise import Noise

@dataclass(frozen=True)
class Grain(Noise):
    strength: float
    def __call__(self, clean, rng):
        return clean + SCALE * self.strength * rng.standard_normal(clean.shape), clean
"""
METRIC = """
from bench.metrics import Metric
from scale import SCALE

def against(clean):
    return lambda output: SCALE * float((output.double() - clean.double()).abs().mean())

METRIC = Metric("mae", against, "MAE", higher_is_better=False)
"""


def call(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def study(tmp_path, photos, networks):
    """(run, numbers): do a run into a folder; the mean PSNR of Blur that it says itself."""

    def run(noise=NOISE, data=photos, out=tmp_path / "run", model=f"{networks}:Blur", **options) -> float:
        plan = make_plan(model, noise, None, (data,), **{"metric_list": "psnr", **options})
        with Store.create(out) as store:
            work = Execution(plan, store, InProcess(plan, "cpu"), pictures=1)
            list(work.steps())
            rows = work.rows()
        return rows.loc[rows["noise"] == noise, "psnr"].mean()

    return run


def said(folder, noise=NOISE, column="psnr") -> set[float]:
    """What every command says of the mean of a column under a noise, for the one model and data set of a run."""
    site = folder.parent / "site"
    assert call("report", folder, "-o", site).exit_code == 0
    images = pd.read_csv(io.StringIO(call("export", folder).stdout))
    cells = pd.read_csv(io.StringIO(call("export", folder, "--per", "cell").stdout)).query("model != 'noisy'")
    pages = pd.read_csv(site / "tables/rows.csv")
    compared = bench.compare(folder, folder, metrics=column)
    means = [rows.loc[rows["noise"] == noise, column].mean() for rows in (images, cells, pages)]
    return {round(mean, 6) for mean in (*means, compared.loc[compared["noise"] == noise, "mean"].mean())}


def left_out(folder) -> dict[str, int]:
    """Kind -> rows that `status` names as left out."""
    counts: dict[str, int] = {}
    for left in status.of(folder).skipped:
        counts[left.kind] = counts.get(left.kind, 0) + left.count
    return counts


def other_picture(path, seed=1):
    pixels = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize((48, 40), Image.Resampling.BICUBIC).save(path)


def test_a_replaced_picture_is_averaged_in_nowhere(study, tmp_path, photos):
    folder, before = tmp_path / "run", study()
    old = (photos / "a.png").read_bytes()
    other_picture(photos / "a.png")
    after = study()
    assert said(folder) == {round(after, 6)} != {round(before, 6)}
    assert left_out(folder) == {"pixels": 1} and status.of(folder).missing == 0
    result = call("export", folder)
    assert "a.png" in result.stderr and len(result.stdout.splitlines()) == 5
    assert len(call("export", folder, "--all").stdout.splitlines()) == 6
    (photos / "a.png").write_bytes(old)  # and back: the first row counts again, and nothing is done
    assert study() == before and said(folder) == {round(before, 6)}


def test_a_replaced_picture_counts_under_no_noise_that_was_not_run_again(study, tmp_path, photos):
    study("gaussian(sigma=25)")
    other_picture(photos / "a.png")
    study()
    rows = pd.read_csv(io.StringIO(call("export", tmp_path / "run").stdout))
    assert rows["noise"].value_counts().to_dict() == {NOISE: 4, "gaussian(sigma=25)": 3}


def test_deleted_and_renamed_pictures_count_no_more(study, tmp_path, photos):
    study()
    (photos / "a.png").unlink()
    (photos / "b.png").rename(photos / "z.png")
    after = study()
    assert said(tmp_path / "run") == {round(after, 6)} and left_out(tmp_path / "run") == {"deleted": 2}
    assert status.of(tmp_path / "run").cells[["rows", "done", "missing"]].to_numpy().tolist() == [[3, 3, 0]]


def test_a_limit_that_moves_takes_the_images_that_it_has_now(study, tmp_path, photos):
    study(limit=2)
    other_picture(photos / "0.png")
    after = study(limit=2)
    assert said(tmp_path / "run") == {round(after, 6)} and left_out(tmp_path / "run") == {"deleted": 1}


def test_a_deleted_picture_does_not_fail_for_ever(study, tmp_path, photos):
    folder = tmp_path / "run"
    (photos / "a.png").write_text("no picture")
    study()
    assert status.of(folder).cells["failed"].sum() == 1
    (photos / "a.png").unlink()
    study()
    assert status.of(folder).cells["failed"].sum() == 0 and not status.of(folder).reasons
    assert len(pd.read_csv(io.StringIO(call("export", folder).stdout))) == 3


def test_a_picture_that_broke_takes_its_row_with_it_until_it_is_mended(study, tmp_path, photos):
    folder, before = tmp_path / "run", study()
    old = (photos / "a.png").read_bytes()
    (photos / "a.png").write_text("no picture")
    study()
    assert status.of(folder).cells[["done", "failed"]].to_numpy().tolist() == [[3, 1]]
    (photos / "a.png").write_bytes(old)
    assert study() == before and status.of(folder).cells[["done", "failed"]].to_numpy().tolist() == [[4, 0]]


def test_after_a_kill_what_was_read_is_known(tmp_path, photos, networks, wait_until):
    """Its first picture was replaced, and the run was killed before its last."""
    folder = tmp_path / "run"
    command = [sys.executable, "-m", "bench", "run", "--models", f"{networks}:Halting", "--noise", NOISE, "--metrics",
               "psnr", "--data", str(photos), "--out", str(folder)]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    other_picture(photos / "a.png")
    (photos / "d.png").unlink()
    for i in range(20):
        other_picture(photos / f"e{i}.png", seed=i)
    halting = {**os.environ, "HALT_AFTER": "6"}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=halting)

    def count() -> int:
        with Store.open(folder) as store:
            return store.count()

    wait_until(lambda: count() >= 6, process)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    rows = pd.read_csv(io.StringIO(call("export", folder).stdout))
    assert not rows["image"].duplicated().any() and "d.png" not in set(rows["image"])
    assert status.of(folder).missing == 23 - len(rows) > 0


def test_a_second_folder_of_one_name_is_refused_before_anything_runs(study, tmp_path, photos):
    for place in ("McM/HR", "Kodak/HR"):
        (tmp_path / place).mkdir(parents=True)
    for name in ("1.png", "2.png"):
        other_picture(tmp_path / "McM/HR" / name, seed=1)
        other_picture(tmp_path / "Kodak/HR" / name, seed=2)
    before = study(data=tmp_path / "McM/HR")
    manifest = (tmp_path / "run/manifest.json").read_bytes()
    for options in ({}, {"limit": 1}):
        with pytest.raises(BadInput, match="McM.*Kodak.*bench data add"):
            study(data=tmp_path / "Kodak/HR", **options)
    common = ["--models", "tv", "--metrics", "psnr", "--data", tmp_path / "Kodak/HR", "--out", tmp_path / "run"]
    assert call("run", *common).exit_code == 2 and call("run", *common, "--dry-run").exit_code == 2
    assert (tmp_path / "run/manifest.json").read_bytes() == manifest and said(tmp_path / "run") == {round(before, 6)}
    (tmp_path / "McM").rename(tmp_path / "elsewhere")  # the same pictures in another place, of which one is new
    other_picture(tmp_path / "elsewhere/HR/3.png", seed=3)
    assert said(tmp_path / "run") == {round(before, 6)}
    study(data=tmp_path / "elsewhere/HR")
    assert not left_out(tmp_path / "run") and status.of(tmp_path / "run").cells["done"].sum() == 3


def test_an_edited_network_and_its_file_of_weights(study, tmp_path, networks):
    import torch

    with pathlib.Path(networks).open("a") as file:
        file.write("\n\nclass Mix(nn.Conv2d):\n    def __init__(self):\n        super().__init__(3, 3, 1)\n")
    model, folder = f"{networks}:Mix(weights='{tmp_path / 'w.pth'}')", tmp_path / "run"
    for value in (0.30, 0.25):
        weight = torch.full((3, 3, 1, 1), value)
        torch.save({"weight": weight, "bias": torch.zeros(3)}, tmp_path / "w.pth")
        last = study(model=model)
    assert said(folder) == {round(last, 6)} and left_out(folder) == {"weights": 4}
    with pathlib.Path(networks).open("a") as file:
        file.write("    def forward(self, x):\n        return super().forward(x) * 0.9\n")
    edited = study(model=model)
    assert edited != last and said(folder) == {round(edited, 6)} and left_out(folder) == {"weights": 8}


def test_an_edit_beside_a_noise_s_file(study, tmp_path):
    (tmp_path / "grain.py").write_text(GRAIN)
    text, called = f"{tmp_path / 'grain.py'}:Grain(strength=1)", "grain.py:Grain(strength=1)"
    means = []
    for scale in (0.05, 0.2):
        (tmp_path / "helper.py").write_text(f"SCALE = {scale}\n")
        study(text)
        rows = pd.read_csv(io.StringIO(call("export", tmp_path / "run").stdout))
        means.append(rows.loc[rows["noise"] == called, "psnr"].mean())
    assert means[0] - means[1] > 3 and said(tmp_path / "run", called) == {round(means[1], 6)}
    assert left_out(tmp_path / "run") == {"noise": 4}


def test_an_edited_metric_is_measured_again_and_never_mixed(study, tmp_path, photos):
    (tmp_path / "mae.py").write_text(METRIC)
    metric, folder = f"psnr, {tmp_path / 'mae.py'}:METRIC", tmp_path / "run"
    (tmp_path / "scale.py").write_text("SCALE = 1\n")
    study("gaussian(sigma=25)", metric_list=metric)
    before = pd.read_csv(io.StringIO(call("export", folder).stdout)).set_index(["noise", "image"])
    (tmp_path / "scale.py").write_text("SCALE = 100\n")
    study(metric_list=metric)
    after = pd.read_csv(io.StringIO(call("export", folder).stdout)).set_index(["noise", "image"])
    assert after.loc[NOISE, "mae"].to_numpy() == pytest.approx(100 * before.loc[NOISE, "mae"].to_numpy())
    assert after.loc["gaussian(sigma=25)", "mae"].isna().all()  # of the older version, and not made again
    pd.testing.assert_series_equal(after["psnr"], before["psnr"])
    assert left_out(folder) == {"metric": 4} and said(folder, column="mae") == {round(after["mae"].mean(), 6)}
    other = tmp_path / "other"
    (tmp_path / "scale.py").write_text("SCALE = 1\n")
    study(metric_list=metric, out=other)
    assert set(bench.compare(other, folder)["metric"]) == {"psnr"}
    with pytest.raises(BadInput, match="mae.*version"):
        bench.compare(other, folder, metrics="mae")


def test_a_new_version_of_one_of_our_metrics(study, tmp_path, monkeypatch):
    from dataclasses import replace

    from bench.metrics import psnr

    before = study()
    monkeypatch.setattr(psnr, "METRIC", replace(psnr.METRIC, version=2, against=lambda clean: lambda output: 7.0))
    assert study() == 7.0 != before and said(tmp_path / "run") == {7.0}


@pytest.mark.parametrize("option", [{"precision": "bf16"}, {"tile": 64}, {"seeds": (1,)}])
def test_a_setting_that_is_switched_and_switched_back(study, tmp_path, large, networks, option):
    with pathlib.Path(networks).open("a") as file:  # its numbers depend on all that it sees together
        file.write("\n\nclass Global(nn.Conv2d):\n    receptive_field = 3\n")
        file.write("    def __init__(self):\n        super().__init__(3, 3, 1)\n    def forward(self, x):\n")
        file.write("        return 0.6 * x + 0.3 * x.mean((2, 3), keepdim=True) + 0.1 * super().forward(x)\n")
    folder, asked = tmp_path / "run", {"model": f"{networks}:Global", "data": large}
    first = study(**asked)
    other = study(**asked, **option)
    assert first != other and said(folder) == {round(other, 6)} and sum(left_out(folder).values()) == 1
    assert study(**asked) == first and said(folder) == {round(first, 6)}
    assert sum(left_out(folder).values()) == 1 and status.of(folder).missing == 0


def test_a_protocol_that_is_switched_and_switched_back(study, tmp_path):
    folder = tmp_path / "run"
    stored = study()
    cut = study(protocol="masked-denoising")
    frame = pd.read_csv(io.StringIO(call("export", folder).stdout))
    assert set(frame["protocol"]) == {"stored", "masked-denoising"} and stored != cut
    assert left_out(folder) == {"protocol": 4} and selection.read(folder).protocol == "masked-denoising"
    assert study() == stored and selection.read(folder).rows["psnr"].mean() == pytest.approx(stored)
    for protocol, mean in (("stored", stored), ("masked-denoising", cut)):
        cells = call("export", folder, "--per", "cell", "--protocol", protocol).stdout
        assert pd.read_csv(io.StringIO(cells))["psnr"].iloc[0] == pytest.approx(mean)


def test_what_an_earlier_run_alone_had_still_counts(study, tmp_path, networks):
    study("gaussian(sigma=25)", model=f"{networks}:Blur(strength=0.5)")
    study()
    rows = selection.read(tmp_path / "run").rows
    assert len(rows) == 12 and not left_out(tmp_path / "run")


def test_replaced_noisy_images_of_pairs(study, tmp_path, photos):
    pairs = tmp_path / "pairs"
    for name in ("clean", "noisy"):
        (pairs / name).mkdir(parents=True)
    for path in photos.iterdir():
        (pairs / "clean" / path.name).write_bytes(path.read_bytes())
        other_picture(pairs / "noisy" / path.name)
    study("real", data=pairs)
    (pairs / "noisy/a.png").write_bytes((photos / "b.png").read_bytes())
    after = study("real", data=pairs)
    assert said(tmp_path / "run", "real") == {round(after, 6)} and left_out(tmp_path / "run") == {"pixels": 1}
    other_picture(pairs / "clean/b.png")  # under the reference alone: the pair is another one, too
    study(data=pairs, noise=NOISE)
    rows = selection.read(tmp_path / "run").rows
    assert not rows.duplicated(["noise", "image"]).any()


def test_a_store_that_does_not_know_its_data_sets_takes_the_rows_written_last(study, tmp_path, photos):
    study()
    other_picture(photos / "a.png")
    after = study()
    with Store.create(tmp_path / "run") as store, store.writing() as connection:  # as older versions left it
        connection.execute("DROP TABLE contents")
        connection.execute("UPDATE rows SET plan = NULL, scored = NULL")
    assert said(tmp_path / "run") == {round(after, 6)} and left_out(tmp_path / "run") == {"pixels": 1}


def test_pruning_takes_rows_and_their_pictures(study, tmp_path, photos, networks):
    folder = tmp_path / "run"
    (photos / "d.png").write_text("no picture")
    study()
    other_picture(photos / "a.png")
    after = study()
    (photos / "b.png").unlink()  # and no run since
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    result = call("runs", "prune", folder, "--dry-run")
    assert "1 failed, 1 deleted, 1 superseded" in result.output and result.exit_code == 0
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    with Store.create(folder):
        assert call("runs", "prune", folder).exit_code == 2  # another writes
    result = call("runs", "prune", folder, "--superseded")
    assert "1 superseded" in result.output and said(folder) == {round(after, 6)}
    assert len(list((folder / "pictures").iterdir())) == 3  # of a.png as it is now: clean, noisy, output
    assert "1 failed, 1 deleted, 0 superseded" in call("runs", "prune", folder).output
    assert "0 failed, 0 deleted, 0 superseded" in call("runs", "prune", folder).output
    with Store.open(folder) as store:
        assert sorted(store.rows()["image"]) == ["a.png", "c.png"]
    assert status.of(folder).cells[["done", "failed"]].to_numpy().tolist() == [[2, 0]]
    assert call("runs", "prune", tmp_path / "none").exit_code == 2 and not (tmp_path / "none").exists()


def test_pruning_leaves_what_other_settings_and_protocols_made(study, tmp_path):
    study()
    study(protocol="masked-denoising")
    study(protocol="masked-denoising", seeds=(1,))
    assert "0 failed, 0 deleted, 0 superseded" in call("runs", "prune", tmp_path / "run").output
    assert "4 settings" in call("runs", "prune", tmp_path / "run", "--settings").output
    with Store.open(tmp_path / "run") as store:
        assert store.rows().groupby(["protocol", "seed"]).size().to_dict() == {
            ("stored", 0): 4,
            ("masked-denoising", 1): 4,
        }


def test_a_dry_run_says_what_cannot_be_read(tmp_path, photos):
    (photos / "a.png").write_text("no picture")
    common = ["--models", "tv", "--noise", NOISE, "--metrics", "psnr", "--data", photos, "--out", tmp_path / "run"]
    result = call("run", *common, "--dry-run")
    lines = [line for line in result.output.splitlines() if "│ tv" in line]
    assert [int(cell) for cell in lines[0].split("│")[3:-1]] == [1, 4, 4, 0, 1], result.output
    assert "unreadable" in result.output and "3 rows to compute" in result.output
    call("run", *common)
    result = call("run", *common, "--dry-run")
    lines = [line for line in result.output.splitlines() if "│ tv" in line]
    assert [int(cell) for cell in lines[0].split("│")[3:-1]] == [1, 4, 4, 3, 1], result.output
    assert "complete" not in result.output


def test_two_runs_are_compared_by_pixels_and_not_by_names(study, tmp_path, photos):
    two, three, renamed = (tmp_path / name for name in ("two", "three", "renamed"))
    study(limit=2, out=two)
    study(limit=3, out=three)
    for one, other in ((two, three), (three, two)):
        line = bench.compare(one, other).squeeze()
        assert (line["images"], line["difference"], line["unpaired"]) == (2, 0.0, 1)
        assert "2 of 3 images" in " ".join(bench.compare(one, other).attrs["notes"])
    assert "2 of 3 images" in call("compare", two, three).output
    assert bench.compare(two, three, datasets="photos").squeeze()["images"] == 2
    photos.rename(tmp_path / "others")
    for path in sorted((tmp_path / "others").iterdir()):
        path.rename(path.with_name(f"new_{path.name}"))
    study(data=tmp_path / "others", out=renamed)
    line = bench.compare(three, renamed).squeeze()
    assert (line["images"], line["dataset"], line["difference"]) == (3, "photos(limit=3)", 0.0)
    other_picture(tmp_path / "others/new_a.png")
    study(data=tmp_path / "others", out=tmp_path / "changed")
    assert bench.compare(three, tmp_path / "changed").squeeze()["images"] == 2


def test_crops_of_one_folder_have_no_pixels_in_common(study, tmp_path, photos, monkeypatch):
    monkeypatch.setenv("BENCH_DATA", str(tmp_path))
    for crop in (16, 24):
        assert (
            call(
                "run",
                "--models",
                "tv",
                "--noise",
                NOISE,
                "--metrics",
                "psnr",
                "--datasets",
                f"photos(crop={crop})",
                "--out",
                tmp_path / f"run{crop}",
            ).exit_code
            == 0
        )
    with pytest.raises(BadInput, match="nothing to compare"):
        bench.compare(tmp_path / "run16", tmp_path / "run24")


def test_what_failed_on_both_sides_has_no_missing_counterpart(study, tmp_path, photos):
    (photos / "b.png").write_text("no picture")
    study(out=tmp_path / "one")
    study(out=tmp_path / "other")
    frame = bench.compare(tmp_path / "one", tmp_path / "other")
    assert frame.squeeze()[["images", "unpaired", "failed"]].tolist() == [3, 0, 0]
    notes = " ".join(frame.attrs["notes"])
    assert "counterpart" not in notes and "1 row failed on both sides" in notes
    (photos / "b.png").unlink()
    study(out=tmp_path / "other")
    assert bench.compare(tmp_path / "one", tmp_path / "other").squeeze()["unpaired"] == 1


def test_two_models_of_one_run_on_other_limits(study, tmp_path, networks):
    study(limit=2)
    study(model=f"{networks}:Blur(strength=0.5)", limit=3)
    line = bench.compare(tmp_path / "run", models="Blur", against="Blur(strength=0.5)").squeeze()
    assert (line["images"], line["dataset"], line["unpaired"]) == (2, "photos(limit=2)", 1)
