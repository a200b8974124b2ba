"""`bench brightness`."""

from __future__ import annotations

from bench.commands.analysis_options import NOISE, analysis_command


@analysis_command(NOISE, patches=28)
def brightness(models, config, noise):
    """Measure whether outputs are too bright or too dark.

    Compares the 8-bit levels of outputs and clean images by channel. Models that mask their attention at test time are
    measured without the mask too.

    \b
    Examples:
      bench brightness ours
      bench brightness ours baseline --noise "mixture(level=4)"
    """
    from bench.analyses import brightness

    return brightness.measure(models, config, noise)
