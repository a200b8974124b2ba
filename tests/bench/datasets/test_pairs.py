"""Layouts of pairs: SIDD's files, folders, renders in linear light and their tone mapping."""

import h5py
import numpy as np
import pytest
import scipy.io
from PIL import Image

from bench.core.errors import BadInput
from bench.datasets import exr, load_dataset, sidd, tone
from noise_zoo.monte_carlo import MonteCarlo
from noise_zoo.real import Real


@pytest.fixture
def random():
    return np.random.default_rng(3)


def picture(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def pixels_of(random, shape=(12, 16, 3)):
    return random.integers(0, 256, shape, dtype=np.uint8)


def write_mat(file, blocks, version):
    if version == 5:
        scipy.io.savemat(file, {file.stem: blocks}, do_compression=True)
        return
    with h5py.File(file, "w", userblock_size=512) as opened:  # as MATLAB writes: axes reversed, a text in front
        opened.create_dataset(file.stem, data=blocks.transpose(), chunks=True, compression="gzip")
    with file.open("r+b") as opened:
        opened.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(116) + bytes(8) + b"\0\2IM")


@pytest.mark.parametrize("version", [5, 7])
def test_validation_blocks_of_sidd(tmp_path, random, version):
    stored = {name: pixels_of(random, (3, 4, 12, 16, 3)) for name in (sidd.NOISY, sidd.CLEAN)}
    for name, blocks in stored.items():
        write_mat(tmp_path / f"{name}.mat", blocks, version)
    data = load_dataset(tmp_path)
    assert len(data.images) == 12 and data.recorded == (Real(),)
    for image, (photograph, block) in zip(data.images, np.ndindex(3, 4), strict=True):
        assert image.name == f"{photograph + 1:02}-{block + 1:02}" and image.photograph == f"{photograph + 1:02}"
        assert np.array_equal(np.rint(image.read() * 255), stored[sidd.CLEAN][photograph, block])
        assert np.array_equal(np.rint(image.read_noisy(Real()) * 255), stored[sidd.NOISY][photograph, block])


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        (sidd.CLEAN, None, "no ValidationGtBlocksSrgb.mat"),
        (sidd.CLEAN, b"nothing", "cannot be read as a MATLAB file"),
        (sidd.CLEAN, b"MATLAB 7.3 and no more", "cannot be read as a MATLAB file"),
        (sidd.CLEAN, {"other": np.zeros(3)}, "ValidationGtBlocksSrgb of shape .*no such variable"),
        (sidd.CLEAN, {sidd.CLEAN: np.zeros((2, 8, 8, 3))}, r"\(2, 8, 8, 3\)"),
        (sidd.CLEAN, {sidd.CLEAN: np.zeros((2, 2, 8, 9, 3))}, r"8, 8, 3\) and .*8, 9, 3\)"),
    ],
)
def test_files_that_are_not_those_of_sidd(tmp_path, name, content, words):
    scipy.io.savemat(tmp_path / f"{sidd.NOISY}.mat", {sidd.NOISY: np.zeros((2, 2, 8, 8, 3), np.uint8)})
    if isinstance(content, dict):
        scipy.io.savemat(tmp_path / f"{name}.mat", content)
    elif content:
        (tmp_path / f"{name}.mat").write_bytes(content)
    with pytest.raises(BadInput, match=words):
        load_dataset(tmp_path)


def test_floats_are_refused(tmp_path):
    for name in (sidd.NOISY, sidd.CLEAN):
        scipy.io.savemat(tmp_path / f"{name}.mat", {name: np.zeros((1, 1, 8, 8, 3))})
    with pytest.raises(ValueError, match="uint8 .*float64"):
        load_dataset(tmp_path).images[0].read()


