"""SwinIR for denoising: Swin transformer groups between two long skips (Liang et al., ICCVW 2021).

Input and output (B, C, H, W) in [0, 1], any size from 8x8 (reflected up to a multiple of the window). Keys are those
of the official colour denoising checkpoints. Source: the paper, and KAIR's key list (Apache-2.0).
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from baselines.layers import swin
from baselines.layers.swin import SwinBody
from baselines.layers.validation import positive

TITLE = "SwinIR"
PAPER = "Liang et al., SwinIR: Image Restoration Using Swin Transformer, ICCV Workshops 2021"
LICENCE = "written here (MIT); official weights Apache-2.0"
SIZES = {
    "full": {},
    "small": {
        "embed_dim": 48,
        "depths": (2, 2),
        "num_heads": (2, 2),
        "resi_connection": "3conv",
        "drop_path_rate": 0.0,
    },
}
FACTS = {  # of each size; tests compute them
    "full": {"parameters": 11_504_163, "flops_per_pixel": 24_423_120, "receptive_field": 298},
    "small": {"parameters": 112_227, "flops_per_pixel": 264_864, "receptive_field": 50},
}
LAYERS = ("layers.*", "conv_after_body")  # stages, deepest features last
DESCRIPTION = "a SwinIR of {depths} blocks and {embed_dim} channels"


class SwinIR(SwinBody):
    """SwinIR without upsampling: x + conv_last(conv_after_body(features) + conv_first(x)).

    img_range  scale of the first convolution's input, after subtracting the mean: 1, or 255 in the published networks
               of window 7 (JPEG artifacts); input and output are in [0, 1] in both cases
    """

    def __init__(
        self,
        in_chans=3,
        embed_dim=180,
        depths=(6,) * 6,
        num_heads=(6,) * 6,
        window_size=8,
        mlp_ratio=2.0,
        drop_path_rate=0.1,
        resi_connection="1conv",
        img_range=1,
    ):
        super().__init__(
            in_chans,
            embed_dim,
            depths,
            num_heads,
            window_size,
            mlp_ratio,
            drop_path_rate,
            resi_connection,
            first_kernel=3,
        )
        positive(img_range=img_range)
        self.img_range = img_range

    @property
    def float32_layers(self) -> list[nn.Module]:
        """Layers for which bfloat16 is too imprecise: the convolutions, a small part of the operations."""
        return [module for module in self.modules() if isinstance(module, nn.Conv2d)]

    def forward(self, x: Tensor) -> Tensor:
        """Denoise (B, C, H, W) in [0, 1]; sizes are padded to multiples of the window by reflection."""
        height, width = x.shape[-2:]
        image = (self.pad(x) - self.mean) * self.img_range
        shallow = self.conv_first(image)  # (B, C, H, W)
        deep = self.conv_after_body(self.features(shallow)) + shallow
        return ((image + self.conv_last(deep)) / self.img_range + self.mean)[..., :height, :width]


def infer(tensors: Mapping[str, Tensor]) -> dict:
    """Network parameters inferred from the tensors of a checkpoint."""
    return swin.infer_body(tensors, first_kernel=3)


def published(window_size=8, **others) -> dict:
    """Parameters of published weights that tensors do not show: img_range 255 for window 7 (JPEG artifacts)."""
    return {"img_range": 255} if window_size == 7 else {}


def caveat(window_size=8, img_range=1, **others) -> str:
    """Note on unusual parameters; '' for none."""
    if window_size != 7 or img_range != 1:
        return ""
    return "the published SwinIR of window 7 uses img_range=255, here it is 1"


def receptive_field(depths=(6,) * 6, window_size=8, resi_connection="1conv", **others) -> int:
    """Receptive field: maximum side in pixels."""
    return swin.receptive_field(depths, window_size, resi_connection, first_kernel=3)


def bytes_per_pixel(embed_dim=180, **others) -> int:
    """Memory at the peak of an evaluation in float32, copies inside torch included; measured on a CPU."""
    return 48 * embed_dim


network = SwinIR
