"""Models by spec: canonical labels, weights, networks of the user's, errors that help."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import bench.training.train as bench_train
from baselines.dncnn import DnCNN
from baselines.masked_swinir import MaskedSwinIR
from baselines.weights_io import checkpoints
from bench.core import source_fingerprint
from bench.core.errors import BadInput
from bench.models import cards, listing, model_specs

USERS = """
import torch

class Net(torch.nn.Module):
    def __init__(self, width=4, size=3):
        super().__init__()
        self.width, self.size = width, size
        self.mix = torch.nn.Conv2d(3, 3, 1)

    def forward(self, x):
        return self.mix(x)

class Needs(Net):
    def __init__(self, width):
        super().__init__(width)

class Raises(Net):
    def __init__(self):
        raise ValueError("the reason")

class Lacks(Net):
    def __init__(self):
        {}["width"]

class Stops(Net):
    def __init__(self):
        raise RuntimeError("no driver\\nand much more text")

class Leaves(Net):
    def __init__(self):
        raise SystemExit

class noisy(Net):
    pass

class clean(Net):
    pass

def made(width=4):
    return Net(width)

def listed():
    return []

number = 3
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Weights of `ours`, made by a training of 3 iterations: mine.safetensors and its card."""
    folder = tmp_path_factory.mktemp("trained")
    rng = np.random.default_rng(0)
    (folder / "photos").mkdir()
    for number in range(42):
        side = 128 if number == 0 else 24
        Image.fromarray(rng.integers(0, 256, (side, side, 3), dtype=np.uint8)).save(folder / f"photos/{number:02}.png")
    settings = {"embed_dim": "8", "depths": "(1,)", "num_heads": "(2,)", "batch": "2", "crop": "16"}
    file = bench_train.train_model("ours", str(folder / "photos"), folder, settings=settings, iterations=3)
    for suffix in (".safetensors", ".json"):
        shutil.copy(file.with_suffix(suffix), folder / f"mine{suffix}")
    return folder / "mine.safetensors"


@pytest.fixture(autouse=True)
def shipped(tmp_path, monkeypatch, trained):
    """The installation ships small weights of `ours` (others than mine) and `dncnn`; the test runs in a folder."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    card = json.loads(trained.with_suffix(".json").read_text())
    other = {key: value + 0.5 for key, value in checkpoints.read_weights(trained).items()}
    checkpoints.write_weights(other, folder / "ours-small.safetensors", card)
    card = {"name": "dncnn-small", "model": "dncnn", "size": "small", "network": {"nc": 4, "nb": 3}}
    checkpoints.write_weights(DnCNN(nc=4, nb=3).state_dict(), folder / "dncnn-small.safetensors", card)
    monkeypatch.setattr(cards, "weights_folder", lambda: folder)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    (work / "users.py").write_text(USERS)
    return folder


def refusal(text, call=model_specs.resolve):
    with pytest.raises(BadInput) as error:
        call(text)
    message = str(error.value)
    assert message.isprintable() and "__init__" not in message, message
    return message


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("ours", "ours"),
        (" ours ( ) ", "ours"),
        ("ours(mask_samples=4)", "ours(mask_samples=4)"),
        ("ours(mask_samples=1)", "ours"),
        ("ours(size='small')", "ours"),
        ("ours('small')", "ours"),
        ("ours(weights='default')", "ours"),
        ("ours(attention_mask=10.0)", "ours"),  # what the card says
        ("ours(embed_dim=8, depths=[1])", "ours"),
        ("ours(mask_at_test=False, mask_samples=2)", "ours(mask_at_test=False, mask_samples=2)"),
        ("ours(mask_samples=2, mask_at_test=False)", "ours(mask_at_test=False, mask_samples=2)"),
        ("ours(weights=None)", "ours(weights=None)"),
        ("ours(weights=None, attention_mask=10)", "ours(weights=None)"),  # what the size says
        ("ours(attention_mask=20.0, weights=None)", "ours(weights=None, attention_mask=20)"),
        ("ours(weights=None, size='full')", "ours(size='full', weights=None)"),
        ("ours(weights=None, size='full', attention_mask=75)", "ours(size='full', weights=None)"),
        ("ours(weights='ours-small')", "ours"),  # what ships for the size
        ("ours(mask_samples=4.0)", "ours(mask_samples=4)"),
        ("ours(embed_dim=8.0, depths=[1.0])", "ours"),
        ("dncnn(nb=3, nc=4)", "dncnn"),
        ("dncnn(weights=None, nb=3, nc=4)", "dncnn(weights=None, nc=4, nb=3)"),
        (
            "dncnn(act_mode='BR', nb=20, nc=64, weights=None, size='full')",
            "dncnn(size='full', weights=None, act_mode='BR')",
        ),
        ("users.py:Net", "Net"),
        ("users.py:Net(width=8)", "Net(width=8)"),
        ("users.py:Net(width=4)", "Net"),
        ("users.py:made(8)", "made(width=8)"),
    ],
)
def test_canonical_label(text, label):
    assert model_specs.resolve(text).label == label
    assert model_specs.resolve(text).load().training is False


