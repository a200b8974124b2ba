"""Checks that noisy and clean images are pairs: same content, aligned, channels in the same order."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
from scipy.signal import fftconvolve

from noise_zoo.identification.sufficient_statistics import ImagePair

MAX_SHIFT = 16  # pixels: shifts are searched below it
INNER = np.s_[MAX_SHIFT:-MAX_SHIFT, MAX_SHIFT:-MAX_SHIFT]
MAX_PATCHES = 12
MIN_SIDE = 64  # pixels: smaller patches are not searched for a shift
MIN_Z = 10.0  # standard errors, with one effective sample for nine
MIN_SHIFT = 0.1  # pixels: smaller shifts are ignored
MIN_CORRELATION = 0.5  # minimum correlation of two versions of one image
DISTANT_LAG = 8  # pixels: at this distance image content is correlated and noise is not


def problem_of(patches: Sequence[ImagePair], subject: str = "noisy image") -> str:
    """Return why patches (noisy, clean), uint8 (H, W, C), are not pairs as a sentence, or ''.

    A shift is reported where undoing it brings the noisy image significantly closer to the clean one: a shift by
    whole pixels in most of the patches, a subpixel shift in all patches together. `subject` is what sentences call it.
    """
    patches = patches[:MAX_PATCHES]
    grey = [(_grey(noisy), _grey(clean)) for noisy, clean in patches]
    large = [pair for pair in grey if min(pair[0].shape) >= MIN_SIDE]
    shifts = np.array([_shift(*pair) for pair in large]).reshape(-1, 2)
    shift = np.median(shifts, axis=0) if 2 * np.count_nonzero(shifts.any(axis=1)) > len(shifts) else None
    if shift is None and large:
        shift = _subpixel_shift(large)
    if shift is not None:
        return f"the pair is not aligned: the {subject} is shifted by {_pixels(*shift.tolist())}"
    if grey and _different_content(grey):
        return f"the {subject} and the clean image do not show the same content"
    if order := _channel_order(patches):
        return f"the channel order differs: red, green, blue of the {subject} are {order} of the clean one"
    return ""


def _grey(image: np.ndarray) -> np.ndarray:
    return image.astype(float).mean(axis=2)


def _pixels(down: float, right: float) -> str:
    """'1 pixel right and 0.5 pixels up'"""
    parts = ((round(right, 1), "right", "left"), (round(down, 1), "down", "up"))
    shifts = (f"{abs(s):g} pixel{'s' * (abs(s) != 1)} {a if s > 0 else b}" for s, a, b in parts if s)
    return " and ".join(shifts) or "another distance in each pair"


def _shift(noisy: np.ndarray, clean: np.ndarray) -> tuple[int, int]:
    """Return the shift of the noisy image in whole pixels (down, right), (0, 0) where it is not significant."""
    centred = noisy[INNER] - noisy[INNER].mean()
    ones = np.ones_like(centred)
    squares = fftconvolve(clean**2, ones, "valid") - fftconvolve(clean, ones, "valid") ** 2 / centred.size
    correlation = fftconvolve(clean, centred[::-1, ::-1], "valid") / np.sqrt(np.maximum(squares, 1.0))
    row, column = np.unravel_index(correlation.argmax(), correlation.shape)
    down, right = MAX_SHIFT - int(row), MAX_SHIFT - int(column)
    if not (down or right) or MAX_SHIFT in (abs(down), abs(right)):
        return 0, 0
    aligned = np.roll(clean, (down, right), axis=(0, 1))[INNER]  # INNER excludes the pixels that wrap around
    gain = (noisy[INNER] - clean[INNER]) ** 2 - (noisy[INNER] - aligned) ** 2
    significant = _z_score(gain) > MIN_Z and _correlation([(centred, aligned)]) > MIN_CORRELATION
    return (down, right) if significant else (0, 0)


def _subpixel_shift(grey: Sequence[ImagePair]) -> np.ndarray | None:
    """Return the subpixel shift (down, right) of the noisy images in pixels, or None where it is not significant.

    A small shift adds a multiple of the clean image's gradient to the residual; noise is uncorrelated with it.
    """
    if _correlation(grey) < MIN_CORRELATION:
        return None
    slopes = [np.stack([slope[INNER].ravel() for slope in np.gradient(clean)]) for _, clean in grey]
    residuals = [(noisy - clean)[INNER].ravel() for noisy, clean in grey]
    matrix = sum(slope @ slope.T for slope in slopes)
    if np.linalg.cond(matrix) > 1e6:  # flat images
        return None
    inverse = np.linalg.inv(matrix)
    part = -inverse @ sum(slope @ residual for slope, residual in zip(slopes, residuals, strict=True))
    error = 3 * np.concatenate(residuals).std() * np.sqrt(np.diag(inverse))
    significant = (np.abs(part) > MIN_Z * error) & (np.abs(part) > MIN_SHIFT)
    return np.where(significant, part, 0.0) if significant.any() else None


def _correlation(grey: Sequence[ImagePair]) -> float:
    """Return the correlation of noisy and clean images, each minus its mean; 0 where one is constant."""
    pairs = [tuple(image - image.mean() for image in pair) for pair in grey]
    noisy, clean = (np.concatenate([pair[side].ravel() for pair in pairs]) for side in (0, 1))
    size = np.linalg.norm(noisy) * np.linalg.norm(clean)
    return float(noisy @ clean / size) if size else 0.0


def _z_score(gain: np.ndarray) -> float:
    """Return the mean over its standard error, with one effective sample for nine (3x3 neighbours)."""
    return gain.mean() / max(gain.std() * 3 / math.sqrt(gain.size), 1e-12)


def _channel_order(patches: Sequence[ImagePair]) -> str:
    """Return e.g. 'blue, green, red' where the clean channels in that order are significantly closer, or ''."""
    patches = [pair for pair in patches if pair[0].shape[2] == 3]
    best, chosen = MIN_Z, ""
    for order in list(itertools.permutations(range(3)))[1:] if patches else ():
        errors = [
            tuple(((noisy.astype(float) - image) ** 2).mean(axis=2).ravel() for image in (clean, clean[..., order]))
            for noisy, clean in patches
        ]
        here, there = (np.concatenate(column) for column in zip(*errors, strict=True))
        if there.mean() < 0.9 * here.mean() and (z := _z_score(here - there)) > best:
            best, chosen = z, ", ".join(("red", "green", "blue")[channel] for channel in order)
    return chosen


def _different_content(grey: Sequence[ImagePair]) -> bool:
    """Whether noisy and clean images are uncorrelated and their residual has the smooth structure of image content."""
    if _correlation(grey) > MIN_CORRELATION:
        return False
    centred = [tuple(image - image.mean() for image in pair) for pair in grey]
    residuals = [noisy - clean for noisy, clean in centred if min(noisy.shape) > 2 * DISTANT_LAG]
    shifted = [(r[DISTANT_LAG:], r[:-DISTANT_LAG], r[:, DISTANT_LAG:], r[:, :-DISTANT_LAG], r) for r in residuals]
    total = sum((r**2).mean() for *_, r in shifted)
    down, right = (sum((p[i] * p[i + 1]).mean() for p in shifted) for i in (0, 2))
    return bool(total) and min(down, right) / total > 0.3
