"""Networks with known weights on a known picture, so that a few numbers pin down an architecture.

Everything comes from Philox's raw words (which NumPy promises to keep) and is computed in float64.
"""

import hashlib
import importlib.util
import warnings
import zlib

import numpy as np
import torch
from torch import Tensor, nn


def uniform(key: str, shape) -> Tensor:
    """Numbers in [-1, 1) that depend on the key alone, float64."""
    words = np.random.Philox(key=zlib.crc32(key.encode())).random_raw(int(np.prod(shape)))
    return torch.from_numpy(np.asarray(words / 2.0**63 - 1).reshape(tuple(shape)))


def fill(network: nn.Module, gain: float = 1.0) -> nn.Module:
    """Give every weight a value that depends on its name alone; float64, in evaluation."""
    state = {}
    for key, value in network.state_dict().items():
        if value.dim() > 1:  # unit variance in, about gain squared out
            state[key] = uniform(key, value.shape) * gain * (3 * len(value) / value.numel()) ** 0.5
        elif key.endswith("var") or (key.endswith("weight") and value.dim() == 1):
            state[key] = 1 + 0.1 * uniform(key, value.shape)
        elif value.is_floating_point():
            state[key] = 0.1 * uniform(key, value.shape)
        else:
            state[key] = value
    network.double().load_state_dict(state)
    return network.eval()


def picture(height: int, width: int, batch: int = 1) -> Tensor:
    """Waves and grain in about [0, 1], (B, 3, H, W) float64."""
    row, column = torch.arange(height).double()[:, None], torch.arange(width).double()[None, :]
    waves = [torch.sin(0.31 * row + 0.17 * c) * torch.cos(0.23 * column - 0.4 * c) for c in range(3 * batch)]
    grain = uniform("grain", (batch, 3, height, width))
    return 0.5 + 0.4 * torch.stack(waves).view(batch, 3, height, width) + 0.1 * grain


@torch.no_grad()
def measure(network: nn.Module, height: int = 19, width: int = 26) -> list[float]:
    """Mean, deviation and four pixels of what a network adds to the picture."""
    x = picture(height, width)
    added = network(x) - x
    assert added.shape == x.shape
    places = ((0, 0, 0), (1, 7, 11), (2, height - 1, width - 1), (0, height // 2, width - 2))
    return [added.mean().item(), added.std().item(), *(added[(0, *place)].item() for place in places)]


def names_hash(network: nn.Module) -> str:
    """A short hash of all names and shapes in a state dict."""
    lines = sorted(f"{key}:{tuple(value.shape)}" for key, value in network.state_dict().items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def check_gradients(network: nn.Module) -> None:
    """Every parameter of a network in training gets a finite gradient that is not zero."""
    network.train()
    (network(picture(16, 24, batch=2).float()) - 0.5).abs().mean().backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all() and parameter.grad.any(), key


def check_official(shared, name: str, network: nn.Module) -> None:
    """Names, shapes, parameter count and outputs are those of the official code (golden/arch of ../shared)."""
    spec = importlib.util.spec_from_file_location("check_arch", shared / "golden" / "arch" / "check_arch.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # it leaves a file open
        report = module.check(name, network, verbose=False)
    assert report["pass"], report
