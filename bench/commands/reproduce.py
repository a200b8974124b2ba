"""`bench reproduce`: published tables and figures, and verdicts on the claims of their papers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import click

from bench.cli import Suggesting
from bench.commands.options import assignments, shared

ALL, LIST, CLAIMS = "all", "list", "claims"
FORMATS = ("table", "csv", "json", "markdown")
DEFAULT_OUT = Path("runs/paper")


class Experiments(Suggesting):
    """The commands list, claims and all, and one per experiment."""

    def list_commands(self, context: click.Context) -> list[str]:
        """All commands."""
        return [name for names in self.sections(context).values() for name in names]

    def sections(self, context: click.Context) -> dict[str, Sequence[str]]:
        """Commands, then tables, then figures."""
        from bench.reproduction import experiments

        names = experiments.names()
        figures = [name for name in names if name.startswith("fig-")]
        tables = [name for name in names if name not in figures]
        return {"Commands": (LIST, ALL, CLAIMS), "Tables": tables, "Figures": figures}

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command of a name."""
        from bench.reproduction import experiments

        if own := super().get_command(context, name):
            return own
        if name not in experiments.names():
            return None
        found = experiments.load(name)
        return _command(name, found.title, f"The paper: {found.claim}\n\nSource: {found.source}.")


@click.group(cls=Experiments)
def reproduce() -> None:
    """Reproduce a paper's tables and figures, judge its claims.

    An experiment is evaluated, analysed and drawn by the other commands, all in one run folder; what is there already
    is not computed again. bench report then has a page Paper with the published values beside these. Exit code 2 if
    nothing could be done, 3 if something failed.

    \b
    Examples:
      bench reproduce list
      bench reproduce table-3c --dry-run
      bench reproduce all --stand-in CBSD68=builtin --stand-in Kodak24=builtin --stand-in Firmino=mc-mini
      bench reproduce table-1 --weights runs/train
      bench reproduce claims runs/paper
    """


@reproduce.command(LIST)
def list_() -> None:
    """List the experiments.

    \b
    Example:
      bench reproduce list
    """
    from rich.table import Table

    from bench.core.console import console
    from bench.reproduction import experiments

    table = Table("experiment", "what", "source")
    for name in experiments.names():
        found = experiments.load(name)
        table.add_row(name, found.title, found.source)
    console().print(table)


