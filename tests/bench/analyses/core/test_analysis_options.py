"""Options of the analyses: models as arguments or with --models, data sets of the run, an analysis for each command."""

import json
from pathlib import Path

import pytest

from bench import analyses
from bench.commands.analysis_options import is_image

pytestmark = pytest.mark.slow


def saved(out: Path) -> dict:
    (file,) = out.glob("*/*.json")
    return json.loads(file.read_text())


@pytest.mark.parametrize("how", ["arguments", "text", "option", "both"])
@pytest.mark.parametrize("command", ["detail", "complete", "cka"])
def test_models_are_named_with_commas_or_spaces_or_with_the_option(call, networks, photos, tmp_path, command, how):
    one, two = f"{networks}:Blur", f"{networks}:Blur(strength=0.5)"
    words = {
        "arguments": (one, two),
        "text": (f"{one}, {two}",),
        "option": ("--models", f"{one},{two}"),
        "both": ("--models", one, two),
    }[how]
    small = ("--side", 16) if command == "complete" else ("--data", photos, "--side", 16, "--patches", 4)
    small += ("--batch", 4, "--layers", "") if command == "cka" else ()
    if command == "cka":  # Blur has no layers: the error names the first model, so both were read
        result = call(command, *words, *small, "--out", tmp_path / "run")
        assert result.exit_code == 2 and "model Blur:" in result.output
        return
    result = call(command, *words, *small, "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert saved(tmp_path / "run")["models"] == ["Blur", "Blur(strength=0.5)"]


def test_data_sets_are_those_of_the_run_by_default(call, networks, photos, tmp_path):
    out, model = tmp_path / "run", f"{networks}:Blur"
    small = ("--side", 16, "--patches", 4, "--out", out)
    assert (
        call(
            "run",
            "--models",
            model,
            "--datasets",
            "builtin(limit=1, crop=32)",
            "--noise",
            "speckle(var=0.02)",
            "--metrics",
            "psnr",
            "--pictures",
            0,
            "--out",
            out,
        ).exit_code
        == 0
    )
    assert call("detail", model, *small).exit_code == 0
    assert saved(out)["datasets"] == ["builtin(crop=32, limit=1)"]


def test_a_run_on_a_folder_that_has_no_name_here_asks_for_it(call, networks, photos, tmp_path):
    out, model = tmp_path / "run", f"{networks}:Blur"
    assert (
        call(
            "run",
            "--models",
            model,
            "--data",
            photos,
            "--noise",
            "speckle(var=0.02)",
            "--metrics",
            "psnr",
            "--pictures",
            0,
            "--out",
            out,
        ).exit_code
        == 0
    )
    result = call("detail", model, "--side", 16, "--out", out)
    assert result.exit_code == 2 and "photos" in result.output and "--data" in result.output
    assert call("detail", model, "--side", 16, "--patches", 4, "--data", photos, "--out", out).exit_code == 0


def test_an_image_is_known_by_its_suffix():
    assert is_image("a photo.PNG") and not is_image("net.py:Net") and not is_image("dncnn(weights='a.pth')")


def test_an_analysis_has_one_name_in_three_places():
    root = Path(analyses.__file__).parents[2]
    for card in analyses.cards():
        for folder in ("analysis", "bench/analyses", "bench/commands"):
            assert (root / folder / f"{card.name}.py").is_file()
    assert len(analyses.cards()) >= 8
