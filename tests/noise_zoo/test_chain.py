from typing import ClassVar

import numpy as np
import pytest

from noise_zoo.chain import Chain
from noise_zoo.gaussian import Gaussian
from noise_zoo.isp import Isp
from noise_zoo.jpeg import Jpeg
from noise_zoo.poisson import Poisson
from noise_zoo.quantization import Quantization
from noise_zoo.salt_pepper import SaltPepper
from noise_zoo.speckle import Speckle

# SHA-256 of the output for seeds 0 and 1; where they must change, so must a part's version.
HASHES = [
    "151c24ea403d38d2ff5b962db6c62982b51cd5f2033ac1d4c49dc9877edf30b7",
    "f4e742801910bb9c7a454239fd3ce25fa47229f1bb6585f70c66a2bd38864584",
]


def test_is_its_parts_in_order_on_one_stream(picture, philox):
    rng = philox(0)
    first, _ = Gaussian(10)(picture, rng)
    second, _ = Speckle(0.03)(first, rng)
    third, _ = SaltPepper(0.01)(second, rng)
    noisy, clean = Chain(Gaussian(10), Speckle(0.03), SaltPepper(0.01))(picture, philox(0))
    assert np.array_equal(noisy, third) and np.array_equal(clean, picture)
    other, _ = Chain(SaltPepper(0.01), Speckle(0.03), Gaussian(10))(picture, philox(0))
    assert not np.array_equal(noisy, other)


def test_variances_of_independent_parts_add_up(flat, philox, check_moments):
    x, sigma, var = 0.5, 20 / 255, 0.02
    noisy, _ = Chain(Gaussian(20), Speckle(var, "gaussian"))(flat(x), philox(0))
    variance = sigma**2 + var * (x**2 + sigma**2)
    check_moments(noisy, x, variance)


def test_a_chain_in_a_chain_is_the_longer_chain():
    parts = Gaussian(10), Poisson(1), SaltPepper(0.002)
    nested = Chain(Chain(parts[0], parts[1]), parts[2])
    assert nested == Chain(*parts) == Chain(parts[0], Chain(*parts[1:])) and hash(nested) == hash(Chain(*parts))


def test_the_clean_image_of_the_first_part_counts(picture, philox):
    noisy, clean = Chain(Isp(), Jpeg(50))(picture, philox(0))
    developed, target = Isp()(picture, philox(0))
    assert np.array_equal(clean, target) and np.array_equal(noisy, Jpeg(50)(developed, philox(0))[0])
    assert not Chain(Isp(), Jpeg(50)).keeps_clean and Chain(Gaussian(10), Jpeg(50)).keeps_clean


def test_properties_follow_the_parts():
    class Newer(Gaussian):
        version: ClassVar[int] = 3

    assert Chain(Gaussian(1), Gaussian(1)).version == 1
    assert Chain(Newer(1), Gaussian(1)).version == 3 and Chain(Newer(1), Newer(1)).version == 5
    assert Chain(Gaussian(1), Jpeg(50)).random and not Chain(Quantization(3), Jpeg(50)).random


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ((), "got 0"),
        ((Gaussian(10),), "got 1"),
        ((Gaussian(10), 25), "got 25"),
        ((Gaussian(10), Gaussian), "got <class"),
        ((Gaussian(10), Isp()), "first"),
    ],
)
def test_bad_parts(parts, words):
    with pytest.raises(ValueError, match="^Chain: .*" + words):
        Chain(*parts)


def test_output_never_changes(digests):
    assert digests(Chain(Gaussian(10), Poisson(1), SaltPepper(0.002))) == HASHES
