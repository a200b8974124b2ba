"""`bench noise`: contact sheets, noisy sets, and what they refuse."""

import json
import re
import sys
from io import BytesIO

import numpy as np
import pytest
import tifffile
from click.testing import CliRunner
from PIL import Image

from bench import noisy
from bench.cli import main
from bench.datasets import CleanImage, Dataset, load_dataset, read_file
from bench.noise import export, noises, picture, sheet

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def own_settings(monkeypatch, tmp_path):
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sys, "argv", ["bench"])


def call(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def refused(*arguments):
    result = call(*arguments)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    return result.output.splitlines()[-1]


@pytest.mark.parametrize("spec", ["gaussian", "isp", "random_mixture", "salt_pepper", "chain(gaussian(9), jpeg(40))"])
@pytest.mark.parametrize("size", [(48, 40), (8, 8), (1, 1), (3, 70), (300, 250)])
def test_sheets_of_pictures_of_all_sizes(spec, size, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "small.png")
    result = call("noise", "show", spec, tmp_path / "small.png", "-o", tmp_path / "new" / "sheet.png")
    assert result.exit_code == 0, result.output
    drawn = read_file(tmp_path / "new" / "sheet.png")
    assert drawn.shape[0] > 1000 and drawn.shape[1] >= 1800
    too_small = re.search(r"│ +- +│", result.output) is not None  # for SSIM's window
    assert "SSIM" in result.output and too_small == (min(size) < 11)


def test_pixels_are_shown_whole():
    """Each pixel of the noisy picture is a square of 2 by 2 dots in the sheet."""
    pixels = np.random.default_rng(0).integers(0, 256, (192, 192, 3), dtype=np.uint8)
    noise = noises.load_noise("gaussian(sigma=50)")
    version = picture.noisy_version(pixels, noise)
    content = sheet.draw(noise, pixels, [version])
    drawn = np.asarray(Image.open(BytesIO(content)).convert("RGB"))
    for place, shown in enumerate((pixels, version.stored)):
        left = sheet.MARGIN + place * (sheet.TILE + sheet.GAP)
        tile = drawn[sheet.HEAD : sheet.HEAD + sheet.TILE, left : left + sheet.TILE]
        assert np.array_equal(tile, shown.repeat(2, axis=0).repeat(2, axis=1))


def test_colours_grow_with_the_level():
    assert sheet.level_colours(1) == [sheet.LEVEL_COLOURS[3]] and sheet.level_colours(6) == list(sheet.LEVEL_COLOURS)
    assert sheet.level_colours(3)[0] == sheet.LEVEL_COLOURS[0] and sheet.level_colours(3)[-1] == sheet.LEVEL_COLOURS[-1]
    assert len(sheet.level_colours(9)) == 9


@pytest.mark.parametrize(
    ("value", "text"), [(0.667, ".67"), (-0.052, "-.05"), (-0.001, ".00"), (0.999, "1"), (-1, "-1")]
)
def test_hundredths(value, text):
    assert sheet.hundredths(value) == text


def test_show_refuses(tmp_path):
    assert "got 7 (correlated" in refused("noise", "show", "paper", "-o", tmp_path / "x.png")
    assert "cannot be read" in refused("noise", "show", "gaussian", tmp_path / "nothing.png")
    assert ".png" in refused("noise", "show", "gaussian", "-o", tmp_path / "x.jpg")
    (tmp_path / "file").write_text("")
    written = refused("noise", "show", "gaussian", "-o", tmp_path / "file" / "x.png")
    assert "cannot be written" in written


def test_show_a_group():
    result = call("noise", "show", "paper")
    assert result.exit_code == 0 and "Camera (ISP)" in result.output and "mixture(level=4)" in result.output


def test_apply_writes_the_pixels_that_a_run_uses(photos, tmp_path):
    out = tmp_path / "noisy"
    assert call("noise", "apply", "poisson(alpha=2)", photos, out, "--seed", 3).exit_code == 0
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["noise"], manifest["version"], manifest["seed"]) == ("poisson(alpha=2)", 1, 3)
    assert sorted(manifest["files"]) == ["a.png", "b.png", "c.png", "d.png"]
    noise = noises.load_noise("poisson(alpha=2)")
    for image in load_dataset(photos).images:
        clean = image.read()
        noisy, _ = noise(clean, noises.generator(noises.pixel_hash(clean), noise, 3))
        stored = np.rint(np.clip(noisy, 0, 1) * 255).astype(np.uint8)
        assert np.array_equal(read_file(out / image.name), stored)
        entry = manifest["files"][image.name]
        assert entry["source_pixel_hash"] == noises.pixel_hash(clean)
        assert entry["pixel_hash"] == noises.pixel_hash(stored.astype(np.float32) / 255)