@pytest.mark.slow
def test_a_label_names_the_same_model():
    for text in ("ours(mask_samples=2, mask_at_test=False)", "dncnn(weights=None, nb=3, nc=8)", "ours(weights=None)"):
        model = model_specs.resolve(text)
        again = model_specs.resolve(model.label)
        assert (again.label, again.parameters, again.weights_hash) == (
            model.label,
            model.parameters,
            model.weights_hash,
        )


def test_the_default_size_is_the_caller_s():
    assert model_specs.resolve("dncnn(weights=None)", "full").label == "dncnn(size='full', weights=None)"
    assert model_specs.resolve("dncnn(weights=None, size='small')", "full").label == "dncnn(weights=None)"
    with pytest.raises(BadInput, match="model 'ours'.*'full'"):
        model_specs.resolve("ours", "full")


def test_shipped_weights(shipped):
    model = model_specs.resolve("ours")
    card = json.loads((shipped / "ours-small.json").read_text())
    assert (model.name, model.size, model.weights, model.weights_hash) == (
        "ours",
        "small",
        "ours-small",
        card["sha256"],
    )
    assert model.card == card and model.title == "Masked training (ours)" and "CVPR 2023" in model.paper
    network = model_specs.load_model("ours(mask_samples=4)")
    assert isinstance(network, MaskedSwinIR) and not network.training
    assert (network.mask_samples, network.attention_mask, network.conv_first.out_channels) == (4, 10, 8)
    weights = checkpoints.read_weights(shipped / "ours-small.safetensors")
    assert all(torch.equal(value, weights[key].float()) for key, value in network.state_dict().items())
    x = torch.rand(1, 3, 16, 24, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert network(x, keys=[3]).shape == x.shape


def test_an_untrained_network_has_no_weights():
    model = model_specs.resolve("ours(weights=None)")
    assert (model.weights, model.weights_hash, model.file, model.card) == ("none", "", None, {})
    assert model.load().conv_first.out_channels == 48


def test_a_file_with_its_card(trained):
    """The card says how large the network is; the label names the file, not where it lies."""
    model = model_specs.resolve(f"ours(weights='{trained}', mask_samples=2)")
    assert model.label == "ours(weights='mine.safetensors', mask_samples=2)"
    assert (model.size, model.weights) == ("small", "mine.safetensors")
    assert model.weights_hash == model.card["sha256"] == checkpoints.file_hash(trained)
    network = model.load()
    weights = checkpoints.read_weights(trained)
    assert all(torch.equal(value, weights[key].float()) for key, value in network.state_dict().items())


def test_a_published_file_is_of_the_full_size(tmp_path):
    torch.save({"params": DnCNN().state_dict()}, "published.pth")
    model = model_specs.resolve("dncnn(weights='published.pth')")
    assert (model.label, model.size, model.card) == ("dncnn(size='full', weights='published.pth')", "full", {})
    assert len(model.load().model) == 39
    torch.save(DnCNN(nc=4, nb=3).state_dict(), "tiny.pth")
    model = model_specs.resolve("dncnn(weights='tiny.pth', nb=3, nc=4, size='small')")
    assert model.label == "dncnn(weights='tiny.pth', nc=4, nb=3)"
    assert len(model.load().model) == 5


@pytest.mark.parametrize("content", ["[1, 2]", '{"settings": 1}', "not JSON"])
def test_a_foreign_json_beside_a_file_is_no_card(trained, content):
    shutil.copy(trained, "bare.safetensors")
    with Path("bare.json").open("w") as file:
        file.write(content)
    text = "ours(weights='bare.safetensors', size='small', embed_dim=8, depths=(1,), num_heads=(2,))"
    assert model_specs.resolve(text).card == {}
    assert model_specs.load_model(text).conv_first.out_channels == 8


def test_weights_of_another_network_are_refused(trained):
    message = refusal(f"dncnn(weights='{trained}')", model_specs.load_model)
    assert "mine.safetensors" in message and "dncnn" in message
    shutil.copy(trained, "bare.safetensors")
    message = refusal("dncnn(weights='bare.safetensors')", model_specs.load_model)
    assert "bare.safetensors: does not fit DnCNN" in message and "40 (model.0.weight" in message
    message = refusal("dncnn(weights='ours-small')", model_specs.load_model)
    assert "ours" in message
    message = refusal("dncnn(nc=5)", model_specs.load_model)
    assert "5 (model.0.weight: expected (5, 3, 3, 3), got (4, 3, 3, 3)" in message


def test_a_file_that_is_no_checkpoint_is_refused():
    with Path("notes.pth").open("w") as file:
        file.write("hello")
    message = refusal("dncnn(weights='notes.pth')", model_specs.load_model)
    assert message.startswith("model dncnn(size='full', weights='notes.pth'): notes.pth: ")


@pytest.mark.parametrize("weights", ["'missing.pth'", "'ours-large'", "'.'", "''", "missing", "3", "True"])
def test_weights_that_are_not_there_are_refused(weights):
    message = refusal(f"ours(weights={weights})")
    assert weights.strip("'") in message


def test_a_path_without_its_ending_does_not_mean_shipped_weights(trained, tmp_path):
    """'runs/ours-small' has a card beside it: neither that nor the shipped 'ours-small' is the file asked for."""
    for suffix in (".safetensors", ".json"):
        shutil.copy(trained.with_suffix(suffix), tmp_path / f"ours-small{suffix}")
    for place in (tmp_path / "ours-small", "../ours-small", "./ours-small"):
        message = refusal(f"ours(weights='{place}')")
        assert str(place) in message and "(ours-small)" in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("our", "unknown model 'our'. Did you mean 'ours'?"),
        ("Ours", "Did you mean 'ours'?"),
        ("swinnir", "Did you mean 'swinir'?"),
        ("quetzal", "all, baseline, bm3d, classical, dncnn"),
        ("ours(mask_sample=4)", "unknown parameter of ours 'mask_sample'. Did you mean 'mask_samples'"),
        ("ours(size='big')", "unknown size of ours 'big'"),
        ("ours(mask_samples=1, mask_samples=2)", "mask_samples"),
        ("restormer(size='full')", "bench train restormer"),
        ("restormer", "size 'small'"),
        ("users.py:Nett", "unknown model in users.py 'Nett'. Did you mean 'Net'?"),
        ("missing.py:Net", "missing.py, which does not exist"),
        ("no_such_package.networks:Net", "No module named 'no_such_package'"),
        ("users.py:Needs", "users.py:Needs(width=...)"),
        ("users.py:Net(widht=3)", "Did you mean 'width'"),
        ("users.py:number", "number"),
        ("users.py:Net(weights='missing.pth')", "missing.pth"),
        ("users.py:noisy", "reserved for the noisy image"),
        ("users.py:clean(width=8)", "reserved for the clean image"),
        ("builtins:dict", "builtins:dict: its parameters"),
        ("dncnn(act_mode=BR)", "act_mode='BR'"),
    ],
)
def test_what_is_unknown_is_named_with_suggestions(text, words):
    assert words in refusal(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ours(weights=None, attention_mask=150)", "attention_mask: "),
        ("dncnn(weights=None, act_mode='X')", "act_mode: "),
        ("ours(mask_samples=1.5)", "mask_samples: "),
        ("users.py:Raises", "model Raises: the reason"),
        ("users.py:Lacks", "model Lacks: KeyError: 'width'"),
        ("users.py:Stops", "model Stops: RuntimeError: no driver"),
        ("users.py:Leaves", "model Leaves: SystemExit"),
        ("users.py:number", "got type int"),
        ("users.py:listed(weights='users.py')", "an object of type list"),
    ],
)
def test_what_a_network_refuses_is_told(text, words):
    assert words in refusal(text, model_specs.load_model)


