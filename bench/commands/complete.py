"""`bench complete`: mask and complete."""

from __future__ import annotations

from pathlib import Path

import click

from bench.inside.options import models_of


@click.command()
@click.argument("models")
@click.argument("image", required=False, type=click.Path(path_type=Path))
@click.option("--ratios", default="50,75,90", show_default=True, help="Percent of the pixels that are gone.")
@click.option("--noise", help="A noise that comes before the mask.  [default: none]")
@click.option(
    "--side", type=click.IntRange(8), default=256, show_default=True, help="The centre of IMAGE that is used."
)
@click.option("--protocol", default="stored", show_default=True, help="How noise is stored.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of masks and noise.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("runs/latest"),
              show_default=True, help="The run folder.")  # fmt: skip
def complete(models, image, ratios, noise, side, protocol, seed, device, out) -> None:
    """What MODELS make of IMAGE when most of its pixels are gone.

    MODELS is a list of specs; IMAGE a file, builtin's chelsea where none is named.

    \b
    bench complete ours photo.png --ratios 50,75,90
    bench complete "ours, baseline" --noise "gaussian(sigma=15)"
    """
    from rich.table import Table

    from bench import protocols
    from bench.console import console
    from bench.environment import device_of
    from bench.inside import completion
    from bench.inside.look import keep
    from bench.inside.outputs import denoiser
    from bench.noise import noises

    chosen = models_of(models)
    percentages, loaded = completion.ratios_of(ratios), noises.load_noise(noise) if noise else None
    name, clean = completion.clean_image(image, side)
    stored, target = protocols.load_protocol(protocol), device_of(device)
    denoisers = [denoiser(model, target) for model in chosen]
    found = completion.complete(denoisers, clean, loaded, percentages, seed, stored)
    frame = completion.frame_of(found, clean)
    files = keep(completion.look(frame, found, denoisers, name, clean, loaded, seed, stored), out)
    size = f"{clean.shape[1]}x{clean.shape[0]}"
    what = f"{noises.canonical(loaded)}, protocol {stored.name}" if loaded else "no noise"
    table = Table("model", title=f"PSNR in dB (of the pixels that were gone): {name}, {size}, {what}",
                  title_justify="left")  # fmt: skip
    for ratio in percentages:
        table.add_column(f"{ratio}% gone", justify="right")
    for model, rows in frame.groupby("model", sort=False):
        cells = (f"{row['psnr']:.2f} ({row['psnr_gone']:.2f})" for row in rows.to_dict("records"))
        table.add_row("masked input" if model == "masked" else model, *cells)
    console().print(table)
    click.echo(completion.WORDS)
    click.echo("files: " + ", ".join(map(str, files)))
