"""EXR files: layers, parts and windows, read right or refused."""

import numpy as np
import OpenEXR
import pytest

from bench.core.errors import BadInput
from bench.datasets import exr, load_dataset

HEADER = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}


def plane(value, kind=np.float16):
    return np.full((8, 12), value, kind)


def colour(first, prefix=""):
    return {f"{prefix}{name}": plane(first + place) for place, name in enumerate("RGB")}


def write(file, channels, **header):
    OpenEXR.File({**HEADER, **header}, channels).write(str(file))


@pytest.fixture
def file(tmp_path):
    return tmp_path / "x.exr"


def test_layers_are_chosen_by_name(file):
    write(file, {**colour(1), **colour(4, "beauty."), "depth.Z": plane(9, np.float32)})
    assert exr.read(file)[0, 0].tolist() == [1, 2, 3]
    assert exr.read(file, "beauty")[0, 0].tolist() == [4, 5, 6]
    assert "beauty" in exr.remarks(file)[0] and exr.remarks(file, "beauty") == []
    with pytest.raises(ValueError, match="'beauty'.*layer='albedo'"):
        exr.read(file, "albedo")


def test_parts_are_chosen_by_name(file):
    parts = [OpenEXR.Part(dict(HEADER), colour(1), "main"), OpenEXR.Part(dict(HEADER), colour(4), "beauty")]
    OpenEXR.File(parts).write(str(file))
    assert exr.read(file)[0, 0].tolist() == [1, 2, 3] and "beauty" in exr.remarks(file)[0]
    assert exr.read(file, "beauty")[0, 0].tolist() == [4, 5, 6]


def test_without_a_plain_picture_a_layer_has_to_be_chosen(file):
    write(file, {**colour(1, "View.Combined."), **colour(4, "View.Albedo.")})
    with pytest.raises(ValueError, match="layer=.*'View.Albedo', 'View.Combined'"):
        exr.read(file)
    assert exr.read(file, "View.Combined")[0, 0].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("channels", "word"),
    [
        ({"Y": plane(1), "RY": plane(0), "BY": plane(0)}, "chroma"),
        ({"X": plane(1), "Y": plane(1), "Z": plane(1)}, "X, Y, Z"),
        ({name: plane(1, np.uint32) for name in "RGB"}, "integers"),
        ({name: np.array([[1, np.inf]], np.float16) for name in "RGB"}, "finite"),
    ],
)
def test_channels_that_are_no_light(file, channels, word):
    write(file, channels)
    with pytest.raises(ValueError, match=word):
        exr.read(file)


def test_deep_data_is_refused(file):
    deep = np.empty((4, 4), dtype=object)
    for place in np.ndindex(4, 4):
        deep[place] = np.array([1.0, 2.0], np.float32)
    OpenEXR.File(
        {"compression": OpenEXR.ZIPS_COMPRESSION, "type": OpenEXR.deepscanline}, dict.fromkeys("RGB", deep)
    ).write(str(file))
    with pytest.raises(ValueError, match="deep"):
        exr.read(file)


def test_the_display_window_is_what_is_shown(file):
    ramp = np.arange(96, dtype=np.float32).reshape(8, 12)
    write(file, dict.fromkeys("RGB", ramp), dataWindow=((-2, -1), (9, 6)), displayWindow=((0, 0), (7, 5)))
    assert np.array_equal(exr.read(file)[..., 0], ramp[1:7, 2:10])
    write(file, dict.fromkeys("RGB", ramp), dataWindow=((2, 1), (13, 8)), displayWindow=((0, 0), (15, 9)))
    with pytest.raises(ValueError, match="12x8 of 16x10"):
        exr.read(file)


def test_the_layer_is_a_parameter_of_the_data_set(tmp_path):
    folder = tmp_path / "renders"
    folder.mkdir()
    write(folder / "a.exr", {**colour(0), **colour(1, "beauty.")})
    data = load_dataset(tmp_path / "renders(layer='beauty')")
    assert data.name == "renders(layer='beauty')" and (data.images[0].read() == 1).all()
    assert (load_dataset(folder).images[0].read()[..., 0] == 0).all() and "layer=" in load_dataset(folder).described
    with pytest.raises(BadInput, match="layer"):
        load_dataset("builtin(layer='beauty')")
