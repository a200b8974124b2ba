"""Names of models and selections of rows: in tables, exports, comparisons and pages; keys of rows stay."""

import csv
import io
import json
import shutil

import pytest
import torch
from click.testing import CliRunner

from bench import spec
from bench.cli import main
from bench.core.errors import BadInput
from bench.models import display_names, model_specs
from bench.runs.store import Store
from tests.bench.conftest import NETWORK

pytestmark = pytest.mark.slow


def call(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def keys(run) -> set[str]:
    with Store.open(run) as store:
        return set(store.rows(hidden=True)["key"])


def table(result) -> list[dict]:
    assert result.exit_code == 0, result.output
    return list(csv.DictReader(io.StringIO(result.stdout)))


@pytest.mark.parametrize(("text", "expected"), [
    ("Mine=net.py:Net(width=3)", ("Mine", "net.py:Net(width=3)")), ("'Mine 2' = ours", ("Mine 2", "ours")),
    ("ours(size='full')", ("", "ours(size='full')")), ("ours", ("", "ours")), ("a==b", ("", "a==b")),
])  # fmt: skip
def test_split_label(text, expected):
    assert spec.split_label(text) == expected


def test_lists_keep_names_together(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a/net.py").write_text(NETWORK)
    assert spec.split_list("Mine = a/net.py:Blur(strength=0.5) 'Two words'=ours, tv") == [
        "Mine=a/net.py:Blur(strength=0.5)",
        "'Two words'=ours",
        "tv",
    ]


def test_a_name_is_in_every_table_and_in_no_key(networks, photos, tmp_path):
    common = ("--noise", "gaussian(sigma=25)", "--data", photos, "--limit", 2, "--metrics", "psnr", "--out")
    assert call("run", "--models", f"{networks}:Blur", *common, tmp_path / "plain").exit_code == 0
    result = call(
        "run", "--models", f"My net={networks}:Blur, Smooth=tv".replace("My net", "'My net'"), *common, tmp_path / "r"
    )
    assert result.exit_code == 0 and "My net" in result.output
    assert keys(tmp_path / "plain") < keys(tmp_path / "r")
    assert "My net" in call("status", tmp_path / "r").output
    rows = table(call("export", tmp_path / "r", "--models", "'My net'", "--noise", "gaussian(sigma=25)"))
    assert {(row["model"], row["label"]) for row in rows} == {("Blur", "My net")}
    assert "My net" in call("export", tmp_path / "r", "--per", "table", "--format", "latex").output
    compared = call("compare", tmp_path / "r", "--models", "'My net'", "--against", "Smooth", "--format", "csv")
    assert {(row["model"], row["against"]) for row in table(compared)} == {("My net", "Smooth")}
    before = keys(tmp_path / "r")
    assert call("runs", "label", tmp_path / "r", "'My net'=Other", "tv=").exit_code == 2  # quotes are part of it here
    assert call("runs", "label", tmp_path / "r", "My net=Other", "tv=").exit_code == 0
    assert keys(tmp_path / "r") == before
    assert {row["label"] for row in table(call("export", tmp_path / "r"))} == {"Other", "tv"}
    assert call("runs", "label", tmp_path / "r", "tv=Other").exit_code == 2


def test_a_name_means_one_model_also_after_later_commands(networks, photos, tmp_path):
    common = ("--noise", "gaussian(sigma=25)", "--data", photos, "--limit", 1, "--metrics", "psnr", "--out", tmp_path)
    for models in (f"Mine={networks}:Blur", "Mine=tv", f"tv={networks}:Blur(strength=0.5)"):
        assert call("run", "--models", models, *common).exit_code == 0
    names = {row["model"]: row["label"] for row in table(call("export", tmp_path))}
    assert names == {"Blur": "Blur", "tv": "Mine", "Blur(strength=0.5)": "Blur(strength=0.5)"}
    for name in ("tv", "Mine"):  # a label always means its own rows
        assert {row["model"] for row in table(call("export", tmp_path, "--models", name))} == {"tv"}


def test_two_weights_of_one_name_are_two_models(networks, photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    network = model_specs.resolve(f"{networks}:Blur").untrained()
    for folder, value in (("a", 0.0), ("b", 1.0)):
        (tmp_path / folder).mkdir()
        state = {name: torch.full_like(tensor, value) for name, tensor in network.state_dict().items()}
        torch.save(state or {"unused": torch.full((1,), value)}, f"{folder}/w.pth")
    shutil.copy(networks, "c.py")
    models, _ = model_specs.expand(f"{networks}:Blur, c.py:Blur")
    labels = [model.label for model in models]
    assert len(set(labels)) == 2 and all(spec.parse(label).name.endswith(":Blur") for label in labels)
    models, _ = model_specs.expand("dncnn(weights=None), dncnn(weights=None)")
    assert len(models) == 1


@pytest.mark.parametrize("models", ["A=ours, A=tv", "A=ours, B=ours", "tv=ours, tv", "noisy=ours", "A=all"])
def test_names_that_clash_are_refused(models):
    with pytest.raises(BadInput):
        model_specs.expand(models)


def test_long_specs_are_shortened_as_far_as_they_stay_unique():
    long = [f"UNet(depth=4, width={width}, weights='runs/train/unet/unet-{width}.safetensors')" for width in (32, 64)]
    alone = display_names.display_names(long[:1], {})
    assert alone == {long[0]: "UNet"}
    both = display_names.display_names([*long, "ours"], {})
    assert len(set(both.values())) == 3 and both["ours"] == "masked (ours)"
    assert all("width" in both[label] and "depth" not in both[label] for label in long)
    assert display_names.display_names(long, {long[0]: "Mine"})[long[0]] == "Mine"


@pytest.mark.parametrize(
    ("options", "left"),
    [
        (("--models", "tv"), {"models": {"tv"}}),
        (("--noise", "mixture(level=2)"), {"noises": {"gaussian(sigma=15)", "mixture(level=2)"}}),
        (("--seeds", "1"), {"seeds": {"1"}}),
    ],
)
def test_every_command_that_reads_a_run_selects(networks, photos, tmp_path, options, left):
    run = tmp_path / "r"
    assert (
        call(
            "run",
            "--models",
            f"{networks}:Blur, tv",
            "--noise",
            "mixture",
            "--data",
            photos,
            "--limit",
            2,
            "--seeds",
            "0,1",
            "--metrics",
            "psnr,ssim",
            "--out",
            run,
        ).exit_code
        == 0
    )
    rows = table(call("export", run, *options))
    found = {
        "models": {row["model"] for row in rows},
        "noises": {row["noise"] for row in rows},
        "seeds": {row["seed"] for row in rows},
    }
    assert all(found[name] == values for name, values in left.items()) and len(rows) < 40
    status = call("status", run, *options)
    assert status.exit_code == 0 and f"{len(rows) // 2} of" in status.output
    assert call("report", run, *options, "-o", tmp_path / "site").exit_code == 0
    study = json.loads((tmp_path / "site/study.json").read_text())
    assert str(len(rows)) in json.dumps(study) or (tmp_path / "site/index.html").exists()
    assert "ssim" not in table(call("export", run, *options, "--metrics", "psnr"))[0]
    assert call("export", run, "--models", "nothing").exit_code == 2


def test_a_class_stands_for_its_only_model(networks, photos, tmp_path):
    common = ("--noise", "gaussian(sigma=25)", "--data", photos, "--limit", 1, "--metrics", "psnr", "--out", tmp_path)
    assert call("run", "--models", f"{networks}:Blur(strength=0.5), tv(sigma=20)", *common).exit_code == 0
    compared = call("compare", tmp_path, "--models", "Blur", "--against", "tv(sigma=20)", "--format", "csv")
    assert {row["model"] for row in table(compared)} == {"Blur(strength=0.5)"}
    assert call("compare", tmp_path, "--models", "tv", "--against", "Blur").exit_code == 2  # tv is that of all defaults
    assert call("run", "--models", f"{networks}:Blur(strength=0.3)", *common).exit_code == 0
    assert call("export", tmp_path, "--models", "Blur").exit_code == 2  # which of two


def test_status_shows_the_last_command_under_a_protocol(networks, photos, tmp_path):
    common = ("--noise", "gaussian(sigma=25)", "--data", photos, "--metrics", "psnr", "--out", tmp_path)
    for protocol, limit in (("stored", 1), ("float", 2)):
        run = ("run", "--models", f"{networks}:Blur", "--limit", limit, "--protocol", protocol, *common)
        assert call(*run).exit_code == 0
    for protocol, limit in (("stored", 1), ("float", 2)):
        result = call("status", tmp_path, "--protocol", protocol)
        assert result.exit_code == 0 and f"photos(limit={limit})" in result.output, result.output
    assert call("status", tmp_path, "--protocol", "masked-denoising").exit_code == 2


def test_a_network_without_weights_is_said_to_be_as_constructed(tmp_path, photos, networks):
    (tmp_path / "conv.py").write_text(
        "from torch import nn\nclass Conv(nn.Conv2d):\n    def __init__(self):\n        super().__init__(3, 3, 1)\n"
    )
    common = ("--noise", "gaussian(sigma=25)", "--data", photos, "--limit", 1, "--metrics", "psnr", "--out", tmp_path)
    result = call("run", "--models", f"{tmp_path}/conv.py:Conv, {networks}:Blur", *common)
    notes = [line for line in result.output.splitlines() if "as constructed" in line]
    assert len(notes) == 1 and notes[0].startswith("note: Conv:")  # Blur has no parameters
    rows = table(call("export", tmp_path))
    assert {(row["weights"], row["size"]) for row in rows} == {("as constructed", "user-defined")}
    with Store.open(tmp_path) as store:  # keys of older rows have these words
        assert set(store.rows()["weights"]) == {"none"} and set(store.rows()["size"]) == {"own"}
    assert call("report", tmp_path, "-o", tmp_path / "site").exit_code == 0
    page = next(file for file in (tmp_path / "site").rglob("*.html") if "Conv" in file.name or "conv" in file.name)
    assert "as constructed" in page.read_text()
