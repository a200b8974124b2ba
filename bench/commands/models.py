"""`bench models`: models and their weights."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli import Suggesting
from bench.commands.options import TABLE_FORMATS, assignments, shared, spec_list
from bench.commands.train import DEFAULT_DATA, training_data


@click.group(cls=Suggesting)
def models() -> None:
    """List models, and fetch, import and verify weights."""


@models.command("list")
@shared(
    "format",
    "table",
    type=click.Choice(TABLE_FORMATS),
    also="All but table have a row per size of a model and per set of weights.",
)
def list_(kind) -> None:
    """List models, their cost, and the weights on this machine.

    Weights are shipped with the package, imported, or published and fetched by name. Groups of models for --models, and
    aliases, are listed below the tables.

    \b
    Examples:
      bench models list
      bench models list --format csv
    """
    from bench.models import listing

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

    from bench.core.console import console
    from bench.models import groups, published

    table, weights, to_fetch = (
        Table("name", "network", "paper", "size", "parameters", "kFLOP / pixel", "receptive field", "weights"),
        Table("weights", "of", "parameters", "trained on", "licence", "SHA-256"),
        Table("published weights", "of", "trained on", "licence", "checked with", "on this machine"),
    )
    last = None
    for row in rows:
        if known := published.weights().get(row["weights"]):
            here = "yes" if known.is_here else "no"
            to_fetch.add_row(known.name, known.model or "-", row["trained_on"], known.licence, known.check, here)
            continue
        first = [row["model"], row["title"], _short(row["paper"])] if row["model"] != last else ["", "", ""]
        last, usual = row["model"], f"{row['model']}-{row['size']}"
        default = row["weights"] in (None, usual) or row["spec"] == row["model"]
        size = row["size"] if default else row["weights"]
        table.add_row(*first, size or "-", *_cost(row), row["weights_from"] or "-")
    others = [row for row in rows if row["weights"] and row["weights_from"] in ("shipped", "imported")]
    for row in sorted(others, key=lambda row: row["weights_from"], reverse=True):
        name, parameters = f"{row['weights']} ({row['weights_from']})", _cost(row)[0]
        weights.add_row(name, row["model"], parameters, row["trained_on"], row["licence"], (row["sha256"] or "-")[:12])
    console().print(table)
    if weights.row_count:
        console().print(weights)
    console().print(to_fetch)
    for group, description in groups.GROUPS.items():
        click.echo(f"--models {group}: {description} ({', '.join(groups.specs(group)) or 'none'})")
    for alias, name in groups.ALIASES.items():
        click.echo(f"--models {alias}: alias of {name}")
    click.echo("details: bench models info MODEL; published weights: bench models fetch NAME")


def _cost(row: dict) -> list[str]:
    """Parameters, thousands of operations per pixel and receptive field in pixels, as text."""
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
@click.argument("spec", metavar="MODEL")
def info(spec) -> None:
    """Show a model: parameters, cost, weights and training.

    MODEL is a model spec. Its weights are shown with their training noise, licence and scores.

    \b
    Examples:
      bench models info ours
      bench models info "dncnn(size='full')"
      bench models info "net.py:MyNet(width=32)"
    """
    from rich.table import Table

    from bench.core.console import console
    from bench.models import complexity, groups, listing, model_specs, published, trial
    from bench.models.weights import NoWeights

    known = published.weights().get(dict(groups.parse(spec).kwargs).get("weights"))
    try:
        model, lack = model_specs.resolve(spec), ""
    except (NoWeights, published.NotFetched) as error:
        model, lack = model_specs.resolve(_untrained(spec), "full" if known else "small"), f"{error}"
    network = model.load()
    card = {**known.card, **model.card} if known else model.card
    lines = {
        "spec": model.label,
        "title": model.title,
        "size": model.size,
        "parameters": f"{complexity.count_parameters(network):,}",
        "FLOPs per pixel": _flops(model, network),
        "receptive field": _receptive_field(model),
        "settings": _pairs(model.parameters, "=") or "as published",
        "weights": model.weights,
        "weights SHA-256": model.weights_hash or "-",
        "weights here": _weights_of(model.whole_name) or "none",
        "licence": card.get("licence", model.licence),
        "paper": card.get("paper") or model.paper or "-",
        "trained on": listing.trained_on(card) if card else "unknown" if model.file else "-",
    }
    if aliases := [alias for alias, name in groups.ALIASES.items() if name == model.name]:
        lines["alias"] = ", ".join(aliases)
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
    if model.trained_at_test_time:
        lines["test-time training"] = "yes: on each image, in a group of its own in tables"
    if model.level is not None:
        lines["noise level"] = card["noise_level"]
    if "recipe" in card:
        lines |= {
            "terms": _pairs(card["trained_on"].get("terms", {}), ": ") or "unknown",
            "held out": f"{card['trained_on']['held_out']} images",
            "recipe": _pairs(card["recipe"], "="),
            "command": card["command"],
            "took": f"{card['seconds'] / 60:.1f} minutes on {card['machine']}",
            "PSNR, held out": _pairs({noise: f"{v:.2f}" for noise, v in card["psnr_held_out"].items()}, " "),
        }
    if "published" in card:
        order = card.get("channel_order", "RGB")
        lines |= {
            "address": known.url,
            "checked with": known.check,
            "SHA-256 of the file": model.found.hash or "-",
            "input": f"{order}, white at {card.get('white_level', 1)}",
            "published scores": _scores(known) or "none listed",
        }
        lines |= {"training": known.note} if known.note else {}
    if "origin" in card:
        origin = card["origin"]
        assumed = card.get("assumed")
        lines |= {"assumed": _pairs(assumed, "=")} if assumed else {}
        lines |= {"imported": f"{card['imported_at']}, from {origin['file']}", "its SHA-256": origin["sha256"]}
        lines |= {"tensors": origin["remark"]} if "remark" in origin else {}
        lines |= {"trial": trial.from_card(card["trial"]).summary()} if "trial" in card else {}
    if doubt := model.caveat:
        lines["note"] = doubt
    table = Table(show_header=False)
    for name, text in lines.items():
        table.add_row(name, str(text))
    console().print(table)


def _scores(known) -> str:
    """Published scores, one per line, with their protocol and source."""
    lines = [
        f"{score['data']}, {score['noise']}: {score['psnr']:.2f} dB"
        + (f", SSIM {score['ssim']:.3f}" if "ssim" in score else "")
        for score in known.scores
    ]
    return "\n".join([*lines, f"(protocol {known.protocol}; {known.scores_source})"] if lines else [])


def _untrained(text: str) -> str:
    """The spec of the same network without weights."""
    from dataclasses import replace

    from bench import spec
    from bench.models import cards, groups

    parsed = groups.parse(text)
    wrapper, network = (parsed.name, groups.wrapped_spec(parsed)) if parsed.name in cards.wrappers() else ("", parsed)
    others = tuple((key, value) for key, value in network.kwargs if key != "weights")
    return cards.wrapped(wrapper, spec.format_value(replace(network, kwargs=(*others, ("weights", None)))))


def _pairs(values: dict, sign: str) -> str:
    """{'nc': 4, 'nb': 3} -> 'nc=4, nb=3'"""
    return ", ".join(f"{key}{sign}{value}" for key, value in values.items())


def _weights_of(model: str) -> str:
    """'dncnn-small, dncnn-full, grey25 (imported)'"""
    from bench.models import cards, published

    shipped = [name for name, card in cards.cards().items() if card["model"] == model]
    imported = [f"{name} (imported)" for name, card in cards.imported().items() if card["model"] == model]
    fetched = [f"{name} (fetched)" for name in published.fetched() if published.weights()[name].model == model]
    return ", ".join([*shipped, *imported, *fetched])


def _receptive_field(model) -> str:
    from bench.models import tiling

    known = tiling.receptive_field(model)
    return "unknown" if known is None else f"{known} pixels" if isinstance(known, int) else known


def _flops(model, network) -> str:
    from bench.core.errors import described
    from bench.models import complexity

    if model.trained_at_test_time:
        return "unknown: trained on each image"
    if "libraries" in model.card:
        return "unknown: computed by a library"
    try:
        counted = complexity.flops_per_pixel(network)
    except Exception as error:  # a user's network may take no 64x64 image
        return f"unknown: {described(error)}"
    if counted == 0:
        return "unknown: no convolution or matrix product of torch"
    return f"{counted:,} (64x64, convolutions and matrix products)"


@models.command()
@click.argument("spec", metavar="MODEL")
@click.option(
    "--side",
    type=click.IntRange(8),
    default=64,
    show_default=True,
    metavar="PIXELS",
    help="Side of the square test image in pixels.",
)
def layers(spec, side) -> None:
    """List the layers of a network in their order of execution.

    The default layers are those of bench cka; bench srga and bench features use the last of them.

    \b
    Example:
      bench models layers ours
    """
    from rich.table import Table

    from bench.analyses.core import feature_extractor
    from bench.core.console import console
    from bench.models import model_specs

    model = model_specs.resolve(spec)
    network = model.checked()
    default = {
        layer.name for layer in feature_extractor.choose(model, network, feature_extractor.trace(model, network), ())
    }
    table = Table("layer", "module", f"output for one image of {side}x{side}", "used by default")
    for layer in feature_extractor.trace(model, network, side):
        shape = " x ".join(map(str, layer.shape))
        table.add_row(layer.name, layer.kind, shape, "yes" if layer.name in default else "")
    console().print(table)


@models.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--as", "name", required=True, metavar="NAME", help="Name of the weights, e.g. grey25, which is then a model."
)
@click.option(
    "--arch",
    metavar="MODEL",
    show_default="recognized by the tensors",
    help="Network of the weights. Required for ours, baseline and dropout, whose tensors have the same names "
    "and shapes.",
)
@click.option(
    "--licence",
    default="unknown",
    show_default=True,
    metavar="TEXT",
    help="Licence of the weights, for their card: MIT.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    callback=assignments,
    metavar="NAME=VALUE",
    help="Parameter of the network that its tensors do not show: attention_mask=10. Repeat for several.",
)
@click.option(
    "--trained-on",
    default="",
    metavar="SPECS",
    callback=spec_list,
    show_default="unknown",
    help="Training noise, as specs in which a number may be a range: 'gaussian(sigma=0-55)'. It decides "
    "which noise is out of distribution.",
)
@click.option(
    "--training-data", default="", metavar="TEXT", show_default="unknown", help="Training images, for the card: DIV2K."
)
@click.option(
    "--part",
    default="",
    metavar="NAME",
    show_default="averaged weights if there are any",
    help="Set of tensors to import from a file with several: params, netG.",
)
@click.option("--replace", is_flag=True, help="Replace imported weights of the same name.")
def import_(file, name, arch, licence, settings, trained_on, training_data, part, replace) -> None:
    """Import published weights of a network.

    FILE is .pth, .pt, .ckpt, .safetensors, or .mat of MatConvNet. It is copied, and no code in it is executed. The
    network is tried on one image, and the result is kept in the card of the weights.

    \b
    Examples:
      bench models import dncnn_25.pth --as grey25 --trained-on "gaussian(sigma=25)"
      bench models import masked.pth --as published --arch ours --set attention_mask=75
      bench run --models grey25
    """
    from bench import spec
    from bench.models import importing, trial
    from bench.models.groups import canonical_name
    from bench.noise.level_check import weak_noise_warnings
    from bench.noise.training_noise import of_card

    arch = arch and canonical_name(arch)
    card = importing.import_weights(file, name, arch, licence, replace, settings, trained_on, training_data, part)
    origin, tried = card["origin"], trial.from_card(card["trial"])
    click.echo(f"{name}: {importing.summary(card)}, from {origin['file']}")
    if "remark" in origin:
        click.echo(f"{origin['remark']}{' (choose with --part NAME)' if origin.get('others') else ''}")
    if card["doubt"]:
        click.echo(f"note: {card['doubt']}")
    if card["assumed"]:
        shown = ", ".join(f"{key}={spec.format_value(value)}" for key, value in card["assumed"].items())
        whose = "the published network" if card["size"] == "full" else f"the network of size {card['size']}"
        click.echo(f"note: parameters that the tensors do not show are taken from {whose}: {shown}")
        click.echo("if these weights need others, import them again with --replace --set NAME=VALUE")
    click.echo(tried.summary())
    if warning := tried.warning(importing=True):
        click.echo(f"warning: {warning}", err=True)
    for sentence in weak_noise_warnings(maximum for _, maximum in of_card(card).ranges):
        click.echo(f"warning: training noise: {sentence}", err=True)
    if not trained_on:
        click.echo(
            "note: the training noise is unknown, so the model is not ranked with the others: import again with "
            "--replace --trained-on, e.g. 'gaussian(sigma=25)'"
        )
    click.echo(f"use: bench run --models {name}")


@models.command()
@click.argument("names", metavar="NAME...|paper|all", nargs=-1, required=True)
def fetch(names) -> None:
    """Download published weights by name, and check them.

    NAME is one of bench models list, and is then a model; paper is the pair of the paper, masked-denoising and
    masked-denoising-baseline. Files come from their authors' servers into $BENCH_HOME/published, and are compared with
    the hash of the list; a file without one is compared with its first download. An interrupted download is resumed.
    No other command downloads weights by name.

    \b
    Examples:
      bench models fetch paper
      bench models fetch ffdnet-color restormer-color-15
      bench run --models masked-denoising
    """
    from contextlib import ExitStack

    from bench.core.errors import BadInput
    from bench.core.progress import DownloadProgress
    from bench.models import published

    chosen, failed = published.named(names), []
    for weights in chosen:
        try:
            with ExitStack() as stack:
                file = weights.fetch(DownloadProgress(weights.name, stack))
        except BadInput as error:
            if len(chosen) == 1:
                raise
            failed.append(weights.name)
            click.echo(f"{error}", err=True)
            continue
        click.echo(f"{weights.name}: {file}, {weights.check}; licence: {weights.licence}")
    if failed:
        raise BadInput(
            f"expected {len(chosen)} files, got {len(chosen) - len(failed)}: bench models fetch {' '.join(failed)}"
        )


@models.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
def remove(names) -> None:
    """Remove imported or fetched weights.

    \b
    Example:
      bench models remove grey25
    """
    from bench.models import importing

    for name in names:
        importing.remove(name)
        click.echo(f"{name}: removed")


@models.command()
@click.argument("names", metavar="[WEIGHTS]...", nargs=-1)
@shared("datasets", absent=f"{DEFAULT_DATA}, or the folders of --data")
@shared("data", type=str, callback=spec_list, also="Use what bench train was given.")
@click.option("--write", is_flag=True, help="Write the measured scores to the cards where they differ.")
def verify(names, datasets, data, write) -> None:
    """Check the scores on the cards of weights.

    Scores weights on the images that were held out of their training, and compares with their cards. WEIGHTS are names
    of shipped weights or files of bench train; all shipped weights by default. Exit code 3 if a card differs.

    \b
    Examples:
      bench models verify ours-small
      bench models verify runs/train/ours/ours-small.safetensors --data photos/
    """
    import sys

    from bench.training import training_images, verification

    images, wrong = training_images.load(training_data(datasets, data)), 0
    for name in names or verification.verifiable():
        result = verification.verify(name, images)
        wrong += bool(result.differing)
        click.echo(f"{name}: {_pairs({noise: f'{v:.3f}' for noise, v in result.measured.items()}, ' ')} dB")
        for noise, value in result.differing.items():
            click.echo(f"  {noise}: card {result.stated.get(noise)}, measured {value:.3f}")
        if write and result.differing:
            result.write()
            click.echo("  written to the card")
    if wrong and not write:
        sys.exit(3)
