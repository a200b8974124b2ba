"""`bench cka`."""

from __future__ import annotations

import click

from bench.commands.analysis_options import analysis_command, layer_list, reference_noise


@analysis_command(
    click.option(
        "--noise",
        "--noise-a",
        "noise_a",
        help="Noise spec of the first model's input.  [default: the "
        "reference noise of the run in --out, or gaussian(sigma=15)]",
    ),
    click.option(
        "--noise-b",
        "noises",
        help="Noise specs of the second model's input, or of the first again; several "
        "give one column each.  [default: as --noise]",
    ),
    click.option(
        "--layers",
        callback=layer_list,
        help="Layers or patterns such as 'layers.*', listed by bench models layers MODEL.",
    ),
    click.option("--layers-b", callback=layer_list, help="Layers of the second model.  [default: as --layers]"),
    click.option("--batch", type=click.IntRange(4), default=16, show_default=True, help="Patches per batch."),
    patches=96,
)
def cka(models, config, noise_a, noises, layers, layers_b, batch):
    """Compare layers of two models, or of one under two noises.

    \b
    Examples:
      bench cka ours baseline                            two models, the same pixels
      bench cka ours --noise-b "poisson(alpha=2)"        one model, Gaussian and Poisson noise
      bench cka ours --noise-b all                       one model, Gaussian and each other noise
      bench cka ours swinir --layers "layers.*.residual_group.blocks.*, layers.*"
    """
    from bench.analyses import cka

    first = reference_noise(config.out, noise_a, "--noise")
    return cka.measure(models, config, first, noises, layers, layers_b or None, batch)
