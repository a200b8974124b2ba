"""`bench models import`: weights from anywhere under a name, and one clear line for what is no weights."""

import json
import zipfile

import numpy as np
import pytest
import safetensors.torch
import scipy.io
import torch
from click.testing import CliRunner

from baselines.dncnn import DnCNN
from baselines.idf import IDF
from baselines.masked_swinir import MaskedSwinIR
from baselines.restormer import Restormer
from baselines.ridnet import RIDNet
from baselines.rnan import RNAN
from baselines.swinir import SwinIR
from baselines.weights_io import checkpoints
from bench.cli import main
from bench.core.errors import BadInput
from bench.models import cards, importing, model_specs

TINY = {"nc": 4, "nb": 3}
SWIN = {"embed_dim": 8, "depths": (1,), "num_heads": (2,), "window_size": 4}


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """An empty folder of the user's, shipped weights of `ours`, and a folder to work in."""
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    card = {"name": "ours-mini", "model": "ours", "size": "small", "network": {**SWIN, "depths": [1], "num_heads": [2]}}
    checkpoints.write_weights(MaskedSwinIR(**SWIN).state_dict(), shipped / "ours-mini.safetensors", card)
    monkeypatch.setattr(cards, "weights_folder", lambda: shipped)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


def call(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def imported(file, name="mine", *options):
    result = call("models", "import", file, "--as", name, *options)
    assert result.exit_code == 0, result.output
    return result.output


def state(network=None):
    return (network or DnCNN(**TINY)).state_dict()


def test_import_copies_the_tensors_and_a_card(place):
    grey = DnCNN(**TINY, in_nc=1, out_nc=1, act_mode="BR")
    torch.save({"params": state(grey)}, "grey.pth")
    output = imported("grey.pth", "grey25", "--licence", "MIT", "--trained-on", "gaussian(sigma=25)")
    assert "grey25: a DnCNN of 3 layers for greyscale images, 233 parameters, from grey.pth" in output
    assert "--models grey25" in output
    file = place / "home" / "weights" / "grey25.safetensors"
    found = safetensors.torch.load_file(file)
    assert found.keys() == state(grey).keys() and all(torch.equal(found[k], v) for k, v in state(grey).items())
    card = json.loads(file.with_suffix(".json").read_text())
    assert card.pop("imported_at").startswith("20") and card.pop("bytes") == file.stat().st_size
    origin = {
        "file": "grey.pth",
        "bytes": (place / "work/grey.pth").stat().st_size,
        "sha256": checkpoints.file_hash(place / "work/grey.pth"),
        "part": "params",
        "others": [],
    }
    trial = card.pop("trial")
    assert trial["noise"] == "gaussian(sigma=25)" and 19 < trial["psnr_noisy"] < 22 and trial["psnr"] > 0
    assert card == {
        "name": "grey25",
        "model": "dncnn",
        "size": "full",
        "title": "DnCNN",
        "paper": card["paper"],
        "licence": "MIT",
        "parameters": 233,
        "flops_per_pixel": 3 * 2 * 9 * (4 + 16 + 4),  # three channels, each by itself
        "receptive_field": 7,
        "network": {"in_nc": 1, "out_nc": 1, "nc": 4, "nb": 3, "act_mode": "BR"},
        "assumed": {},
        "doubt": "",
        "trained_on": {"noise": "gaussian(sigma=25)"},
        "origin": origin,
        "sha256": checkpoints.file_hash(file),
    }


@pytest.mark.slow
def test_imported_weights_are_a_model_by_their_name(photos, place):
    torch.save(state(), "net.pth")
    imported("net.pth", "grey25")
    assert "grey25" in call("models", "list").output
    (model,), _ = model_specs.expand("grey25")
    assert model.label == model_specs.resolve("dncnn(weights='grey25')").label and model.display_name == "grey25"
    assert [one.label for one in model_specs.expand("grey25, dncnn(weights='grey25')")[0]] == [model.label]
    result = call(
        "run",
        "--models",
        "grey25, tv",
        "--noise",
        "gaussian(sigma=25)",
        "--data",
        photos,
        "--limit",
        1,
        "--metrics",
        "psnr",
        "--out",
        "r",
    )
    assert result.exit_code == 0 and "grey25" in result.output, result.output
    assert call("compare", "r", "--models", "grey25", "--against", "tv").exit_code == 0
    assert call("models", "remove", "grey25").exit_code == 0 and "grey25" not in call("models", "list").output
    assert call("models", "remove", "grey25").exit_code == 2 and call("models", "info", "grey25").exit_code == 2


@pytest.mark.parametrize("name", ["dncnn", "masked", "all", "tv"])
def test_names_of_models_are_no_names_of_weights(name):
    torch.save(state(), "net.pth")
    assert call("models", "import", "net.pth", "--as", name).exit_code == 2


@pytest.mark.slow
def test_an_imported_name_is_a_model(photos, place):
    torch.save(state(), "a.pth")
    imported("a.pth", "mine")
    model = model_specs.resolve("dncnn(weights='mine')")
    assert model.label == "dncnn(size='full', weights='mine', nc=4, nb=3)"
    assert (model.weights, model.weights_hash) == ("mine", model.card["sha256"])
    again = model_specs.resolve(model.label)
    assert (again.label, again.parameters) == (model.label, model.parameters)
    x = torch.rand(1, 3, 9, 9)
    with torch.inference_mode():
        by_file = model_specs.load_model("dncnn(weights='a.pth')")(x)
        assert torch.equal(model_specs.load_model("dncnn(weights='mine')")(x), by_file)
    result = call(
        "run",
        "--models",
        "dncnn(weights='mine')",
        "--noise",
        "gaussian(sigma=15)",
        "--data",
        photos,
        "--limit",
        1,
        "--out",
        place / "run",
    )
    assert result.exit_code == 0, result.output
    assert call("report", place / "run", "-o", place / "site").exit_code == 0
    assert any("imported from a.pth" in page.read_text() for page in (place / "site").rglob("*.html"))


@pytest.mark.slow
@pytest.mark.parametrize("wrap", ["", "params_ema", "state_dict"])
@pytest.mark.parametrize("prefix", ["", "module.", "model.", "_orig_mod.module."])
@pytest.mark.parametrize("ending", [".pth", ".ckpt", ".safetensors"])
def test_forms_of_checkpoints(wrap, prefix, ending):
    tensors = {prefix + key: value for key, value in state().items()}
    if ending == ".safetensors":
        safetensors.torch.save_file(tensors, "a.safetensors")
    else:
        content = {wrap: tensors, "epoch": 3, "optimizer": {"state": {}}} if wrap else tensors
        torch.save(content, f"a{ending}", _use_new_zipfile_serialization=ending == ".ckpt")
    card = importing.import_weights(place_of(f"a{ending}"), "mine")
    found = checkpoints.read_weights(cards.imported_folder() / "mine.safetensors")
    assert card["model"] == "dncnn" and found.keys() == state().keys()


def place_of(name):
    from pathlib import Path

    return Path(name)


@pytest.mark.slow
def test_networks_of_the_same_keys_have_to_be_told_apart():
    torch.save(state(MaskedSwinIR(**SWIN)), "a.pth")
    result = call("models", "import", "a.pth", "--as", "mine")
    assert result.exit_code == 2 and "add --arch baseline or --arch dropout or --arch ours" in result.output
    output = imported("a.pth", "mine", "--arch", "ours")
    assert "the published network: attention_mask=75" in output
    network = model_specs.load_model("ours(weights='mine', attention_mask=20)")
    assert (network.attention_mask, network.window_size) == (20, 4)
    assert model_specs.load_model("ours(weights='mine')").attention_mask == 75
    assert model_specs.resolve("ours(weights='ours-mini')").load().window_size == 4


@pytest.mark.slow
def test_what_tensors_do_not_show_can_be_set():
    torch.save(state(MaskedSwinIR(**SWIN)), "a.pth")
    output = imported("a.pth", "mine", "--arch", "ours")
    assert "attention_mask=75" in output and "import them again with --replace --set NAME=VALUE" in output
    output = imported("a.pth", "mine", "--arch", "ours", "--replace", "--set", "attention_mask=10.0")
    assert "attention_mask" not in output
    model = model_specs.resolve("ours(weights='mine')")
    assert "attention_mask=10)" in model.label and model.load().attention_mask == 10
    assert model_specs.resolve(model.label).label == model.label


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("attention_mas=10", "unknown parameter of ours 'attention_mas'. Did you mean 'attention_mask'"),
        ("embed_dim=16", "--set embed_dim: expected 8"),
        ("attention_mask=150", "attention_mask: "),
        ("attention_mask=much", "Error: "),
        ("attention_mask", "'attention_mask'"),
        ("mask_at_test=never", "mask_at_test: "),
    ],
)
def test_settings_of_an_import_that_are_wrong_are_told(setting, words):
    torch.save(state(MaskedSwinIR(**SWIN)), "a.pth")
    result = call("models", "import", "a.pth", "--as", "mine", "--arch", "ours", "--set", setting)
    assert result.exit_code == 2 and words in result.output, result.output
    assert cards.imported() == {}


