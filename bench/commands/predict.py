"""`bench predict`: does what is inside a network predict what a noise costs it?"""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path, file_okay=False))
@click.option("--reference", help="The noise from which PSNR drops are counted.  [default: that of RUN]")
@click.option("--dataset", help="Of the findings.  [default: with most that can be joined]")
@click.option("--protocol", help="stored, float or masked-denoising.  [default: likewise]")
def predict(folder, reference, dataset, protocol) -> None:
    """Rank correlation of SRGA, feature distances and CKA with the drop in PSNR, from what is in RUN.

    \b
    bench run --models all --noise all --out RUN
    bench srga all --noise all --out RUN
    bench features all --noise all --out RUN
    bench cka ours --noise-b all --out RUN          and so for each model
    bench predict RUN
    """
    from rich.table import Table

    from bench.console import console
    from bench.inside import prediction
    from bench.inside.look import keep
    from bench.noise import noises
    from bench.runs.conditions import reference_of
    from bench.runs.store import Store
    from bench.runs.table import cell_text

    with Store.open(folder) as store:
        against = noises.canonical(noises.load_noise(reference_of(folder, reference)))
        joined = prediction.join(store, against, dataset, protocol)
    frame = prediction.correlations(joined)
    files = keep(prediction.look(joined, frame), folder)
    click.echo(joined.words)
    headings = ("all cells", "which noise", "which model")
    table = Table("measure", "cells", *headings, title="Rank correlation with the drop in PSNR [95%]",
                  title_justify="left")  # fmt: skip
    for measure, rows in frame.groupby("measure", sort=False):
        cells = (cell_text(row["rho"], row["low"], row["high"]) for row in rows.to_dict("records"))
        table.add_row(prediction.MEASURES[measure], str(rows["cells"].iloc[0]), *cells)
    console().print(table)
    click.echo(prediction.WORDS)
    click.echo("files: " + ", ".join(map(str, files)))
