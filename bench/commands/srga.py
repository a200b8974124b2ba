"""`bench srga`."""

from __future__ import annotations

import click

from bench.commands.analysis_options import LAYER, NOISES, REFERENCE, analysis_command


@analysis_command(
    NOISES,
    REFERENCE,
    LAYER,
    click.option(
        "--components",
        type=click.IntRange(1),
        default=300,
        show_default=True,
        help="Components of the PCA; at most as many as patches.",
    ),
    click.option(
        "--pca",
        type=click.Choice(["exact", "official"]),
        default="exact",
        show_default=True,
        help="official: scikit-learn's, randomized at real sizes, as published.",
    ),
    patches=300,
)
def srga(models, config, noises, reference, layers, components, pca):
    """Measure how far features diverge from the reference noise.

    SRGA (Liu et al., TPAMI 2023) of the deepest features: 0 is the same as under the reference noise. Values that are
    in the run folder are not measured again; further models join the figure.

    \b
    Examples:
      bench srga ours baseline dncnn swinir --noise all
      bench srga ours --noise "poisson(alpha=2)" --patches 100 --side 64
    """
    from bench.analyses import srga

    return srga.measure(models, config, noises, reference, layers, components, pca)
