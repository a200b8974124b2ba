"""What a user's network is known by: rows of one that changed are other rows."""

from pathlib import Path

import pytest
import torch
from torch import nn

from bench.core import source_fingerprint
from bench.models import model_specs, tensor_fingerprint

OWN = """
import torch
from torch import nn

class Own(nn.Module):
    def __init__(self, file="own.pth"):
        super().__init__()
        self.mix = nn.Conv2d(3, 3, 1)
        self.load_state_dict(torch.load(file))

    def forward(self, x):
        return self.mix(x)
"""


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def save(value):
    torch.save({"mix.weight": torch.full((3, 3, 1, 1), value), "mix.bias": torch.zeros(3)}, "own.pth")


def write(name, text=""):
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_weights_that_a_network_reads_itself_are_a_part_of_it():
    write("own.py", OWN)
    hashes = []
    for value in (0.1, 0.2, 0.1):
        save(value)
        hashes.append(model_specs.resolve("own.py:Own").weights_hash)
    assert hashes[0] == hashes[2] != hashes[1]


def test_all_that_makes_tensors_other_is_seen():
    network = nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3))
    first = tensor_fingerprint.tensors_hash(network)
    assert first == tensor_fingerprint.tensors_hash(network)
    network[1].num_batches_tracked += 1
    second = tensor_fingerprint.tensors_hash(network)
    assert tensor_fingerprint.tensors_hash(network.double()) not in (first, second)
    assert tensor_fingerprint.tensors_hash(nn.Sequential(*network.float(), nn.ReLU(), nn.PReLU())) != second != first


def names(file):
    return [str(path.relative_to(Path.cwd())) for path in source_fingerprint.source_files(file)]


def test_what_lies_beside_a_file_and_is_imported_is_a_part_of_it():
    file = write("net.py", "import torch, helper\nfrom parts import blocks\ndef f():\n    import late.deep\n")
    for name in ("helper.py", "parts/blocks.py", "late/deep.py", "unrelated.py", "torch/nothing.txt"):
        write(name)
    write("helper.py", "import net\nimport no_such_package\nthis is no python")
    assert names(file) == ["net.py", "helper.py", "late/deep.py", "parts/blocks.py"]


def test_what_a_package_imports_of_itself_is_a_part_of_it():
    imports = "from . import a\nfrom ..tools import c\nfrom project.nets.b import B\nimport out\n"
    file = write("project/nets/net.py", imports)
    others = [
        f"project/{name}.py" for name in ("__init__", "nets/__init__", "nets/a", "nets/b", "tools/__init__", "tools/c")
    ]
    for name in (*others, "project/unrelated.py", "out.py"):
        write(name)
    assert names(file) == ["project/nets/net.py", "out.py", *others]  # beside the package, from where it is imported


def test_what_is_installed_among_libraries_is_its_file_alone():
    for name in ("other.py", "package/__init__.py", "package/other.py"):
        write(f"lib/site-packages/{name}")
    for name in ("single.py", "package/net.py"):
        assert names(write(f"lib/site-packages/{name}", "import other, package.other\n")) == [
            f"lib/site-packages/{name}"
        ]


def test_an_edit_beside_the_file_is_another_source():
    write("net.py", "import torch\nfrom helper import scale\n")
    hashes = []
    for text in ("scale = 1", "scale = 2"):
        write("helper.py", text)
        hashes.append(source_fingerprint.source_hash("net.py:Net", None, ""))
    assert hashes[0] != hashes[1]


def test_what_was_made_in_a_session_has_no_source():
    assert source_fingerprint.source_hash("session:Net", eval("lambda: None"), "abc") == "abc"


def test_a_new_version_of_an_installed_package_is_another_source(tmp_path, monkeypatch):
    """Its file is as it was; what that imports of its package may not be."""
    site, hashes = tmp_path / "lib/site-packages", []
    monkeypatch.syspath_prepend(str(site))
    for version in ("1.0", "1.1"):
        file = write("lib/site-packages/denoisers/net.py", "from denoisers import blocks\n")
        write("lib/site-packages/denoisers/__init__.py")
        write("lib/site-packages/denoisers.dist-info/METADATA", f"Name: denoisers\nVersion: {version}\n")
        write("lib/site-packages/denoisers.dist-info/top_level.txt", "denoisers\n")
        hashes.append(source_fingerprint.source_hash(f"{file.resolve()}:Net", None, ""))
    assert hashes[0] != hashes[1]
