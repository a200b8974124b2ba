"""`bench cka`: how alike two networks, or one network on two noises, look from inside."""

from __future__ import annotations

import click

from bench.inside.options import data_options, listed, noises_of


@click.command()
@click.argument("model")
@click.argument("other", required=False)
@click.option("--noise-a", help="The noise that MODEL gets.  [default: the reference noise of the run in --out, or "
              "gaussian(sigma=15)]")  # fmt: skip
@click.option(
    "--noise-b", help="The noise that OTHER gets, or MODEL the second time; several sweep.  [default: as --noise-a]"
)
@click.option("--layers", help="Layers or patterns such as 'layers.*'; bench models layers MODEL lists them.")
@click.option("--layers-b", help="Of OTHER.  [default: as --layers]")
@click.option("--batch", type=click.IntRange(4), default=16, show_default=True, help="Patches in a batch.")
@data_options(patches=96)
def cka(model, other, noise_a, noise_b, layers, layers_b, batch, **options) -> None:
    """CKA of the layers of MODEL with those of OTHER, or with its own on another noise.

    \b
    bench cka ours baseline                                      two networks on the same pixels
    bench cka ours --noise-b "poisson(alpha=2)"                  one network, Gaussian and Poisson noise
    bench cka ours --noise-b all                                 one network, Gaussian and each other noise
    bench cka ours swinir --layers "layers.*.residual_group.blocks.*, layers.*"
    """
    from bench.console import console
    from bench.inside import setting, similarity
    from bench.inside.look import keep
    from bench.inside.probe import probe
    from bench.networks import models
    from bench.noise import noises
    from bench.progress import progress
    from bench.runs.conditions import reference_of
    from bench.runs.table import cell_text

    chosen = setting.make(**options)
    first = noises.load_noise(reference_of(chosen.out, noise_a, "--noise-a"))
    compared_with = noises_of(noise_b, chosen.patches.channels) if noise_b else [first]
    patterns = listed(layers), listed(layers_b or layers)
    sides = [models.resolve(name) for name in (model, other or model)]
    models.refuse_namesakes(sides)
    one = probe(sides[0], patterns[0], chosen.device)
    same = other is None and patterns[0] == patterns[1]
    two = one if same else probe(sides[1], patterns[1], chosen.device)
    side = similarity.Side(one, first)
    others = [similarity.Side(two, noise) for noise in compared_with if len(compared_with) == 1 or noise != first]
    dropped = similarity.dropped(len(chosen.patches.patches), batch)
    left_out = f", of which {dropped} that make no batch of 4 are left out" if dropped else ""
    click.echo(f"{chosen.patches.words}{left_out}; batches of {batch}, protocol {chosen.protocol.name}")
    batches = -(-(len(chosen.patches.patches) - dropped) // batch)
    found = []
    with progress("batches", batches * similarity.passes(side, others)) as bar:
        for step in similarity.compare(side, others, chosen, batch):
            if step is None:
                bar.advance()
            else:
                found.append(step)
    files = keep(similarity.look(found, chosen), chosen.out)
    console().print(table_of_pairs(found[0], cell_text) if len(found) == 1 else table_of_noises(found, cell_text))
    click.echo(similarity.WORDS)
    click.echo("files: " + ", ".join(map(str, files)))


def table_of_pairs(compared, cell_text):
    """A row a layer: CKA with the layer of the same name, and the layer that is most alike."""
    import numpy as np
    from rich.table import Table

    found, others = compared.similarity, compared.second.probe.layers
    table = Table("layer", "CKA with the same layer [95%]", "most alike", title=f"CKA: {compared.title}",
                  title_justify="left")  # fmt: skip

    def text(row: int, column: int) -> str:
        return cell_text(found.value[row, column], found.low[row, column], found.high[row, column], 3)

    for row, layer in enumerate(compared.first.probe.layers):
        same = text(row, others.index(layer)) if layer in others else "-"
        known = np.isfinite(found.value[row])
        best = int(np.nanargmax(found.value[row])) if known.any() else None
        table.add_row(layer, same, "-" if best is None else f"{others[best]}: {text(row, best)}")
    return table


def table_of_noises(compared, cell_text):
    """A row a noise, a column a layer: CKA with the layer of the same name; the deepest with its bounds."""
    from rich.table import Table

    from bench.inside.similarity import shared_layers
    from bench.noise import noises

    one, other = compared[0].first, compared[0].second
    layers = shared_layers(one.probe, other.probe)
    table = Table("noise", title=f"CKA with the same layer: {one.words}, and other noises [95%]", title_justify="left")
    for name, _, _ in layers:
        table.add_column(name, justify="right")
    for each in compared:
        found = each.similarity
        *shallow, (_, row, column) = layers
        cells = [f"{found.value[place, other]:.3f}" for _, place, other in shallow]
        deepest = cell_text(found.value[row, column], found.low[row, column], found.high[row, column], 3)
        table.add_row(noises.canonical(each.second.noise), *cells, deepest)
    return table
