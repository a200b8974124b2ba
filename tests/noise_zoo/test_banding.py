import numpy as np
import pytest
from scipy import stats

from noise_zoo.banding import Banding

# SHA-256 of the output for seeds 0 and 1; where they must change, so must the noise's version.
HASHES = [
    "b1e883240d7421897ec493248b799633828ea61638243724816b5e5b6c5c1743",
    "40285b989b8cda3226588e997c265a48f9aa1e2d314e7fb85459bbb477f9a774",
]
COLUMN_HASHES = [
    "e7d2f071203345375d6067a82db7f9c6cb3796cb74e32677da0046b632903587",
    "5f1e19068902147ddd64871142442036aad1e5f39614998e10f8b0a640c96149",
]


@pytest.mark.slow
@pytest.mark.parametrize("direction", ["rows", "columns"])
def test_one_offset_a_line(direction, flat, philox, check_moments):
    noisy, clean = Banding(10, direction)(flat(0.5, (4000, 4000, 1)), philox(1))
    noise = (noisy - clean)[..., 0] if direction == "rows" else (noisy - clean)[..., 0].T
    assert np.array_equal(noise, np.broadcast_to(noise[:, :1], noise.shape))
    offsets = noise[:, 0] * 255 / 10
    check_moments(offsets, 0, 1, fourth=3)
    assert stats.kstest(offsets, "norm").pvalue > 1e-6
    assert abs(np.mean(offsets[1:] * offsets[:-1])) < 5 / np.sqrt(len(offsets))


def test_channels_share_the_offset(picture, philox):
    noisy, clean = Banding(10)(picture, philox(0))
    assert np.allclose((noisy - clean).std(axis=2), 0, atol=1e-7)


def test_bad_directions():
    with pytest.raises(ValueError, match="^Banding: direction"):
        Banding(10, "row")


def test_output_never_changes(digests):
    assert digests(Banding(10)) == HASHES
    assert digests(Banding(10, "columns")) == COLUMN_HASHES
