"""Saved figures of a run folder: files, captions, commands, settings; and models that join them."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bench import analyses
from bench.analyses.core.saved_results import sample_text, saved_figures
from bench.core.errors import BadInput

pytestmark = pytest.mark.slow


@pytest.fixture
def analysed(call, stacks, photos, tmp_path):
    """A run folder with three analyses."""
    out, model = tmp_path / "run", f"{stacks}:Stack"
    small = ("--data", photos, "--patches", 8, "--side", 16, "--out", out)
    for command in (
        ("features", model, "--noise", "poisson(alpha=2)", *small),
        ("cka", model, f"{stacks}:Stack(seed=2)", "--batch", 4, *small),
        ("detail", model, *small),
    ):
        assert call(*command).exit_code == 0
    return out


def test_figures_are_listed_in_the_order_of_the_page(analysed, stacks):
    found = saved_figures(analysed)
    assert [(one.analysis, one.svg.name) for one in found] == [
        ("features", "features-densities.svg"),
        ("features", "features-plane.svg"),
        ("cka", "Stack-gaussian-sigma-15-Stack-seed-2-gaussian-sigma-15.svg"),
        ("detail", "gaussian-sigma-15.svg"),
    ]
    densities, plane, cka, detail = found
    assert set(pd.read_csv(densities.csv)) == {"model", "noise", "deviations", "density"}
    assert set(pd.read_csv(plane.csv)) == {"model", "noise", "first", "second", "share"}
    assert set(pd.read_csv(cka.csv)) == {"layer", "other_layer", "cka", "low", "high"}
    assert set(pd.read_csv(detail.csv)) == {"model", "frequency", "kept", "error_power", "clean_power"}
    assert cka.title == "CKA: Stack and Stack(seed=2), gaussian(sigma=15)"
    assert cka.command.startswith(f"bench cka {stacks}:Stack ") and cka.settings["batches"] == 2
    for one in found:
        assert one.caption.endswith(".") and one.about.endswith(".")
        assert one.svg.read_text().startswith("<?xml") and one.png.read_bytes()[1:4] == b"PNG"
        assert one.pdf.read_bytes().startswith(b"%PDF")


def test_shares_of_the_plane_are_those_of_the_pixels(analysed):
    plane = pd.read_csv(saved_figures(analysed)[1].csv)
    assert plane.groupby("noise")["share"].sum().tolist() == pytest.approx([1, 1], abs=1e-4)


def test_a_folder_without_analyses_has_none(tmp_path):
    assert saved_figures(tmp_path) == []


def test_missing_or_damaged_files_are_named(analysed):
    saved_figures(analysed)[2].png.unlink()
    with pytest.raises(BadInput, match=r"seed-2-gaussian-sigma-15.png.*: bench cka"):
        saved_figures(analysed)
    file = analysed / "cka" / "0.json"
    for text in ("{", "[]", '{"look": "cka"}'):
        file.write_text(text)
        with pytest.raises(BadInput, match="0.json"):
            saved_figures(analysed)


def test_names_stay_in_their_folder(analysed):
    file = next((analysed / "detail").glob("*.json"))
    settings = json.loads(file.read_text())
    settings["figures"][0]["csv"] = "../rows.sqlite"
    file.write_text(json.dumps(settings))
    with pytest.raises(BadInput, match="rows.sqlite"):
        saved_figures(analysed)


def test_every_analysis_is_a_command_and_reading_needs_no_torch():
    from bench.cli import COMMANDS

    assert {card.name for card in analyses.cards()} <= set(COMMANDS)
    code = (
        "import sys, bench.analyses.core.saved_results; sys.exit('torch' in sys.modules or 'matplotlib' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_folder_of_an_older_version_has_no_pdf(analysed):
    file = next((analysed / "detail").glob("*.json"))
    settings = json.loads(file.read_text())
    settings["figures"][0].pop("pdf")
    file.write_text(json.dumps(settings))
    assert saved_figures(analysed)[3].pdf is None and saved_figures(analysed)[2].pdf is not None


@pytest.mark.parametrize(
    "command",
    [
        ("srga", "--noise", "poisson(alpha=2)", "--components", 4),
        ("features", "--noise", "poisson(alpha=2)"),
        ("brightness",),
        ("detail",),
    ],
)
def test_models_of_a_second_call_join_the_figure(call, stacks, photos, tmp_path, command):
    one, two, three = (f"{stacks}:Stack(seed={seed})" for seed in (1, 2, 3))
    name, *options = command
    small = (*options, "--data", photos, "--patches", 8, "--side", 16)
    apart, together = tmp_path / "apart", tmp_path / "together"
    for models in ((one, two), (three, one)):
        result = call(name, *models, *small, "--out", apart)
        assert result.exit_code == 0, result.output
    assert call(name, one, two, three, *small, "--out", together).exit_code == 0
    for file in (together / name).glob("*.csv"):
        tables = (pd.read_csv(each).sort_values("model", kind="stable") for each in (file, apart / name / file.name))
        pd.testing.assert_frame_equal(*(table.reset_index(drop=True) for table in tables), check_exact=True)
    for file in (apart / name).glob("*.svg"):
        assert all(f"Stack(seed={seed})" in file.read_text() for seed in (1, 2, 3))
    figures = saved_figures(apart)
    assert {tuple(one.settings["models"]) for one in figures} == {("Stack(seed=1)", "Stack(seed=2)", "Stack(seed=3)")}
    assert len(figures[0].command.splitlines()) == 2
    assert call(name, one, *small, "--seed", 1, "--out", apart).exit_code == 0  # another question
    assert len(list((apart / name).glob("*.json"))) == 2


@pytest.mark.parametrize("command", [("complete", "--ratios", "50,90"), ("attribute", "--window", 4, "--steps", 2)])
def test_models_of_a_second_call_join_the_figure_of_an_image(call, stacks, photos, tmp_path, command):
    one, two, three = (f"{stacks}:Stack(seed={seed})" for seed in (1, 2, 3))
    name, *options = command
    apart, together = tmp_path / "apart", tmp_path / "together"
    for out, calls in ((apart, ((one, two), (three, one))), (together, ((one, two, three),))):
        for models in calls:
            result = call(name, *models, photos / "a.png", *options, "--side", 16, "--out", out)
            assert result.exit_code == 0, result.output
    (figure,) = saved_figures(apart)
    assert figure.settings["models"] == ["Stack(seed=1)", "Stack(seed=2)", "Stack(seed=3)"]
    assert all(f"(seed={seed})" in figure.svg.read_text() for seed in (1, 2, 3))
    arrays = (next((out / name).glob("*.npz")).read_bytes() for out in (apart, together))
    assert next(arrays) == next(arrays)
    for file in (together / name).glob("*.csv"):
        tables = (pd.read_csv(each).sort_values("model", kind="stable") for each in (file, apart / name / file.name))
        pd.testing.assert_frame_equal(*(table.reset_index(drop=True) for table in tables), check_exact=True)


def test_a_result_of_an_image_of_an_older_version_is_replaced(call, stacks, photos, tmp_path):
    """It has no arrays from which its models could be drawn again; nor has one whose file was cut short."""
    out = tmp_path / "run"
    for seed in (1, 2, 3):
        small = ("--ratios", 50, "--side", 16, "--out", out)
        assert call("complete", f"{stacks}:Stack(seed={seed})", photos / "a.png", *small).exit_code == 0
        (figure,) = saved_figures(out)
        assert figure.settings["models"] == [f"Stack(seed={seed})"]
        (arrays,) = (out / "complete").glob("*.npz")
        arrays.unlink() if seed == 1 else arrays.write_bytes(arrays.read_bytes()[:100])


def test_an_edited_noise_is_measured_again_and_not_joined(call, stacks, photos, tmp_path):
    noise, out = tmp_path / "mine.py", tmp_path / "run"
    source = (
        "from dataclasses import dataclass\nfrom noise_zoo.noise import Noise\n"
        "@dataclass(frozen=True)\nclass Mine(Noise):\n    def __call__(self, clean, rng):\n"
        "        return clean + AMOUNT * rng.standard_normal(clean.shape).astype('float32'), clean\n"
    )
    small = ("--noise", f"{noise}:Mine", "--data", photos, "--patches", 8, "--side", 16, "--out", out)
    values = []
    for amount, models in ((0.1, (1, 2)), (0.4, (1,))):
        noise.write_text(source.replace("AMOUNT", str(amount)))
        result = call("srga", *(f"{stacks}:Stack(seed={seed})" for seed in models), "--components", 4, *small)
        assert result.exit_code == 0, result.output
        values.append(pd.read_csv(out / "srga/srga.csv").set_index("model")["srga"])
    assert list(values[1].index) == ["Stack(seed=1)"] and values[1].iloc[0] > values[0].iloc[0]


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_models_of_replaced_pictures_do_not_join(call, stacks, tmp_path, mode):
    """Other pixels under the same names, and greyscale ones in the place of colour ones."""
    folder, out = tmp_path / "mine", tmp_path / "run"
    folder.mkdir()
    for seed, kind in ((1, "RGB"), (2, mode)):
        pixels = np.random.default_rng(seed).integers(0, 256, (48, 48, 3), dtype=np.uint8)
        Image.fromarray(pixels).convert(kind).save(folder / "a.png")
        small = ("--noise", "poisson(alpha=2)", "--data", folder, "--patches", 8, "--side", 16, "--out", out)
        result = call("srga", f"{stacks}:Stack(seed={seed})", "--components", 4, *small)
        assert result.exit_code == 0, result.output
    (figure,) = saved_figures(out)
    assert figure.settings["models"] == ["Stack(seed=2)"]
    assert list(pd.read_csv(figure.csv)["model"]) == ["Stack(seed=2)"]


def test_each_figure_says_what_it_was_computed_on(analysed):
    text = sample_text(saved_figures(analysed)[0])
    assert all(part in text for part in ("photos", "8 of 16x16", "gaussian(sigma=15)", "poisson(alpha=2)", "Stack"))


def test_a_folder_of_the_version_before_is_read_and_joined(call, stacks, photos, tmp_path):
    """The same files, with the fields that the version before wrote."""
    out, small = tmp_path / "run", ("--data", photos, "--patches", 8, "--side", 16)
    for name in ("features", "detail"):
        assert call(name, f"{stacks}:Stack(seed=1)", *small, "--out", out).exit_code == 0
    for file in out.glob("*/*.json"):
        saved = json.loads(file.read_text())
        for new in ("noise_versions", "component_shares"):
            saved.pop(new, None)
        file.write_text(json.dumps({**saved, "title": "A title", "words": "How to read it."}))
    assert len(saved_figures(out)) == 3
    for name in ("features", "detail"):
        assert call(name, f"{stacks}:Stack(seed=2)", *small, "--out", out).exit_code == 0
    assert all(len(one.settings["models"]) == 2 for one in saved_figures(out))


def test_cka_of_other_layers_is_another_question(call, stacks, photos, tmp_path):
    out, model = tmp_path / "run", f"{stacks}:Stack"
    for layers in ("0", "1", "0"):
        small = ("--data", photos, "--patches", 8, "--side", 16, "--batch", 4, "--out", out)
        assert call("cka", model, f"{model}(seed=2)", "--layers", layers, *small).exit_code == 0
    assert [one.settings["layers"] for one in saved_figures(out)] == [[["0"], ["0"]], [["1"], ["1"]]]
