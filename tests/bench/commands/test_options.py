"""Help and shared options: every command explains itself, and an option means the same wherever it is."""

import inspect
import sys

import click
import pandas as pd
import pytest
from click.testing import CliRunner

from bench import cli, spec
from bench.commands import options
from bench.models import groups


@pytest.fixture(autouse=True)
def no_settings(monkeypatch, tmp_path):
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sys, "argv", ["bench"])


def call(*arguments):
    return CliRunner().invoke(cli.main, [str(argument) for argument in arguments])


def commands(command=cli.main, path=()):
    """(words, command) of every command and group."""
    context = click.Context(command)
    for name in command.list_commands(context):
        member = command.get_command(context, name)
        yield (*path, name), member
        if isinstance(member, click.Group):
            yield from commands(member, (*path, name))


COMMANDS = {" ".join(words): command for words, command in commands()}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_every_command_and_option_is_described(command):
    summary, *rest = inspect.cleandoc(command.help).splitlines()
    assert summary.endswith(".") and len(summary) <= 60 and (not rest or not rest[0])
    assert isinstance(command, click.Group) or "Example" in command.help
    for option in command.params:
        assert isinstance(option, click.Argument) or option.help, option.name


def test_the_list_of_commands_has_their_first_lines_in_full():
    listed = CliRunner().invoke(cli.main, ["--help"], terminal_width=80).output
    assert all(f"\n{title}:\n" in listed for title in cli.GROUPS)
    for name, command in COMMANDS.items():
        if " " not in name:
            assert command.help.splitlines()[0].removesuffix(".") in listed


def test_shared_options_have_one_meaning():
    shared = {option.names[0]: inspect.cleandoc(option.help) for option in options.SHARED.values()}
    for name in ("--out", "-o", "--format"):  # a run, a folder or a file
        shared.pop(name, None)
    for command in COMMANDS.values():
        for option in command.params:
            if "--noise-a" in option.opts:  # of cka: the noise of one side
                continue
            text = shared.get(option.opts[0])
            assert text is None or option.help.startswith(text), (command.name, option.name)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("ours,baseline", ["ours", "baseline"]),
        ("ours baseline", ["ours", "baseline"]),
        ("ours(mask_samples=4) dncnn(size='full'), tv", ["ours(mask_samples=4)", "dncnn(size='full')", "tv"]),
        ("gaussian (sigma=25) poisson", ["gaussian(sigma=25)", "poisson"]),
        ("my nets/net.py:Net(width=3) ours", ["my nets/net.py:Net(width=3)", "ours"]),
        ("ours my nets/net.py:Net", ["ours", "my nets/net.py:Net"]),
        ("'my nets/net.py:Net' ours", ["my nets/net.py:Net", "ours"]),
        ("my nets(limit=2) Set(crop=64, limit=1)", ["my nets(limit=2)", "Set(crop=64, limit=1)"]),
        ("no such/net.py:Net", ["no such/net.py:Net"]),
        ("photos(noisy='a b', clean='c')", ["photos(noisy='a b', clean='c')"]),
        (" , ", []),
    ],
)
def test_lists_are_split_at_commas_and_spaces(tmp_path, monkeypatch, text, parts):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my nets").mkdir()
    (tmp_path / "my nets/net.py").write_text("")
    assert spec.split_list(text) == parts


def test_a_list_of_a_run_may_have_spaces(tmp_path, photos, networks):
    common = ("--data", photos, "--limit", 1, "--out", tmp_path / "run", "--dry-run")
    result = call(
        "run",
        "--models",
        f"{networks}:Blur  tv",
        "--noise",
        "gaussian(sigma=25) poisson(alpha=2)",
        "--metrics",
        "psnr ssim",
        "--seeds",
        "0 1",
        *common,
    )
    assert result.exit_code == 0 and "12 rows" in result.output, result.output  # the reference noise is added


def test_masked_is_ours():
    from bench.models import model_specs
    from bench.runs import run_specs

    assert model_specs.resolve("masked").label == "ours"
    assert model_specs.resolve("masked(mask_samples=4)").label == "ours(mask_samples=4)"
    assert groups.parse("tv").name == "tv"
    assert (
        run_specs.label_in_run("masked", pd.DataFrame({"model": ["ours", "tv"]}), run_specs.NOTHING_KNOWN, []) == "ours"
    )


def test_the_alias_is_listed():
    assert any("masked" in line and "ours" in line for line in call("models", "list").output.splitlines()[-10:])
    assert "masked" in call("models", "info", "ours").output


def test_models_of_several_networks_are_compared_one_by_one():
    from bench.commands.compare import by_network
    from bench.runs.run_specs import NOTHING_KNOWN

    assert by_network("ours, tv, masked(mask_samples=4)", NOTHING_KNOWN) == ["ours, masked(mask_samples=4)", "tv"]
    assert by_network("all", NOTHING_KNOWN) == ["all"] and by_network("", NOTHING_KNOWN) == [""]


def test_the_noise_table_takes_folders(photos):
    result = call(
        "noise", "table", "--noise", "gaussian(sigma=25) poisson(alpha=2)", "--data", photos, "--format", "csv"
    )
    assert result.exit_code == 0 and "photos,poisson(alpha=2)" in result.output and "builtin" not in result.output


def test_training_data_is_a_list_of_both_options():
    from bench.commands.train import DEFAULT_DATA, training_data

    assert training_data(None, ()) == DEFAULT_DATA
    assert training_data("DIV2K, WED", ("photos/",)) == "DIV2K, WED, photos/"
    listed = call("train", "--list", "table-1", "--datasets", "DIV2K WED", "--data", "x").output
    assert "--datasets 'DIV2K, WED' --data x" in listed
