"""Weights in several files: each below 16 MiB, read back to the bit, and refused where a part is not the right one."""

import json

import pytest
import torch

from baselines.weights_io import checkpoints, shards

MIB = 2**20


@pytest.fixture
def small_shards(monkeypatch):
    """Parts of 4 KiB of numbers at most."""
    monkeypatch.setattr(shards, "MAX_SHARD_BYTES", 4096 + shards.MAX_HEADER_BYTES)


def tensors():
    generator = torch.Generator().manual_seed(0)
    shapes = {"first.weight": (30, 30), "first.bias": (30,), "second.weight": (8, 4, 3, 3), "last": (1024,)}
    found = {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}
    return {"counter": torch.tensor(7), **found}


def test_parts_are_read_back(tmp_path, small_shards):
    index = checkpoints.write_weights(tensors(), tmp_path / "net.safetensors", {"model": "x"}, sharded=True)
    assert index.name == "net.safetensors.index.json"
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["net-00001-of-00002.safetensors", "net-00002-of-00002.safetensors", "net.json", index.name]
    read = checkpoints.read_weights(index)
    assert read.keys() == tensors().keys() and read["counter"] == 7
    assert all(torch.equal(read[name], value.half()) for name, value in tensors().items() if name != "counter")
    card = json.loads((tmp_path / "net.json").read_text())
    assert (card["model"], card["sha256"]) == ("x", checkpoints.file_hash(index))
    assert card["bytes"] == sum(value.nbytes for value in read.values())


def test_a_part_is_below_16_mib(tmp_path):
    """27 MiB, of tensors that would fill 16 MiB exactly."""
    weights = {f"{i}": torch.zeros(MIB, dtype=torch.float16) for i in range(13)} | {"last": torch.zeros(MIB // 2)}
    index = shards.write_shards(weights, tmp_path / "net.safetensors")
    files = sorted(tmp_path.glob("*.safetensors"))
    assert [file.stat().st_size < 16 * MIB for file in files] == [True, True]
    assert shards.read_shards(index).keys() == weights.keys()


def test_the_index_is_that_of_the_hub(tmp_path, small_shards):
    """`weight_map` and `total_size`, as huggingface_hub writes them."""
    known = json.loads(shards.write_shards(tensors(), tmp_path / "net.safetensors").read_text())
    assert known["metadata"]["total_size"] == sum(value.nbytes for value in tensors().values())
    assert known["weight_map"].keys() == tensors().keys()
    assert {*known["weight_map"].values()} == {path.name for path in tmp_path.glob("*.safetensors")}


def test_a_tensor_larger_than_a_part_is_refused(tmp_path, small_shards):
    with pytest.raises(ValueError, match="large: "):
        shards.write_shards({"large": torch.zeros(1025)}, tmp_path / "net.safetensors")


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda part, index: part.unlink(), "net-00001-of-00003.safetensors in the same folder"),
        (
            lambda part, index: part.write_bytes(part.read_bytes()[:-1] + b"x"),
            "SHA-256",
        ),
        (lambda part, index: index.write_text("{}"), "weight_map"),
        (
            lambda part, index: index.write_text(index.read_text().replace("net-00001", "../net-00001")),
            "in the same folder",
        ),
    ],
)
def test_what_is_not_whole_is_refused(tmp_path, small_shards, harm, words):
    index = shards.write_shards(tensors(), tmp_path / "net.safetensors")
    harm(tmp_path / "net-00001-of-00003.safetensors", index)
    with pytest.raises(ValueError, match=words):
        checkpoints.read_weights(index)


@pytest.mark.parametrize("where", [None, ["a"], {}, {"a": 5}, {"a": ["net-00001-of-00001.safetensors"]}, "a"])
def test_an_index_that_names_no_parts_is_refused(tmp_path, where):
    index = tmp_path / "net.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": where}))
    with pytest.raises(ValueError, match="net.safetensors.index.json: .*weight_map"):
        checkpoints.read_weights(index)


@pytest.mark.parametrize("text", ["[]", "3", "{", ""])
def test_what_is_no_index_is_refused(tmp_path, text):
    index = tmp_path / "net.safetensors.index.json"
    index.write_text(text)
    with pytest.raises(ValueError, match="net.safetensors.index.json: .*weight_map"):
        checkpoints.read_weights(index)


def test_an_index_that_is_not_there_is_told_so(tmp_path):
    with pytest.raises(ValueError, match="net.safetensors.index.json, which does not exist"):
        checkpoints.read_weights(tmp_path / "net.safetensors.index.json")


@pytest.mark.parametrize("metadata", [None, "none", [], {"sha256": None}])
def test_an_index_needs_no_metadata(tmp_path, metadata):
    index = shards.write_shards(tensors(), tmp_path / "net.safetensors")
    known = json.loads(index.read_text()) | {"metadata": metadata}
    if metadata is None:
        del known["metadata"]
    index.write_text(json.dumps(known))
    assert checkpoints.read_weights(index).keys() == tensors().keys()
