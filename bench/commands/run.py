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


def workers_of(context, parameter, text: str | None) -> int | str | None:
    """'4' -> 4, 'gpus' -> 'gpus'."""
    if text is None or text == "gpus":
        return text
    if not text.isdigit() or int(text) < 1:
        raise click.BadParameter(f"{text!r} came, wanted a number of processes, or gpus")
    return int(text)


def take_defaults(context: click.Context, parameter, path: Path | None) -> Path | None:
    """Read the run file before the options, which it gives their defaults."""
    if path is not None:
        from bench.runs import run_file

        names = [option.name for option in context.command.params if isinstance(option, click.Option)]
        context.default_map = run_file.read(path, [name for name in names if name != "dry_run"])
    return path


@click.command()
@click.argument("file", metavar="[STUDY.toml]", required=False, is_eager=True, callback=take_defaults,
                type=click.Path(path_type=Path, dir_okay=False))  # fmt: skip
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
    "protocol and of installed packages; paper: the former alone; extras: our others. The reference noise is added.",
)
@click.option("--reference", default="gaussian(sigma=15)", show_default=True, metavar="SPEC|none",
              help="The noise from which PSNR drops are counted, which is run besides; none: no noise is added, and no "
              "drop is computed. Models trained on it are ranked with each other.")  # fmt: skip
@click.option("--datasets", default=None, help="Data set specs.  [default: builtin, or the folders of --data]")
@click.option("--data", multiple=True, type=click.Path(path_type=Path), help="A folder of images, as a data set.")
@click.option("--limit", type=click.IntRange(1), help="The first so many images of each data set.")
@click.option(
    "--protocol", default="stored", show_default=True, help="stored, float, masked-denoising or masked-denoising-bgr."
)
@click.option("--seeds", default="0", show_default=True, callback=whole_numbers, help="Seeds of the noise.")
@click.option("--precision", type=click.Choice(["float32", "bf16"]), default="float32", show_default=True,
              help="bf16 is faster; shipped networks stay within 0.005 dB (RNAN 0.01, RIDNet 0.02, Restormer 0.1), "
              "others may lose 0.3.")  # fmt: skip
@click.option(
    "--tile",
    default="auto",
    show_default=True,
    help="whole, the side of overlapping tiles such as 512, or auto: tiles for images that are large for a network, "
    "by a rule that is the same on every machine.",
)
@click.option(
    "--metrics",
    default="psnr,ssim,lpips",
    show_default=True,
    help="Names, or file.py:METRIC; also lpips_squeeze. One that cannot be had here is not measured, and said so.",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1.")
@click.option(
    "--pictures",
    type=click.IntRange(0),
    default=3,
    show_default=True,
    help="Keep pictures of so many images of each data set.",
)
@click.option("--workers", callback=workers_of, help="So many processes, between which the cores are divided; gpus: "
              "one on each GPU.  [default: this process]")  # fmt: skip
@click.option("--dask", help="A Dask cluster instead: local:4, or a scheduler's address tcp://host:8786.")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), help="Seconds that a network may take for an "
              "image; its row fails then. Networks run in a process of their own, which is ended.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Say what there is to do and about how long it takes; do nothing.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("runs/latest"),
              show_default=True, help="The run folder. What is in it already is not done again.")  # fmt: skip
