"""`bench models list` and `bench models info`: what a reader needs to choose."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from baselines.dncnn import DnCNN
from baselines.weights_io import checkpoints
from bench.cli import main
from bench.models import cards, importing

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """Shipped small weights of DnCNN, and imported ones called `grey`."""
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    card = {
        "name": "dncnn-small",
        "model": "dncnn",
        "size": "small",
        "network": {"nc": 4, "nb": 3},
        "parameters": 371,
        "licence": "MIT",
        "trained_on": {"data": "photos", "images": 8, "held_out": 2, "noise": "Gaussian, sigma 15 of 255"},
        "recipe": {"iterations": 3},
        "command": "bench train dncnn",
        "seconds": 60,
        "machine": "x86_64",
        "psnr_held_out": {"gaussian(sigma=15)": 30.125},
    }
    checkpoints.write_weights(DnCNN(nc=4, nb=3).state_dict(), shipped / "dncnn-small.safetensors", card)
    monkeypatch.setattr(cards, "weights_folder", lambda: shipped)
    torch.save(DnCNN(nc=4, nb=5, in_nc=1, out_nc=1).state_dict(), "grey.pth")
    importing.import_weights(Path("grey.pth"), "grey")
    return tmp_path


def call(*arguments):
    result = CliRunner().invoke(main, list(arguments))
    assert result.exit_code == 0, result.output
    return result.output


def rows(text):
    """Cells of a table's lines, stripped."""
    lines = (line.strip("│┃").split("│") for line in text.splitlines() if "│" in line)
    return [[cell.strip() for cell in line] for line in lines]


def test_list():
    found = rows(call("models", "list"))
    start = next(place for place, row in enumerate(found) if row[0] == "dncnn")
    assert found[start] == ["dncnn", "DnCNN", "Zhang et al., TIP 2017", "full", "668,227", "1,334", "41", "-"]
    assert found[start + 1] == ["", "", "", "small", "371", "206", "19", "shipped"]  # as its card says
    assert found[start + 2] == ["", "", "", "grey", "521", "3", "11", "imported"]
    digests = {name: card["sha256"][:12] for name, card in {**cards.cards(), **cards.imported()}.items()}
    trained = "8 images of photos, gaussian(sigma=15)"
    assert ["dncnn-small (shipped)", "dncnn", "371", trained, "MIT", digests["dncnn-small"]] in found
    assert ["grey (imported)", "dncnn", "521", "unknown; from grey.pth", "unknown", digests["grey"]] in found


def test_list_as_rows():
    found = {row["spec"]: row for row in json.loads(call("models", "list", "--format", "json"))}
    small, grey = found["dncnn"], found["grey"]
    assert found["dncnn(size='full')"]["parameters"] == 668227 and found["dncnn(size='full')"]["weights"] is None
    assert (small["weights"], small["weights_from"], small["size"]) == ("dncnn-small", "shipped", "small")
    assert small["sha256"] == cards.cards()["dncnn-small"]["sha256"] and small["flops_per_pixel"] == 205920
    assert (grey["weights"], grey["weights_from"], grey["parameters"]) == ("grey", "imported", 521)
    assert found["nlm"]["weights_from"] == "none needed"
    header, *lines = csv.reader(io.StringIO(call("models", "list", "--format", "csv")))
    as_text = {row["spec"]: row for row in (dict(zip(header, line, strict=True)) for line in lines)}
    assert as_text.keys() == found.keys()
    assert as_text["dncnn"] == {name: "" if value is None else str(value) for name, value in small.items()}


def test_further_weights_that_ship_are_listed(place):
    card = {**cards.cards()["dncnn-small"], "name": "dncnn-small-seed1"}
    checkpoints.write_weights(DnCNN(nc=4, nb=3).state_dict(), place / "shipped/dncnn-small-seed1.safetensors", card)
    found = [row for row in json.loads(call("models", "list", "--format", "json")) if row["model"] == "dncnn"]
    assert [row["weights"] for row in found] == [None, "dncnn-small", "dncnn-small-seed1", "grey"]
    assert (found[2]["spec"], found[2]["weights_from"]) == ("dncnn(weights='dncnn-small-seed1')", "shipped")
    assert ["", "", "", "dncnn-small-seed1", "371", "206", "19", "shipped"] in rows(call("models", "list"))


@pytest.mark.parametrize("words", [[], ["--format", "json"]])
def test_listing_imported_weights_does_not_import_torch(words):
    program = (
        f"import sys; sys.argv = ['bench', 'models', 'list', *{words}]\n"
        "from bench.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print('torch' in sys.modules, file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{program}"],
        capture_output=True,
        text=True,
    )
    assert "grey" in result.stdout and result.stderr.strip() == "False"


def info(spec):
    return {row[0]: row[1] for row in rows(call("models", "info", spec))}


def test_info_of_shipped_weights():
    found = info("dncnn")
    assert (
        found.items()
        >= {
            "spec": "dncnn",
            "parameters": "371",
            "FLOPs per pixel": "720 (64x64, convolutions and matrix products)",
            "receptive field": "7 pixels",
            "weights": "dncnn-small",
            "weights SHA-256": cards.cards()["dncnn-small"]["sha256"],
            "weights here": "dncnn-small, grey (imported)",
            "licence": "MIT",
            "trained on": "8 images of photos, gaussian(sigma=15)",
            "held out": "2 images",
            "terms": "unknown",
            "PSNR, held out": "gaussian(sigma=15) 30.12",
        }.items()
    )
    assert found["paper"].startswith("Zhang et al., Beyond")


def test_info_of_a_network_of_which_no_weights_ship():
    found = info("dncnn(size='full', nb=5)")
    assert found["spec"] == "dncnn(size='full', weights=None, nb=5)"
    assert found["weights"] == "none" and "bench train dncnn" in found["note"]


def test_info_of_imported_weights(place):
    found = info("dncnn(weights='grey')")
    card = json.loads((place / "home/weights/grey.json").read_text())
    assert (
        found.items()
        >= {
            "spec": "dncnn(size='full', weights='grey', in_nc=1, out_nc=1, nc=4, nb=5)",
            "parameters": "521",
            "receptive field": "11 pixels",
            "licence": "unknown",
            "trained on": "unknown; from grey.pth",
            "imported": f"{card['imported_at']}, from grey.pth",
            "its SHA-256": checkpoints.file_hash(place / "grey.pth"),
        }.items()
    )


def test_info_of_a_file_and_of_an_untrained_network():
    assert info("dncnn(weights='grey.pth')")["trained on"] == "unknown"
    found = info("idf(weights=None)")
    assert (found["trained on"], found["weights"], found["receptive field"]) == ("-", "none", "whole image")


def test_info_of_a_network_of_the_user_s(networks):
    found = info(f"{networks}:Blur")
    assert (found["parameters"], found["receptive field"], found["weights here"]) == ("0", "unknown", "none")
    assert found["FLOPs per pixel"].startswith("unknown: ")
    assert info(f"{networks}:Raising")["FLOPs per pixel"].endswith("no kernel for this")
