"""`bench brightness`: whether outputs are too bright or too dark."""

from __future__ import annotations

import click

from bench.inside.options import data_options, models_of


@click.command()
@click.argument("models", nargs=-1, required=True)
@click.option("--noise", default="gaussian(sigma=15)", show_default=True, help="One noise spec.")
@data_options(patches=28)
def brightness(models, noise, **options) -> None:
    """Levels of the outputs of MODELS and their shift from the clean images, channel by channel.

    A model that masks its attention at test time is shown without the mask too.

    \b
    bench brightness ours
    bench brightness ours baseline --noise "mixture(level=4)"
    """
    from rich.table import Table

    from bench.console import console
    from bench.inside import setting, shifts
    from bench.inside.look import keep
    from bench.inside.outputs import denoiser
    from bench.noise import noises
    from bench.progress import progress
    from bench.runs.table import cell_text

    chosen = setting.make(**options)
    resolved = models_of(",".join(models))
    loaded = noises.load_noise(noise)
    denoisers = [denoiser(model, chosen.device) for model in shifts.with_unmasked(resolved)]
    click.echo(f"{chosen.patches.words}; {noises.canonical(loaded)}, protocol {chosen.protocol.name}")
    with progress("patches", len(chosen.patches.patches)) as bar:
        seen = shifts.measure(denoisers, loaded, chosen, bar.advance)
    frame = shifts.frame_of(seen)
    files = keep(shifts.look(frame, seen, denoisers, loaded, chosen), chosen.out)
    table = Table("model", *dict.fromkeys(frame["channel"]), title="Shift of the mean level, of 255 [95%]",
                  title_justify="left")  # fmt: skip
    for model, rows in frame.groupby("model", sort=False):
        table.add_row(model, *(cell_text(row["shift"], row["low"], row["high"]) for row in rows.to_dict("records")))
    console().print(table)
    click.echo(shifts.WORDS)
    click.echo("files: " + ", ".join(map(str, files)))
