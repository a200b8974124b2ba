"""`bench srga`: how far a network's deepest features move from those of the training noise."""

from __future__ import annotations

import click

from bench.inside.options import data_options


@click.command()
@click.argument("models", nargs=-1, required=True)
@click.option("--noise", default="mixture", show_default=True, help="Noise specs; a bare name sweeps its levels.")
@click.option("--reference", default="gaussian(sigma=15)", show_default=True, help="The training noise.")
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
    from bench import models as known
    from bench import noises
    from bench.console import console
    from bench.inside import generalization, setting
    from bench.inside.options import listed
    from bench.inside.probe import deepest
    from bench.progress import progress

    chosen = setting.make(**options)
    resolved, left_out = known.expand(",".join(models))
    for sentence in left_out:
        click.echo(f"note: {sentence}")
    question = generalization.ask(noises.expand(noise), noises.load_noise(reference), chosen, components, pca)
    probes = [deepest(model, listed(layer), chosen.device) for model in resolved]
    settings = question.settings()
    click.echo(
        f"{chosen.patches.words}; {settings['components']} components, {pca} PCA, protocol {chosen.protocol.name}"
    )
    batches = -(-len(chosen.patches.patches) // generalization.BATCH)
    with setting.opened(chosen.out) as store:
        with progress("batches", batches * len(probes) * (len(question.pairs) + 1)) as bar:
            for done in generalization.measure(probes, question, store):
                bar.advance(done)
        frame = generalization.answers(probes, question, store)
    files = generalization.keep(frame, probes, question)
    show(frame, probes, console(), generalization)
    click.echo(generalization.WORDS)
    click.echo("files: " + ", ".join(map(str, files)))


def show(frame, probes, screen, generalization) -> None:
    """A row a noise, a column a model, the floors first."""
    from rich.table import Table

    from bench.table import cell_text

    table = Table("noise", title="SRGA [95%]; * not above the noise floor", title_justify="left")
    for probe in probes:
        table.add_column(f"{probe.model.label}\n{probe.layers[-1]}", justify="right")
    rows = {(row["noise"], row["model"]): row for row in frame.to_dict("records")}
    names = [probe.model.label for probe in probes]
    noises = list(dict.fromkeys(frame["noise"]))
    if noises:
        floors = [rows[noises[0], name] for name in names]
        table.add_row("noise floor", *(cell_text(row["floor"], row["floor_low"], row["floor_high"]) for row in floors))
    for noise in noises:
        cells = [rows[noise, name] for name in names]
        table.add_row(noise, *(cell_text(row["srga"], row["low"], row["high"])
                               + ("" if generalization.above_floor(row) else " *") for row in cells))  # fmt: skip
    screen.print(table)
