"""`bench attribute`."""

from __future__ import annotations

import click

from bench.analyses.core.options import NOISE, image_command


@image_command(
    NOISE,
    click.option(
        "--window", type=click.IntRange(2), default=16, show_default=True, help="Side of the window in pixels."
    ),
    click.option("--at", metavar="ROW,COLUMN", help="Top left pixel of the window, e.g. 40,56.  [default: the middle]"),
    click.option("--steps", type=click.IntRange(2), default=32, show_default=True, help="Steps of the path."),
    side=128,
)
def attribute(models, scene, window, at, steps):
    """Map the input pixels that a window of the output depends on.

    Local attribution maps of Gu & Dong (CVPR 2021).

    \b
    Examples:
      bench attribute ours baseline
      bench attribute ours photo.png --noise "mixture(level=4)" --at 40,56
    """
    from bench.analyses import attribute

    return attribute.measure(models, scene, attribute.parse_window(at, window, scene.clean.shape), steps)
