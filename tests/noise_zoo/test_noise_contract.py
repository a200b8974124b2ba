"""What every noise keeps to, found by name: a new noise is tested here without being named here."""

import dataclasses
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import noise_zoo
from noise_zoo.chain import Chain
from noise_zoo.gaussian import Gaussian
from noise_zoo.isp import Isp
from noise_zoo.jpeg import Jpeg
from noise_zoo.legacy import LegacyGenerator
from noise_zoo.noise import Noise
from noise_zoo.salt_pepper import SaltPepper

ALL = [getattr(noise_zoo, noise_zoo.class_name(name)) for name in noise_zoo.names()]
CLASSES = [cls for cls in ALL if not cls.recorded]
CHAINS = [Chain(Gaussian(10), SaltPepper(0.01)), Chain(Isp(), Jpeg(50))]
NOISES = [noise for cls in CLASSES if cls is not Chain for noise in (map(cls, cls.levels) if cls.levels else [cls()])]
NOISES += CHAINS
LEVELLED = [cls for cls in CLASSES if cls.levels]
every_class = pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
every_noise = pytest.mark.parametrize("noise", NOISES, ids=str)


def test_these_are_found():
    paper = {"correlated", "gaussian", "isp", "mixture", "poisson", "salt_pepper", "speckle"}
    extras = {"banding", "colour_gaussian", "jpeg", "poisson_gaussian", "quantization", "random_mixture"}
    assert set(noise_zoo.names()) == {*paper, *extras, "chain", "real", "monte_carlo"}
    groups = {name: getattr(noise_zoo, noise_zoo.class_name(name)).groups for name in noise_zoo.names()}
    assert {name for name in groups if "paper" in groups[name]} == paper
    assert {name for name in groups if "all" in groups[name]} == paper
    assert {name for name in groups if "extras" in groups[name]} == extras
    assert Noise.groups == ("all",)  # of a noise that says nothing
    assert {"Gaussian", "SaltPepper"} <= set(dir(noise_zoo))


@every_class
def test_is_described(cls):
    assert issubclass(cls, Noise) and cls.__dataclass_params__.frozen
    for text in (cls.title, cls.formula, cls.source):
        assert text and "\n" not in text
    assert "Source:" in cls.__doc__.strip().splitlines()[-1]
    level, *options = dataclasses.fields(cls) if cls.levels else (None, *dataclasses.fields(cls))
    assert cls is Chain or all(option.default is not dataclasses.MISSING for option in options)
    if cls.levels:
        assert level.name == cls.axis and level.default is dataclasses.MISSING
        assert [getattr(cls(value), cls.axis) for value in cls.levels] == list(cls.levels)


@every_noise
def test_is_a_value(noise):
    same = pickle.loads(pickle.dumps(noise))
    assert same == noise and hash(same) == hash(noise) and repr(same) == repr(noise)
    assert isinstance(noise.version, int) and noise.version >= 1
    for field in dataclasses.fields(noise):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(noise, field.name, 1)


def test_numbers_are_normalized():
    assert noise_zoo.Gaussian(25) == noise_zoo.Gaussian(sigma=np.float32(25)) == noise_zoo.Gaussian(25.0)
    assert repr(noise_zoo.Gaussian(25)) == repr(noise_zoo.Gaussian(np.float32(25))) == "Gaussian(sigma=25.0)"
    assert repr(noise_zoo.Gaussian(-0.0)) == "Gaussian(sigma=0.0)"


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), 1e30, "25", None, True, [25], {25}, 1j])
@pytest.mark.parametrize("cls", LEVELLED)
def test_bad_levels_are_refused_in_one_line(cls, value):
    with pytest.raises(ValueError) as caught:
        cls(value)
    message = str(caught.value)
    assert message.startswith(f"{cls.__name__}: {cls.axis}: expected ") and "\n" not in message


@every_noise
@pytest.mark.parametrize("shape", [(24, 40, 3), (9, 8, 3)])
def test_image_in_images_out(noise, shape, picture, philox):
    given = np.ascontiguousarray(picture[: shape[0], : shape[1], : shape[2]])
    before = given.copy()
    given.setflags(write=False)
    noisy, clean = noise(given, philox(0))
    assert noisy.shape == clean.shape == shape
    assert noisy.dtype == clean.dtype == np.float32
    assert np.isfinite(noisy).all() and np.isfinite(clean).all()
    assert np.array_equal(given, before)
    assert np.array_equal(clean, before) or not noise.keeps_clean
    assert not np.shares_memory(noisy, clean)


