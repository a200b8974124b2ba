"""`bench reproduce` with a small experiment of its own: values, verdicts, what is missing, and the page."""

import json
import shlex
import shutil
import sys

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

from bench.cli import main
from bench.core.errors import BadInput
from bench.models import cards
from bench.reproduction import claims, experiments, record, weights
from bench.runs.store import Store

pytestmark = pytest.mark.slow
EXPERIMENT = """
title = "Table 9: two filters"
source = "Nobody, 2000, table 9"
claim = "The strong filter is better."
roles = ["dncnn", "baseline", "swinir"]
protocol = "stored"

[[evaluate]]
noise = "gaussian(sigma=5), speckle(var=0.001)"
dataset = "Photos"
metrics = "psnr,ssim"

[[analyse]]
command = "brightness"
roles = ["dncnn", "baseline"]
dataset = "Photos"
patches = 4
arguments = ["--noise", "speckle(var=0.001)"]

[[draw]]
kind = "image"
name = "filters"
title = "Both filters"
dataset = "Photos"
arguments = ["--noise", "speckle(var=0.001)"]

[[values]]
noise = "speckle(var=0.001)"
dataset = "Photos"
metrics = ["psnr", "ssim"]
dncnn = [20.0, 0.5]
baseline = [30.0, 0.9]
swinir = [10.0, 0.1]
"""
CLAIM = """
[[claim]]
name = "strong"
text = "The strong filter is better"
source = "Nobody, 2000"
experiment = "table-9"
test = "higher"
subject = "{}"
against = ["{}"]
noises = ["speckle(var=0.001)"]
dataset = "Photos"
"""


NETWORK = """
import torch
from torch import nn


class Blur(nn.Module):
    def __init__(self, strength=1.0):
        super().__init__()
        self.strength = strength

    def forward(self, x):
        mean = nn.functional.avg_pool2d(nn.functional.pad(x, (1, 1, 1, 1), "reflect"), 3, 1)
        return x + self.strength * (mean - x)
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A folder with four smooth photographs, two filters, and a paper of one table."""
    folder = tmp_path_factory.mktemp("base")
    (folder / "paper" / "experiments").mkdir(parents=True)
    (folder / "paper" / "experiments" / "table-9.toml").write_text(EXPERIMENT)
    shutil.copy(experiments.FOLDER / "datasets.toml", folder / "paper")
    (folder / "networks.py").write_text(NETWORK)
    (folder / "photos").mkdir()
    random = np.random.default_rng(7)
    for name in ("a", "b", "c", "d"):
        small = Image.fromarray(random.integers(0, 256, (6, 7, 3), dtype=np.uint8))
        small.resize((48, 40), Image.Resampling.BICUBIC).save(folder / "photos" / f"{name}.png")
    return folder


@pytest.fixture
def paper(base, tmp_path, monkeypatch):
    """A function that calls `bench reproduce` with two filters for the models of the paper."""
    monkeypatch.setattr(experiments, "FOLDER", base / "paper")
    monkeypatch.setattr(claims, "FILE", tmp_path / "claims.toml")
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sys, "argv", ["bench"])
    monkeypatch.chdir(tmp_path)
    claims.FILE.write_text(CLAIM.format("baseline", "dncnn"))
    filters = f"dncnn={base}/networks.py:Blur(strength=0.1), baseline={base}/networks.py:Blur(strength=0.6)"

    def call(*words, stand_in=f"Photos={base}/photos", models=filters):
        given = (["--stand-in", stand_in] if stand_in else []) + (["--models", models] if models else [])
        return CliRunner().invoke(main, ["reproduce", *words, *given, "--side", "32", "--out", "run"])

    return call


@pytest.fixture
def done(paper, base, tmp_path):
    """The same after a finished call; its run folder is copied from test to test."""
    if not (base / "run").exists():
        result = paper("table-9")
        assert result.exit_code == 0, result.output
        shutil.copytree("run", base / "run")
    else:
        shutil.copytree(base / "run", "run")
    return paper


def verdicts(*words):
    return CliRunner().invoke(main, ["reproduce", "claims", "run", "--format", "csv", *words])


def table_of(path):
    with Store.open(path / "run") as store:
        return store.manifest(), store.rows()


