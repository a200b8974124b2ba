"""Whole runs: pairing, resuming after a kill, order, failures as rows."""

import hashlib
import os
import pathlib
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import bench
from bench import runner
from bench.core.files import StoreFull
from bench.noise import noises
from bench.runs.plan import make_plan
from bench.runs.store import Store

pytestmark = pytest.mark.slow

NOT_NUMBERS = ["seconds"]


def run(folder, models, photos, **options):
    options = {"noises": "gaussian(sigma=25)", **options}
    return bench.run(models, data=(photos,), out=folder, **options).rows


def stored(folder):
    """All rows of a run folder, those that do not count too."""
    with Store.open(folder) as store:
        return store.rows()


def test_a_row_for_every_model_noise_image_and_seed(tmp_path, photos, networks):
    rows = run(tmp_path / "run", [f"{networks}:Blur", f"{networks}:Blur(strength=0.5)"], photos, seeds=(0, 1))
    assert len(rows) == 2 * 2 * 4 * 2  # models, noises with Gaussian 15, images, seeds
    assert set(rows["noise"]) == {"gaussian(sigma=15)", "gaussian(sigma=25)"}
    assert set(rows["model"]) == {"Blur", "Blur(strength=0.5)"}
    assert (rows["status"] == "ok").all()
    assert rows["psnr_noisy"].between(18, 27).all() and rows["ssim"].between(0, 1).all()
    noisy = rows.groupby(["image", "noise", "seed"])["psnr_noisy"].nunique()
    assert (noisy == 1).all()  # every model sees the same pixels
    assert rows.groupby(["image", "noise"])["psnr_noisy"].nunique().eq(2).all()  # every seed sees others


def test_scores_are_those_of_the_pictures_that_are_kept(tmp_path, photos, networks):
    folder = tmp_path / "run"
    run(folder, [f"{networks}:Blur"], photos)
    from bench.metrics import psnr
    from bench.site.study import pictures

    with Store.open(folder) as store:
        rows = store.rows()
        kept = {(p.image, p.noise, p.source): np.asarray(Image.open(p.path)) for p in pictures(store, rows, "stored")}
    assert len({image for image, _, _ in kept}) == 3
    for row in rows.to_dict("records"):
        if (row["image"], row["noise"], "clean") in kept:
            clean, noisy, output = (kept[row["image"], row["noise"], s] for s in ("clean", "noisy", "Blur"))
            assert psnr.score(noisy, clean) == row["psnr_noisy"]
            assert psnr.score(output, clean) == row["psnr"]


def test_running_again_does_only_what_is_missing(tmp_path, photos, networks):
    folder = tmp_path / "run"
    first = run(folder, [f"{networks}:Blur"], photos)
    plan = make_plan(f"{networks}:Blur,{networks}:Blur(strength=0.5)", "gaussian(sigma=25)", None, (photos,))
    with Store.create(folder) as store:
        steps = list(runner.execute(plan, store))
        again = list(runner.execute(plan, store))
        rows = store.rows()
    assert sum(len(step.rows) for step in steps) == 8 and sum(step.skipped for step in steps) == 8
    assert sum(len(step.rows) for step in again) == 0 and sum(step.skipped for step in again) == 16
    same = rows[rows["model"] == "Blur"].reset_index(drop=True)
    pd.testing.assert_frame_equal(same, first)  # seconds too: they were not measured again


def test_killed_and_resumed_equals_uninterrupted(tmp_path, photos, networks, wait_until):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    command = [sys.executable, "-m", "bench", "run", "--models", f"{networks}:Halting", "--noise", "mixture",
               "--data", str(photos)]  # fmt: skip
    subprocess.run([*command, "--out", str(whole)], check=True, capture_output=True)
    halting = {**os.environ, "HALT_AFTER": "10"}
    process = subprocess.Popen([*command, "--out", str(killed)], stdout=subprocess.DEVNULL, env=halting)
    wait_until(lambda: (killed / "rows.sqlite").exists() and len(_rows(killed)) >= 3, process)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert 3 <= len(_rows(killed)) < 20
    subprocess.run([*command, "--out", str(killed)], check=True, capture_output=True)
    pd.testing.assert_frame_equal(_rows(killed).drop(columns=NOT_NUMBERS), _rows(whole).drop(columns=NOT_NUMBERS))


