"""What the command line writes: without control characters, in any encoding, and one line where it cannot."""

import os
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from bench.cli import MainGroup
from bench.core.console import print_frame
from bench.core.output import unfiltered

pytestmark = pytest.mark.slow

ESCAPES = "\x1b[2J\x9b1A\x07"


def run_bench(*arguments, shell="", **environment):
    """`bench ARGUMENTS` in a shell, with a redirection."""
    command = " ".join([sys.executable, "-m", "bench", *arguments, shell])
    variables = {**os.environ, **environment}
    return subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, errors="replace", env=variables, check=False
    )


def output_of(command):
    """The result of a command under the main group, which looks its commands up by name."""
    group = MainGroup("main")
    group.get_command = lambda context, name: command
    group.resolve_command = lambda context, arguments: ("x", command, [])
    return CliRunner().invoke(group, ["x"])


@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
@pytest.mark.parametrize("arguments", [("noise", "list"), ("--help",)])
def test_output_that_cannot_be_written_is_one_line(arguments, redirection):
    if redirection == ">/dev/full" and not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    result = run_bench(*arguments, shell=redirection)
    assert result.returncode == 2
    assert "standard output" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_reader_that_has_ended_is_no_error():
    result = run_bench("noise", "list", shell="| true; exit ${PIPESTATUS[0]}")
    assert (result.returncode, result.stderr) == (2, "")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_characters_that_an_encoding_lacks_are_replaced(encoding):
    result = run_bench("noise", "list", PYTHONIOENCODING=encoding)
    assert (result.returncode, result.stderr) == (0, "")
    assert "sigma" in result.stdout


def test_a_locale_without_unicode_is_enough():
    result = run_bench("noise", "list", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert (result.returncode, result.stderr) == (0, "")


def test_control_characters_of_names_are_not_printed():
    import pandas as pd

    @click.command()
    def shows():
        click.echo(f"echo{ESCAPES}")
        print(f"print{ESCAPES}")
        print_frame(pd.DataFrame({f"column{ESCAPES}": [f"cell{ESCAPES}"]}))

    result = output_of(shows)
    assert result.exit_code == 0, result.output
    assert all(word in result.output for word in ("echo", "print", "column", "cell"))
    assert not set(ESCAPES) & set(result.output) - set("[2J1A")


def test_data_are_written_unchanged():
    @click.command()
    def exports():
        unfiltered(sys.stdout).write(f"name{ESCAPES}\n")

    assert output_of(exports).output == f"name{ESCAPES}\n"


def test_errors_are_printed_without_control_characters():
    result = CliRunner().invoke(MainGroup("main"), [f"com{ESCAPES}mand"])
    assert result.exit_code == 2
    assert "\x1b" not in result.output + result.stderr
