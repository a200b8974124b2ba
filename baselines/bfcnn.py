"""BF-CNN: DnCNN without additive constants (Mohan et al., ICLR 2020).

If the input is scaled, so is the output: trained on weak noise, it is meant to remove strong noise as well.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from baselines.dncnn import DnCNN, bytes_per_pixel, inferred, receptive_field

__all__ = ["bytes_per_pixel", "receptive_field"]

TITLE = "BF-CNN"
PAPER = (
    "Mohan et al., Robust And Interpretable Blind Image Denoising Via Bias-Free Convolutional Neural Networks, "
    "ICLR 2020"
)
LICENCE = "written here (MIT); official weights MIT"
SIZES = {"full": {}, "small": {"nc": 40, "nb": 9, "act_mode": "R"}}  # small: the small DnCNN, without its constants
FACTS = {  # of each size; tests compute them
    "full": {"parameters": 668_160, "flops_per_pixel": 1_334_016, "receptive_field": 41},
    "small": {"parameters": 102_960, "flops_per_pixel": 205_920, "receptive_field": 19},
}
LAYERS = ("model.*:ReLU",)  # stages, deepest features last
DESCRIPTION = "a bias-free DnCNN of {nb} layers"


class BiasFreeDnCNN(DnCNN):
    """`baselines.dncnn.DnCNN` with bias_free=True, and batch normalization by default."""

    def __init__(self, in_nc=3, out_nc=3, nc=64, nb=20, act_mode="BR", rgb_range=1):
        super().__init__(in_nc, out_nc, nc, nb, act_mode, rgb_range, bias_free=True)


def infer(tensors: Mapping[str, Tensor]) -> dict:
    """Network parameters inferred from the tensors of a checkpoint. Raises ValueError for those of other networks."""
    found = inferred(tensors)
    if not found["bias_free"]:
        raise ValueError("expected no additive constants, got some: a network of baselines.dncnn")
    return {name: found[name] for name in ("in_nc", "out_nc", "nc", "nb", "act_mode")}


network = BiasFreeDnCNN
