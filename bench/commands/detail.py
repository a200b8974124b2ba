"""`bench detail`: how much fine detail networks lose."""

from __future__ import annotations

import click

from bench.inside.options import data_options, models_of


@click.command()
@click.argument("models", nargs=-1, required=True)
@click.option("--noise", default="gaussian(sigma=15)", show_default=True, help="One noise spec.")
@data_options(patches=28)
def detail(models, noise, **options) -> None:
    """What MODELS keep of the clean image and how large their error is, by spatial frequency.

    \b
    bench detail ours baseline dncnn swinir
    bench detail ours baseline --noise "mixture(level=4)"
    """
    from rich.table import Table

    from analysis.frequency import RANGES
    from bench import statistics
    from bench.console import console
    from bench.inside import detail as work
    from bench.inside import setting
    from bench.inside.look import keep
    from bench.inside.outputs import denoiser
    from bench.noise import noises
    from bench.progress import progress
    from bench.runs.table import cell_text

    chosen = setting.make(**options)
    resolved = models_of(",".join(models))
    loaded = noises.load_noise(noise)
    denoisers = [denoiser(model, chosen.device) for model in resolved]
    click.echo(f"{chosen.patches.words}; {noises.canonical(loaded)}, protocol {chosen.protocol.name}")
    with progress("patches", len(chosen.patches.patches)) as bar:
        seen = work.measure(denoisers, loaded, chosen, bar.advance)
    frame = work.frame_of(seen)
    files = keep(work.look(frame, seen, denoisers, loaded, chosen), chosen.out)
    headings = [f"{what}\n{name}" for what in ("kept", "error, dB") for name in RANGES]
    table = Table("model", *headings, title="By spatial frequency [95%]", title_justify="left")
    for model, rows in frame.groupby("model", sort=False):
        rows = rows.to_dict("records")
        kept = [cell_text(row["kept"], row["kept_low"], row["kept_high"]) for row in rows]
        errors = [cell_text(row["error"], row["error_low"], row["error_high"], 1) for row in rows]
        noisy = model == statistics.NOISY
        table.add_row("noisy input" if noisy else model, *kept, *("0" if noisy else text for text in errors))
    console().print(table)
    click.echo(work.WORDS)
    click.echo("files: " + ", ".join(map(str, files)))
