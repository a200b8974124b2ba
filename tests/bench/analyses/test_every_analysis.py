"""All analyses in one run folder, up to the page; and one more, which is three files."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import bench
from bench import analyses
from bench.analyses.core.saved_results import sample_text, saved_figures

pytestmark = pytest.mark.slow


@pytest.fixture
def run(call, stacks, photos, tmp_path):
    """A run folder with scores and a result of every analysis."""
    out, models = tmp_path / "run", [f"{stacks}:Stack(seed={seed})" for seed in (1, 2)]
    noise = ("--noise", "poisson(alpha=2)")
    patches = ("--data", photos, "--patches", 8, "--side", 16, "--out", out)
    image = (photos / "a.png", *noise, "--side", 16, "--out", out)
    for command in (
        (
            "run",
            "--models",
            ",".join(models),
            *noise,
            "--metrics",
            "psnr",
            "--pictures",
            0,
            "--data",
            photos,
            "--out",
            out,
        ),
        ("srga", *models, *noise, "--components", 4, *patches),
        ("features", *models, *noise, *patches),
        ("cka", *models, *noise, "--batch", 4, *patches),
        *(("cka", model, "--noise-b", noise[1], "--batch", 4, *patches) for model in models),
        ("brightness", *models, *noise, *patches),
        ("detail", *models, *noise, *patches),
        ("complete", *models, "--ratios", 50, *image),
        ("attribute", *models, "--window", 4, "--steps", 2, *image),
        ("predict", out),
    ):
        result = call(*command)
        assert result.exit_code == 0, result.output
    return out


def test_the_page_names_data_noises_patches_and_models_of_every_figure(call, run, tmp_path):
    figures = saved_figures(run)
    assert list(dict.fromkeys(one.analysis for one in figures)) == [card.name for card in analyses.cards()]
    cells = pd.read_csv(run / "predict/predict-cells.csv")  # scores, SRGA, distances and CKA of the same pixels
    assert len(cells) == 2 and cells[["drop", "srga", "wasserstein", "cka", "noisy input"]].notna().all().all()
    assert call("report", run, "--out", tmp_path / "site").exit_code == 0
    page = (tmp_path / "site/inside.html").read_text()
    for one in figures:
        sample = sample_text(one)
        data = "a.png" if one.analysis in ("complete", "attribute") else "photos"
        assert all(part in sample for part in (data, "16x16", "poisson(alpha=2)", *one.settings["models"]))
        assert {"Stack(seed=1)", "Stack(seed=2)"} & {*one.settings["models"]}
        assert sample in page


PLUGIN = {
    "analysis": """
def mean_level(image):
    return float(image.mean())
""",
    "bench/analyses": """
import pandas as pd
from matplotlib.figure import Figure

from analysis.mean_level import mean_level
from bench.analyses.core.outputs import denoised, outputs_result
from bench.analyses.core.result import CaptionedFigure, TextTable

TITLE = "Mean level"
ORDER = 90
ABOUT = "Mean of the output."


def measure(models, config, noise):
    rows = [(model, mean_level(image)) for _, outputs in denoised(models, config, noise)
            for model, image in outputs.items()]
    table = pd.DataFrame(rows, columns=["model", "mean"]).groupby("model", sort=False).mean().reset_index()
    estimates = [("mean_level", row.model, [row.mean]) for row in table.itertuples()]
    return outputs_result("mean_level", models, config, noise, 1, estimates, tables={"": table}, draw=draw,
                          summarize=summary)


def summary(result):
    rows = [[result.name(row.model), str(row.mean)] for row in result.tables[""].itertuples()]
    return TextTable("Mean level", ("model", "mean"), rows)


def draw(result):
    figure = Figure()
    figure.subplots().bar("model", "mean", data=result.tables[""])
    return [CaptionedFigure("Mean level of outputs", "One bar per model.", figure)]
""",
    "bench/commands": """
from bench.commands.analysis_options import NOISE, analysis_command


@analysis_command(NOISE, patches=4)
def mean_level(models, config, noise):
    '''Measure the mean level.'''
    from bench.analyses import mean_level

    return mean_level.measure(models, config, noise)
""",
}


def test_an_analysis_more_is_three_files(networks, photos, tmp_path):
    """In a copy of the installation, made of links, in a process of its own."""
    root, copy, out = Path(bench.__file__).parents[1], tmp_path / "copy", tmp_path / "run"
    linked(root, copy, {"analysis", "bench", "bench/analyses", "bench/commands"})
    for folder, text in PLUGIN.items():
        (copy / folder / "mean_level.py").write_text(text)

    model, where = f"{networks}:Blur", ("--data", photos, "--out", out)
    commands = [
        ("run", "--models", model, "--noise", "isp", "--metrics", "psnr", "--pictures", 0, *where),
        ("mean_level", model, "--side", 16, *where),
        ("report", out, "--out", tmp_path / "site"),
        ("--help",),
    ]
    code = "import sys; from bench.cli import main; [main(words, standalone_mode=False) for words in eval(sys.argv[1])]"
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    process = [sys.executable, "-c", code, repr([[str(word) for word in command] for command in commands])]
    result = subprocess.run(process, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    inspect = result.stdout.rpartition("Inspect:")[2].partition("Publish:")[0]
    assert "mean_level" in inspect and "Measure the mean level." in inspect
    page = (tmp_path / "site/inside.html").read_text()
    assert "Mean level of outputs" in page and "Mean of the output." in page
    (figure,) = (out / "mean_level").glob("*.svg")
    assert any(file.read_bytes() == figure.read_bytes() for file in (tmp_path / "site").rglob("*.svg"))


def linked(source: Path, target: Path, folders: set[str], inner: str = "") -> None:
    """A copy of a tree made of links; these folders are folders of their own."""
    target.mkdir()
    for entry in source.iterdir():
        name = f"{inner}/{entry.name}".lstrip("/")
        if name in folders:
            linked(entry, target / entry.name, folders, name)
        elif entry.name != "__pycache__":
            (target / entry.name).symlink_to(entry)
