"""`bench report` of several runs, with test curves and figures; publishing; an index over studies."""

import html
import json
import re
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import zipfile
from contextlib import ExitStack
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from scipy import stats

from bench.cli import main
from bench.core.errors import BadInput
from bench.site import preview, publish
from bench.statistics.intervals import level

pytestmark = pytest.mark.slow


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
        (np.array(list(amounts.values())),),
        np.mean,
        method="BCa",
        rng=np.random.default_rng(5),
        n_resamples=9999,
        confidence_level=1 - 2 * level(4),
    ).confidence_interval
    assert speckle["low"] == pytest.approx(expected.low, abs=0.02)
    assert speckle["high"] == pytest.approx(expected.high, abs=0.02)
    assert speckle["p"] == 2 / 2**4 and speckle["adjusted"] == 2 / 2**4  # all four rose; the other two did not move
    assert table.loc["mixture(level=1)", "difference"] == 0 and table.loc["mixture(level=1)", "p"] == 1
    assert table.loc["OOD mean", "difference"] == pytest.approx(0.125)
    page = (tmp_path / "site/compare.html").read_text()
    assert "+0.40" in page and "OOD mean" in page and "0.125" in page
    assert not (tmp_path / "site/inside.html").exists()


def test_ranks_and_relative_errors_stand_on_the_first_page(tmp_path, photos, networks, monkeypatch):
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    models = f"{networks}:Blur,{networks}:Blur(strength=0.5)"
    run = call(
        "run",
        "--models",
        models,
        "--noise",
        "mixture(level=1), speckle(var=0.02)",
        "--data",
        photos,
        "--metrics",
        "psnr",
        "--out",
        tmp_path / "run",
    )
    assert run.exit_code == 0, run.output
    with sqlite3.connect(tmp_path / "run/rows.sqlite") as connection:
        connection.execute("UPDATE rows SET model = 'baseline' WHERE model = 'Blur(strength=0.5)'")
    connection.close()
    manifest = (tmp_path / "run/manifest.json").read_text().replace("Blur(strength=0.5)", "baseline")
    (tmp_path / "run/manifest.json").write_text(manifest)
    assert call("report", tmp_path / "run", "-o", tmp_path / "site").exit_code == 0
    page = (tmp_path / "site/index.html").read_text()
    found = pd.read_csv(next((tmp_path / "site/tables").glob("*-standings.csv"))).set_index("model")
    assert "<bdi>baseline</bdi>" in page
    assert f"<td>{found.loc['Blur', 'relative_error']:.3f}</td>" in page
    assert found.loc["baseline", ["relative_error", "relative_error_low", "relative_error_high"]].tolist() == [1, 1, 1]
    assert found["relative_error"].is_monotonic_increasing and found.loc["noisy", "relative_error"] > 0
    assert found["rank"].sum() == pytest.approx(3) and np.isnan(found.loc["noisy", "rank"])
    table = tmp_path / "models.csv"
    assert call("export", tmp_path / "run", "--per", "model", "-o", table).exit_code == 0
    exported = pd.read_csv(table).set_index("model")["relative_error"]
    assert exported.to_dict() == pytest.approx(found["relative_error"].to_dict())


def test_the_page_reproduces_the_pages_and_names_the_licences_of_what_is_shown(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["bench", "run", "--noise", "mixture(level=2)", "--out", str(tmp_path / "a run")])
    common = ("--datasets", "builtin(crop=64, limit=2)", "--metrics", "psnr", "--out", tmp_path / "a run")
    assert call("run", "--models", "tv, Other=tv(sigma=20)", "--noise", "mixture(level=2)", *common).exit_code == 0
    chosen = ("--models", "tv, Other", "--seeds", "0", "-o", tmp_path / "site")
    assert call("report", tmp_path / "a run", *chosen).exit_code == 0
    page = html.unescape((tmp_path / "site/methods.html").read_text())
    lines = page.split("<pre><code>")[1].split("</code>")[0].splitlines()
    assert [shlex.split(line)[:2] for line in lines] == [["bench", "run"], ["bench", "report"]]
    words = shlex.split(lines[1])
    assert words[2:] == [str(tmp_path / "a run"), "--models", "tv, Other", "--seeds", "0"]
    licences = page.partition('id="licences"')[2].partition("<h2")[0]
    assert "astronaut" in licences and "chelsea" in licences and "coffee" not in licences


