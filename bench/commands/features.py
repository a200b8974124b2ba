"""`bench features`: where a network's deepest features lie under each noise."""

from __future__ import annotations

import click

from bench.inside.options import data_options, listed, models_of, noises_of


@click.command()
@click.argument("models", nargs=-1, required=True)
@click.option("--noise", default="mixture", show_default=True, help="Noise specs; a bare name sweeps its levels.")
@click.option("--reference", help="The noise that the others are compared with.  [default: the reference noise of "
              "the run in --out, or gaussian(sigma=15)]")  # fmt: skip
@click.option("--layer", help="Whose features.  [default: the last before they become an image again]")
@data_options(patches=56)
def features(models, noise, reference, layer, **options) -> None:
    """Densities of the deepest features of MODELS under noises, and their distance from the training noise.

    \b
    bench features ours baseline --noise "poisson(alpha=3), salt_pepper(density=0.02), mixture(level=4)"
    """
    from bench.console import console
    from bench.inside import densities, setting
    from bench.inside.findings import by_key
    from bench.inside.look import keep
    from bench.inside.probe import deepest
    from bench.inside.question import table
    from bench.noise import noises
    from bench.progress import progress
    from bench.runs.conditions import reference_of

    chosen = setting.make(**options)
    resolved = models_of(",".join(models))
    chosen_noises = noises_of(noise, chosen.patches.channels)
    question = densities.ask(chosen_noises, noises.load_noise(reference_of(chosen.out, reference)), chosen)
    probes = [deepest(model, listed(layer), chosen.device) for model in resolved]
    click.echo(f"{chosen.patches.words}; protocol {chosen.protocol.name}")
    rows, seen = [], []
    with progress("patches", len(chosen.patches.patches) * len(probes) * densities.passes(question)) as bar:
        for probe in probes:
            for step in densities.measure(probe, question, rows):
                if step is None:
                    bar.advance()
                else:
                    seen.append(step)
    frame = question.answers(probes, by_key(rows))
    files = keep(densities.look(frame, seen, question, rows), chosen.out)
    console().print(table(frame, probes, "wasserstein", "Distance of the features, in deviations", 3))
    click.echo(densities.WORDS)
    click.echo("files: " + ", ".join(map(str, files)))
