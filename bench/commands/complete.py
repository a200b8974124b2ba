"""`bench complete`."""

from __future__ import annotations

import click

from bench.analyses.core.options import image_command


@image_command(
    click.option("--noise", help="Noise spec, applied before the mask.  [default: none]"),
    click.option("--ratios", default="50,75,90", show_default=True, help="Masked pixels in percent."),
    side=256,
)
def complete(models, scene, ratios):
    """Show what models restore of an image with masked pixels.

    \b
    Examples:
      bench complete ours
      bench complete ours baseline photo.png --ratios 50,75,90
      bench complete "ours, baseline" --noise "gaussian(sigma=15)"
    """
    from bench.analyses import complete

    return complete.measure(models, scene, complete.parse_ratios(ratios))
