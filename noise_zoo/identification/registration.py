"""Whether the images of a pair show the same picture, at the same place, with their channels in the same order."""

import itertools
import math

import numpy as np
from scipy.signal import fftconvolve

MARGIN = 16  # pixels: the largest shift that is sought
MOST_PATCHES = 12
LEAST_SIDE = 64  # pixels of a patch in which a shift is sought
SURE = 10.0  # standard errors, of samples taken as nine times fewer than they are
NEAREST = 0.1  # pixels: a smaller shift is none
SAME = 0.5  # least correlation of two versions of one picture
FAR = 8  # pixels: what neighbours so far apart share is picture, not noise


def problem_of(patches):
    """Return in words why patches (noisy, clean), uint8 (H, W, C), are no pairs, or ''.

    A shift counts where it makes the noisy image significantly more like the clean one, in most of the patches.
    """
    patches = patches[:MOST_PATCHES]
    grey = [tuple(image.astype(float).mean(axis=2) for image in pair) for pair in patches]
    shifts = np.array([_shift(*pair) for pair in grey if min(pair[0].shape) >= LEAST_SIDE]).reshape(-1, 2)
    if len(shifts) and 2 * np.count_nonzero(shifts.any(axis=1)) > len(shifts):
        return f"the pair is not aligned: the noisy image is shifted by {_pixels(*np.median(shifts, axis=0).tolist())}"
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
    """Return by how many pixels (down, right) the noisy image is shifted, (0, 0) where that is not sure."""
    inner = np.s_[MARGIN:-MARGIN, MARGIN:-MARGIN]
    centred = noisy[inner] - noisy[inner].mean()
    squares = fftconvolve(clean**2, np.ones_like(centred), "valid") - (
        fftconvolve(clean, np.ones_like(centred), "valid") ** 2 / centred.size
    )
    likeness = fftconvolve(clean, centred[::-1, ::-1], "valid") / np.sqrt(np.maximum(squares, 1.0))
    row, column = np.unravel_index(likeness.argmax(), likeness.shape)
    down, right = MARGIN - int(row), MARGIN - int(column)
    if (down or right) and MARGIN not in (abs(down), abs(right)):
        aligned = np.roll(clean, (down, right), axis=(0, 1))[inner]  # what comes in at the borders is cut off
        gain = (noisy[inner] - clean[inner]) ** 2 - (noisy[inner] - aligned) ** 2
        alike = np.corrcoef(centred.ravel(), aligned.ravel())[0, 1] if aligned.std() else 0
        if _sureness(gain) > SURE and alike > SAME:
            return down, right
    return _part_of_a_pixel(noisy, clean, inner)


def _part_of_a_pixel(noisy, clean, inner):
    """Return by how much less than a pixel (down, right) the noisy image is shifted: what its slopes explain of it."""
    slopes = [slope[inner].ravel() for slope in np.gradient(clean)]
    residual = (noisy - clean)[inner].ravel()
    matrix = np.array([[a @ b for b in slopes] for a in slopes])
    if np.linalg.cond(matrix) > 1e6:  # a picture without details
        return 0, 0
    inverse = np.linalg.inv(matrix)
    part = -inverse @ np.array([slope @ residual for slope in slopes])  # of a pixel
    error = 3 * residual.std() * np.sqrt(np.diag(inverse))
    sure = (np.abs(part) > SURE * error) & (np.abs(part) > NEAREST)
    return tuple(float(value) for value in np.where(sure, np.round(part, 1), 0.0) + 0.0)


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
    centred = [tuple(image - image.mean() for image in pair) for pair in grey]
    noisy, clean = (np.concatenate([pair[side].ravel() for pair in centred]) for side in (0, 1))
    size = np.linalg.norm(noisy) * np.linalg.norm(clean)
    if size and noisy @ clean / size > SAME:
        return False
    residuals = [noisy - clean for noisy, clean in centred if min(noisy.shape) > 2 * FAR]
    pieces = [(r[FAR:], r[:-FAR], r[:, FAR:], r[:, :-FAR], r) for r in residuals]
    total = sum((r**2).mean() for *_, r in pieces)
    down, right = (sum((p[i] * p[i + 1]).mean() for p in pieces) for i in (0, 2))
    return bool(total) and min(down, right) / total > 0.3
