"""`bench compare`: two runs, or two models of one run, image by image."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from textwrap import fill

import click

from bench.commands.options import shared

FORMATS = ("text", "csv", "json", "markdown", "latex")
SHORT = ("model", "against", "dataset", "noise", "metric", "images", "mean_against", "mean", "difference", "low",
         "high", "p", "p_holm")  # fmt: skip
MAX_HEADING = 16  # characters of a line of a model's name above a column
SPREAD = ("training_sd", "training_min", "training_max")


def print_formulas(context: click.Context, parameter, value: bool) -> None:
    """Print every formula and exit."""
    if value:
        from bench.statistics import formulas

        click.echo(formulas.text())
        context.exit()


def not_nan(context: click.Context, parameter, value: float | None) -> float | None:
    """Refuse NaN, which nothing lies below."""
    if value is not None and math.isnan(value):
        raise click.BadParameter("expected a number such as -0.05, got nan")
    return value


@click.command()
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path, file_okay=False))
@click.argument("other", metavar="[OTHER]", required=False, type=click.Path(path_type=Path, file_okay=False))
@shared(
    "models",
    multiple=True,
    absent="the models of both runs; with one run, ours",
    also="Several trainings of one network are averaged: \"ours, ours(weights='ours-small-seed1')\". Other models "
    "are compared one by one. all: every model of RUN.",
    callback=None,
)
@click.option(
    "--against",
    metavar="SPECS",
    show_default="the same models in OTHER; with one run, baseline",
    help="The model to compare with, or several trainings of it, in OTHER or else in RUN.",
)
@shared("noise", absent="all in the run", also="all: every noise of RUN.")
@shared("datasets", absent="all in the run")
@shared("metrics", names=("--metrics", "--metric"), absent="all that both sides have")
@shared("seeds", absent="all in the run")
@shared("protocol", absent="the last one in the run")
@click.option(
    "--test",
    type=click.Choice(["permutation", "wilcoxon"]),
    default="permutation",
    show_default=True,
    help="Paired significance test: permutation tests the mean, as the interval does; wilcoxon tests ranks.",
)
@shared("format", "text", type=click.Choice(FORMATS))
@shared("file", absent="standard output", also="Text becomes markdown in a file.")
@click.option(
    "--fail-below",
    type=float,
    metavar="LIMIT",
    callback=not_nan,
    help="Exit with code 1 if a mean "
    "difference is below LIMIT, e.g. -0.05, or if images failed that have scores on the other side. Judges "
    "PSNR, or the only metric in --metrics; the sign is turned where lower is better.",
)
@click.option(
    "--formulas",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=print_formulas,
    help="Print every formula with its source, and exit.",
)
def compare(
    run, other, models, against, noise, datasets, metrics, seeds, protocol, test, kind, out, fail_below
) -> None:
    """Compare two runs, or two models of one run.

    Differences are RUN minus OTHER, or --models minus --against, image by image on the same noisy pixels. One line per
    data set and noise:

    \b
      difference  mean difference with its 95% confidence interval over photographs
      p, p (Holm) p value, and p value corrected for multiple comparisons (Holm)
      sd          variation between trainings, where several were given

    Exit codes: 1 if a difference is below --fail-below, 2 if nothing can be compared.

    \b
    Examples:
      bench compare runs/latest --models all --against baseline
      bench compare runs/latest --models "ours, dncnn" --against swinir --noise mixture
      bench compare runs/latest --models "ours, ours(weights='ours-small-seed1')" \\
          --against "baseline, baseline(weights='baseline-small-seed1')"
      bench compare runs/new runs/old --metrics psnr --fail-below -0.05
    """
    from bench import comparison
    from bench.runs import selection
    from bench.runs.run_specs import RunModels

    known = RunModels.of(run)
    known_other = RunModels.of(other) if other else known
    frame = comparison.compare(
        run,
        other,
        models=[side for text in models for side in by_network(text, known)] or None,
        against=against and ", ".join(known_other.split(against)),
        noises=noise,
        datasets=datasets,
        metrics=metrics,
        seeds=seeds,
        protocol=protocol,
        test=test,
    )
    judged = judged_metric(frame, metrics) if fail_below is not None else None
    for column, models_of_side in (("model", known), ("against", known_other)):
        frame[column] = frame[column].map(models_of_side.side_name)
    cards = selection.metric_cards(run)
    if kind == "text" and out is None:
        show(frame, cards, (f" in {run}", f" in {other}") if other else ("", ""))
    else:
        write(frame, kind, out)
    if judged is not None:
        sentences = comparison.regressions(frame, fail_below, judged, cards[judged]["higher_is_better"])
        for sentence in sentences:
            click.echo(sentence, err=True)
        if sentences:
            sys.exit(1)


def by_network(text: str, known) -> list[str]:
    """A list of specs -> a list for each network in it, whose trainings are averaged: 'ours, tv' -> ['ours', 'tv'].

    A model with one of the display names of the run, `known`, is compared by itself.
    """
    from bench.models.groups import parse

    networks: dict[str, list[str]] = {}
    for part in known.split(text):
        networks.setdefault(part if part in known.names.values() else parse(part).name, []).append(part)
    return [", ".join(parts) for parts in networks.values()] or [text]


def judged_metric(frame, metrics: str | None) -> str:
    """The metric that --fail-below judges. Raises BadInput if there are several without PSNR."""
    from bench.core.errors import BadInput

    names = list(dict.fromkeys(frame["metric"]))
    if len(names) == 1:
        return names[0]
    if "psnr" in names:
        return "psnr"
    raise BadInput(f"--fail-below: expected one metric, got {', '.join(names)}: add --metrics {names[0]}")


def write(frame, kind: str, out: Path | None) -> None:
    """Write a comparison to a file or standard output: all columns as csv or json, else those of the table."""
    from bench.core import files
    from bench.core.output import unfiltered
    from bench.runs import export

    moved = frame["moved"].map(lambda images: "; ".join(f"{name} {change:+.4f}" for name, change in images))
    frame = frame.assign(moved=moved).astype({"unpaired": object, "failed": object})
    if kind not in ("csv", "json"):
        frame = frame[[*SHORT, *(SPREAD if frame["training_sd"].notna().any() else ())]]
    content = export.encode(frame, "markdown" if kind == "text" else kind)
    if out is None:
        unfiltered(sys.stdout).write(content.decode())
    else:
        files.write(out, content)


def show(frame, cards: dict, runs: tuple[str, str]) -> None:
    """Print a table for each pair, data set and metric, and notes; `runs` follow the names of the sides."""
    from rich import box
    from rich.table import Table

    from bench.core.console import console

    screen, several = console(), frame["training_sd"].notna().any()
    for (model, against, dataset, metric), part in frame.groupby(["model", "against", "dataset", "metric"], sort=False):
        card = cards[metric]
        digits = card["digits"] + 1
        unit = f" ({card['unit']})" if card["unit"] else ""
        counts = sorted(set(part["images"]))
        images = " to ".join(str(count) for count in (counts[0], counts[-1])[: len(counts)])
        title = f"{card['title']}{unit} of {model}{runs[0]} minus {against}{runs[1]}, {dataset}, {images} images"
        table = Table(
            title=f"\n{title}",
            title_justify="left",
            box=box.SIMPLE_HEAD,
            show_edge=False,
            pad_edge=False,
            padding=(0, 1, 0, 0),
        )
        table.add_column("noise", overflow="fold")
        sides = ("other", "this") if runs[0] or several else (fill(against, MAX_HEADING), fill(model, MAX_HEADING))
        counted = ("images",) if len(counts) > 1 else ()
        last = ("p\n(Holm)", "single trainings:\nsd [minimum, maximum]") if several else ("p", "p\n(Holm)")
        for name in (*counted, *sides, "difference\n[95%]", *last):
            table.add_column(name, justify="right", no_wrap=True)
        if not several:
            table.add_column("largest difference", overflow="fold")
        for line in part.to_dict("records"):
            if not line["noise_name"]:
                table.add_section()  # the OOD mean
            table.add_row(*cells(line, digits, several, bool(counted)))
        screen.print(table)
    click.echo()
    for sentence in sentences(frame, several):
        click.echo(sentence)


def sentences(frame, several: bool):
    """Notes below the tables: significance, and what could not be compared."""
    from bench.statistics.intervals import MIN_PHOTOGRAPHS
    from bench.statistics.significance import min_p
    from reports.formatting import plural

    tested = frame[frame["p"].notna()]
    if len(tested) < len(frame):
        yield f"note: no interval and no p for fewer than {MIN_PHOTOGRAPHS} photographs"
    if len(tested):
        kept, fewest = int((tested["p_holm"] < 0.05).sum()), tested.loc[tested["photographs"].idxmin()]
        photographs = int(fewest["photographs"])
        yield (
            f"Significant: {kept} of {plural(len(tested), 'difference')} (p below 0.05 after Holm's correction "
            "within each metric)."
        )
        family = tested[(tested["noise_name"] != "") & (tested["moved"].str.len() > 0)]["metric"].value_counts()
        if len(family) and min_p(photographs) * int(family.min()) > 0.05:
            yield (
                f"note: {fewest['dataset']}: {photographs} photographs give p of {min_p(photographs):.2g} or more "
                "before the correction, too few for this number of comparisons: read the intervals, or choose fewer "
                "noises"
            )
    if (frame["noise_name"] == "").any():
        yield "OOD mean: mean over the noises shown that are out of distribution for both sides."
    yield "Intervals and p are over photographs: they hold for other photographs of this kind."
    if several:
        yield (
            "They are for the mean over trainings, not for another training. sd: standard deviation of the "
            "difference between one training of each side, sqrt(sd² of this + sd² of other), and the minimum and "
            "maximum over all pairs of trainings. --format csv has p before the correction and the images with the "
            "largest differences."
        )
    yield from frame.attrs["notes"]


def cells(line: dict, digits: int, several: bool, counted: bool) -> list[str]:
    """The cells of a line; the last is the sd between trainings, or else the image with the largest difference."""
    import pandas as pd

    def number(value: float, sign: str = "") -> str:
        return "" if pd.isna(value) else f"{value:{sign}.{digits}f}"

    def range_of(low: float, high: float) -> str:
        return "" if pd.isna(low) else f" [{number(low, '+')}, {number(high, '+')}]"

    def p(value: float) -> str:
        return "" if pd.isna(value) else "< 0.001" if value < 0.001 else f"{value:.3f}"

    if several:
        last = [
            p(line["p_holm"]),
            number(line["training_sd"]) + range_of(line["training_min"], line["training_max"]),
        ]
    else:
        moved = "".join(f"{name} {number(change, '+')}" for name, change in line["moved"][:1])
        last = [p(line["p"]), p(line["p_holm"]), moved]
    images = [str(line["images"])] if counted else []
    difference = number(line["difference"], "+") + range_of(line["low"], line["high"])
    return [line["noise"], *images, number(line["mean_against"]), number(line["mean"]), difference, *last]
