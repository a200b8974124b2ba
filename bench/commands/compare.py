"""`bench compare`: two runs, or two models of one, image by image."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import click

FORMATS = ("text", "csv", "json", "markdown", "latex")
SHORT = ("model", "against", "dataset", "noise", "metric", "images", "mean_against", "mean", "difference", "low",
         "high", "p", "p_holm")  # fmt: skip
SPREAD = ("training_sd", "training_min", "training_max")


def print_formulas(context: click.Context, parameter, wanted: bool) -> None:
    """Print every formula and leave."""
    if wanted:
        from bench.statistics import formulas

        click.echo(formulas.text())
        context.exit()


def a_number(context: click.Context, parameter, value: float | None) -> float | None:
    """A limit that something can lie below."""
    if value is not None and math.isnan(value):
        raise click.BadParameter("nan came, wanted a number such as -0.05")
    return value


@click.command()
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path, file_okay=False))
@click.argument("other", metavar="[OTHER]", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--models", multiple=True, help="A model of RUN, or trainings of one, whose scores are averaged: \"ours, "
              "ours(weights='ours-small-seed1')\". Again for a comparison more; all: every model by itself.  "
              "[default: those of both runs; of one run, ours]")  # fmt: skip
@click.option("--against", help="The other side, of OTHER, or of RUN where there is one run.  [default: the same "
              "models in OTHER; of one run, baseline]")  # fmt: skip
@click.option("--noise", help="Noise specs; a bare name has all its levels.  [default: all that were run]")
@click.option("--datasets", help="Data set specs, likewise.")
@click.option("--metric", "metrics", help="psnr, ssim, lpips, ... [default: all that both sides have]")
@click.option("--protocol", help="Of a run with several.  [default: the last one]")
@click.option("--test", type=click.Choice(["permutation", "wilcoxon"]), default="permutation", show_default=True,
              help="permutation asks about the mean, as the interval does.")  # fmt: skip
@click.option("--format", "kind", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file; text becomes markdown there.  [default: standard output]",
)
@click.option("--fail-below", type=float, metavar="LIMIT", callback=a_number, help="Leave with code 1 where a mean "
              "difference lies below LIMIT, -0.05 say, or images failed that have scores on the other side. Of PSNR, "
              "or of the one --metric; where lower is better, of the difference with its sign turned.")  # fmt: skip
@click.option("--formulas", is_flag=True, is_eager=True, expose_value=False, callback=print_formulas,
              help="Print every formula with its source, and leave.")  # fmt: skip
def compare(run, other, models, against, noise, datasets, metrics, protocol, test, kind, out, fail_below) -> None:
    """Say how RUN differs from OTHER, or a model of RUN from another one, on the same noisy pixels.

    \b
    bench compare runs/new runs/old                        each model in both
    bench compare runs/latest                              ours less its baseline
    bench compare runs/latest --models ours --models dncnn --against swinir
    bench compare runs/latest --models "ours, ours(weights='ours-small-seed1')" \\
        --against "baseline, baseline(weights='baseline-small-seed1')"
    bench compare runs/new runs/old --metric psnr --fail-below -0.05

    Differences are RUN minus OTHER, models minus --against, of each image with itself. A line for each data set and
    noise: its interval and p say how sure the difference is for other photographs of this kind; sd, least and most say
    how much it varies between trainings, where several were given. Exit code 2 where nothing can be compared.
    """
    from bench import comparison
    from bench.errors import BadInput
    from bench.runs import selection

    frame = comparison.compare(
        run, other, models=models or None, against=against, noises=noise, datasets=datasets, metrics=metrics,
        protocol=protocol, test=test,
    )  # fmt: skip
    judged = judged_metric(frame, metrics) if fail_below is not None else None
    cards = selection.metric_cards(run)
    if kind == "text" and out is None:
        show(frame, cards, (f" in {run}", f" in {other}") if other else ("", ""))
    else:
        try:
            write(frame, kind, out)
        except OSError as error:
            raise BadInput(f"{out or 'standard output'} cannot be written: {error.strerror or error}") from error
    if judged is not None:
        sentences = comparison.fallen(frame, fail_below, judged, cards[judged]["higher_is_better"])
        for sentence in sentences:
            click.echo(sentence, err=True)
        if sentences:
            sys.exit(1)


def judged_metric(frame, metrics: str | None) -> str:
    """The metric that --fail-below is about. Raises BadInput where that is not clear."""
    from bench.errors import BadInput

    there = list(dict.fromkeys(frame["metric"]))
    if len(there) == 1:
        return there[0]
    if "psnr" in there:
        return "psnr"
    raise BadInput(f"--fail-below is about one metric: add --metric {' or --metric '.join(there)}")


def write(frame, kind: str, out: Path | None) -> None:
    """All columns as csv or json, those of a table as markdown, latex or text."""
    from bench.runs import export

    moved = frame["moved"].map(lambda images: "; ".join(f"{name} {change:+.4f}" for name, change in images))
    frame = frame.assign(moved=moved).astype({"unpaired": object, "failed": object})
    if kind not in ("csv", "json"):
        frame = frame[[*SHORT, *(SPREAD if frame["training_sd"].notna().any() else ())]]
    content = export.encode(frame, "markdown" if kind == "text" else kind)
    if out is None:
        sys.stdout.write(content.decode())
    else:
        out.write_bytes(content)


def show(frame, cards: dict, places: tuple[str, str]) -> None:
    """Print a table for each pair, data set and metric, and what it rests on."""
    from rich import box
    from rich.table import Table

    from bench.console import console

    screen, several = console(), frame["training_sd"].notna().any()
    for (model, against, dataset, metric), part in frame.groupby(["model", "against", "dataset", "metric"], sort=False):
        card = cards[metric]
        digits = card["digits"] + 1
        unit = f" ({card['unit']})" if card["unit"] else ""
        counts = sorted(set(part["images"]))
        images = " to ".join(str(count) for count in (counts[0], counts[-1])[: len(counts)])
        title = f"{card['title']}{unit} of {model}{places[0]} minus {against}{places[1]}, {dataset}, {images} images"
        table = Table(title=f"\n{title}", title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False,
                      padding=(0, 1, 0, 0))  # fmt: skip
        table.add_column("noise", overflow="fold")
        sides = ("other", "this") if places[0] or several else (against, model)
        counted = ("images",) if len(counts) > 1 else ()
        last = ("p\n(Holm)", "one training of each:\nsd [least, most]") if several else ("p", "p\n(Holm)")
        for name in (*counted, *sides, "difference\n[95%]", *last):
            table.add_column(name, justify="right", no_wrap=True)
        if not several:
            table.add_column("moved most", overflow="fold")
        for line in part.to_dict("records"):
            if not line["noise_name"]:
                table.add_section()  # the OOD mean
            table.add_row(*cells(line, digits, several, bool(counted)))
        screen.print(table)
    click.echo()
    for sentence in sentences(frame, several):
        click.echo(sentence)


def sentences(frame, several: bool):
    """What the numbers rest on, and what could not be compared."""
    from bench.statistics.intervals import MIN_PHOTOGRAPHS
    from bench.statistics.significance import min_p

    tested = frame[frame["p"].notna()]
    if len(tested) < len(frame):
        yield f"Fewer than {MIN_PHOTOGRAPHS} photographs have neither interval nor p."
    if len(tested):
        kept, fewest = int((tested["p_holm"] < 0.05).sum()), tested.loc[tested["photographs"].idxmin()]
        photographs = int(fewest["photographs"])
        yield f"{kept} of {len(tested)} differences have p below 0.05 after Holm's correction within each metric."
        family = tested[(tested["noise_name"] != "") & (tested["moved"].str.len() > 0)]["metric"].value_counts()
        if len(family) and min_p(photographs) * int(family.min()) > 0.05:
            yield (f"{fewest['dataset']}: {photographs} photographs give no p below {min_p(photographs):.2g} before "
                   "the correction: too few for so many; read the intervals, or choose fewer noises.")  # fmt: skip
    if (frame["noise_name"] == "").any():
        yield "OOD mean: over the noises shown that are out of distribution for both sides."
    yield "Intervals and p are over photographs: how sure a difference is for others of this kind."
    if several:
        yield ("They are of the mean over trainings and say nothing of another training. For that: sd, the standard "
               "deviation of the difference between one training of each side, sqrt(sd² of this + sd² of other); "
               "least and most, of all pairs of the trainings given. --format csv has p before the correction, and the "
               "images that moved most.")  # fmt: skip
    yield from frame.attrs["notes"]


def cells(line: dict, digits: int, several: bool, counted: bool) -> list[str]:
    """One line as text; at its end the spread of several trainings, else the image that moved most."""
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
