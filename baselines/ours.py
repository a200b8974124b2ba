"""Ours: the network trained with an input mask and an attention mask (Chen et al., CVPR 2023).

Trained on Gaussian noise of one level only, it is meant to keep working on noise it never saw.
"""

from baselines.baseline import SMALL
from baselines.masked_swinir import DESCRIPTION, MaskedSwinIR, bytes_per_pixel, infer, receptive_field

__all__ = ["DESCRIPTION", "bytes_per_pixel", "infer", "receptive_field"]  # the same as of the baseline

TITLE = "Masked training (ours)"
PAPER = "Chen et al., Masked Image Training for Generalizable Deep Image Denoising, CVPR 2023"
LICENCE = "written here (MIT)"
SIZES = {"full": {"attention_mask": 75}, "small": {**SMALL, "attention_mask": 10}}
FACTS = {  # of each size; tests compute them
    "full": {"parameters": 824_118, "flops_per_pixel": 1_918_890, "receptive_field": 208},
    "small": {"parameters": 111_075, "flops_per_pixel": 262_560, "receptive_field": 48},
}
LAYERS = ("layers.*", "conv_after_body")  # stages, deepest features last
RECIPE = {  # by preset
    "paper": {"input_mask": (75, 85)},
    "official": {"input_mask": (80, 90)},
    "small": {"input_mask": (10, 30)},
}

network = MaskedSwinIR