def test_folders_of_sidd(tmp_path, random):
    stored = {}
    for scene in ("0002_001_S6", "0010_001_S6"):
        for kind in ("NOISY", "GT"):
            for number in ("010", "011"):
                path = tmp_path / f"Data/{scene}/{scene[:4]}_{kind}_SRGB_{number}.PNG"
                stored[f"{scene}_{number}", kind] = pixels_of(random)
                picture(path, stored[f"{scene}_{number}", kind])
    data = load_dataset(tmp_path)
    assert [image.name for image in data.images] == sorted({name for name, _ in stored})
    assert [image.photograph for image in data.images] == ["0002_001_S6"] * 2 + ["0010_001_S6"] * 2
    for image in data.images:
        assert np.array_equal(np.rint(image.read() * 255), stored[image.name, "GT"])
        assert np.array_equal(np.rint(image.read_noisy(Real()) * 255), stored[image.name, "NOISY"])
    path.unlink()
    with pytest.raises(BadInput, match="0010_NOISY_SRGB_011.PNG.*0010_GT_SRGB_011.PNG"):
        load_dataset(tmp_path)


@pytest.mark.parametrize("clean", ["clean", "gt", "reference"])
def test_noisy_beside_clean(tmp_path, random, clean):
    stored = {(stem, kind): pixels_of(random) for stem in ("10", "2") for kind in ("clean", "noisy")}
    for stem in ("10", "2"):
        picture(tmp_path / clean / f"{stem}.png", stored[stem, "clean"])
        picture(tmp_path / "noisy" / f"{stem}.bmp", stored[stem, "noisy"])
    data = load_dataset(tmp_path)
    assert [image.name for image in data.images] == ["2.png", "10.png"] and data.recorded == (Real(),)
    assert data.title == "folder of 2 pairs"
    for image, stem in zip(data.images, ("2", "10"), strict=True):
        assert np.array_equal(np.rint(image.read() * 255), stored[stem, "clean"])
        assert np.array_equal(np.rint(image.read_noisy(Real()) * 255), stored[stem, "noisy"])
    with pytest.raises(ValueError, match=r"2.png.*MonteCarlo\(spp=4\)"):
        data.images[0].read_noisy(MonteCarlo(4))
    assert load_dataset(tmp_path / "noisy").recorded == ()


def test_halves_of_pairs_are_refused(tmp_path, random):
    picture(tmp_path / "noisy/a.png", pixels_of(random))
    with pytest.raises(BadInput, match="noisy/.* none"):
        load_dataset(tmp_path)
    picture(tmp_path / "gt/b.png", pixels_of(random))
    with pytest.raises(BadInput, match="gt: .*a.png.*noisy: .*b.png"):
        load_dataset(tmp_path)
    picture(tmp_path / "noisy/b.png", pixels_of(random))
    picture(tmp_path / "gt/a.png", pixels_of(random))
    picture(tmp_path / "gt/c.png", pixels_of(random))
    with pytest.raises(BadInput, match="noisy: .*c.png"):
        load_dataset(tmp_path)
    picture(tmp_path / "clean/a.png", pixels_of(random))
    with pytest.raises(BadInput, match="clean/ and gt/"):
        load_dataset(tmp_path)


def test_pairs_by_name(tmp_path, random):
    for end in ("real", "mean", "ours"):
        for stem in ("canon_desk_1", "canon_desk_2", "nikon_door_1"):
            picture(tmp_path / f"{stem}_{end}.png", pixels_of(random))
    data = load_dataset(tmp_path)
    assert [image.name for image in data.images] == ["canon_desk_1", "canon_desk_2", "nikon_door_1"]
    assert [image.photograph for image in data.images] == ["canon_desk", "canon_desk", "nikon_door"]
    kept = np.asarray(Image.open(tmp_path / "canon_desk_2_real.png"))
    assert np.array_equal(np.rint(data.images[1].read_noisy(Real()) * 255), kept)


@pytest.fixture
def renders(tmp_path, random):
    """A folder of linear renders: a ramp from 0 to 4 as the reference, and itself with noise."""
    ramp = np.linspace(0, 4, 12 * 16, dtype=np.float32).reshape(12, 16, 1).repeat(3, axis=2)
    for name, pixels in (("reference", ramp), ("spp64", ramp * (1 + 0.1 * random.standard_normal((12, 16, 3))))):
        folder = tmp_path / "renders" / name
        folder.mkdir(parents=True)
        (folder / "ramp.exr").write_bytes(exr.encode(pixels))
    return tmp_path / "renders", ramp


