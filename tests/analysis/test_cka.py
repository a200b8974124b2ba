"""CKA against golden float64 values, against the formulas as they are written in the papers, and its intervals."""

import json
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy import stats

from analysis.cka import MAX_GROUPS, Cka, centred_gram, hsic

CASES = ("independent_64x48_64x32", "orthogonal_scaled_shifted", "linear_mix_noise", "n4_minimum", "wide_40x3000")


def cka(x, y, batch):
    """CKA of two arrays of features in minibatches."""
    measured = Cka(["x"], ["y"])
    for first in range(0, len(x), batch):
        measured.add(*({name: torch.as_tensor(f[first : first + batch])} for name, f in (("x", x), ("y", y))))
    return measured.result()


def song(x, y):
    """HSIC_1 by equation (5) of Song et al., in float64."""
    gram = [features.astype(float) @ features.astype(float).T for features in (x, y)]
    k, m = (one - np.diag(one.diagonal()) for one in gram)
    n, ones = len(k), np.ones(len(k))
    total = np.trace(k @ m) + ones @ k @ ones * (ones @ m @ ones) / ((n - 1) * (n - 2))
    return (total - 2 / (n - 2) * (ones @ k @ m @ ones)) / (n * (n - 3))


@pytest.fixture
def features():
    """Six batches of 8 images: three layers of which the second follows the first, and the third does not."""
    random = np.random.default_rng(3)
    first = random.normal(size=(6, 8, 20))
    second = first @ random.normal(size=(20, 12)) + 3 * random.normal(size=(6, 8, 12))
    third = random.normal(size=(6, 8, 30))
    return [[torch.from_numpy(layer[batch]) for layer in (first, second, third)] for batch in range(6)]


@pytest.mark.parametrize("case", CASES)
def test_golden(shared, case):
    inputs = np.load(shared / "golden/cka/cka_inputs.npz")
    golden = json.loads((shared / "golden/cka/cka_golden.json").read_text())["cases"][case]
    x, y = inputs[f"{case}.X"], inputs[f"{case}.Y"]
    assert cka(x, y, golden["batch"]).value.item() == pytest.approx(golden["minibatch"], abs=1e-9)
    assert cka(x, y, len(x)).value.item() == pytest.approx(golden["unbiased"], abs=1e-9)
    found = hsic(centred_gram(torch.from_numpy(x)), centred_gram(torch.from_numpy(y)))
    assert found == pytest.approx(golden["hsic1_xy_full"], rel=1e-9)


def test_hsic_is_that_of_song_et_al(features):
    for first, second, _ in features:
        by_hand = song(first.numpy(), second.numpy())
        assert hsic(centred_gram(first), centred_gram(second)) == pytest.approx(by_hand, rel=1e-10)


def test_every_pair_of_layers_at_once_is_every_pair_by_itself(features):
    together = Cka(["a", "b"], ["c", "d", "e"])
    for a, b, c in features:
        together.add({"a": a, "b": b}, {"c": a, "d": b, "e": c})
    alone = np.array(
        [
            [
                cka(*(torch.cat([batch[i] for batch in features]) for i in pair), 8).value.item()
                for pair in ((row, column) for column in range(3))
            ]
            for row in range(2)
        ]
    )
    np.testing.assert_allclose(together.result().value, alone, atol=1e-12)
    np.testing.assert_allclose(alone[[0, 1], [0, 1]], 1, atol=1e-12)
    assert alone[0, 1] > 0.4 > abs(alone[0, 2])


def test_one_side_twice_is_symmetric_with_ones(features):
    itself = Cka("abc", "abc")
    for batch in features:
        side = dict(zip("abc", batch, strict=True))
        itself.add(side, side)
    value = itself.result().value
    np.testing.assert_allclose(value, value.T, atol=0)
    np.testing.assert_allclose(value.diagonal(), 1, atol=1e-12)


def test_single_precision_with_a_large_mean_loses_nothing():
    """Float32 Gram matrices of such features have errors of the size of CKA itself."""
    random = np.random.default_rng(0)
    x = random.normal(size=(32, 500)).astype(np.float32)
    y = (x[:, :300] + random.normal(size=(32, 300))).astype(np.float32)
    shifted = (x + np.float32(1024)).astype(np.float32)  # a quarter of the digits are left
    exact = shifted.astype(float) - 1024
    assert cka(shifted, y, 16).value.item() == pytest.approx(cka(exact, y.astype(float), 16).value.item(), abs=1e-9)


