"""Statistics of pairs of noisy and clean images that noise identification needs, accumulated in one pass.

Counts of (clean value, noisy value) are sufficient for noise of independent samples. Dependence between neighbours is
measured by the correlation of the signs of the noise, which is robust to clipping and impulses.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from noise_zoo.poisson import photons_at_white

ImagePair = tuple[np.ndarray, np.ndarray]  # (noisy, clean), uint8 (H, W, C)
N_GROUPS = 24  # groups of the data, for sandwich estimates of standard errors
N_STRIPS = 8  # horizontal strips of an image, assigned to the groups in turn
LAGS = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (0, 3), (3, 0), (0, 9), (9, 0))  # down, right
MIN_PAIRS = 30
Lag = tuple[int, int]  # (down, right) in pixels
Key = Lag | str  # a lag, or 'channels'
SignSums = tuple[int, int, int]  # sum of products of signs, pairs with two nonzero signs, pairs
CORNER, MAX_CORNERS = 128, 32  # side of the corner kept of an image, in pixels; maximum number of images
PATCH = 256  # side of the centre patch, in pixels


@dataclass(frozen=True)
class Correlation:
    """A correlation and its standard error, both NaN for fewer than MIN_PAIRS pairs of samples."""

    value: float
    error: float


@dataclass(frozen=True)
class SufficientStatistics:
    """Statistics of pairs of 8-bit images.

    counts     {photons at white: (groups, 256, 256)}: number of samples by clean and noisy value, without the border;
               photons at white are those of Poisson noise on that image
    lags       {(down, right): Correlation} of samples at that offset in pixels, within a channel
    channels   Correlation between the channels of a pixel
    corners    upper left corners of some pairs, uint8 (noisy, clean), for deterministic noise
    patches    {photons at white: centre patches of the same pairs}
    images     number of pairs
    width      mean width of an image in pixels
    """

    counts: dict[int, np.ndarray]
    lags: dict[Lag, Correlation]
    channels: Correlation
    corners: tuple[ImagePair, ...]
    patches: dict[int, tuple[ImagePair, ...]]
    images: int
    width: float

    @property
    def total(self) -> np.ndarray:
        """Counts summed over groups and photon scales, (256, 256)."""
        return np.sum([counts.sum(axis=0) for counts in self.counts.values()], axis=0)

    @property
    def centres(self) -> tuple[ImagePair, ...]:
        """Centre patches of all photon scales."""
        return tuple(pair for pairs in self.patches.values() for pair in pairs)


def gather(pairs: Iterable[ImagePair]) -> SufficientStatistics:
    """Return the SufficientStatistics of pairs (noisy, clean), uint8 (H, W, C) of equal shape, at least 3x3 pixels."""
    counts: dict[int, np.ndarray] = {}
    products: dict[Key, list[SignSums]] = {}
    corners: list[ImagePair] = []
    patches: dict[int, tuple[ImagePair, ...]] = {}
    widths: list[int] = []
    for index, (noisy, clean) in enumerate(pairs):
        check_pair(noisy, clean)
        scale = photons_at_white(clean)
        if scale not in counts:
            counts[scale] = np.zeros((N_GROUPS, 256, 256), np.int64)
        cells = clean.astype(np.int32)[1:-1, 1:-1] * 256 + noisy[1:-1, 1:-1]
        for strip, part in enumerate(np.array_split(cells, N_STRIPS)):
            found = np.bincount(part.ravel(), minlength=256 * 256).reshape(256, 256)
            counts[scale][(N_STRIPS * index + strip) % N_GROUPS] += found
        for key, pair in _sign_products(noisy, clean).items():
            products.setdefault(key, []).append(pair)
        if index < MAX_CORNERS:
            corners.append((noisy[:CORNER, :CORNER].copy(), clean[:CORNER, :CORNER].copy()))
            patches[scale] = (*patches.get(scale, ()), (_centre(noisy), _centre(clean)))
        widths.append(clean.shape[1])
    if not widths:
        raise ValueError("expected at least one pair of images, got none")
    lags = {lag: _correlation(products.get(lag, [])) for lag in LAGS}
    channels = _correlation(products.get("channels", []))
    return SufficientStatistics(counts, lags, channels, tuple(corners), patches, len(widths), float(np.mean(widths)))


def _centre(image: np.ndarray) -> np.ndarray:
    top, left = (max(side - PATCH, 0) // 2 for side in image.shape[:2])
    return image[top : top + PATCH, left : left + PATCH].copy()


def check_pair(noisy: np.ndarray, clean: np.ndarray) -> None:
    """Raise ValueError unless both are uint8 (H, W, C) of one shape and at least 3x3 pixels."""
    if noisy.dtype != np.uint8 or clean.dtype != np.uint8 or noisy.shape != clean.shape or noisy.ndim != 3:
        raise ValueError(
            f"expected a pair of uint8 (H, W, C) of one shape, got {noisy.dtype} {noisy.shape} and {clean.dtype} "
            f"{clean.shape}"
        )
    if min(noisy.shape[:2]) < 3:
        raise ValueError(f"expected pairs of at least 3x3 pixels, got {noisy.shape[1]}x{noisy.shape[0]}")


def _sign_products(noisy: np.ndarray, clean: np.ndarray) -> dict[Key, SignSums]:
    """Return {lag or 'channels': (sum of products of signs, pairs with two nonzero signs, pairs)}.

    Clean pixels of 0 and 255 are skipped: clipping makes their noise one-sided. Noise that rounds to zero has sign 0,
    the mean of the two signs that it may have had.
    """
    signs = np.sign(noisy.astype(np.int16) - clean).astype(np.int8)
    known = ((clean > 0) & (clean < 255)).astype(np.int8)
    signs *= known
    height, width, channels = signs.shape
    found: dict[Key, SignSums] = {}
    for down, right in LAGS:
        if down < height and right < width:
            here = np.s_[: height - down, : width - right]
            found[down, right] = _sums(signs[here], signs[down:, right:], known[here], known[down:, right:])
    if channels > 1:
        found["channels"] = _sums(signs[..., :-1], signs[..., 1:], known[..., :-1], known[..., 1:])
    return found


def _sums(here: np.ndarray, there: np.ndarray, known_here: np.ndarray, known_there: np.ndarray) -> SignSums:
    product = here * there
    pairs = np.count_nonzero(known_here & known_there)
    return int(product.sum(dtype=np.int64)), int(np.count_nonzero(product)), int(pairs)


def _correlation(sums: Sequence[SignSums]) -> Correlation:
    """Return the Correlation of Gaussian noise whose signs have this mean product (Sheppard's formula, 1899)."""
    total, nonzero, pairs = (sum(column) for column in zip(*sums, strict=True)) if sums else (0, 0, 0)
    if pairs < MIN_PAIRS:
        return Correlation(math.nan, math.nan)
    agreement = total / pairs
    slope = math.pi / 2 * math.cos(math.pi / 2 * agreement)
    return Correlation(math.sin(math.pi / 2 * agreement), slope * math.sqrt(max(nonzero, 1)) / pairs)