def test_values_verdict_and_page(done, tmp_path):
    manifest, rows = table_of(tmp_path)
    assert set(rows["model"]) == {"Blur(strength=0.1)", "Blur(strength=0.6)"}
    site = CliRunner().invoke(main, ["report", "run", "-o", "site"])
    assert site.exit_code == 0, site.output
    page = (tmp_path / "site" / "paper.html").read_text()
    (file,) = (tmp_path / "site" / "tables").glob("paper-table-9-speckle*.csv")
    table = pd.read_csv(file).set_index(["role", "metric"])
    under = rows[(rows["noise"] == "speckle(var=0.001)") & (rows["model"] == "Blur(strength=0.1)")]
    ours = under["psnr"].mean()
    assert table.loc[("dncnn", "psnr"), "ours"] == pytest.approx(ours)
    assert table.loc[("dncnn", "psnr"), "difference"] == pytest.approx(ours - 20)
    assert table.loc[("dncnn", "psnr"), "low"] < ours < table.loc[("dncnn", "psnr"), "high"]
    assert f"{ours:.2f}" in page and "the same order as in the paper" in page
    assert "photos in place of Photos" in page and "Both filters" in page
    assert "not transcribed" in page  # Gaussian noise is evaluated and has no published value
    assert list((tmp_path / "site" / "paper").glob("*.svg"))


def test_the_verdict_turns_with_the_claim(done, tmp_path):
    expected = verdicts()
    assert pd.read_csv(_saved(tmp_path, expected.output))["verdict"][0] == "holds"
    assert verdicts("--expect", "verdicts.csv").exit_code == 0
    claims.FILE.write_text(CLAIM.format("dncnn", "baseline"))
    turned = verdicts("--expect", "verdicts.csv")
    assert turned.exit_code == 1 and "does not hold" in turned.output


def _saved(tmp_path, text):
    (tmp_path / "verdicts.csv").write_text(text)
    return tmp_path / "verdicts.csv"


def test_only_what_is_missing_is_done(done, tmp_path):
    before, _ = table_of(tmp_path)
    again = done("table-9")
    assert again.exit_code == 0 and "bench brightness" not in again.output and "bench figure" not in again.output
    after, rows = table_of(tmp_path)
    assert len([one for one in after if one["event"] == "brightness"]) == 1
    assert len(rows) == 2 * 3 * 4  # models, noises with the reference, photographs
    (tmp_path / "run" / _figure(before)["files"][0]).unlink()
    assert "bench figure" in done("table-9").output


def _figure(manifest):
    return next(one for one in manifest if one["event"] == record.STEP and one["title"])


def test_a_dry_run_says_what_would_be_done_and_does_nothing(paper, tmp_path):
    result = paper("table-9", "--dry-run")
    assert result.exit_code == 0, result.output
    assert "bench run" in result.output and "about" in result.output
    assert not (tmp_path / "run").exists()


def test_what_is_not_at_hand_is_said_with_its_command(paper, tmp_path):
    without = paper("table-9", stand_in=None)
    assert without.exit_code == 2 and "Photos" in without.output
    full = paper("table-9", "--size", "full", models=None)
    assert full.exit_code == 2 and "bench train dncnn --preset paper --as dncnn-full" in full.output
    partly = paper("table-9", "--weights", "shipped", models="swinir, baseline=tv", stand_in=None)
    assert "expected" in partly.output or "not at hand" in partly.output


def test_a_missing_model_is_not_tested(done, tmp_path):
    claims.FILE.write_text(CLAIM.format("dncnn", "swinir"))
    table = pd.read_csv(_saved(tmp_path, verdicts().output))
    assert list(table["verdict"]) == ["not tested"] and "swinir" in table["why"][0]


def test_other_weights_under_the_same_label_need_another_folder(done, base, tmp_path):
    copy = tmp_path / "other" / "networks.py"
    copy.parent.mkdir()
    copy.write_text(NETWORK + "\n# other\n")
    result = done("table-9", models=f"dncnn={copy}:Blur(strength=0.1)")
    assert result.exit_code == 2 and "--out" in result.output


