"""Sensor noise as a photograph shows it: added to the raw mosaic, then carried through the camera's processing."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from noise_zoo.camera import draw_camera, draw_levels, process, unprocess
from noise_zoo.noise import Noise, as_image


@dataclass(frozen=True)
class Isp(Noise):
    """Turns (H, W, 3) in [0, 1] back into a raw mosaic, adds shot and read noise there, and develops it again.

    Gains, colour matrix and noise levels are drawn anew for every image. The clean image returned is the same
    mosaic developed without noise, since developing alone changes a photograph; `truth='untouched'` returns it as it
    came. `process='published'` leaves exposure and tone curve out of the development, as the published code does.
    `shot` and `read`, given together, fix the levels: a raw sample x then has the variance shot * x + read.

    That Chen et al. scored like the default is inferred from their numbers; they do not say.

    Source: Brooks et al., CVPR 2019, "Unprocessing Images for Learned Raw Denoising".
    """

    groups: ClassVar[tuple] = ("paper", "all")
    needs_colour: ClassVar[bool] = True
    title: ClassVar[str] = "Camera (ISP)"
    formula: ClassVar[str] = "y = develop(r + n), n ~ N(0, shot·r + read), r = raw mosaic of x; clean = develop(r)"
    source: ClassVar[str] = "Brooks et al., CVPR 2019; that Chen et al. scored like this is our inference"

    process: str = "full"
    truth: str = "reprocessed"
    shot: float | None = None
    read: float | None = None

    @property
    def keeps_clean(self):
        return self.truth == "untouched"

    def __post_init__(self):
        self.check_choice("process", ("full", "published"))
        self.check_choice("truth", ("reprocessed", "untouched"))
        if (self.shot is None) != (self.read is None):
            raise ValueError(f"Isp: shot is {self.shot!r} and read is {self.read!r}, wanted both or neither")
        if self.shot is not None:
            self.check_number("shot", high=1.0)
            self.check_number("read", high=1.0)

    def __call__(self, clean, rng):
        clean = as_image(clean)
        height, width, channels = clean.shape
        if channels != 3:
            raise ValueError(f"Isp: the image has {channels} channels, wanted 3: red, green and blue")
        camera, levels = draw_camera(rng), draw_levels(rng)
        shot, read = levels if self.shot is None else (self.shot, self.read)
        even = np.pad(clean, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        photograph = np.clip(np.moveaxis(even, -1, 0), 0, 1)  # (3, H, W)
        raw = unprocess(photograph, camera)  # (4, H/2, W/2)
        noisy = exposed(raw, shot, read, rng.standard_normal(raw.shape, dtype=np.float32))

        def developed(mosaic):
            planes = process(mosaic, camera, self.process == "full")
            return np.ascontiguousarray(np.moveaxis(planes, 0, -1)[:height, :width])

        return developed(noisy), clean if self.truth == "untouched" else developed(raw)


def exposed(raw, shot, read, normal):
    """Return the raw mosaic with noise of variance shot * raw + read; `normal` are samples of N(0, 1), as many."""
    noisy = raw.dtype.type(shot) * raw
    noisy += raw.dtype.type(read)
    np.sqrt(noisy, out=noisy)
    noisy *= normal.astype(raw.dtype, copy=False)
    noisy += raw
    return noisy