def _rows(folder):
    try:
        with Store.open(folder) as store:
            return store.rows()
    except (bench.core.errors.BadInput, pd.errors.DatabaseError, TypeError):  # being made at this moment
        return []


def test_noise_depends_on_nothing_but_pixels_noise_and_seed(tmp_path, photos, networks):
    rows = run(tmp_path / "all", [f"{networks}:Blur"], photos, noises="mixture")
    for name in "dcba":  # other folders, other file names, other order, one image at a time
        folder = tmp_path / name
        folder.mkdir()
        (folder / "picture.png").write_bytes((photos / f"{name}.png").read_bytes())
        alone = run(tmp_path / f"run-{name}", [f"{networks}:Blur(strength=0.5)"], folder, noises="mixture(level=3)")
        for noise in set(alone["noise"]):
            one = alone[alone["noise"] == noise].iloc[0]
            other = rows[(rows["noise"] == noise) & (rows["image"] == f"{name}.png")].iloc[0]
            assert (one["psnr_noisy"], one["ssim_noisy"]) == (other["psnr_noisy"], other["ssim_noisy"])


def test_noise_is_the_same_in_another_process(photos):
    noise = noises.load_noise("mixture(level=2)")
    clean = bench.load_dataset(photos).images[0].read()
    digest = noises.pixel_hash(clean)
    here = noise(clean, noises.generator(digest, noise, 3))[0]
    program = (
        "import bench, hashlib, pathlib; from bench.noise import noises; n = noises.load_noise('mixture(level=2)');"
        f"c = bench.load_dataset(pathlib.Path({str(photos)!r})).images[0].read();"
        "print(hashlib.sha256(n(c, noises.generator(noises.pixel_hash(c), n, 3))[0].tobytes()).hexdigest())"
    )
    there = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
    assert hashlib.sha256(here.tobytes()).hexdigest() == there


def test_keyed_networks_get_a_key_of_the_image_and_the_noise(tmp_path, photos, networks):
    first = run(tmp_path / "one", [f"{networks}:Keyed"], photos)
    second = run(tmp_path / "two", [f"{networks}:Blur", f"{networks}:Keyed"], photos)
    repeated = second[second["model"] == "Keyed"].reset_index(drop=True)
    pd.testing.assert_frame_equal(first.drop(columns=NOT_NUMBERS), repeated.drop(columns=NOT_NUMBERS))


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        ("Broken", "finite"),
        ("Shrinking", "got (1, 3, 39, 47)"),
        ("Raising", "no kernel for this"),
    ],
)
def test_a_network_that_fails_has_rows_that_say_why_and_the_others_go_on(tmp_path, photos, networks, network, reason):
    rows = run(tmp_path / "run", [f"{networks}:{network}", f"{networks}:Blur"], photos)
    failed, fine = rows[rows["model"] == network], rows[rows["model"] == "Blur"]
    assert (
        set(failed["status"]) == {"failed"} and len(set(failed["reason"])) == 1 and reason in failed["reason"].iloc[0]
    )
    assert failed["psnr"].isna().all() and failed["psnr_noisy"].notna().all()
    assert set(fine["status"]) == {"ok"} and len(fine) == len(failed) == 8


def test_a_broken_image_fails_until_it_is_mended(tmp_path, photos, networks):
    good = (photos / "b.png").read_bytes()
    (photos / "b.png").write_bytes(good[:100])
    rows = run(tmp_path / "run", [f"{networks}:Blur"], photos)
    failed = rows[rows["status"] == "failed"]
    assert set(failed["image"]) == {"b.png"} and len(failed) == 2
    assert failed["reason"].str.contains("b.png cannot be read as an image").all()
    (photos / "b.png").write_bytes(good)
    rows = run(tmp_path / "run", [f"{networks}:Blur"], photos)
    assert len(rows) == 8 and (rows["status"] == "ok").all()


