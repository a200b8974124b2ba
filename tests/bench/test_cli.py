"""The command line: bad input ends in one line and exit code 2, nothing is lost, failures give 3."""

import json
import sys

import pandas as pd
import pytest
from click.testing import CliRunner

from bench.cli import main
from bench.datasets import read_file


@pytest.fixture(autouse=True)
def clean_settings(monkeypatch, tmp_path):
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("BENCH_DATA", raising=False)
    monkeypatch.setattr(sys, "argv", ["bench"])


def call(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def done(tmp_path, photos, networks):
    """A finished run folder."""
    folder = tmp_path / "run"
    result = call("run", "--models", f"{networks}:Blur", "--noise", "mixture", "--data", photos, "--out", folder)
    assert result.exit_code == 0, result.output
    return folder


@pytest.mark.slow
def test_run_prints_the_plan_and_a_table(tmp_path, photos, networks):
    models = f"{networks}:Blur,{networks}:Blur(strength=0.5)"
    result = call(
        "run", "--models", models, "--noise", "mixture", "--data", photos, "--limit", 2, "--out", tmp_path / "r"
    )
    assert result.exit_code == 0, result.output
    assert all(count in result.output for count in ("2 models", "5 noises", "2 images", "1 seed:", "20 rows"))
    for word in (
        "Blur(strength=0.5)",
        "noisy",
        "gaussian(sigma=15)",
        "OOD mean",
        "drop",
        "photos(limit=2), 2 images",
    ):
        assert word in result.output


@pytest.mark.parametrize(
    ("words", "near"), [(["rn"], "run"), (["noise", "aply"], "apply"), (["models", "inf"], "info")]
)
def test_mistyped_commands_get_a_hint(words, near):
    result = call(*words)
    assert result.exit_code == 2
    assert result.output.startswith(f"Error: unknown command {words[-1]!r}. Did you mean {near!r}")
    assert len(result.output.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--models", "our"], ["unknown model 'our'", "Did you mean 'ours'"]),
        (["--noise", "gausian(sigma=25)"], ["unknown noise 'gausian'", "Did you mean 'gaussian'"]),
        (["--noise", "gaussian(sigm=25)"], ["unknown parameter of gaussian", "Did you mean 'sigma'"]),
        (["--noise", "gaussian(sigma=-1)"], ["gaussian", "-1"]),
        (["--noise", "gaussian(sigma=25"], ["gaussian(sigma=25"]),
        (["--noise", ","], ["--noise"]),
        (["--datasets", "CBSD86"], ["unknown data set 'CBSD86'", "Did you mean 'CBSD68'"]),
        (["--datasets", "CBSD68"], ["CBSD68", "bench data add CBSD68"]),
        (["--datasets", "builtin(crop=0)"], ["crop", "0"]),
        (["--datasets", ""], ["expected a data set"]),
        (["--protocol", "store"], ["unknown protocol 'store'", "Did you mean 'stored'"]),
        (["--seeds", "a"], ["--seeds", "'a'"]),
        (["--device", "cuda:99"], ["device"]),
        (["--models", "nowhere.py:Net"], ["nowhere.py"]),
        (["--models", "dncnn(weights='nothing.pth')"], ["weights of dncnn", "'nothing.pth'"]),
        (["--tile", "half"], ["--tile", "'half'"]),
        (["--tile", "100"], ["Blur", "multiple of 8", "100"]),
        (["--data", "no/such/folder"], ["no/such/folder"]),
    ],
)
def test_bad_input_is_one_line_and_code_2(arguments, words, networks, tmp_path):
    base = {"--models": f"{networks}:Blur", "--noise": "mixture", "--out": str(tmp_path / "run")}
    given = {**base, **dict(zip(arguments[::2], arguments[1::2], strict=True))}
    result = call("run", *[word for pair in given.items() for word in pair])
    assert result.exit_code == 2, result.output
    line = result.output.strip().splitlines()[-1]
    assert line.startswith("Error:") and all(word in line for word in words), result.output
    assert "Traceback" not in result.output