@pytest.mark.slow
@pytest.mark.parametrize(("text", "value"), [("no", False), ("off", False), ("false", False), ("Yes", True)])
def test_a_switch_is_set_as_in_training(text, value):
    torch.save(state(MaskedSwinIR(**SWIN)), "a.pth")
    imported("a.pth", "mine", "--arch", "ours", "--set", f"mask_at_test={text}")
    assert model_specs.load_model("ours(weights='mine')").mask_at_test is value


@pytest.mark.slow
def test_a_size_of_ours_is_called_so():
    small = DnCNN(nc=40, nb=9)
    torch.save(state(small), "a.pth")
    assert importing.import_weights(place_of("a.pth"), "mine")["size"] == "small"
    assert model_specs.resolve("dncnn(weights='mine')").label == "dncnn(weights='mine')"


def test_names():
    torch.save(state(), "a.pth")
    for name, words in (
        ("ours-mini", "'ours-mini' is reserved"),
        ("dncnn-full", "'dncnn-full' is reserved"),
        ("default", "reserved"),
        ("../a", "'../a'"),
        ("", "''"),
        ("a b", "'a b'"),
    ):
        result = call("models", "import", "a.pth", "--as", name)
        assert result.exit_code == 2 and words in result.output, result.output
    imported("a.pth", "mine")
    torch.save(state(DnCNN(nc=5, nb=3)), "b.pth")
    result = call("models", "import", "b.pth", "--as", "mine")
    assert result.exit_code == 2 and "'mine'" in result.output and "--replace" in result.output
    imported("b.pth", "mine", "--replace")
    assert cards.imported()["mine"]["network"]["nc"] == 5


