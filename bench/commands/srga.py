"""`bench srga`: how far a network's deepest features move from those of the training noise."""

from __future__ import annotations

import click

from bench.inside.options import data_options, listed, models_of, noises_of


@click.command()
@click.argument("models", nargs=-1, required=True)
@click.option("--noise", default="mixture", show_default=True, help="Noise specs; a bare name sweeps its levels.")
@click.option("--reference", help="The noise that the others are compared with.  [default: the reference noise of "
              "the run in --out, or gaussian(sigma=15)]")  # fmt: skip
@click.option("--layer", help="Whose features.  [default: the last before they become an image again]")
@click.option("--components", type=click.IntRange(1), default=300, show_default=True,
              help="Of the PCA; as many as patches where those are fewer.")  # fmt: skip
@click.option("--pca", type=click.Choice(["exact", "official"]), default="exact", show_default=True,
              help="official: scikit-learn's, randomized at real sizes, as published.")  # fmt: skip
@data_options(patches=300)
def srga(models, noise, reference, layer, components, pca, **options) -> None:
    """SRGA of MODELS on noises: 0 is the same as on the training noise.

    What is in the run folder already is not measured again.

    \b
    bench srga ours baseline dncnn swinir --noise all
    bench srga ours --noise "poisson(alpha=2)" --patches 100 --side 64
    """
    from bench.console import console
    from bench.inside import findings, generalization, setting
    from bench.inside.look import keep
    from bench.inside.probe import deepest
    from bench.inside.question import table
    from bench.noise import noises
    from bench.progress import progress
    from bench.runs.conditions import reference_of

    chosen = setting.make(**options)
    resolved = models_of(",".join(models))
    asked = noises_of(noise, chosen.patches.channels)
    question = generalization.ask(
        asked, noises.load_noise(reference_of(chosen.out, reference)), chosen, components, pca
    )
    probes = [deepest(model, listed(layer), chosen.device) for model in resolved]
    how = f"{question.how['components']} components, {pca} PCA, protocol {chosen.protocol.name}"
    click.echo(f"{chosen.patches.words}; {how}")
    batches = -(-len(chosen.patches.patches) // generalization.BATCH)
    with setting.opened(chosen.out) as store:
        with progress("batches", batches * len(probes) * (len(question.pairs) + 1)) as bar:
            for done in generalization.measure(probes, question, store):
                bar.advance(done)
        frame = question.answers(probes, findings.read(store))
    files = keep(generalization.look(frame, probes, question), chosen.out)
    console().print(table(frame, probes, "srga", "SRGA"))
    click.echo(generalization.WORDS)
    click.echo("files: " + ", ".join(map(str, files)))
