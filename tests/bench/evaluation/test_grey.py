"""Greyscale pictures have one channel from their file to their score: one noise, scored once, written greyscale."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from skimage import data
from skimage.metrics import structural_similarity

import bench
from bench import cli, metrics, runner
from bench.analyses.core.outputs import load_denoiser
from bench.core.errors import BadInput
from bench.datasets import load_dataset
from bench.metrics import psnr
from bench.models import model_specs
from bench.models.adapters import ReplicateGreyscale, for_image
from bench.noise import noises
from bench.protocols import load_protocol
from bench.runs.plan import make_plan
from bench.runs.store import Store
from bench.site.study import pictures
from noise_zoo.real import Real

pytestmark = pytest.mark.slow

GREY_NETWORKS = """
from torch import nn

class Grey(nn.Module):
    def __init__(self, in_nc=1):
        super().__init__()
        self.blur = nn.AvgPool2d(3, 1, 1, count_include_pad=False)

    def forward(self, x):
        assert x.shape[1] == 1
        return self.blur(x)

class Stated(Grey):
    channels = 1

    def __init__(self):
        super().__init__()

class Silent(Grey):
    def __init__(self):
        super().__init__()
"""


def crops():
    """Three crops of 96x96, uint8 (96, 96, 3)."""
    return [image[100:196, 120:216] for image in (data.astronaut(), data.coffee(), data.chelsea())]


@pytest.fixture
def grey(tmp_path):
    folder = tmp_path / "grey"
    folder.mkdir()
    for place, crop in enumerate(crops()):
        Image.fromarray(crop).convert("L").save(folder / f"{place}.png")
    return folder


@pytest.fixture
def colour(tmp_path, grey):
    """The same pictures, their channel stored three times."""
    folder = tmp_path / "colour"
    folder.mkdir()
    for file in grey.iterdir():
        Image.open(file).convert("RGB").save(folder / file.name)
    return folder


@pytest.fixture
def own(tmp_path):
    file = tmp_path / "own.py"
    file.write_text(GREY_NETWORKS)
    return file


def run(out, names, folder, **options):
    return bench.run(names, "gaussian(sigma=25)", data=(folder,), out=out, metrics="psnr,ssim", **options).rows


def command(*words):
    return CliRunner().invoke(cli.main, list(map(str, words)))


def by_hand(file, sigma):
    """(noisy in 8 bits, clean in 8 bits), (H, W): one draw of the stream that a run has for the picture."""
    clean = np.asarray(Image.open(file))
    pixels = clean[..., None].astype(np.float32) / 255
    noise = noises.load_noise(f"gaussian(sigma={sigma})")
    drawn = noises.generator(noises.pixel_hash(pixels), noise, 0).standard_normal((*clean.shape, 1), dtype=np.float32)
    return np.rint((pixels + drawn * np.float32(sigma / 255)).clip(0, 1) * 255).astype(np.uint8)[..., 0], clean


def test_colour_networks_get_one_noise_in_all_channels_and_are_scored_once(tmp_path, grey):
    rows = run(tmp_path / "run", "dncnn", grey)
    assert (rows["status"] == "ok").all() and rows["input"].str.contains("replicated").all()
    network = model_specs.load_model("dncnn")
    for row in rows[rows["noise"] == "gaussian(sigma=25)"].to_dict("records"):
        noisy, clean = by_hand(grey / row["image"], 25)
        assert row["psnr_noisy"] == psnr.score(noisy[..., None], clean[..., None])
        x = torch.from_numpy(np.stack([noisy] * 3)[None]).float() / 255
        with torch.inference_mode():
            output = (network(x).mean(1)[0].clamp(0, 1) * 255).round().numpy()
        assert row["psnr"] == pytest.approx(psnr.score(output[..., None].astype(np.uint8), clean[..., None]), abs=1e-3)
        similar = structural_similarity(
            clean,
            output.astype(np.uint8),
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=255,
        )
        assert row["ssim"] == pytest.approx(similar, abs=1e-4)


def test_three_independent_noises_are_easier_and_other_rows(tmp_path, grey, colour):
    """The former score of a greyscale file: the mean output under three independent noises."""
    out = tmp_path / "run"
    once, thrice = run(out, "dncnn,tv", grey), run(out, "dncnn,tv", colour)
    thrice = thrice[thrice["dataset"] == "colour"]
    assert not set(once["image_hash"]) & set(thrice["image_hash"])
    assert set(thrice["input"]) == {"colour with equal channels"}
    mean = {name: rows.groupby("model")["psnr"].mean() for name, rows in {"once": once, "thrice": thrice}.items()}
    assert mean["thrice"]["dncnn"] > mean["once"]["dncnn"] + 2
    assert mean["thrice"]["tv"] == pytest.approx(mean["once"]["tv"], abs=0.3)  # it sees each channel alone


def test_grey_rows_are_not_those_that_were_colour(tmp_path, grey, colour):
    """A file that becomes greyscale under the same name is another picture: nothing is taken from its old rows."""
    out = tmp_path / "run"
    run(out, "tv", colour)
    for file in grey.iterdir():
        file.replace(colour / file.name)
    plan = make_plan("tv", "gaussian(sigma=25)", None, (colour,), metric_list="psnr,ssim")
    with Store.open(out) as store:
        assert len(store.done(plan.measured)) == 6
    rows = run(out, "tv", colour)
    assert rows["image_hash"].nunique() == 3 and set(rows["input"]) == {"greyscale"}


@pytest.mark.parametrize(
    ("names", "options"),
    [("dncnn,tv", {"workers": 2}), ("dncnn", {"tile": 80}), ("ours(mask_samples=2)", {"precision": "bf16"})],
)
def test_however_it_is_run(tmp_path, grey, names, options):
    usual, other = run(tmp_path / "usual", names, grey), run(tmp_path / "other", names, grey, **options)
    assert (other["status"] == "ok").all() and (other["psnr_noisy"] == usual["psnr_noisy"]).all()
    assert (other["input"] == usual["input"]).all()
    assert (other["psnr"] - usual["psnr"]).abs().max() < 0.5


def test_grey_networks_get_it_as_it_is(tmp_path, grey, own):
    rows = run(
        tmp_path / "run", [f"{own}:Grey", f"{own}:Stated", "dncnn(weights=None, nc=4, nb=3, in_nc=1, out_nc=1)"], grey
    )
    assert set(rows["input"]) == {"greyscale"} and (rows["status"] == "ok").all()
    noisy, clean = by_hand(grey / "0.png", 25)
    blurred = torch.nn.AvgPool2d(3, 1, 1, count_include_pad=False)(torch.from_numpy(noisy)[None, None].float())
    row = rows[(rows["model"] == "Grey") & (rows["image"] == "0.png") & (rows["noise"] == "gaussian(sigma=25)")]
    output = blurred[0, 0].round().numpy().astype(np.uint8)
    assert row["psnr"].item() == pytest.approx(psnr.score(output[..., None], clean[..., None]), abs=1e-3)


def test_grey_networks_get_each_channel_of_colour(tmp_path, photos, own):
    rows = run(tmp_path / "run", f"{own}:Grey", photos)
    assert set(rows["input"]) == {"colour, each channel by itself"} and (rows["status"] == "ok").all()


def test_a_grey_network_that_does_not_say_so_is_told_how(own):
    with pytest.raises(BadInput, match="channels = 1"):
        model_specs.resolve(f"{own}:Silent").checked()


def test_the_mean_of_the_three_outputs_is_taken_and_keys_arrive():
    class Shift(torch.nn.Module):
        takes_keys = True

        def forward(self, x, keys=None):
            assert x.shape[1] == 3 and keys == [5]
            return x + torch.tensor([0.0, 0.1, 0.5]).view(1, 3, 1, 1)

    x = torch.rand(1, 1, 4, 5)
    network = for_image(Shift(), 3, 1)
    torch.testing.assert_close(network(x, keys=[5]), x + 0.2)
    assert network.takes_keys and for_image(network, 3, 3) is network and for_image(network, None, 1) is network
    with pytest.raises(ValueError, match="shape"):
        ReplicateGreyscale(torch.nn.Conv2d(3, 1, 1))(x)


def test_the_legacy_stream_is_drawn_once(tmp_path, grey):
    """KAIR: np.random.seed(0); img + np.random.normal(0, sigma/255, img.shape), H x W x 1."""
    rows = run(tmp_path / "run", "tv", grey, protocol="float")
    clean = np.asarray(Image.open(grey / "1.png"))
    drawn = np.random.RandomState(0).normal(0, 25 / 255, clean.shape)
    noisy = np.rint((clean / 255 + drawn).clip(0, 1) * 255).astype(np.uint8)
    row = rows[(rows["image"] == "1.png") & (rows["noise"] == "gaussian(sigma=25)")]
    assert row["psnr_noisy"].item() == pytest.approx(psnr.score(noisy[..., None], clean[..., None]), abs=1e-3)


def test_published_numbers_of_a_grey_network(tmp_path, shared):
    """The first two of BSD68; all 68 have the published 29.23."""
    weights, folder = shared / "weights/dncnn_gray_sigma25.pth", shared / "data/test/BSD68"
    plan = make_plan(
        f"dncnn(weights='{weights}')",
        "gaussian(sigma=25)",
        None,
        (folder,),
        protocol="float",
        limit=2,
        metric_list="psnr",
    )
    plan = replace(plan, noises=plan.noises[1:])  # without sigma 15
    with Store.create(tmp_path / "run") as store:
        rows = [row for step in runner.execute(plan, store) for row in step.rows]
    assert sum(row["psnr"] for row in rows) / 2 == pytest.approx(28.124, abs=0.005)
    assert {row["input"] for row in rows} == {"greyscale"}


def test_pictures_are_grey(tmp_path, grey):
    out = tmp_path / "run"
    rows = run(out, "dncnn", grey)
    with Store.open(out) as store:
        shown = [np.asarray(Image.open(one.path).convert("RGB")) for one in pictures(store, rows, "stored")]
    assert shown and all((one == one[..., :1]).all() for one in shown)


def test_lpips_is_that_of_three_equal_channels(shared, monkeypatch):
    monkeypatch.setenv("BENCH_WEIGHTS", str(shared / "weights"))
    lpips = metrics.load_metric("lpips")
    clean = np.asarray(Image.fromarray(crops()[0]).convert("L"))[..., None]
    noisy = clean // 2 + 20
    assert lpips.score(noisy, clean) == pytest.approx(lpips.score(*(one.repeat(3, 2) for one in (noisy, clean))))


def test_noise_for_colour_is_skipped_on_grey_sets(tmp_path, grey, photos):
    plan = make_plan("tv", "isp,gaussian(sigma=25)", None, (grey, photos))
    names = {
        data.name: [plan.noise_columns[place]["noise"] for place in plan.noises_on(data)] for data in plan.datasets
    }
    assert "isp" in names["photos"] and "isp" not in names["grey"] and len(names["grey"]) == 2
    assert plan.rows == 2 * 3 + 3 * 4 and any("isp" in sentence and "grey" in sentence for sentence in plan.skipped)
    alone = make_plan("tv", "isp,random_mixture,colour_gaussian(sigma=25)", None, (grey,))
    assert [noises.canonical(noise) for noise in alone.noises] == ["gaussian(sigma=15)"]


@pytest.mark.parametrize(
    "spec", ["isp", "colour_gaussian(sigma=25)", "random_mixture", "chain(gaussian(sigma=5), colour_gaussian(sigma=9))"]
)
def test_noise_for_colour_is_refused_on_a_grey_picture(tmp_path, grey, spec):
    result = command("noise", "apply", spec, grey, tmp_path / "out")
    assert result.exit_code == 2 and "colour" in result.output and not (tmp_path / "out" / "0.png").exists()
    assert command("noise", "show", spec, grey / "0.png").exit_code == 2


def test_noise_apply_writes_grey_and_its_pixels_are_those_of_a_run(tmp_path, grey):
    out = tmp_path / "noisy"
    assert command("noise", "apply", "gaussian(sigma=25)", grey, out).exit_code == 0
    rows = run(tmp_path / "run", "tv", grey)
    scores = rows[rows["noise"] == "gaussian(sigma=25)"].set_index("image")["psnr_noisy"]
    said = json.loads((out / "manifest.json").read_text())["files"]
    for name in ("0.png", "1.png", "2.png"):
        written = Image.open(out / name)
        assert written.mode == "L" and said[name]["psnr"] == scores[name]
        assert np.array_equal(np.asarray(written), by_hand(grey / name, 25)[0])


def test_noise_show_and_identify_and_table(tmp_path, grey):
    out = tmp_path / "noisy"
    command("noise", "apply", "gaussian(sigma=25)", grey, out)
    found = command("noise", "identify", out, grey)
    assert found.exit_code == 0 and "gaussian(sigma=2" in found.output
    shown = command("noise", "show", "gaussian, isp", grey / "0.png")
    assert shown.exit_code == 0 and "isp" in shown.output
    assert command("noise", "show", "gaussian", grey / "0.png", "-o", tmp_path / "sheet.png").exit_code == 0
    sheet = np.asarray(Image.open(tmp_path / "sheet.png").convert("RGB")).astype(int)
    tile = sheet[200:584, 80:464]
    assert (tile == tile[..., :1]).all() and tile.std() > 20


def test_a_grey_picture_beside_a_colour_one_is_no_pair(tmp_path, grey, colour):
    pairs = tmp_path / "pairs"
    pairs.mkdir()
    grey.rename(pairs / "noisy")
    colour.rename(pairs / "clean")
    image = load_dataset(pairs).images[0]
    assert "greyscale" in image.problem()
    rows = bench.run("tv", "real", data=(pairs,), out=tmp_path / "run", metrics="psnr").rows
    assert "greyscale" in rows.loc[rows["noise"] == "real", "reason"].iloc[0]
    assert command("noise", "identify", pairs / "noisy", pairs / "clean").exit_code == 2
    with pytest.raises(ValueError, match="greyscale"):
        image.read_noisy(Real())


def test_analyses_of_grey_patches_run_the_same_path(tmp_path, grey):
    """The output for a patch is that of the replicated patch, its channels averaged."""
    one = load_denoiser(model_specs.resolve("dncnn"), torch.device("cpu"))
    x = torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(one(x, 0), one(x.expand(-1, 3, -1, -1), 0).mean(1, keepdim=True))
    options = ["--data", grey, "--patches", 8, "--side", 32, "--out", tmp_path / "run"]
    for words in (
        ["brightness", "dncnn"],
        ["detail", "tv"],
        ["srga", "dncnn", "--noise", "isp,poisson(alpha=2)"],
        ["cka", "dncnn", "--noise-b", "poisson(alpha=2)"],
    ):
        result = command(*words, *options)
        assert result.exit_code == 0, result.output
    mixed = command("detail", "tv", *options, "--datasets", "builtin")
    assert mixed.exit_code == 2 and "greyscale" in mixed.output
    alone = ["--side", 48, "--out", tmp_path / "run"]
    for words in (["attribute", "dncnn"], ["complete", "dncnn"]):
        result = command(*words, grey / "0.png", *alone)
        assert result.exit_code == 0, result.output


def test_patches_of_grey_images_have_another_name_in_the_store(tmp_path, grey, colour):
    from bench.analyses.core.config import configure

    one, other = (
        configure(data=(folder,), patches=4, side=32, out=tmp_path / "none").columns() for folder in (grey, colour)
    )
    assert "channels" in one["settings"] and "channels" not in other["settings"]


def test_the_report_says_what_was_grey(tmp_path, grey):
    run(tmp_path / "run", "dncnn,tv", grey)
    assert command("report", tmp_path / "run", "--out", tmp_path / "site").exit_code == 0
    text = "".join(file.read_text() for file in (tmp_path / "site").glob("*.html"))
    assert "greyscale" in text and "averaged" in text


def test_the_protocol_names_no_number_of_channels():
    assert "RGB" not in load_protocol("float").definition and "three" not in load_protocol("stored").definition
