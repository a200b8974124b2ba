"""Image files become the pixels that are meant, or are refused: held against other libraries."""

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from bench.datasets import decode, load_dataset, read_file


@pytest.fixture
def pixels():
    return np.random.default_rng(5).integers(0, 256, (20, 30, 3), dtype=np.uint8)


@pytest.fixture
def deep():
    """Samples of 16 bits, (20, 30, 3)."""
    return np.random.default_rng(5).integers(0, 65536, (20, 30, 3), dtype=np.uint16)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "ppm", "webp", "jp2", "gif"])
def test_eight_bits_are_those_of_another_library(tmp_path, pixels, suffix):
    file = tmp_path / f"x.{suffix}"
    content = Image.fromarray(pixels)
    if suffix == "gif":
        content = content.quantize(16)
    content.save(file, **({"lossless": True} if suffix == "webp" else {"irreversible": False}))
    wanted = cv2.imread(str(file))[..., ::-1]
    assert np.array_equal(decode.pixels(file), wanted)


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("grey", [False, True])
def test_orientation_is_applied_as_opencv_does(tmp_path, pixels, suffix, orientation, grey):
    exif = Image.Exif()
    exif[0x112] = orientation
    smooth = cv2.GaussianBlur(pixels, (0, 0), 4)
    content = Image.fromarray(smooth[..., 0] if grey else smooth)
    content.save(tmp_path / f"x.{suffix}", exif=exif, **({"lossless": True} if suffix == "webp" else {"quality": 95}))
    content.save(tmp_path / "x.jpg", exif=exif, quality=95)  # whose orientation OpenCV has known longest
    wanted = cv2.imread(str(tmp_path / "x.jpg"))[..., ::-1].astype(int)
    found = decode.pixels(tmp_path / f"x.{suffix}").astype(int)
    assert found.shape[:2] == wanted.shape[:2] and np.abs(found - wanted).mean() < 2


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("x.png", {}),
        ("x.tif", {}),
        ("x.tif", {"byteorder": ">"}),
        ("x.tif", {"compression": "zlib"}),
        ("x.tif", {"compression": "zlib", "byteorder": ">", "predictor": True}),
        ("x.tif", {"tile": (16, 16)}),
        ("x.ppm", {}),
    ],
)
@pytest.mark.parametrize("grey", [False, True])
def test_sixteen_bits_are_scaled(tmp_path, deep, name, options, grey):
    samples, file = deep[..., 0] if grey else deep, tmp_path / (name.replace("ppm", "pgm") if grey else name)
    if file.suffix == ".tif":
        tifffile.imwrite(file, samples, photometric="minisblack" if grey else "rgb", **options)
    else:
        cv2.imwrite(str(file), samples if grey else samples[..., ::-1])
    wanted = np.rint(samples / 257).astype(np.uint8)
    found = decode.pixels(file)
    assert found.dtype == np.uint8 and np.array_equal(found[..., 0] if grey else found, wanted)
    assert len(decode.remarks(file)) == 1
    assert "16" in load_dataset(tmp_path).described or "8 bits" in load_dataset(tmp_path).described


def test_sixteen_bits_are_turned_too(tmp_path, deep):
    exif = Image.Exif()
    exif[0x112] = 6
    for name in ("x.png", "x.tif"):
        Image.fromarray(deep[..., 0]).save(tmp_path / name, exif=exif)
        assert np.array_equal(decode.pixels(tmp_path / name)[..., 0], np.rint(np.rot90(deep[..., 0], -1) / 257))


def test_white_is_zero(tmp_path, deep):
    tifffile.imwrite(tmp_path / "deep.tif", deep[..., 0], photometric="miniswhite")
    tifffile.imwrite(tmp_path / "x.tif", (deep[..., 0] >> 8).astype(np.uint8), photometric="miniswhite")
    assert np.array_equal(
        decode.pixels(tmp_path / "deep.tif")[..., 0], np.rint((65535 - deep[..., 0].astype(int)) / 257)
    )
    assert np.array_equal(decode.pixels(tmp_path / "x.tif")[..., 0], 255 - (deep[..., 0] >> 8))