def test_imported_weights_never_stand_for_shipped_ones(place):
    torch.save(state(MaskedSwinIR(**SWIN)), "a.pth")
    imported("a.pth", "mine", "--arch", "ours")
    for suffix in (".json", ".safetensors"):  # as if a later version shipped the name
        (place / "home/weights" / f"mine{suffix}").rename(place / "home/weights" / f"ours-mini{suffix}")
    assert cards.imported() == {}
    assert model_specs.resolve("ours(weights='ours-mini')").file.parent == place / "shipped"


def test_weights_of_another_model_are_refused_by_name():
    torch.save(state(), "a.pth")
    imported("a.pth", "mine")
    with pytest.raises(BadInput, match="'mine'.*swinir.*dncnn"):
        model_specs.resolve("swinir(weights='mine')")
    with pytest.raises(BadInput, match=r"\(mine\), got 'miné'"):
        model_specs.resolve("dncnn(weights='miné')")


def test_a_file_needs_no_import():
    """Its sizes are read from its tensors, and stated in the label where they are not those of the size."""
    torch.save({"params": state(SwinIR(**SWIN))}, "a.pth")
    model = model_specs.resolve("swinir(weights='a.pth')")
    assert model.label == (
        "swinir(size='full', weights='a.pth', embed_dim=8, depths=(1,), num_heads=(2,), window_size=4)"
    )
    assert isinstance(model.load(), SwinIR)


