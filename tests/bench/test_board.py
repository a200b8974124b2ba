"""`bench board`: which submissions are compared, ranks, re-runs, training on test images, badges; the shipped board."""

import hashlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from bench.cli import main
from bench.core.errors import BadInput
from bench.submissions import schema
from bench.submissions.board import board, contamination, significantly_better

SHIPPED = Path(__file__).parents[2] / "reports" / "board"
MODELS = ["baseline", "dncnn", "ours", "swinir", "tv"]


def change(folder, rows=lambda rows: rows, **fields):
    """Change the rows and fields of a submission, with the hash and count of its rows."""
    content = rows(pd.read_parquet(folder / "rows.parquet"))
    content.to_parquet(folder / "rows.parquet", index=False)
    digest = hashlib.sha256((folder / "rows.parquet").read_bytes()).hexdigest()
    text = (folder / "submission.toml").read_text()
    text = re.sub(r'(?s)(\[rows\].*?sha256 = )"\w+"', rf'\1"{digest}"', text)
    text = re.sub(r"(?m)^count = \d+", f"count = {len(content)}", text)
    for name, value in fields.items():
        text = re.sub(rf'(?m)^{name} = ("[^"]*"|\w+)', f"{name} = {json.dumps(value)}", text, count=1)
    (folder / "submission.toml").write_text(text)
    return folder


@pytest.fixture
def submissions(tmp_path):
    """Copies of three shipped submissions."""
    for name in ("dncnn", "ours", "tv"):
        shutil.copytree(SHIPPED / "submissions" / name, tmp_path / "all" / name)
    return tmp_path / "all"


def group(found, key="far"):
    return next(one for one in found.groups if one.key == key)


def ranked(one):
    return [[score.key for score in scores] for _, scores in one.bodies]


@pytest.mark.slow
def test_the_shipped_submissions_are_complete_and_compared(tmp_path):
    arguments = ["board", SHIPPED / "submissions", "--rerun", SHIPPED / "reruns" / "dncnn", "-o", tmp_path / "site"]
    arguments += ["--benchmark", "owner/name", "--address", "https://example.org/board/"]
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    assert all(schema.problems(path.parent) == [] for path in SHIPPED.rglob("submission.toml"))
    table = pd.read_csv(tmp_path / "site" / "tables" / "board-far.csv").set_index("submission")
    assert sorted(table.index) == MODELS and list(table["psnr"]) == sorted(table["psnr"], reverse=True)
    assert table["verified"].to_dict() == {name: name == "dncnn" for name in MODELS}
    rows = schema.read(SHIPPED / "submissions" / "ours").rows
    own = rows[rows["noise_name"].isin(["mixture", "poisson"])]
    assert table.loc["ours", "psnr"] == pytest.approx(own["psnr"].mean())
    badge = json.loads((tmp_path / "site" / "badges" / "ours.json").read_text())
    assert badge["schemaVersion"] == 1 and "unverified" in badge["message"] and badge["label"].endswith("Far OOD")
    assert "unverified" not in (tmp_path / "site" / "badges" / "dncnn.json").read_text()
    yaml = pytest.importorskip("yaml")
    scores = yaml.safe_load((tmp_path / "site" / "eval_results" / "ours.yaml").read_text())
    assert [one["dataset"]["task_id"] for one in scores] == ["far_ood", "near_ood", "recorded_pairs"]
    assert scores[0]["value"] == pytest.approx(table.loc["ours", "psnr"], abs=1e-4)
    assert {one["dataset"]["id"] for one in scores} == {"owner/name"}
    for name in MODELS:
        assert (tmp_path / "site" / f"submission-{name}.html").is_file()


def poisson(rows):
    return rows["noise_name"] == "poisson"


APART = {
    "other pixels": lambda rows: rows.assign(image_hash=rows["image_hash"].mask(rows["image"] == "coffee", "0" * 64)),
    "version 2 of poisson": lambda rows: rows.assign(noise_version=rows["noise_version"].mask(poisson(rows), 2)),
    "no row of": lambda rows: rows[rows["noise"] != "poisson(alpha=3)"],
    "no score in 28": lambda rows: rows.assign(status=rows["status"].mask(poisson(rows), "failed")),
    "no rows under": lambda rows: rows[rows["noise_name"] == "gaussian"],
    "protocol float": lambda rows: rows.assign(protocol="float"),
    "precisions": lambda rows: rows.assign(precision=["bf16", *rows["precision"][1:]]),
    "psnr": lambda rows: rows.assign(psnr=rows["psnr"] + 80),
}


