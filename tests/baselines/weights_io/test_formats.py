"""The format of a file is told by its content, and what is no checkpoint is told by its name."""

import copy
import io
import zipfile

import pytest
import safetensors.torch
import torch

from baselines.weights_io.checkpoints import read_weights
from baselines.weights_io.formats import HDF5_MAGIC, format_of

STATE = {"conv.weight": torch.ones(2, 3), "conv.bias": torch.zeros(2)}


def zipped(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)
    return file.getvalue()


@pytest.mark.parametrize("ending", [".pth", ".pt", ".ckpt", ".safetensors", ".mat", ".bin", ""])
@pytest.mark.parametrize("kind", ["torch", "legacy torch", "safetensors"])
def test_the_ending_does_not_matter(tmp_path, kind, ending):
    path = tmp_path / f"a{ending}"
    if kind == "safetensors":
        safetensors.torch.save_file(STATE, path)
    else:
        torch.save(STATE, path, _use_new_zipfile_serialization=kind == "torch")
    assert format_of(path) == kind
    found = read_weights(path)
    assert found.keys() == STATE.keys() and all(torch.equal(found[key], STATE[key]) for key in STATE)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "a.pth: .*empty"),
        (b"\n<!DOCTYPE html><html>", "web page"),
        (b"<html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"Hello\x1b[31m you", "'Hello.\\[31m you'"),
        ("Ä".encode() * 100, "text that"),
        (b"\x1f\x8b\x08\x00", "compressed archive"),
        (HDF5_MAGIC + bytes(600), "HDF5"),
        (b"\x89PNG\r\n", "PNG"),
        (b"\x80\x04}\x94.", "plain pickle"),
        (bytes(40), "00 00 00 00"),
        (b"PK\x03\x04" + bytes(40), "a.pth: damaged or truncated"),
        (b"\x93NUMPY\x01\x00" + bytes(90), "a NumPy array"),
        (b"\x08\x07\x12\x07pytorch\x1a\x052.1.0" + bytes(90), "an ONNX graph"),
        (b"\x0a\x3b\x0a\x05input\x12\x0bPlaceholder" + bytes(90), "a TensorFlow graph"),
        (b"\x1c\x00\x00\x00TFL3" + bytes(90), "a TensorFlow Lite model"),
        (zipped(w__npy="x", b__npy="y"), "NumPy arrays"),
        (zipped(config__json="x", **{"model__weights__h5": "y"}), "Keras"),
        (zipped(model__pth="x", readme__txt="y"), "archive of model.pth, readme.txt"),
        (zipped(), "archive of nothing"),
    ],
)
def test_what_is_no_checkpoint_is_told(tmp_path, content, words):
    path = tmp_path / "a.pth"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=words) as error:
        format_of(path)
    assert str(error.value).isprintable()


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(ValueError, match="a.pth, which does not exist"):
        format_of(tmp_path / "a.pth")
    with pytest.raises(ValueError, match="folder"):
        format_of(tmp_path)


def test_a_torchscript_program_is_refused(tmp_path):
    path = tmp_path / "a.pt"
    path.write_bytes(zipped(**{"a/data__pkl": "x", "a/constants__pkl": "x", "a/code/net__py": "x"}))
    with pytest.raises(ValueError, match="TorchScript"):
        format_of(path)


def packed(path, compression, twice=""):
    """What torch.save wrote, its members compressed, or one more name for the bytes of a member."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        if twice:
            again = copy.copy(archive.getinfo(twice))
            again.filename += "0"
            archive.filelist.append(again)
            archive.NameToInfo[again.filename] = again
    return path


def test_a_small_file_cannot_become_large_tensors(tmp_path):
    path = tmp_path / "a.pth"
    torch.save({"w": torch.zeros(10**6)}, path)
    assert packed(path, zipfile.ZIP_STORED) and read_weights(path)["w"].shape == (10**6,)
    packed(path, zipfile.ZIP_STORED, twice="a/data/0")
    with pytest.raises(ValueError, match="a.pth: .*compressed"):
        read_weights(path)
    torch.save({"w": torch.zeros(10**6)}, path)
    packed(path, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 10**4
    with pytest.raises(ValueError, match="a.pth: .*compressed"):
        read_weights(path)
