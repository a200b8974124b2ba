"""`bench predict`."""

from __future__ import annotations

from pathlib import Path

import click

from bench.commands.analysis_options import REFERENCE, finish, reference_noise
from bench.commands.options import shared


@click.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path, file_okay=False))
@REFERENCE
@shared("models", absent="all in the run", also="Names of the run's models are accepted too.")
@shared("noise", absent="all in the run")
@shared("seeds", absent="all in the run")
@shared("datasets", names=("--datasets", "--dataset", "dataset"), absent="those with most cells")
@shared("protocol", absent="the one with most cells")
def predict(folder, reference, models, noise, seeds, dataset, protocol):
    """Correlate SRGA, feature distance and CKA with the PSNR drop.

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
    from bench.runs.filters import Filters
    from bench.runs.store import Store

    filters = Filters(models, noise, seeds=seeds)
    with Store.open(folder) as store:
        result = predict.measure(store, reference_noise(folder, reference), dataset, protocol, filters)
    finish(result, folder)
