"""What a network from outside has to do, tried on a small image before a run."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from baselines.checkpoints import first_line
from bench.errors import BadInput

SIDE = 32
REPEATABLE = 1e-4  # largest difference between two outputs of the same input


@torch.inference_mode()
def check(network: nn.Module, label: str, device: torch.device) -> None:
    """Run a network in eval mode twice on (1, 3, 32, 32) in [0, 1]. Raises BadInput for what it may not do.

    A network that cannot take so small an image is not judged: its rows will say what happened.
    """
    x = _image().to(device)
    given = x.clone()
    keys = {"keys": [1]} if getattr(network, "takes_keys", False) else {}
    try:
        first, second = network(given, **keys), network(x.clone(), **keys)
    except (Exception, SystemExit) as error:  # whatever a user's network raises
        if "keys" in first_line(error) and keys:
            raise BadInput(f"model {label} declares takes_keys, and fails with them: {first_line(error)}") from error
        return
    problem = _problem(x, given, first, second, bool(keys))
    if problem:
        raise BadInput(f"model {label}, tried on a {SIDE}x{SIDE} image in [0, 1]: {problem}")


def _image() -> Tensor:
    """A ramp with some noise, (1, 3, 32, 32) in [0, 1]."""
    ramp = torch.linspace(0.2, 0.8, SIDE).expand(1, 3, SIDE, SIDE)
    noise = torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    return (ramp + 0.06 * noise).clamp(0, 1)


def _problem(x: Tensor, given: Tensor, first: object, second: object, keyed: bool) -> str:
    """What is wrong with two outputs for x; `given` is what the network got the first time."""
    if not isinstance(first, Tensor) or not isinstance(second, Tensor):
        return f"it returns a {type(first).__name__}, wanted one tensor"
    if first.shape != x.shape:
        return f"its output has shape {tuple(first.shape)}, wanted that of the input, {tuple(x.shape)}"
    if not first.is_floating_point():
        return f"its output is {str(first.dtype).removeprefix('torch.')}, wanted floating point in [0, 1]"
    if not first.isfinite().all():
        return "its output has values that are not finite (NaN or infinite)"
    mean = first.float().mean().item()
    if not -0.5 < mean < 1.5:
        return (
            f"its output is {mean:.3g} on average where the image is {x.mean().item():.3g}: "
            "wanted values in [0, 1] (one made for 0 to 255 has to multiply and divide)"
        )
    if not torch.equal(given, x):
        return "it changes its input, which other models get too: work on a copy"
    difference = (first - second).abs().max().item()
    if difference > REPEATABLE:
        advice = "draw from the keys alone" if keyed else "switch dropout off in eval mode, or declare takes_keys"
        return f"two outputs for the same image differ by up to {difference:.2g}: {advice}"
    return ""
