"""`bench models`: networks and their weights."""

from __future__ import annotations

import click


@click.group()
def models() -> None:
    """List networks and their weights."""


@models.command("list")
def list_() -> None:
    """Networks by name, with the sizes whose weights are here."""
    from rich.table import Table

    from bench import cards, registry
    from bench.console import console

    here = cards.cards().values()
    table = Table("name", "what", "weights here", "in `all`")
    for name, constants in cards.models().items():
        sizes = ", ".join(
            f"{card['size']} ({card['parameters']:,} parameters)" for card in here if card["model"] == name
        )
        table.add_row(
            name, constants["__doc__"].splitlines()[0], sizes or "-", "yes" if name in cards.PAPER_MODELS else ""
        )
    for name in registry.entry_points("model"):
        table.add_row(name, "from another package", "its own", "")
    console().print(table)


@models.command()
@click.argument("spec")
def info(spec) -> None:
    """What a model spec is: parameters, weights, what they were trained on, what they score."""
    from rich.table import Table

    from bench import models
    from bench.console import console

    model = models.resolve(spec)
    network = model.load()
    card = model.card
    lines = {
        "spec": model.label,
        "title": model.title,
        "size": model.size,
        "parameters": f"{models.count_parameters(network):,}",
        "network": ", ".join(f"{key}={value}" for key, value in model.parameters.items()) or "as published",
        "weights": model.weights,
        "weights SHA-256": model.weights_hash or "-",
        "licence": card.get("licence", model.licence),
        "paper": model.paper or "-",
    }
    if card:
        trained, recipe = card["trained_on"], card["recipe"]
        lines |= {
            "trained on": f"{trained['images']} images of {trained['data']} ({trained['held_out']} held out), "
            f"{trained['noise']}",
            "recipe": ", ".join(f"{key}={value}" for key, value in recipe.items()),
            "command": card["command"],
            "took": f"{card['seconds'] / 60:.1f} minutes on {card['machine']}",
            "PSNR, held out": ", ".join(f"{noise} {value:.2f}" for noise, value in card["psnr_held_out"].items()),
        }
    table = Table(show_header=False)
    for name, text in lines.items():
        table.add_row(name, str(text))
    console().print(table)
