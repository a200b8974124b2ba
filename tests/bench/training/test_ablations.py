"""Tables of trainings: their numbers, and commands that are accepted and train what they say."""

import ast
import json
import shlex

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from baselines.weights_io import checkpoints, shards
from bench import cli
from bench.core.errors import BadInput
from bench.models import model_specs
from bench.training import ablations

pytestmark = pytest.mark.slow

TINY = ["--iterations", "1", "--set", "embed_dim=4", "--set", "depths=(1,)", "--set", "num_heads=(1,)", "--set",
        "batch=1", "--set", "crop=16"]  # fmt: skip
PAPER = {  # Chen et al., CVPR 2023: (input mask, attention mask) -> PSNR, SSIM
    "table-1": {(None, 75): (29.17, 0.8227), ((80, 90), 0): (26.96, 0.8202), ((80, 90), 75): (29.74, 0.8672)},
    "table-2": {((80, 90), 65): (29.57, 0.8657), ((80, 90), 75): (29.76, 0.8678), ((80, 90), 85): (28.84, 0.8548)},
    "table-3a": {((75, 75), 75): (29.17, 0.8132), ((85, 85), 75): (29.44, 0.8545), ((95, 95), 75): (19.60, 0.7273),
                 ((70, 80), 75): (29.86, 0.8593), ((75, 85), 75): (30.04, 0.8756), ((75, 90), 75): (29.87, 0.8728),
                 ((75, 95), 75): (29.26, 0.8607), ((80, 90), 75): (29.74, 0.8672)},
}  # fmt: skip


def run(*words):
    result = CliRunner().invoke(cli.main, ["train", *words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_tables_that_there_are():
    assert ablations.names() == ["small-masks", *PAPER]
    said = run("--list").output.splitlines()
    assert [line.split()[0] for line in said] == ["small-masks", *PAPER] and "(8 trainings)" in said[3]


@pytest.mark.parametrize("table", PAPER)
def test_every_command_trains_what_the_table_says(table, tmp_path, monkeypatch):
    """Each line of `--list TABLE`, as a shell reads it, on a tiny network."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    Image.fromarray(np.full((24, 24, 3), 90, np.uint8)).save("photos/1.png")
    listed = run("--list", table, "--data", "photos", "--preset", "paper", *TINY)
    assert listed.exit_code == 0
    lines = [shlex.split(line, comments=True) for line in listed.output.splitlines()]
    *trainings, evaluation = filter(None, lines)
    numbers = [line.rpartition("# paper: ")[2] for line in listed.output.splitlines() if "# paper: " in line]
    found, files = {}, []
    for (bench, *words), number in zip(trainings, numbers, strict=True):
        assert bench == "bench" and words[0] == "train"
        done = run(*words[1:])
        assert done.exit_code == 0, done.output
        files.append(done.output.partition("weights: ")[2].splitlines()[0])
        card = json.loads(checkpoints.card_beside(tmp_path / files[-1]).read_text())
        mask, psnr_ssim = card["recipe"]["input_mask"], number.replace(" dB", "").split(" / ")
        found[mask and tuple(mask), card["network"]["attention_mask"]] = tuple(map(float, psnr_ssim))
        assert card["recipe"]["lr"] == 1e-4
    assert found == PAPER[table]
    assert evaluation[:3] == ["bench", "run", "--models"]
    chosen, left_out = model_specs.expand(evaluation[3])  # every file is there, and none is called like another
    assert [str(model.file) for model in chosen] == files and not left_out


def test_our_own_table_is_accepted_and_trained_as_it_says(tmp_path, monkeypatch):
    """Each of its commands with other photographs and a single small step; its usual options can be changed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    Image.fromarray(np.full((24, 24, 3), 90, np.uint8)).save("photos/1.png")
    usual = run("--list", "small-masks").output
    assert usual.count("--preset small --data BSDS400 --iterations 1500") == usual.count("bench train")
    listed = run(
        "--list", "small-masks", "--data", "photos", "--iterations", "1", "--set", "batch=1", "--set", "crop=16"
    )
    table = ablations.load("small-masks")["training"]
    lines = [line for line in listed.output.splitlines() if line.startswith("bench train")]
    assert len(lines) == len(table) and "bench run" not in listed.output
    for line, row in zip(lines, table, strict=True):
        assert f"here: {row['at']:.2f} dB at the training noise, {row['off']:.2f} mean of the others" in line
        done = run(*shlex.split(line, comments=True)[2:])
        assert done.exit_code == 0, done.output
        file = tmp_path / done.output.partition("weights: ")[2].splitlines()[0]
        card = json.loads(checkpoints.card_beside(file).read_text())
        known = {**card["recipe"], **card["network"]}
        for key, text in row["settings"].items():
            value = tuple(map(int, text.split("-"))) if key == "input_mask" else ast.literal_eval(text)
            assert np.array_equal(known[key], value), (line, key)
        assert card["model"] == row["model"] and (card["recipe"]["input_mask"] is None) == (row["model"] == "baseline")


def test_options_beside_a_table_go_into_each_command():
    """Weights in parts are found by the evaluation too."""
    given = ["--resume", "--parts", "--tensorboard", "--minutes", "5.0", "--validate-every", "7"]
    *trainings, evaluation = run("--list", "table-1", *given).output.splitlines()
    trainings = [line for line in trainings if line.startswith("bench train")]
    assert len(trainings) == 3
    for line in trainings:
        assert all(shlex.split(line, comments=True).count(word) == 1 for word in given), line
        assert not {"--out", "--as"} - {*shlex.split(line)}
    assert evaluation.count(f"{shards.INDEX}'") == 3 and evaluation.count(".safetensors") == 3
    plain = run("--list", "table-1").output
    assert not any(option in plain for option in (*given[:3], ".index.json"))


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--out", "here"], "--out"),
        (["--as", "mine"], "--as"),
        (["dncnn"], "the network dncnn"),
        (["--set", "attention_mask=40"], "--set attention_mask"),
    ],
)
def test_what_each_training_of_a_table_has_of_its_own_is_refused(words, what):
    result = run(*words, "--list", "table-1")
    assert result.exit_code == 2 and f" {what} " in result.output and "--list table-1" in result.output


def test_trainings_are_small_unless_the_paper_size_is_asked_for():
    usual, paper = run("--list", "table-1").output, run("--list", "table-1", "--preset", "paper").output
    assert usual.count(" --preset small ") == 3 == usual.count("-small.safetensors")
    assert paper.count(" --preset ") == paper.count(" --preset paper ") == 3 == paper.count("-full.safetensors")
    assert "small trainings" in usual and "small" not in paper


def test_a_mistyped_table_gets_a_suggestion():
    with pytest.raises(BadInput, match="'table-3b'.*'table-3a'"):
        ablations.commands("table-3b")
    assert run("--list", "tabel-2").exit_code == 2
