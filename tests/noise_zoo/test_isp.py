import numpy as np
import pytest
from scipy import stats

from noise_zoo.camera import draw_camera, draw_levels
from noise_zoo.isp import Isp, exposed
from noise_zoo.legacy import LegacyGenerator
from tests.noise_zoo import plain

# SHA-256 of the output for seeds 0 and 1; where they must change, so must the noise's version.
HASHES = [
    "8eee066efe9829ea13c75d14789006a4e0953308ddfc1baa2d8ca1306e4ea018",
    "cf15c0c017f4d6fd173bed0a05b03010aec74bed70975f7bc396fb5133fa090f",
]
PUBLISHED_HASHES = [
    "0ae47b7f1d344c4819ca69964719d4af533faaf23fdb6818b4a0e297c5be3c66",
    "f433d23926687aacefb557d016258d4a86314732ceb647e4fa2f7c2397e46f82",
]


@pytest.mark.parametrize("size", [(24, 40), (23, 39), (2, 2), (1, 1)])
@pytest.mark.parametrize(("process", "tolerance"), [("full", 2e-5), ("published", 2e-3)])
def test_is_the_plain_formula(process, tolerance, size, picture):
    """In float32; without the tone curve rounding near black is magnified by the steep gamma curve."""
    x = picture[: size[0], : size[1]]
    noisy, clean = Isp(process)(x, LegacyGenerator(5))
    even = np.pad(x.astype(np.float64), ((0, size[0] % 2), (0, size[1] % 2), (0, 0)), mode="edge")
    theirs, target = (y[: size[0], : size[1]] for y in plain.isp(even, np.random.RandomState(5), process))
    assert np.allclose(noisy, theirs, rtol=0, atol=tolerance)
    assert np.allclose(clean, target, rtol=0, atol=tolerance)
    assert np.mean(np.abs(noisy - theirs)) < 1e-6


def test_development_gives_back_a_smooth_photograph(philox):
    """Only what the mosaic and the clipped highlights lost is missing."""
    x = 0.5 + 0.3 * np.sin(np.linspace(0, 3, 64))[:, None, None] * np.ones((64, 48, 3))
    x = x.astype(np.float32)
    worst = [np.abs(Isp()(x, philox(seed))[1] - x)[2:-2, 2:-2].max() for seed in range(10)]
    assert max(worst) < 0.01


def test_the_clean_image_is_the_one_developed(picture, philox):
    noisy, clean = Isp()(picture, philox(0))
    same, untouched = Isp(truth="untouched")(picture, philox(0))
    assert np.array_equal(noisy, same) and np.array_equal(untouched, picture)
    assert np.abs(clean - picture).max() > 0.1  # chequered pixels do not survive a mosaic
    assert not Isp().keeps_clean and Isp(truth="untouched").keeps_clean
    silent, clean = Isp(shot=0, read=0)(picture, philox(0))
    assert np.array_equal(silent, clean)


@pytest.mark.parametrize(("shot", "read"), [(0.01, 0.0005), (0.0, 0.01)])
@pytest.mark.parametrize("x", [0.0, 0.2, 0.9])
def test_law_of_the_raw_noise(shot, read, x, philox, check_moments, check_white):
    raw = np.full((4, 300, 300), x, np.float32)
    noise = exposed(raw, shot, read, philox(1).standard_normal(raw.shape, dtype=np.float32)) - raw
    check_moments(noise, 0, shot * x + read)
    check_white(np.moveaxis(noise, 0, -1))
    assert stats.kstest((noise / np.sqrt(shot * x + read)).ravel(), "norm").pvalue > 1e-6


def test_fixed_levels_are_used(picture, philox):
    quiet, loud = (Isp(shot=shot, read=1e-6)(picture, philox(3)) for shot in (1e-4, 1e-2))
    assert np.array_equal(quiet[1], loud[1])  # the same camera
    error = [np.mean((noisy - clean) ** 2) for noisy, clean in (quiet, loud)]
    assert 30 < error[1] / error[0] < 110  # a hundred times the variance, but for clipping


@pytest.fixture
def levels(philox):
    rng = philox(0)
    return np.log([draw_levels(rng) for _ in range(20_000)])


def test_drawn_levels(levels):
    """U(log 0.0001, log 0.012), and N(2.18 log shot + 1.20, 0.26)."""
    low, high = np.log(0.0001), np.log(0.012)
    assert stats.kstest(levels[:, 0], stats.uniform(low, high - low).cdf).pvalue > 1e-6
    rest = (levels[:, 1] - 2.18 * levels[:, 0] - 1.20) / 0.26
    assert stats.kstest(rest, "norm").pvalue > 1e-6
    assert abs(np.corrcoef(rest, levels[:, 0])[0, 1]) < 5 / np.sqrt(len(levels))


@pytest.mark.slow
def test_drawn_cameras(philox):
    rng = philox(1)
    cameras = [draw_camera(rng) for _ in range(20_000)]
    assert stats.kstest([c.red_gain for c in cameras], stats.uniform(1.9, 0.5).cdf).pvalue > 1e-6
    assert stats.kstest([c.blue_gain for c in cameras], stats.uniform(1.5, 0.4).cdf).pvalue > 1e-6
    assert stats.kstest([1 / c.rgb_gain for c in cameras], stats.norm(0.8, 0.1).cdf).pvalue > 1e-6
    matrices = np.array([c.rgb_to_camera for c in cameras])
    assert np.allclose(matrices.sum(axis=2), 1)
    four = np.array(plain.XYZ_TO_CAMERA) @ np.array(plain.RGB_TO_XYZ)
    rows = four / four.sum(axis=2, keepdims=True)  # a mixture's rows lie between those of the four cameras
    assert (matrices >= rows.min(axis=0) - 1e-9).all() and (matrices <= rows.max(axis=0) + 1e-9).all()


@pytest.mark.slow
def test_draws_are_those_of_the_published_code(levels, philox, shared):
    import json

    golden = json.loads((shared / "golden/isp/isp_golden.json").read_text())
    assert levels[:, 0].mean() == pytest.approx(golden["log_shot_mean"], abs=0.06)
    residual = levels[:, 1] - 2.18 * levels[:, 0] - 1.20
    assert residual.std() == pytest.approx(golden["log_read_resid_std"], abs=0.01)
    assert np.quantile(levels[:, 0], [0.25, 0.5, 0.75]) == pytest.approx(np.log(golden["shot_quantiles"][1:4]), abs=0.1)
    assert np.quantile(levels[:, 1], [0.25, 0.5, 0.75]) == pytest.approx(np.log(golden["read_quantiles"][1:4]), abs=0.2)
    rng = philox(2)
    gains = np.quantile([draw_camera(rng).rgb_gain for _ in range(20_000)], [0.01, 0.5, 0.99])
    assert gains == pytest.approx(golden["rgb_gain_quantiles"], rel=0.03)


@pytest.mark.parametrize(
    ("options", "parameter"),
    [
        ({"shot": 0.01}, "shot"),
        ({"shot": -1, "read": 0}, "shot"),
        ({"shot": 0, "read": "a"}, "read"),
        ({"process": "ful"}, "process"),
        ({"truth": None}, "truth"),
    ],
)
def test_bad_options(options, parameter):
    with pytest.raises(ValueError, match=f"^Isp: .*{parameter}"):
        Isp(**options)


def test_output_never_changes(digests):
    assert digests(Isp()) == HASHES
    assert digests(Isp("published", shot=0.01, read=0.0005)) == PUBLISHED_HASHES