def test_a_mean_a_million_times_the_deviation_loses_little():
    """Gram matrices of features that are not centred have no more than four digits left."""
    random = np.random.default_rng(0)
    x, y = random.normal(size=(2, 32, 500))
    y[:, :250] += x[:, :250]
    shifted = x + 1e6
    assert cka(shifted, y, 16).value.item() == pytest.approx(cka(shifted - 1e6, y, 16).value.item(), abs=1e-9)


def test_more_features_than_a_chunk_are_all_there():
    random = np.random.default_rng(0)
    x, y = random.normal(size=(2, 5, 20_000))
    assert hsic(centred_gram(torch.from_numpy(x)), centred_gram(torch.from_numpy(y))) == pytest.approx(song(x, y))


def test_unrelated_layers_may_be_negative_and_a_constant_one_is_not_a_number():
    random = np.random.default_rng(2)
    values = [cka(*random.normal(size=(2, 40, 10)), 8).value.item() for _ in range(20)]
    assert min(values) < 0 < max(values)
    assert np.isnan(cka(np.ones((8, 3)), random.normal(size=(8, 3)), 4).value.item())


def test_bounds_are_those_of_leaving_a_batch_out(features):
    pairs = [(a, b) for a, b, _ in features]
    found = cka(torch.cat([a for a, _ in pairs]), torch.cat([b for _, b in pairs]), 8)
    without = []
    for left_out in range(6):
        kept = [pair for i, pair in enumerate(pairs) if i != left_out]
        without.append(cka(torch.cat([a for a, _ in kept]), torch.cat([b for _, b in kept]), 8).value.item())
    error = np.sqrt(5 / 6 * np.sum((np.array(without) - np.mean(without)) ** 2))  # the jackknife of the textbooks
    half = stats.t.ppf(0.975, 5) * error
    assert found.high - found.value == pytest.approx(half, rel=1e-9)
    assert found.value - found.low == pytest.approx(half, rel=1e-9)


@pytest.mark.slow
def test_many_batches_are_grouped_and_lose_nothing():
    random = np.random.default_rng(1)
    x = random.normal(size=(200, 4, 6))
    y = x[..., :3] + random.normal(size=(200, 4, 3))
    found = cka(x.reshape(-1, 6), y.reshape(-1, 3), 4)
    by_hand = [np.mean([song(*pair) for pair in zip(a, b, strict=True)]) for a, b in ((x, y), (x, x), (y, y))]
    assert found.value.item() == pytest.approx(by_hand[0] / np.sqrt(by_hand[1] * by_hand[2]), rel=1e-9)
    assert MAX_GROUPS == 64  # 200 batches in 50 groups of 4 neighbours
    without = np.array(
        [
            cka(*(np.delete(f, np.s_[g : g + 4], 0).reshape(-1, f.shape[-1]) for f in (x, y)), 4).value
            for g in range(0, 200, 4)
        ]
    )
    error = np.sqrt(49 / 50 * ((without - without.mean()) ** 2).sum())
    assert (found.high - found.value).item() == pytest.approx(stats.t.ppf(0.975, 49) * error, rel=1e-9)


def test_memory_does_not_grow_with_the_number_of_batches(features):
    def held(measured):
        return sum(array.nbytes for array in vars(measured).values() if isinstance(array, np.ndarray))

    measured, sizes = Cka("a", "b"), []
    for _ in range(30):
        for a, b, _ in features:
            measured.add({"a": a}, {"b": b})
        sizes.append(held(measured))
    assert all(before == after for before, after in pairwise(sizes))


def test_too_few_images_or_batches():
    with pytest.raises(ValueError, match="got 3"):
        cka(np.zeros((3, 2)), np.zeros((3, 2)), 3)
    with pytest.raises(ValueError, match="got none"):
        Cka("a", "b").result()
    random = np.random.default_rng(0)
    assert np.isnan(cka(*random.normal(size=(2, 16, 3)), 8).low.item())  # two batches have no interval
    with pytest.raises(ValueError, match="numbers of images"):
        Cka("a", "b").add({"a": torch.zeros(5, 2)}, {"b": torch.zeros(4, 2)})
