import numpy as np
import pytest
from scipy import fft

from noise_zoo.jpeg import Jpeg

# SHA-256 of the output, the same for every seed; it depends on libjpeg, whose decoders agree to the bit since 1998.
HASH = "1dd2d7e4cd7d3a8b0841c101dd5c4f17a631681c024fbe2dc4428cec10c43870"
FULL_COLOUR_HASH = "bc06d6704600f1566cac41fd57037c6b54397e0a7e0508d0079c87cf3de85ffb"

LUMINANCE = np.array(  # ITU-T T.81, table K.1: the steps of quality 50
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)


@pytest.fixture
def texture():
    """Grey, far from black and white, so that nothing is clipped: (160, 240, 1)."""
    return np.clip(np.random.default_rng(0).normal(0.5, 0.1, (160, 240, 1)), 0.1, 0.9).astype(np.float32)


@pytest.mark.parametrize(("quality", "scale"), [(50, 1), (25, 2), (75, 0.5)])
def test_coefficients_are_multiples_of_the_standard_table(quality, scale, texture, philox):
    noisy, _ = Jpeg(quality)(texture, philox(0))
    blocks = (noisy[..., 0] * 255 - 128).reshape(20, 8, 30, 8).swapaxes(1, 2)
    coefficients = fft.dctn(blocks, axes=(2, 3), norm="ortho")
    table = np.maximum(np.floor(LUMINANCE * scale + 0.5), 1)
    rest = coefficients - table * np.rint(coefficients / table)
    assert np.sqrt(np.mean(rest**2)) == pytest.approx(np.sqrt(1 / 12), rel=0.1)  # rounding of the pixels, no more


def test_error_falls_with_the_quality(picture, philox):
    errors = [np.mean((Jpeg(quality)(picture, philox(0))[0] - picture) ** 2) for quality in (5, 10, 20, 50, 90, 100)]
    assert errors == sorted(errors, reverse=True)


def test_colour_at_half_size_and_at_full(philox):
    """A red dot bleeds into the block of 16x16 around it, or stays."""
    dots = np.full((32, 32, 3), 0.5, np.float32)
    dots[5, 9] = (1, 0, 0)
    half, full = (Jpeg(95, subsampling)(dots, philox(0))[0] for subsampling in ("4:2:0", "4:4:4"))
    assert np.abs(full[5, 9] - dots[5, 9]).max() < 0.1 < np.abs(half[5, 9] - dots[5, 9]).max()


def test_values_outside_are_clipped(picture, philox):
    assert np.array_equal(
        Jpeg(30)(picture * 3 - 1, philox(0))[0], Jpeg(30)(np.clip(picture * 3 - 1, 0, 1), philox(0))[0]
    )


@pytest.mark.parametrize("quality", [0, 101, 50.5, None])
def test_bad_qualities(quality):
    with pytest.raises(ValueError, match="^Jpeg: quality"):
        Jpeg(quality)


def test_output_never_changes(digests):
    assert digests(Jpeg(30)) == [HASH, HASH]
    assert digests(Jpeg(30, "4:4:4")) == [FULL_COLOUR_HASH, FULL_COLOUR_HASH]
