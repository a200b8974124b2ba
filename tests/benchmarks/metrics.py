"""PSNR and SSIM of the bench beside scikit-image and OpenCV, in turns in one process; LPIPS's time. Run by hand:

    python -m tests.benchmarks.metrics                     # 768x512 and 1024x1024, one thread
    python -m tests.benchmarks.metrics --threads 2 --size 4000x3000 --rounds 3

`one output` is a clean image and one output of it; `each of N` is the cost of an output where N are scored against
one clean image, as a run does with its models and the noisy input. The others gain nothing from that. Prints
milliseconds an image (medians) and for each of the others the median of the rounds' ratios with their spread. Wanted:
PSNR and SSIM together at least five times as fast as either.

scikit-image is called so that it gives the same number. OpenCV's way is that of KAIR, written from the formulas: a
window of 11x11 by cv2.filter2D in double precision, channel by channel. Times are of the processor where one thread is
used, so that other work on the machine moves them less.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median

import numpy as np
import torch

from bench.metrics import load_metric, psnr, ssim

Images = tuple[np.ndarray, np.ndarray]
OUTPUTS = 9  # of a clean image: eight models and the noisy input


def photograph(width: int, height: int) -> Images:
    """A noisy and a clean image, uint8 (H, W, 3), of the builtin photographs mirrored side by side."""
    from bench.datasets import load_dataset

    picture = load_dataset("builtin").images[0].read()
    pad = [(0, max(0, size - have)) for size, have in zip((height, width), picture.shape, strict=False)]
    clean = np.pad(picture, [*pad, (0, 0)], "symmetric")[:height, :width]
    noisy = clean + np.random.default_rng(0).normal(0, 15 / 255, clean.shape)
    return tuple(np.rint(image.clip(0, 1) * 255).astype(np.uint8) for image in (noisy, clean))


def ours(output: np.ndarray, clean: np.ndarray) -> tuple[float, float]:
    return psnr.score(output, clean), ssim.score(output, clean)


def ours_of_many(output: np.ndarray, clean: np.ndarray) -> tuple[float, float]:
    """The same output, scored `OUTPUTS` times."""
    target, given = torch.from_numpy(clean), torch.from_numpy(output)
    judges = [metric.METRIC.against(target) for metric in (psnr, ssim)]
    return [tuple(judge(given) for judge in judges) for _ in range(OUTPUTS)][-1]


def scikit_image(output: np.ndarray, clean: np.ndarray) -> tuple[float, float]:
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    similarity = structural_similarity(
        clean, output, channel_axis=2, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    return float(peak_signal_noise_ratio(clean, output, data_range=255)), float(similarity)


def opencv(output: np.ndarray, clean: np.ndarray) -> tuple[float, float]:
    import cv2

    x, y = output.astype(np.float64), clean.astype(np.float64)
    column = cv2.getGaussianKernel(11, 1.5)
    window = np.outer(column, column)
    similarities = [_opencv_ssim(x[..., channel], y[..., channel], window) for channel in range(x.shape[2])]
    return 20 * np.log10(255 / np.sqrt(np.mean((x - y) ** 2))), float(np.mean(similarities))


def _opencv_ssim(x: np.ndarray, y: np.ndarray, window: np.ndarray) -> float:
    """SSIM of one channel, (H, W) float64."""
    import cv2

    def filtered(image: np.ndarray) -> np.ndarray:
        return cv2.filter2D(image, -1, window)[5:-5, 5:-5]

    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mean_x, mean_y = filtered(x), filtered(y)
    variance_x, variance_y = filtered(x**2) - mean_x**2, filtered(y**2) - mean_y**2
    covariance = filtered(x * y) - mean_x * mean_y
    above = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    return (above / ((mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2))).mean()


WAYS: dict[str, tuple[Callable[..., tuple[float, float]], int]] = {
    "one output": (ours, 1),
    f"each of {OUTPUTS}": (ours_of_many, OUTPUTS),
    "scikit-image": (scikit_image, 1),
    "OpenCV": (opencv, 1),
}


def compare(width: int, height: int, rounds: int, clock: Callable[[], float]) -> None:
    """Time all ways in turns on an image, and print a table."""
    images = photograph(width, height)
    found = {name: way(*images) for name, (way, _) in WAYS.items()}
    times: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(rounds):
        for name, (way, outputs) in WAYS.items():
            began = clock()
            way(*images)
            times[name].append((clock() - began) / outputs)
    exact = found["scikit-image"]
    print(f"{width}x{height}: PSNR {exact[0]:.4f} dB, SSIM {exact[1]:.6f}")
    for name, seconds in times.items():
        rate = median(seconds) / (width * height / 1e6)
        off = max(abs(one - other) for one, other in zip(found[name], exact, strict=True))
        line = f"  {name:14} {1e3 * median(seconds):8.1f} ms {rate:7.3f} s / megapixel, off by {off:.0e}"
        print(line + _gain(times, name), flush=True)


def _gain(times: dict[str, list[float]], name: str) -> str:
    """'; times as long: scikit-image 6.71 (6.50 to 6.91), OpenCV 5.1 (...)', for the ways of the bench."""
    if name in ("scikit-image", "OpenCV"):
        return ""
    said = []
    for other in ("scikit-image", "OpenCV"):
        ratios = sorted(theirs / own for theirs, own in zip(times[other], times[name], strict=True))
        said.append(f"{other} {median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")
    return f"; times as long: {', '.join(said)}"


def perceptual(name: str, width: int, height: int, rounds: int, clock: Callable[[], float]) -> None:
    """Print the time of a learned metric, where its weights are at hand."""
    metric = load_metric(name)
    if lack := metric.missing():
        print(f"  {metric.title}: not measured, {lack}")
        return
    output, clean = map(torch.from_numpy, photograph(width, height))
    judge, seconds = metric.against(clean), []
    for _ in range(rounds):
        began = clock()
        judge(output)
        seconds.append(clock() - began)
    rate = median(seconds) / (width * height / 1e6)
    print(f"  {metric.title:17} {1e3 * median(seconds):5.0f} ms {rate:7.3f} s / megapixel an output", flush=True)


def main() -> None:
    import cv2

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", nargs="*", default=["768x512", "1024x1024"], metavar="WIDTHxHEIGHT")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    clock = time.thread_time if options.threads == 1 else time.perf_counter
    what = "processor" if options.threads == 1 else "wall"
    print(f"{options.threads} threads, {what} time, medians of {options.rounds} rounds")
    for size in options.size:
        width, height = map(int, size.split("x"))
        compare(width, height, options.rounds, clock)
        for name in ("lpips", "lpips_squeeze"):
            perceptual(name, width, height, options.rounds, clock)


if __name__ == "__main__":
    main()
