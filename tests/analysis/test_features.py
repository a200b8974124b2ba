"""Projections against scikit-learn, distances against SciPy and closed forms, intervals against fresh samples."""

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.decomposition import PCA

from analysis.features import (
    EDGES,
    MAX_GROUPS,
    PLANE_CELLS,
    PLANE_REACH,
    Histograms,
    Moments,
    channel_vectors,
    distance,
    wasserstein,
)


def counted(values, group=0):
    """Histograms of (n,) or (n, K) values, as one group."""
    found = Histograms(1 if np.ndim(values) == 1 else values.shape[1])
    found.add(torch.as_tensor(values).reshape(len(values), -1), group)
    return found


@pytest.fixture
def vectors():
    """(3000, 5) with unequal, correlated directions far from 0; the last is a copy of the first."""
    random = np.random.default_rng(0)
    found = random.normal(size=(3000, 4)) * [5, 2, 1, 0.1] @ random.normal(size=(4, 4)) + 100
    return np.c_[found, found[:, :1]]


def test_vectors_are_the_channels_of_a_place():
    image = torch.arange(2 * 3 * 4 * 5.0).view(2, 3, 4, 5)
    rows = channel_vectors(image.flatten(1), (1, 3, 4, 5))
    assert rows.shape == (40, 3) and torch.equal(rows[21], image[1, :, 0, 1])
    tokens = torch.arange(2 * 6 * 3.0).view(2, 6, 3)
    assert torch.equal(channel_vectors(tokens.flatten(1), (1, 6, 3)), tokens.flatten(0, 1))
    assert torch.equal(channel_vectors(image.flatten(1), (3, 1, 4, 5))[20:40, 0], image[0, 1].flatten())  # grey
    with pytest.raises(ValueError, match=r"\(2, 3, 4, 5\)"):
        channel_vectors(torch.zeros(1, 120), (1, 2, 3, 4, 5))


def test_the_projection_is_whitened_pca(vectors):
    moments = Moments()
    for part in np.array_split(vectors, [10, 11, 900]):
        moments.add(torch.from_numpy(part).float())
    found = moments.projection()
    pca = PCA(4, whiten=True).fit(vectors)
    np.testing.assert_allclose(found.shares, pca.explained_variance_ratio_, rtol=1e-3)
    coordinates = found(torch.from_numpy(vectors))
    assert coordinates.shape == (3000, 4)  # the copy is no direction of its own
    np.testing.assert_allclose(np.abs(coordinates[:, :3].numpy()), np.abs(pca.transform(vectors)[:, :3]), atol=2e-2)
    np.testing.assert_allclose(coordinates.std(0), 1, atol=1e-2)
    np.testing.assert_allclose(coordinates.mean(0), 0, atol=1e-2)


def test_features_that_do_not_vary_are_an_error():
    moments = Moments()
    moments.add(torch.ones(10, 3))
    with pytest.raises(ValueError, match="constant"):
        moments.projection()


@pytest.mark.oracle
@pytest.mark.parametrize("shift", [0.01, 0.5, 40])
@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_distances_are_those_of_scipy(shift, scale):
    random = np.random.default_rng(1)
    first, second = random.normal(size=5000), random.standard_t(3, size=4000) * scale + shift
    found = wasserstein(counted(first).counts.sum((0, 1)), counted(second).counts.sum((0, 1)))
    assert found == pytest.approx(stats.wasserstein_distance(first, second), rel=0.01, abs=2e-3)


def test_the_distance_is_the_mean_over_components():
    random = np.random.default_rng(1)
    first, second = random.normal(size=(2, 20_000, 2))
    second[:, 1] += 3
    found = distance(counted(first), counted(second))
    assert found.value == pytest.approx(1.5, abs=0.03)
    assert distance(counted(first), counted(first)).value == 0


def test_the_density_is_that_of_the_values():
    values = np.random.default_rng(0).laplace(size=(100_000, 2))
    density = counted(values).density()
    assert (density * np.diff(EDGES)).sum() == pytest.approx(1)
    wanted, _ = np.histogram(values, EDGES, density=True)
    np.testing.assert_allclose(density, wanted, rtol=0.02, atol=1e-3)


def test_the_plane_counts_the_first_two_coordinates():
    found = counted(np.array([[0.01, -5.99, 9], [0.01, -5.99, 9], [3.01, 100, 9]]))
    middle, three = PLANE_CELLS // 2, round(9 / (2 * PLANE_REACH) * PLANE_CELLS)
    assert (found.plane[middle, 0], found.plane[three, -1], found.plane.sum()) == (2, 1, 3)


def test_outliers_are_as_far_as_they_are():
    values = np.zeros(1000)
    spiked = values.copy()
    spiked[0] = 5000.0
    found = wasserstein(counted(values).counts.sum((0, 1)), counted(spiked).counts.sum((0, 1)))
    assert found == pytest.approx(5, rel=0.02)


def grouped(random, shift, groups=12):
    found = Histograms(1)
    for group, own in enumerate(random.normal(size=groups) * 0.2 + shift):
        found.add(torch.from_numpy(random.normal(own, 1, size=(400, 1))), group)
    return found


def test_bounds_are_as_wide_as_the_distance_moves_with_other_photographs():
    random, found = np.random.default_rng(0), []
    for _ in range(60):
        found.append(distance(grouped(random, 0), grouped(random, 1)))
    values = np.array([one.value for one in found])
    half = np.array([(one.high - one.low) / 2 for one in found]) / stats.t.ppf(0.975, 11)
    assert np.sqrt(np.mean(half**2)) / values.std() == pytest.approx(1, abs=0.3)
    inside = [one.low < 1 < one.high for one in found]
    assert np.mean(inside) > 0.85


def test_few_groups_give_no_bounds_and_many_photographs_share():
    random = np.random.default_rng(0)
    assert np.isnan(distance(grouped(random, 0, 2), grouped(random, 1, 2)).low)
    many = grouped(random, 0, 2 * MAX_GROUPS)
    assert (many.counts.sum((1, 2)) == 800).all() and len(many.counts) == MAX_GROUPS
