"""`bench submit`: the results of a model as a folder that can be merged with others."""

from __future__ import annotations

from pathlib import Path

import click

from bench.commands.options import shared


@click.command()
@click.argument("run", metavar="RUN|FOLDER", type=click.Path(path_type=Path, file_okay=False))
@click.option("--model", metavar="SPEC", help="Spec or name of the model of RUN.")
@shared("folder", absent="submission/")
@click.option("--overwrite", is_flag=True, help="Replace the submission in the output folder.")
@click.option("--check", is_flag=True, help="Check the submission in FOLDER, and write nothing.")
def submit(run, model, out, overwrite, check) -> None:
    """Write or check the submission of a model of a run.

    A submission is a folder: submission.toml, in which authors fill in what the run does not say, rows.parquet,
    environment.json and manifest.json. With --check every problem is printed with its file and field, and the exit code
    is 2 if there is one; without problems a table of its scores is printed. Nothing in the folder is executed.

    \b
    Examples:
      bench submit runs/first --model ours -o submissions/ours
      bench submit --check submissions/ours
    """
    from bench.core.errors import BadInput
    from reports.formatting import plural

    if check:
        from bench.runs.export import encode
        from bench.statistics import pivot, summarize
        from bench.submissions import schema

        if model is not None or out is not None:
            raise BadInput("--check: expected only the folder of a submission, got --model or --out as well")
        found = schema.problems(run)
        for problem in found:
            click.echo(problem)
        if found:
            raise BadInput(f"{run}: expected a complete submission, got {plural(len(found), 'problem')}: see above")
        scored = schema.read(run).rows
        click.echo(f"{run}: complete, {plural(len(scored), 'row')}")
        for protocol, rows in scored.groupby("protocol", sort=False):
            click.echo(f"\nPSNR in dB ± half its 95% interval, protocol {protocol}\n")
            click.echo(encode(pivot(summarize(rows)), "markdown").decode(), nl=False)
        return
    if model is None:
        raise BadInput("--model: expected a model of the run, got none")
    from bench.submissions.make import make

    path = make(run, model, out or Path("submission"), overwrite)
    click.echo(f"submission: {path}   then fill it in, and bench submit --check {path.parent}")
