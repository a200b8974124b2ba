"""Models without weights among the others: labels, what determines their rows, commands, pages."""

import json

import pandas as pd
import pytest
import torch
from click.testing import CliRunner

from baselines.nlm import NonLocalMeans
from bench import runner
from bench.cli import main
from bench.core.errors import BadInput
from bench.models import cards, model_specs


def call(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("nlm", "nlm"),
        ("nlm(sigma='estimated')", "nlm"),
        ("nlm(15.0)", "nlm(sigma=15)"),
        ("nlm(patch_size=3.0, h=0.1)", "nlm(h=0.1)"),
        ("tv(weight=0.1)", "tv(weight=0.1)"),
        ("wavelet(method='VisuShrink', sigma=25)", "wavelet(sigma=25, method='VisuShrink')"),
    ],
)
def test_canonical_label(text, label):
    model = model_specs.resolve(text)
    assert model.label == label and model_specs.resolve(label).parameters == model.parameters
    assert model_specs.resolve(text, "full").label == label  # sizes are of networks
    assert (model.size, model.weights, model.file) == ("-", "none needed", None)
    assert model.load().training is False


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nlm(size='small')", "unknown parameter of nlm 'size'"),
        ("nlm(weights=None)", "unknown parameter of nlm 'weights'"),
        ("nlm(sigma=estimated)", "sigma='estimated'"),
        ("nlm(sigma='estimate')", "model nlm(sigma='estimate'): sigma: "),
        ("wavelet(wavelet='db')", "wavelet: "),
        ("tv(weight='much')", "model tv(weight='much'): "),
    ],
)
def test_what_is_wrong_is_told_in_one_line(text, words):
    with pytest.raises(BadInput) as error:
        model_specs.load_model(text)
    assert words in str(error.value) and str(error.value).isprintable()


def test_where_the_noise_level_comes_from_is_in_the_card():
    assert model_specs.resolve("nlm").card["noise_level"].startswith("estimated in each image")
    assert model_specs.resolve("nlm(sigma=15)").card["noise_level"] == "15 of 255, for all images"
    assert model_specs.resolve("tv(weight=0.2)").card["noise_level"] == "not used: weight is 0.2"


@pytest.mark.slow
def test_rows_are_of_the_library_s_version(photos, tmp_path, monkeypatch):
    """The same version: nothing to do; another: other rows, under the same label."""
    run = {"models": ["nlm"], "noises": "gaussian(sigma=15)", "data": (photos,), "out": tmp_path / "run"}
    first = runner.run(**run).rows
    assert first["status"].eq("ok").all() and (first["psnr"] > first["psnr_noisy"] + 1).all()
    assert set(first["weights"]) == {"none needed"} and set(first["size"]) == {"-"}
    assert len(runner.run(**run).rows) == len(first) == 4
    installed = cards.versions
    monkeypatch.setattr(cards, "versions", lambda libraries: {**installed(libraries), "scikit-image": "99.0"})
    second = runner.run(**run).rows
    assert len(second) == 4 and set(second["model"]) == {"nlm"}
    assert not set(second["weights_hash"]) & set(first["weights_hash"])


def test_the_runner_s_outputs_are_the_method_s(photos, tmp_path):
    """A constant level and an estimated one differ where the noise does."""
    rows = runner.run(
        ["nlm", "nlm(sigma=15)"], "gaussian(sigma=50)", data=(photos,), limit=1, out=tmp_path / "run"
    ).rows
    means = rows.pivot(index="noise", columns="model", values="psnr")
    assert means.loc["gaussian(sigma=50)", "nlm"] > means.loc["gaussian(sigma=50)", "nlm(sigma=15)"] + 1
    assert isinstance(model_specs.load_model("nlm"), NonLocalMeans)


@pytest.mark.slow
def test_commands(photos, tmp_path):
    result = call(
        "run",
        "--models",
        "tv,wavelet",
        "--noise",
        "gaussian(sigma=15)",
        "--data",
        photos,
        "--limit",
        1,
        "--out",
        tmp_path / "run",
    )
    assert result.exit_code == 0, result.output
    result = call("report", tmp_path / "run", "-o", tmp_path / "site")
    assert result.exit_code == 0, result.output
    pages = "".join(path.read_text() for path in sorted((tmp_path / "site").rglob("model*.html")))
    for words in (
        "not trained, presets chosen at",
        "estimated in each image",
        "Rudin et al.",
        "PyWavelets",
    ):
        assert words in pages
    exported = pd.DataFrame(json.loads(call("export", tmp_path / "run", "--format", "json").output))
    assert set(exported["model"]) == {"tv", "wavelet"}


def test_info():
    found = " ".join(call("models", "info", "nlm(sigma=15)").output.split())
    for words in (
        "parameters │ 0",
        "FLOPs per pixel │ unknown",
        "receptive field │ 15 pixels",
        "weights │ none needed",
        "BSD-3-Clause (scikit-image)",
        "Buades et al.",
        "sigma=15, patch_size=3",
        "noise level │ ",
        "computed by │ scikit-image 0.",
    ):
        assert words in found, found
    assert "receptive field │ whole image" in " ".join(call("models", "info", "nlm").output.split())


def test_there_is_nothing_to_train_or_to_import(tmp_path):
    torch.save({"a": torch.ones(1)}, tmp_path / "a.pth")
    result = call("train", "nlm", "--data", "builtin", "--out", tmp_path / "x")
    assert result.exit_code == 2 and "dncnn, dropout" in result.output and "nlm" in result.output
    result = call("models", "import", tmp_path / "a.pth", "--as", "mine", "--arch", "tv")
    assert result.exit_code == 2 and "--arch: expected a network" in result.output
    assert len(result.output.splitlines()) == 1
