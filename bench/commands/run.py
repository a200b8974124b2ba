"""`bench run`: evaluate models on noises and data sets."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click


def whole_numbers(context, parameter, text: str) -> tuple[int, ...]:
    """'0,1' -> (0, 1)."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(part.isdigit() for part in parts):
        raise click.BadParameter(f"{text!r} came, wanted whole numbers such as 0 or 0,1")
    return tuple(int(part) for part in parts)


@click.command()
@click.option(
    "--models",
    default="all",
    show_default=True,
    help="Model specs, and groups: all, the paper's eight; classical, methods without training; rivals, whatever else "
    "is here; everything, these and imported weights. What has no weights is left out of a group, and said so.",
)
@click.option(
    "--size",
    type=click.Choice(["small", "full"]),
    default="small",
    show_default=True,
    help="Of the networks; the classical methods have one.",
)
@click.option(
    "--noise",
    default="mixture",
    show_default=True,
    help="Noise specs; one without its level sweeps the levels of the literature. all: the noises of the paper's "
    "protocol and of installed packages; paper: the former alone; extras: our others. Gaussian 15 is always added.",
)
@click.option("--datasets", default=None, help="Data set specs.  [default: builtin, or the folders of --data]")
@click.option("--data", multiple=True, type=click.Path(path_type=Path), help="A folder of images, as a data set.")
@click.option("--limit", type=click.IntRange(1), help="The first so many images of each data set.")
@click.option("--protocol", default="stored", show_default=True, help="stored, float or masked-denoising.")
@click.option("--seeds", default="0", show_default=True, callback=whole_numbers, help="Seeds of the noise.")
@click.option("--precision", type=click.Choice(["float32", "bf16"]), default="float32", show_default=True,
              help="bf16 is faster; the shipped networks stay within 0.005 dB, others may lose 0.3.")  # fmt: skip
@click.option(
    "--tile",
    default="auto",
    show_default=True,
    help="whole, the side of overlapping tiles such as 512, or auto: tiles for images that are large for a network, "
    "by a rule that is the same on every machine.",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1.")
@click.option(
    "--pictures",
    type=click.IntRange(0),
    default=3,
    show_default=True,
    help="Keep pictures of so many images of each data set.",
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("runs/latest"),
              show_default=True, help="The run folder. What is in it already is not done again.")  # fmt: skip
def run(models, size, noise, datasets, data, limit, protocol, seeds, precision, tile, device, pictures, out) -> None:
    """Evaluate models on noises and data sets, a row per image.

    \b
    bench run --models all --noise mixture
    bench run --models ours,baseline --noise "gaussian(sigma=25),poisson" --datasets "CBSD68(crop=256, limit=16)"
    bench run --models "ours(mask_samples=4)" --data photos/
    bench run --models "all, classical, nlm(sigma=15)" --noise all
    """
    from bench import runner, table
    from bench.engines.here import Here
    from bench.errors import BadInput
    from bench.plan import make_plan
    from bench.progress import progress
    from bench.store import Store, StoreFull

    plan = make_plan(models, noise, datasets, data, size=size, limit=limit, seeds=seeds, protocol=protocol,
                     precision=precision, tile=tile)  # fmt: skip
    for sentence in plan.notes:
        click.echo(f"note: {sentence}")
    click.echo(
        f"{len(plan.models)} models x {len(plan.noises)} noises x {plan.images} images x {len(plan.seeds)} seeds: "
        f"{plan.rows} rows in {out}, protocol {plan.protocol.name}"
    )
    command = "bench " + " ".join(shlex.quote(word) for word in sys.argv[1:])
    with Store.create(out) as store:
        try:
            with progress("rows", plan.rows) as bar:
                work = runner.Run(plan, store, Here(plan, device), pictures, command)
                for step in work.steps():
                    bar.skip(step.skipped)
                    for row in step.rows:
                        bar.advance(note=f"{row['dataset']} {row['image']}")
                        if row["status"] == "failed":
                            bar.say(f"failed: {row['model']}, {row['noise']}, {row['image']}: {row['reason']}")
        except StoreFull as error:
            raise BadInput(
                f"{error}. The rows that were done are kept: make room, and the same command goes on"
            ) from None
        rows = work.rows()
    table.show(rows)
    failed = int((rows["status"] == "failed").sum())
    if failed:
        click.echo(
            f"{failed} of {len(rows)} rows failed; bench export {out} --format csv says why, row by row", err=True
        )
        sys.exit(3)
    click.echo(f"\nrows: {out / 'rows.sqlite'}   pages: bench report {out}")
