"""Camera pipeline and its inverse: photograph -> raw mosaic -> photograph.

A photograph is (3, H, W), RGB; a raw mosaic is (4, H/2, W/2), the RGGB samples of each 2x2 block. Images are processed
only by operations that IEEE 754 defines exactly (curves are tables computed in double precision), so that the result
does not depend on the processor.

Source: Brooks et al., CVPR 2019, "Unprocessing Images for Learned Raw Denoising": the paper and its constants.
"""

import functools
import math
from dataclasses import dataclass

import numpy as np

from noise_zoo.noise import Random

XYZ_TO_CAMERA = np.array(  # of four cameras, rows
    [
        [[1.0234, -0.2969, -0.2266], [-0.5625, 1.6328, -0.0469], [-0.0703, 0.2188, 0.6406]],
        [[0.4913, -0.0541, -0.0202], [-0.613, 1.3513, 0.2906], [-0.1564, 0.2151, 0.7183]],
        [[0.838, -0.263, -0.0639], [-0.2887, 1.0725, 0.2496], [-0.0627, 0.1427, 0.5438]],
        [[0.6596, -0.2079, -0.0562], [-0.4782, 1.3016, 0.1933], [-0.097, 0.1581, 0.5181]],
    ]
)
RGB_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
SITES = ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 2))  # row, column and channel of the samples of a 2x2 block
GAMMA = 2.2
MIN_LINEAR = 1e-8  # the gamma curve is constant below
HIGHLIGHT = 0.9  # gains below 1 fade out above this mean of the channels
TABLE_SIZE = 1 << 14  # of the gamma curve


@dataclass(frozen=True)
class Camera:
    """White balance gains, the exposure gain of all channels, and the 3x3 matrix from linear RGB to camera colours."""

    red_gain: float
    blue_gain: float
    rgb_gain: float
    rgb_to_camera: tuple[tuple[float, ...], ...]

    @property
    def camera_to_rgb(self) -> np.ndarray:
        return np.linalg.inv(np.array(self.rgb_to_camera))


def draw_camera(rng: Random) -> Camera:
    """Return a random Camera: red gain U(1.9, 2.4), blue U(1.5, 1.9), exposure 1/N(0.8, 0.1), a mixed colour matrix."""
    weights = 1e-8 + (1e8 - 1e-8) * rng.random(4)
    exposure = 0.8 + 0.1 * float(rng.standard_normal())
    red, blue = rng.random(2)
    return Camera(1.9 + 0.5 * float(red), 1.5 + 0.4 * float(blue), 1 / exposure, colour_matrix(weights))


def colour_matrix(weights: np.ndarray) -> tuple[tuple[float, ...], ...]:
    """Return the 3x3 matrix from linear RGB to the colours of the four cameras mixed by weights; rows sum to 1."""
    mixed = np.tensordot(weights / np.sum(weights), XYZ_TO_CAMERA, 1) @ RGB_TO_XYZ
    return tuple(map(tuple, (mixed / mixed.sum(axis=1, keepdims=True)).tolist()))


def draw_levels(rng: Random) -> tuple[float, float]:
    """Return random (shot, read): a sample x in [0, 1] has the variance shot * x + read."""
    log_shot = math.log(0.0001) + math.log(0.012 / 0.0001) * float(rng.random())
    log_read = 2.18 * log_shot + 1.20 + 0.26 * float(rng.standard_normal())
    return math.exp(log_shot), math.exp(log_read)


