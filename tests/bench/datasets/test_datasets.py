"""Data sets: what is in the installation, folders, crops and limits, and the published hashes."""

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from bench import datasets
from bench.cli import main
from bench.core.errors import BadInput
from bench.datasets import builtin, load_dataset
from bench.datasets.public import PUBLIC


def test_builtin_is_seven_photographs_whose_pixels_are_known():
    data = load_dataset("builtin")
    assert [image.name for image in data.images] == [photo.name for photo in builtin.PHOTOGRAPHS]
    for image in data.images:
        pixels = image.read()
        assert pixels.shape == (256, 256, 3) and pixels.dtype == np.float32
        assert pixels.std() > 0.05
    assert len({photo.sha256 for photo in (*builtin.PHOTOGRAPHS, *builtin.TISSUE)}) == 8
    assert "NASA" in data.licence
    assert load_dataset("builtin-ihc").images[0].read().shape == (256, 256, 3)


def test_other_pixels_are_noticed(monkeypatch):
    photo = builtin.PHOTOGRAPHS[0]
    import dataclasses

    with pytest.raises(ValueError, match="astronaut"):
        builtin.read_crop(dataclasses.replace(photo, top=photo.top + 1))


def test_values_are_multiples_of_one_255th(photos):
    pixels = load_dataset(photos).images[0].read()
    stored = np.asarray(Image.open(photos / "a.png"))
    assert (pixels == stored.astype(np.float32) / np.float32(255)).all()


@pytest.mark.parametrize(
    ("text", "name", "count", "shape"),
    [
        ("builtin(crop=64, limit=2)", "builtin(crop=64, limit=2)", 2, (64, 64, 3)),
        ("builtin(limit=3)", "builtin(limit=3)", 3, (256, 256, 3)),
        ("builtin(crop=None)", "builtin", 7, (256, 256, 3)),
    ],
)
def test_crop_and_limit_are_in_the_name(text, name, count, shape):
    data = load_dataset(text)
    assert (data.name, len(data.images), data.images[-1].read().shape) == (name, count, shape)


def test_the_crop_is_the_centre():
    whole = load_dataset("builtin").images[1].read()
    assert (load_dataset("builtin(crop=100)").images[1].read() == whole[78:178, 78:178]).all()


def test_a_limit_from_outside_joins_the_name(photos):
    data = load_dataset(photos)
    assert datasets.limited(data, 2).name == "photos(limit=2)"
    assert datasets.limited(data, 10).name == "photos"
    assert datasets.limited(load_dataset("builtin(crop=64)"), 2).name == "builtin(crop=64, limit=2)"
    assert datasets.limited(load_dataset("builtin(crop=64)"), 2).images[0].read().shape == (64, 64, 3)


def test_a_crop_larger_than_the_image(photos, monkeypatch):
    monkeypatch.setenv("BENCH_DATA", str(photos.parent))
    (photos.parent / "BENCH").mkdir()
    data = load_dataset("builtin(crop=300)")
    with pytest.raises(ValueError, match="astronaut.*300x300.*256x256"):
        data.images[0].read()


def test_order_is_that_of_numbers(tmp_path):
    for name in ("10.png", "2.png", "1.png", "b.png", "notes.txt"):
        Image.new("RGB", (4, 4)).save(tmp_path / name, "png")
    assert [image.name for image in load_dataset(tmp_path).images] == ["1.png", "2.png", "10.png", "b.png"]


@pytest.mark.parametrize(
    ("mode", "name", "channels"),
    [("1", "x.png", 1), ("L", "x.png", 1), ("LA", "x.png", 1), ("P", "x.png", 1), ("L", "x.jpg", 1), ("L", "x.tif", 1),
     ("1", "x.bmp", 1), ("RGB", "x.png", 3), ("RGBA", "x.png", 3), ("CMYK", "x.jpg", 3), ("L", "x.webp", 3)],
)  # fmt: skip
def test_greyscale_is_what_a_file_stores_as_one_channel(tmp_path, mode, name, channels):
    grey = Image.linear_gradient("L")
    (grey if mode == "P" else grey.convert("RGB")).convert(mode).save(tmp_path / name)
    data = load_dataset(tmp_path)
    assert data.images[0].read().shape == (256, 256, channels) and data.is_grey == (channels == 1)