@pytest.mark.parametrize(
    "words",
    [["table-10"], ["table-9", "--models", "nobody"], ["table-9", "--weights", "no/folder"], ["claims", "nowhere"],
     ["table-9", "--stand-in", "Nothing=builtin"]],
)  # fmt: skip
def test_bad_input_is_one_line(paper, words):
    result = CliRunner().invoke(main, ["reproduce", *words])
    assert result.exit_code == 2 and len(result.output.strip().splitlines()) == 1, result.output


def test_weights_are_found_in_a_folder_of_trainings(tmp_path):
    for label in ("both-small", "both-small-seed1", "input-mask-only-full", "both-small-more"):
        file = tmp_path / label / f"table-1-{label}.safetensors"
        file.parent.mkdir()
        file.touch()
    source, _ = weights.parse("small", str(tmp_path), None, ())
    both = source.find("table-1/both").specs
    assert [one.rpartition("/")[2] for one in both] == [
        "table-1-both-small.safetensors')",
        "table-1-both-small-seed1.safetensors')",
    ]
    assert "bench train --list table-1" in source.find("table-1/input-mask-only").missing
    assert weights.parse("small", f"{tmp_path}, shipped", None, ())[0].find("ours").specs
    shutil.copytree(tmp_path / "both-small", tmp_path / "again")
    with pytest.raises(BadInput, match="both"):
        source.find("table-1/both")


def test_missing_weights_are_trained_into_the_folder(paper, base, tmp_path):
    """A training of a table has the words that --list prints; a dry run trains nothing."""
    words = ["train", "--list", "table-1", "--preset", "small", "--iterations", "1", "--device", "cpu"]
    listed = CliRunner().invoke(main, words).output
    (line,) = [one for one in listed.splitlines() if "table-1-both-small --out" in one]
    source, _ = weights.parse("small", "shipped, runs/train", None, (), existing=False)
    assert sorted(source.training("table-1/both", 1, "cpu")) == sorted(shlex.split(line, comments=True)[2:])
    given = ("--weights", "trained", "--train", "--iterations", "1", "--device", "cpu")
    dry = paper("table-9", *given, "--dry-run", models="dncnn")
    assert "bench train dncnn --preset small" in dry.output and not (tmp_path / "trained").exists()
    without = paper("table-9", "--train", "--size", "full", models="dncnn")
    assert without.exit_code == 2 and "--weights" in without.output


def test_published_weights_are_those_imported_and_trained_on_the_noise_of_the_paper(monkeypatch):
    imported = {
        "theirs": {"model": "dncnn", "trained_on": {"noise": "gaussian(sigma=15)"}},
        "blind": {"model": "dncnn", "trained_on": {"noise": "gaussian(sigma=0-55)"}},
        "unknown": {"model": "ours"},
    }
    monkeypatch.setattr(cards, "imported", lambda: imported)
    source, _ = weights.parse("full", "published", None, ())
    assert source.find("dncnn").specs == ("dncnn(weights='theirs')",)
    assert not source.find("ours").specs and not source.find("table-1/both").specs
    imported["again"] = imported["theirs"]
    with pytest.raises(BadInput, match="again"):
        source.find("dncnn")
    with pytest.raises(BadInput, match="full"):
        weights.parse("small", "published", None, ())


def test_equal_reasons_are_said_once():
    assert record.grouped(["a: missing", "b: missing", "c: other: reason"]) == ["a, b: missing", "c: other: reason"]


def test_a_file_outside_the_run_folder_is_not_taken(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "secret.svg").touch()
    (tmp_path / "run" / "own.svg").touch()
    entry = {"event": record.STEP, "command": "", "title": "t"}
    manifest = [{**entry, "key": "a", "files": ["../secret.svg"]}, {**entry, "key": "b", "files": ["own.svg"]}]
    assert list(record.done_steps(manifest, tmp_path / "run")) == ["b"]


def test_a_damaged_record_is_named(done, tmp_path):
    file = tmp_path / "run" / "manifest.json"
    entries = json.loads(file.read_text())
    next(one for one in entries if one["event"] == record.EXPERIMENT)["roles"] = ["dncnn"]
    file.write_text(json.dumps(entries))
    result = verdicts()
    assert result.exit_code == 2 and "roles" in result.output
