"""`bench run`: evaluate models on noises and data sets."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from bench.commands.options import shared
from bench.core.errors import shortened
from bench.core.integers import integer_of


def workers_of(context, parameter, text: str | None) -> int | str | None:
    """'4' -> 4 processes, 'gpus' -> 'gpus'."""
    if text is None or text == "gpus":
        return text
    try:
        return integer_of(text, minimum=1)
    except ValueError:
        raise click.BadParameter(f"expected a number of processes or gpus, got {shortened(text)}") from None


def read_run_file(context: click.Context, parameter, path: Path | None) -> Path | None:
    """Read the run file first: its values become the defaults of the options."""
    if path is not None:
        from bench.runs import run_file

        names = [option.name for option in context.command.params if isinstance(option, click.Option)]
        context.default_map = run_file.read(path, [name for name in names if name not in ("dry_run", "verbose")])
    return path


@click.command()
@click.argument(
    "file",
    metavar="[STUDY.toml]",
    required=False,
    is_eager=True,
    callback=read_run_file,
    type=click.Path(path_type=Path, dir_okay=False),
)
@shared("models", "all", also="Models of a group that have no weights are skipped with a note.")
@click.option(
    "--size",
    type=click.Choice(["small", "full"]),
    default="small",
    show_default=True,
    help="Size of networks whose spec has no size: small, or full (as published).",
)
@shared("noise", "mixture")
@click.option(
    "--reference",
    default="gaussian(sigma=15)",
    show_default=True,
    metavar="SPEC|none",
    help="Reference noise, evaluated in addition to --noise. The PSNR drop is the PSNR at it minus the PSNR "
    "at another noise. Models trained on it are ranked with each other. none: compute no drop.",
)
@shared("datasets", absent="builtin, or the folders of --data")
@shared("data")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Use only the first N images of each data set.")
@shared("protocol", "stored")
@shared("seeds", "0")
@shared("metrics", "psnr,ssim,lpips", also="One that is not available here is skipped with a note.")
@click.option(
    "--precision",
    type=click.Choice(["float32", "bf16"]),
    default="float32",
    show_default=True,
    help="Arithmetic of the networks. bf16 is faster and changes the PSNR of an image by up to 0.005 dB "
    "(RNAN and BF-CNN 0.01, RIDNet 0.02, Restormer 0.1; imported weights up to 0.3).",
)
@click.option(
    "--tile",
    default="auto",
    show_default=True,
    metavar="SIDE|auto|whole",
    help="Side of overlapping tiles in pixels, e.g. 512; whole: no tiles; auto: tiles where an image needs "
    "too much memory, by a rule that is the same on every machine.",
)
@shared("device", "auto")
@click.option(
    "--workers",
    callback=workers_of,
    metavar="N|gpus",
    show_default="this process",
    help="Processes that share the CPU cores, e.g. 4; gpus: one process per GPU.",
)
@click.option("--dask", metavar="ADDRESS", help="Use a Dask cluster: local:4, or a scheduler, tcp://host:8786.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    show_default="no limit",
    help="Maximum time of a network for one image, e.g. 60; its row fails then.",
)
@click.option(
    "--pictures",
    type=click.IntRange(0),
    default=3,
    show_default=True,
    metavar="N",
    help="Keep the output images of the first N images of each data set, for the pages.",
)
@click.option("-v", "--verbose", is_flag=True, help="Print the scores under every noise too.")
@click.option("--dry-run", is_flag=True, help="Print what would be evaluated and the estimated time, and stop.")
@shared("run", Path("runs/latest"), also="Rows that are in it already are not computed again.")
def run(
    file,
    models,
    size,
    noise,
    reference,
    datasets,
    data,
    limit,
    protocol,
    seeds,
    precision,
    tile,
    metrics,
    device,
    pictures,
    workers,
    dask,
    timeout,
    verbose,
    dry_run,
    out,
) -> None:
    """Evaluate models on noises and data sets, one row per image.

    Every model denoises every image under every noise and seed; each output is scored and written to the run folder.
    Run the same command again to resume. Exit code 3 if some rows failed.

    STUDY.toml is a run file: options by their names, such as models = ["ours", "baseline"]. Options on the command
    line override it. A list is separated by commas or spaces; put quotes around it if it has spaces or brackets.

    \b
    Examples:
      bench run --models all --noise mixture
      bench run --models "ours, baseline" --noise "gaussian(sigma=25), poisson" --data photos/
      bench run --models "Mine=net.py:UNet(weights='mine.pth'), masked=ours"
      bench run --models "net.py:FFDNet, net.py:FFDNet(level='true')" --noise "gaussian(sigma=25)"
      bench run --models "all, nlm(sigma=15)" --noise all --datasets "CBSD68(crop=256, limit=16)"
      bench run study.toml --dry-run
    """
    from bench import engines, runner
    from bench.core.errors import BadInput
    from bench.core.files import StoreFull
    from bench.core.progress import progress
    from bench.runs.plan import make_plan
    from bench.runs.run_specs import RunModels
    from bench.runs.store import Store
    from reports.formatting import plural

    plan = make_plan(
        models,
        noise,
        datasets,
        data,
        size=size,
        limit=limit,
        seeds=seeds,
        protocol=protocol,
        precision=precision,
        tile=tile,
        metric_list=metrics,
        reference=reference,
    )
    for sentence in plan.notes:
        click.echo(f"note: {sentence}")
    click.echo(
        f"{plural(len(plan.models), 'model')} x {plural(len(plan.noises), 'noise')} x {plural(plan.images, 'image')} x "
        f"{plural(len(plan.seeds), 'seed')}: {plural(plan.rows, 'row')} in {out}, protocol {plan.protocol.name}"
    )
    if dry_run:
        forecast(plan, out, device)
        return
    about = {"command": "bench " + " ".join(shlex.quote(word) for word in sys.argv[1:])}
    if file is not None:
        about |= {"run_file": file.name, "run_file_text": file.read_text(encoding="utf-8")}
    with Store.create(out) as store:
        try:
            with progress("rows", plan.rows) as bar:
                work = runner.Execution(
                    plan, store, engines.start(plan, device, workers, dask, timeout), pictures, about
                )
                for step in work.steps():
                    show_step(bar, step)
        except KeyboardInterrupt as interrupt:
            kept = f"{plural(store.count(), 'finished row')} kept; resume with the same command"
            raise KeyboardInterrupt(kept if store.count() else "no row was finished") from interrupt
        except StoreFull as error:
            raise BadInput(
                f"{error}. Finished rows are kept: free some space, then resume with the same command"
            ) from None
        rows = work.rows()
        names = RunModels.of_manifest(store.manifest()).names
    finish(rows, out, plan.conditions, names, verbose)


def forecast(plan, out: Path, device: str) -> None:
    """Print how many rows of a plan are missing in a run folder, and the estimated time to compute them."""
    from bench import estimate
    from bench.core.console import print_frame
    from bench.core.environment import device_of
    from bench.core.progress import duration
    from bench.evaluation.denoise import Networks
    from bench.runs import contents
    from bench.runs.store import ROWS_FILE, Store
    from reports.formatting import plural

    done: set[str] = set()
    if (out / ROWS_FILE).exists():
        with Store.open(out) as store:
            contents.check_same_pictures(store.connection, plan.datasets, out)
            done = store.done(plan.measured)
    needed = estimate.estimate(plan, done)
    print_frame(needed.table(plan))
    for line in needed.unreadable:
        click.echo(f"warning: cannot be read: {line}")
    missing = sum(needed.missing.values())
    if missing:
        seconds = estimate.seconds_needed(plan, needed, Networks.of(plan, device_of(device)))
        click.echo(f"{plural(missing, 'row')} to compute: about {duration(seconds)} in one process on this machine")
    elif unreadable := sum(needed.failing.values()):
        click.echo(f"nothing to compute; {plural(unreadable, 'row')} will fail: their images cannot be read")
    else:
        click.echo("nothing to compute: the run is complete")


def show_step(bar, step) -> None:
    """Advance the progress bar by the rows of a step, and print those that failed."""
    bar.skip(step.skipped)
    unreadable = set()
    for row in step.rows:
        bar.advance(note=f"{row['dataset']} {row['image']}")
        if row["status"] == "failed" and row["image_hash"]:
            bar.say(f"failed: {row['model']}, {row['noise']}, {row['image']}: {row['reason']}")
        elif row["status"] == "failed":  # the image cannot be read: one line instead of one per model and noise
            unreadable.add(f"failed: {row['dataset']}, {row['image']}, all models and noises: {row['reason']}")
    for line in sorted(unreadable):
        bar.say(line)


def finish(rows, out: Path, conditions, names, verbose: bool) -> None:
    """Print the table of a run and its notes; exit with code 3 if rows failed."""
    from bench import statistics
    from bench.runs import table
    from reports.formatting import plural

    if verbose:
        table.show_noises(rows, conditions, names)
    table.show(rows, conditions, names)
    for dataset, part in rows.groupby("dataset", sort=False):
        for phrase in statistics.inputs(part):
            click.echo(f"note: {dataset}: {phrase}")
    for sentence in statistics.without_value(rows):
        click.echo(f"note: {sentence}")
    failed = rows[rows["status"] == "failed"]
    if len(failed):
        click.echo(f"warning: {len(failed)} of {plural(len(rows), 'row')} failed:", err=True)
        for reason, count in failed["reason"].value_counts().head(5).items():
            click.echo(f"  {count}: {reason}", err=True)
        click.echo(f"bench export {shlex.quote(str(out))} --format csv lists them in the column reason", err=True)
        sys.exit(3)
    click.echo(f"\nrows: {out / 'rows.sqlite'}   pages: bench report {shlex.quote(str(out))}")
