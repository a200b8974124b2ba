"""Before and during a run: run files, dry runs, status."""

import json
import os
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench import estimate
from bench.cli import main
from bench.core.errors import BadInput
from bench.engines.in_process import InProcess
from bench.runner import Execution
from bench.runs import status
from bench.runs.plan import make_plan
from bench.runs.store import Store

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def no_arguments(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["bench"])


def call(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def study(tmp_path, photos, networks) -> Path:
    """A run file: two models, two seeds."""
    file = tmp_path / "study.toml"
    file.write_text(
        f'models = ["{networks}:Blur", "{networks}:Blur(strength=0.5)"]\n'
        f'noise = "gaussian(sigma=25)"\ndata = "{photos}"\nseeds = [0, 1]\nlimit = 2\nout = "{tmp_path / "run"}"\n'
    )
    return file


def test_a_run_file_has_the_options_and_the_command_line_goes_before(study, tmp_path):
    result = call("run", study, "--limit", 1)
    assert result.exit_code == 0, result.output
    assert "8 rows" in result.output
    entry = json.loads((tmp_path / "run/manifest.json").read_text())[0]
    assert entry["run_file"] == "study.toml" and entry["run_file_text"] == study.read_text()
    assert "16 rows" in call("run", study).output


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("noises = 'mixture'", ["unknown option 'noises'", "Did you mean 'noise'?"]),
        ("models = [", ["TOML", "study.toml"]),
        ("models = {a = 1}", ["models in", "got {'a': 1}"]),
        ("limit = 'many'", ["--limit", "'many' is not a valid integer"]),
        ("seeds = [-1]", ["--seeds", "'-1'"]),
        ("dry_run = true", ["unknown option", "dry_run"]),
    ],
)
def test_mistakes_in_a_run_file_are_one_line(tmp_path, text, words):
    (tmp_path / "study.toml").write_text(text)
    result = call("run", tmp_path / "study.toml", "--out", tmp_path / "run")
    assert result.exit_code == 2 and all(word in result.output for word in words), result.output
    assert not (tmp_path / "run").exists()
    result = call("run", tmp_path / "other.toml")
    assert result.exit_code == 2 and "other.toml cannot be read: No such file" in result.output


def test_a_dry_run_says_what_there_is_to_do_and_does_nothing(study, tmp_path):
    result = call("run", study, "--dry-run")
    assert result.exit_code == 0, result.output
    assert "16 rows to compute" in result.output and not (tmp_path / "run").exists()
    call("run", study, "--limit", 1)
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    result = call("run", study, "--dry-run", "--limit", 1)
    assert "rows to compute" not in result.output
    assert {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()} == before


def test_the_estimate_is_the_time(photos, monkeypatch):
    """By a clock that only the network moves: 0.15 s for each image of four, under two noises."""
    clock = [0.0]

    def network(x):
        clock[0] += 0.15
        return x

    monkeypatch.setattr("time.perf_counter", lambda: clock[0])
    plan = make_plan(network, "gaussian(sigma=25)", None, (photos,))
    engine = InProcess(plan, "cpu")
    try:
        needed = estimate.estimate(plan, set())
        assert sum(needed.missing.values()) == 8 and not needed.unreadable
        assert estimate.seconds_needed(plan, needed, engine.networks) == pytest.approx(8 * 0.15)
    finally:
        engine.close()


def test_status_counts_done_failed_and_missing(tmp_path, photos, networks):
    (photos / "b.png").write_text("no picture")
    plan = make_plan(f"{networks}:Blur", "mixture", None, (photos,))
    with Store.create(tmp_path / "run") as store:
        steps = Execution(plan, store, InProcess(plan, "cpu")).steps()
        rows = sum(len(next(steps).rows) for _ in range(12))
        now = status.of(tmp_path / "run")
        assert now.writer and not now.finished and now.rate > 0
        sums = now.cells[["rows", "done", "failed", "missing"]].sum().to_dict()
        assert sums == {"rows": 20, "done": rows - 5, "failed": 5, "missing": 20 - rows}
        assert str(os.getpid()) in call("status", tmp_path / "run").output
        steps.close()
    result = call("status", tmp_path / "run", "--cells")
    assert "did not finish" in result.output
    assert "5 rows failed: b.png" in result.output and "mixture(level=4)" in result.output
    call("run", "--models", f"{networks}:Blur", "--data", photos, "--out", tmp_path / "run")
    result = call("status", tmp_path / "run")
    assert all(text in result.output for text in ("0 of 5 cells", "0 rows missing", "finished"))


def test_status_of_no_run(tmp_path):
    result = call("status", tmp_path)
    assert result.exit_code == 2 and "rows.sqlite" in result.output


@pytest.mark.parametrize("typo", [{"protocol": "stord"}, {"precision": "half"}, {"tile": "7x"}, {"tile": 1}])
def test_what_is_wrong_is_said_before_anything_is_fetched(typo, monkeypatch):
    monkeypatch.setattr("bench.metrics.available", lambda chosen: pytest.fail("weights of metrics were asked for"))
    with pytest.raises(BadInput):
        make_plan("dncnn", "mixture", **typo)
