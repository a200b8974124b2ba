"""Levels and names found again in stored images, and laws against SciPy and against the noises themselves."""

import re

import numpy as np
import pytest
from scipy import ndimage, stats

import noise_zoo
from noise_zoo.banding import Banding
from noise_zoo.chain import Chain
from noise_zoo.colour_gaussian import ColourGaussian
from noise_zoo.correlated import Correlated
from noise_zoo.gaussian import Gaussian
from noise_zoo.identification import identify, likelihoods
from noise_zoo.identification.fit import misfit
from noise_zoo.identification.identify import deterministic_noise
from noise_zoo.identification.sufficient_statistics import gather
from noise_zoo.isp import Isp
from noise_zoo.jpeg import Jpeg
from noise_zoo.mixture import Mixture
from noise_zoo.monte_carlo import MonteCarlo
from noise_zoo.poisson import Poisson
from noise_zoo.poisson_gaussian import PoissonGaussian
from noise_zoo.quantization import Quantization
from noise_zoo.random_mixture import RandomMixture
from noise_zoo.real import Real
from noise_zoo.salt_pepper import SaltPepper
from noise_zoo.speckle import Speckle


def stored(image):
    return np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)


@pytest.fixture(scope="module")
def scenes():
    """Three smooth scenes with edges, uint8 (160, 190, 3), from black to white."""
    row, column, channel = np.indices((160, 190, 3)) / 30.0
    waves = [
        np.sin(row * a + channel) + np.cos(column * b - row) + (column > 3 + a) for a, b in ((1, 2), (0.5, 3), (2, 1))
    ]
    return [stored((wave - wave.min()) / np.ptp(wave) * 1.1 - 0.05) for wave in waves]


@pytest.fixture
def found(scenes, philox):
    """Noise -> what is identified in the scenes under it."""

    def find(noise, images=scenes):
        pairs = []
        for seed, clean in enumerate(images):
            noisy, target = noise(clean.astype(np.float32) / 255, philox(seed))
            pairs.append((stored(noisy), stored(target)))
        return identify(pairs)

    return find