def test_a_network_of_the_user_s():
    model = model_specs.resolve("users.py:Net(8, size=5)")
    assert (model.label, model.weights, model.size) == ("Net(width=8, size=5)", "none", "own")
    assert model.source_hash == source_fingerprint.source_hash(
        "users.py:Net", model.factory, ""
    )  # see test_source_fingerprint.py
    assert len(model.weights_hash) == 64
    network = model.load()
    assert (network.width, network.size, network.training) == (8, 5, False)


def test_weights_of_a_network_of_the_user_s():
    state = {"mix.weight": torch.ones(3, 3, 1, 1), "mix.bias": torch.zeros(3)}
    torch.save({"state_dict": state}, "net.pth")
    model = model_specs.resolve("users.py:Net(weights='net.pth')")
    assert (model.label, model.weights) == ("Net(weights='net.pth')", "net.pth")
    assert model.weights_hash != model_specs.resolve("users.py:Net").weights_hash
    assert model.source_hash == source_fingerprint.source_hash(
        "users.py:Net", model.factory, checkpoints.file_hash(model.file)
    )
    assert torch.equal(model.load().mix.weight, state["mix.weight"])
    torch.save({"mix.weight": torch.ones(3, 3, 1, 1)}, "half.pth")
    message = refusal("users.py:Net(weights='half.pth')", model_specs.load_model)
    assert "half.pth: does not fit Net" in message and "1 (mix.bias)" in message