def test_channels_are_those_of_the_file(tmp_path, pixels):
    grey, colour = Image.fromarray(pixels[..., 0]), Image.fromarray(pixels)
    grey.save(tmp_path / "grey.png")
    grey.save(tmp_path / "grey.gif")
    grey.convert("LA").save(tmp_path / "la.png")
    grey.convert("1").save(tmp_path / "one.png")
    colour.quantize(8).save(tmp_path / "palette.png")
    colour.convert("RGBA").save(tmp_path / "rgba.png")
    counts = {file.name: decode.pixels(file).shape[2] for file in tmp_path.iterdir()}
    assert counts == {"grey.png": 1, "grey.gif": 1, "la.png": 1, "one.png": 1, "palette.png": 3, "rgba.png": 3}
    assert np.array_equal(decode.pixels(tmp_path / "grey.gif")[..., 0], pixels[..., 0])
    assert read_file(tmp_path / "rgba.png").shape == (20, 30, 3)


DEEP = "more than 8 bits per sample, scaled to 8 bits as round(255 v / white)"


def save_pages(file, pixels):
    first, *others = (Image.fromarray(np.roll(pixels, shift, axis=0)) for shift in (0, 5, 9))
    first.save(file, save_all=True, append_images=others)


def transparent(file, pixels):
    Image.fromarray(np.dstack([pixels, np.full(pixels.shape[:2], 128, np.uint8)])).save(file)


@pytest.mark.parametrize(
    ("name", "write", "word"),
    [
        ("x.tif", save_pages, "3 pages"),
        ("x.gif", save_pages, "3 pages"),
        ("x.png", save_pages, "3 pages"),
        ("x.webp", save_pages, "3 pages"),
        ("x.png", transparent, "transparent"),
        ("x.tif", lambda file, p: tifffile.imwrite(file, p[..., 0] / np.float32(255)), "float"),
        ("x.tif", lambda file, p: tifffile.imwrite(file, p / np.float32(255), photometric="rgb"), "float"),
        ("x.tif", lambda file, p: tifffile.imwrite(file, p[..., 0].astype(np.uint32)), "32"),
        ("x.tif", lambda file, p: tifffile.imwrite(file, p[..., 0].astype(np.int16)), "signed"),
        ("x.tif", lambda file, p: tifffile.imwrite(file, (p[..., 0] * 10).astype(np.uint16) % 4096), "65535"),
        ("x.tif", lambda file, p: tifffile.imwrite(file, (p.astype(np.uint16) * 257).transpose(2, 0, 1),
                                                   photometric="rgb", planarconfig="separate"), "planes"),
        ("x.png", lambda file, p: cv2.imwrite(str(file), p.astype(np.uint16)), "65535"),
        ("x.jp2", lambda file, p: cv2.imwrite(str(file), np.tile(p, (5, 4, 1)).astype(np.uint16) * 257), "got 16"),
        ("x.png", lambda file, p: file.write_bytes(b""), "empty"),
        ("x.png", lambda file, p: file.write_text("no image"), "format"),
        ("x.png", lambda file, p: file.write_text("version https://git-lfs.github.com/spec/v1\noid x"), "LFS"),
    ],
)  # fmt: skip
def test_what_is_refused(tmp_path, pixels, name, write, word):
    write(tmp_path / name, pixels)
    with pytest.raises(ValueError, match=f"^{name}:? .*{word}"):
        decode.pixels(tmp_path / name)
    assert decode.remarks(tmp_path / name) in ([], [DEEP])


def test_further_pictures_of_a_phone_are_said(tmp_path, pixels):
    first, second = Image.fromarray(pixels), Image.fromarray(pixels[::-1].copy())
    first.save(tmp_path / "x.jpg", format="MPO", save_all=True, append_images=[second], quality=95)
    assert np.array_equal(decode.pixels(tmp_path / "x.jpg"), cv2.imread(str(tmp_path / "x.jpg"))[..., ::-1])
    assert "preview" in decode.remarks(tmp_path / "x.jpg")[0]


def test_the_content_decides_and_not_the_suffix(tmp_path, pixels):
    Image.fromarray(pixels).save(tmp_path / "x.jpg", "png")
    assert np.array_equal(decode.pixels(tmp_path / "x.jpg"), pixels)
