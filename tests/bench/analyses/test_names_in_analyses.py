"""Display names in the figures, tables and pages of analyses; measurements and files keep the specs."""

import json

import pytest

from bench.analyses.core.saved_results import saved_figures
from bench.runs.run_specs import RunModels

pytestmark = pytest.mark.slow

PATCHES = ("--patches", 8, "--side", 16)
COMMANDS = {
    "cka": (*PATCHES, "--batch", 4),
    "srga": (*PATCHES, "--noise", "poisson(alpha=2)", "--components", 4),
    "features": (*PATCHES, "--noise", "poisson(alpha=2)"),
    "brightness": PATCHES,
    "detail": PATCHES,
    "complete": ("--ratios", 50, "--side", 16),
    "attribute": ("--window", 4, "--steps", 2, "--side", 16),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_name_is_in_the_figure_and_the_printed_table(call, stacks, photos, tmp_path, command):
    out, models = tmp_path / "run", (f"Mine={stacks}:Stack(seed=1)", f"{stacks}:Stack(seed=2)")
    data = (photos / "a.png",) if command in ("complete", "attribute") else ("--data", photos)
    result = call(command, *models, *data, *COMMANDS[command], "--out", out)
    assert result.exit_code == 0, result.output
    assert "Mine" in result.output.split("files:")[0] and "Stack(seed=1)" not in result.output.split("files:")[0]
    for figure in saved_figures(out):
        if figure.svg.stem != "features-plane":
            assert "Mine" in figure.svg.read_text()
        assert "Stack(seed=1)" not in figure.svg.read_text() + figure.title + figure.caption
        assert "Stack(seed=1)" in figure.settings["models"] and figure.names["Stack(seed=1)"] == "Mine"
    for file in (out / command).glob("*.csv"):
        assert "Mine" not in file.read_text()  # of which model a row is does not depend on its name


def test_names_of_the_run_are_accepted_and_shown(call, stacks, photos, tmp_path):
    out = tmp_path / "run"
    common = ("--data", photos, "--out", out)
    models = f"'My net'={stacks}:Stack(seed=1), {stacks}:Stack(seed=2)"
    run = ("run", "--models", models, "--noise", "poisson(alpha=2)", "--metrics", "psnr", "--pictures", 0)
    assert call(*run, *common).exit_code == 0
    for names in (("My net",), ("--models", "'My net', Stack(seed=2)")):
        result = call("srga", *names, "--noise", "poisson(alpha=2)", "--components", 4, *PATCHES, *common)
        assert result.exit_code == 0, result.output
        assert "My net" in result.output
    (figure,) = saved_figures(out)
    assert figure.settings["models"] == ["Stack(seed=1)", "Stack(seed=2)"]
    assert call("predict", out).exit_code == 0
    assert "My net" in (out / "predict/predict.svg").read_text()
    assert call("report", out, "--out", tmp_path / "site").exit_code == 0
    assert "models: My net, Stack(seed=2)" in (tmp_path / "site/inside.html").read_text()


def test_a_name_given_to_an_analysis_is_kept_in_the_run(call, stacks, photos, tmp_path):
    out = tmp_path / "run"
    common = ("--data", photos, "--out", out)
    run = ("run", "--models", f"{stacks}:Stack", "--noise", "poisson(alpha=2)", "--metrics", "psnr")
    assert call(*run, "--pictures", 0, *common).exit_code == 0
    assert call("detail", f"Mine={stacks}:Stack", *PATCHES, *common).exit_code == 0
    assert RunModels.of(out).name("Stack") == "Mine"
    assert call("detail", f"{stacks}:Stack", *PATCHES, *common).exit_code == 0
    assert "Mine" in (out / "detail/gaussian-sigma-15.svg").read_text()


def test_a_saved_result_of_an_older_version_has_labels(call, stacks, photos, tmp_path):
    assert call("detail", f"Mine={stacks}:Stack", "--data", photos, *PATCHES, "--out", tmp_path / "run").exit_code == 0
    (file,) = (tmp_path / "run/detail").glob("*.json")
    saved = json.loads(file.read_text())
    del saved["names"]
    file.write_text(json.dumps(saved))
    (figure,) = saved_figures(tmp_path / "run")
    assert figure.names == {} and figure.settings["models"] == ["Stack"]
