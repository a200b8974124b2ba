"""`bench features`."""

from __future__ import annotations

from bench.analyses.core.options import LAYER, NOISES, REFERENCE, analysis_command, listed, noises_of


@analysis_command(NOISES, REFERENCE, LAYER, patches=56)
def features(models, config, noise, reference, layer):
    """Compare densities of the deepest features under noises.

    Prints their Wasserstein distance from the features under the reference noise.

    \b
    Examples:
      bench features ours baseline
      bench features ours baseline --noise "poisson(alpha=3), salt_pepper(density=0.02), mixture(level=4)"
    """
    from bench.analyses import features
    from bench.noise import noises
    from bench.runs.conditions import reference_of

    chosen = noises_of(noise, config.patches.channels)
    against = noises.load_noise(reference_of(config.out, reference))
    return features.measure(models, config, chosen, against, listed(layer))
