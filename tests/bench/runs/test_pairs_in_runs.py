"""Pairs in a run: recorded noise goes with the data sets that have it, and with no other."""

import json
import re

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import bench
from bench import runner
from bench.cli import main
from bench.core.errors import BadInput
from bench.datasets import builtin
from bench.metrics import psnr
from bench.noise import noises
from bench.runs.plan import make_plan
from bench.runs.store import Store
from noise_zoo.monte_carlo import MonteCarlo

pytestmark = pytest.mark.slow

OWN = ["monte_carlo(spp=4)", "monte_carlo(spp=64)"]
GAUSSIAN = "gaussian(sigma=15)"


@pytest.fixture
def renders(tmp_path, photos):
    """A folder of pairs: the photographs as references, and two noisy versions of each."""
    folder, random = tmp_path / "renders", np.random.default_rng(1)
    for name, sigma in (("reference", 0), ("spp4", 40), ("spp64", 10)):
        (folder / name).mkdir(parents=True)
        for file in photos.iterdir():
            pixels = np.asarray(Image.open(file)) + sigma * random.standard_normal((40, 48, 3))
            Image.fromarray(np.rint(pixels.clip(0, 255)).astype(np.uint8)).save(folder / name / file.name)
    return folder


def cells(plan):
    names = [noises.canonical(noise) for noise in plan.noises]
    return {d.name: [names[place] for place in plan.noises_on(d)] for d in plan.datasets}


def test_pairs_are_run_under_their_own_noise_and_the_reference(renders, photos, networks, tmp_path):
    rows = bench.run(f"{networks}:Blur", "mixture(level=1)", data=(renders, photos), out=tmp_path / "run").rows
    assert (rows["status"] == "ok").all()
    ran = rows.groupby("dataset")["noise"].unique().map(sorted).to_dict()
    assert ran == {"renders": [GAUSSIAN, *OWN], "photos": [GAUSSIAN, "mixture(level=1)"]}
    assert len(rows) == 4 * 3 + 4 * 2
    for row in rows[rows["noise_name"] == "monte_carlo"].to_dict("records"):
        noisy, clean = (
            np.asarray(Image.open(renders / f / row["image"])) for f in (f"spp{row['level']:.0f}", "reference")
        )
        assert row["psnr_noisy"] == psnr.score(noisy, clean)
    of_one = rows[(rows["image"] == "a.png") & (rows["noise"] == GAUSSIAN)]
    assert of_one["psnr_noisy"].nunique() == 1  # drawn noise is that of the clean pixels, in pairs as elsewhere


@pytest.mark.parametrize(
    ("noise", "expected"),
    [
        ("all", {"renders": [GAUSSIAN, *OWN]}),
        ("monte_carlo(spp=64)", {"renders": [GAUSSIAN, OWN[1]]}),
        ("monte_carlo", {"renders": [GAUSSIAN, OWN[1]]}),  # its levels are 64 and 128
        ("gaussian(sigma=50)", {"renders": [GAUSSIAN, *OWN]}),
    ],
)
def test_what_pairs_are_run_under(renders, networks, noise, expected):
    assert cells(make_plan(f"{networks}:Blur", noise, None, (renders,))) == expected


def test_what_makes_no_sense_is_left_out_and_said(renders, photos, networks):
    plan = make_plan(f"{networks}:Blur", "monte_carlo", "builtin", (renders, photos), seeds=(0, 1))
    assert cells(plan) == {"renders": [GAUSSIAN, OWN[1]]} and plan.rows == 2 * 4 * 2
    told = " / ".join(plan.notes)
    assert "photos is skipped" in told
    assert "builtin is skipped" in told and "monte_carlo(spp=128) is skipped" in told
    plan = make_plan(f"{networks}:Blur", "mixture", None, (renders, photos), limit=2)
    (sentence,) = plan.skipped
    assert "gaussian(sigma=15)" in sentence and sentence.endswith("renders(limit=2, pairs=False)")
    assert len(cells(plan)["photos(limit=2)"]) == 5 and plan.rows == 2 * 3 + 2 * 5
    with pytest.raises(BadInput, match=r"^photos .* real, got clean images"):
        make_plan(f"{networks}:Blur", "real", None, (photos,))
    with pytest.raises(BadInput, match=r"^renders .* real, .*monte_carlo\(spp=4\)"):
        make_plan(f"{networks}:Blur", "real", None, (renders,))


def test_clean_images_of_pairs_are_a_data_set_like_others(renders, networks, monkeypatch):
    monkeypatch.setenv("BENCH_DATA", str(renders.parent))
    plan = make_plan(f"{networks}:Blur", "poisson(alpha=2)", "renders(pairs=False, crop=16)")
    assert cells(plan) == {"renders(crop=16, pairs=False)": [GAUSSIAN, "poisson(alpha=2)"]}
    assert not plan.skipped


