"""Baseline: the same network as ours, trained without any mask (Chen et al., CVPR 2023)."""

from baselines.masked_swinir import MaskedSwinIR

TITLE = "Unmasked baseline"
PAPER = "Chen et al., Masked Image Training for Generalizable Deep Image Denoising, CVPR 2023"
LICENCE = "written here (MIT)"
SMALL = {"embed_dim": 48, "depths": (2, 2), "num_heads": (2, 2), "drop_path_rate": 0.0}
SIZES = {"full": {}, "small": SMALL}

network = MaskedSwinIR
