"""`bench models`: networks and their weights."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli import Suggesting
from bench.commands.train import pairs

FORMATS = ("table", "csv", "json", "markdown", "latex")


@click.group(cls=Suggesting)
def models() -> None:
    """List networks and their weights, and import weights."""


@models.command("list")
@click.option("--format", "kind", type=click.Choice(FORMATS), default="table", show_default=True,
              help="All but table have a row for each size of a model and each set of weights.")  # fmt: skip
def list_(kind) -> None:
    """Models, what they cost and see, and the weights that are here: shipped and imported."""
    from bench.networks import listing

    rows = listing.rows()
    if kind == "table":
        _print(rows)
        return
    import pandas as pd

    from bench.runs import export

    frame = pd.DataFrame(rows).astype({name: "Int64" for name in ("parameters", "flops_per_pixel")})
    click.echo(export.encode(frame, kind).decode(), nl=False)


def _print(rows: list[dict]) -> None:
    from rich.table import Table

    from bench.console import console
    from bench.networks import groups

    table, weights = (
        Table("name", "network", "paper", "size", "parameters", "kFLOP / pixel", "receptive field", "weights"),
        Table("weights", "of", "parameters", "trained on", "licence", "SHA-256"),
    )
    last = None
    for row in rows:
        first = [row["model"], row["title"], _short(row["paper"])] if row["model"] != last else ["", "", ""]
        last, default = row["model"], row["weights"] in (None, f"{row['model']}-{row['size']}")
        size = row["size"] if default else row["weights"]
        table.add_row(*first, size or "-", *_cost(row), row["weights_from"] or "-")
    for row in sorted(filter(lambda row: row["weights"], rows), key=lambda row: row["weights_from"], reverse=True):
        name, parameters = f"{row['weights']} ({row['weights_from']})", _cost(row)[0]
        weights.add_row(name, row["model"], parameters, row["trained_on"], row["licence"], (row["sha256"] or "-")[:12])
    console().print(table)
    if weights.row_count:
        console().print(weights)
    for group, words in groups.GROUPS.items():
        click.echo(f"--models {group}: {words} ({', '.join(groups.specs(group))})")
    click.echo("More of one: bench models info NAME")


def _cost(row: dict) -> list[str]:
    """Parameters, thousands of operations per pixel, receptive field, as they stand in a table."""
    parameters, flops = row["parameters"], row["flops_per_pixel"]
    return [
        "-" if parameters is None else f"{parameters:,}",
        "-" if flops is None else f"{flops / 1000:,.0f}",
        str(row["receptive_field"] or "-"),
    ]


def _short(paper: str | None) -> str:
    """'Zhang et al., Beyond a Gaussian Denoiser, TIP 2017' -> 'Zhang et al., TIP 2017'."""
    parts = (paper or "-").split(", ")
    return f"{parts[0]}, {parts[-1]}" if len(parts) > 2 else paper or "-"


@models.command()
@click.argument("spec")
def info(spec) -> None:
    """What a model spec is: parameters, cost, weights, what they were trained on, what they score."""
    from rich.table import Table

    from bench.console import console
    from bench.networks import cost, listing, models, trial
    from bench.networks.weights import NoWeights

    try:
        model, lack = models.resolve(spec), ""
    except NoWeights as error:
        model, lack = models.resolve(_untrained(spec)), f"{error}"
    network = model.load()
    card = model.card
    lines = {
        "spec": model.label,
        "title": model.title,
        "size": model.size,
        "parameters": f"{cost.count_parameters(network):,}",
        "FLOPs per pixel": "not known: a library's" if "libraries" in card else _flops(network),
        "receptive field": _receptive_field(model),
        "settings": _pairs(model.parameters, "=") or "as published",
        "weights": model.weights,
        "weights SHA-256": model.weights_hash or "-",
        "weights here": _weights_of(model.name) or "none",
        "licence": card.get("licence", model.licence),
        "paper": model.paper or "-",
        "trained on": listing.trained_on(card) if card else "unknown" if model.file else "-",
    }
    if lack:
        lines["note"] = lack
    if "libraries" in card:
        lines |= {
            "weights SHA-256": "-",
            "weights here": "none needed",
            "trained on": "nothing",
            "noise level": card["noise_level"],
            "computed by": _pairs(card["libraries"], " "),
        }
    if "recipe" in card:
        lines |= {
            "terms": _pairs(card["trained_on"].get("terms", {}), ": ") or "not known",
            "held out": f"{card['trained_on']['held_out']} images",
            "recipe": _pairs(card["recipe"], "="),
            "command": card["command"],
            "took": f"{card['seconds'] / 60:.1f} minutes on {card['machine']}",
            "PSNR, held out": _pairs({noise: f"{v:.2f}" for noise, v in card["psnr_held_out"].items()}, " "),
        }
    if "origin" in card:
        origin = card["origin"]
        assumed = card.get("assumed")
        lines |= {"assumed": _pairs(assumed, "=")} if assumed else {}
        lines |= {"imported": f"{card['imported_at']}, from {origin['file']}", "its SHA-256": origin["sha256"]}
        lines |= {"tensors": origin["remark"]} if "remark" in origin else {}
        lines |= {"trial": trial.of_card(card["trial"]).words()} if "trial" in card else {}
    if doubt := model.doubt:
        lines["note"] = doubt
    table = Table(show_header=False)
    for name, text in lines.items():
        table.add_row(name, str(text))
    console().print(table)


def _untrained(text: str) -> str:
    """The spec of the same network without weights."""
    from dataclasses import replace

    from bench import spec

    parsed = spec.parse(text)
    others = tuple((key, value) for key, value in parsed.kwargs if key != "weights")
    return spec.format_value(replace(parsed, kwargs=(*others, ("weights", None))))


def _pairs(values: dict, sign: str) -> str:
    """{'nc': 4, 'nb': 3} -> 'nc=4, nb=3'"""
    return ", ".join(f"{key}{sign}{value}" for key, value in values.items())


def _weights_of(model: str) -> str:
    """'dncnn-small, dncnn-full, grey25 (imported)'"""
    from bench.networks import cards

    shipped = [name for name, card in cards.cards().items() if card["model"] == model]
    return ", ".join([*shipped, *(f"{n} (imported)" for n, c in cards.imported().items() if c["model"] == model)])


def _receptive_field(model) -> str:
    from bench.networks import tiling

    known = tiling.receptive_field(model)
    return "not known" if known is None else f"{known} pixels" if isinstance(known, int) else known


def _flops(network) -> str:
    from baselines.checkpoints import first_line
    from bench.networks import cost

    try:
        counted = cost.flops_per_pixel(network)
    except Exception as error:  # a user's network may take no 64x64 image
        return f"not known: {first_line(error)}"
    if counted == 0:
        return "not known: it uses neither torch's convolutions nor its matrix products"
    return f"{counted:,} (64x64, convolutions and matrix products)"


@models.command()
@click.argument("spec")
@click.option("--side", type=click.IntRange(8), default=64, show_default=True, help="Of the image that is tried.")
def layers(spec, side) -> None:
    """The layers of a network in the order in which they run, and those that cka, srga and features look at."""
    from rich.table import Table

    from bench.console import console
    from bench.inside import probe
    from bench.networks import models

    model = models.resolve(spec)
    network = model.checked()
    default = {layer.name for layer in probe.chosen(model, network, probe.trace(model, network), ())}
    table = Table("layer", "module", f"output for one image of {side}x{side}", "looked at by default")
    for layer in probe.trace(model, network, side):
        shape = " x ".join(map(str, layer.shape))
        table.add_row(layer.name, layer.kind, shape, "yes" if layer.name in default else "")
    console().print(table)


@models.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--as", "name", required=True, help="The name: afterwards dncnn(weights='NAME') finds the weights.")
@click.option("--arch", help="The network, where its tensors do not tell: ours, baseline and dropout are alike.")
@click.option("--licence", default="unknown", show_default=True, help="The terms of the weights, for their card.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    callback=pairs,
    metavar="NAME=VALUE",
    help="A parameter of the network that its tensors do not show: attention_mask=10.",
)
@click.option("--trained-on", default="", metavar="NOISE", help="The training noise, as specs in which a number may "
              "be a range: 'gaussian(sigma=25)', 'gaussian(sigma=0-55)'. It decides which noise is out of "
              "distribution.  [default: unknown]")  # fmt: skip
@click.option("--training-data", default="", metavar="TEXT", help="The training images, for the card: DIV2K.")
@click.option("--part", default="", help="Which of several sets of tensors in the file, by its name: params, netG. "
              "[default: an average of the weights, or else the weights]")  # fmt: skip
@click.option("--replace", is_flag=True, help="Take the place of imported weights of the same name.")
def import_(file, name, arch, licence, settings, trained_on, training_data, part, replace) -> None:
    """Import published weights: .pth, .pt, .ckpt, .safetensors, or MatConvNet's .mat. Nothing in FILE is executed.

    \b
    bench models import dncnn_gray_sigma25.pth --as grey25
    bench models import masked.pth --as masked --arch ours --set attention_mask=75
    bench run --models "dncnn(weights='grey25')"
    """
    from bench import spec
    from bench.networks import importing, trial
    from bench.noise.level_check import weak_noise_warnings
    from bench.noise.training_noise import of_card

    card = importing.import_weights(file, name, arch, licence, replace, settings, trained_on, training_data, part)
    origin, tried = card["origin"], trial.of_card(card["trial"])
    click.echo(f"{name}: {importing.summary(card)}, from {origin['file']}")
    if "remark" in origin:
        click.echo(f"{origin['remark']}{' (--part NAME chooses)' if origin.get('others') else ''}")
    if card["doubt"]:
        click.echo(f"note: {card['doubt']}")
    if card["assumed"]:
        shown = ", ".join(f"{key}={spec.format_value(value)}" for key, value in card["assumed"].items())
        whose = "the published network" if card["size"] == "full" else f"the network of size {card['size']}"
        click.echo(f"what tensors do not show is taken from {whose}: {shown}")
        click.echo("where these weights want something else, import them again with --replace --set NAME=VALUE")
    click.echo(tried.words())
    if warning := tried.warning(importing=True):
        click.echo(f"warning: {warning}", err=True)
    for sentence in weak_noise_warnings(greatest for _, greatest in of_card(card).ranges):
        click.echo(f"warning: training noise: {sentence}", err=True)
    if not trained_on:
        click.echo("note: the training noise is unknown, so nothing is known to be out of distribution: import them "
                   "again with --replace --trained-on 'gaussian(sigma=25)', say")  # fmt: skip
    click.echo(f"use it as {card['model']}(weights='{name}')")


@models.command()
@click.argument("names", nargs=-1)
@click.option("--data", default="BSDS400", show_default=True, help="What they were trained on, as bench train took it.")
@click.option("--write", is_flag=True, help="Put the scores that were found onto the cards.")
def verify(names, data, write) -> None:
    """Score weights on the images that were held out of their training, and compare with their cards.

    NAMES are shipped weights, or files that bench train wrote; without any, all that ship. Ends with code 3 where a
    card says something else.

    \b
    bench models verify ours-small
    bench models verify runs/train/ours/ours-small.safetensors --data photos/
    """
    import sys

    from bench.training import training_images, verification

    images, wrong = training_images.load(data), 0
    for name in names or verification.verifiable():
        result = verification.verify(name, images)
        wrong += bool(result.differing)
        click.echo(f"{name}: {_pairs({noise: f'{v:.3f}' for noise, v in result.found.items()}, ' ')} dB")
        for noise, value in result.differing.items():
            click.echo(f"  {noise}: the card says {result.said.get(noise)}, the weights have {value:.3f}")
        if write and result.differing:
            result.write()
            click.echo("  written onto the card")
    if wrong and not write:
        sys.exit(3)
