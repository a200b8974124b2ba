"""Whether the images of a pair show the same picture, at the same place, with their channels in the same order."""

import itertools
import math

import numpy as np
from scipy.signal import fftconvolve

MARGIN = 16  # pixels: a shift is sought below that
INNER = np.s_[MARGIN:-MARGIN, MARGIN:-MARGIN]
MOST_PATCHES = 12
LEAST_SIDE = 64  # pixels of a patch in which a shift is sought
SURE = 10.0  # standard errors, of samples taken as nine times fewer than they are
NEAREST = 0.1  # pixels: a smaller shift is none
SAME = 0.5  # least correlation of two versions of one picture
FAR = 8  # pixels: what neighbours so far apart share is picture, not noise


def problem_of(patches):
    """Return in words why patches (noisy, clean), uint8 (H, W, C), are no pairs, or ''.

    A shift counts where it makes the noisy image significantly more like the clean one: by pixels in most of the
    patches, by a part of a pixel in all together.
    """
    patches = patches[:MOST_PATCHES]
    grey = [tuple(image.astype(float).mean(axis=2) for image in pair) for pair in patches]
    large = [pair for pair in grey if min(pair[0].shape) >= LEAST_SIDE]
    shifts = np.array([_shift(*pair) for pair in large]).reshape(-1, 2)
    shift = np.median(shifts, axis=0) if 2 * np.count_nonzero(shifts.any(axis=1)) > len(shifts) else None
    if shift is None and large:
        shift = _part_of_a_pixel(large)
    if shift is not None:
        return f"the pair is not aligned: the noisy image is shifted by {_pixels(*shift.tolist())}"
    if grey and _other_picture(grey):
        return "the clean image is not the same picture as the noisy one"
    if order := _channel_order(patches):
        return f"the channels are in another order: those of the noisy image are, in the clean one, {order}"
    return ""


def _pixels(down, right):
    """'1 pixel right and 0.5 pixels up'"""
    parts = ((round(right, 1), "right", "left"), (round(down, 1), "down", "up"))
    words = (f"{abs(s):g} pixel{'s' * (abs(s) != 1)} {a if s > 0 else b}" for s, a, b in parts if s)
    return " and ".join(words) or "another distance in each pair"


def _shift(noisy, clean):
    """Return by how many whole pixels (down, right) the noisy image is shifted, (0, 0) where that is not sure."""
    centred = noisy[INNER] - noisy[INNER].mean()
    ones = np.ones_like(centred)
    squares = fftconvolve(clean**2, ones, "valid") - fftconvolve(clean, ones, "valid") ** 2 / centred.size
    likeness = fftconvolve(clean, centred[::-1, ::-1], "valid") / np.sqrt(np.maximum(squares, 1.0))
    row, column = np.unravel_index(likeness.argmax(), likeness.shape)
    down, right = MARGIN - int(row), MARGIN - int(column)
    if not (down or right) or MARGIN in (abs(down), abs(right)):
        return 0, 0
    aligned = np.roll(clean, (down, right), axis=(0, 1))[INNER]  # what comes in at the borders is cut off
    gain = (noisy[INNER] - clean[INNER]) ** 2 - (noisy[INNER] - aligned) ** 2
    sure = _sureness(gain) > SURE and _likeness([(centred, aligned)]) > SAME
    return (down, right) if sure else (0, 0)


def _part_of_a_pixel(grey):
    """Return by how much of a pixel (down, right) the noisy images are shifted, or None where that is not sure.

    A shift leaves its share of the clean image's slopes; noise has nothing of them.
    """
    if _likeness(grey) < SAME:
        return None
    slopes = [np.stack([slope[INNER].ravel() for slope in np.gradient(clean)]) for _, clean in grey]
    residuals = [(noisy - clean)[INNER].ravel() for noisy, clean in grey]
    matrix = sum(slope @ slope.T for slope in slopes)
    if np.linalg.cond(matrix) > 1e6:  # pictures without details
        return None
    inverse = np.linalg.inv(matrix)
    part = -inverse @ sum(slope @ residual for slope, residual in zip(slopes, residuals, strict=True))
    error = 3 * np.concatenate(residuals).std() * np.sqrt(np.diag(inverse))
    sure = (np.abs(part) > SURE * error) & (np.abs(part) > NEAREST)
    return np.where(sure, part, 0.0) if sure.any() else None


def _likeness(grey):
    """Return the correlation of noisy and clean images, each about its own mean; 0 where one has no details."""
    pairs = [tuple(image - image.mean() for image in pair) for pair in grey]
    noisy, clean = (np.concatenate([pair[side].ravel() for pair in pairs]) for side in (0, 1))
    size = np.linalg.norm(noisy) * np.linalg.norm(clean)
    return float(noisy @ clean / size) if size else 0.0


def _sureness(gain):
    """Return the mean in standard errors, of samples of which nine tell as much as one."""
    return gain.mean() / max(gain.std() * 3 / math.sqrt(gain.size), 1e-12)


def _channel_order(patches):
    """Return 'blue, green, red' where that order of the clean image's channels fits the noisy ones better, or ''."""
    patches = [pair for pair in patches if pair[0].shape[2] == 3]
    best, chosen = SURE, ""
    for order in list(itertools.permutations(range(3)))[1:] if patches else ():
        errors = [
            tuple(((noisy.astype(float) - image) ** 2).mean(axis=2).ravel() for image in (clean, clean[..., order]))
            for noisy, clean in patches
        ]
        here, there = (np.concatenate(column) for column in zip(*errors, strict=True))
        if there.mean() < 0.9 * here.mean() and (sure := _sureness(here - there)) > best:
            best, chosen = sure, ", ".join(("red", "green", "blue")[channel] for channel in order)
    return chosen


def _other_picture(grey):
    """Whether noisy images do not follow their clean ones, and differ from them by something large as pictures have."""
    if _likeness(grey) > SAME:
        return False
    centred = [tuple(image - image.mean() for image in pair) for pair in grey]
    residuals = [noisy - clean for noisy, clean in centred if min(noisy.shape) > 2 * FAR]
    pieces = [(r[FAR:], r[:-FAR], r[:, FAR:], r[:, :-FAR], r) for r in residuals]
    total = sum((r**2).mean() for *_, r in pieces)
    down, right = (sum((p[i] * p[i + 1]).mean() for p in pieces) for i in (0, 2))
    return bool(total) and min(down, right) / total > 0.3