def test_a_run_compared_with_itself_and_with_nothing(done, tmp_path):
    assert call("report", done, done, "-o", tmp_path / "site").exit_code == 0
    assert "All 3 means" in (tmp_path / "site/compare.html").read_text()
    result = call("report", done, tmp_path, "-o", tmp_path / "site")
    assert result.exit_code == 2 and "rows.sqlite" in result.output


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
    assert 'id="model-training"' in page and "gaussian(sigma=15) from 26.00 to 28.00" in page and model in page
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
    settings = {"look": "cka", "command": "bench cka a b", "figures": [figure]}
    (look / "a-b.json").write_text(json.dumps(settings))
    assert call("report", done, "-o", tmp_path / "site").exit_code == 0
    page = (tmp_path / "site/inside.html").read_text()
    for words in (
        "Similarity of layers (CKA)",
        "Brighter is more alike.",
        "a against &lt;b&gt;",
        "bench cka a b",
        'width="400"',
    ):
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


def test_publishing_into_a_folder_leaves_other_sites(site, repository):
    def published():
        return set(git(repository, "ls-tree", "-r", "--name-only", "gh-pages").split("\n"))

    assert call("publish", site).exit_code == 0
    at_top = published()
    board = Path("board")
    board.mkdir()
    (board / "index.html").write_text("first")
    (board / "site.json").write_text('{"files": ["index.html", "old.html"]}')
    (board / "old.html").write_text("old")
    assert call("publish", board, "--folder", "board").exit_code == 0
    assert published() == at_top | {"board/index.html", "board/old.html", "board/site.json"}
    (board / "index.html").write_text("second")
    (board / "site.json").write_text('{"files": ["index.html"]}')
    assert call("publish", board, "--folder", "board").exit_code == 0
    assert call("publish", site).exit_code == 0
    assert published() == at_top | {"board/index.html", "board/site.json"}
    assert git(repository, "show", "gh-pages:board/index.html") == "second"
    assert git(repository, "show", "gh-pages:index.html") == (site / "index.html").read_text()


@pytest.mark.parametrize("options", [["--folder", "../x"], ["--folder", "index.html"], ["--folder", "x", "--preview"]])
def test_publishing_into_a_folder_refuses(site, repository, options):
    assert call("publish", site).exit_code == 0
    before = git(repository, "rev-parse", "gh-pages")
    assert call("publish", site, *options).exit_code == 2
    assert git(repository, "rev-parse", "gh-pages") == before


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
        ((tmp_path / "run",), "site.json"),
        ((site, "--remote", "elsewhere"), "'elsewhere'"),
    ):
        result = call("publish", *arguments)
        assert result.exit_code == 2 and words in result.output, result.output
    (repository / "hooks/pre-receive").write_text("#!/bin/sh\nexit 1\n")
    (repository / "hooks/pre-receive").chmod(0o755)
    result = call("publish", site)
    assert result.exit_code == 2 and "gh-pages" in result.output
    assert call("publish", site, "--no-push").exit_code == 0
    (site / "study.json").unlink()
    assert "study.json" in call("publish", site).output
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (site / "study.json").write_text("{}")
    assert "git repository" in call("publish", site).output