@pytest.mark.parametrize("channels", [1, 2, 4])
@pytest.mark.parametrize("cls", [cls for cls in LEVELLED if cls is not Jpeg])
def test_any_number_of_channels(cls, channels, philox):
    noisy, clean = cls(cls.levels[0])(np.full((6, 5, channels), 0.5), philox(0))
    assert noisy.shape == clean.shape == (6, 5, channels)


@pytest.mark.parametrize("cls", [Isp, Jpeg])
def test_colour_is_asked_for_in_one_line(cls, philox):
    with pytest.raises(ValueError, match=r"^[A-Z][a-z]+: .*got 2$"):
        cls(*cls.levels[:1])(np.zeros((4, 4, 2)), philox(0))


@every_noise
def test_depends_on_image_and_generator_alone(noise, picture, philox):
    noisy, _ = noise(picture, philox(0))
    assert np.array_equal(noisy, noise(picture.copy(), philox(0))[0])
    assert np.array_equal(noisy, noise(np.asfortranarray(picture), philox(0))[0])
    assert np.array_equal(noisy, noise(picture.astype(np.float64), philox(0))[0])
    assert np.array_equal(noisy, noise(picture, philox(1))[0]) != noise.random


@every_noise
def test_takes_the_legacy_stream(noise, picture):
    noisy, _ = noise(picture, LegacyGenerator(0))
    assert noisy.dtype == np.float32
    assert np.array_equal(noisy, noise(picture, LegacyGenerator(0))[0])
    assert np.array_equal(noisy, noise(picture, LegacyGenerator(1))[0]) != noise.random


@pytest.mark.parametrize("image", [np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4)), np.zeros((0, 4, 3))])
@every_noise
def test_other_arrays_are_refused(noise, image, philox):
    with pytest.raises(ValueError, match="^clean: expected"):
        noise(image, philox(0))


@pytest.mark.parametrize(
    ("value", "words"),
    [(10**5000, "an integer of 16610 bits"), ("9" * 500, "9...9"), ([0] * 1000, "...")],
    ids=["integer", "text", "list"],
)
@pytest.mark.parametrize("cls", LEVELLED)
def test_long_values_are_refused_in_a_short_line(cls, value, words):
    with pytest.raises(ValueError) as caught:
        cls(value)
    assert words in str(caught.value) and len(str(caught.value)) < 160


def test_wrong_names_get_a_hint():
    with pytest.raises(AttributeError, match=r"did you mean 'Gaussian'\?"):
        noise_zoo.Gausian  # noqa: B018
    with pytest.raises(AttributeError, match="Banding, Chain"):
        noise_zoo.Qqq  # noqa: B018


def test_a_new_file_is_a_new_noise(tmp_path, monkeypatch):
    (tmp_path / "dark_frame.py").write_text(
        "from dataclasses import dataclass\n"
        "from noise_zoo.noise import Noise, as_image\n"
        "@dataclass(frozen=True)\n"
        "class DarkFrame(Noise):\n"
        "    def __call__(self, clean, rng):\n"
        "        return as_image(clean) * 0, as_image(clean) / 2\n"
    )
    (tmp_path / "not_a_noise.py").write_text("class NotANoise: pass\n")
    monkeypatch.setattr(noise_zoo, "__path__", [*noise_zoo.__path__, str(tmp_path)])
    try:
        assert "dark_frame" in noise_zoo.names() and "not_a_noise" not in noise_zoo.names()
        noisy, clean = noise_zoo.DarkFrame()(np.ones((2, 2, 3)), None)  # it may return another clean image
        assert noisy.max() == 0 and clean.max() == 0.5
        with pytest.raises(AttributeError):
            noise_zoo.NotANoise  # noqa: B018
    finally:
        for name in ("dark_frame", "not_a_noise"):
            sys.modules.pop(f"noise_zoo.{name}", None)
            vars(noise_zoo).pop(name, None)


@pytest.mark.slow
def test_imports_nothing_heavy():
    code = "import sys, noise_zoo; noise_zoo.names(); print(*{name.split('.')[0] for name in sys.modules})"
    root = Path(noise_zoo.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    loaded = set(done.stdout.split())
    assert "noise_zoo" in loaded
    assert not loaded & {"torch", "bench", "baselines", "analysis", "reports", "skimage", "pandas"}
