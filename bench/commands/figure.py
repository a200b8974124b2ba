"""`bench figure`: figures for papers from a run."""

from __future__ import annotations

from pathlib import Path

import click

from bench.commands.options import shared

KINDS = ("image", "levels", "bars")
OF_IMAGES = ("image", "zoom", "columns", "seed", "device")  # options that only figures of an image take


def inches(context, parameter, text: str) -> float:
    """'column', 'page' or a number of inches -> inches."""
    from bench.figures.drawing import WIDTHS

    try:
        width = WIDTHS[text] if text in WIDTHS else float(text)
    except ValueError:
        width = 0.0
    if not 1 <= width <= 40:
        raise click.BadParameter(f"expected column, page or a number of inches from 1 to 40, got {text!r}")
    return width


@click.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@click.argument("kind", metavar="[image|levels|bars]", type=click.Choice(KINDS), default="image")
@shared("models", absent="all in the run", also="Names of the run's models too; in their order.", callback=None)
@shared("noise", absent="chosen from the run; bars: OOD mean")
@shared("datasets", absent="the one in the run")
@click.option(
    "--image",
    metavar="NAME",
    show_default="the first one with saved pictures",
    help="Image to show, with its suffix or without: 14037.",
)
@shared("seed", absent="the first one in the run")
@click.option(
    "--zoom",
    multiple=True,
    metavar="X,Y,SIDE",
    show_default="where the models differ most",
    help="Square to magnify: upper left corner and side in pixels, 40,60,48. Repeatable.",
)
@shared("metrics", "psnr", names=("--metric", "--metrics", "metrics"), also="Several for an image: psnr,ssim.")
@shared("protocol", absent="the last one in the run")
@click.option(
    "--width",
    default="column",
    show_default=True,
    metavar="column|page|INCHES",
    callback=inches,
    help="Width of the figure: column (3.5 inches), page (7.2 inches), or inches.",
)
@click.option(
    "--font-size",
    type=click.FloatRange(3, 30),
    default=7,
    show_default=True,
    metavar="POINTS",
    help="Size of the text.",
)
@click.option("--columns", type=click.IntRange(1), metavar="N", show_default="by the width", help="Images in a row.")
@shared("device", absent="auto", also="Used where the run saved no output images.")
@shared("file", Path("figure.pdf"), also="Its suffix chooses the format: pdf, png or svg.")
def figure(
    folder, kind, models, noise, datasets, image, seed, zoom, metrics, protocol, width, font_size, columns, device, out
) -> None:
    """Make a figure for a paper: images, level curves or bars.

    \b
      image   the noisy image, the outputs of the models and the clean image, with magnified parts and scores;
              the best is bold
      levels  mean of a metric against the level of a noise, with 95% intervals
      bars    mean of a metric per model, under one noise or over OOD noises, with 95% intervals

    Output images that the run did not save are computed again as in the run. NAME=SPEC in --models renames a model
    in the figure.

    \b
    Examples:
      bench figure runs/latest --image 14037 --noise "mixture(level=2)" --models "ours, baseline" --zoom 40,60,48
      bench figure runs/latest levels --noise poisson -o poisson.svg
      bench figure runs/latest bars --width page
    """
    from bench.core.errors import BadInput
    from bench.figures import build
    from bench.figures.choice import SceneChoice
    from bench.figures.drawing import Look

    given = {"image": image, "zoom": zoom, "columns": columns, "seed": seed, "device": device}
    if kind != "image" and (wrong := [name for name in OF_IMAGES if given[name] not in (None, ())]):
        raise BadInput(f"--{wrong[0]}: expected a figure of an image, got {kind}: leave the option out")
    look = Look(width, font_size)
    if kind == "image":
        scene = SceneChoice(noise, datasets, seed, image)
        lines = build.image_figure(folder, models, scene, metrics, zoom, look, out, protocol, columns, device or "auto")
    else:
        lines = build.chart_figure(folder, kind, models, noise, datasets, metrics, look, out, protocol)
    for line in lines:
        click.echo(line)
