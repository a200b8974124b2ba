"""One image at a time: its noisy version, the output of a model, and scores, all as in a run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from bench import metrics as all_metrics
from bench import protocols
from bench.core import isolation
from bench.core.environment import device_of
from bench.core.errors import BadInput
from bench.datasets.arrays import checked, pixels_of
from bench.evaluation.denoise import Networks, load
from bench.evaluation.prepare import PreparedImage
from bench.models import model_specs, precisions, tiling
from bench.models.model_specs import ModelObject
from bench.noise import noises
from bench.noise.picture import NoisyVersion, noisy_version
from noise_zoo.noise import Noise

DEFAULT_METRICS = "psnr, ssim"
MAX_OUTSIDE = 1.0  # how far noisy images and outputs may lie outside [0, 1]: farther is another value of white


def noisy(
    clean: np.ndarray,
    noise: str | Noise,
    seed: int = 0,
    protocol: str = "stored",
    *,
    with_clean: bool = False,
) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    """Draw a noise on a clean image, (H, W, 3) or (H, W), uint8 or floats in [0, 1]; returns an array of the same kind.

    The pixels are those that a run makes of this image; floats are first rounded to 8 bits, as the images of a run
    are. Under a protocol that does not store noisy images they are float32, not clipped. `with_clean` returns
    (noisy, clean); noises such as isp make a clean image of their own to compare with, and need it. Raises BadInput.
    """
    version = _version(clean, noise, seed, protocol)
    given = np.asarray(clean)
    target = _like(given, version.clean)
    if not with_clean and not np.array_equal(version.target, pixels_of(clean)):
        raise BadInput(
            f"noise {version.label}: makes a clean image of its own, which its noisy image has to be "
            "compared with: add with_clean=True to get (noisy, clean)"
        )
    if protocols.load_protocol(protocol).store_noise:
        made = _like(given, version.stored.astype(np.float32) / 255)
    else:
        made = version.noisy.reshape(given.shape)
    return (made, target) if with_clean else made


def denoise(
    model: str | ModelObject,
    image: np.ndarray,
    noise: str | Noise | None = None,
    *,
    seed: int = 0,
    protocol: str = "stored",
    precision: str = "float32",
    tile: str | int = "auto",
    size: str = "small",
    device: str = "auto",
) -> np.ndarray:
    """Denoise an image, (H, W, 3) or (H, W), uint8 or floats in [0, 1]; returns an array of the same kind and range.

    model  a spec, a torch.nn.Module, or a function (B, 3, H, W) -> (B, 3, H, W) in [0, 1]
    image  the noisy image, or with `noise` the clean one, on which the noise is drawn first, as `bench.noisy` does

    Large images are processed in tiles, and greyscale ones by colour networks, as in a run. Raises BadInput.
    """
    (chosen, *others), skipped = model_specs.expand(model if isinstance(model, str) else [model], size)
    if others or skipped:
        raise BadInput(f"expected one model, got {len(others) + len(skipped) + 1}: denoise with one after the other")
    prepared = _prepared(image, noise, seed, protocol)
    torch_device, cast = device_of(device), precisions.parse(precision)
    network = load(chosen, torch_device, cast)
    networks = Networks((network,), (chosen.channels,), (tiling.of(chosen, tiling.parse(tile)),), torch_device)
    with isolation.our_code():
        output = networks.denoise(0, prepared, rounded=False)
    if output.pixels is None:
        raise BadInput(f"model {chosen.label}: {output.reason}")
    return _like(np.asarray(image), output.pixels)


def score(
    output: np.ndarray,
    clean: np.ndarray,
    metrics: str | Iterable[str] = DEFAULT_METRICS,
    protocol: str = "stored",
    device: str = "cpu",
) -> dict[str, float]:
    """Score an output against its clean image, both (H, W, 3) or (H, W), uint8 or floats in [0, 1]: metric -> score.

    As in a run, both are rounded to 8 bits, and the protocol says what is cropped. PSNR is in dB. Raises BadInput if a
    metric cannot be computed here, or has no value for this image.
    """
    chosen = all_metrics.expand(metrics if isinstance(metrics, str) else ",".join(metrics))
    pixels, target = pixels_of(output, "output", MAX_OUTSIDE), pixels_of(clean, "clean")
    if pixels.shape != target.shape:
        raise BadInput(f"expected an output of the shape of the clean image, {target.shape}, got {pixels.shape}")
    measured, missing = all_metrics.available(chosen)
    scores = all_metrics.against(measured, target, protocols.load_protocol(protocol), device_of(device))(pixels)
    for name, reason in {**missing, **scores.missing}.items():
        raise BadInput(f"{name}: {reason}: choose other metrics")
    return {metric.name: float(scores.values[metric.name]) for metric in chosen}


def _version(clean: Any, noise: str | Noise, seed: int, protocol: str) -> NoisyVersion:
    """The image under a noise. Raises BadInput for a noise that is only in pairs."""
    drawn, pixels = _drawn(noise), pixels_of(clean)
    with isolation.our_code():
        return noisy_version(pixels, drawn, seed, protocol)


def _drawn(given: str | Noise) -> Noise:
    """The noise of a spec. Raises BadInput for a noise that is only in pairs."""
    noise = noises.load_noise(given) if isinstance(given, str) else noises.from_object(given)
    if noise.recorded:
        raise BadInput(
            f"expected a noise that is drawn, got {noises.canonical(noise)}, which is only in pairs of images"
        )
    return noise


def _prepared(image: Any, noise: str | Noise | None, seed: int, protocol: str) -> PreparedImage:
    """The input of the network, and the key of the masks that it may draw: with a noise as in a run."""
    if noise is None:
        given = checked(image, outside=MAX_OUTSIDE)
        pixels = given.astype(np.float32) / (255 if given.dtype == np.uint8 else 1)
        made, key = pixels, noises.stream_key("network", noises.pixel_hash(pixels), seed)
    else:
        drawn, clean = _drawn(noise), pixels_of(image).astype(np.float32) / 255
        clean_hash = noises.pixel_hash(clean)
        with isolation.our_code():
            made, _ = noises.network_input(drawn, clean, seed, protocols.load_protocol(protocol), clean_hash)
        key = noises.mask_key(clean_hash, drawn, seed)
    eight_bits = protocols.to_bytes(made)
    return PreparedImage(made, eight_bits, eight_bits, key)


def _like(given: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Floats (H, W, C) in [0, 1], clipped, with the shape and the type of a given image."""
    shaped = image.reshape(given.shape)
    return protocols.to_bytes(shaped) if given.dtype == np.uint8 else np.clip(shaped, 0, 1).astype(given.dtype)