def test_renders_in_linear_light_are_tone_mapped(renders, monkeypatch):
    folder, ramp = renders
    monkeypatch.setenv("BENCH_DATA", str(folder.parent))
    data = load_dataset("renders")
    assert data.recorded == (MonteCarlo(64),) and data.images[0].name == "ramp.exr"
    half = ramp.astype(np.float16).astype(np.float64)

    def by_hand(light):  # IEC 61966-2-1
        curve = [12.92 * v if v <= 0.0031308 else 1.055 * v ** (1 / 2.4) - 0.055 for v in light.ravel()]
        return np.rint(255 * np.array(curve)).reshape(light.shape)

    def check(image, light):
        off = np.abs(np.rint(image * 255) - by_hand(light))
        assert off.max() <= 1 and off.mean() < 0.01  # float32 rounds a few apart

    seen = {
        "renders": np.clip(half, 0, 1),
        "renders(exposure=-2)": np.clip(half / 4, 0, 1),
        "renders(exposure=1, tone='reinhard')": 2 * half / (1 + 2 * half),
    }
    for name, light in seen.items():
        loaded = load_dataset(name)
        assert loaded.name == name
        check(loaded.images[0].read(), light)
    noisy = exr.read(folder / "spp64/ramp.exr").astype(np.float64)
    assert np.abs(noisy - half).mean() > 0.1
    check(data.images[0].read_noisy(MonteCarlo(64)), np.clip(noisy, 0, 1))
    assert load_dataset("renders(tone='clip')").name == "renders(tone='clip')"


def test_srgb_equals_that_of_another_library():
    from skimage.color import rgb2xyz, xyz2rgb

    light = np.linspace(0, 1, 256, dtype=np.float32)[:, None, None].repeat(3, axis=2)
    shown = tone.map_tones(light)
    white = np.array([0.95047, 1.0, 1.08883])
    back = xyz2rgb(light * white)  # grey of a linear luminance, as scikit-image shows it
    assert np.abs(back - shown).max() < 2e-4
    assert np.allclose(rgb2xyz(shown)[..., 1], light[..., 0], atol=2e-4)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("renders(exposure='x')", "exposure: .*'x'"),
        ("renders(exposure=99)", "exposure: .* 99"),
        ("renders(tone='aces')", "tone: .*'reinhard'.*'aces'"),
        ("renders(pairs=1)", "pairs: .* 1$"),
        ("builtin(tone='clip')", "builtin: .* tone"),
        (
            "plain(exposure=1)",
            ".exr .*plain",
        ),
    ],
)
def test_parameters_that_are_wrong(renders, random, monkeypatch, text, words):
    folder, _ = renders
    monkeypatch.setenv("BENCH_DATA", str(folder.parent))
    picture(folder.parent / "plain/a.png", pixels_of(random))
    with pytest.raises(BadInput, match=words):
        load_dataset(text)


def test_exr_files_that_are_wrong(renders):
    folder, ramp = renders
    file = folder / "spp64/ramp.exr"
    image = load_dataset(folder).images[0]
    file.write_bytes(exr.encode(np.where(ramp > 2, np.nan, ramp)))
    with pytest.raises(ValueError, match="ramp.exr.*finite"):
        image.read_noisy(MonteCarlo(64))
    file.write_bytes(b"no render at all")
    with pytest.raises(ValueError, match="ramp.exr"):
        image.read_noisy(MonteCarlo(64))
    import OpenEXR

    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File(header, {"Z": ramp[..., 0].copy()}).write(str(file))
    with pytest.raises(ValueError, match="ramp.exr.* Z"):
        image.read_noisy(MonteCarlo(64))
    OpenEXR.File(header, {"Y": ramp[..., 0].copy()}).write(str(file))
    assert np.allclose(exr.read(file), ramp, atol=1e-6)
