import numpy as np
import pytest

from noise_zoo.quantization import Quantization

# SHA-256 of the output, the same for every seed; where it must change, so must the noise's version.
HASH = "07f88527d0ef2ce0526e6fc9e91ecd524f238d58385b1ffe240b7d354a5bc192"


@pytest.mark.slow
@pytest.mark.parametrize("bits", range(1, 9))
def test_nearest_of_equal_steps(bits, philox):
    x = np.linspace(0, 1, 100_001, dtype=np.float32).reshape(-1, 1, 1)
    noisy, _ = Quantization(bits)(x, philox(0))
    steps = np.linspace(0, 1, 2**bits)
    assert np.allclose(np.unique(noisy), steps, atol=1e-7)
    nearest = steps[np.abs(x.reshape(-1, 1) - steps).argmin(axis=1)]
    assert np.mean(np.abs(noisy.ravel() - nearest) > 1e-6) < 1e-3  # but for halves
    step = steps[1]
    assert np.mean((noisy - x) ** 2) == pytest.approx(step**2 / 12, rel=1e-3)  # Gersho & Gray


def test_eight_bits_keep_eight_bit_values(picture, philox):
    assert np.allclose(Quantization(8)(picture, philox(0))[0], picture, atol=1e-7)


def test_values_outside_are_clipped(philox):
    outside = np.array([[[-3.0, 7.0]]], np.float32)
    assert Quantization(3)(outside, philox(0))[0].tolist() == [[[0, 1]]]


@pytest.mark.parametrize("bits", [0, 9, 2.5, None])
def test_bad_bits(bits):
    with pytest.raises(ValueError, match="^Quantization: bits"):
        Quantization(bits)


def test_output_never_changes(digests):
    assert digests(Quantization(3)) == [HASH, HASH]
