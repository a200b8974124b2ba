"""Which format a file of weights has, by its first bytes; and of what has none of them, what it is instead."""

from __future__ import annotations

import zipfile
from pathlib import Path

SUFFIXES = ".pth, .pt, .ckpt, .safetensors, .mat"
LEGACY_TORCH_MAGIC = (
    b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19"  # the number that opens what torch.save wrote before PyTorch 1.6
)
HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
ONNX_MARKERS = (b"onnx", b"ONNX_MARKERS", b"pytorch")  # in the first bytes of ONNX_MARKERS's protocol buffer
TENSORFLOW_MARKERS = (b"Placeholder", b"Const", b"serve", b"saved_model", b"Variable")
OTHER_FORMATS = {
    b"version https://git-lfs": "a Git LFS pointer to one: fetch the file itself (git lfs pull)",
    b"\x1f\x8b": "a compressed archive: unpack it",
    b"7z\xbc\xaf": "a compressed archive: unpack it",
    b"Rar!": "a compressed archive: unpack it",
    HDF5_MAGIC: "an HDF5 file of another program (Keras, perhaps): convert it to PyTorch and save a state_dict()",
    b"\x93NUMPY": "a NumPy array (.npy): save the tensors by name with torch.save or safetensors",
    b"GGUF": "a GGUF file of another program",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"%PDF": "a PDF document",
}


def format_of(path: Path) -> str:
    """'safetensors', 'torch', 'legacy torch', 'matlab' or 'matlab 7.3'. Raises ValueError that says what came."""
    try:
        with path.open("rb") as file:
            head = file.read(1024)
    except FileNotFoundError:
        raise ValueError(f"there is no file {path}") from None
    except IsADirectoryError:
        raise ValueError(f"{path} is a folder, wanted a file of weights ({SUFFIXES})") from None
    except OSError as error:
        raise ValueError(f"{path.name} cannot be opened and is not a checkpoint here: {error.strerror}") from error
    if head.startswith(b"PK"):
        return _inside_zip(path)
    if LEGACY_TORCH_MAGIC in head[:32]:
        return "legacy torch"
    if head.startswith(b"MATLAB 7.3 MAT-file"):
        return "matlab 7.3"
    if head.startswith(b"MATLAB 5.0 MAT-file"):
        return "matlab"
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 2**27:
        return "safetensors"
    raise ValueError(f"{path.name} is not a checkpoint but {_describe_other(head)}")


def _inside_zip(path: Path) -> str:
    """'torch', of an archive as `torch.save` writes it."""
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, OSError, NotImplementedError):
        raise ValueError(f"{path.name} is damaged, cut short perhaps: get it again") from None
    members = [info.filename for info in infos]
    names = {name.partition("/")[2] for name in members}
    if "constants.pkl" in names:
        raise ValueError(
            f"{path.name} is a TorchScript program, and nothing in a file is executed here: "
            "save the network's state_dict() instead"
        )
    if any(name.endswith(".npy") for name in members):
        raise ValueError(
            f"{path.name} is not a checkpoint but NumPy arrays (.npz): save them by name with torch.save or safetensors"
        )
    if "model.weights.h5" in members:
        raise ValueError(
            f"{path.name} is not a checkpoint of PyTorch but a model of Keras: convert it and save a state_dict()"
        )
    if "data.pkl" not in names:
        shown = ", ".join(map(_printable, members[:3])) or "nothing"
        raise ValueError(f"{path.name} is not a checkpoint but an archive of {shown}: unpack it")
    packed = any(info.compress_type != zipfile.ZIP_STORED for info in infos)
    if packed or sum(info.file_size for info in infos) > path.stat().st_size:  # else small files become large tensors
        raise ValueError(
            f"{path.name} is packed: its members hold more than the file, or are compressed, which torch.save never "
            "writes: get the checkpoint as it was saved"
        )
    return "torch"


def _describe_other(head: bytes) -> str:
    if not head:
        return "empty: get it again"
    if head.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a web page: the download did not go through, get the file again"
    for start, words in OTHER_FORMATS.items():
        if head.startswith(start):
            return words
    if head[4:8] == b"TFL3":
        return "a TensorFlow Lite model: convert it to PyTorch and save a state_dict()"
    if head[:1] == b"\x08" and any(word in head for word in ONNX_MARKERS):
        return "an ONNX_MARKERS graph: save the state_dict() of the network that it was made from"
    if head[:1] in (b"\x08", b"\x0a") and any(word in head for word in TENSORFLOW_MARKERS):
        return "a TensorFlow graph: convert it to PyTorch and save a state_dict()"
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "a bare pickle, and nothing in a file is executed here: write it with torch.save or safetensors"
    try:
        text = head.decode().strip()
    except UnicodeDecodeError:
        text = ""
    if text and "\0" not in text:
        return f"text, which begins with {_printable(text.splitlines()[0][:40])!r}"
    return f"something else: {SUFFIXES} are read, and its first bytes ({head[:4].hex(' ')}) are of none of them"


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)
