"""Camera noise: added to the raw mosaic, then processed by a camera pipeline (ISP)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from noise_zoo.camera import draw_camera, draw_levels, process, unprocess
from noise_zoo.noise import Images, Noise, Random, as_image


@dataclass(frozen=True)
class Isp(Noise):
    """Unprocesses (H, W, 3) in [0, 1] to a raw mosaic, adds shot and read noise, and processes it again.

    Gains, colour matrix and noise levels are drawn for every image. The returned clean image is the same mosaic
    processed without noise, since the pipeline alone changes a photograph; `truth='untouched'` returns the input.
    `process='published'` omits exposure and tone curve, as the published code does. `shot` and `read`, given together,
    fix the noise level: a raw sample x has the variance shot * x + read.

    That Chen et al. scored like the default is inferred from their numbers; the paper does not say.

    Source: Brooks et al., CVPR 2019, "Unprocessing Images for Learned Raw Denoising".
    """

    groups: ClassVar[tuple[str, ...]] = ("paper", "all")
    needs_colour: ClassVar[bool] = True
    title: ClassVar[str] = "Camera (ISP)"
    formula: ClassVar[str] = "y = develop(r + n), n ~ N(0, shot·r + read), r = raw mosaic of x; clean = develop(r)"
    source: ClassVar[str] = "Brooks et al., CVPR 2019; that Chen et al. scored like this is our inference"

    process: str = "full"
    truth: str = "reprocessed"
    shot: float | None = None
    read: float | None = None

    @property
    def keeps_clean(self) -> bool:  # type: ignore[override]
        return self.truth == "untouched"

    def __post_init__(self) -> None:
        self.check_choice("process", ("full", "published"))
        self.check_choice("truth", ("reprocessed", "untouched"))
        if (self.shot is None) != (self.read is None):
            raise ValueError(f"Isp: expected both shot and read or neither, got shot={self.shot!r}, read={self.read!r}")
        if self.shot is not None:
            self.check_number("shot", high=1.0)
            self.check_number("read", high=1.0)

    def __call__(self, clean: np.ndarray, rng: Random) -> Images:
        clean = as_image(clean)
        height, width, channels = clean.shape
        if channels != 3:
            raise ValueError(f"Isp: expected an image with 3 channels (RGB), got {channels}")
        camera, levels = draw_camera(rng), draw_levels(rng)
        shot, read = levels if self.shot is None or self.read is None else (self.shot, self.read)
        even = np.pad(clean, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        photograph = np.clip(np.moveaxis(even, -1, 0), 0, 1)  # (3, H, W)
        raw = unprocess(photograph, camera)  # (4, H/2, W/2)
        noisy = exposed(raw, shot, read, rng.standard_normal(raw.shape, dtype=np.float32))

        def developed(mosaic: np.ndarray) -> np.ndarray:
            planes = process(mosaic, camera, self.process == "full")
            return np.ascontiguousarray(np.moveaxis(planes, 0, -1)[:height, :width])

        return developed(noisy), clean if self.truth == "untouched" else developed(raw)


def exposed(raw: np.ndarray, shot: float, read: float, normal: np.ndarray) -> np.ndarray:
    """Return the raw mosaic with noise of variance shot * raw + read; `normal` has N(0, 1) samples of its shape."""
    noisy = raw.dtype.type(shot) * raw
    noisy += raw.dtype.type(read)
    np.sqrt(noisy, out=noisy)
    noisy *= normal.astype(raw.dtype, copy=False)
    noisy += raw
    return noisy
