"""`bench detail`."""

from __future__ import annotations

from bench.commands.analysis_options import NOISE, analysis_command


@analysis_command(NOISE, patches=28)
def detail(models, config, noise):
    """Measure fine detail kept and error by spatial frequency.

    \b
    Examples:
      bench detail ours baseline dncnn swinir
      bench detail ours baseline --noise "mixture(level=4)"
    """
    from bench.analyses import detail

    return detail.measure(models, config, noise)
