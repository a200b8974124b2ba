"""The noises as published code writes them: NumPy's legacy generator, float64, one formula after the other.

What the zoo is held to, and what it is timed against (tests/benchmarks/noise.py).
"""

import numpy as np
from scipy import ndimage

XYZ_TO_CAMERA = [
    [[1.0234, -0.2969, -0.2266], [-0.5625, 1.6328, -0.0469], [-0.0703, 0.2188, 0.6406]],
    [[0.4913, -0.0541, -0.0202], [-0.613, 1.3513, 0.2906], [-0.1564, 0.2151, 0.7183]],
    [[0.838, -0.263, -0.0639], [-0.2887, 1.0725, 0.2496], [-0.0627, 0.1427, 0.5438]],
    [[0.6596, -0.2079, -0.0562], [-0.4782, 1.3016, 0.1933], [-0.097, 0.1581, 0.5181]],
]
RGB_TO_XYZ = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]


def gaussian(x, random, sigma):
    """KAIR: img_L += np.random.normal(0, sigma / 255., img_L.shape)."""
    return x + random.normal(0, sigma / 255, x.shape)


def speckle(x, random, var):
    """MATLAB: I + sqrt(12 v) * I .* (rand(size(I)) - 0.5)."""
    return x + np.sqrt(12 * var) * x * (random.uniform(0, 1, x.shape) - 0.5)


def poisson(x, random, alpha):
    """The notebook of Chen et al."""
    x = np.rint(x * 255).astype(np.uint8) / 255.0
    v = 2 ** np.ceil(np.log2(len(np.unique(x))))
    return x + alpha * (random.poisson(x * v) / float(v) - x)


def correlated(x, random, sigma):
    """Chen et al.: each channel of Gaussian noise under a 3x3 mean filter."""
    noise = random.normal(0, sigma / 255, x.shape)
    return x + np.stack([ndimage.uniform_filter(noise[..., channel], 3) for channel in range(x.shape[2])], axis=-1)


def salt_pepper(x, random, density):
    """MATLAB: one uniform number a sample, below d/2 black, below d white."""
    uniform = random.uniform(0, 1, x.shape)
    y = x.copy()
    y[uniform < density / 2] = 0
    y[(uniform >= density / 2) & (uniform < density)] = 1
    return y


def mixture(x, random, level):
    """The mixture of this project."""
    sigma, var, density = {1: (14, 0.003, 0.002), 2: (16, 0.004, 0.002), 3: (20, 0.006, 0.003), 4: (23, 0.008, 0.004)}[
        level
    ]
    y = speckle(gaussian(x, random, sigma), random, var)
    return salt_pepper(random.poisson(np.clip(y, 0, 1) * 256) / 256, random, density)


def isp(x, random, process="full"):
    """Brooks et al.: (noisy, clean), both developed; draws in the order of noise_zoo.camera."""
    weights = 1e-8 + (1e8 - 1e-8) * random.random_sample(4)
    rgb_to_camera = np.tensordot(weights / weights.sum(), np.array(XYZ_TO_CAMERA), 1) @ np.array(RGB_TO_XYZ)
    rgb_to_camera /= rgb_to_camera.sum(axis=1, keepdims=True)
    rgb_gain = 1 / (0.8 + 0.1 * random.standard_normal())
    red, blue = random.random_sample(2) * (0.5, 0.4) + (1.9, 1.5)
    log_shot = np.log(0.0001) + (np.log(0.012) - np.log(0.0001)) * random.random_sample()
    shot, read = np.exp(log_shot), np.exp(2.18 * log_shot + 1.20 + 0.26 * random.standard_normal())
    raw = mosaic(safe_invert_gains(unprocess_colours(x, rgb_to_camera), rgb_gain, red, blue))
    normal = np.moveaxis(random.standard_normal((4, *raw.shape[:2])), 0, -1)
    noisy = raw + normal * np.sqrt(shot * raw + read)

    def develop(samples):
        gains = np.array([red, 1, 1, blue]) * (rgb_gain if process == "full" else 1)
        colours = demosaic(np.clip(samples * gains, 0, 1))
        colours = np.clip(np.tensordot(colours, np.linalg.inv(rgb_to_camera), axes=(-1, -1)), 0, 1)
        y = np.maximum(colours, 1e-8) ** (1 / 2.2)
        return np.clip(3 * y**2 - 2 * y**3, 0, 1) if process == "full" else y

    return develop(noisy), develop(raw)


def unprocess_colours(x, rgb_to_camera):
    linear = np.maximum(0.5 - np.sin(np.arcsin(1 - 2 * np.clip(x, 0, 1)) / 3), 1e-8) ** 2.2
    return np.tensordot(linear, rgb_to_camera, axes=(-1, -1))


def safe_invert_gains(x, rgb_gain, red, blue):
    gains = np.array([1 / red, 1, 1 / blue]) / rgb_gain
    mask = (np.maximum(x.mean(axis=-1, keepdims=True) - 0.9, 0) / 0.1) ** 2
    return np.clip(x * np.maximum(mask + (1 - mask) * gains, gains), 0, 1)


def mosaic(x):
    """(H, W, 3) -> (H/2, W/2, 4), RGGB."""
    return np.stack([x[::2, ::2, 0], x[::2, 1::2, 1], x[1::2, ::2, 1], x[1::2, 1::2, 2]], axis=-1)


def demosaic(raw):
    """(H/2, W/2, 4) -> (H, W, 3), bilinear: samples with zeros between them under a triangle filter."""
    height, width = 2 * raw.shape[0], 2 * raw.shape[1]
    planes = []
    for index, (row, column) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
        wide = np.pad(raw[..., index], 1, mode="edge")
        spread = np.zeros((height + 4, width + 4))
        spread[row::2, column::2] = wide
        triangle = ndimage.convolve1d(ndimage.convolve1d(spread, [0.5, 1, 0.5], axis=0), [0.5, 1, 0.5], axis=1)
        planes.append(triangle[2:-2, 2:-2])
    red, green_red, green_blue, blue = planes
    green = (green_red + green_blue) / 2
    green[::2, 1::2], green[1::2, ::2] = raw[..., 1], raw[..., 2]
    return np.stack([red, green, blue], axis=-1)