def test_a_broken_file_of_the_user_s_is_named():
    with Path("broken.py").open("w") as file:
        file.write("import no_such_package\n")
    message = refusal("broken.py:Net")
    assert message.startswith("broken.py: ") and "ModuleNotFoundError: " in message


def test_a_package_whose_import_fails_is_named():
    Path("failing.py").write_text("raise RuntimeError('no driver\\nand more')\n")
    message = refusal("failing:Net")
    assert message.startswith("failing:Net: ") and message.endswith("RuntimeError: no driver")
    assert refusal("failing.py:Net").endswith("RuntimeError: no driver")


# Networks of other packages


@pytest.fixture
def package(installed_package):
    """Install a package with networks as entry points: name -> value."""
    return lambda points, source=USERS: installed_package("model", "nets", "nets_network", source, points)


def test_networks_of_installed_packages_have_names(package):
    package({"wide": "nets_network:Net", "made": "nets_network:made"})
    model = model_specs.resolve("wide(width=8)")
    assert (model.label, model.size, model.weights, model.user_defined) == ("wide(width=8)", "own", "none", True)
    assert model.load().width == 8 and model_specs.load_model("made(8)").width == 8
    assert model.source_hash == source_fingerprint.source_hash("nets_network:Net", model.factory, "")
    assert "Did you mean 'wide'" in refusal("wid")
    chosen, _ = model_specs.expand("all, wide")
    assert [model.label for model in chosen] == ["ours", "dncnn", "wide"]  # not in `all` by being installed
    listed = {row["model"]: row for row in listing.rows()}
    assert (listed["wide"]["spec"], listed["wide"]["title"]) == ("wide", "from another package")


def test_a_name_that_is_taken_is_marked_in_the_list(package):
    package({"dncnn": "nets_network:Net", "all": "nets_network:Net"})
    assert model_specs.resolve("dncnn").load().__class__ is DnCNN
    rows = [row for row in listing.rows() if row["weights_from"] == "its own"]
    assert [(row["model"], row["spec"]) for row in rows] == [(name, "nets_network:Net") for name in ("dncnn", "all")]
    assert rows[0]["title"].endswith("--models nets_network:Net")
    assert model_specs.resolve(rows[0]["spec"]).label == "Net"


@pytest.mark.parametrize(
    ("value", "source", "words"),
    [
        ("nowhere_network:Net", "", "ModuleNotFoundError: No module named 'nowhere_network'"),
        ("nets_network:Net", "x = 1", "AttributeError: module 'nets_network' has no attribute 'Net'"),
        ("nets_network:Net", "raise RuntimeError('two\\nlines')", "RuntimeError: two"),
    ],
)
def test_a_broken_package_is_one_line(value, source, words, package):
    package({"wide": value}, source)
    message = refusal("wide")
    assert all(part in message for part in ("'wide'", "nets", value, words)) and "\n" not in message
    assert [row["spec"] for row in listing.rows() if row["weights_from"] == "its own"] == ["wide"]
    assert model_specs.resolve("dncnn").label == "dncnn"


