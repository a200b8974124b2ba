"""Restormer: a U-shaped transformer whose attention is between channels, not pixels (Zamir et al., CVPR 2022).

Input and output (B, C, H, W) in [0, 1], at least 8x8 (reflected to multiples of 8, for three downsamplings). Attention
correlates channels over the whole input, so that the output of tiles differs from that of the whole image.
Written from the paper; keys are those of the published denoising weights.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.layers.validation import boolean, integer, integers, positive
from baselines.weights_io.infer_config import count, ratio

TITLE = "Restormer"
PAPER = "Zamir et al., Restormer: Efficient Transformer for High-Resolution Image Restoration, CVPR 2022"
LICENCE = "written here from the paper (MIT); the official code and weights have a restrictive licence or none"
SIZES = {
    "full": {},
    "small": {"dim": 6, "num_blocks": (1, 1, 1, 1)},
}
RECIPE = {"small": {"compile": True}}  # nearly twice as fast on the CPU
FACTS = {  # of each size; tests compute them
    "full": {"parameters": 26_111_668, "flops_per_pixel": 4_726_624, "receptive_field": "whole image"},
    "small": {"parameters": 127_352, "flops_per_pixel": 42_511, "receptive_field": "whole image"},
}
LAYERS = ("encoder_level*", "latent", "decoder_level*", "refinement")  # stages, deepest features last
DESCRIPTION = "a Restormer of {num_blocks} blocks and {dim} channels"
RECEPTIVE_FIELD = "whole image"  # attention correlates channels over it
LEVELS = ("encoder_level1", "encoder_level2", "encoder_level3", "latent")


class ChannelNorm(nn.Module):
    """Layer normalization over channels; 'BiasFree' keeps the mean and has no bias."""

    def __init__(self, dim: int, kind: str):
        super().__init__()
        self.body = nn.Module()
        self.body.weight = nn.Parameter(torch.ones(dim))
        self.body.bias = nn.Parameter(torch.zeros(dim)) if kind == "WithBias" else None

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W), normalized over channels."""
        centred = x - x.mean(1, keepdim=True)
        scale = (centred.square().mean(1, keepdim=True) + 1e-5).rsqrt()  # (B, 1, H, W); var(1) is ten times slower
        if self.body.bias is None:
            return x * scale * self.body.weight[:, None, None]
        return centred * scale * self.body.weight[:, None, None] + self.body.bias[:, None, None]


class TransposedAttention(nn.Module):
    """Attention between channels: each is a mix of the channels of its head, weighted by cosine similarity."""

    def __init__(self, dim: int, heads: int, bias: bool):
        super().__init__()
        self.heads = heads
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.qkv = nn.Conv2d(dim, 3 * dim, 1, bias=bias)
        self.qkv_dwconv = nn.Conv2d(3 * dim, 3 * dim, 3, padding=1, groups=3 * dim, bias=bias)
        self.project_out = nn.Conv2d(dim, dim, 1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        qkv = self.qkv_dwconv(self.qkv(x)).flatten(2)  # (B, 3 C, H W)
        q, k, v = (t.unflatten(1, (self.heads, -1)) for t in qkv.chunk(3, 1))  # each (B, heads, C / heads, H W)
        cosine = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1)
        weights = (cosine * self.temperature).softmax(-1)  # (B, heads, C / heads, C / heads)
        return self.project_out((weights @ v).view_as(x))


