"""`bench attribute`: which input pixels decide a window of the output."""

from __future__ import annotations

from pathlib import Path

import click

from bench.inside.options import models_of


@click.command()
@click.argument("models")
@click.argument("image", required=False, type=click.Path(path_type=Path))
@click.option("--noise", default="gaussian(sigma=15)", show_default=True, help="One noise spec.")
@click.option("--side", type=click.IntRange(16), default=128, show_default=True,
              help="The centre of IMAGE that is used, in pixels.")  # fmt: skip
@click.option("--window", type=click.IntRange(2), default=16, show_default=True, help="Side of the window, in pixels.")
@click.option("--at", help="Row and column of its top left pixel, such as 40,56.  [default: the middle]")
@click.option("--steps", type=click.IntRange(2), default=32, show_default=True, help="Pieces of the path.")
@click.option("--protocol", default="stored", show_default=True, help="How noise is stored.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of noise and masks.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("runs/latest"),
              show_default=True, help="The run folder.")  # fmt: skip
def attribute(models, image, noise, side, window, at, steps, protocol, seed, device, out) -> None:
    """Local attribution maps: where in IMAGE the structure in a window of the output of MODELS comes from.

    MODELS is a list of specs; IMAGE a file, builtin's chelsea where none is named.

    \b
    bench attribute "ours, baseline"
    bench attribute ours photo.png --noise "mixture(level=4)" --at 40,56
    """
    from rich.table import Table

    from bench import protocols
    from bench.console import console
    from bench.environment import device_of
    from bench.inside import attributions, completion
    from bench.inside.look import keep
    from bench.inside.outputs import denoiser
    from bench.noise import noises
    from bench.progress import progress

    chosen = models_of(models)
    name, clean = completion.clean_image(image, side)
    stored, target = protocols.load_protocol(protocol), device_of(device)
    scene = attributions.scene_of(name, clean, noises.load_noise(noise), seed, stored, at, window)
    denoisers = [denoiser(model, target) for model in chosen]
    maps = {}
    with progress("models", len(denoisers)) as bar:
        for one in denoisers:
            maps[one.model.label] = attributions.measure(one, scene, steps)
            bar.advance()
    frame = attributions.frame_of(maps, scene.window)
    files = keep(attributions.look(frame, maps, denoisers, scene, steps), out)
    where = f"window of {window}x{window} at {scene.window.top},{scene.window.left}"
    title = f"{name}, {clean.shape[1]}x{clean.shape[0]}, {noises.canonical(scene.noise)}, {where}"
    table = Table("model", "diffusion index", "inside the window", "half within", "nine tenths within", "sum",
                  title=title, title_justify="left")  # fmt: skip
    for row in frame.to_dict("records"):
        table.add_row(row["model"], f"{row['diffusion_index']:.1f}", f"{100 * row['inside']:.0f}%",
                      f"{row['half']:.1f} pixels", f"{row['nine_tenths']:.1f} pixels",
                      f"{row['completeness']:.3f}")  # fmt: skip
    console().print(table)
    click.echo(attributions.WORDS)
    click.echo("files: " + ", ".join(map(str, files)))
