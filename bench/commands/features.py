"""`bench features`."""

from __future__ import annotations

from bench.commands.analysis_options import LAYER, NOISES, REFERENCE, analysis_command


@analysis_command(NOISES, REFERENCE, LAYER, patches=56)
def features(models, config, noises, reference, layers):
    """Compare densities of the deepest features under noises.

    Prints their Wasserstein distance from the features under the reference noise.

    \b
    Examples:
      bench features ours baseline
      bench features ours baseline --noise "poisson(alpha=3), salt_pepper(density=0.02), mixture(level=4)"
    """
    from bench.analyses import features

    return features.measure(models, config, noises, reference, layers)