@pytest.mark.slow
def test_a_network_for_white_at_255_gets_it():
    network = RIDNet(n_feats=4, reduction=2, rgb_range=255).eval()
    torch.save(state(network), "a.pth")
    assert "white at 255" in imported("a.pth", "mine")
    model = model_specs.resolve("ridnet(weights='mine')")
    assert "rgb_range=255" in model.label
    x = torch.rand(1, 3, 8, 8)
    with torch.inference_mode():
        torch.testing.assert_close(model.load()(x), network(x * 255) / 255)


@pytest.mark.slow
def test_published_weights_of_rnan_want_white_at_255():
    """Their tensors do not show it: the import says so, and it can be said otherwise."""
    network = RNAN(n_feats=4, n_resgroups=2).eval()
    torch.save(state(network), "a.pth")
    assert "the published network: rgb_range=255" in imported("a.pth", "mine")
    assert "rgb_range=255" in call("models", "info", "rnan(weights='mine')").output
    x = torch.rand(1, 3, 8, 8)
    with torch.inference_mode():
        for text in ("rnan(weights='mine')", "rnan(weights='a.pth')"):
            torch.testing.assert_close(model_specs.load_model(text)(x), network(x * 255) / 255)
        imported("a.pth", "mine", "--replace", "--set", "rgb_range=1")
        for text in ("rnan(weights='mine')", "rnan(weights='a.pth', rgb_range=1)"):
            torch.testing.assert_close(model_specs.load_model(text)(x), network(x))


@pytest.mark.slow
def test_what_could_be_an_ircnn_is_said(photos, place):
    torch.save(state(DnCNN(nb=7)), "a.pth")
    assert "note: an IRCNN (Zhang et al., CVPR 2017)" in imported("a.pth", "mine")
    for weights in ("mine", "a.pth"):
        assert "an IRCNN" in call("models", "info", f"dncnn(weights='{weights}')").output
    result = call(
        "run",
        "--models",
        "dncnn(weights='a.pth')",
        "--noise",
        "gaussian(sigma=15)",
        "--data",
        photos,
        "--limit",
        1,
        "--out",
        place / "run",
    )
    assert result.exit_code == 0 and "nb=7): an IRCNN" in result.output
    assert model_specs.resolve("dncnn(weights=None, nb=7)").caveat == ""


@pytest.mark.slow
def test_what_they_were_trained_on_can_be_said():
    torch.save(state(), "a.pth")
    imported("a.pth", "mine", "--trained-on", "gaussian(sigma=0-55)", "--training-data", "DIV2K")
    for command in (["list"], ["info", "dncnn(weights='mine')"]):
        assert "DIV2K, gaussian(sigma=0-55)" in call("models", *command).output
    assert cards.imported()["mine"]["trained_on"] == {"noise": "gaussian(sigma=0-55)", "data": "DIV2K"}
    imported("a.pth", "several", "--trained-on", "gaussian(sigma=0-55), poisson(alpha=2)")
    assert cards.imported()["several"]["trained_on"] == {"noise": ["gaussian(sigma=0-55)", "poisson(alpha=2)"]}