def _options(command: Callable) -> Callable:
    """The decorator of the options of an experiment."""
    options = (
        click.option(
            "--size",
            type=click.Choice(["small", "full"]),
            default="small",
            show_default=True,
            help="Size of the networks: small, or full (as published).",
        ),
        click.option(
            "--weights",
            default="shipped",
            show_default=True,
            metavar="shipped|published|DIR",
            help="Where weights come from: shipped; published, those imported with bench models import; or a folder of "
            "bench train, such as runs/train. Several, separated by commas, in order of preference.",
        ),
        shared(
            "models",
            absent="all of the experiment",
            also="This command takes the models of the experiment; NAME=SPEC puts another model in the place of one.",
        ),
        click.option(
            "--stand-in",
            "stand_ins",
            multiple=True,
            callback=assignments,
            metavar="NAME=SPEC",
            help="Data set to use in place of one of the paper: Kodak24=builtin, Firmino=mc-mini, "
            '"CBSD68=CBSD68(crop=128)". Repeat for several. The pages state it.',
        ),
        click.option(
            "--patches",
            type=click.IntRange(4),
            metavar="N",
            show_default="the experiment's",
            help="Maximum number of patches of an analysis.",
        ),
        click.option(
            "--side", type=click.IntRange(8), metavar="PIXELS", show_default="128", help="Side of the patches."
        ),
        click.option(
            "--train",
            is_flag=True,
            help="Train missing weights first, hours each, into the folder of --weights 'shipped, runs/train'.",
        ),
        click.option(
            "--iterations",
            type=click.IntRange(1),
            metavar="N",
            show_default="the preset's",
            help="Iterations of each training of --train.",
        ),
        shared("device", "auto"),
        click.option("--dry-run", is_flag=True, help="Print the commands, what is missing and the time, and stop."),
        shared("run", DEFAULT_OUT, also="What is in it already is not computed again."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _command(name: str, title: str, text: str) -> click.Command:
    """The command of an experiment."""

    @_options
    def one(**options) -> None:
        _reproduce([name], **options)

    example = f"\b\nExample:\n  bench reproduce {name} --dry-run"
    return click.command(name, short_help=title, help=f"{title}.\n\n{text}\n\n{example}")(one)


@reproduce.command(ALL)
@_options
def all_(**options) -> None:
    """Reproduce all experiments.

    As far as weights and data are at hand; what is missing is printed with the command that gets it.

    \b
    Examples:
      bench reproduce all --dry-run
      bench reproduce all --stand-in CBSD68=builtin --stand-in Kodak24=builtin
    """
    from bench.reproduction import experiments

    _reproduce(experiments.names(), **options)


@reproduce.command(CLAIMS)
@click.argument("folders", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@shared("format", FORMATS[0], type=click.Choice(FORMATS))
@click.option(
    "--expect",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE",
    help="CSV of earlier verdicts, as --format csv prints them. Exit code 1 if a verdict differs.",
)
def claims_(folders, kind, expect) -> None:
    """Judge the claims of the papers by runs of bench reproduce.

    Each claim has a verdict for each size and source of weights: holds, does not hold, or not tested, with the reason.
    Effect and 95% interval are those of its weakest comparison, positive where the claim is right.

    \b
    Examples:
      bench reproduce claims runs/paper
      bench reproduce claims runs/paper --format csv > verdicts.csv
      bench reproduce claims runs/paper --expect verdicts.csv
    """
    import pandas as pd

    from bench.core.errors import BadInput
    from bench.reproduction import claims

    frame = claims.of_runs(folders)
    if kind == "table":
        _print_verdicts(frame)
    else:
        text = {"csv": frame.to_csv, "json": frame.to_json, "markdown": frame.to_markdown}[kind]
        options = {"csv": {"index": False}, "json": {"orient": "records", "indent": 1}, "markdown": {"index": False}}
        click.echo(text(**options[kind]))
    if expect is not None:
        try:
            differing = claims.changed(frame, pd.read_csv(expect))
        except (ValueError, OSError) as error:
            raise BadInput(f"--expect: expected the CSV of bench reproduce claims, got {expect} ({error})") from error
        for sentence in differing:
            click.echo(f"changed: {sentence}", err=True)
        if differing:
            sys.exit(1)


def _print_verdicts(frame) -> None:
    from rich.table import Table

    from bench.core.console import console
    from bench.reproduction.claims import NOT_TESTED
    from bench.runs.table import cell_text

    for (run, weights), part in frame.groupby(["run", "weights"], sort=False):
        table = Table(
            "claim",
            "verdict",
            "effect [95%]",
            "weakest of the comparisons, or why not tested",
            title=f"{run}: {weights}",
        )
        table.title_justify = "left"
        for row in part.itertuples():
            tested = row.verdict != NOT_TESTED
            effect = f"{cell_text(row.effect, row.low, row.high, 3)} {row.unit}" if tested else ""
            reason = "; ".join(filter(None, [row.weakest, row.why]))
            table.add_row(f"{row.claim}: {row.text} ({row.source})", row.verdict, effect, reason)
        console().print(table)
        for networks in dict.fromkeys(filter(None, part["networks"])):
            click.echo(f"networks: {networks}")


def _reproduce(names, size, weights, models, stand_ins, patches, side, train, iterations, device, dry_run, out) -> None:
    """Do experiments one after another; what cannot be done is said. Raises BadInput if nothing can be done."""
    from bench.core.errors import BadInput
    from bench.reproduction import experiments, record, steps
    from bench.reproduction import weights as role_weights

    found = [experiments.load(name) for name in names]
    source, chosen = role_weights.parse(
        size, weights, models, dict.fromkeys(role for one in found for role in one.roles), existing=not train
    )
    for name in stand_ins:
        known = dict.fromkeys(dataset for one in found for dataset in one.datasets)
        if name not in known:
            raise BadInput(f"--stand-in: expected a data set of the experiment ({', '.join(known)}), got {name}")
    settings = steps.StepSettings(out, device, patches, side)
    done, failed, idle = 0, False, []
    for experiment in found:
        click.echo(f"\n{experiment.name}: {experiment.title}")
        if train:
            failed |= _train(experiment, source, chosen, iterations, device, dry_run)
        prepared = steps.prepare(experiment, source, chosen, stand_ins)
        for problem in record.grouped(prepared.problems):
            click.echo(f"not at hand: {problem}")
        todo = list(steps.steps(prepared, settings))
        if dry_run:
            _forecast(prepared, todo, settings)
        elif todo:
            failed |= _do(prepared, todo, source, settings)
        else:
            idle.append(prepared)
        done += len(todo)
    if dry_run:
        return
    if not done:
        raise BadInput("nothing was done: no weights or no data set is at hand; the lines above say how to get them")
    for prepared in idle:  # the pages say what they lack
        _do(prepared, [], source, settings)
    click.echo(f"\npages: bench report {out}   verdicts: bench reproduce claims {out}")
    if failed:
        sys.exit(3)


def _train(experiment, source, chosen, iterations: int | None, device: str, dry_run: bool) -> bool:
    """Train the weights that the roles of an experiment lack; in a dry run print how long. Whether one failed."""
    from bench.core.errors import BadInput
    from bench.core.progress import duration
    from bench.models import cards
    from bench.reproduction import forecast
    from bench.reproduction.steps import CommandStep
    from bench.reproduction.weights import network_and_stem

    for role in (one for one in experiment.roles if one in chosen):
        network, _ = network_and_stem(role, source.size)
        if source.find(role).specs or network not in cards.networks():
            continue
        step = CommandStep("train", source.training(role, iterations, device))
        click.echo(f"$ {step.line}")
        if dry_run:
            if seconds := forecast.training_seconds(network, source.size, iterations):
                click.echo(f"about {duration(seconds)} on a core like that of the shipped weights")
            continue
        try:
            _invoke(step)
        except BadInput as error:
            click.echo(f"not trained: {error}", err=True)
            return True
    return False


def _do(prepared, todo, source, settings) -> bool:
    """Record an experiment and do its missing steps; whether some rows or steps failed."""
    from bench.core.errors import BadInput
    from bench.reproduction import record
    from bench.reproduction.steps import write_image
    from bench.runs.store import Store

    failed, problems = False, list(prepared.problems)
    with Store.create(settings.out) as store:
        manifest = store.manifest()
        new = _reproduction(prepared, source, [step.key for step in todo if step.key])
        if label := record.conflict(record.reproductions(manifest), new):
            raise BadInput(
                f"expected the same weights, got others of {label}, which {settings.out} has from other --weights: use "
                "another --out"
            )
        record.write(store, new)
        finished = record.done_steps(manifest, settings.out)
    for step in todo:
        if step.key in finished:
            continue
        click.echo(f"$ {step.line}")
        try:
            if step.command != "run":
                for file in (one for one in step.files if one.suffix == ".png"):
                    write_image(file, prepared.datasets[_of_image(prepared)])
            files, code = _invoke(step)
        except BadInput as error:
            click.echo(f"not done: {error}", err=True)
            problems.append(f"{step.command}: {error}")
            failed = True
            continue
        failed |= code == 3
        if step.key:
            with Store.create(settings.out) as store:
                record.write_step(store, step.key, step.line, step.title, files or step.files)
    if problems != list(prepared.problems):
        with Store.create(settings.out) as store:
            record.write(store, _reproduction(prepared, source, list(new.steps), problems))
    return failed


def _of_image(prepared) -> str:
    """The data set of the analysis of single images."""
    return next(entry["dataset"] for entry in prepared.experiment.analyse if "images" in entry)


def _reproduction(prepared, source, keys, problems=None):
    from bench.models import model_specs
    from bench.reproduction.record import Reproduction

    models = {
        role: [model_specs.resolve(text, source.size) for text in one.specs] for role, one in prepared.roles.items()
    }
    return Reproduction(
        prepared.experiment.name,
        source.size,
        source.text,
        prepared.experiment.protocol,
        {role: [model.label for model in found] for role, found in models.items() if found},
        {model.label: model.weights_hash for found in models.values() for model in found},
        {name: dataset.name for name, dataset in prepared.datasets.items()},
        list(prepared.problems) if problems is None else problems,
        keys,
        " ".join(["bench", *sys.argv[1:]]),
    )


def _invoke(step) -> tuple[list[Path] | None, int]:
    """Do a step by its command; (the files that an analysis wrote, exit code)."""
    command = getattr(import_module(f"bench.commands.{step.command}"), step.command)
    try:
        return command.main(list(step.words), prog_name=f"bench {step.command}", standalone_mode=False), 0
    except click.Abort:  # what click makes of Ctrl-C
        raise KeyboardInterrupt from None
    except SystemExit as finished:  # `bench run` ends so if rows failed
        return None, int(finished.code or 0)
    except click.ClickException as error:
        from bench.core.errors import BadInput

        raise BadInput(error.format_message()) from error


def _forecast(prepared, todo, settings) -> None:
    """Print the steps of an experiment, which of them are done, and about how long the others take."""
    from bench.core.progress import duration
    from bench.reproduction import forecast, record
    from bench.runs.store import ROWS_FILE, Store

    finished = {}
    if (settings.out / ROWS_FILE).is_file():
        with Store.open(settings.out) as store:
            finished = record.done_steps(store.manifest(), settings.out)
    for step in todo:
        click.echo(f"{'done:' if step.key in finished else '$'} {step.line}")
        if step.key in finished:
            continue
        if step.command == "run":
            _invoke(replace(step, words=(*step.words, "--dry-run")))
        elif step.specs:
            seconds = forecast.seconds(step, settings.device)
            click.echo(f"about {duration(seconds)} in one process on this machine")
