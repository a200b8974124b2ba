"""Folders as people have them: which files make pairs, what is told, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from bench.cli import main
from bench.core.errors import BadInput
from bench.datasets import load_dataset
from bench.noise import noises
from bench.noise.export import export_noisy_images
from bench.runs.plan import make_plan
from noise_zoo.real import Real


@pytest.fixture
def lay(tmp_path):
    """Write pictures of 12x16, each of its own grey, into a folder; returns the folder, and the greys by name."""
    greys = {}

    def write(*files, folder="set"):
        for file in files:
            path = tmp_path / folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            greys[file] = len(greys) + 1
            Image.new("RGB", (16, 12), (greys[file],) * 3).save(path)
        return tmp_path / folder

    write.greys = greys
    return write


def pairs_of(data, greys):
    """{name: (clean file, noisy files by the spec of their noise)}."""
    files = {grey: file for file, grey in greys.items()}

    def file(pixels):
        return files[round(float(pixels[0, 0, 0]) * 255)]

    return {
        image.name: (
            file(image.read()),
            {noises.canonical(noise): file(image.read_noisy(noise)) for noise, _ in image.recorded},
        )
        for image in data.images
    }


@pytest.mark.parametrize(
    ("noisy", "clean", "name", "photograph"),
    [
        ("a_noisy.png", "a_clean.png", "a", "a"),
        ("XNoisy.bmp", "XReference.bmp", "X", "X"),
        ("IMG_12Noisy.bmp", "IMG_12Reference.bmp", "IMG_12", "IMG"),
        ("0001_NOISY_SRGB_010.PNG", "0001_GT_SRGB_010.PNG", "0001_SRGB_010", "0001_SRGB"),
        ("0001_noisy_srgb_010.png", "0001_gt_srgb_010.png", "0001_srgb_010", "0001_srgb"),
        ("NOISY1.png", "GT1.png", "1", "1"),
        ("a_Real.png", "a_mean.png", "a", "a"),
        ("a_noisy.png", "a.png", "a", "a"),
        ("a.png", "a_gt.png", "a", "a"),
        ("noisy.png", "clean.png", "", ""),
        ("a-noisy.tif", "a-ground-truth.png", "a", "a"),
        ("input/a.png", "target/a.png", "a.png", "a.png"),
        ("LQ/a.png", "GT/a.png", "a.png", "a.png"),
        ("lq/a.png", "gt/a.png", "a.png", "a.png"),
        ("Noisy/a.png", "Clean/a.tif", "a.tif", "a.tif"),
        ("noisy/a.png", "Ground_Truth/a.png", "a.png", "a.png"),
        ("noisy/a_noisy.png", "clean/a.png", "a.png", "a.png"),
        ("input_crops/3_12.png", "target_crops/3_12.png", "3_12.png", "3"),
        ("input_crops/1_NOISY_SRGB_s001.png", "target_crops/1_GT_SRGB_s001.png", "1_GT_SRGB_s001.png", "1_GT_SRGB"),
        ("data/0001_S6/0001_noisy_srgb_010.png", "data/0001_S6/0001_gt_srgb_010.png", "0001_S6_010", "0001_S6"),
        ("a.png", "gt/a.png", "a.png", "a.png"),
        ("noisy/a.png", "a.png", "a.png", "a.png"),
    ],
)
def test_usual_layouts(lay, noisy, clean, name, photograph):
    data = load_dataset(lay(noisy, clean))
    assert pairs_of(data, lay.greys) == {name: (clean, {"real": noisy})}
    assert data.images[0].photograph == photograph and "1 pair" in data.described


def test_scenes(lay):
    folder = lay(
        "b1/IMG_1Noisy.bmp",
        "b1/IMG_2Noisy.bmp",
        "b1/IMG_3Reference.bmp",
        "b1/IMG_4full.bmp",
        "b2/IMG_9Noisy.bmp",
        "b2/IMG_8Reference.bmp",
    )
    data = load_dataset(folder)
    assert pairs_of(data, lay.greys) == {
        "b1_IMG_1Noisy": ("b1/IMG_3Reference.bmp", {"real": "b1/IMG_1Noisy.bmp"}),
        "b1_IMG_2Noisy": ("b1/IMG_3Reference.bmp", {"real": "b1/IMG_2Noisy.bmp"}),
        "b2_IMG_9Noisy": ("b2/IMG_8Reference.bmp", {"real": "b2/IMG_9Noisy.bmp"}),
    }
    assert [image.photograph for image in data.images] == ["b1", "b1", "b2"]
    assert "IMG_4full.bmp" in data.described


def test_parts_of_a_data_set_are_no_scenes(lay):
    data = load_dataset(lay("train/input/1.png", "train/gt/1.png", "test/input/1.png", "test/gt/1.png"))
    assert len({image.photograph for image in data.images}) == 2
    data = load_dataset(
        lay(
            *(
                f"train/SIDD/{kind}_crops/{name}"
                for kind in ("input", "target")
                for name in ("1_1.png", "1_2.png", "2_1.png")
            ),
            folder="crops",
        )
    )
    assert len({image.photograph for image in data.images}) == 2


@pytest.mark.parametrize(
    ("clean", "noisy", "names"),
    [
        ("HR", ["McM_poisson_20", "McM_gaussian_25"], ["McM_gaussian_25", "McM_poisson_20"]),
        ("original_png", ["noisy5", "noisy10"], ["noisy5", "noisy10"]),
        ("HR", ["McM_poisson_20"], ["McM_poisson_20"]),
    ],
)
def test_several_noisy_folders_are_several_noises(lay, clean, noisy, names):
    folder = lay(*(f"{name}/{image}.png" for name in (clean, *noisy) for image in (1, 2)))
    data = load_dataset(folder)
    assert [noise.name for noise in data.recorded] == names
    assert pairs_of(data, lay.greys) == {
        f"{image}.png": (f"{clean}/{image}.png", {f"real(name='{name}')": f"{name}/{image}.png" for name in names})
        for image in (1, 2)
    }


def test_levels_by_name(lay):
    files = [f"{stem}_{end}.png" for stem in "ab" for end in ("clean", "noisy50", "noisy25")]
    data = load_dataset(lay(*files))
    assert data.recorded == (Real("noisy25"), Real("noisy50"))
    assert pairs_of(data, lay.greys)["b"][1]["real(name='noisy50')"] == "b_noisy50.png"


@pytest.mark.parametrize(
    ("parameters", "files", "found"),
    [
        ("noisy='in', clean='gt', name='{}_n'", ["in/1_n.png", "gt/1.png"], {"real": "in/1_n.png"}),
        ("noisy='in/{}_n', clean='gt/{}_c'", ["in/1_n.png", "gt/1_c.png"], {"real": "in/1_n.png"}),
        ("name='{}_n'", ["1_n.png", "1.png"], {"real": "1_n.png"}),
        ("noisy='shots'", ["shots/1.png", "gt/1.png"], {"real": "shots/1.png"}),
        (
            "noisy=('in', 'low'), clean='gt'",
            ["in/1.png", "gt/1.png", "low/1.png"],
            {"real(name='in')": "in/1.png", "real(name='low')": "low/1.png"},
        ),
    ],
)
def test_other_names_are_stated(lay, parameters, files, found):
    folder = lay(*files)
    data = load_dataset(Path(f"{folder}({parameters})"))
    assert data.name == f"set({parameters})"
    ((clean, noisy),) = pairs_of(data, lay.greys).values()
    assert clean == files[1] and noisy == found


def test_what_is_stated_holds_in_scenes(lay):
    folder = lay("s1/in/1.png", "s1/gt/1.png", "s2/in/1.png", "s2/gt/1.png")
    data = load_dataset(folder.with_name("set(noisy='in', clean='gt')"))
    assert pairs_of(data, lay.greys)["s2_1.png"] == ("s2/gt/1.png", {"real": "s2/in/1.png"})
    assert [image.photograph for image in data.images] == ["s1", "s2"]


def test_what_is_stated_wrongly(lay, tmp_path):
    lay("in/1_n.png", "gt/1.png", "gt/2.png")
    for parameters, word in {
        "noisy='nowhere', clean='gt'": "'nowhere'",
        "noisy='in', clean='gt', name='{}_x'": "{}_x",
        "noisy='in', clean='gt', name='{}_n'": "2.png",
        "name='x'": "pattern",
        "clean=3": "folder",
        "noise='in'": "Did you mean",
    }.items():
        with pytest.raises(BadInput, match=word):
            load_dataset(tmp_path / f"set({parameters})")
    with pytest.raises(BadInput, match="stated|state which"):
        load_dataset(tmp_path / "set" / "gt" / "..")


@pytest.mark.parametrize(
    "files",
    [
        ["a_noisy.png", "b_noisy.png", "c.png"],
        ["a_noisy.png", "b_noisy.png"],
        ["1Noisy.png", "2Noisy.png"],
        ["a_noisy.png", "a_clean.png", "b_noisy.png", "c_clean.png"],
        ["noisy/a.png", "noisy/b.png", "clean/a.png", "clean/c.png"],
        ["noisy/a.png"],
        ["a/1.png", "b/2.png"],
    ],
)
def test_what_is_no_set_of_clean_images_is_refused(lay, files):
    with pytest.raises(BadInput):
        load_dataset(lay(*files))


def test_few_words_in_a_set_of_photographs_are_told(lay):
    folder = lay("real_madrid.png", "clean_room.png", "beach.png", "cat.png", "dog.png")
    data = load_dataset(folder)
    assert len(data.images) == 5 and not data.recorded and "real_madrid.png" in data.described
    assert len(load_dataset(folder.with_name("set(clean='.')")).images) == 5
    assert not load_dataset(lay("a_HR.png", "b_HR.png", folder="other")).recorded


def test_what_is_skipped_is_told_and_dot_files_are_not(lay):
    folder = lay("a.png", "old/b.png")
    (folder / "x.png").mkdir()
    for name in ("notes.txt", "._a.png", ".DS_Store", "x.npy", "y.npy", "z.npy", "u.npy"):
        (folder / name).write_text("x")
    data = load_dataset(folder)
    assert [image.name for image in data.images] == ["a.png"]
    said = data.described
    assert "4 .npy files" in said and "notes.txt" in said and "old" in said
    assert "._a" not in said and "DS_Store" not in said and "z.npy" not in said
    lay("a.jfif", "b.gif", "c.ppm", "d.jp2", folder="formats")
    assert len(load_dataset(folder.with_name("formats")).images) == 4


def test_sizes_are_compared_before_the_crop(lay):
    folder = lay("clean/a.png", "noisy/a.png")
    Image.new("RGB", (15, 12)).save(folder / "noisy/a.png")
    image = load_dataset(folder.with_name("set(crop=8)")).images[0]
    assert "15x12" in image.problem()
    with pytest.raises(ValueError, match="15x12"):
        image.read_noisy(Real())


def test_noise_that_was_applied_keeps_its_name_and_level(photos, tmp_path, networks):
    folder = tmp_path / "pairs"
    folder.mkdir()
    photos.rename(folder / "clean")
    export_noisy_images("gaussian(sigma=25)", folder / "clean", folder / "noisy", seed=0)
    plan = make_plan(f"{networks}:Blur", "gaussian(sigma=15)", data=(folder,), metric_list="psnr")
    assert [(column["noise"], column["noise_name"], column["level"]) for column in plan.noise_columns] == [
        ("gaussian(sigma=15)", "gaussian", 15.0),
        ("gaussian(sigma=25)", "gaussian", 25.0),
    ]
    with Image.open(folder / "noisy/a.png") as written:
        (applied,) = plan.datasets[0].recorded
        assert np.array_equal(np.rint(plan.datasets[0].images[0].read_noisy(applied) * 255), np.asarray(written))
    with pytest.raises(BadInput, match="noise apply"):
        load_dataset(folder / "noisy")
    manifest = json.loads((folder / "noisy/manifest.json").read_text())
    (folder / "noisy/manifest.json").write_text(json.dumps({**manifest, "version": 99}))
    (other,) = load_dataset(folder).recorded
    assert noises.canonical(other) == "real(name='gaussian(sigma=25), version 99')" and noises.level(other) is None


def test_the_reference_is_not_drawn_where_it_was_applied(photos, tmp_path, networks):
    folder = tmp_path / "pairs"
    folder.mkdir()
    photos.rename(folder / "clean")
    export_noisy_images("gaussian(sigma=15)", folder / "clean", folder / "noisy", seed=3)
    plan = make_plan(f"{networks}:Blur", "gaussian(sigma=15)", data=(folder,), metric_list="psnr")
    (place,) = plan.noises_on(plan.datasets[0])
    assert plan.noises[place].recorded and plan.noise_columns[place]["noise"] == "gaussian(sigma=15)"


def test_noise_that_makes_clean_images_is_compared_with_them(photos, tmp_path):
    export_noisy_images("isp", photos, tmp_path / "isp", seed=0)
    data = load_dataset(tmp_path / "isp")
    with Image.open(tmp_path / "isp/clean/a.png") as own:
        assert np.array_equal(np.rint(data.images[0].read() * 255), np.asarray(own))
    assert [noises.canonical(noise) for noise in data.recorded] == ["isp"]
    (tmp_path / "mixed").mkdir()
    (tmp_path / "isp").rename(tmp_path / "mixed/noisy")
    photos.rename(tmp_path / "mixed/clean")
    with pytest.raises(BadInput, match="isp .*noisy/clean"):
        load_dataset(tmp_path / "mixed")


@pytest.mark.slow
def test_check_names_every_bad_file(lay, tmp_path):
    folder = lay("ok.png", "a.png", "b.png")
    for name in ("a.png", "b.png"):
        (folder / name).write_text("x")
    result = CliRunner().invoke(main, ["data", "check", str(folder)])
    assert result.exit_code == 2 and "a.png" in result.output and "b.png" in result.output


@pytest.mark.slow
def test_a_file_that_fails_is_told_once(lay, networks, tmp_path):
    folder = lay("ok.png", "a.png")
    (folder / "a.png").write_text("x")
    result = CliRunner().invoke(
        main,
        ["run", "--models", f"{networks}:Blur, {networks}:Keyed", "--noise", "gaussian(sigma=15), gaussian(sigma=25)",
         "--data", str(folder), "--metrics", "psnr", "--out", str(tmp_path / "run")],
    )  # fmt: skip
    assert result.exit_code == 3
    assert sum("failed:" in line and "a.png" in line for line in result.output.splitlines()) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("x.png", "image"),
        ("x.zip", "archive"),
        ("x.tar.gz", "archive"),
        ("x.npy", "PNG"),
        ("x.txt", "file"),
        ("x", "exist"),
    ],
)
def test_a_file_in_the_place_of_a_folder(tmp_path, name, word):
    if word != "exist":
        (tmp_path / name).write_bytes(b"x")
    for command in (["data", "check", str(tmp_path / name)], ["run", "--models", "tv", "--data", str(tmp_path / name)]):
        result = CliRunner().invoke(main, command)
        assert result.exit_code == 2 and (word in result.output or command[0] == "data"), result.output


@pytest.mark.slow
def test_the_users_folder(lay, tmp_path, monkeypatch, networks):
    folder = lay("photos/a.png", folder="home")
    monkeypatch.setenv("HOME", str(folder))
    (folder / "photos(1)").mkdir()
    (folder / "nets.py").write_text(Path(networks).read_text())
    (folder / "study.toml").write_text('data = "~/photos"\nout = "~/run"\nmetrics = "psnr"\n')
    words = ["--models", "~/nets.py:Blur", "--noise", "gaussian(sigma=15)"]
    result = CliRunner().invoke(main, ["run", "~/study.toml", *words])
    assert result.exit_code == 0, result.output
    assert (folder / "run/rows.sqlite").is_file()
    for command in (["data", "check", "~/photos"], ["status", "~/run"], ["data", "check", "~/photos(limit=1)"]):
        assert CliRunner().invoke(main, command).exit_code == 0
