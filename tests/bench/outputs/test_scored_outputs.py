"""`bench score`: output files of other code as rows of a run, and what it says about wrong ones."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from click.testing import CliRunner
from PIL import Image, ImageFilter

import bench
from bench.cli import main
from bench.core.errors import BadInput
from bench.datasets import load_dataset, output_files, read_file
from bench.noise import noises
from bench.noise.export import export_noisy_images, export_noisy_set
from bench.protocols import to_bytes
from bench.runs import selection
from bench.runs.store import Store

pytestmark = pytest.mark.slow

SETTINGS = ["gaussian(sigma=15)", "poisson(alpha=2)"]


@pytest.fixture(autouse=True)
def own_settings(monkeypatch, tmp_path):
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sys, "argv", ["bench", "score"])


def call(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def blurred(noisy: Path, outputs: Path, radius: float = 1, suffix: str = "", ending: str = ".png") -> Path:
    """Outputs of other code: every noisy image of a folder, blurred."""
    for file in sorted(noisy.rglob("*.png")):
        place = file.relative_to(noisy)
        if place.parts[0] != "clean":
            path = outputs / place.with_name(f"{place.stem}{suffix}{ending}")
            path.parent.mkdir(parents=True, exist_ok=True)
            with Image.open(file) as image:
                image.filter(ImageFilter.BoxBlur(radius)).save(path)
    return outputs


@pytest.fixture
def noisy(photos, tmp_path) -> Path:
    """The four pictures under two noises."""
    export_noisy_set([noises.load_noise(one) for one in SETTINGS], [load_dataset(photos)], tmp_path / "noisy")
    return tmp_path / "noisy"


@pytest.fixture
def outputs(noisy, tmp_path) -> Path:
    """Outputs of other code for the noisy pictures."""
    return blurred(noisy, tmp_path / "outputs")


def score(noisy, outputs, out, **options):
    return bench.score_folder(
        noisy, outputs, "BM3D (authors' code)", out=out, **{"metrics": "psnr", "trained_on": "none", **options}
    )


@pytest.mark.parametrize("kind", [".png", ".npy", ".tif"])
def test_outputs_have_the_scores_of_the_network_that_made_them(noisy, photos, networks, tmp_path, kind):
    run = bench.run(f"{networks}:Blur", SETTINGS, data=photos, metrics="psnr, ssim", out=tmp_path / "run")
    for file in noisy.rglob("*.png"):
        place = file.relative_to(noisy)
        if place.parts[0] != "clean":
            image = read_file(file) if kind == ".png" else read_file(file).astype(np.float32) / 255
            output, path = bench.denoise(f"{networks}:Blur", image), (tmp_path / "outputs" / place).with_suffix(kind)
            path.parent.mkdir(parents=True, exist_ok=True)
            if kind == ".png":
                Image.fromarray(output).save(path)
            elif kind == ".npy":
                np.save(path, output)
            else:
                tifffile.imwrite(path, output, photometric="rgb")
    rows = score(noisy, tmp_path / "outputs", run.folder, metrics=None).rows
    network, files = (rows[(rows["weights"] == "scored from files") == scored] for scored in (False, True))
    assert len(network) == len(files) == 8 and set(files["model"]) == {"BM3D-authors-code"}
    same = ["dataset", "image", "image_hash", "noise", "noise_version", "seed", "protocol", "psnr_noisy"]
    keys = ["noise", "image"]
    network, files = (part.sort_values(keys).reset_index(drop=True) for part in (network, files))
    pd.testing.assert_frame_equal(network[[*same, "psnr", "ssim"]], files[[*same, "psnr", "ssim"]])


def test_a_changed_file_is_a_changed_row(noisy, outputs, tmp_path):
    first = score(noisy, outputs, tmp_path / "run").rows.set_index(["noise", "image"])["psnr"]
    changed = outputs / "photos/gaussian-sigma-15/b.png"
    before = changed.read_bytes()
    with Image.open(changed) as image:
        image.filter(ImageFilter.BoxBlur(2)).save(changed)
    second = score(noisy, outputs, tmp_path / "run").rows.set_index(["noise", "image"])["psnr"]
    differing = first.index[first != second]
    assert list(differing) == [("gaussian(sigma=15)", "b.png")] and second[differing[0]] < first[differing[0]]
    with Store.open(tmp_path / "run") as store:
        assert store.count() == 9
        (skipped,) = selection.of_store(store).skipped
    assert (skipped.kind, skipped.count, skipped.images) == ("outputs", 1, ("b.png",))
    changed.write_bytes(before)
    assert score(noisy, outputs, tmp_path / "run").rows.set_index(["noise", "image"])["psnr"].equals(first)
    assert call("runs", "prune", tmp_path / "run").exit_code == 0
    with Store.open(tmp_path / "run") as store:
        assert store.count() == 8


def test_rows_stand_beside_those_of_models_and_outlast_their_runs(noisy, outputs, photos, networks, tmp_path):
    folder = tmp_path / "run"
    score(noisy, outputs, folder)
    words = ["--models", f"{networks}:Blur", "--noise", ",".join(SETTINGS), "--data", photos, "--metrics", "psnr"]
    result = call("run", *words, "--out", folder)
    assert result.exit_code == 0, result.output
    run = bench.load_run(folder)
    assert sorted(run.rows.groupby("model").size()) == [8, 8]
    before = run.rows
    again = call("run", *words, "--out", folder)
    assert again.exit_code == 0 and bench.load_run(folder).rows.equals(before)
    labels = [label for label in before["model"].unique() if label != "BM3D-authors-code"]
    assert len(run.compare(models="BM3D-authors-code", against=labels[0])) >= 2
    status = call("status", folder)
    assert status.exit_code == 0 and "0 rows missing" in status.output and "skipped" not in status.output
    assert "scored from files: BM3D (authors' code)" in status.output
    assert call("runs", "label", folder, "BM3D-authors-code=BM3D").exit_code == 0
    assert "BM3D" in set(run.table("model")["label"])
    exported = call("export", folder, "--format", "csv", "--per", "image")
    assert exported.output.count("scored from files") == 8
    page = run.report(tmp_path / "site")
    assert "scored from files" in (page.parent / "methods.html").read_text()
    assert len(list((page.parent / "pictures").rglob("*.webp"))) > 0


def test_commands_take_names_with_brackets_and_quotes(noisy, outputs, tmp_path):
    folder, name, other = tmp_path / "run", "BM3D (authors' code)", "B (2, mine)"
    bench.score_folder(noisy, {name: outputs, other: outputs}, out=folder, metrics="psnr")
    status = call("status", folder, "--models", name)
    assert status.exit_code == 0 and "2 of 2 cells" in status.output, status.output
    exported = call("export", folder, "--models", f"{other}, {name}", "--format", "csv", "--per", "image")
    assert exported.output.count("scored from files") == 16
    compared = call("compare", folder, "--models", name, "--against", name.replace(name, other), "--format", "csv")
    assert compared.exit_code == 0 and compared.output.count(name) >= 2, compared.output
    words = ["--image", "a", "--noise", SETTINGS[0], "--models", f"'{name}'", "-o", tmp_path / "x.png"]
    assert call("figure", folder, *words).exit_code == 0


def test_a_figure_shows_the_output_from_its_file(noisy, outputs, tmp_path):
    run = score(noisy, outputs, tmp_path / "run", pictures=0)
    known = {"dataset": "photos", "image": "c", "noise": "poisson(alpha=2)"}
    with pytest.raises(BadInput, match="photos"):  # where the clean images are is not known
        run.figure(out=tmp_path / "x.png", **known)
    shutil.copytree(noisy / "clean/photos", tmp_path / "home/photos")
    assert call("data", "add", "photos", tmp_path / "home/photos").exit_code == 0
    assert run.figure(out=tmp_path / "x.png", **known).is_file()
    Image.new("RGB", (48, 40)).save(outputs / "photos/poisson-alpha-2/c.png")
    with pytest.raises(BadInput, match="score it again"):
        run.figure(out=tmp_path / "y.png", **known)


def damage(folder: Path, how: str) -> None:
    """Make a folder of outputs wrong in one way."""
    file = folder / "photos/gaussian-sigma-15/a.png"
    pixels = read_file(file)
    if how == "missing":
        file.unlink()
    elif how == "cropped":
        Image.fromarray(pixels[4:-4, 4:-4]).save(file)
    elif how == "turned":
        Image.fromarray(pixels.transpose(1, 0, 2)).save(file)
    elif how == "grey":
        Image.fromarray(pixels[..., 0]).save(file)
    elif how == "broken":
        file.write_bytes(file.read_bytes()[:60])
    elif how == "16 bits of 0..255":
        Image.fromarray(pixels[..., 0].astype(np.uint16)).save(file)
    elif how == "two":
        Image.fromarray(pixels).save(file.with_suffix(".tif"))
    else:
        file.unlink()
        array = {"255": np.float32(pixels), "channels first": np.float32(pixels / 255).transpose(2, 0, 1)}
        np.save(file.with_suffix(".npy"), array[how])


WRONG = {
    "missing": "1 of 8",
    "cropped": "40x32",
    "turned": "width and height",
    "grey": "greyscale",
    "broken": "cannot be read",
    "16 bits of 0..255": "65535",
    "two": "a.tif",
    "255": "divide",
    "channels first": "channels last",
}


@pytest.mark.parametrize("how", WRONG)
def test_wrong_outputs_are_refused_before_anything_is_scored(noisy, outputs, tmp_path, how):
    damage(outputs, how)
    with pytest.raises(BadInput, match=WRONG[how]):
        score(noisy, outputs, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_partial_outputs_leave_failed_rows(noisy, outputs, tmp_path):
    damage(outputs, "missing")
    (outputs / "photos/poisson-alpha-2/b.png").write_bytes(b"x")
    words = ["score", noisy, outputs, "--as", "X", "--out", tmp_path / "run", "--metrics", "psnr", "--partial"]
    assert call(*words).exit_code == 3
    rows = bench.load_run(tmp_path / "run").rows
    failed = rows[rows["status"] == "failed"]
    assert list(zip(failed["image"], failed["noise"], strict=True)) == [("a.png", SETTINGS[0]), ("b.png", SETTINGS[1])]
    assert failed["psnr"].isna().all() and len(rows) == 8
    blurred(noisy, outputs)
    assert call(*words).exit_code == 0
    assert (bench.load_run(tmp_path / "run").rows["status"] == "ok").all()


def test_other_names_of_output_files(noisy, tmp_path):
    outputs = blurred(noisy, tmp_path / "outputs", suffix="_dncnn")
    with pytest.raises(BadInput, match=r"--name '\{\}_dncnn'"):
        score(noisy, outputs, tmp_path / "run")
    blurred(noisy, outputs, suffix="_dncnn", ending=".bmp")
    with pytest.raises(BadInput, match="a_dncnn.bmp"):
        score(noisy, outputs, tmp_path / "run", pattern="{}_dncnn")
    run = score(noisy, outputs, tmp_path / "run", pattern="{}_dncnn.png")
    assert len(run.rows) == 8 and any("8 outputs" in note for note in run.notes)  # the others are skipped


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """Two larger pictures under a noise, which are large enough to search for shifts; and outputs."""
    folder = tmp_path_factory.mktemp("large")
    data = load_dataset("builtin(crop=192, limit=2)")
    export_noisy_set([noises.load_noise("gaussian(sigma=15)")], [data], folder / "noisy")
    return folder / "noisy", blurred(folder / "noisy", folder / "outputs")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda pixels: np.roll(pixels, 3, axis=1), "3 pixels right"),
        (lambda pixels: pixels[..., ::-1], "blue, green, red"),
        (lambda pixels: np.rot90(pixels, 2), "same content"),
        (lambda pixels: pixels, ""),
    ],
)
def test_doubtful_outputs_are_scored_with_a_warning(large, tmp_path, change, told):
    noisy, outputs = large
    for file in outputs.rglob("*.png"):
        path = tmp_path / "outputs" / file.relative_to(outputs)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.ascontiguousarray(change(read_file(file)))).save(path)
    run = score(noisy, tmp_path / "outputs", tmp_path / "run")
    assert (told in " ".join(run.notes)) if told else not run.notes
    if told:
        assert told in (run.report(tmp_path / "site").parent / "model-bm3d-authors-code.html").read_text()


def test_copies_are_told(noisy, outputs, tmp_path):
    folder = outputs / "photos/gaussian-sigma-15"
    shutil.copy(noisy / "photos/gaussian-sigma-15/a.png", folder / "a.png")
    shutil.copy(noisy / "clean/photos/b.png", folder / "b.png")
    shutil.copy(folder / "c.png", folder / "d.png")
    notes = " ".join(score(noisy, outputs, tmp_path / "run").notes)
    assert "noisy image itself" in notes and "clean image itself" in notes and "d = photos/gaussian" in notes


def test_16_bits_and_lossy_files_are_told(noisy, outputs, tmp_path):
    expected = score(noisy, outputs, tmp_path / "run").rows["psnr"]
    for number, file in enumerate(sorted(outputs.rglob("*.png"))):
        pixels = read_file(file)
        file.unlink()
        if number:
            tifffile.imwrite(file.with_suffix(".tif"), pixels.astype(np.uint16) * 257, photometric="rgb")
        else:
            Image.fromarray(pixels).save(file.with_suffix(".jpg"))
    run = score(noisy, outputs, tmp_path / "run")
    assert (run.rows["psnr"] == expected).sum() == 7
    assert any("8 bits" in note and "7 outputs" in note for note in run.notes)
    assert any("JPEG" in note and "1 output " in note for note in run.notes)


def test_the_clean_images_of_one_noise(photos, tmp_path):
    export_noisy_images("isp", photos, tmp_path / "noisy", seed=3)
    outputs = blurred(tmp_path / "noisy", tmp_path / "outputs")
    with pytest.raises(BadInput, match="--clean"):
        score(tmp_path / "noisy", outputs, tmp_path / "run")
    rows = score(tmp_path / "noisy", outputs, tmp_path / "run", clean=photos).rows
    assert set(rows["noise"]) == {"isp"} and set(rows["seed"]) == {3} and set(rows["dataset"]) == {"photos"}
    expected = bench.score(read_file(outputs / "a.png"), read_file(tmp_path / "noisy/clean/a.png"), "psnr")["psnr"]
    assert rows.set_index("image").at["a.png", "psnr"] == expected
    Image.new("RGB", (48, 40)).save(photos / "b.png")
    with pytest.raises(BadInput, match="b.png"):
        score(tmp_path / "noisy", outputs, tmp_path / "other", clean=photos)


def test_pairs_without_a_manifest(photos, networks, tmp_path):
    pairs = tmp_path / "pairs"
    export_noisy_images("gaussian(sigma=20)", photos, pairs / "noisy", seed=0)
    (pairs / "noisy/manifest.json").unlink()
    photos.rename(pairs / "clean")
    outputs = blurred(pairs / "noisy", tmp_path / "outputs")
    plain = score(pairs / "noisy", outputs, tmp_path / "plain", clean=pairs / "clean").rows
    run = bench.run(f"{networks}:Blur", "real", data=pairs, reference=None, metrics="psnr", out=tmp_path / "run")
    rows = score(pairs, outputs, run.folder).rows
    files = rows[rows["weights"] == "scored from files"]
    assert len(rows) == 8 and set(rows["noise"]) == {"real"} and rows["image_hash"].nunique() == 4
    assert list(files["psnr"]) == list(plain["psnr"])
    with pytest.raises(BadInput, match="--clean"):
        score(pairs / "clean", outputs, tmp_path / "x")


def test_pairs_of_a_noisy_set_have_the_rows_of_a_run(networks, tmp_path):
    data = load_dataset("mc-mini(crop=64, limit=2)")
    export_noisy_set([*data.recorded], [data], tmp_path / "noisy")
    outputs = blurred(tmp_path / "noisy", tmp_path / "outputs")
    run = bench.run(f"{networks}:Blur", "monte_carlo", data.name, reference=None, metrics="psnr", out=tmp_path / "run")
    rows = score(tmp_path / "noisy", outputs, run.folder).rows
    assert len(rows) == 8 and rows.groupby(["noise", "image"])["image_hash"].nunique().eq(1).all()
    one = tmp_path / "noisy/mc-mini-crop-64-limit-2/monte_carlo-spp-64"
    flat = outputs / "mc-mini-crop-64-limit-2/monte_carlo-spp-64"
    part = score(one, flat, tmp_path / "part").rows
    assert set(part["noise"]) == {"monte_carlo(spp=64)"} and len(part) == 2


def test_greyscale_outputs_under_float_noise(photos, tmp_path):
    for file in photos.iterdir():
        with Image.open(file) as image:
            image.convert("L").save(file)
    data, protocol = load_dataset(photos), bench.protocols.load_protocol("float")
    chosen = [noises.load_noise("gaussian(sigma=50)")]
    export_noisy_set(chosen, [data], tmp_path / "noisy", rules=protocol)
    clean = bench.noisy(data[0].pixels, chosen[0], protocol="float")
    folder = "photos/gaussian-sigma-50"
    given = np.load(tmp_path / "noisy" / folder / "a.npy")
    assert given.shape == (40, 48) and given.min() < 0 and np.array_equal(given, clean[..., 0])
    (tmp_path / "outputs" / folder).mkdir(parents=True)
    for file in (tmp_path / "noisy" / folder).iterdir():
        Image.fromarray(np.uint8(np.clip(np.load(file), 0.1, 0.9) * 255)).convert("RGB").save(
            tmp_path / "outputs" / folder / f"{file.stem}.png"
        )
    run = score(tmp_path / "noisy", tmp_path / "outputs", tmp_path / "run")
    assert set(run.rows["protocol"]) == {"float"} and set(run.rows["input"]) == {"greyscale"}
    assert any("three equal channels" in note for note in run.notes)


def test_names_and_training_noise(noisy, outputs, photos, networks, tmp_path):
    run = bench.run({"Mine": f"{networks}:Blur"}, SETTINGS, data=photos, metrics="psnr", out=tmp_path / "run")
    for name in ("tv", "all", "clean", "Mine"):
        with pytest.raises(BadInput, match="name"):
            bench.score_folder(noisy, outputs, name, out=run.folder)
    bench.score_folder(noisy, {"A (1)": outputs, "B": outputs}, out=run.folder, trained_on="gaussian(sigma=10-20)")
    with pytest.raises(BadInput, match="A 1"):  # it would have the label of "A (1)"
        bench.score_folder(noisy, outputs, "A 1", out=run.folder)
    training = bench.load_run(run.folder).table("model").set_index("label")["training_noise"]
    assert training["A (1)"] == training["B"] == "gaussian(sigma=10-20)"
    with pytest.raises(BadInput, match="gaussian"):
        score(noisy, outputs, tmp_path / "x", trained_on="gausian(sigma=3)")
    assert any("--trained-on" in note for note in score(noisy, outputs, tmp_path / "x", trained_on=None).notes)


def test_noise_of_another_version_is_refused(noisy, outputs, tmp_path):
    text = (noisy / "manifest.json").read_text()
    (noisy / "manifest.json").write_text(text.replace('"version": 1', '"version": 7', 1))
    with pytest.raises(BadInput, match="version 7"):
        score(noisy, outputs, tmp_path / "run")
    (noisy / "manifest.json").write_text(text.replace('"pixel_hash": "', '"pixel_hash": "0', 99))
    with pytest.raises(BadInput, match="clean image"):
        score(noisy, outputs, tmp_path / "run")


def test_floats_are_rounded_only_if_scores_are(tmp_path):
    array = np.linspace(-0.2, 1.1, 300, dtype=np.float32).reshape(10, 10, 3)
    np.save(tmp_path / "a.npy", array)
    rounded, kept = (output_files.read(tmp_path / "a.npy", rounded=which) for which in (True, False))
    assert rounded.pixels.dtype == np.uint8 and np.array_equal(rounded.pixels, to_bytes(array))
    assert kept.pixels.dtype == np.float32 and np.array_equal(kept.pixels, np.float32(np.clip(array, 0, 1)))
    assert np.array_equal(kept.in_8_bits, rounded.pixels) and "23%" in rounded.remarks[0]