def commit_to(repository, folder: Path, **files: str) -> None:
    """Somebody else's commit on the branch gh-pages of the remote."""
    git(folder.parent, "clone", "-q", str(repository), folder.name)
    subprocess.run(["git", "-C", folder, "checkout", "-q", "gh-pages"], capture_output=True)
    if git(folder, "branch", "--show-current") != "gh-pages\n":
        git(folder, "checkout", "-q", "--orphan", "gh-pages")
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    git(folder, "add", "-A")
    git(folder, "-c", "user.name=B", "-c", "user.email=b@example.org", "commit", "-q", "-m", "Theirs")
    git(folder, "push", "-q", "origin", "gh-pages")


def branch_of(repository) -> set[str]:
    return set(git(repository, "ls-tree", "-r", "--name-only", "gh-pages").split("\n")[:-1])


def test_publishing_keeps_the_domain_or_takes_that_of_the_site_or_of_the_command(site, repository, tmp_path):
    commit_to(repository, tmp_path / "theirs", CNAME="old.example.org\n")
    for change, arguments, domain in (
        (None, (), "old.example.org"),
        ("of-site.example.org", (), "of-site.example.org"),
        ("of-site.example.org", ("--cname", "chosen.example.org"), "chosen.example.org"),
        (None, (), "chosen.example.org"),
    ):
        (site / "CNAME").unlink(missing_ok=True)
        if change:
            (site / "CNAME").write_text(f"{change}\n")
        result = call("publish", site, *arguments)
        assert result.exit_code == 0 and f"https://{domain}/" in result.output, result.output
        assert git(repository, "show", "gh-pages:CNAME") == f"{domain}\n"
    for wrong in ("https://a.example.org", "localhost", "a b.org", "-a.org", "a.org/b"):
        assert call("publish", site, "--cname", wrong).exit_code == 2
    (site / "CNAME").write_text("https://a.example.org\n")
    assert call("publish", site).exit_code == 2 and call("publish", site, "--cname", "b.example.org").exit_code == 0


def test_files_of_others_on_the_branch_stay_and_those_of_the_site_before_go(site, repository, tmp_path):
    assert call("publish", site).exit_code == 0
    first = branch_of(repository)
    commit_to(repository, tmp_path / "theirs", robots_txt="none", papers__a_pdf="paper")
    listing = json.loads((site / "site.json").read_text())
    gone = next(name for name in listing["files"] if name.startswith("charts/"))
    (site / "site.json").write_text(json.dumps({"files": [name for name in listing["files"] if name != gone]}))
    result = call("publish", site)
    assert "robots.txt" in result.output and "papers/a.pdf" in result.output
    assert branch_of(repository) == first - {gone} | {"robots.txt", "papers/a.pdf"}
    result = call("publish", site, "--replace")
    assert "robots.txt" in result.output and branch_of(repository) == first - {gone}


def test_a_site_does_not_overwrite_what_is_of_no_site(site, repository, tmp_path):
    commit_to(repository, tmp_path / "theirs", index_html="theirs", notes_txt="theirs")
    result = call("publish", site)
    assert result.exit_code == 2 and "index.html" in result.output and "notes.txt" in result.output
    assert git(repository, "show", "gh-pages:index.html") == "theirs"
    assert call("publish", site, "--replace").exit_code == 0
    assert "notes.txt" not in branch_of(repository) and "index.html" in branch_of(repository)


def test_code_is_not_published_over(site, repository, tmp_path):
    git(Path(), "push", "-q", "origin", "main")
    assert call("publish", site, "--branch", "main").exit_code == 2  # it is checked out
    git(Path(), "checkout", "-q", "-b", "work")
    for branch in ("main", "work", "no..branch"):
        assert call("publish", site, "--branch", branch).exit_code == 2
    git(Path(), "worktree", "add", "-q", "-b", "other", str(tmp_path / "other"))
    assert call("publish", site, "--branch", "other").exit_code == 2
    assert git(repository, "ls-tree", "-r", "--name-only", "main") == "code.txt\n"


