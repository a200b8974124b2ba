"""Learned perceptual distance, Zhang et al., CVPR 2018: SqueezeNet features, version 0.1, from the package `lpips`."""

from functools import partial

from bench.metrics import Metric, perceptual

METRIC = Metric(
    name="lpips_squeeze",
    against=partial(perceptual.against, "squeeze"),
    title="LPIPS (SqueezeNet)",
    higher_is_better=False,
    meaning="learned perceptual distance on SqueezeNet's features; lower is better",
    definition="SqueezeNet 1.1 features, version 0.1, RGB in [-1, 1], the whole image; a greyscale image as three "
    "equal channels",
    source="Zhang et al., CVPR 2018, package lpips",
    of_floats=True,
    crops_border=False,
    uses_channel_order=True,
    missing=partial(perceptual.missing, "squeeze"),
)
