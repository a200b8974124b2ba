"""`bench score`: score output images of other code into a run."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from bench.commands.options import shared


@click.command()
@click.argument("noisy", metavar="NOISY_DIR|PAIRS", type=click.Path(path_type=Path))
@click.argument("outputs", metavar="OUTPUTS_DIR|NAME=OUTPUTS_DIR...", nargs=-1, required=True)
@click.option(
    "--as", "name", metavar="NAME", help="""Name of the method in tables and charts: "BM3D (authors' code)"."""
)
@click.option(
    "--trained-on",
    metavar="SPEC|none",
    show_default="unknown",
    help="Training noise of the method, e.g. gaussian(sigma=15) or gaussian(sigma=0-55); none: without training.",
)
@click.option(
    "--clean",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the clean images, where NOISY_DIR does not say which they are.",
)
@click.option(
    "--name",
    "pattern",
    default="{}",
    show_default=True,
    metavar="PATTERN",
    help="Names of output files without ending; {} is the name of the noisy file, e.g. {}_dncnn or {}x1. "
    "With an ending, {}.npy, only files that have it.",
)
@click.option(
    "--partial", is_flag=True, help="Score the outputs that exist; rows of the others are failed, with the reason."
)
@shared("protocol", absent="that of the noisy images")
@shared("metrics", absent="those of the run, or psnr,ssim,lpips")
@shared("device", "auto", also="It computes the metrics.")
@click.option(
    "--pictures",
    type=click.IntRange(0),
    default=3,
    show_default=True,
    metavar="N",
    help="Keep the output images of the first N images of each data set, for the pages.",
)
@shared("run", Path("runs/latest"), also="The rows stand beside those that are in it.")
def score(noisy, outputs, name, trained_on, clean, pattern, partial, protocol, metrics, device, pictures, out) -> None:
    """Score output images of other code as rows of a run.

    NOISY_DIR is a folder that bench noise apply wrote, and OUTPUTS_DIR has what other code made of it: files of the
    same names in the same subfolders. They are image files (PNG, TIFF, ...), or NumPy arrays (.npy) of uint8 or of
    floats in [0, 1]. Images, noise and metrics are those of bench run, and rows stand beside those of models. For
    pairs give their data set, or a folder of noisy images with --clean.

    All outputs are checked first: missing ones, other sizes, shifts, exchanged channels or copies of the input are
    reported. Score again after files have changed: their rows are replaced.

    \b
    Examples:
      bench noise apply "gaussian(sigma=25), poisson" --datasets "CBSD68(limit=16)" --out noisy/
      bench score noisy/ outputs/ --as "BM3D (authors' code)" --trained-on none --out runs/first
      bench score noisy/ A=outputs/a B=outputs/b --name "{}_denoised" --trained-on "gaussian(sigma=15)"
    """
    from bench.core.files import StoreFull
    from bench.core.progress import progress
    from bench.outputs.scoring import prepare
    from bench.runs.store import Store
    from reports.formatting import plural

    scoring = prepare(
        noisy,
        named(outputs, name),
        out,
        clean=clean,
        pattern=pattern,
        partial=partial,
        trained_on=trained_on,
        protocol=protocol,
        metrics=metrics,
    )
    plan = scoring.plan
    for sentence in scoring.notes:
        click.echo(f"note: {sentence}")
    for method, sentences in scoring.warnings.items():
        for sentence in sentences:
            click.echo(f"warning: {method}: {sentence}", err=True)
    click.echo(f"{plural(plan.rows, 'row')} in {out}, protocol {plan.protocol.name}")
    command = "bench " + " ".join(shlex.quote(word) for word in sys.argv[1:])
    with Store.create(out) as store:
        try:
            with progress("rows", plan.rows) as bar:
                for step in scoring.steps(store, device, pictures, command):
                    bar.skip(step.skipped)
                    bar.advance(len(step.rows))
        except StoreFull as error:
            from bench.core.errors import BadInput

            raise BadInput(f"{error}. Finished rows are kept: free some space, then use the same command") from None
        finish(scoring, store, out)


def named(outputs: tuple[str, ...], name: str | None) -> dict[str, Path]:
    """Name -> folder of outputs, from one folder and its name or from NAME=FOLDER. Raises BadInput."""
    from bench.core.errors import BadInput

    if len(outputs) == 1 and name is not None:
        return {name: Path(outputs[0])}
    pairs = [text.rpartition("=") for text in outputs]
    if name is not None or not all(equals and method.strip() and folder for method, equals, folder in pairs):
        raise BadInput(
            f"expected one folder with --as NAME, or NAME=FOLDER for each, got {' '.join(outputs)}: name the outputs"
        )
    if len({method.strip() for method, _, _ in pairs}) < len(pairs):
        raise BadInput(f"expected different names, got {' '.join(outputs)}")
    return {method.strip(): Path(folder) for method, _, folder in pairs}


def finish(scoring, store, out: Path) -> None:
    """Print the table of the models of the run on these images and noises; exit with code 3 if outputs failed."""
    from bench.runs import selection, table
    from bench.runs.conditions import conditions_of
    from bench.runs.run_specs import RunModels
    from reports.formatting import plural

    rows, labels = scoring.rows(store), [model.label for model in scoring.plan.models]
    manifest = store.manifest()
    conditions = conditions_of(selection.start_entries(store), scoring.plan.protocol.name)
    table.show(rows, conditions, RunModels.of_manifest(manifest).names)
    own = rows["model"].isin(labels)
    if own.all():
        click.echo(
            "note: no other model of the run has rows of these images and noises: bench run with the same data sets, "
            f"noises and --out {shlex.quote(str(out))} adds them"
        )
    for skipped in selection.of_store(store, scoring.plan.protocol.name).skipped:
        if skipped.kind == "outputs":
            click.echo(str(skipped))
    failed = rows[own & (rows["status"] != "ok")]
    if len(failed):
        click.echo(f"warning: {len(failed)} of {plural(int(own.sum()), 'row')} failed:", err=True)
        for reason, count in failed["reason"].value_counts().head(5).items():
            click.echo(f"  {count}: {reason}", err=True)
        sys.exit(3)
    click.echo(f"\nrows: {out / 'rows.sqlite'}   pages: bench report {shlex.quote(str(out))}")