def unprocess(photograph: np.ndarray, camera: Camera) -> np.ndarray:
    """Return the raw mosaic (4, H/2, W/2) in [0, 1] of a photograph (3, H, W) in [0, 1], H and W even."""
    linear = to_linear(photograph)
    matrix = np.array(camera.rgb_to_camera, linear.dtype)
    grey = matrix.mean(axis=0)  # weights of the channels of linear RGB in the mean of camera colours
    gains = np.array([1 / camera.red_gain, 1, 1 / camera.blue_gain]) / camera.rgb_gain
    raw = np.empty((4, linear.shape[1] // 2, linear.shape[2] // 2), linear.dtype)
    for plane, (row, column, channel) in zip(raw, SITES, strict=True):
        samples = linear[:, row::2, column::2]
        plane[...] = weighted(matrix[channel], samples)
        plane *= safe_gain(gains[channel], weighted(grey, samples))
    return np.clip(raw, 0, 1, out=raw)


def process(raw: np.ndarray, camera: Camera, full: bool) -> np.ndarray:
    """Return the photograph (3, H, W) in [0, 1] of a raw mosaic; without `full`, exposure and tone curve are omitted.

    The published pipeline omits them although its inverse undoes them. With them, `process` inverts `unprocess` up to
    the losses of mosaic and clipping.
    """
    exposure = camera.rgb_gain if full else 1
    gains = np.array([camera.red_gain, 1, 1, camera.blue_gain]) * exposure
    balanced = raw * gains.astype(raw.dtype)[:, None, None]
    np.clip(balanced, 0, 1, out=balanced)
    colours = demosaic(balanced)
    photograph = np.empty_like(colours)
    for plane, weights in zip(photograph, camera.camera_to_rgb.astype(raw.dtype), strict=True):
        plane[...] = weighted(weights, colours)
    np.clip(photograph, 0, 1, out=photograph)
    return to_display(photograph, full)


def weighted(weights: np.ndarray, planes: np.ndarray) -> np.ndarray:
    """Return the sum of planes (3, ...) under three weights. Not a matrix product, whose rounding varies by machine."""
    total = weights[0] * planes[0]
    total += weights[1] * planes[1]
    total += weights[2] * planes[2]
    return total


def safe_gain(gain: float, grey: np.ndarray) -> np.ndarray:
    """Return the gain for samples whose pixels have this mean; a gain below 1 fades out in highlights."""
    if gain >= 1:
        return grey.dtype.type(gain)
    mask = np.maximum(grey - grey.dtype.type(HIGHLIGHT), 0)
    mask /= grey.dtype.type(1 - HIGHLIGHT)
    mask *= mask
    mask *= grey.dtype.type(1 - gain)
    mask += grey.dtype.type(gain)
    return mask


def demosaic(raw: np.ndarray) -> np.ndarray:
    """Return (3, H, W) from a mosaic (4, H/2, W/2): bilinear in each channel, borders replicated."""
    colours = np.empty((3, 2 * raw.shape[1], 2 * raw.shape[2]), raw.dtype)
    colours[0], colours[2] = doubled(raw[0], 0, 0), doubled(raw[3], 1, 1)
    green = np.add(doubled(raw[1], 0, 1), doubled(raw[2], 1, 0), out=colours[1])
    green *= 0.5
    green[0::2, 1::2] = raw[1]
    green[1::2, 0::2] = raw[2]
    return colours


def doubled(plane: np.ndarray, row: int, column: int) -> np.ndarray:
    """Return (2h, 2w), bilinear, with the samples of (h, w) at rows row::2 and columns column::2."""
    tall = np.empty((2 * plane.shape[0], plane.shape[1]), plane.dtype)
    _interleave(tall, plane, row)
    wide = np.empty((tall.shape[0], 2 * tall.shape[1]), plane.dtype)
    _interleave(wide.T, tall.T, column)
    return wide


def _interleave(out: np.ndarray, lines: np.ndarray, first: int) -> None:
    """Fill out (2n, ...) with lines (n, ...) at first::2, means of neighbours between them, border replicated."""
    out[first::2] = lines
    between = out[2::2] if first else out[1:-1:2]
    np.add(lines[:-1], lines[1:], out=between)
    between *= 0.5
    out[0 if first else -1] = lines[0 if first else -1]


def inverse_tone_curve(y: np.ndarray) -> np.ndarray:
    """Return x in [0, 1] whose smoothstep 3x^2 - 2x^3 is y."""
    return 0.5 - np.sin(np.arcsin(1 - 2 * y) / 3)


def to_linear(photograph: np.ndarray) -> np.ndarray:
    """Return linear light in [0, 1], of the same type: inverse tone curve and gamma. Uses a table for 8-bit values."""
    levels = np.rint(photograph * photograph.dtype.type(255))
    table = _linear_table()
    eight_bit = (levels.astype(photograph.dtype) / photograph.dtype.type(255) == photograph).all()
    if photograph.dtype == np.float32 and eight_bit:
        return table.take(levels.astype(np.uint8))
    exact = np.maximum(inverse_tone_curve(photograph.astype(np.float64)), MIN_LINEAR) ** GAMMA
    return exact.astype(photograph.dtype)


@functools.cache
def _linear_table() -> np.ndarray:
    """Return linear light, float32 (256,), of the 8-bit values."""
    photograph = (np.arange(256, dtype=np.float32) / np.float32(255)).astype(np.float64)
    return (np.maximum(inverse_tone_curve(photograph), MIN_LINEAR) ** GAMMA).astype(np.float32)


def to_display(linear: np.ndarray, full: bool) -> np.ndarray:
    """Return gamma-compressed values of linear light in [0, 1], with tone curve if `full`; maximum error 1e-7.

    The curve is tabulated over the fourth root of the input, where it is smooth down to black.
    """
    position = np.maximum(linear, linear.dtype.type(MIN_LINEAR))
    np.sqrt(position, out=position)
    np.sqrt(position, out=position)
    position *= TABLE_SIZE
    cell = position.astype(np.int32)
    position -= cell
    start, rise = _display_table(full)
    position *= rise.take(cell)
    position += start.take(cell)
    return position


@functools.cache
def _display_table(full: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the curve at k / TABLE_SIZE of the fourth root, and the differences, each float32 (TABLE_SIZE + 1,)."""
    root = np.arange(TABLE_SIZE + 2) / TABLE_SIZE
    curve = root ** (4 / GAMMA)
    curve = curve * curve * (3 - 2 * curve) if full else curve
    return curve[:-1].astype(np.float32), np.diff(curve).astype(np.float32)