def test_a_training_noise_that_is_no_spec_is_refused_and_one_that_is_not_said_is_unknown():
    torch.save(state(), "a.pth")
    for text in ("DIV2K, Gaussian, sigma 25", "gaussian(sigma=55-0)", "gaussian"):
        result = call("models", "import", "a.pth", "--as", "mine", "--trained-on", text)
        assert result.exit_code == 2 and "training noise" in result.output and "--training-data" in result.output
    result = call("models", "import", "a.pth", "--as", "mine")
    assert result.exit_code == 0 and "unknown" in result.output and "trained_on" not in cards.imported()["mine"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "label", "words"),
    [
        ("dncnn_color_blind.pth", "dncnn(size='full', weights='mine')", "a DnCNN of 20 layers for colour images"),
        (
            "dncnn_gray_sigma25.pth",
            "dncnn(size='full', weights='mine', in_nc=1, out_nc=1, nb=17)",
            "a DnCNN of 17 layers for greyscale images",
        ),
        ("idf_g_15_50.ckpt", "idf(size='full', weights='mine')", "an IDF of 64 channels for colour images"),
    ],
)
def test_published_files(shared, file, label, words):
    output = imported(shared / "weights" / file)
    assert words in output and "--models mine" in output
    model = model_specs.resolve(f"{label.partition('(')[0]}(weights='mine')")
    assert model.label == label and model.load()
    if file == "idf_g_15_50.ckpt":
        with np.load(shared / "golden" / "idf" / "idf_g_15_50.npz") as golden:
            given, expected = golden["in_64x64"], golden["out_64x64"]
        with torch.inference_mode():
            output = model.load()(torch.from_numpy(given)).numpy()
        assert np.abs(output - expected).max() < 2e-6  # golden: official code, float32


# What is wrong, as a user reads it


class Foreign(torch.nn.Module):
    """A network saved whole."""


def write_wrong(kind):
    """A file of weights that is wrong in one way; its name."""
    if kind == "missing":
        return "a.pth"
    if kind == "folder":
        place_of("a.pth").mkdir()
    elif kind == "text":
        place_of("a.pth").write_text("notes\non the training\n")
    elif kind == "web page":
        place_of("a.pth").write_text("<!DOCTYPE html><html><title>404</title>")
    elif kind == "cut short":
        torch.save(state(), "a.pth")
        place_of("a.pth").write_bytes(place_of("a.pth").read_bytes()[:-500])
    elif kind == "archive":
        with zipfile.ZipFile("a.pth", "w") as archive:
            archive.writestr("models/dncnn.pth", b"x")
    elif kind == "whole network":
        torch.save(Foreign(), "a.pth")
    elif kind == "optimizer":
        torch.save({"epoch": 3, "rate": 0.1, "loss": [0.3]}, "a.pth")
    elif kind == "matlab":
        scipy.io.savemat("a.mat", {"images": [1, 2], "labels": [3]})
        return "a.mat"
    elif kind == "unknown network":
        torch.save({"conv1.weight": torch.ones(4, 3, 7, 7), "bn1.weight": torch.ones(4)}, "a.pth")
    elif kind == "another network":
        torch.save(state(DnCNN(nc=4, nb=17, in_nc=1, out_nc=1)), "a.pth")
    elif kind == "more keys":
        extra = {"upsample.0.weight": torch.ones(4), "upsample.0.bias": torch.ones(4)}
        torch.save({"params": {**state(SwinIR(**SWIN)), **extra}}, "a.pth")
    elif kind == "other channels":
        torch.save(state(DnCNN(nc=4, nb=12, in_nc=13, out_nc=12)), "a.pth")
    elif kind == "not finite":
        torch.save({**state(), "model.2.bias": torch.full((4,), torch.nan)}, "a.pth")
    elif kind == "several":
        torch.save({"15": state(), "25": state()}, "a.pth")
    elif kind == "alike":
        torch.save(state(MaskedSwinIR(**SWIN)), "a.pth")
    return "a.pth"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("missing", [], ["a.pth", "does not exist"]),
        ("folder", [], ["folder a.pth", ".safetensors"]),
        ("text", [], ["a.pth: ", "text that begins with 'notes'"]),
        ("web page", [], ["a.pth: ", "web page", "download"]),
        ("cut short", [], ["a.pth: ", "truncated", "download"]),
        ("archive", [], ["a.pth: ", "archive of models/dncnn.pth"]),
        ("whole network", [], ["a.pth: ", f"{Foreign.__module__}.Foreign", "state_dict()"]),
        ("optimizer", [], ["a.pth: ", "epoch, rate, loss"]),
        ("matlab", [], ["a.mat: ", "images, labels"]),
        ("unknown network", [], ["a.pth: ", "2 tensors", "conv1.weight, bn1.weight"]),
        ("another network", ["--arch", "restormer"],
         ["a.pth: ", "Restormer", "406 (patch_embed.proj.weight, ", "34 (model.0.weight, ", "a DnCNN of 17 layers"]),
        ("more keys", [],
         ["a.pth: ", "2 (upsample.0.weight, upsample.0.bias)", "a SwinIR of (1,) blocks and 8 channels"]),
        ("other channels", [], ["a.pth: ", "got 13 in and 12 out", "FFDNet"]),
        ("not finite", [], ["a.pth, model.2.bias: "]),
        ("several", [], ["a.pth: ", "15 (a DnCNN of 3 layers", "25 (a DnCNN of 3 layers", "--part NAME"]),
        ("alike", [], ["a.pth: ", "--arch baseline or --arch dropout or --arch ours"]),
        ("alike", ["--arch", "swinnir"], ["unknown network 'swinnir'", "'swinir'"]),
    ],
)  # fmt: skip
def test_wrong_files_are_refused_in_one_line(kind, options, words):
    """Exit code 2, and no file is left behind."""
    result = call("models", "import", write_wrong(kind), "--as", "mine", *options)
    assert result.exit_code == 2 and result.output.startswith("Error: ") and result.output.count("\n") == 1
    assert all(word in result.output for word in words), result.output
    assert cards.imported() == {} and not list(cards.imported_folder().glob("*"))


