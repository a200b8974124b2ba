"""`bench train`: train a network on clean images."""

from __future__ import annotations

from pathlib import Path

import click

from bench.commands.options import assignments, shared, spec_list

DEFAULT_DATA = "BSDS400"
# parameters that --list puts into each command
FORWARDED = ("datasets", "data", "preset", "iterations", "seed", "extend", "minutes", "validate_every", "threads",
             "device")  # fmt: skip
FORWARDED_FLAGS = ("resume", "in_parts", "tensorboard")


def training_data(datasets: str | None, data: tuple[str, ...]) -> str:
    """The values of --datasets and --data -> one list of data sets: 'DIV2K, photos/'."""
    return ", ".join([*([datasets] if datasets else []), *data]) or DEFAULT_DATA


@click.command()
@click.argument("name", metavar="[MODEL]", required=False)
@shared("datasets", absent=f"{DEFAULT_DATA}, or the folders of --data")
@shared("data", type=str, callback=spec_list, also="Data set names work here as well: DIV2K,WED.")
@click.option(
    "--preset",
    type=click.Choice(["small", "paper", "official"]),
    default="small",
    show_default=True,
    help="Recipe: as listed above.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    callback=assignments,
    metavar="NAME=VALUE",
    help="Change a setting of the recipe or the network, e.g. sigma=0-55, noise='poisson(alpha=1-3), isp', "
    "input_mask=75-85, mask_on=tokens, attention_mask=off, lr=5e-4, ema=0.999, clip_noisy=on, "
    "milestones=3000,6000, embed_dim=32. Repeat for several.",
)
@click.option(
    "--iterations",
    type=click.IntRange(1),
    show_default="the preset's",
    metavar="N",
    help="Number of iterations, e.g. 20000.",
)
@shared("seed", 0)
@click.option("--resume", is_flag=True, help="Resume the training in --out, and refuse to start a new one.")
@click.option(
    "--extend",
    type=click.IntRange(1),
    metavar="N",
    help="Resume a finished training up to N iterations in total, with its other options unchanged. Its "
    "schedule must be steps, as in the presets paper and official.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(0, min_open=True),
    metavar="N",
    help="Stop after N minutes; run the same command again to resume.",
)
@click.option(
    "--validate-every",
    type=click.IntRange(1),
    default=1_000,
    show_default=True,
    metavar="N",
    help="Iterations between two points of the test curves.",
)
@click.option("--as", "called", metavar="NAME", show_default="MODEL-SIZE, e.g. ours-small", help="Name of the weights.")
@click.option("--parts", "in_parts", is_flag=True, help="Write the weights as several files below 16 MiB each.")
@click.option("--tensorboard", is_flag=True, help="Write losses and test curves for TensorBoard, into --out.")
@click.option(
    "--threads", type=click.IntRange(1), show_default="one per core", metavar="N", help="CPU threads of torch, e.g. 4."
)
@shared("device", "auto")
@shared("folder", absent="runs/train/MODEL", also="A training in it is resumed.")
@click.option(
    "--list",
    "listed",
    is_flag=False,
    flag_value="",
    metavar="[TABLE]",
    help="Print the trainings of an ablation table as commands, with the table's numbers, e.g. table-3a; "
    "without TABLE list the tables.",
)
def train(
    name,
    datasets,
    data,
    out,
    preset,
    settings,
    iterations,
    seed,
    resume,
    extend,
    minutes,
    validate_every,
    called,
    in_parts,
    tensorboard,
    threads,
    device,
    listed,
) -> None:
    """Train a network on clean images, or resume a training.

    MODEL is a network of this package or your own, "net.py:MyNet". It is trained on Gaussian noise of sigma 15, unless
    --set sigma or noise says otherwise; each sample draws its noise from a list, and its level from a range. A network
    whose forward takes sigma is given the level. The weights are written with a card. A training in --out is resumed;
    Ctrl-C saves first. Started by torchrun, several processes train one network. Presets:

    \b
      small     the paper's recipe scaled to two CPU cores
      paper     the recipe of the paper, Chen et al., CVPR 2023
      official  the configuration that its authors published, which differs from the paper

    \b
    Examples:
      bench train ours --datasets BSDS400 --preset small --out runs/train/ours
      bench train "net.py:MyNet(width=32)" --data photos/ --set input_mask=75-85
      bench train "net.py:FFDNet" --data photos/ --set sigma=0-55
      torchrun --nproc-per-node 4 -m bench train ours --datasets DIV2K,WED --preset paper
      bench train ours --preset official --out runs/train/ours --extend 300000
      bench train --list table-3a | sh
    """
    if listed is not None:
        return click.echo(_list(listed, name, out, called))
    if name is None:
        raise click.UsageError("expected a network, such as bench train ours")
    import torch

    from bench.models.groups import canonical_name
    from bench.training.train import kept, train_model

    if threads:
        torch.set_num_threads(threads)
    name = canonical_name(name)
    bare = name.partition("(")[0].strip()  # without parameters: the card of the weights has them
    out = out or Path("runs/train") / bare.rpartition(":")[2]
    images = training_data(datasets, data)
    try:
        file = train_model(
            name,
            images,
            out,
            preset=preset,
            settings=settings,
            iterations=iterations,
            seed=seed,
            minutes=minutes,
            device=device,
            validate_every=validate_every,
            resume=resume,
            extend=extend,
            called=called,
            in_parts=in_parts,
            tensorboard=tensorboard,
        )
    except KeyboardInterrupt as interrupt:
        raise KeyboardInterrupt(kept(out)) from interrupt
    if file is not None:
        from baselines.weights_io.checkpoints import card_beside

        click.echo(f"weights: {file}\ncard:    {card_beside(file)}\nuse:     {bare}(weights='{file}')")


def _list(table: str, name: str | None, out: Path | None, called: str | None) -> str:
    """The tables, or the commands of one, with the options that were given with --list.

    Raises BadInput for an option that each training of a table sets itself.
    """
    from bench.core.errors import BadInput
    from bench.training import ablations

    if not table:
        return ablations.tables()
    context = click.get_current_context()
    own = {"--out": out, "--as": called, f"the network {name}": name}
    varied = {key for row in ablations.load(table)["training"] for key in row["settings"]}
    own |= {f"--set {key}": value for key, value in context.params["settings"].items() if key in varied}
    for what, given in own.items():
        if given is not None:
            raise BadInput(f"--list {table}: each training sets {what} itself: remove it")
    options = []
    for option in FORWARDED:
        if context.get_parameter_source(option).name == "COMMANDLINE":
            given = context.params[option]
            for value in given if isinstance(given, tuple) else (given,):
                options += [f"--{option.replace('_', '-')}", str(value)]
    options += [f"--{name.removeprefix('in_')}" for name in FORWARDED_FLAGS if context.params[name]]
    for key, value in context.params["settings"].items():
        options += ["--set", f"{key}={value}"]
    return ablations.commands(table, options)