class FeedForward(nn.Module):
    """Gated feed-forward: one of two branches after a depth-wise convolution gates the other."""

    def __init__(self, dim: int, expansion: float, bias: bool):
        super().__init__()
        hidden = int(dim * expansion)
        self.project_in = nn.Conv2d(dim, 2 * hidden, 1, bias=bias)
        self.dwconv = nn.Conv2d(2 * hidden, 2 * hidden, 3, padding=1, groups=2 * hidden, bias=bias)
        self.project_out = nn.Conv2d(hidden, dim, 1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        gate, value = self.dwconv(self.project_in(x)).chunk(2, 1)
        return self.project_out(F.gelu(gate) * value)


class RestormerBlock(nn.Module):
    """Transposed attention and gated feed-forward network, each with a norm and a residual connection."""

    def __init__(self, dim: int, heads: int, expansion: float, bias: bool, norm: str):
        super().__init__()
        self.norm1 = ChannelNorm(dim, norm)
        self.attn = TransposedAttention(dim, heads, bias)
        self.norm2 = ChannelNorm(dim, norm)
        self.ffn = FeedForward(dim, expansion, bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        x = x + self.attn(self.norm1(x))
        return x + self.ffn(self.norm2(x))


class Resample(nn.Module):
    """Downsample (half the size, twice the channels) or upsample (twice the size, half the channels)."""

    def __init__(self, dim: int, down: bool):
        super().__init__()
        conv = nn.Conv2d(dim, dim // 2 if down else 2 * dim, 3, padding=1, bias=False)
        self.body = nn.Sequential(conv, nn.PixelUnshuffle(2) if down else nn.PixelShuffle(2))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, 2 C, H / 2, W / 2) downwards, (B, C / 2, 2 H, 2 W) upwards."""
        return self.body(x)


class PatchEmbed(nn.Module):
    """The first convolution, under its official name."""

    def __init__(self, before: int, after: int):
        super().__init__()
        self.proj = nn.Conv2d(before, after, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, before, H, W) -> (B, after, H, W)."""
        return self.proj(x)


class Restormer(nn.Module):
    """x + output(refinement(decoder(encoder(x)))).

    dim, num_blocks, heads   channels of the first level (doubled at each), and blocks and heads of the four levels
    num_refinement_blocks    blocks at full size after the decoder
    ffn_expansion_factor     width of the feed-forward part, in units of its level's channels
    LayerNorm_type           'BiasFree' (the published denoiser) or 'WithBias'
    rgb_range                maximum of the network's input values
    """

    mostly_matrix_products = True  # its large convolutions are depthwise, or at half of the resolution and below

    def __init__(
        self,
        inp_channels=3,
        out_channels=3,
        dim=48,
        num_blocks=(4, 6, 6, 8),
        num_refinement_blocks=4,
        heads=(1, 2, 4, 8),
        ffn_expansion_factor=2.66,
        bias=False,
        LayerNorm_type="BiasFree",
        rgb_range=1,
    ):
        super().__init__()
        integer(1, inp_channels=inp_channels, out_channels=out_channels, dim=dim)
        integer(1, num_refinement_blocks=num_refinement_blocks)
        integers(1, num_blocks=num_blocks, heads=heads)
        positive(ffn_expansion_factor=ffn_expansion_factor, rgb_range=rgb_range)
        boolean(bias=bias)
        if LayerNorm_type not in ("BiasFree", "WithBias"):
            raise ValueError(f"LayerNorm_type: expected 'BiasFree' or 'WithBias', got {LayerNorm_type!r}")
        if len(num_blocks) != 4 or len(heads) != 4:
            raise ValueError(f"num_blocks, heads: expected four entries each, one per level, got {num_blocks}, {heads}")
        if dim % 2:
            raise ValueError(f"dim: expected an even number (downsampling halves it), got {dim}")
        if any(dim * 2**level % count for level, count in enumerate(heads)):
            raise ValueError(f"heads: expected divisors of the channels {[dim * 2**i for i in range(4)]}, got {heads}")

        def blocks(count: int, level: int, channels: int) -> nn.Sequential:
            options = (channels, heads[level], ffn_expansion_factor, bias, LayerNorm_type)
            return nn.Sequential(*(RestormerBlock(*options) for _ in range(count)))

        self.patch_embed = PatchEmbed(inp_channels, dim)
        self.encoder_level1 = blocks(num_blocks[0], 0, dim)
        self.down1_2 = Resample(dim, down=True)
        self.encoder_level2 = blocks(num_blocks[1], 1, 2 * dim)
        self.down2_3 = Resample(2 * dim, down=True)
        self.encoder_level3 = blocks(num_blocks[2], 2, 4 * dim)
        self.down3_4 = Resample(4 * dim, down=True)
        self.latent = blocks(num_blocks[3], 3, 8 * dim)
        self.up4_3 = Resample(8 * dim, down=False)
        self.reduce_chan_level3 = nn.Conv2d(8 * dim, 4 * dim, 1, bias=bias)
        self.decoder_level3 = blocks(num_blocks[2], 2, 4 * dim)
        self.up3_2 = Resample(4 * dim, down=False)
        self.reduce_chan_level2 = nn.Conv2d(4 * dim, 2 * dim, 1, bias=bias)
        self.decoder_level2 = blocks(num_blocks[1], 1, 2 * dim)
        self.up2_1 = Resample(2 * dim, down=False)
        self.decoder_level1 = blocks(num_blocks[0], 0, 2 * dim)
        self.refinement = blocks(num_refinement_blocks, 0, 2 * dim)
        self.output = nn.Conv2d(2 * dim, out_channels, 3, padding=1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Denoise (B, C, H, W) in [0, 1]; other sizes than multiples of 8 are padded by reflection."""
        height, width = x.shape[-2:]
        bottom, right = -height % 8, -width % 8
        image = F.pad(x, (0, right, 0, bottom), "reflect") if bottom or right else x
        level1 = self.encoder_level1(self.patch_embed(image))  # (B, C, H, W)
        level2 = self.encoder_level2(self.down1_2(level1))  # (B, 2 C, H / 2, W / 2)
        level3 = self.encoder_level3(self.down2_3(level2))  # (B, 4 C, H / 4, W / 4)
        latent = self.latent(self.down3_4(level3))  # (B, 8 C, H / 8, W / 8)
        up3 = self.reduce_chan_level3(torch.cat([self.up4_3(latent), level3], 1))
        up2 = self.reduce_chan_level2(torch.cat([self.up3_2(self.decoder_level3(up3)), level2], 1))
        up1 = torch.cat([self.up2_1(self.decoder_level2(up2)), level1], 1)  # (B, 2 C, H, W)
        return (image + self.output(self.refinement(self.decoder_level1(up1))))[..., :height, :width]


def infer(tensors: Mapping[str, Tensor]) -> dict:
    """Network parameters inferred from the tensors of a checkpoint."""
    ends = [tensors[f"{level}.0.ffn.project_out.weight"].shape for level in LEVELS]
    return {
        "inp_channels": tensors["patch_embed.proj.weight"].shape[1],
        "out_channels": len(tensors["output.weight"]),
        "dim": len(tensors["patch_embed.proj.weight"]),
        "num_blocks": tuple(count(tensors, f"{level}.") for level in LEVELS),
        "num_refinement_blocks": count(tensors, "refinement."),
        "heads": tuple(len(tensors[f"{level}.0.attn.temperature"]) for level in LEVELS),
        "ffn_expansion_factor": ratio(((end[0], end[1]) for end in ends), usual=2.66),
        "bias": "output.bias" in tensors,
        "LayerNorm_type": "WithBias" if "latent.0.norm1.body.bias" in tensors else "BiasFree",
    }


def bytes_per_pixel(dim=48, **others) -> int:
    """Memory at the peak of an evaluation in float32, copies inside torch included; measured on a CPU."""
    return 192 * dim + 512


network = Restormer