def test_no_commit_is_dropped(site, repository, tmp_path):
    """Those that were not pushed are built on; where both sides have some of their own, nothing is done."""
    assert call("publish", site, "--no-push", "--message", "First").exit_code == 0
    assert call("publish", site, "--message", "Second").exit_code == 0
    assert git(repository, "log", "--format=%s", "gh-pages") == "Second\nFirst\n"
    assert call("publish", site, "--no-push", "--message", "Mine").exit_code == 0
    commit_to(repository, tmp_path / "theirs", robots_txt="none")
    refused = call("publish", site)
    assert refused.exit_code == 2 and "git branch -D gh-pages" in refused.output
    assert git(Path(), "log", "-1", "--format=%s", "gh-pages") == "Mine\n"
    git(Path(), "branch", "-q", "-D", "gh-pages")
    assert call("publish", site).exit_code == 0
    assert git(repository, "log", "--format=%s", "gh-pages").split("\n")[1] == "Theirs"


def test_files_are_published_as_they_are(site, repository):
    """No filter of git's changes them, and a name need not be ASCII."""
    git(Path(), "config", "core.autocrlf", "true")
    Path(".gitattributes").write_text("* text eol=crlf\n")
    (site / "grün.txt").write_bytes(b"a\r\nb\n")
    listing = json.loads((site / "site.json").read_text())
    (site / "site.json").write_text(json.dumps({"files": [*listing["files"], "grün.txt"]}))
    assert call("publish", site).exit_code == 0
    shown = subprocess.run(["git", "-C", repository, "show", "gh-pages:grün.txt"], capture_output=True).stdout
    assert shown == b"a\r\nb\n"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("git@github.com:Someone/study.git", "https://someone.github.io/study/"),
        ("https://github.com/someone/study", "https://someone.github.io/study/"),
        ("https://token:secret@github.com/someone/study.git", "https://someone.github.io/study/"),
        ("ssh://git@github.com/someone/Someone.github.io.git", "https://someone.github.io/"),
        ("ssh://git@ssh.github.com:443/someone/study.git", "https://someone.github.io/study/"),
        ("https://gitlab.com/group/study.git", ""),
        ("https://github.com.example.org/someone/study.git", ""),
        ("/srv/github.com/someone/study.git", ""),
        ("git@example.org:someone/study.git", ""),
        ("", ""),
    ],
)
def test_the_address_of_pages_is_that_of_the_remote_or_unknown(url, address):
    assert publish.address_of(url) == address


def test_a_preview_serves_what_is_published_and_ends_at_ctrl_c(site):
    (site / "private.txt").write_text("not of the site")
    program = [sys.executable, "-u", "-m", "bench", "publish", str(site), "--preview", "--port", "0"]
    with (
        subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process,
        ExitStack() as end,
    ):
        end.callback(process.kill)  # whatever fails below
        address = re.search(r"http://127\.0\.0\.1:\d+/", process.stdout.readline()).group()
        for name in ("", "index.html"):
            assert urlopen(address + name).read() == (site / "index.html").read_bytes()
        for name in ("private.txt", "charts/", "../run/rows.sqlite", "nothing"):
            with pytest.raises(HTTPError) as error:
                urlopen(address + name)
            error.value.close()
            assert error.value.code == 404
        port = int(address.rpartition(":")[2].strip("/"))
        with pytest.raises(BadInput):
            preview.server(site, port)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0 and process.stderr.read() == ""


def test_a_zip_holds_the_site_and_repeats(site, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        assert call("publish", site, "--zip", tmp_path / name / "mine.zip").exit_code == 0
    assert (tmp_path / "one/mine.zip").read_bytes() == (tmp_path / "two/mine.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one/mine.zip") as archive:
        assert archive.read("mine/index.html") == (site / "index.html").read_bytes()
        assert len(archive.namelist()) == len([path for path in site.rglob("*") if path.is_file()])
    result = call("publish", site, "--zip", tmp_path / "gone/mine.zip")
    assert result.exit_code == 2 and "mine.zip" in result.output


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
    assert result.exit_code == 2 and "rows.sqlite" in result.output