def test_a_full_disk_keeps_what_was_done(tmp_path, photos, networks):
    plan = make_plan(f"{networks}:Blur", "mixture", None, (photos,), seeds=(0, 1, 2, 3))
    with Store.create(tmp_path / "run") as store:
        pages = store.connection.execute("PRAGMA page_count").fetchone()[0]
        store.connection.execute(f"PRAGMA max_page_count = {pages + 2}")
        with pytest.raises(StoreFull, match="database or disk is full"):
            list(runner.execute(plan, store, pictures=0))
    with Store.create(tmp_path / "run") as store:
        kept = len(store.rows())
        assert 0 < kept < plan.rows
        list(runner.execute(plan, store))
        assert len(store.rows()) == plan.rows


def test_an_interrupt_keeps_the_images_that_were_done(tmp_path, photos, networks):
    plan = make_plan(f"{networks}:Blur", "mixture", None, (photos,))
    with Store.create(tmp_path / "run") as store:
        steps = runner.execute(plan, store)
        for _ in range(4):
            next(steps)
        steps.close()
        assert len(store.rows()) >= 4


@pytest.mark.parametrize(("protocol", "border"), [("stored", 0), ("masked-denoising", 1), ("float", 0)])
def test_protocols_have_their_own_rows(tmp_path, photos, networks, protocol, border):
    from bench.metrics import crop_border, psnr
    from bench.protocols import to_bytes

    rows = run(tmp_path / "run", [f"{networks}:Blur"], photos, noises="gaussian(sigma=50)", protocol=protocol)
    assert set(rows["protocol"]) == {protocol}
    clean = np.asarray(Image.open(photos / "a.png")).astype(np.float32) / 255
    noise = noises.load_noise("gaussian(sigma=50)")
    if protocol == "float":  # KAIR: np.random.seed(0) before every image
        noisy = clean + np.random.RandomState(0).normal(0, 50 / 255, clean.shape)
    else:
        noisy = noise(clean, noises.generator(noises.pixel_hash(clean), noise, 0))[0]
    expected = psnr.score(crop_border(to_bytes(noisy), border), crop_border(to_bytes(clean), border))
    row = rows[(rows["image"] == "a.png") & (rows["noise"] == "gaussian(sigma=50)")].iloc[0]
    assert row["psnr_noisy"] == pytest.approx(expected, abs=1e-9)
    given = to_bytes(noisy) / 255.0 if protocol != "float" else noisy
    padded = np.pad(given, ((1, 1), (1, 1), (0, 0)), "reflect")
    mean = sum(padded[i : i + 40, j : j + 48] for i in range(3) for j in range(3)) / 9
    expected = psnr.score(crop_border(to_bytes(mean), border), crop_border(to_bytes(clean), border))
    assert row["psnr"] == pytest.approx(expected, abs=0.01)  # float32 against float64 may round a pixel elsewhere


def test_official_dncnn_scores_under_the_float_protocol(tmp_path, shared):
    """KAIR's blind DnCNN on three images of McMaster, against the official metric code."""
    import json

    golden = json.loads((shared / "golden/dncnn/blind_gauss15_float_McMaster.json").read_text())["per_image"]
    official = shared / "weights/dncnn_color_blind.pth"
    rows = bench.run(
        [f"dncnn(weights='{official}')"],
        "gaussian(sigma=15)",
        data=(shared / "data/test/McMaster",),
        limit=3,
        protocol="float",
        out=tmp_path / "r",
    ).rows
    assert list(rows["image"]) == ["1.tif", "2.tif", "3.tif"]
    for row in rows.to_dict("records"):
        expected = golden[row["image"]]
        assert row["psnr"] == pytest.approx(expected["psnr"], abs=0.002)
        assert row["ssim"] == pytest.approx(expected["ssim"], abs=5e-5)
        assert row["psnr_noisy"] == pytest.approx(expected["noisy_psnr"], abs=0.002)


