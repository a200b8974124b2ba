"""Baseline: the same network as ours, trained without any mask (Chen et al., CVPR 2023)."""

from baselines.masked_swinir import DESCRIPTION, MaskedSwinIR, bytes_per_pixel, infer, receptive_field

__all__ = ["DESCRIPTION", "bytes_per_pixel", "infer", "receptive_field"]

TITLE = "Unmasked baseline"
PAPER = "Chen et al., Masked Image Training for Generalizable Deep Image Denoising, CVPR 2023"
LICENCE = "written here (MIT)"
SMALL = {"embed_dim": 48, "depths": (2, 2), "num_heads": (2, 2), "drop_path_rate": 0.0}
SIZES = {"full": {}, "small": SMALL}
FACTS = {  # of each size; tests compute them
    "full": {"parameters": 824_118, "flops_per_pixel": 1_918_890, "receptive_field": 208},
    "small": {"parameters": 111_075, "flops_per_pixel": 262_560, "receptive_field": 48},
}
LAYERS = ("layers.*", "conv_after_body")  # stages, deepest features last

network = MaskedSwinIR
