"""Tables for papers: the scores of the run, bold where they are best or tied, and LaTeX that compiles."""

import re
import shutil
import subprocess

import pytest
from click.testing import CliRunner

from bench.cli import main
from reports.paper_tables import level_heading
from reports.results import NoiseSetting
from tests.bench.conftest import NETWORK

pytestmark = pytest.mark.slow


def call(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run with names that LaTeX has to escape, and a model that is below its input."""
    folder = tmp_path_factory.mktemp("paper")
    (folder / "networks.py").write_text(NETWORK)
    models = f"'A_1 & co'={folder}/networks.py:Blur, {folder}/networks.py:Blur(strength=0.0), tv, wavelet"
    result = call(
        "run",
        "--models",
        models,
        "--noise",
        "gaussian(sigma=25), mixture",
        "--metrics",
        "psnr,ssim",
        "--datasets",
        "builtin(crop=48, limit=3)",
        "--out",
        folder / "r",
    )
    assert result.exit_code == 0, result.output
    return folder / "r"


def latex(run, *options) -> str:
    result = call("export", run, "--format", "latex", *options)
    assert result.exit_code == 0, result.output
    return result.stdout


def rows_of(text: str) -> list[list[str]]:
    return [line.removesuffix(r" \\").split(" & ") for line in text.splitlines() if line.endswith(r" \\")]


def test_cells_are_the_means_of_the_run(run):
    import pandas as pd

    from bench.runs import selection

    rows = selection.read(run).rows
    lines = rows_of(latex(run, "--layout", "levels"))[1:]
    header, *body = [row for row in lines if "multicolumn" not in row[0]]
    assert header[0] == "Method" and r"$\sigma=25$" in header and "$4$" in header
    (tv,) = [row for row in body if row[0] == "tv"]
    means = rows[rows["model"] == "tv"].groupby("noise")["psnr"].mean()
    for noise, column in (("gaussian(sigma=25)", r"$\sigma=25$"), ("mixture(level=4)", "$4$")):
        shown = float(re.search(r"\d+\.\d+", tv[header.index(column)])[0])
        assert shown == pytest.approx(means[noise], abs=0.0051) and not pd.isna(shown)
    assert any(row[0] == r"A\_1 \& co" for row in body)


def test_the_best_is_bold_in_each_metric_and_the_input_never(run):
    body = rows_of(latex(run, "--layout", "psnr/ssim", "--models", "tv, wavelet"))[2:]
    cells = {row[0]: row[1:] for row in body if len(row) > 1}
    assert all(cell.count("/") == 1 for row in cells.values() for cell in row)
    assert not any("textbf" in cell for cell in cells["noisy input"])
    assert all(any("textbf" in cells[model][index] for model in ("tv", "wavelet")) for index in range(len(cells["tv"])))


def test_leaderboard_transposed_and_intervals(run):
    plain = rows_of(latex(run, "--layout", "leaderboard"))
    assert any("OOD mean" in cell for row in plain for cell in row)
    turned = latex(run, "--layout", "levels", "--transpose", "--label", "tab:x", "--caption", r"$\sigma$")
    assert r"\label{tab:x}" in turned and r"\caption{$\sigma$}" in turned
    assert "tv" in rows_of(turned)[0] and len({len(row) for row in rows_of(turned)}) == 1
    assert re.search(r"\\scriptsize \[\d", latex(run, "--layout", "levels", "--intervals"))


def test_what_does_not_fit_together_is_refused(run):
    assert call("export", run, "--layout", "levels").exit_code == 2
    assert call("export", run, "--transpose").exit_code == 2
    assert call("export", run, "--format", "latex", "--layout", "niqe").exit_code == 2


@pytest.mark.parametrize(
    ("spec", "heading"),
    [
        ("speckle(var=0.02)", r"$\sigma^2=0.02$"),
        ("jpeg(quality=30)", r"$\mathrm{quality}=30$"),
        ("mixture(level=2)", "$2$"),
        ("isp", "isp"),
    ],
)
def test_levels_in_mathematics(spec, heading):
    assert level_heading(NoiseSetting(spec, spec.partition("(")[0], float("nan"))) == heading


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex with booktabs")
def test_tables_compile(run, tmp_path):
    tables = [
        latex(run, "--layout", layout, *more)
        for layout in ("leaderboard", "levels", "psnr/ssim")
        for more in ((), ("--transpose",), ("--intervals",))
    ]
    tables += [latex(run, "--per", per) for per in ("cell", "model", "table")]
    body = "\n".join(tables)
    (tmp_path / "x.tex").write_text(
        "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n" + body + "\\end{document}", encoding="utf-8"
    )
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "x.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        errors="replace",
    )
    assert done.returncode == 0, done.stdout[-2000:]
