"""`bench predict`."""

from __future__ import annotations

from pathlib import Path

import click

from bench.analyses.core.options import REFERENCE, finish


@click.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path, file_okay=False))
@REFERENCE
@click.option(
    "--datasets", "--dataset", "dataset", help="Data sets of the measurements.  [default: those with most cells]"
)
@click.option("--protocol", help="stored, float or masked-denoising.  [default: that with most cells]")
def predict(folder, reference, dataset, protocol):
    """Correlate SRGA, feature distances and CKA with the PSNR drop.

    Spearman's rank correlation over the cells of RUN that have scores and measurements.

    \b
    Examples:
      bench run --models all --noise all --out RUN
      bench srga all --noise all --out RUN
      bench features all --noise all --out RUN
      bench cka ours --noise-b all --out RUN          likewise for each model
      bench predict RUN
    """
    from bench.analyses import predict
    from bench.noise import noises
    from bench.runs.conditions import reference_of
    from bench.runs.store import Store

    with Store.open(folder) as store:
        against = noises.canonical(noises.load_noise(reference_of(folder, reference)))
        result = predict.measure(store, against, dataset, protocol)
    finish(result, folder)