def test_other_noisy_pixels_are_other_rows(renders, networks, tmp_path):
    def run():
        plan = make_plan(f"{networks}:Blur", "monte_carlo(spp=4)", None, (renders,))
        with Store.create(tmp_path / "run") as store:
            return sum(len(step.rows) for step in runner.execute(plan, store))

    assert run() == 8 and run() == 0
    (renders / "spp4/a.png").write_bytes((renders / "spp64/a.png").read_bytes())
    assert run() == 1


def test_a_pair_of_two_sizes_fails_and_says_so(renders, networks, tmp_path):
    Image.new("RGB", (20, 30)).save(renders / "spp4/b.png")
    rows = bench.run(f"{networks}:Blur", "monte_carlo(spp=4)", data=(renders,), out=tmp_path / "run").rows
    good, failed = sorted(set(rows["reason"]))
    assert not good and all(value in failed for value in ("b.png", "20x30", "48x40"))
    assert set(rows.loc[rows["status"] == "failed", "image"]) == {"b.png"}


def test_rows_say_which_crops_are_of_one_photograph(photos, networks, tmp_path):
    folder = tmp_path / "crops"
    folder.mkdir()
    for name, file in zip(("desk_1", "desk_2", "door_1"), sorted(photos.iterdir()), strict=False):
        for end in ("real", "mean"):
            (folder / f"{name}_{end}.png").write_bytes(file.read_bytes())
    rows = bench.run(f"{networks}:Blur", "real", data=(folder,), out=tmp_path / "run").rows
    assert dict(zip(rows["image"], rows["photograph"], strict=True)) == {
        "desk_1": "desk",
        "desk_2": "desk",
        "door_1": "door",
    }


def test_the_renders_of_the_installation(networks, tmp_path):
    rows = bench.run(f"{networks}:Blur", "all", "mc-mini(limit=2)", out=tmp_path / "run").rows
    assert set(rows["noise"]) == {GAUSSIAN, "monte_carlo(spp=64)", "monte_carlo(spp=128)"}
    assert (rows["status"] == "ok").all() and len(rows) == 2 * 3
    card = json.loads((builtin.RENDERS / "card.json").read_text())["scenes_measured"]
    for row in rows[rows["noise_name"] == "monte_carlo"].to_dict("records"):
        measured = card[row["image"].removesuffix(".png")][f"psnr_spp{row['level']:.0f}"]
        assert row["psnr_noisy"] == pytest.approx(measured, abs=0.006)


def test_noise_of_the_renders_is_that_of_independent_pixels():
    data = bench.load_dataset("mc-mini")
    assert len(data.images) == 4 and data.licence == "MIT" and "4,096 samples" in data.note
    for image in data.images:
        clean = image.read()
        noise = {spp: image.read_noisy(MonteCarlo(spp)) - clean for spp in (64, 128)}
        inside = (clean > 0.1) & (clean < 0.9)
        halved = np.mean(noise[64][inside] ** 2) / np.mean(noise[128][inside] ** 2)
        assert 1.5 < halved < 2.3  # twice the samples, half the variance; less where lights are cut off
        field = np.clip(np.where(inside, noise[64], 0), -0.1, 0.1)[..., 1]  # rare bright paths apart
        for there in (field[1:], field[:, 1:]):
            here = field[: there.shape[0], : there.shape[1]]
            assert abs(np.corrcoef(here.ravel(), there.ravel())[0, 1]) < 0.1, image.name  # 0.3 with other filters


def test_the_table_of_noises_has_recorded_ones(renders, monkeypatch):
    monkeypatch.setenv("BENCH_DATA", str(renders.parent))
    words = [
        "noise",
        "table",
        "--noise",
        "gaussian(sigma=15), mixture(level=1)",
        "--datasets",
        "renders,builtin(limit=1)",
    ]
    result = CliRunner().invoke(main, [*words, "--format", "json"])
    assert result.exit_code == 0, result.output
    assert re.search(r"^note: renders .*gaussian\(sigma=15\)", result.stderr, re.MULTILINE)
    table = {(row["dataset"], row["noise"]): row["psnr"] for row in json.loads(result.stdout)}
    assert [noise for dataset, noise in table if dataset == "renders"] == [GAUSSIAN, *OWN]
    assert [noise for dataset, noise in table if dataset != "renders"] == [GAUSSIAN, "mixture(level=1)"]
    for folder, noise in zip(("spp4", "spp64"), OWN, strict=True):
        files = [(renders / folder / f"{name}.png", renders / "reference" / f"{name}.png") for name in "abcd"]
        by_hand = [psnr.score(*(np.asarray(Image.open(file)) for file in pair)) for pair in files]
        assert table["renders", noise] == pytest.approx(np.mean(by_hand))
    shown = CliRunner().invoke(main, [*words, "--format", "markdown"])
    assert shown.exit_code == 0 and "nan" not in shown.stdout
