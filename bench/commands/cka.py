"""`bench cka`."""

from __future__ import annotations

import click

from bench.analyses.core.options import analysis_command, listed, noises_of


@analysis_command(
    click.option("--noise", "--noise-a", help="Noise spec of the first model's input.  [default: the reference "
                 "noise of the run in --out, or gaussian(sigma=15)]"),
    click.option("--noise-b", help="Noise specs of the second model's input, or of the first again; several give one "
                 "column each.  [default: as --noise]"),
    click.option("--layers", help="Layers or patterns such as 'layers.*', listed by bench models layers MODEL."),
    click.option("--layers-b", help="Layers of the second model.  [default: as --layers]"),
    click.option("--batch", type=click.IntRange(4), default=16, show_default=True, help="Patches per batch."),
    patches=96,
)  # fmt: skip
def cka(models, config, noise, noise_b, layers, layers_b, batch):
    """Compare layers of two models, or of one under two noises.

    \b
    Examples:
      bench cka ours baseline                            two models, the same pixels
      bench cka ours --noise-b "poisson(alpha=2)"        one model, Gaussian and Poisson noise
      bench cka ours --noise-b all                       one model, Gaussian and each other noise
      bench cka ours swinir --layers "layers.*.residual_group.blocks.*, layers.*"
    """
    from bench.analyses import cka
    from bench.noise import noises
    from bench.runs.conditions import reference_of

    first = noises.load_noise(reference_of(config.out, noise, "--noise"))
    others = noises_of(noise_b, config.patches.channels) if noise_b else ()
    return cka.measure(models, config, first, others, listed(layers), listed(layers_b) or None, batch)
