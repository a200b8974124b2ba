"""`bench complete`."""

from __future__ import annotations

import click

from bench.commands.analysis_options import image_command, one_noise
from bench.commands.options import shared


@image_command(
    shared(
        "noise",
        absent="none",
        also="This command takes one noise with its level and applies it before the mask.",
        callback=one_noise,
    ),
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
