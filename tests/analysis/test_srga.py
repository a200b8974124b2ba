"""SRGA against the golden values of the official script, its parts against SciPy and scikit-learn, and its interval."""

import json

import numpy as np
import pytest
from scipy import integrate, stats

from analysis import pca, srga
from analysis.srga import GeneralizedGaussian

NOISES = ("ref", "same_dist", "scale1.3", "noisy", "heavy", "outliers", "shift10")
CASES = {"A": "A_200x600_pca50_randomized", "B": "B_120x300_pca40_full"}


@pytest.fixture(scope="module")
def golden(shared):
    return json.loads((shared / "golden/srga/srga_golden.json").read_text())


@pytest.fixture(scope="module")
def inputs(shared):
    with np.load(shared / "golden/srga/srga_inputs.npz") as file:
        return {name: file[name] for name in file.files}


@pytest.fixture
def rows():
    """(60, 500) float32 of falling variance, with a mean that is far from 0."""
    random = np.random.default_rng(0)
    return (random.normal(size=(60, 500)) * np.linspace(3, 0.1, 500) + 40).astype(np.float32)


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("case", list(CASES))
@pytest.mark.parametrize(("method", "column"), [("official", "official"), ("exact", "exact_pca")])
def test_golden(golden, inputs, case, noise, method, column):
    of_case = golden[CASES[case]]
    reference, test = (
        srga.fit_features(inputs[f"{case}.{name}"], [0], of_case["pca"], method) for name in ("ref", noise)
    )
    wanted = of_case["rows"][noise][column]
    assert test.whole.sigma == pytest.approx(wanted["sigma"], rel=1e-6)
    assert test.whole.shape == pytest.approx(wanted["beta"], abs=1e-9)
    # the official way is float32, whose sums depend on how many threads BLAS has
    tolerance = 1e-5 if method == "official" else 1e-6
    assert srga.score(reference.whole, test.whole) == pytest.approx(wanted["srga"], abs=tolerance)


def test_golden_number_of_trimmed_values(golden, inputs):
    for noise in NOISES:
        values = pca.official_scores(inputs[f"A.{noise}"], 50).ravel()
        removed = golden[CASES["A"]]["rows"][noise]["official"]["removed"]
        assert len(values) - len(srga.trimmed(values)) == removed


def test_golden_divergence(golden):
    for text, wanted in golden["ggd_kl"].items():
        a, b, c, d = (float(part) for part in text.strip("()").split(","))
        found = srga.divergence(GeneralizedGaussian(a, b), GeneralizedGaussian(c, d))
        assert found == pytest.approx(wanted, abs=1e-14)


@pytest.mark.oracle
@pytest.mark.parametrize(("shape", "other"), [(0.6, 1.4), (2, 2), (1, 3.3), (4, 0.8)])
def test_divergence_is_that_of_scipy_by_integration(shape, other):
    def density(sigma, shape):
        plain = stats.gennorm(shape)
        return stats.gennorm(shape, scale=sigma / plain.std())

    one, two = density(1.2, shape), density(0.9, other)
    integral, _ = integrate.quad(
        lambda v: one.pdf(v) * (one.logpdf(v) - two.logpdf(v)), 0, 60, limit=400, points=[1e-3]
    )
    found = srga.divergence(GeneralizedGaussian(1.2, shape), GeneralizedGaussian(0.9, other))
    assert found == pytest.approx(2 * integral, abs=1e-6)


@pytest.mark.oracle
@pytest.mark.parametrize("shape", [0.5, 1, 2, 5])
def test_the_fit_finds_the_shape_of_scipy_s_samples(shape):
    values = stats.gennorm(shape, scale=1.7).rvs(200_000, random_state=np.random.default_rng(0))
    found = srga.fitted(values)
    assert found.shape == pytest.approx(shape, rel=0.03)
    assert found.sigma == pytest.approx(stats.gennorm(shape, scale=1.7).std(), rel=0.02)


def test_sigma_is_about_zero_and_the_distance_about_the_mean():
    values = np.random.default_rng(0).normal(3, 1, 100_000)
    assert srga.fitted(values).sigma == pytest.approx(np.sqrt(10), rel=0.01)
    assert srga.fitted(values).shape < 0.25  # as in the golden value normal_mean3


def test_values_are_trimmed_once_at_five_deviations():
    values = np.r_[np.tile([-1.0, 1.0], 500), 5.1, 100, -100]
    kept = srga.trimmed(values)
    assert 5.1 in kept and 100 not in kept and len(kept) == 1001