def test_a_palette_of_colours_is_colour(tmp_path):
    picture = Image.linear_gradient("L").convert("P")
    picture.putpalette([value for level in range(256) for value in (level, level, 255 - level)])
    picture.save(tmp_path / "x.png")
    assert load_dataset(tmp_path).images[0].read().shape == (256, 256, 3)


def test_a_set_is_grey_where_every_image_is(tmp_path):
    for name, mode in (("a.png", "L"), ("b.png", "RGB")):
        Image.new(mode, (12, 12)).save(tmp_path / name)
    assert not load_dataset(tmp_path).is_grey
    (tmp_path / "b.png").write_bytes(b"broken")
    assert load_dataset(tmp_path).is_grey  # of what can be read


@pytest.mark.parametrize("content", ["{broken", "[1]", '{"mine": 3}'])
def test_a_broken_list_of_added_sets_is_one_line(tmp_path, monkeypatch, content):
    monkeypatch.setenv("BENCH_HOME", str(tmp_path))
    (tmp_path / "datasets.json").write_text(content)
    with pytest.raises(BadInput, match="datasets.json"):
        load_dataset("mine")
    assert (tmp_path / "datasets.json").read_text() == content


def test_public_sets_are_compared_with_the_published_hashes(tmp_path, monkeypatch, shared):
    folder = tmp_path / "McMaster"
    folder.mkdir()
    for file in (shared / "data/test/McMaster").iterdir():
        (folder / file.name).symlink_to(file)
    monkeypatch.setenv("BENCH_DATA", str(tmp_path))
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    data = load_dataset("McMaster(crop=256)")
    assert len(data.images) == 18 and data.images[0].read().shape == (256, 256, 3)
    (folder / "3.tif").unlink()
    (folder / "4.tif").unlink()
    Image.new("RGB", (500, 500)).save(folder / "4.tif")
    with pytest.raises(BadInput, match=r"1 of 18 .*\(3.tif\).*1 of 18 .*\(4.tif\)"):
        load_dataset("McMaster")
    assert len(load_dataset(folder).images) == 17  # as a folder of one's own it may be used


@pytest.mark.parametrize(("name", "count"), [("CBSD68", 68), ("Kodak24", 24), ("Kodak24-full", 24), ("McMaster", 18),
                                             ("Urban100", 100), ("BSDS400", 400), ("BSD68", 68), ("Set12", 12),
                                             ("CC15", 45), ("PolyU", 200)])  # fmt: skip
def test_manifests_are_whole(name, count):
    manifest = PUBLIC[name].manifest
    assert len(manifest) == count == PUBLIC[name].files and all(len(digest) == 64 for digest in manifest.values())


def test_no_training_image_is_a_test_image():
    train, test = (set(PUBLIC[name].manifest) for name in ("BSDS400", "CBSD68"))
    assert not {file.partition(".")[0] for file in train} & {file.partition(".")[0] for file in test}


@pytest.mark.slow
def test_a_set_that_was_added_or_downloaded_can_be_removed(photos, tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))

    def call(*arguments):
        return CliRunner().invoke(main, ["data", *map(str, arguments)])

    assert call("add", "holiday", photos).exit_code == 0
    assert call("remove", "holiday").exit_code == 0 and len(list(photos.iterdir())) == 4
    assert call("remove", "holiday").exit_code == 2
    downloaded = tmp_path / "home/data/Kodak24"
    downloaded.mkdir(parents=True)
    assert call("remove", "Kodak24").exit_code == 0 and not downloaded.exists()
