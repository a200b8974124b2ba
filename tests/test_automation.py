"""Workflows, forms, Dockerfile and CITATION.cff: valid, and in agreement with the package.

Schemas: docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax and
docs.github.com/en/communities/using-templates-to-encourage-useful-issues-and-pull-requests/syntax-for-githubs-form-schema
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner

import bench
from bench.cli import main

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
FORMS = sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.yml"))
SCRIPTS = sorted((ROOT / ".ci").iterdir())
TEXTS = [*WORKFLOWS, *FORMS, *SCRIPTS, GITHUB / "pull_request_template.md", ROOT / "SECURITY.md", ROOT / "Dockerfile"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
FOLDERS = (".ci", ".github", "analysis", "baselines", "bench", "noise_zoo", "reports", "tests")
KEYWORDS = {"if", "elif", "then", "else", "while", "do", "!"}  # of the shell, before a command
FORM_FIELDS = {"markdown", "textarea", "input", "dropdown", "checkboxes"}


def name_of(path: Path) -> str:
    return path.name


def workflow(path: Path) -> dict:
    """A workflow; `on` is a Boolean in YAML 1.1."""
    content = yaml.safe_load(path.read_text())
    return {"on" if key is True else key: value for key, value in content.items()}


def steps(path: Path) -> list[dict]:
    return [step for job in workflow(path)["jobs"].values() for step in job["steps"]]


def commands(script: str) -> Iterator[list[str]]:
    """The simple commands of a shell script, as words."""
    for line in script.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words = []
        for word in [*lexer, ";"]:
            if set(word) <= set("();<>|&"):
                yield words
                words = []
            elif words or word not in KEYWORDS:
                words.append(word)


def scripts() -> list[tuple[str, str]]:
    """(file, script) of every step, of .ci/, and of what a text shows as a command of bench."""
    of_steps = [(path.name, step["run"]) for path in WORKFLOWS for step in steps(path) if "run" in step]
    shown = [(path.name, code) for path in TEXTS for code in re.findall(r"`(bench [^`]+)`", path.read_text())]
    return [*of_steps, *((path.name, path.read_text()) for path in SCRIPTS), *shown]


def calls(program: str) -> list[tuple[str, list[str]]]:
    """(file, arguments) of every call of a program."""
    found = [(file, words) for file, script in scripts() for words in commands(script)]
    return [(file, words[1:]) for file, words in found if words and Path(words[0]).name == program]


@pytest.mark.parametrize("path", WORKFLOWS, ids=name_of)
def test_a_workflow_matches_the_schema(path):
    content = workflow(path)
    assert set(content) <= {"name", "on", "permissions", "concurrency", "jobs", "env", "defaults"}
    assert content["name"] and content["on"] and content["jobs"] and "permissions" in content
    for job_name, job in content["jobs"].items():
        assert job["runs-on"] and job["timeout-minutes"] and job["steps"]
        assert job.get("needs", job_name) in content["jobs"]
    for step in steps(path):
        assert ("uses" in step) != ("run" in step)
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step["uses"]), "an action and its major version"
        else:
            assert "${{" not in step["run"], "a value of the event is an environment variable, not part of the script"


@pytest.mark.parametrize("path", FORMS, ids=name_of)
def test_a_form_matches_the_schema(path):
    form = yaml.safe_load(path.read_text())
    assert form["name"] and form["description"]
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    names = [field["id"] for field in fields]
    assert len(set(names)) == len(names) > 0
    for field in form["body"]:
        assert field["type"] in FORM_FIELDS and set(field) <= {"type", "id", "attributes", "validations"}
        assert field["attributes"]["value" if field["type"] == "markdown" else "label"]
        if field["type"] in ("dropdown", "checkboxes"):
            assert field["attributes"]["options"]
    assert any(field.get("validations", {}).get("required") for field in fields)


@pytest.mark.parametrize(("file", "arguments"), calls("bench"))
def test_a_bench_command_exists_with_its_options(file, arguments):
    command, context, rest = main, click.Context(main), arguments
    while isinstance(command, click.Group) and not rest[0].startswith("-"):
        name, command, rest = command.resolve_command(context, rest)
        context = click.Context(command, info_name=name, parent=context)
    command.make_parser(context).parse_args(list(rest))


def test_make_targets_exist():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    called = {target for _, arguments in calls("make") for target in arguments}
    assert {"lint", "run", "test"} <= called <= targets


@pytest.mark.parametrize("path", TEXTS, ids=name_of)
def test_paths_exist(path):
    for word in re.findall(r"[\w./*-]+", path.read_text()):
        fixed = word.partition("*")[0].rstrip(".")
        first, slash, _ = fixed.partition("/")
        if (slash and first in FOLDERS) or (not slash and fixed.endswith((".md", ".txt"))):
            assert (ROOT / fixed).exists(), word


def git(*arguments: object) -> str:
    return subprocess.run(["git", *map(str, arguments)], check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def submission(tmp_path_factory) -> Path:
    """A complete submission of a method without training."""
    folder = tmp_path_factory.mktemp("submission")
    bench.run("tv", "gaussian(sigma=25)", "builtin(crop=32, limit=2)", metrics="psnr", out=folder / "run")
    made = CliRunner().invoke(main, ["submit", str(folder / "run"), "--model", "tv", "-o", str(folder / "tv")])
    assert made.exit_code == 0, made.output
    text = (folder / "tv" / "submission.toml").read_text().replace("# test_time_training", "test_time_training")
    text = re.sub(r'(?m)^(\w+) = ""(?=.*required$)', r'\1 = "none"', text)
    (folder / "tv" / "submission.toml").write_text(text)
    return folder / "tv"


@pytest.fixture
def proposed(tmp_path, monkeypatch):
    """The folder of submissions of a pull request, and a function that merges and checks it, as submission.yml does."""
    for name in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"):
        monkeypatch.setenv(name, "A")
    for name in ("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(name, "a@example.org")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    board = tmp_path / "reports" / "board" / "submissions"
    board.mkdir(parents=True)
    (board / "README.md").write_text("of the base")
    git("init", "-q", "-b", "main")

    def commit() -> None:
        git("add", ".")
        git("commit", "-q", "-m", "A change")

    def check() -> subprocess.CompletedProcess[str]:
        commit()
        git("checkout", "-q", "main")
        git("merge", "-q", "--no-ff", "--no-edit", "theirs")
        return subprocess.run([ROOT / ".ci" / "check-submissions", "HEAD"], capture_output=True, text=True)

    commit()
    git("checkout", "-q", "-b", "theirs")
    return board, check


def test_a_proposed_submission_is_answered_with_its_table(submission, proposed):
    board, check = proposed
    shutil.copytree(submission, board / "tv of me")
    (board / "README.md").write_text("changed")
    answer = check()
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert re.search(r"builtin\(crop=32, limit=2\) +\| +gaussian\(sigma=25\) +\| +\d\d\.\d", answer.stdout)


def test_code_in_a_proposed_submission_is_not_executed(submission, proposed):
    board, check = proposed
    shutil.copytree(submission, board / "tv")
    (board / "tv" / "code.py").write_text("print('executed')\n")
    text = (board / "tv" / "submission.toml").read_text()
    (board / "tv" / "submission.toml").write_text(
        re.sub(r'(?m)^noise = "none"', 'noise = "reports/board/submissions/tv/code.py:MyNoise(strength=1)"', text)
    )
    answer = check()
    assert answer.returncode == 1 and "training.noise" in answer.stdout and "code.py: " in answer.stdout
    assert "executed" not in answer.stdout


def test_links_and_incomplete_folders_are_refused(submission, proposed):
    board, check = proposed
    (board / "empty").mkdir()
    (board / "empty" / "notes.txt").write_text("nothing else")
    answer = check()
    assert answer.returncode == 1 and "submission.toml" in answer.stdout
    git("checkout", "-q", "theirs")
    (board / "tv").mkdir()
    (board / "tv" / "submission.toml").symlink_to("/etc/passwd")
    answer = check()
    assert answer.returncode == 1 and "link" in answer.stdout and "root:" not in answer.stdout


@pytest.mark.slow
def test_the_commands_of_a_new_user_make_a_site_that_is_published(tmp_path, monkeypatch):
    smoke = workflow(GITHUB / "workflows" / "ci.yml")["jobs"]["smoke"]["steps"]
    publish = workflow(GITHUB / "workflows" / "pages.yml")["jobs"]["publish"]
    git("init", "-q", "--bare", tmp_path / "origin.git")
    git("init", "-q", tmp_path / "clone")
    git("-C", tmp_path / "clone", "remote", "add", "origin", tmp_path / "origin.git")
    monkeypatch.chdir(tmp_path / "clone")
    for name, value in publish["env"].items():
        monkeypatch.setenv(name, value)
    shutil.copytree(ROOT / "reports" / "board", Path("reports", "board"))
    (board,) = re.findall(r"^board: .*\n\t(.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    lines = [step["run"].replace("make board", board) for step in [*smoke, *publish["steps"]] if "run" in step]
    ours = [words for line in lines if (words := line.partition("bench ")[2])]
    assert [words.split()[0] for words in ours] == ["--help", "run", "report", "board", "publish", "publish"]
    for words in ours:
        result = CliRunner().invoke(main, shlex.split(words))
        assert result.exit_code == 0, result.output
    assert "bot" in git("--git-dir", tmp_path / "origin.git", "log", "--format=%an", "gh-pages")
    published = git("--git-dir", tmp_path / "origin.git", "ls-tree", "-r", "--name-only", "gh-pages").split("\n")
    assert {"index.html", "board/index.html", "board/site.json"} <= set(published)


def test_python_versions_agree():
    stated = re.findall(r"Python :: (3\.\d+)", " ".join(PROJECT["classifiers"]))
    assert PROJECT["requires-python"] == f">={stated[0]}"
    assert workflow(GITHUB / "workflows" / "ci.yml")["jobs"]["test"]["strategy"]["matrix"]["python"] == stated
    set_up = [
        step["with"]["python-version"]
        for path in WORKFLOWS
        for step in steps(path)
        if "python" in str(step.get("uses"))
    ]
    (image,) = re.findall(r"^FROM python:(3\.\d+)-slim$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert {image, *set_up} <= set(stated)


def test_the_image_starts_bench():
    (words,) = re.findall(r'^ENTRYPOINT \["(\w+)"\]$', (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert words in PROJECT["scripts"]


def test_the_citation_is_that_of_the_readme():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= set(citation) and citation["type"] == "software"
    assert (citation["version"], citation["license"]) == (PROJECT["version"], PROJECT["license"])
    (paper,) = citation["references"]
    (entry,) = re.findall(r"@inproceedings\{.*?\n\}", (ROOT / "README.md").read_text(), re.DOTALL)
    bibtex = {name: " ".join(value.split()) for name, value in re.findall(r"(\w+) = \{(.*?)\}", entry, re.DOTALL)}
    assert (paper["title"], str(paper["year"])) == (bibtex["title"], bibtex["year"])
    assert paper["collection-title"] == bibtex["booktitle"]
    names = [f"{author['family-names']}, {author['given-names']}" for author in paper["authors"]]
    assert names == bibtex["author"].split(" and ")
