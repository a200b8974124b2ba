"""LPIPS from the package `lpips`, with backbone weights from `bench.metrics.backbones`."""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bench.core.errors import described

if TYPE_CHECKING:
    import torch

MIN_SIDE = {"alex": 31, "squeeze": 17}  # pixels: smaller images have no pixels left in the last layers


def missing(net: str) -> str:
    """Why LPIPS on a backbone ('alex', 'squeeze') cannot be computed on this machine; '' if it can."""
    from bench.metrics.backbones import WeightsUnavailable

    try:
        _network(net, "cpu")
    except (WeightsUnavailable, ImportError, RuntimeError) as error:
        return described(error)
    return ""


def against(net: str, clean: torch.Tensor) -> Callable[[torch.Tensor], float]:
    """Clean image, uint8 (H, W, 3) or (H, W, 1) -> function from an output like it to LPIPS.

    A greyscale image is taken as three equal channels. Raises ValueError for images that are too small.
    """
    import torch

    height, width, channels = clean.shape
    if channels not in (1, 3):
        raise ValueError(f"LPIPS: expected an image of 1 or 3 channels, got {channels}")
    if min(height, width) < MIN_SIDE[net]:
        side = MIN_SIDE[net]
        raise ValueError(f"LPIPS needs at least {side}x{side} pixels, got {width}x{height}")
    network = _network(net, str(clean.device))
    with torch.inference_mode():
        target = _features(network, clean)

    def score(output: torch.Tensor) -> float:
        with torch.inference_mode():
            return _distance(network, _features(network, output), target)

    return score


def _features(network: torch.nn.Module, image: torch.Tensor) -> list[torch.Tensor]:
    """uint8 (H, W, 1 or 3) -> features of each layer, (1, C, h, w), of unit length at each pixel."""
    import lpips

    x = image.expand(-1, -1, 3).permute(2, 0, 1)[None].float() / 127.5 - 1  # as lpips.im2tensor
    parts: Any = network  # its modules, which torch types as tensors too
    return [lpips.normalize_tensor(layer) for layer in parts.net(parts.scaling_layer(x))]


def _distance(network: torch.nn.Module, first: list[torch.Tensor], second: list[torch.Tensor]) -> float:
    """LPIPS of two images from their features, as in LPIPS.forward; so the clean image's are computed once."""
    heads: Any = network.lins
    layers = zip(heads, first, second, strict=True)
    return float(sum(head((one - other) ** 2).mean() for head, one, other in layers))


@functools.cache
def _network(net: str, device: str) -> torch.nn.Module:
    """The network of the package `lpips` with the published backbone. Raises WeightsUnavailable."""
    import torch

    from bench.metrics.backbones import features

    tensors = features(net)
    _make_torchvision_importable()
    import lpips

    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.filterwarnings("ignore", "The parameter 'pretrained'|Arguments other than a weight", UserWarning)
        network = lpips.LPIPS(net=net, pnet_rand=True, verbose=False)  # its random backbone is replaced below
    layers = {key.split(".", 1)[1]: key for key in network.net.state_dict()}  # slice2.3.weight is features.3.weight
    state = {layers[key.removeprefix("features.")]: value for key, value in tensors.items()}
    network.net.load_state_dict(state, strict=True)
    return network.to(device).eval().requires_grad_(False)


def _make_torchvision_importable() -> None:
    """Import torchvision, which `lpips` needs for two network definitions, even if its compiled operators do not load.

    With a torch of another build (CPU torch, torchvision for CUDA) they are missing, and the import ends with "operator
    torchvision::nms does not exist", because it registers nms and qnms with the compiler. LPIPS does not use them: if
    they are missing their signatures are declared here, without an implementation.
    """
    import torch

    try:
        import torchvision
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]  # remove the partial import
        for name in ("nms", "qnms"):
            torch.library.define(f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision  # noqa: F401