@pytest.mark.oracle
def test_exact_scores_are_those_of_scikit_learn(rows):
    from sklearn.decomposition import PCA

    wanted = PCA(59, svd_solver="full").fit_transform(rows.astype(np.float64))
    np.testing.assert_allclose(pca.exact_scores(rows, 59), wanted, atol=1e-8)


def test_columns_beyond_a_block_are_all_there(monkeypatch, rows):
    whole = pca.exact_scores(rows, 20)
    monkeypatch.setattr(pca, "BLOCK", 64)
    np.testing.assert_allclose(pca.exact_scores(rows, 20), whole, atol=1e-9)


def test_a_part_of_a_gram_matrix_is_the_gram_matrix_of_a_part(rows):
    part = [3, 8, 9, 30, 41]
    whole = pca.centred_gram(rows)
    np.testing.assert_allclose(pca.recentred(whole[np.ix_(part, part)]), pca.centred_gram(rows[part]), atol=1e-8)
    scores = pca.scores_of_gram(pca.centred_gram(rows[part]), 3)
    assert (scores.max(0) >= -scores.min(0)).all()
    np.testing.assert_allclose(np.abs(scores), np.abs(pca.exact_scores(rows[part], 3)), atol=1e-8)


def test_identical_features_score_nothing(rows):
    deep = srga.fit_features(rows, np.arange(60) // 6, 30)
    found = srga.compare(deep, deep)
    assert (found.value, found.low, found.high) == pytest.approx((0, 0, 0), abs=1e-9)


def sample(seed, groups, scale=1.0, shape=(8, 200)):
    """Features of 8 patches from each of some photographs, which have something of their own."""
    random = np.random.default_rng(seed)
    own = random.normal(size=(groups, 1, shape[1]))
    return ((own + random.laplace(size=(groups, *shape))) * scale).reshape(-1, shape[1]).astype(np.float32)


@pytest.mark.slow
def test_bounds_are_as_wide_as_the_score_moves_with_other_photographs():
    """And somewhat wider: the jackknife of so curved a score is on the safe side."""
    groups, found = np.repeat(np.arange(12), 8), []
    for seed in range(30):
        samples = (sample(seed + apart, 12, scale) for apart, scale in ((0, 1.0), (1000, 1.25)))
        found.append(srga.compare(*(srga.fit_features(features, groups, 60, draws=30) for features in samples)))
    half = np.array([(one.high - one.low) / 2 for one in found]) / stats.t.ppf(0.975, 11)
    spread = np.std([one.value for one in found])
    assert 0.9 < np.sqrt(np.mean(half**2)) / spread < 2


def test_halves_are_those_of_the_photographs(rows, monkeypatch):
    """A half by its Gram matrix is the half by itself, and both noises have the same halves."""
    seen = []
    original = srga.pca.recentred
    monkeypatch.setattr(srga.pca, "recentred", lambda gram: seen.append(gram) or original(gram))
    groups = np.repeat(np.arange(5), 12)
    deep = srga.fit_features(rows, groups, 30, draws=3)
    assert (deep.photographs, deep.kept, [len(gram) for gram in seen]) == (5, 3, [36] * 3)
    again = srga.fit_features(rows, groups, 30, draws=3)
    assert again.halves == deep.halves and len(set(deep.halves)) > 1
    chosen = np.random.default_rng(0).choice(5, 3, replace=False)
    alone = srga.fit_features(rows[np.isin(groups, chosen)], [0], 18).whole
    assert deep.halves[0].sigma == pytest.approx(alone.sigma, rel=1e-9)


def test_few_photographs_give_no_bounds(rows):
    def found(photographs):
        groups = np.arange(60) % photographs
        return srga.compare(*(srga.fit_features(rows * np.float32(scale), groups, 30, draws=5) for scale in (1, 1.3)))

    assert found(4).value > 2 and np.isnan(found(4).low) and np.isnan(found(4).high)
    assert np.isfinite(found(5).low)


def test_bad_input(rows):
    with pytest.raises(ValueError, match="got 61"):
        srga.fit_features(rows, [0] * 60, 61)
    with pytest.raises(ValueError, match="'full'"):
        srga.fit_features(rows, [0] * 60, 10, "full")
    with pytest.raises(ValueError, match="constant"):
        srga.fit_features(np.ones((8, 9)), [0] * 8, 3)
    with pytest.raises(ValueError, match="got 0"):
        pca.exact_scores(rows, 0)