# What lies beside a file


HELPED = """
import torch
from helped_helper import scale
from helped_parts.deep import offset

class Net(torch.nn.Module):
    def forward(self, x):
        from helped_late import late
        return scale * x + offset + late
"""


@pytest.fixture
def helped():
    """Write a network with what it imports into a folder: scale x + offset + 0.25."""

    def write(folder, scale=0.5, offset=0.0):
        (folder / "helped_parts").mkdir(parents=True, exist_ok=True)
        for name, text in {
            "net": HELPED,
            "helped_helper": f"scale = {scale}",
            "helped_late": "late = 0.25",
            "helped_parts/deep": f"offset = {offset}",
        }.items():
            (folder / f"{name}.py").write_text(text + "\n")

    yield write
    for name in [name for name in sys.modules if name.startswith("helped")]:
        del sys.modules[name]


def output(network):
    return network(torch.ones(1, 3, 2, 2)).unique().tolist()


def test_what_a_file_imports_from_its_folder_is_found(helped):
    helped(Path("one"))
    path, place = list(sys.path), Path.cwd()
    network = model_specs.load_model("one/net.py:Net")
    assert sys.path == path and str(place) not in path
    assert output(network) == [0.75]  # it imports one of them only here


def test_files_of_two_folders_get_their_own_helpers(helped):
    helped(Path("one"))
    helped(Path("two"), scale=0.25, offset=0.125)
    networks = [model_specs.load_model(f"{folder}/net.py:Net") for folder in ("one", "two", "one")]
    assert [output(network) for network in networks] == [[0.75], [0.625], [0.75]]


def test_an_edit_beside_the_file_is_seen(helped):
    """By every file that imports it, and a mistake in it does no harm once it is mended."""
    helped(Path("one"))
    shutil.copy("one/net.py", "one/other.py")
    files = ("one/net.py:Net", "one/other.py:Net")
    before = [model_specs.resolve(file) for file in files]
    helped(Path("one"), scale="no_such_name")
    assert "NameError" in refusal(files[0])
    helped(Path("one"), scale=0.25)
    after = [model_specs.resolve(file) for file in files]
    assert [output(model.load()) for model in after] == [[0.5], [0.5]]
    assert not {model.weights_hash for model in before} & {model.weights_hash for model in after}
    assert [model_specs.resolve(file).factory for file in files] == [model.factory for model in after]


def test_modules_of_the_current_folder_are_found_and_installed_ones_stay(helped):
    helped(Path("helped_package"))
    helped(Path())
    Path("helped_package/inner.py").write_text("from helped_package.net import Net\n")
    Path("torch.py").write_text("raise RuntimeError('not this one')\n")
    Path("analysis.py").write_text("raise RuntimeError('not this one')\n")
    path = list(sys.path)
    for name in ("helped_package.inner:Net", "helped_package.net:Net"):
        assert output(model_specs.load_model(name)) == [0.75]
    assert sys.path == path
    import analysis

    assert Path(analysis.__file__).parent != Path.cwd()


def test_a_file_of_a_package_imports_by_the_name_of_the_package(helped):
    helped(Path("project/helped_package"))
    Path("project/helped_package/__init__.py").touch()
    file = Path("project/helped_package/inner.py")
    file.write_text("from helped_package.net import Net\n")
    assert output(model_specs.load_model(f"{file}:Net")) == [0.75]


def test_what_is_nowhere_is_told():
    Path("lonely.py").write_text("import nothing_like_this\n")
    for name in ("lonely.py:Net", "nothing_like_this:Net"):
        message = refusal(name)
        assert "No module named 'nothing_like_this'" in message and str(Path.cwd()) in message


