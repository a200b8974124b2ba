"""Requirements on a user-defined network, checked on a small image before a run."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from baselines.layers import non_blind
from baselines.train.recipe import Recipe
from bench.core.errors import BadInput, as_bad_input, described
from bench.models import adapters
from bench.models.mask_keys import keyed

# (height, width); the first size that runs is checked. Not square, so that swapped axes are seen, and divisible by
# higher and higher powers of two; then squares, for networks of a single input size.
TRIAL_SIZES = ((40, 32), (96, 64), (192, 128), (512, 256), *((side, side) for side in (32, 64, 128, 256, 512)))
MASK_KEY = (1,)  # of the test image
MAX_DIFFERENCE = 1e-4  # between two outputs for the same input

# Wrong value ranges. Untrained networks leave [0, 1] too (a single random convolution with a third of its values or
# more), but unlike 2x - 1, -x or 2.5x they do not correlate with the image in all three channels. Of 300 untrained
# networks of each of 14 kinds, plain and residual, at most one exceeds both limits; none has half of its values more
# than 4 outside, as outputs in [0, 255] have.
MAX_EXCESS, MAX_SHARE = 0.25, 0.2  # refused: a larger share of values more than MAX_EXCESS outside [0, 1],
MIN_SCALED_CORRELATION = 0.9  # if the output correlates more than this with the image;
MAX_MEDIAN_EXCESS = 4  # refused in any case: half of the values farther outside than this


@torch.inference_mode()
def check(network: nn.Module, label: str, device: torch.device, tile: int | None = None) -> None:
    """Run a network in eval mode twice on (1, 3, 40, 32) in [0, 1]. Raises BadInput if it violates the requirements.

    If it fails, other sizes are tried. A network that states a tile is tried on that size only. Images of a run
    on which it fails are rows with the reason.
    """
    with as_bad_input(f"model {label}"):
        keys = keyed(network, MASK_KEY)
    error, sizes = None, ((tile, tile),) if tile else TRIAL_SIZES
    for size in sizes:
        error, problem = _try_size(network, size, device, keys)
        if error is None:
            break
        if adapters.non_blind_part(network):  # at once: `repeat` of a map would fill the memory at larger sizes
            scalar = {"sigma": torch.full((1, 1, 1, 1), 15 / 255, device=device)}
            if _try_size(network, size, device, {**keys, **scalar})[0] is None:
                raise BadInput(
                    f"model {label}: its forward failed with the noise level as a map (B, 1, H, W), and runs with it "
                    "as (B, 1, 1, 1): set scalar_sigma = True on its class"
                ) from error
        if keys and "keys" in described(error):
            raise BadInput(
                f"model {label}: declares takes_keys, but forward(x, keys=[1]) failed: {described(error)}"
            ) from error
    else:
        grey = any(_try_size(network, one, device, keys, 1)[0] is None for one in sizes)
        advice = (
            "It runs on (B, 1, H, W): set channels = 1 on its class if it is for greyscale images"
            if grey
            else "Expected a module (B, 3, H, W) -> (B, 3, H, W), float32 in [0, 1]"
        )
        tried = ", ".join(f"{height}x{width}" for height, width in sizes)
        raise BadInput(f"model {label}: failed on images of {tried} pixels: {described(error)}. {advice}") from error
    if problem:
        raise BadInput(f"model {label}, on a {size[0]}x{size[1]} image in [0, 1]: {problem}")


def check_size(network: nn.Module, label: str, device: torch.device, side: int) -> None:
    """Run a network in eval mode on the size of the crops for test curves. Raises BadInput if it fails."""
    with torch.inference_mode():
        error, _ = _try_size(network, (side, side), device, keyed(network, MASK_KEY))
    if error is not None:
        raise BadInput(
            f"model {label}: failed on crops of {side}x{side} pixels, on which test curves are computed: "
            f"{described(error)}. Pad in its forward, or set the tile size on its class, e.g. tile = 64"
        ) from error


def check_training(network: nn.Module, label: str, device: torch.device, recipe: Recipe, channels: int = 3) -> None:
    """Run a forward and backward pass in train mode on two crops of a recipe. Raises BadInput if it fails.

    The network is changed by it: pass a copy. torch's random stream is restored.
    """
    crop, bfloat16 = recipe.crop, recipe.precision == "bfloat16"
    x = torch.stack([_test_image(crop, crop)[0, :channels]] * min(2, recipe.batch)).to(device)
    level = non_blind.level_input(network, torch.full_like(x[:, :1], 15 / 255))
    trial = f"model {label}, training step on crops of {crop}x{crop} in {recipe.precision}"
    try:
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
                y = network.train()(x, **level)
            if isinstance(y, Tensor) and y.shape == x.shape and y.requires_grad:
                (y.float() - x).abs().mean().backward()
    except Exception as error:  # whatever a user's network raises
        raise BadInput(
            f"{trial}: failed: {described(error)}. Try another crop (--set crop=64) or --set precision=float32"
        ) from error
    if not isinstance(y, Tensor) or y.shape != x.shape or not y.isfinite().all():
        raise BadInput(f"{trial}: {_output_problem(x, x, y, y, keyed=False)}")
    if not y.requires_grad:
        raise BadInput(f"{trial}: its output has no gradient: remove detach() and no_grad from its forward")


def _try_size(
    network: nn.Module, size: tuple[int, int], device: torch.device, keys: dict, channels: int = 3
) -> tuple[BaseException | None, str]:
    """(exception, '') if a network fails on an image of a size, else (None, problem with its outputs or '')."""
    x = _test_image(*size)[:, :channels].contiguous().to(device)
    given, options = x.clone(), {**adapters.trial_level(network, x), **keys}
    try:
        first, second = network(given, **options), network(x.clone(), **options)
    except Exception as error:  # whatever a user's network raises
        return error, ""
    return None, _output_problem(x, given, first, second, bool(keys))


def _test_image(height: int, width: int) -> Tensor:
    """(1, 3, height, width) in [0, 1]: a noisy ramp in each channel, each in another direction."""
    across = torch.linspace(0, 1, width).expand(height, width)
    down = torch.linspace(0, 1, height)[:, None].expand(height, width)
    ramps = torch.stack([across, down, 1 - (across + down) / 2])[None]
    noise = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(0))
    return (ramps + 0.06 * noise).clamp(0, 1)


def output_problem(x: Tensor, y: object) -> str:
    """The problem with the kind, shape, type or device of an output for x, or with NaN in it; '' if there is none."""
    if not isinstance(y, Tensor):
        return f"output: expected one tensor, got a {type(y).__name__}"
    if y.is_nested or y.layout != torch.strided or y.device.type != x.device.type:
        kind = "nested" if y.is_nested else f"{str(y.layout).removeprefix('torch.')}, on {y.device.type}"
        return f"output: expected a dense tensor on {x.device.type}, got one that is {kind}"
    if y.shape != x.shape:
        return f"output: expected the shape of the input, {tuple(x.shape)}, got {tuple(y.shape)}"
    if not y.is_floating_point():
        return f"output: expected floating point in [0, 1], got {str(y.dtype).removeprefix('torch.')}"
    if not y.isfinite().all():
        return "output: expected finite values, got NaN or infinity"
    return ""


def _output_problem(x: Tensor, given: Tensor, first: object, second: object, keyed: bool) -> str:
    """The problem with two outputs for x, '' if there is none; `given`: the input tensor of the first call."""
    if problem := output_problem(x, first) or output_problem(x, second):
        return problem
    if outside := _range_problem(x, first.float()):
        return outside
    if not torch.equal(given, x):
        return "it changes its input in place, which other models get too: work on a copy"
    difference = (first - second).abs().max().item()
    if difference > MAX_DIFFERENCE:
        advice = (
            "draw random numbers from the keys only" if keyed else "disable dropout in eval mode, or declare takes_keys"
        )
        return f"two outputs for the same image differ by up to {difference:.2g}: {advice}"
    return ""


def _range_problem(x: Tensor, y: Tensor) -> str:
    """The problem with the value range of an output for x; '' if there is none."""
    distance = (y - y.clamp(0, 1)).abs()
    share = (distance > MAX_EXCESS).float().mean().item()
    scaled = share > MAX_SHARE and abs(_correlation(x, y)) > MIN_SCALED_CORRELATION
    if not scaled and (distance > MAX_MEDIAN_EXCESS).float().mean().item() <= 0.5:
        return ""
    return (
        f"output: expected values in [0, 1], got {y.min().item():.3g} to {y.max().item():.3g}, {share:.0%} of them "
        f"over {MAX_EXCESS} outside: a network made for [0, 255] or [-1, 1] has to convert its input and output"
    )


def _correlation(x: Tensor, y: Tensor) -> float:
    """Pearson correlation of all values of two images; 0 if one of them is constant."""
    x, y = (image.double().flatten() - image.double().mean() for image in (x, y))
    return (x @ y / (x.norm() * y.norm()).clamp(min=1e-12)).item()