def test_apply_keeps_the_clean_images_that_a_noise_makes(photos, tmp_path):
    out = tmp_path / "noisy"
    assert call("noise", "apply", "isp", photos, out).exit_code == 0
    version = picture.noisy_version(read_file(photos / "a.png"), noises.load_noise("isp"))
    assert np.array_equal(read_file(out / "a.png"), version.stored)
    assert np.array_equal(read_file(out / "clean" / "a.png"), version.target)
    assert "made by the noise" in json.loads((out / "manifest.json").read_text())["clean"]
    assert len(list((out / "clean").iterdir())) == 4


def test_apply_replaces_nothing_unasked(photos, tmp_path):
    out = tmp_path / "noisy"
    out.mkdir()
    (out / "c.png").write_text("precious")
    line = refused("noise", "apply", "gaussian(sigma=25)", photos, out)
    assert "c.png" in line and "--overwrite" in line
    assert [file.name for file in out.iterdir()] == ["c.png"] and (out / "c.png").read_text() == "precious"
    assert call("noise", "apply", "gaussian(sigma=25)", photos, out, "--overwrite").exit_code == 0
    assert read_file(out / "c.png").shape == (40, 48, 3)
    assert "and others:" in refused("noise", "apply", "gaussian(sigma=25)", photos, out)


