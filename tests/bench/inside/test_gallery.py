"""The gallery has every figure that looks left in a run folder, with its numbers, words and command."""

import json
import subprocess
import sys

import pandas as pd
import pytest

from bench.errors import BadInput
from bench.inside.gallery import LOOKS, artefacts


@pytest.fixture
def looked(call, stacks, photos, tmp_path):
    """A run folder after three looks."""
    out, model = tmp_path / "run", f"{stacks}:Stack"
    small = ("--data", photos, "--patches", 8, "--side", 16, "--out", out)
    for command in (
        ("features", model, "--noise", "poisson(alpha=2)", *small),
        ("cka", model, f"{stacks}:Stack(seed=2)", "--batch", 4, *small),
        ("detail", model, *small),
    ):
        assert call(*command).exit_code == 0
    return out


def test_every_figure_is_there_in_reading_order(looked, stacks):
    found = artefacts(looked)
    assert [(one.look, one.svg.name) for one in found] == [
        ("features", "features-densities.svg"), ("features", "features-plane.svg"),
        ("cka", "Stack-gaussian-sigma-15-Stack-seed-2-gaussian-sigma-15.svg"), ("detail", "gaussian-sigma-15.svg"),
    ]  # fmt: skip
    densities, plane, cka, detail = found
    assert set(pd.read_csv(densities.csv)) == {"model", "noise", "deviations", "density"}
    assert set(pd.read_csv(plane.csv)) == {"model", "noise", "first", "second", "share"}
    assert set(pd.read_csv(cka.csv)) == {"layer", "other_layer", "cka", "low", "high"}
    assert set(pd.read_csv(detail.csv)) == {"model", "frequency", "kept", "error_power", "clean_power"}
    assert cka.title == "CKA: Stack and Stack(seed=2), gaussian(sigma=15)"
    assert cka.command.startswith(f"bench cka {stacks}:Stack ") and cka.settings["batches"] == 2
    for one in found:
        assert one.words.endswith(".") and one.about.endswith(".")
        assert one.svg.read_text().startswith("<?xml") and one.png.read_bytes()[1:4] == b"PNG"
        assert one.pdf.read_bytes().startswith(b"%PDF")


def test_shares_of_the_plane_are_those_of_the_pixels(looked):
    plane = pd.read_csv(artefacts(looked)[1].csv)
    assert plane.groupby("noise")["share"].sum().tolist() == pytest.approx([1, 1], abs=1e-4)


def test_a_folder_that_nobody_looked_into_has_none(tmp_path):
    assert artefacts(tmp_path) == []


def test_files_that_are_gone_or_damaged_are_named(looked):
    artefacts(looked)[2].png.unlink()
    with pytest.raises(BadInput, match=r"seed-2-gaussian-sigma-15.png, which is not there.*: bench cka"):
        artefacts(looked)
    file = looked / "cka" / "other.json"
    for text in ("{", "[]", '{"look": "cka"}'):
        file.write_text(text)
        with pytest.raises(BadInput, match="cannot be read"):
            artefacts(looked)


def test_names_stay_in_their_folder(looked):
    file = next((looked / "detail").glob("*.json"))
    settings = json.loads(file.read_text())
    settings["figures"][0]["csv"] = "../rows.sqlite"
    file.write_text(json.dumps(settings))
    with pytest.raises(BadInput, match=r"names rows.sqlite, which is not there"):
        artefacts(looked)


def test_every_look_is_a_command_and_reading_needs_no_torch():
    from bench.cli import COMMANDS

    assert set(LOOKS) <= set(COMMANDS)
    code = "import sys, bench.inside.gallery; sys.exit('torch' in sys.modules or 'matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_folder_of_an_older_version_has_no_pdf(looked):
    file = next((looked / "detail").glob("*.json"))
    settings = json.loads(file.read_text())
    settings["figures"][0].pop("pdf")
    file.write_text(json.dumps(settings))
    assert artefacts(looked)[3].pdf is None and artefacts(looked)[2].pdf is not None


def test_another_question_leaves_the_answer_to_the_first(call, stacks, photos, tmp_path):
    out, model, other = tmp_path / "run", f"{stacks}:Stack", f"{stacks}:Stack(seed=2)"
    small = ("--data", photos, "--patches", 8, "--side", 16, "--out", out)
    for models in ((model,), (other,), (model,), (model, other)):
        assert call("detail", *models, *small).exit_code == 0
    kept = {one.svg.name: one.settings["models"] for one in artefacts(out)}
    assert kept == {
        "gaussian-sigma-15.svg": ["Stack"],
        "gaussian-sigma-15-2.svg": ["Stack(seed=2)"],
        "gaussian-sigma-15-3.svg": ["Stack", "Stack(seed=2)"],
    }


def test_cka_of_other_layers_is_another_question(call, stacks, photos, tmp_path):
    out, model = tmp_path / "run", f"{stacks}:Stack"
    for layers in ("0", "1", "0"):
        small = ("--data", photos, "--patches", 8, "--side", 16, "--batch", 4, "--out", out)
        assert call("cka", model, f"{model}(seed=2)", "--layers", layers, *small).exit_code == 0
    assert [one.settings["layers"] for one in artefacts(out)] == [[["0"], ["0"]], [["1"], ["1"]]]