FIVE = [cls(level) for cls in (Gaussian, Speckle, Poisson, Correlated, SaltPepper) for level in cls.levels]
OTHERS = [
    Speckle(0.03, "gaussian"), Gaussian(1), Gaussian(100), Poisson(0.5), Speckle(0.3), SaltPepper(0.3), Correlated(9),
    ColourGaussian(25, 0.3), ColourGaussian(25, 1), Banding(10), Banding(10, "columns"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("noise", [*FIVE, *OTHERS], ids=str)
def test_names_and_levels(noise, found):
    result = found(noise)
    assert result.name == type(noise).__module__.removeprefix("noise_zoo.") and result.axis == noise.axis
    level = getattr(noise, noise.axis)
    assert abs(result.level.value - level) < 5 * result.level.error + 0.002 * level
    impulses = level * result.samples if isinstance(noise, SaltPepper) else np.inf
    if not isinstance(noise, Banding):  # a few hundred rows tell no more
        assert result.level.value == pytest.approx(level, rel=0.05 + 3 * (impulses < 2000) / np.sqrt(impulses))
    assert result.level.error < 0.1 * level and result.explained > 0.995
    for option, value in result.options.items():
        assert getattr(noise, option) == (pytest.approx(value, abs=0.02) if option == "correlation" else value)


@pytest.mark.slow
@pytest.mark.parametrize("noise", [Jpeg(35), Jpeg(80, "4:4:4"), Quantization(3), Quantization(6)], ids=str)
def test_noise_without_chance_is_made_again(noise, found):
    result = found(noise)
    assert (result.name, result.level.value, result.level.error) == (
        type(noise).__name__.lower(),
        getattr(noise, noise.axis),
        0,
    )
    assert result.noise == noise and result.options == ({"subsampling": "4:4:4"} if noise == Jpeg(80, "4:4:4") else {})


@pytest.mark.slow
@pytest.mark.parametrize("level", [1, 4])
def test_mixtures_are_named(level, found):
    result = found(Mixture(level))
    assert result.noise == Mixture(level) and result.level.value == level and result.explained > 0.99


@pytest.mark.slow
@pytest.mark.parametrize(
    "noise",
    [
        PoissonGaussian(60),
        PoissonGaussian(60, 0),
        PoissonGaussian(10, 0),
        PoissonGaussian(60, 1),
    ],
    ids=str,
)
def test_photons_and_read_noise_are_distinguished(noise, found):
    result = found(noise)
    assert result.name == "poisson_gaussian" and result.explained > 0.995
    assert result.noise.peak == pytest.approx(noise.peak, rel=0.03)
    assert result.noise.sigma == pytest.approx(noise.sigma, rel=0.03)
    assert result.options == ({} if noise.sigma == 25.5 else {"sigma": result.noise.sigma})
    assert abs(result.level.value - noise.peak) < 5 * result.level.error + 0.002 * noise.peak


@pytest.mark.slow
def test_the_same_law_by_two_names_has_the_simpler_one(found):
    assert found(PoissonGaussian(256, 0)).noise == Poisson(1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("noise", "kinds"),
    [
        (Chain(Gaussian(10), SaltPepper(0.02)), (Gaussian, SaltPepper)),
        (Chain(Speckle(0.02, "gaussian"), Gaussian(10)), (Speckle, Gaussian)),
        (Chain(PoissonGaussian(60, 5), SaltPepper(0.02)), (PoissonGaussian, SaltPepper)),
    ],
    ids=str,
)
def test_sums_are_chains_of_their_parts(noise, kinds, found):
    result = found(noise)
    assert result.name == "chain" and result.level is None and result.options == {} and result.explained > 0.99
    assert tuple(type(part) for part in result.noise.parts) == kinds
    for part, wanted in zip(result.noise.parts, noise.parts, strict=True):
        assert getattr(part, part.axis) == pytest.approx(getattr(wanted, part.axis), rel=0.05)
    component = result.components["density" if SaltPepper in kinds else "sigma"]
    assert component.error < 0.05 * component.value


def test_every_noise_of_the_zoo_is_named_here_or_cannot_be():
    """A new noise is identified in one of these tests, or it is said why no pair can show it."""
    named = {type(noise) for noise in (*FIVE, *OTHERS)} | {Jpeg, Quantization, Mixture, PoissonGaussian, Chain}
    not_shown = {Isp, RandomMixture, MonteCarlo, Real}  # another draw for each image, or recorded
    assert {getattr(noise_zoo, noise_zoo.class_name(name)) for name in noise_zoo.names()} == named | not_shown


@pytest.mark.slow
def test_clipping_biases_nothing(scenes, found):
    """Nearly black and nearly white scenes, where a third to a half of the noise is cut off."""
    dark, bright = [scene // 12 for scene in scenes], [255 - scene // 12 for scene in scenes]
    for images in (dark, bright):
        for noise in (Gaussian(50), SaltPepper(0.02), Correlated(50), Speckle(0.04)):
            if isinstance(noise, Speckle) and images is dark:
                continue  # a few grey values at most
            result = found(noise, images)
            assert result.name == type(noise).__module__.removeprefix("noise_zoo.")
            level = getattr(noise, noise.axis)
            assert abs(result.level.value - level) < min(5 * result.level.error + 0.002 * level, 0.06 * level)


@pytest.mark.slow
def test_few_pixels_do_not_make_a_claim(found, scenes):
    result = found(Poisson(2), [scenes[0][:4, :5]])
    assert result.name == "" or result.level.error > 0.02
    assert result.samples == 18


def test_a_few_equal_pixels_are_no_noise_made_again(scenes):
    clean = scenes[0][:20, :20]
    noisy = stored(Quantization(5)(clean.astype(np.float32) / 255, None)[0])
    assert deterministic_noise([(noisy, clean)]) == Quantization(5)
    assert deterministic_noise([(noisy[:9, :9], clean[:9, :9])]) is None
    changed = noisy.copy()
    changed[12, 15] ^= 1
    assert deterministic_noise([(changed, clean)]) is None


@pytest.mark.slow
def test_channels_that_oppose_each_other_are_not_colour_noise(found):
    class Opposed(Gaussian):
        def __call__(self, clean, rng):
            noise = self.sigma / 255 * rng.standard_normal((*clean.shape[:2], 1), dtype=np.float32)
            return clean + noise * np.float32([1, -1, 1]), clean

    result = found(Opposed(20))
    assert result.name == "" and result.channels.value < -0.9 and result.structure == ""


@pytest.mark.slow
def test_grey_images(found, scenes):
    result = found(Gaussian(25), [scene[..., :1] for scene in scenes])
    assert result.name == "gaussian" and np.isnan(result.channels.value)


def drawn(image, sigma=15, seed=0):
    """An image, floats of 255, under Gaussian noise."""
    noise = np.random.Generator(np.random.Philox(seed)).standard_normal(image.shape)
    return np.rint(np.clip(image + sigma * noise, 0, 255)).astype(np.uint8)


def textured(scenes):
    """The scenes with details, so that a shift of a part of a pixel shows."""
    random = np.random.default_rng(5)
    grain = [ndimage.gaussian_filter(random.normal(0, 60, scene.shape), (1.5, 1.5, 0)) for scene in scenes]
    return [np.clip(scene + rough, 0, 255).astype(np.uint8) for scene, rough in zip(scenes, grain, strict=True)]


NO_PAIRS = {
    "not aligned.* 1 pixel left": lambda clean: (drawn(clean[:, 1:]), clean[:, :-1]),
    "not aligned.* 2 pixels right and 3 pixels up": lambda clean: (clean[3:, :-2], clean[:-3, 2:]),
    "not aligned.* 0.5 pixels down": lambda clean: (
        drawn(ndimage.shift(clean.astype(float), (0.5, 0, 0), order=1, mode="nearest")),
        clean,
    ),
    "content": lambda clean: (drawn(clean[::-1, ::-1]), clean),
    "same content": lambda clean: (drawn(255.0 - clean), clean),
    "order.*blue, green, red": lambda clean: (drawn(clean[..., ::-1], 30), clean),
}


@pytest.mark.parametrize("words", NO_PAIRS)
def test_what_is_no_pair_has_no_noise(words, scenes):
    result = identify([NO_PAIRS[words](clean) for clean in textured(scenes)])
    assert result.noise is None and re.search(words, result.problem)


CONTRADICTED = {
    "offset": lambda clean: drawn(clean + 3.0, 25),
    "factor": lambda clean: drawn(clean * 1.05),
    "tone curve": lambda clean: drawn(255 * (clean / 255) ** 1.1),
    "blurred": lambda clean: drawn(ndimage.gaussian_filter(clean.astype(float), (0.8, 0.8, 0))),
    "salt alone": lambda clean: np.where(drawn(0.0 * clean, 1, 1) > 2, 255, clean).astype(np.uint8),
    "sigma by place": lambda clean: drawn(clean, np.linspace(5, 40, clean.shape[1])[None, :, None]),
    "JPEG": lambda clean: stored(Jpeg(95)(drawn(clean).astype(np.float32) / 255, None)[0]),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", CONTRADICTED)
def test_a_law_that_the_images_contradict_is_not_named_nor_trusted(what, scenes):
    result = identify([(CONTRADICTED[what](clean), clean) for clean in textured(scenes)])
    assert result.noise is None and not result.problem
    assert result.doubtful or result.brightness or not result.structure or result.explained < 0.9
    assert len(result.brightness) > 1 or what not in ("offset", "factor", "tone curve")


def test_equal_images(scenes):
    result = identify([(scene, scene) for scene in scenes])
    assert result.name == "" and not result.components and result.explained == 1


@pytest.mark.slow
def test_errors_are_those_of_repetition(scenes, philox):
    """The stated error of a level is the scatter of the levels of other draws."""
    levels = []
    for draw in range(8):
        noise = Gaussian(25)
        pairs = [(stored(noise(s.astype(np.float32) / 255, philox((draw, i)))[0]), s) for i, s in enumerate(scenes)]
        levels.append(identify(pairs).level)
    scatter = np.std([level.value for level in levels], ddof=1)
    stated = np.mean([level.error for level in levels])
    assert 0.4 < stated / scatter < 2.2  # five standard deviations of the scatter of eight
    theory = 25 / np.sqrt(2 * 3 * 158 * 188 * 3)
    assert stated == pytest.approx(theory, rel=0.35)


@pytest.mark.parametrize(
    ("pairs", "named"),
    [
        ([], "at least one pair"),
        ([(np.zeros((4, 4, 3)), np.zeros((4, 4, 3)))], "float64"),
        ([(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 3), np.uint8))], r"\(4, 5, 3\)"),
        ([(np.zeros((2, 9, 3), np.uint8),) * 2], "9x2"),
    ],
)
def test_bad_pairs(pairs, named):
    with pytest.raises(ValueError, match=named):
        identify(pairs)


CASES = [
    (Gaussian(25), likelihoods.gaussian(25)),
    (Speckle(0.04), likelihoods.speckle(0.04)),
    (Speckle(0.04, "gaussian"), likelihoods.gaussian_speckle(0.04)),
    (SaltPepper(0.1), likelihoods.salt_pepper(0.1)),
    (PoissonGaussian(60), likelihoods.poisson_gaussian(60, 25.5)),
    (PoissonGaussian(60, 0), likelihoods.poisson_gaussian(60, 0)),
    (PoissonGaussian(1000, 3), likelihoods.poisson_gaussian(1000, 3)),
    (PoissonGaussian(5000, 3), likelihoods.poisson_gaussian(5000, 3)),
    (Mixture(1), likelihoods.mixture(1)),
    (Mixture(4), likelihoods.mixture(4)),
]


@pytest.mark.parametrize("clean", [0, 3, 128, 250, 255])
@pytest.mark.parametrize(("noise", "law"), CASES, ids=[str(noise) for noise, _ in CASES])
def test_laws_are_those_of_the_noises(noise, law, clean, philox):
    assert np.allclose(law.sum(axis=1), 1) and (law >= 0).all()
    noisy, _ = noise(np.full((300, 300, 3), clean / 255, np.float32), philox(clean))
    check_law(law[clean], stored(noisy))


@pytest.mark.parametrize("alpha", [1, 2.5])
@pytest.mark.parametrize("clean", [1, 20, 128, 250])
def test_law_of_photons(alpha, clean, philox):
    image = np.full((300, 300, 3), clean, np.uint8)
    image.reshape(-1)[:256] = np.arange(256)  # so that there are 256 photons at white
    noisy, _ = Poisson(alpha)(image.astype(np.float32) / 255, philox(clean))
    check_law(likelihoods.poisson(alpha)[clean], stored(noisy).ravel()[256:])
    k = np.arange(600)
    values = np.rint(np.clip(clean + alpha * (255 / 256 * k - clean), 0, 255))
    theirs = np.bincount(values.astype(int), stats.poisson(clean / 255 * 256).pmf(k), 256)
    assert np.allclose(likelihoods.poisson(alpha)[clean], theirs, rtol=0, atol=1e-9)
    smooth = np.cumsum(likelihoods.smooth_poisson(alpha), axis=1)
    teeth = np.cumsum(likelihoods.poisson(alpha), axis=1)
    assert np.abs(smooth - teeth)[100:].max() < 0.08 * alpha and np.allclose(
        likelihoods.smooth_poisson(alpha).sum(axis=1), 1
    )


def check_law(probability, samples):
    observed = np.bincount(samples.ravel(), minlength=256)
    expected = probability * observed.sum()
    kept = expected > 5
    assert observed[~kept].sum() <= expected[~kept].sum() + 5 * np.sqrt(expected[~kept].sum()) + 1
    shares = expected[kept] * observed[kept].sum() / expected[kept].sum()
    if kept.sum() > 1:
        assert stats.chisquare(observed[kept], shares).pvalue > 1e-6


@pytest.mark.oracle
def test_normal_law_is_that_of_scipy():
    for clean in (0, 100, 255):
        edges = np.concatenate([[-np.inf], np.arange(255) + 0.5, [np.inf]])
        assert np.allclose(
            likelihoods.gaussian(30)[clean], np.diff(stats.norm(clean, 30).cdf(edges)), rtol=0, atol=1e-12
        )


def test_general_law_is_the_sum_of_its_parts():
    assert np.array_equal(likelihoods.general(25, np.inf, 0, 0), likelihoods.gaussian(25))
    assert np.allclose(likelihoods.general(0, np.inf, 0.04, 0), likelihoods.gaussian_speckle(0.04), rtol=0, atol=1e-12)
    assert np.allclose(likelihoods.general(0, np.inf, 0, 0.1), likelihoods.salt_pepper(0.1), rtol=0, atol=1e-12)
    law = likelihoods.general(10, 50, 0.01, 0)[128]
    mean = law @ np.arange(256)
    variance = 100 + 255 * 128 / 50 + 0.01 * 128**2
    assert mean == pytest.approx(128, abs=0.05) and law @ (np.arange(256) - mean) ** 2 == pytest.approx(
        variance, rel=0.02
    )


@pytest.mark.parametrize(
    ("noise", "lag", "wanted"),
    [
        (Gaussian(25), (0, 1), 0),
        (Correlated(45), (0, 1), 2 / 3),
        (Correlated(45), (1, 1), 4 / 9),
        (Correlated(45), (2, 0), 1 / 3),
        (Correlated(45), (0, 3), 0),
        (Banding(20), (0, 9), 1),
        (ColourGaussian(25, 0.4), "channels", 0.4),
        (Chain(Correlated(45), SaltPepper(0.01)), (0, 1), 2 / 3),
    ],
    ids=str,
)
def test_correlations(noise, lag, wanted, scenes, philox):
    pairs = [(stored(noise(scene.astype(np.float32) / 255, philox(0))[0]), scene) for scene in scenes]
    evidence = gather(pairs)
    found = evidence.channels if lag == "channels" else evidence.lags[lag]
    assert found.value == pytest.approx(wanted, abs=0.025)
    if isinstance(noise, Gaussian):
        assert abs(found.value) < 5 * found.error and found.error == pytest.approx(
            np.pi / 2 / np.sqrt(3 * 160 * 189 * 3), rel=0.2
        )


def test_misfit_is_the_share_that_lies_elsewhere():
    rng = np.random.default_rng(0)
    clean = rng.integers(60, 190, 400_000)
    noisy = np.rint(rng.normal(clean, 10)).astype(int)
    counts = np.bincount(clean * 256 + noisy, minlength=256 * 256).reshape(256, 256)
    assert misfit(counts, likelihoods.gaussian(10), 1) < 0.002
    moved = noisy.copy()
    moved[: len(moved) // 10] = 255  # a tenth, far outside
    counts = np.bincount(clean * 256 + moved, minlength=256 * 256).reshape(256, 256)
    assert misfit(counts, likelihoods.gaussian(10), 1) == pytest.approx(0.1, abs=0.015)