@pytest.mark.slow
def test_the_console_script_finds_the_current_folder():
    """Python puts the script's folder on its path, and not the current one."""
    Path("mine").mkdir()
    Path("mine/nets.py").write_text(USERS)
    program = "import sys; sys.path = [p for p in sys.path if p]; from bench.cli import main; main()"
    environment = {**os.environ, "PYTHONPATH": str(Path(bench_train.__file__).parents[2])}
    command = [sys.executable, "-P", "-c", program, "models", "info", "mine.nets:Net"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr


def write_all(**files):
    for name, text in files.items():
        path = Path(f"{name.replace('__', '/')}.py".replace("INIT", "__init__"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


BLOCKS = """
from torch import nn
from helped_tools import scale

class Scaled(nn.Module):
    def forward(self, x):
        from {}helped_late import offset
        return scale * x + offset
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("packages", "imports"),
    [
        ((), "from helped_models.blocks import Scaled as Net"),
        ((), "import helped_tools\nfrom helped_models.deep.blocks import Scaled as Net"),
        ((), "from .blocks import Scaled as Net"),
        ((), "from ..helped_models.blocks import Scaled as Net"),
        (("helped_models",), "from .blocks import Scaled as Net"),
        (("helped_models",), "from helped_models.blocks import Scaled as Net"),
        (("helped_models", "repo"), "from ..helped_models.deep.blocks import Scaled as Net"),
    ],
)
def test_a_network_inside_a_package_finds_what_its_project_imports(packages, imports):
    """repo/models/network.py, which imports model_specs.blocks or .blocks, in two projects with the same names."""
    for repo, scale in (("a/repo", 0.5), ("b/repo", 0.25)):
        root = repo.replace("/", "__")
        write_all(
            **{
                f"{root}__helped_models__network": imports,
                f"{root}__helped_models__blocks": BLOCKS.format("helped_models."),
                f"{root}__helped_models__deep__blocks": BLOCKS.format("helped_models."),
                f"{root}__helped_models__helped_late": "offset = 0.25",
                f"{root}__helped_tools": f"scale = {scale}",
            }
        )
        for package in packages:
            Path(repo, package if package != "repo" else "", "__init__.py").touch()
    found = [model_specs.resolve(f"{repo}/repo/helped_models/network.py:Net") for repo in "aba"]
    networks = [model.load() for model in found]
    assert [output(network) for network in networks] == [[0.75], [0.5], [0.75]]
    Path("b/repo/helped_tools.py").write_text("scale = 0.125")
    edited = model_specs.resolve("b/repo/helped_models/network.py:Net")
    assert output(edited.load()) == [0.375] and edited.weights_hash != found[1].weights_hash
    assert not [name for name in sys.modules if name.startswith("helped") and "_outside_" not in name]


def test_what_a_package_lacks_is_told_with_the_folders_that_were_tried():
    write_all(
        project__helped_models__network="from helped_models.nothing import Net",
        project__helped_models__blocks="",
        project__other="from .. import nothing",
    )
    told = refusal("project/helped_models/network.py:Net")
    assert "helped_models.nothing" in told and str(Path("project").resolve()) in told and "\n" not in told
    assert str(Path("project").resolve()) in refusal("project/other.py:Net")


# Parameters of a user's network


OPEN = """
import torch

class Open(torch.nn.Identity):
    def __init__(self, width=4, **others):
        super().__init__()
        self.width, self.others = width, others

def made(**others):
    return Open(**others)

class First(torch.nn.Identity):
    def __init__(self, width=4, /, depth=2):
        super().__init__()
"""


def test_parameters_that_a_network_does_not_name_are_passed_on():
    Path("open.py").write_text(OPEN)
    model = model_specs.resolve("open.py:Open(b=2.0, a='x', width=4.0)")
    assert model.label == "Open(a='x', b=2)"
    assert (model.load().width, model.load().others) == (4, {"a": "x", "b": 2.0})
    assert model_specs.resolve("open.py:Open(a='x', b=2)").label == model.label
    made = model_specs.resolve("open.py:made(width=8, a=1)")
    assert (made.label, made.load().width, made.load().others) == ("made(a=1, width=8)", 8, {"a": 1})
    assert "'a'" in refusal("open.py:made(a=1, a=2)")


def test_parameters_without_a_name_are_refused():
    Path("open.py").write_text(OPEN)
    for given in ("", "(3)", "(depth=3)"):
        message = refusal(f"open.py:First{given}")
        assert "First: " in message and "width before a /" in message


# What determines the numbers


@pytest.fixture
def reads(monkeypatch):
    """Names of the files of weights that are read, in order."""
    read, original = [], checkpoints._read_file
    monkeypatch.setattr(checkpoints, "_read_file", lambda path: read.append(path.name) or original(path))
    return read


def test_a_file_of_weights_is_read_once(trained, reads):
    torch.save(DnCNN(nc=4, nb=3).state_dict(), "tiny.pth")
    model = model_specs.resolve("dncnn(weights='tiny.pth')")
    assert reads == ["tiny.pth"]  # its sizes
    model.load()
    model.load()
    assert reads == ["tiny.pth"]
    model_specs.load_model(f"ours(weights='{trained}')")
    assert reads == ["tiny.pth", "mine.safetensors"]


def test_what_only_the_card_says_is_part_of_the_identity(trained):
    """Tensors leave no trace of the attention mask, and the label does not state what the card says."""
    shutil.copy(trained, "mine.safetensors")
    card = json.loads(trained.with_suffix(".json").read_text())
    before = model_specs.resolve("ours(weights='mine.safetensors')")
    assert before.weights_hash == checkpoints.file_hash(trained)  # the usual mask: rows of before stay
    hashes = {before.weights_hash}
    for masked in (20, 30):
        Path("mine.json").write_text(json.dumps({**card, "network": {**card["network"], "attention_mask": masked}}))
        model = model_specs.resolve("ours(weights='mine.safetensors')")
        assert (model.label, model.load().attention_mask) == ("ours(weights='mine.safetensors')", masked)
        hashes.add(model.weights_hash)
    assert len(hashes) == 3
    Path("mine.json").write_text(json.dumps({**card, "network": {**card["network"], "attention_mask": 20.0}}))
    assert model_specs.resolve("ours(weights='mine.safetensors')").weights_hash in hashes  # 20.0 is 20


# Lists


def test_all_leaves_out_what_has_no_weights_and_says_so():
    chosen, left_out = model_specs.expand("all")
    assert [model.label for model in chosen] == ["ours", "dncnn"]
    assert [sentence.partition(":")[0] for sentence in left_out] == [
        "baseline",
        "ridnet",
        "rnan",
        "swinir",
        "restormer",
        "dropout",
    ]
    assert "'small'" in left_out[0] and "`all`" in left_out[0]


def test_all_of_a_size_without_weights_is_an_error():
    with pytest.raises(BadInput, match="no weights of size 'full'"):
        model_specs.expand("all", "full")


def test_lists_name_each_model_once():
    chosen, left_out = model_specs.expand("ours, all, ours(mask_samples=1), ours(mask_samples=4), users.py:Net")
    assert [model.label for model in chosen] == ["ours", "dncnn", "ours(mask_samples=4)", "Net"]
    assert len(left_out) == 6


def test_one_that_is_named_is_not_left_out():
    with pytest.raises(BadInput, match="model 'restormer'.*'small'"):
        model_specs.expand("all,restormer")


@pytest.mark.parametrize("text", ["", " , "])
def test_an_empty_list_is_an_error(text):
    with pytest.raises(BadInput, match="--models all"):
        model_specs.expand(text)


def test_two_files_of_one_name_have_different_labels(trained, tmp_path):
    shutil.copytree(trained.parent, tmp_path / "copy")
    same = f"ours(weights='{trained}'),ours(weights='{tmp_path / 'copy' / trained.name}')"
    assert len(model_specs.expand(same)[0]) == 1  # the same content is the same model
    changed = {key: value + 1 for key, value in checkpoints.read_weights(trained).items()}
    card = json.loads(trained.with_suffix(".json").read_text())
    checkpoints.write_weights(changed, tmp_path / "copy" / trained.name, card)
    labels = [model.label for model in model_specs.expand(same)[0]]
    assert labels == [
        f"ours(weights='{trained.parent.name}/mine.safetensors')",
        "ours(weights='copy/mine.safetensors')",
    ]


def test_two_networks_of_one_name_have_different_labels():
    with Path("others.py").open("w") as file:
        file.write(USERS)
    assert len(model_specs.expand("users.py:Net,users.py:Net")[0]) == 1
    labels = [model.label for model in model_specs.expand("users.py:Net,others.py:Net")[0]]
    assert labels == ["users.py:Net", "others.py:Net"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("swinir(weights=None, window_size=0)", "window_size: "),
        ("swinir(weights=None, depths=2)", "depths: "),
        ("dncnn(weights=None, nb='many')", "nb: "),
        ("restormer(weights=None, dim=7, heads=(1, 1, 1, 1))", "dim: "),
    ],
)
def test_parameters_that_make_no_network_are_refused_at_once(text, words):
    """Before a tile, a receptive field or a price is computed from them."""
    with pytest.raises(BadInput, match=words):
        model_specs.resolve(text)