def test_apply_leaves_no_part_of_a_set(photos, tmp_path, monkeypatch):
    last = sorted(photos.iterdir())[-1]
    whole = last.read_bytes()
    last.write_bytes(whole[:100])
    assert "cannot be read" in refused("noise", "apply", "isp", photos, tmp_path / "out")
    last.write_bytes(whole)
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]

    def interrupt(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(export, "_write_manifest", interrupt)
        assert call("noise", "apply", "isp", photos, tmp_path / "out").exit_code == 130
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert call("noise", "apply", "isp", photos, tmp_path / "out").exit_code == 0  # the same command goes on


def test_apply_looks_at_names_before_it_writes(photos, tmp_path):
    (photos / "D.jpg").write_bytes((photos / "d.png").read_bytes())
    line = refused("noise", "apply", "gaussian(sigma=25)", photos, tmp_path / "noisy")
    assert "D.png" in line and not (tmp_path / "noisy").exists()


def test_apply_refuses(photos, tmp_path):
    assert "would be overwritten" in refused("noise", "apply", "gaussian(sigma=25)", photos, photos)
    clean = tmp_path / "set" / "clean"
    clean.parent.mkdir()
    photos.rename(clean)
    assert "would be overwritten" in refused("noise", "apply", "isp", clean, tmp_path / "set", "--overwrite")
    assert "a value for sigma" in refused("noise", "apply", "gaussian", clean, tmp_path / "x")
    assert "nowhere" in refused("noise", "apply", "isp", tmp_path / "nowhere", tmp_path / "x")
    (tmp_path / "file").write_text("")
    assert "got the file" in refused("noise", "apply", "isp", clean, tmp_path / "file")
    (clean / "a.png").write_text("not a picture")
    assert "a.png cannot be read as an image" in refused("noise", "apply", "isp", clean, tmp_path / "y")


@pytest.mark.parametrize(
    "noise",
    [
        "poisson(alpha=3)",
        "jpeg(quality=35)",
        "correlated(sigma=45)",
        "mixture(level=3)",
        "poisson_gaussian(peak=60)",
        "chain(gaussian(sigma=10), salt_pepper(density=0.02))",
    ],
)
def test_identify_gives_back_a_spec_that_runs(noise, photos, tmp_path):
    assert call("noise", "apply", noise, photos, tmp_path / "noisy").exit_code == 0
    result = call("noise", "identify", tmp_path / "noisy", photos)
    assert result.exit_code == 0, result.output
    spec = result.output.splitlines()[0].partition("  ")[0]
    given, found = noises.load_noise(noise), noises.load_noise(spec)
    assert type(found) is type(given)
    assert ("reproduces" if noise.startswith("jpeg") else "explains") in result.output
    if given.axis:
        assert noises.level(found) == pytest.approx(noises.level(given), rel=0.1)


def test_identify_describes_what_has_no_spec(photos, tmp_path):
    call("noise", "apply", "isp(shot=0.02, read=0.001)", photos, tmp_path / "noisy")
    output = call("noise", "identify", tmp_path / "noisy", tmp_path / "noisy" / "clean").output
    assert output.startswith("no known noise") and "no spec" in output
    assert "Gaussian noise, sigma" in output and "confidence" in output and "correlation of neighbours" in output


def test_identify_takes_pairs_as_run_does(photos, tmp_path):
    pairs = tmp_path / "pairs"
    assert call("noise", "apply", "gaussian(sigma=20)", photos, pairs / "noisy").exit_code == 0
    (pairs / "noisy" / "manifest.json").unlink()  # says what it is
    (pairs / "clean").mkdir()
    for file in photos.iterdir():
        (pairs / "clean" / file.name).write_bytes(file.read_bytes())
    result = call("noise", "identify", pairs)
    assert result.exit_code == 0 and result.output.startswith("gaussian(sigma="), result.output
    assert result.output == call("noise", "identify", pairs / "noisy", pairs / "clean").output
    assert "expected pairs" in refused("noise", "identify", photos)
    Image.new("RGB", (30, 40)).save(pairs / "clean" / "a.png")
    assert "48x40" in refused("noise", "identify", pairs)


def test_identify_takes_a_data_set_with_several_noises():
    output = call("noise", "identify", "mc-mini").output
    assert [line for line in output.splitlines() if line.startswith("monte_carlo")] == [
        "monte_carlo(spp=64):",
        "monte_carlo(spp=128):",
    ]
    assert output.count("no spec") == 2


def test_identify_says_that_a_pair_is_none(tmp_path):
    clean = load_dataset("builtin").images[0].read()
    for name, pixels in (("noisy", clean[:, 2:]), ("clean", clean[:, :-2])):
        (tmp_path / name).mkdir()
        Image.fromarray(np.rint(pixels * 255).astype(np.uint8)).save(tmp_path / name / "a.png")
    output = call("noise", "identify", tmp_path / "noisy", tmp_path / "clean").output
    assert "not aligned" in output.splitlines()[0] and "2 pixels left" in output


def test_identify_of_equal_images(photos):
    assert call("noise", "identify", photos, photos).output.startswith("no noise: the noisy images equal the clean")


def test_identify_refuses(photos, tmp_path):
    clean = tmp_path / "clean"
    clean.mkdir()
    assert "got no images" in refused("noise", "identify", photos, clean)
    for name in "abc":
        (clean / f"{name}.png").write_bytes((photos / f"{name}.png").read_bytes())
    assert "each of 4 in" in refused("noise", "identify", photos, clean)
    Image.new("RGB", (30, 40)).save(clean / "d.png")
    assert all(size in refused("noise", "identify", photos, clean) for size in ("48x40", "30x40"))
    (clean / "d.jpg").write_bytes((photos / "d.png").read_bytes())
    assert "one image per name" in refused("noise", "identify", photos, clean)
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        Image.new("RGB", (2, 2)).save(folder / "a.png")
    assert "2x2" in refused("noise", "identify", tmp_path / "one", tmp_path / "two")


def test_table_has_the_scores_of_a_run(photos, networks, tmp_path):
    run = call(
        "run",
        "--models",
        f"{networks}:Blur",
        "--noise",
        "isp,poisson(alpha=2)",
        "--data",
        photos,
        "--protocol",
        "masked-denoising",
        "--out",
        tmp_path / "run",
    )
    assert run.exit_code == 0, run.output
    exported = call("export", tmp_path / "run", "--per", "cell", "--format", "json").output
    cells = {row["noise"]: row for row in json.loads(exported) if row["model"] == "noisy"}
    call("data", "add", "holiday", photos)
    arguments = ["noise", "table", "--noise", "isp,poisson(alpha=2)", "--datasets", "holiday", "--protocol"]
    rows = json.loads(call(*arguments, "masked-denoising", "--format", "json").output)
    assert [row["noise"] for row in rows] == ["isp", "poisson(alpha=2)"] and rows[0]["images"] == 4
    for row in rows:
        for column in ("psnr", "psnr_low", "psnr_high", "ssim"):
            assert row[column] == pytest.approx(cells[row["noise"]][column], abs=1e-9)
    shown = call(*arguments, "masked-denoising", "--format", "markdown").output.splitlines()
    assert shown[0] == "| noise | holiday, 4 images |"
    assert shown[2] == f"| isp | {rows[0]['psnr']:.2f} / {rows[0]['ssim']:.4f} |"
    assert "PSNR in dB / SSIM" in call(*arguments, "stored").output


def test_table_of_published_numbers(shared, monkeypatch, tmp_path):
    """The noisy inputs of KAIR's official script on McMaster, scored by its own code."""
    monkeypatch.setenv("BENCH_DATA", str(shared / "data" / "test"))
    golden = json.loads((shared / "golden/dncnn/blind_gauss15_float_McMaster.json").read_text())["mean"]
    arguments = ["--noise", "gaussian(sigma=15)", "--datasets", "McMaster", "--protocol", "float", "--format", "json"]
    (row,) = json.loads(call("noise", "table", *arguments).output)
    assert (row["psnr"], row["ssim"]) == pytest.approx((golden["noisy_psnr"], golden["noisy_ssim"]), abs=1e-5)


def test_table_refuses():
    assert "unknown noise" in refused("noise", "table", "--noise", "gausian")
    assert "unknown data set" in refused("noise", "table", "--datasets", "buildin")
    assert "--datasets" in refused("noise", "table", "--datasets", "")
    assert "unknown protocol" in refused("noise", "table", "--protocol", "store")


def test_names_are_compared_once_each_not_in_pairs():
    """The number of calls grows with the number of files, not with its square."""

    def calls(count):
        images = tuple(CleanImage(f"{number}.png", read_bytes=None) for number in range(count))
        seen = []
        sys.setprofile(lambda frame, event, argument: seen.append(event))
        try:
            assert len(export._names(Dataset("folder", "", "", images))) == count
        finally:
            sys.setprofile(None)
        return len(seen)

    assert calls(800) < 2.5 * calls(400)


def test_apply_writes_many_noises_and_data_sets(photos, tmp_path):
    out, sets = tmp_path / "noisy", "builtin(crop=32, limit=2), mc-mini(crop=32, limit=1)"
    words = ["--datasets", sets, "--data", photos, "--out", out, "--seeds", "0,1"]
    result = call("noise", "apply", "poisson, isp, gaussian(sigma=15)", *words)
    assert result.exit_code == 0, result.output
    manifest = json.loads((out / "manifest.json").read_text())
    assert list(manifest["datasets"]) == ["builtin(crop=32, limit=2)", "mc-mini(crop=32, limit=1)", "photos"]
    assert len(manifest["files"]) == 2 * ((2 + 4) * 6 + 1 * 3)  # six settings; pairs: two of their own, the reference
    assert {"monte_carlo(spp=64)", "poisson(alpha=3.5)", "isp"} <= set(manifest["noises"])
    name = "builtin-crop-32-limit-2/poisson-alpha-2/seed1/chelsea.png"
    clean = load_dataset("builtin(crop=32, limit=2)")["chelsea"].pixels
    assert np.array_equal(read_file(out / name), noisy(clean, "poisson(alpha=2)", seed=1))
    entry = manifest["files"][name]
    assert (entry["dataset"], entry["noise"], entry["seed"]) == ("builtin(crop=32, limit=2)", "poisson(alpha=2)", 1)
    assert np.array_equal(read_file(out / "clean/builtin-crop-32-limit-2/chelsea.png"), clean)
    made, target = noisy(clean, "isp", seed=1, with_clean=True)
    assert np.array_equal(read_file(out / "builtin-crop-32-limit-2/isp/seed1/chelsea.png"), made)
    assert np.array_equal(read_file(out / "clean/builtin-crop-32-limit-2/isp/seed1/chelsea.png"), target)
    pairs = load_dataset("mc-mini(crop=32, limit=1)")
    (recorded,) = [noise for noise in pairs.recorded if noise.spp == 64]
    stored = read_file(out / "mc-mini-crop-32-limit-1/monte_carlo-spp-64/seed0" / f"{pairs[0].name}")
    assert np.array_equal(stored, np.rint(pairs[0].read_noisy(recorded) * 255))
    assert "bench noise apply" in refused("run", "--models", "tv", "--data", out / "photos/isp/seed0")
    assert "--overwrite" in refused("noise", "apply", "isp", "--data", photos, "--out", out)


@pytest.mark.parametrize(("kind", "read"), [("npy", np.load), ("tiff-float", tifffile.imread)])
@pytest.mark.parametrize("protocol", ["stored", "float"])
def test_apply_writes_floats(photos, tmp_path, kind, read, protocol):
    words = ["--format", kind, "--protocol", protocol]
    assert call("noise", "apply", "gaussian(sigma=50)", photos, tmp_path / "noisy", *words).exit_code == 0
    (file,) = [path for path in (tmp_path / "noisy").iterdir() if path.stem == "a"]
    image = load_dataset(photos)["a.png"].read()
    assert np.array_equal(read(file), noisy(image, "gaussian(sigma=50)", protocol=protocol).astype(np.float32))
    assert (read(file).min() < 0) == (protocol == "float")
    manifest = json.loads((tmp_path / "noisy/manifest.json").read_text())
    assert manifest["files"][file.name]["pixel_hash"] == noises.pixel_hash(read(file))


def test_apply_takes_a_data_set_where_it_takes_a_folder(photos, tmp_path):
    assert call("noise", "apply", "isp", f"{photos}(crop=20, limit=3)", tmp_path / "noisy").exit_code == 0
    assert [read_file(tmp_path / f"noisy/{name}.png").shape for name in "abc"] == [(20, 20, 3)] * 3
    assert call("noise", "apply", "isp", "builtin(crop=20, limit=1)", tmp_path / "other").exit_code == 0
    assert json.loads((tmp_path / "noisy/manifest.json").read_text())["dataset"] == "photos(crop=20, limit=3)"


def test_apply_refuses_other_combinations(photos, tmp_path):
    out = tmp_path / "x"
    assert "npy" in refused("noise", "apply", "isp", photos, out, "--protocol", "float", "--format", "png")
    assert "--out" in refused("noise", "apply", "isp", "--data", photos)
    assert "OUT_DIR" in refused("noise", "apply", "isp", photos)
    assert "one seed" in refused("noise", "apply", "isp", photos, out, "--seeds", "0,1")
    assert "twice" in refused("noise", "apply", "isp", "--data", photos, "--data", photos, "--out", out)
    (photos / "d.jpg").write_bytes((photos / "d.png").read_bytes())
    assert "d.png" in refused("noise", "apply", "isp", "--data", photos, "--out", out)
    assert not out.exists()
