"""Learned perceptual distance, Zhang et al., CVPR 2018: AlexNet features, version 0.1, from the package `lpips`."""

from functools import partial

from bench.metrics import Metric, perceptual

METRIC = Metric(
    name="lpips",
    against=partial(perceptual.against, "alex"),
    title="LPIPS",
    higher_is_better=False,
    meaning="learned perceptual distance; lower is better",
    definition="AlexNet features, version 0.1, RGB in [-1, 1], the whole image; a greyscale image as three "
    "equal channels",
    source="Zhang et al., CVPR 2018, package lpips",
    of_floats=True,
    crops_border=False,
    uses_channel_order=True,
    missing=partial(perceptual.missing, "alex"),
)
