"""What a network from outside has to do, tried on a small image before a run."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from baselines.checkpoints import first_line
from baselines.recipe import Recipe
from bench.errors import BadInput, described, told
from bench.networks.mask_keys import keyed

# Height and width, none square, so that a swap shows. The first that runs is judged; the later ones have more factors
# of two, for networks that want them.
TRIAL_SIZES = ((40, 32), (96, 64), (192, 128), (512, 256))
MASK_KEY = (1,)  # of the one image
TRIAL_SQUARES = (32, 64, 128, 256, 512)  # for networks of one size alone
MAX_DIFFERENCE = 1e-4  # largest difference between two outputs of the same input

# What is out of range. Random weights go outside [0, 1] too, a single convolution with a third of its values or more,
# and what tells them from 2x - 1, -x or 2.5x is that they do not follow the image in all three channels. Of 300
# networks of each of 14 kinds without training, plain and residual, at most one in 300 is both this far outside and
# this alike; and none has half of its values farther away than 4, which white at 255 has.
MAX_EXCESS, MAX_SHARE = 0.25, 0.2  # values so far outside [0, 1] are too many from this share on,
MIN_SCALED_CORRELATION = 0.9  # where they correlate so with the image;
MAX_MEDIAN_EXCESS = 4  # half of them so far outside are too many anyway
MIN_CORRELATION = 0.5  # an output that correlates less with the image is doubted


@torch.inference_mode()
def check(network: nn.Module, label: str, device: torch.device, tile: int | None = None) -> None:
    """Run a network in eval mode twice on (1, 3, 40, 32) in [0, 1]. Raises BadInput for what it may not do.

    One that fails there is tried on larger images, and one that fails on all of them on squares, of which it has to
    take exactly one. One that states a tile is tried on that alone.
    """
    with told(f"model {label}"):
        keys = keyed(network, MASK_KEY)
    error, sizes = None, ((tile, tile),) if tile else TRIAL_SIZES
    for size in sizes:
        error, problem = _try_size(network, size, device, keys)
        if error is None:
            break
        if keys and "keys" in first_line(error):
            raise BadInput(f"model {label} declares takes_keys, and fails with them: {first_line(error)}") from error
    else:
        size, problem = (None, "") if tile else _only_square(network, device, keys)
        if size is None and any(_try_size(network, one, device, keys, 1)[0] is None for one in sizes):
            problem = "It runs on (B, 1, H, W): state channels = 1 on its class if it is for greyscale images"
    if size is None:
        tried = ", ".join(f"{height}x{width}" for height, width in sizes)
        raise BadInput(
            f"model {label}, tried on images of {tried} pixels, fails: {described(error)}. "
            f"{problem or 'Wanted a module from (B, 3, H, W), float32 in [0, 1], to the same'}"
        ) from error
    if problem:
        raise BadInput(f"model {label}, tried on a {size[0]}x{size[1]} image in [0, 1]: {problem}")


def check_size(network: nn.Module, label: str, device: torch.device, side: int) -> None:
    """Run a network in eval mode on the squares that test curves are made of. Raises BadInput where it fails."""
    with torch.inference_mode():
        error, _ = _try_size(network, (side, side), device, keyed(network, MASK_KEY))
    if error is not None:
        raise BadInput(
            f"model {label} fails on images of {side}x{side} pixels, which its test curves are made of: "
            f"{described(error)}. Pad inside, or state the size of its tiles on the class, tile = 64"
        ) from error


def check_training(network: nn.Module, label: str, device: torch.device, recipe: Recipe, channels: int = 3) -> None:
    """Run a network in train mode, forwards and backwards, on two crops of a recipe. Raises BadInput where that fails.

    The network is changed: give one that is not needed any more. torch's random stream is left as it was.
    """
    crop, bfloat16 = recipe.crop, recipe.precision == "bfloat16"
    x = torch.stack([_test_image(crop, crop)[0, :channels]] * min(2, recipe.batch)).to(device)
    tried = f"model {label}, tried in training on crops of {crop}x{crop} in {recipe.precision},"
    try:
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
                y = network.train()(x)
            if isinstance(y, Tensor) and y.shape == x.shape and y.requires_grad:
                (y.float() - x).abs().mean().backward()
    except (Exception, SystemExit) as error:  # whatever a user's network raises
        raise BadInput(f"{tried} fails: {described(error)}. Another crop (--set crop=64) or precision "
                       "(--set precision=float32) may help") from error  # fmt: skip
    if not isinstance(y, Tensor) or y.shape != x.shape or not y.isfinite().all():
        raise BadInput(f"{tried[:-1]}: {_output_problem(x, x, y, y, keyed=False)}")
    if not y.requires_grad:
        raise BadInput(f"{tried} has no gradient: its forward detaches its output, or runs under no_grad")


def _only_square(network: nn.Module, device: torch.device, keys: dict) -> tuple[tuple[int, int] | None, str]:
    """The one square that a network takes, and what is wrong there; no size where it takes none, or several."""
    tried = {side: _try_size(network, (side, side), device, keys) for side in TRIAL_SQUARES}
    taken = {side: problem for side, (error, problem) in tried.items() if error is None}
    if len(taken) > 1:
        sides = ", ".join(f"{side}x{side}" for side in taken)
        return None, f"It takes {sides}, so it may have height and width swapped"
    return next((((side, side), problem) for side, problem in taken.items()), (None, ""))


def _try_size(
    network: nn.Module, size: tuple[int, int], device: torch.device, keys: dict, channels: int = 3
) -> tuple[BaseException | None, str]:
    """What a network raises on an image of a size, and what is wrong with its outputs where it raises nothing."""
    x = _test_image(*size)[:, :channels].contiguous().to(device)
    given = x.clone()
    try:
        first, second = network(given, **keys), network(x.clone(), **keys)
    except (Exception, SystemExit) as error:  # whatever a user's network raises
        return error, ""
    return None, _output_problem(x, given, first, second, bool(keys))


def _test_image(height: int, width: int) -> Tensor:
    """A ramp with some noise in each channel, each in another direction, (1, 3, height, width) in [0, 1]."""
    across = torch.linspace(0, 1, width).expand(height, width)
    down = torch.linspace(0, 1, height)[:, None].expand(height, width)
    ramps = torch.stack([across, down, 1 - (across + down) / 2])[None]
    noise = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(0))
    return (ramps + 0.06 * noise).clamp(0, 1)


def _output_problem(x: Tensor, given: Tensor, first: object, second: object, keyed: bool) -> str:
    """What is wrong with two outputs for x; `given` is what the network got the first time."""
    if not isinstance(first, Tensor) or not isinstance(second, Tensor):
        return f"it returns a {type(first).__name__}, wanted one tensor"
    if first.shape != x.shape:
        return f"its output has shape {tuple(first.shape)}, wanted that of the input, {tuple(x.shape)}"
    if not first.is_floating_point():
        return f"its output is {str(first.dtype).removeprefix('torch.')}, wanted floating point in [0, 1]"
    if not first.isfinite().all():
        return "its output has values that are not finite (NaN or infinite)"
    if outside := _range_problem(x, first.float()):
        return outside
    if not torch.equal(given, x):
        return "it changes its input, which other models get too: work on a copy"
    difference = (first - second).abs().max().item()
    if difference > MAX_DIFFERENCE:
        advice = "draw from the keys alone" if keyed else "switch dropout off in eval mode, or declare takes_keys"
        return f"two outputs for the same image differ by up to {difference:.2g}: {advice}"
    return ""


def _range_problem(x: Tensor, y: Tensor) -> str:
    """What is wrong with the range of an output for x; '' where nothing is."""
    distance = (y - y.clamp(0, 1)).abs()
    share = (distance > MAX_EXCESS).float().mean().item()
    scaled = share > MAX_SHARE and abs(_correlation(x, y)) > MIN_SCALED_CORRELATION
    if not scaled and (distance > MAX_MEDIAN_EXCESS).float().mean().item() <= 0.5:
        return ""
    return (
        f"its output goes from {y.min().item():.3g} to {y.max().item():.3g}, {share:.0%} of it more than {MAX_EXCESS} "
        "outside [0, 1]: wanted values in [0, 1] (one made for 0 to 255 or for -1 to 1 has to convert both ways)"
    )


def _correlation(x: Tensor, y: Tensor) -> float:
    """Of all values of two images, float32; 0 where one of them is constant."""
    x, y = (image.double().flatten() - image.double().mean() for image in (x, y))
    return (x @ y / (x.norm() * y.norm()).clamp(min=1e-12)).item()


@torch.inference_mode()
def caveat(network: nn.Module, tile: int | None = None) -> str:
    """In words, what is strange on a small image, or which sizes will fail; '' for nothing, or where all fails."""
    squares = [(side, side) for side in TRIAL_SQUARES]
    for size in ((tile, tile),) if tile else (*TRIAL_SIZES, *squares):
        x = _test_image(*size)
        try:
            keys = keyed(network, MASK_KEY)
            y = network(x.clone(), **keys).float()
            found = [_correlation_problem(x, y), "" if tile else _size_problem(network, size, keys)]
        except (Exception, SystemExit):  # `check` says it, where the network runs
            continue
        return "; ".join(filter(None, found))
    return ""


def _correlation_problem(x: Tensor, y: Tensor) -> str:
    """In words, that an output does not look like the image; '' where it does."""
    alike = _correlation(x, y)
    if alike > MIN_CORRELATION or not y.isfinite().all():
        return ""
    height, width = x.shape[-2:]
    return (
        f"its output hardly follows the image (correlation {alike:.2f} on a {height}x{width} ramp with noise): "
        "it may be untrained, or return the noise in place of the image"
    )


def _size_problem(network: nn.Module, size: tuple[int, int], keys: dict) -> str:
    """In words, that a network which takes a size fails on one that is a pixel larger; '' where it does not."""
    height, width = size
    error, problem = _try_size(network, (height + 1, width + 1), torch.device("cpu"), keys)
    if error is None and not problem:
        return ""
    tile = height if height == width else max(64, min(size))
    return (
        f"it runs on {height}x{width} pixels and fails on {height + 1}x{width + 1} "
        f"({described(error) if error else problem}): images of sizes that it does not take will fail, unless it pads "
        f"them in its forward, or its class states a tile, such as tile = {tile}"
    )
