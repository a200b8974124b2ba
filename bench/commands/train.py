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
@click.argument("name", required=False)
@click.option("--data", default="BSDS400", show_default=True,
              help="A folder of clean images, or data sets, several with commas: DIV2K,Flickr2K,WED.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="[default: runs/train/NAME]")
@click.option("--preset", type=click.Choice(["small", "paper", "official"]), default="small", show_default=True,
              help="The paper's recipe; the configuration that its authors published, where it differs; the paper's "
              "scaled to two cores.")  # fmt: skip
@click.option(
    "--set",
    "settings",
    multiple=True,
    callback=pairs,
    metavar="NAME=VALUE",
    help="Change the recipe or the network: input_mask=75-85, mask_on=tokens, attention_mask=off, lr=5e-4, ema=0.999, "
    "clip_noisy=on, milestones=3000,6000, embed_dim=32.",
)
@click.option("--iterations", type=click.IntRange(1), help="[default: the preset's]")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--resume", is_flag=True, help="Go on with the training in --out, and stop where there is none.")
@click.option(
    "--minutes", type=click.FloatRange(0, min_open=True), help="Stop after so long; the same command goes on."
)
@click.option("--validate-every", type=click.IntRange(1), default=1_000, show_default=True,
              help="Iterations between two points of the test curves.")  # fmt: skip
@click.option("--as", "called", metavar="NAME", help="Name of the weights.  [default: ours-small and the like]")
@click.option("--parts", "in_parts", is_flag=True, help="Write the weights in files below 16 MiB.")
@click.option("--tensorboard", is_flag=True, help="Write losses and test curves for TensorBoard too, into --out.")
@click.option("--threads", type=click.IntRange(1), help="Threads of torch.  [default: one a core]")
@click.option("--device", default="auto", show_default=True)
@click.option("--list", "listed", is_flag=False, flag_value="", metavar="[TABLE]",
              help="Print the trainings of a table, the paper's or ours, as commands beside its numbers; without TABLE "
              "which there are.")  # fmt: skip
def train(name, data, out, preset, settings, iterations, seed, resume, minutes, validate_every, called, in_parts,
          tensorboard, threads, device, listed) -> None:  # fmt: skip
    """Train a network from scratch, or go on where a training stopped.

    NAME, a network here or one of yours, is trained on Gaussian noise of sigma 15 and nothing else; a training that is
    in --out already goes on. Ctrl-C saves first. Several processes train one network when a launcher starts them.

    \b
    bench train ours --data BSDS400 --preset small --out runs/train/ours
    bench train dncnn --data photos/ --set input_mask=75-85 --iterations 20000
    bench train ours --data DIV2K,Flickr2K,BSDS400,WED --preset paper --minutes 50
    bench train "path/to/file.py:MyNet(width=32)" --data photos/
    torchrun --nproc-per-node 4 -m bench train ours --preset paper
    bench train --list table-3a --preset small | sh
    """
    if listed is not None:
        return click.echo(_list(listed, name, out, called))
    if name is None:
        raise click.UsageError("Missing argument 'NAME': wanted a network, such as bench train ours")
    import torch

    from bench.training.train import train_model

    if threads:
        torch.set_num_threads(threads)
    bare = name.partition("(")[0].strip()  # without parameters: the card of the weights has them
    out = out or Path("runs/train") / bare.rpartition(":")[2]
    file = train_model(name, data, out, preset=preset, settings=settings, iterations=iterations, seed=seed,
                       minutes=minutes, device=device, validate_every=validate_every, resume=resume, called=called,
                       in_parts=in_parts, tensorboard=tensorboard)  # fmt: skip
    if file is not None:
        from baselines.checkpoints import card_beside

        click.echo(f"weights: {file}\ncard:    {card_beside(file)}\nuse:     {bare}(weights='{file}')")


def _list(table: str, name: str | None, out: Path | None, called: str | None) -> str:
    """The tables, or the commands of one, with the options that were given beside --list.

    Raises BadInput for what each training of a table has of its own.
    """
    from bench.errors import BadInput
    from bench.training import ablations

    if not table:
        return ablations.tables()
    context = click.get_current_context()
    own = {"--out": out, "--as": called, f"the network {name}": name}
    varied = {key for row in ablations.load(table)["training"] for key in row["settings"]}
    own |= {f"--set {key}": value for key, value in context.params["settings"].items() if key in varied}
    for what, given in own.items():
        if given is not None:
            raise BadInput(f"{what} came with --list {table}, whose trainings have their own: leave it out")
    words = []
    for option in ("data", "preset", "iterations", "seed", "minutes", "validate_every", "threads", "device"):
        if context.get_parameter_source(option).name == "COMMANDLINE":
            words += [f"--{option.replace('_', '-')}", str(context.params[option])]
    words += [f"--{flag.removeprefix('in_')}" for flag in ("resume", "in_parts", "tensorboard") if context.params[flag]]
    for key, value in context.params["settings"].items():
        words += ["--set", f"{key}={value}"]
    return ablations.commands(table, words)
