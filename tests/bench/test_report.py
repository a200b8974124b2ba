"""`bench report` of several runs, with test curves and figures; publishing; an index over studies."""

import json
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from scipy import stats

from bench.cli import main
from bench.statistics.intervals import level


def call(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def done(tmp_path, photos, networks, monkeypatch) -> Path:
    """A finished run folder of one model, on two noises and four pictures."""
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sys, "argv", ["bench"])
    folder = tmp_path / "run"
    noise = "mixture(level=1), speckle(var=0.02)"
    result = call("run", "--models", f"{networks}:Blur", "--noise", noise, "--data", photos, "--out", folder)
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def site(done, tmp_path) -> Path:
    """Its site."""
    assert call("report", done, "-o", tmp_path / "site").exit_code == 0
    return tmp_path / "site"


def moved(run: Path, to: Path) -> tuple[Path, dict[str, float]]:
    """A copy of a run whose scores are lower by known amounts under speckle; those amounts by image."""
    shutil.copytree(run, to)
    amounts = dict(zip(("a.png", "b.png", "c.png", "d.png"), (0.1, 0.2, 0.4, 0.3), strict=True))
    with sqlite3.connect(to / "rows.sqlite") as connection:
        for image, amount in amounts.items():
            connection.execute(
                "UPDATE rows SET psnr = psnr - ? WHERE noise_name = 'speckle' AND image = ?", (amount, image)
            )
    connection.close()
    return to, amounts


def test_two_runs_are_compared_image_by_image(done, tmp_path):
    other, amounts = moved(done, tmp_path / "before")
    result = call("report", done, other, "-o", tmp_path / "site")
    assert result.exit_code == 0, result.output
    table = pd.read_csv(tmp_path / "site/tables/against-before.csv").set_index("noise")
    speckle = table.loc["speckle(var=0.02)"]
    assert speckle["difference"] == pytest.approx(0.25) and speckle["images"] == 4
    expected = stats.bootstrap(
        (np.array(list(amounts.values())),), np.mean, method="BCa", rng=np.random.default_rng(5), n_resamples=9999,
        confidence_level=1 - 2 * level(4),
    ).confidence_interval  # fmt: skip
    assert speckle["low"] == pytest.approx(expected.low, abs=0.02)
    assert speckle["high"] == pytest.approx(expected.high, abs=0.02)
    assert speckle["p"] == 2 / 2**4 and speckle["adjusted"] == 2 / 2**4  # all four rose; the other two did not move
    assert table.loc["mixture(level=1)", "difference"] == 0 and table.loc["mixture(level=1)", "p"] == 1
    assert table.loc["OOD mean", "difference"] == pytest.approx(0.125)
    page = (tmp_path / "site/compare.html").read_text()
    assert "Of 3 means, 1 rose and 0 fell" in page and "+0.40" in page and "2 means are equal" in page
    assert "OOD mean" in page and "0.125" in page
    assert not (tmp_path / "site/inside.html").exists()


def test_ranks_and_robustness_stand_on_the_first_page(tmp_path, photos, networks, monkeypatch):
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    models = f"{networks}:Blur,{networks}:Blur(strength=0.5)"
    run = call("run", "--models", models, "--noise", "mixture(level=1), speckle(var=0.02)", "--data", photos,
               "--metrics", "psnr", "--out", tmp_path / "run")  # fmt: skip
    assert run.exit_code == 0, run.output
    with sqlite3.connect(tmp_path / "run/rows.sqlite") as connection:
        connection.execute("UPDATE rows SET model = 'baseline' WHERE model = 'Blur(strength=0.5)'")
    connection.close()
    manifest = (tmp_path / "run/manifest.json").read_text().replace("Blur(strength=0.5)", "baseline")
    (tmp_path / "run/manifest.json").write_text(manifest)
    assert call("report", tmp_path / "run", "-o", tmp_path / "site").exit_code == 0
    page = (tmp_path / "site/index.html").read_text()
    found = pd.read_csv(next((tmp_path / "site/tables").glob("*-standings.csv"))).set_index("model")
    assert "relative to that of <bdi>baseline</bdi>" in page
    assert f"<td>{found.loc['Blur', 'robustness']:.3f}</td>" in page
    assert found.loc["baseline", ["robustness", "robustness low", "robustness high"]].tolist() == [1, 1, 1]
    assert found["robustness"].is_monotonic_increasing and found.loc["noisy", "robustness"] > 0
    assert found["rank"].sum() == pytest.approx(3) and np.isnan(found.loc["noisy", "rank"])
    table = tmp_path / "models.csv"
    assert call("export", tmp_path / "run", "--per", "model", "-o", table).exit_code == 0
    exported = pd.read_csv(table).set_index("model")["robustness"]
    assert exported.to_dict() == pytest.approx(found["robustness"].to_dict())


