"""What the tests of noises share: generators, images, and checks at five standard errors."""

import hashlib

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def philox():
    """Seed -> a counter-based generator, as a run makes it."""
    return lambda seed: np.random.Generator(np.random.Philox(key=seed))


@pytest.fixture
def flat():
    """Intensity -> a grey image (240, 250, 3) of it, float32."""
    return lambda intensity, shape=(240, 250, 3): np.full(shape, intensity, np.float32)


@pytest.fixture
def picture():
    """A fixed picture (24, 40, 3), float32, with all of the 256 levels, black and white among them."""
    row, column, channel = np.indices((24, 40, 3))
    levels = (7 * row * column + 31 * channel * row + 11 * column) % 256
    return (levels / 255).astype(np.float32)


@pytest.fixture
def digests(picture, philox):
    """Noise -> SHA-256 of its float32 output on the fixed picture, for seeds 0 and 1."""

    def digest(noise, seed):
        noisy, _ = noise(picture, philox(seed))
        return hashlib.sha256(noisy.astype("<f4").tobytes()).hexdigest()

    return lambda noise: [digest(noise, seed) for seed in (0, 1)]


@pytest.fixture
def check_moments():
    """Assert that samples have a mean and a variance, each within five standard errors."""

    def check(samples, mean, variance, fourth=None):
        samples = np.asarray(samples, np.float64).ravel()
        fourth = np.mean((samples - samples.mean()) ** 4) if fourth is None else fourth
        assert abs(samples.mean() - mean) <= 5 * np.sqrt(variance / samples.size) + 1e-7
        assert abs(samples.var() - variance) <= 5 * np.sqrt((fourth - variance**2) / samples.size) + 1e-9

    return check


@pytest.fixture
def check_white():
    """Assert that neighbours and channels of (H, W, C) are uncorrelated, within five standard errors."""

    def check(field):
        field = (field - field.mean()) / field.std()
        rows, columns, channels = field.shape
        for down, right, across in ((0, 1, 0), (1, 0, 0), (1, 1, 0), (0, 2, 0), (0, 0, 1), (0, 0, 2)):
            here = field[: rows - down, : columns - right, : channels - across]
            there = field[down:, right:, across:]
            assert abs(np.mean(here * there)) <= 5 / np.sqrt(here.size), (down, right, across)

    return check


@pytest.fixture(scope="session")
def cbsd68(shared):
    """The 68 images of CBSD68, uint8 (H, W, 3)."""
    files = sorted((shared / "data" / "test" / "CBSD68").glob("*.png"))
    if len(files) != 68:
        pytest.skip(f"CBSD68 is not under {shared}: {len(files)} of 68 images")
    return [np.asarray(Image.open(file).convert("RGB")) for file in files]


@pytest.fixture
def stored_psnr(cbsd68, philox):
    """Noise -> mean PSNR in dB of the noisy images of CBSD68 after clipping and rounding to 8 bits."""

    def psnr(noise, index, image):
        noisy, _ = noise((image / 255).astype(np.float32), philox(index))
        stored = np.rint(np.clip(noisy, 0, 1) * 255)
        return 10 * np.log10(255**2 / np.mean((stored - image) ** 2))

    return lambda noise: np.mean([psnr(noise, index, image) for index, image in enumerate(cbsd68)])
