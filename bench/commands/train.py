"""`bench train`: train a network on clean images."""

from __future__ import annotations

from pathlib import Path

import click


def pairs(context, parameter, values: tuple[str, ...]) -> dict[str, str]:
    """('a=1', 'b=2') -> {'a': '1', 'b': '2'}."""
    for value in values:
        if "=" not in value:
            raise click.BadParameter(f"{value!r} came, wanted name=value such as input_mask=75-85")
    return dict(value.split("=", 1) for value in values)


@click.command()
@click.argument("name")
@click.option("--data", required=True, help="A folder of clean images, or the name of a data set (BSDS400).")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="[default: runs/train/NAME]")
@click.option("--preset", type=click.Choice(["small", "paper"]), default="small", show_default=True)
@click.option(
    "--set",
    "settings",
    multiple=True,
    callback=pairs,
    metavar="NAME=VALUE",
    help="Change the recipe or the network: input_mask=75-85, attention_mask=75, lr=5e-4, embed_dim=32.",
)
@click.option("--iterations", type=click.IntRange(1), help="[default: the preset's]")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option(
    "--minutes", type=click.FloatRange(0, min_open=True), help="Stop after so long; the same command goes on."
)
@click.option("--threads", type=click.IntRange(1), help="Threads of torch.  [default: one a core]")
@click.option("--device", default="auto", show_default=True)
def train(name, data, out, preset, settings, iterations, seed, minutes, threads, device) -> None:
    """Train a network from scratch, or go on where a training stopped.

    NAME is trained on Gaussian noise of sigma 15 and nothing else; a training that is in --out already goes on.

    \b
    bench train ours --data BSDS400 --preset small --out runs/train/ours
    bench train dncnn --data photos/ --set input_mask=75-85 --iterations 20000
    """
    import torch

    from bench.train import train_model

    if threads:
        torch.set_num_threads(threads)
    out = out or Path("runs/train") / name
    file = train_model(name, data, out, preset=preset, settings=settings, iterations=iterations, seed=seed,
                       minutes=minutes, device=device)  # fmt: skip
    if file is not None:
        click.echo(f"weights: {file}\ncard:    {file.with_suffix('.json')}\nuse:     {name}(weights='{file}')")
