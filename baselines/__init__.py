"""Denoising networks, a file each, with their checkpoints and their training. Tensors are (B, C, H, W) in [0, 1]."""
