"""A metric without a value for an image is an empty cell with its reason, and takes no other with it."""

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

import bench
from bench import cli, runner, statistics
from bench.runs.plan import make_plan
from bench.runs.store import Store

pytestmark = pytest.mark.slow

METRICS = """
from bench.metrics import Metric

def against(clean):
    if clean.shape[0] < SMALLEST:
        raise RuntimeError("nothing to see")

    def score(output):
        return (output.double() - clean.double()).abs().mean()

    return score

def nan(clean):
    return lambda output: float("nan") if clean.shape[0] < 40 else 1.0

MINE = Metric("mine", against, title="Mine", higher_is_better=False)
NAN = Metric("nan", nan, title="NaN", higher_is_better=False)
"""


@pytest.fixture
def own(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(METRICS.replace("SMALLEST", "20"))
    return file


@pytest.fixture
def sizes(photos):
    """The four pictures of 48x40, and one of 30x9."""
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (9, 30, 3), dtype=np.uint8)).save(photos / "e.png")
    return photos


def run(out, folder, own, names="psnr,ssim"):
    return bench.run("tv", "gaussian(sigma=15)", data=(folder,), out=out, metrics=f"{names},{own}:MINE,{own}:NAN").rows


def to_do(out, folder, own):
    plan = make_plan("tv", "gaussian(sigma=15)", None, (folder,), metric_list=f"psnr,ssim,{own}:MINE,{own}:NAN")
    with Store.create(out) as store:
        return sum(len(step.rows) for step in runner.execute(plan, store))


def test_the_other_metrics_are_kept_and_the_row_says_why(tmp_path, sizes, own):
    rows = run(tmp_path / "run", sizes, own).set_index("image")
    small = rows.loc["e.png"]
    assert small["status"] == "ok" and small["psnr"] > 10 and small["psnr_noisy"] > 20
    assert small[["ssim", "mine", "nan", "ssim_noisy", "mine_noisy", "nan_noisy"]].isna().all()
    for words in ("no ssim: ", "11x11", "no mine: ", "nothing to see", "no nan: "):
        assert small["reason"].count(words) == 1  # the noisy input's is the same
    others = rows.drop("e.png")
    assert (others["reason"] == "").all() and others[["psnr", "ssim", "mine", "nan", "mine_noisy"]].notna().all(
        axis=None
    )


def test_such_rows_are_done_until_the_metric_is_another(tmp_path, sizes, own):
    out = tmp_path / "run"
    run(out, sizes, own)
    assert to_do(out, sizes, own) == 0
    with Store.open(out) as store:
        plan = make_plan("tv", "gaussian(sigma=15)", None, (sizes,), metric_list=f"psnr,ssim,{own}:MINE,{own}:NAN")
        assert len(store.done(plan.measured)) == 5  # as a dry run has it
    own.write_text(METRICS.replace("SMALLEST", "5"))
    assert to_do(out, sizes, own) == 5  # its source is part of its version
    with Store.open(out) as store:
        small = store.rows().set_index("image").loc["e.png"]
    assert small["mine"] > 0 and "no mine" not in small["reason"] and "no ssim" in small["reason"]


def test_a_run_with_fewer_metrics_forgets_no_reason(tmp_path, sizes, own):
    out = tmp_path / "run"
    bench.run("tv", "gaussian(sigma=15)", data=(sizes,), out=out, metrics="ssim")
    bench.run("tv", "gaussian(sigma=15)", data=(sizes,), out=out, metrics="psnr")
    rows = bench.run("tv", "gaussian(sigma=15)", data=(sizes,), out=out, metrics="psnr,ssim").rows.set_index("image")
    assert "no ssim" in rows.loc["e.png", "reason"] and rows["psnr"].notna().all()


def test_in_other_processes_too(tmp_path, sizes, own):
    here = run(tmp_path / "here", sizes, own)
    there = bench.run(
        "tv",
        "gaussian(sigma=15)",
        data=(sizes,),
        out=tmp_path / "there",
        workers=1,
        metrics=f"psnr,ssim,{own}:MINE,{own}:NAN",
    ).rows
    pd.testing.assert_frame_equal(here.drop(columns="seconds"), there.drop(columns="seconds"))
    assert to_do(tmp_path / "there", sizes, own) == 0


def test_means_are_over_the_images_that_have_a_value_and_say_over_how_many(tmp_path, sizes, own):
    rows = run(tmp_path / "run", sizes, own)
    line = statistics.summarize(rows).set_index("model").loc["tv"]
    assert (line["images"], line["psnr_images"], line["ssim_images"], line["mine_images"]) == (5, 5, 4, 4)
    large = rows[rows["image"] != "e.png"]
    assert line["ssim"] == pytest.approx(large["ssim"].mean()) and line["psnr"] == pytest.approx(rows["psnr"].mean())
    noisy = statistics.summarize(rows).set_index("model").loc["noisy"]
    assert noisy["ssim_images"] == 4 and noisy["ssim"] == pytest.approx(large["ssim_noisy"].mean())
    said = list(statistics.without_value(rows))
    assert len(said) == 3 and any("ssim" in one and "1 of 5" in one and "11x11" in one for one in said)


def test_commands_take_such_rows(tmp_path, sizes, own, monkeypatch):
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))

    def command(*words):
        result = CliRunner().invoke(cli.main, list(map(str, words)))
        assert result.exit_code == 0, result.output
        return result.output

    out = tmp_path / "run"
    said = command(
        "run",
        "--models",
        "tv,nlm",
        "--noise",
        "gaussian(sigma=15)",
        "--metrics",
        f"psnr,ssim,{own}:MINE",
        "--data",
        sizes,
        "--out",
        out,
    )
    assert "ssim has no value in 2 of 10 rows" in said
    assert "0 rows missing" in command("status", out)
    cells = json.loads(command("export", out, "--per", "cell", "--format", "json"))
    assert {cell["ssim_images"] for cell in cells} == {4} and {cell["psnr_images"] for cell in cells} == {5}
    assert "no ssim" in command("export", out)
    frame = bench.compare(out, models="tv", against="nlm")
    assert frame.groupby("metric")["images"].first().to_dict() == {"psnr": 5, "ssim": 4, "mine": 4}
    command("report", out, "--out", tmp_path / "site")
    text = "".join(file.read_text() for file in (tmp_path / "site").glob("*.html"))
    assert "ssim has no value" in text


def test_pictures_below_every_size_have_a_psnr(tmp_path):
    """8x8, as in the first report of it: all rows failed."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    for place in range(3):
        pixels = np.random.default_rng(place).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{place}.png")
    rows = bench.run("tv", "gaussian(sigma=15)", data=(folder,), out=tmp_path / "run", metrics="psnr,ssim").rows
    assert (rows["status"] == "ok").all() and rows["psnr"].notna().all() and rows["ssim"].isna().all()
    rows = bench.run("tv", "gaussian(sigma=15)", data=(folder,), out=tmp_path / "all", metrics="ssim").rows
    assert (rows["status"] == "ok").all() and rows["reason"].str.contains("11x11").all()


def test_nothing_inside_the_border(tmp_path):
    folder = tmp_path / "dots"
    folder.mkdir()
    Image.new("RGB", (2, 2), (9, 99, 200)).save(folder / "a.png")
    rows = bench.run(
        "tv", "gaussian(sigma=15)", data=(folder,), out=tmp_path / "run", metrics="psnr", protocol="masked-denoising"
    ).rows
    assert set(rows["status"]) == {"ok"} and rows["psnr"].isna().all() and rows["reason"].str.contains("no psnr").all()