RIDNET = state(RIDNet(n_feats=4, reduction=2))
RESTORMER = state(Restormer(dim=2, num_blocks=(1,) * 4, heads=(1,) * 4, num_refinement_blocks=1))
TABLE, TEMPERATURE = "layers.0.residual_group.blocks.0.attn.relative_position_bias_table", "latent.0.attn.temperature"
STRANGE = {
    "whole numbers": ("ridnet", {key: value.int() for key, value in RIDNET.items()}),
    "a middle wider than the features": ("ridnet", {**RIDNET, "b1.ca.c1.body.0.weight": torch.ones(9, 4, 1, 1)}),
    "no heads": ("swinir", {**state(SwinIR(**SWIN)), TABLE: torch.ones(49, 0)}),
    "no temperature": ("restormer", {**RESTORMER, TEMPERATURE: torch.ones(0, 1, 1)}),
    "200,000 channels": ("dncnn", {**state(), "model.0.weight": torch.ones(200_000, 1, 1, 1)}),
    "numbers of IDF": ("idf", {key: torch.tensor(1.0) for key in state(IDF(hidden_channels=2))}),
    "numbers of RNAN": ("rnan", {key: torch.tensor(1.0) for key in state(RNAN(n_feats=2, n_resgroups=2))}),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", STRANGE)
def test_strange_tensors_are_refused_by_the_name_of_their_file(kind):
    name, tensors = STRANGE[kind]
    torch.save(tensors, "a.pth")
    for command in (
        ["import", "a.pth", "--as", "mine"],
        ["import", "a.pth", "--as", "mine", "--arch", name],
        ["info", f"{name}(weights='a.pth')"],
    ):
        result = call("models", *command)
        assert result.exit_code == 2 and result.output.count("\n") == 1, result.output
        assert result.output.startswith("Error: ") and "a.pth" in result.output and len(result.output) < 500
    assert cards.imported() == {}


@pytest.mark.parametrize(
    ("arch", "setting", "words"),
    [("dncnn", "nc=300000", "--set nc: expected 4"), ("idf", "hidden_channels=300000", "a.pth: ")],
)
def test_sizes_that_are_set_beyond_all_memory_are_one_line(arch, setting, words):
    torch.save(state(), "a.pth")
    result = call("models", "import", "a.pth", "--as", "mine", "--arch", arch, "--set", setting)
    assert result.exit_code == 2 and result.output.count("\n") == 1 and words in result.output, result.output


def test_a_network_that_fails_on_an_image_is_one_line(monkeypatch):
    torch.save(state(), "a.pth")
    monkeypatch.setattr(DnCNN, "forward", lambda self, x: x @ x[:, :1, :3])
    result = call("models", "import", "a.pth", "--as", "mine")
    assert result.exit_code == 2 and "Error: a.pth: RuntimeError: " in result.output and result.output.count("\n") == 1


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", "3", '{"model": 5}', '{"model": "dncnn", "network": []}', '{"model": "dncnn", "origin": 1}',
     '{"model": "dncnn", "origin": {}}', '{"model": "dncnn", "trained_on": {"images": 3}}', "\0", "[" * 10**5],
)  # fmt: skip
@pytest.mark.parametrize(
    "command", [["list"], ["info", "dncnn(weights=None, nb=2)"], ["info", "dncnn(weights='bad')"]], ids=str
)
def test_a_card_that_is_none_is_named(place, text, command):
    folder = place / "home" / "weights"
    folder.mkdir(parents=True)
    (folder / "bad.json").write_text(text)
    result = call("models", *command)
    assert result.exit_code == 2, result.output
    assert result.output.startswith(f"Error: {folder / 'bad.json'}: ") and result.output.count("\n") == 1