def test_rows_of_an_edited_network_are_other_rows(tmp_path, photos, networks):
    first = run(tmp_path / "run", [f"{networks}:Blur"], photos)
    with pathlib.Path(networks).open("a") as file:
        file.write("\n\nclass Blur(Blur):\n    def forward(self, x):\n        return x\n")
    second = run(tmp_path / "run", [f"{networks}:Blur"], photos)
    assert len(second) == len(first) and set(second["weights_hash"]).isdisjoint(first["weights_hash"])
    assert len(stored(tmp_path / "run")) == 2 * len(first)


def test_a_network_cannot_change_the_input_of_the_next(tmp_path, photos, networks):
    with pathlib.Path(networks).open("a") as file:
        file.write(
            "\n\nclass Eraser(Blur):\n    def forward(self, x):\n        return x.mul_(float(x.shape[-1] < 40))\n"
        )
    alone = run(tmp_path / "alone", [f"{networks}:Blur"], photos)
    after = run(tmp_path / "after", [f"{networks}:Eraser", f"{networks}:Blur"], photos)
    after = after[after["model"] == "Blur"].reset_index(drop=True)
    pd.testing.assert_frame_equal(after.drop(columns=NOT_NUMBERS), alone.drop(columns=NOT_NUMBERS))


def test_an_untrained_network_repeats():
    import torch

    state = torch.get_rng_state()
    first, second = (bench.load_model("dncnn(weights=None)").state_dict() for _ in range(2))
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert torch.equal(state, torch.get_rng_state())


def test_a_tile_is_a_part_of_the_row(tmp_path, large, networks):
    folder = tmp_path / "run"
    whole = run(folder, [f"{networks}:Blur"], large, noises="gaussian(sigma=15)")
    tiled = run(folder, [f"{networks}:Blur"], large, noises="gaussian(sigma=15)", tile=64)
    assert list(whole["tile"]) == [0] and list(tiled["tile"]) == [64] and sorted(stored(folder)["tile"]) == [0, 64]
    assert tiled["psnr"].iloc[0] == pytest.approx(whole["psnr"].iloc[0], abs=1e-3)  # a blur of 3x3 is covered


def test_an_image_that_fits_into_a_tile_is_whole(tmp_path, photos, networks):
    rows = run(tmp_path / "run", [f"{networks}:Blur"], photos, tile=64)
    assert set(rows["tile"]) == {0}
    assert len(run(tmp_path / "run", [f"{networks}:Blur"], photos, tile="whole")) == len(rows)


def test_rnan_has_its_own_tile(tmp_path, large):
    model = "rnan(weights=None, n_feats=4, n_resgroups=2)"
    plan = make_plan(model, "gaussian(sigma=15)", None, (large,), tile="whole")
    assert [note for note in plan.notes if note.startswith("rnan") and "tiles of 48" in note]
    assert not [note for note in make_plan(model, "gaussian(sigma=15)", None, (large,)).notes if "tiles" in note]
    rows = run(tmp_path / "run", [model], large, noises="gaussian(sigma=15)", tile="whole")
    assert list(rows["tile"]) == [48] and list(rows["status"]) == ["ok"]


def test_masks_of_tiles_repeat(tmp_path, large):
    model = "ours(weights=None, embed_dim=8, depths=(2,), num_heads=(2,), attention_mask=50)"
    first, second = (run(tmp_path / name, [model], large, tile=96) for name in ("one", "two"))
    assert set(first["tile"]) == {96}
    pd.testing.assert_frame_equal(first.drop(columns=NOT_NUMBERS), second.drop(columns=NOT_NUMBERS))


def test_a_precision_is_a_part_of_the_row(tmp_path, photos):
    model = "dncnn(weights=None, nc=4, nb=3)"
    run(tmp_path / "run", [model], photos, noises="gaussian(sigma=15)")
    rows = run(tmp_path / "run", [model], photos, noises="gaussian(sigma=15)", precision="bf16")
    assert rows["precision"].value_counts().to_dict() == {"bfloat16": 4}
    assert stored(tmp_path / "run")["precision"].value_counts().to_dict() == {"float32": 4, "bfloat16": 4}
