"""`bench submit`: a folder with the results of a model, and what is said about damaged ones."""

import shutil

import pandas as pd
import pytest
from click.testing import CliRunner

import bench
from bench.cli import main
from bench.core.errors import BadInput
from bench.submissions import schema

FILLED = {
    'paper = ""': 'paper = "A. Author, A \\"title\\""',
    "# test_time_training = false": "test_time_training = false",
    'licence = ""': 'licence = "MIT"',
    'data = ""': 'data = "BSDS400"',
    'noise = ""': 'noise = "gaussian(sigma=15)"',
}


def call(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A complete submission of a method without training, as authors fill it in."""
    folder = tmp_path_factory.mktemp("submission")
    bench.run(["tv", "nlm"], "gaussian(sigma=25)", "builtin(crop=32, limit=2)", metrics="psnr", out=folder / "run")
    result = call("submit", folder / "run", "--model", "tv", "-o", folder / "tv")
    assert result.exit_code == 0, result.output
    return folder / "tv"


def filled(folder):
    """The text of submission.toml with all required fields."""
    text = (folder / "submission.toml").read_text()
    for empty, value in FILLED.items():
        text = text.replace(f"\n{empty}", f"\n{value}")
    return text


def test_a_submission_says_what_is_missing_and_is_read(made, tmp_path):
    folder = shutil.copytree(made, tmp_path / "tv")
    incomplete = call("submit", "--check", folder)
    assert incomplete.exit_code == 2 and "model.test_time_training" in incomplete.output
    (folder / "submission.toml").write_text(filled(folder))
    checked = call("submit", "--check", folder)
    assert checked.exit_code == 0 and "4 rows" in checked.output, checked.output
    found = schema.read(folder)
    assert set(found.rows["model"]) == {"tv"} and set(found.rows["noise"]) == {
        "gaussian(sigma=15)",
        "gaussian(sigma=25)",
    }
    assert found.about["model"]["name"] == "tv" and found.about["training"]["noise"] == "none"
    assert found.about["cost"]["seconds"] == pytest.approx(found.rows["seconds"].median())
    assert "--overwrite" in call("submit", folder.parent / "nothing", "--model", "tv", "-o", folder).output


def edited(text):
    return lambda folder: (folder / "submission.toml").write_text(text(filled(folder)))


def repeated_row(folder):
    rows = pd.read_parquet(folder / "rows.parquet")
    pd.concat([rows, rows[:1]]).to_parquet(folder / "rows.parquet", index=False)


def higher_scores(folder):
    rows = pd.read_parquet(folder / "rows.parquet")
    rows.assign(psnr=rows["psnr"] + 80).to_parquet(folder / "rows.parquet", index=False)


DAMAGE = {
    "model.forward_passes": edited(lambda text: text.replace("# forward_passes = 0", 'forward_passes = "two"')),
    "training.noise": edited(lambda text: text.replace('noise = "none"', 'noise = "gausian(sigma=15)"')),
    "model.papers": edited(lambda text: text.replace("\npaper =", "\npapers =")),
    "[extra]": edited(lambda text: f"{text}\n[extra]\nx = 1\n"),
    "column model": edited(lambda text: text.replace('spec = "tv"', 'spec = "ours"')),
    "files.weights_sha256": edited(lambda text: text.replace('weights_sha256 = ""', 'weights_sha256 = "12"')),
    "TOML": edited(lambda text: text.replace("[model]", "[model")),
    "rows.sha256": higher_scores,
    "column psnr": higher_scores,
    "rows.count": repeated_row,
    "got two of": repeated_row,
    "cannot be read": lambda folder: (folder / "rows.parquet").write_bytes(b"x"),
}


@pytest.mark.parametrize("field", DAMAGE)
def test_damage_is_named_with_its_file_and_field(made, tmp_path, field):
    folder = shutil.copytree(made, tmp_path / "tv")
    (folder / "submission.toml").write_text(filled(folder))
    DAMAGE[field](folder)
    found = [problem for problem in schema.problems(folder) if field in problem]
    assert found and found[0].startswith(str(folder))
    with pytest.raises(BadInput):
        schema.read(folder)
    assert call("submit", "--check", folder).exit_code == 2


def test_submit_refuses(made, tmp_path):
    run = made.parent / "run"
    assert "tv" in call("submit", run, "--model", "swinir", "-o", tmp_path / "x").output
    for words in (["submit", run], ["submit", "--check", made, "--model", "tv"], ["submit", made, "--model", "tv"]):
        assert call(*words).exit_code == 2