def run(
    file, models, size, noise, reference, datasets, data, limit, protocol, seeds, precision, tile, metrics, device,
    pictures, workers, dask, timeout, dry_run, out,
) -> None:  # fmt: skip
    """Evaluate models on noises and data sets, a row per image.

    \b
    bench run --models all --noise mixture
    bench run --models ours,baseline --noise "gaussian(sigma=25),poisson" --datasets "CBSD68(crop=256, limit=16)"
    bench run --models "ours(mask_samples=4)" --data photos/
    bench run --models "all, classical, nlm(sigma=15)" --noise all
    bench run study.toml --dry-run

    STUDY.toml holds options by the same words, models = ["ours", "baseline"]; those of the command line go before.
    """
    from bench import engines, runner
    from bench.errors import BadInput
    from bench.files import StoreFull
    from bench.progress import progress
    from bench.runs.plan import make_plan
    from bench.runs.store import Store

    plan = make_plan(models, noise, datasets, data, size=size, limit=limit, seeds=seeds, protocol=protocol,
                     precision=precision, tile=tile, metric_list=metrics, reference=reference)  # fmt: skip
    for sentence in plan.notes:
        click.echo(f"note: {sentence}")
    click.echo(
        f"{len(plan.models)} models x {len(plan.noises)} noises x {plan.images} images x {len(plan.seeds)} seeds: "
        f"{plan.rows} rows in {out}, protocol {plan.protocol.name}"
    )
    if dry_run:
        forecast(plan, out, device)
        return
    about = {"command": "bench " + " ".join(shlex.quote(word) for word in sys.argv[1:])}
    if file is not None:
        about |= {"run_file": file.name, "run_file_text": file.read_text()}
    with Store.create(out) as store:
        try:
            with progress("rows", plan.rows) as bar:
                work = runner.Run(plan, store, engines.start(plan, device, workers, dask, timeout), pictures, about)
                for step in work.steps():
                    show_step(bar, step)
        except StoreFull as error:
            raise BadInput(
                f"{error}. The rows that were done are kept: make room, and the same command goes on"
            ) from None
        rows = work.rows()
    finish(rows, out, plan.conditions)


def forecast(plan, out: Path, device: str) -> None:
    """Print what a plan has to do in a folder."""
    from bench import estimate
    from bench.console import print_frame
    from bench.environment import device_of
    from bench.evaluation.denoise import Networks
    from bench.progress import duration
    from bench.runs import contents
    from bench.runs.store import ROWS_FILE, Store

    done: set[str] = set()
    if (out / ROWS_FILE).exists():
        with Store.open(out) as store:
            contents.check_same_pictures(store.connection, plan.datasets, out)
            done = store.done(plan.measured)
    needed = estimate.estimate(plan, done)
    print_frame(needed.table(plan))
    for line in needed.unreadable:
        click.echo(f"cannot be read: {line}")
    missing = sum(needed.missing.values())
    if missing:
        seconds = estimate.seconds_needed(plan, needed, Networks.of(plan, device_of(device)))
        click.echo(f"{missing} rows to do: about {duration(seconds)} in one process on this machine")
    elif unreadable := sum(needed.failing.values()):
        click.echo(f"nothing to do but {unreadable} rows of images that cannot be read: they will fail")
    else:
        click.echo("nothing to do: every row is there")


def show_step(bar, step) -> None:
    bar.skip(step.skipped)
    unreadable = set()
    for row in step.rows:
        bar.advance(note=f"{row['dataset']} {row['image']}")
        if row["status"] == "failed" and row["image_hash"]:
            bar.say(f"failed: {row['model']}, {row['noise']}, {row['image']}: {row['reason']}")
        elif row["status"] == "failed":  # the image itself cannot be read: once, not for each model and noise
            unreadable.add(f"failed: {row['dataset']}, {row['image']}, under all models and noises: {row['reason']}")
    for line in sorted(unreadable):
        bar.say(line)


def finish(rows, out: Path, conditions) -> None:
    """Print the table of a run and leave with the code that says how it went."""
    from bench import statistics
    from bench.runs import table

    table.show(rows, conditions)
    for dataset, part in rows.groupby("dataset", sort=False):
        for phrase in statistics.inputs(part):
            click.echo(f"note: {dataset}: {phrase}")
    for sentence in statistics.without_value(rows):
        click.echo(f"note: {sentence}")
    failed = rows[rows["status"] == "failed"]
    if len(failed):
        click.echo(f"{len(failed)} of {len(rows)} rows failed:", err=True)
        for reason, count in failed["reason"].value_counts().head(5).items():
            click.echo(f"  {count}: {reason}", err=True)
        click.echo(f"bench export {shlex.quote(str(out))} --format csv says which", err=True)
        sys.exit(3)
    click.echo(f"\nrows: {out / 'rows.sqlite'}   pages: bench report {shlex.quote(str(out))}")