def test_checkpoint_with_wrong_keys(tmp_path):
    import torch

    torch.save({"conv.weight": torch.zeros(3)}, tmp_path / "x.pth")
    result = call("run", "--models", f"dncnn(weights='{tmp_path / 'x.pth'}')", "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert "x.pth" in result.output and "DnCNN" in result.output and "model.0.weight" in result.output


def test_a_folder_without_images(tmp_path, networks):
    (tmp_path / "empty").mkdir()
    result = call("run", "--models", f"{networks}:Blur", "--data", tmp_path / "empty", "--out", tmp_path / "run")
    assert result.exit_code == 2 and str(tmp_path / "empty") in result.output


@pytest.mark.slow
def test_failed_rows_give_code_3_and_are_counted(tmp_path, photos, networks):
    (photos / "b.png").write_text("not a picture")
    out = tmp_path / "run"
    result = call("run", "--models", f"{networks}:Blur", "--noise", "gaussian", "--data", photos, "--out", out)
    assert result.exit_code == 3
    assert result.output.count("failed: photos, b.png") == 1  # once for all models and noises
    assert "3 of 12 rows" in result.output
    frame = pd.DataFrame(json.loads(call("export", out, "--format", "json").output))
    assert frame["status"].value_counts().to_dict() == {"ok": 9, "failed": 3}


def test_an_interrupt_gives_code_130(tmp_path, photos, networks, monkeypatch):
    from bench import runner

    def interrupted(*_, **__):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(runner.Execution, "steps", interrupted)
    result = call("run", "--models", f"{networks}:Blur", "--data", photos, "--out", tmp_path / "run")
    assert result.exit_code == 130


def test_a_full_disk_is_one_line(tmp_path, photos, networks, monkeypatch):
    from bench.runs import store

    def full(*_):
        raise store.StoreFull("run cannot be written: database or disk is full")

    monkeypatch.setattr(store.Store, "write", full)
    result = call("run", "--models", f"{networks}:Blur", "--data", photos, "--out", tmp_path / "run")
    assert result.exit_code == 2 and "disk is full" in result.output


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["csv", "json", "markdown", "latex"])
@pytest.mark.parametrize("per", ["image", "cell"])
def test_export(done, kind, per):
    result = call("export", done, "--format", kind, "--per", per)
    assert result.exit_code == 0, result.output
    text = result.output
    if kind == "csv":
        from io import StringIO

        frame = pd.read_csv(StringIO(text))
        assert len(frame) == (20 if per == "image" else 10)  # 5 noises x 4 images, or 5 noises x (Blur, noisy)
        wanted = {"model", "weights", "dataset", "image", "noise", "seed", "protocol", "psnr", "ssim", "psnr_noisy",
                  "ssim_noisy", "seconds", "status"}  # fmt: skip
        assert per == "cell" or wanted <= set(frame.columns)
    if kind == "json":
        assert json.loads(text)[0]["noise"].startswith(("gaussian", "mixture"))
    if kind == "latex":
        assert "\n\\begin{tabular}{ll" in text and "\\midrule" in text and "noise\\_name" in text
    if kind == "markdown":
        assert text.splitlines()[1].replace("|", "").replace("-", "").strip() == ""


@pytest.mark.slow
def test_export_parquet_equals_csv(done, tmp_path):
    assert call("export", done, "--format", "parquet").exit_code == 2
    assert call("export", done, "--format", "parquet", "-o", tmp_path / "x.parquet").exit_code == 0
    assert call("export", done, "--format", "csv", "-o", tmp_path / "new" / "x.csv").exit_code == 0
    left, right = pd.read_parquet(tmp_path / "x.parquet"), pd.read_csv(tmp_path / "new" / "x.csv")
    assert (left["psnr"].to_numpy() == right["psnr"].to_numpy()).all()


def test_what_is_no_run_folder(tmp_path):
    for command in ("export", "report"):
        result = call(command, tmp_path)
        assert result.exit_code == 2 and "rows.sqlite" in result.output


@pytest.mark.slow
def test_report_of_a_run(done, tmp_path):
    result = call("report", done, "-o", tmp_path / "site")
    assert result.exit_code == 0, result.output
    page = (tmp_path / "site/index.html").read_text()
    assert "Blur" in page and "mixture" in page
    methods = (tmp_path / "site/methods.html").read_text()
    assert "LPIPS was not measured" in methods and "stored" in methods
    assert list((tmp_path / "site/pictures").iterdir())


@pytest.mark.slow
def test_the_report_says_what_tiles_are(done, tmp_path):
    call("report", done, "-o", tmp_path / "site")
    assert "square tiles" not in (tmp_path / "site/methods.html").read_text()
    model = "rnan(weights=None, n_feats=4, n_resgroups=2)"
    assert call("run", "--models", model, "--data", tmp_path / "photos", "--limit", 1, "--out", done).exit_code == 0
    call("report", done, "-o", tmp_path / "site")
    assert "square tiles" in (tmp_path / "site/methods.html").read_text()


@pytest.mark.slow
def test_noise_apply_writes_the_pixels_that_a_run_uses(done, photos, tmp_path):
    result = call("noise", "apply", "mixture(level=2)", photos, tmp_path / "noisy")
    assert result.exit_code == 0, result.output
    manifest = json.loads((tmp_path / "noisy/manifest.json").read_text())
    assert manifest["noise"] == "mixture(level=2)" and manifest["seed"] == 0
    rows = pd.DataFrame(json.loads(call("export", done, "--format", "json").output))
    rows = rows[rows["noise"] == "mixture(level=2)"].set_index("image")
    for name in ("a.png", "b.png", "c.png", "d.png"):
        assert manifest["files"][name]["psnr"] == rows.loc[name, "psnr_noisy"]
        assert read_file(tmp_path / "noisy" / name).shape == (40, 48, 3)
    assert call("noise", "apply", "mixture(level=2)", photos, photos).exit_code == 2
    assert call("noise", "apply", "mixture", photos, tmp_path / "x").exit_code == 2  # a level is wanted


@pytest.mark.slow
def test_noise_list_and_show(tmp_path):
    listed = call("noise", "list").output
    assert all(name in listed for name in ("gaussian", "speckle", "poisson", "correlated", "salt_pepper", "mixture"))
    shown = call("noise", "show", "gaussian", "-o", tmp_path / "sheet.png")
    assert shown.exit_code == 0 and "gaussian(sigma=50)" in shown.output
    assert read_file(tmp_path / "sheet.png").shape[1] > 1000


def test_data_add_and_list(photos, tmp_path):
    assert call("data", "add", "holiday", photos).output == "holiday: 4 images\n"
    assert "holiday" in call("data", "list").output
    refused = call("data", "add", "CBSD68", photos)
    assert refused.exit_code == 2 and "CBSD68" in refused.output
    assert call("data", "add", "builtin", photos).exit_code == 2


def test_models_list_and_info():
    assert "restormer" in call("models", "list").output
    info = call("models", "info", "dncnn(size='full', weights=None)")
    assert info.exit_code == 0 and "668,227" in info.output