@pytest.mark.slow
@pytest.mark.parametrize("reason", APART)
def test_a_submission_of_other_conditions_is_apart_with_the_reason(submissions, reason):
    change(submissions / "ours", APART[reason])
    found = board(submissions)
    assert reason in (group(found).apart | dict(found.apart))["ours"]
    assert sorted(*ranked(group(found))) == ["dncnn", "tv"]


@pytest.mark.slow
def test_equal_pixels_are_compared_whatever_the_data_set_is_called(submissions):
    before = group(board(submissions)).scores["ours"]
    change(
        submissions / "ours", lambda rows: rows.assign(dataset="photos", image=rows["image"] + ".png", photograph="")
    )
    found = group(board(submissions))
    assert not found.apart and found.scores["ours"] == before


@pytest.mark.slow
def test_like_names_the_submission_with_the_conditions_of_the_board(submissions):
    change(submissions / "ours", lambda rows: rows[~poisson(rows)])
    assert set(group(board(submissions, like="ours")).columns) == {
        "mixture(level=1)",
        "mixture(level=2)",
        "mixture(level=3)",
        "mixture(level=4)",
    }
    assert not group(board(submissions, like="ours")).apart
    with pytest.raises(BadInput, match="nothing"):
        board(submissions, like="nothing")


@pytest.mark.slow
def test_models_of_other_training_noise_are_not_ranked_with_the_others(submissions):
    change(submissions / "ours", noise="gaussian(sigma=0-55)")
    found = group(board(submissions), "near")
    assert sorted(map(sorted, ranked(found))) == [["dncnn", "tv"], ["ours"]]
    assert found.inside == {"ours"} and group(board(submissions)).inside == frozenset()


@pytest.mark.slow
def test_a_rerun_with_other_scores_is_told(submissions, tmp_path):
    again = change(
        shutil.copytree(submissions / "ours", tmp_path / "again"), lambda rows: rows.assign(psnr=rows["psnr"] + 0.02)
    )
    agrees = {one.key: one.agrees for one in board(submissions, reruns=[again, submissions / "tv"]).entries}
    assert agrees == {"dncnn": None, "ours": False, "tv": True}
    change(again, lambda rows: rows.assign(weights_hash="1" * 64))  # other weights are another model
    assert {one.agrees for one in board(submissions, reruns=[again]).entries} == {None}


@pytest.mark.parametrize(
    ("training", "found"),
    [("BSDS400", []), ("DIV2K, set12", ["Set12"]), ("BSD500 and WED", ["CBSD68"]), ("CBSD68-train", []), ("", [])],
)
def test_training_on_test_images_is_marked(training, found):
    assert contamination(training, ["CBSD68", "Set12"]) == found


def test_ranges_of_ranks_are_those_of_paired_differences():
    level = np.random.default_rng(0).normal(28, 3, 12)
    images = pd.DataFrame({"a": level + 1, "b": level + 1.001 * np.resize([1.5, 0.5], 12), "c": level})
    better = significantly_better(images, np.arange(12))
    assert better == {"a": set(), "b": set(), "c": {"a", "b"}}


@pytest.mark.slow
def test_files_that_a_submission_names_are_not_imported(submissions, tmp_path):
    file = tmp_path / "evil.py"
    file.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    change(submissions / "ours", noise=f"{file}:Evil")
    change(
        submissions / "tv", lambda rows: rows.assign(noise=rows["noise"].replace("poisson(alpha=3)", f"{file}:Evil"))
    )
    found = board(submissions)
    assert "training.noise" in found.apart["ours"] and "tv" in group(found).apart
    assert not (tmp_path / "ran").exists()


def test_a_folder_without_submissions_is_refused(tmp_path):
    result = CliRunner().invoke(main, ["board", str(tmp_path), "-o", str(tmp_path / "site")])
    assert result.exit_code == 2 and "submission.toml" in result.output