def test_a_card_without_its_weights_is_named(place):
    torch.save(state(), "a.pth")
    imported("a.pth", "mine")
    folder = place / "home" / "weights"
    (folder / "mine.safetensors").unlink()
    result = call("models", "info", "dncnn(weights='mine')")
    assert result.exit_code == 2 and result.output.count("\n") == 1
    for part in ("'mine'", str(folder / "mine.safetensors"), str(folder / "mine.json"), "--replace"):
        assert part in result.output
    imported("a.pth", "mine", "--replace")
    assert call("models", "info", "dncnn(weights='mine')").exit_code == 0


def test_names_of_any_length_are_one_line():
    torch.save(state(), "a.pth")
    result = call("models", "import", "a.pth", "--as", "a" * 300)
    assert result.exit_code == 2 and "at most 100" in result.output
    assert result.output.count("\n") == 1
    for weights in ("a" * 5000, "a\\0b", "a/" * 3000):
        result = call("models", "info", f"dncnn(weights='{weights}')")
        assert result.exit_code == 2 and "weights of dncnn" in result.output, result.output
        assert result.output.count("\n") == 1 and len(result.output) < 400


def under(first, tensors):
    return {f"{first}.{key}": value for key, value in tensors.items()}


@pytest.mark.parametrize("options", [[], ["--arch", "dncnn"]])
def test_one_network_among_other_tensors_is_imported(options):
    """As Lightning keeps a loss beside the network."""
    torch.save({"state_dict": {**under("net", state()), "loss.vgg.0.weight": torch.ones(3, 3)}}, "a.ckpt")
    output = imported("a.ckpt", "mine", *options)
    assert "mine: a DnCNN of 3 layers for colour images, 371 parameters, from a.ckpt" in output
    assert cards.imported()["mine"]["origin"]["part"] == "state_dict.net" and "state_dict.net" in output
    assert model_specs.load_model("dncnn(weights='a.ckpt')")
    assert model_specs.load_model("dncnn(weights='mine')")


def test_of_several_networks_in_one_file_none_is_chosen_but_by_name():
    grey = DnCNN(**TINY, in_nc=1, out_nc=1)
    torch.save({**under("net", state()), **under("net_ema", state(grey)), "step": torch.tensor(3)}, "a.pth")
    result = call("models", "import", "a.pth", "--as", "mine")
    assert result.exit_code == 2 and result.output.count("\n") == 1 and "--part" in result.output
    assert "net.* (a DnCNN of 3 layers for colour images), net_ema.* (a DnCNN of 3 layers for grey" in result.output
    for part, channels in (("net", 3), ("net_ema", 1)):
        imported("a.pth", "mine", "--replace", "--part", part)
        assert cards.imported()["mine"]["network"]["in_nc"] == channels
        assert model_specs.resolve(f"dncnn(weights='a.pth', part='{part}')").parameters["in_nc"] == channels


def test_parts_that_are_no_network_are_none():
    torch.save({**under("net", state()), "net.extra": torch.ones(1), "loss.weight": torch.ones(1)}, "a.pth")
    result = call("models", "import", "a.pth", "--as", "mine")
    assert result.exit_code == 2 and "another network (net.model.0.weight" in result.output