def test_a_run_compared_with_itself_and_with_nothing(done, tmp_path):
    assert call("report", done, done, "-o", tmp_path / "site").exit_code == 0
    assert "All 3 means are equal" in (tmp_path / "site/compare.html").read_text()
    result = call("report", done, tmp_path, "-o", tmp_path / "site")
    assert result.exit_code == 2 and "is not a run folder" in result.output


def test_test_curves_stand_on_the_page_of_their_model(done, networks, tmp_path):
    log = tmp_path / "training"
    log.mkdir()
    entries = [{"iteration": i, "scores": {"gaussian(sigma=15)": 25 + i}, "loss": 1} for i in (1, 2, 3)]
    (log / "log.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in [*entries, {"iteration": 4}][:3]))
    model = "networks.py:Blur"
    known = json.loads((done / "manifest.json").read_text())[0]["models"][0]["label"]
    result = call("report", done, "-o", tmp_path / "site", "--training", f"{known}={log}")
    assert result.exit_code == 0, result.output
    page = next((tmp_path / "site").glob("model-*.html")).read_text()
    assert "While training" in page and "gaussian(sigma=15) from 26.00 to 28.00" in page and model in page
    for wrong, words in (
        (f"gone={log}", "'gone'"),
        (f"{known}={tmp_path}", "log.jsonl"),
        ("x", "MODEL=FOLDER"),
    ):
        result = call("report", done, "-o", tmp_path / "site", "--training", wrong)
        assert result.exit_code == 2 and words in result.output


def test_figures_of_the_inside_have_a_page(done, tmp_path):
    look = done / "cka"
    look.mkdir()
    for kind in ("svg", "png", "csv"):
        (look / f"a-b.{kind}").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="300pt"></svg>')
    figure = {
        "title": "a against <b>",
        "words": "Brighter is more alike.",
        "svg": "a-b.svg",
        "png": "a-b.png",
        "csv": "a-b.csv",
    }
    settings = {"look": "cka", "title": "CKA", "words": "What CKA is.", "command": "bench cka a b", "figures": [figure]}
    (look / "a-b.json").write_text(json.dumps(settings))
    assert call("report", done, "-o", tmp_path / "site").exit_code == 0
    page = (tmp_path / "site/inside.html").read_text()
    for words in ("Similarity of layers (CKA)", "What CKA is.", "a against &lt;b&gt;", "bench cka a b", 'width="400"'):
        assert words in page
    assert (tmp_path / "site/inside/cka-a-b.svg").is_file() and (tmp_path / "site/inside/cka-a-b.csv").is_file()


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", folder, *arguments], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path, monkeypatch) -> Path:
    """A repository with one commit, whose remote `origin` is a bare repository beside it; one stands inside."""
    bare, here = tmp_path / "bare.git", tmp_path / "here"
    for name in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME", "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    subprocess.run(["git", "init", "-q", "--bare", bare], check=True)
    subprocess.run(["git", "init", "-q", "-b", "main", here], check=True)
    git(here, "config", "user.name", "A")
    git(here, "config", "user.email", "a@example.org")
    (here / "code.txt").write_text("mine")
    git(here, "add", "code.txt")
    git(here, "commit", "-q", "-m", "First")
    git(here, "remote", "add", "origin", str(bare))
    monkeypatch.chdir(here)
    return bare


def test_publishing_makes_a_branch_of_the_site_alone(site, repository):
    (site / "private.txt").write_text("not of the site")
    result = call("publish", site)
    assert result.exit_code == 0, result.output
    names = git(repository, "ls-tree", "-r", "--name-only", "gh-pages").split("\n")
    assert {"index.html", ".nojekyll", "site.json"} <= set(names) and "private.txt" not in names
    assert git(repository, "show", "gh-pages:index.html") == (site / "index.html").read_text()
    assert Path("code.txt").read_text() == "mine" and git(Path(), "status", "--porcelain") == ""
    assert git(Path(), "branch", "--show-current") == "main\n"
    (site / "index.html").write_text("changed")
    assert call("publish", site, "--message", "Second").exit_code == 0
    assert git(repository, "log", "--format=%s", "gh-pages") == "Second\nPublish the site\n"
    assert git(repository, "show", "gh-pages:index.html") == "changed"


def test_publishing_goes_on_from_what_others_published(site, repository, tmp_path, monkeypatch):
    assert call("publish", site).exit_code == 0
    git(tmp_path, "clone", "-q", "--branch", "gh-pages", str(repository), "theirs")
    theirs = tmp_path / "theirs"
    git(theirs, "-c", "user.name=B", "-c", "user.email=b@example.org", "commit", "-q", "--allow-empty", "-m", "Theirs")
    git(theirs, "push", "-q", "origin", "gh-pages")
    assert call("publish", site).exit_code == 0
    assert git(repository, "log", "--format=%s", "gh-pages").split("\n")[1] == "Theirs"


def test_what_cannot_be_published(site, repository, tmp_path, monkeypatch):
    for arguments, words in (
        ((tmp_path / "run",), "is no site"),
        ((site, "--remote", "elsewhere"), "no remote 'elsewhere'"),
    ):
        result = call("publish", *arguments)
        assert result.exit_code == 2 and words in result.output, result.output
    (repository / "hooks/pre-receive").write_text("#!/bin/sh\nexit 1\n")
    (repository / "hooks/pre-receive").chmod(0o755)
    result = call("publish", site)
    assert result.exit_code == 2 and "refused gh-pages" in result.output
    assert call("publish", site, "--no-push").exit_code == 0
    (site / "study.json").unlink()
    assert "lacks study.json" in call("publish", site).output
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (site / "study.json").write_text("{}")
    assert "no git repository" in call("publish", site).output


def test_a_zip_holds_the_site_and_repeats(site, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        assert call("publish", site, "--zip", tmp_path / name / "mine.zip").exit_code == 0
    assert (tmp_path / "one/mine.zip").read_bytes() == (tmp_path / "two/mine.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one/mine.zip") as archive:
        assert archive.read("mine/index.html") == (site / "index.html").read_bytes()
        assert len(archive.namelist()) == len([path for path in site.rglob("*") if path.is_file()])
    result = call("publish", site, "--zip", tmp_path / "gone/mine.zip")
    assert result.exit_code == 2 and "cannot be written" in result.output


def test_an_index_over_runs_and_sites_has_their_history(done, site, tmp_path):
    other, _ = moved(done, tmp_path / "before")
    manifest = json.loads((other / "manifest.json").read_text())
    (other / "manifest.json").write_text(json.dumps([{**one, "at": "2020-01-01T00:00:00+00:00"} for one in manifest]))
    out = tmp_path / "studies"
    result = call("site", "index", site, other, "-o", out)
    assert result.exit_code == 0, result.output
    page = (out / "index.html").read_text()
    assert (out / "run/index.html").is_file() and (out / "before/images.html").is_file()
    assert 'href="run/index.html"' in page and page.index(">run<") < page.index(">before<")
    table = pd.read_csv(next((out / "charts").glob("history-*.csv")))
    assert list(table["study"]) == ["before", "run"]
    assert np.diff(table["psnr"])[0] == pytest.approx(0.25 / 2)  # half of the noises moved by a mean of 0.25
    assert "+0.13" in page or "+0.12" in page
    assert call("site", "index", site, other, "-o", out).exit_code == 0  # again, into the same folder
    assert call("publish", out, "--zip", tmp_path / "all.zip").exit_code == 0
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert "all/before/index.html" in archive.namelist()
    result = call("site", "index", tmp_path / "photos", "-o", out)
    assert result.exit_code == 2 and "neither a run folder nor a site" in result.output
