"""Recognize the format of a weights file by its first bytes, and describe files of other formats."""

from __future__ import annotations

import zipfile
from pathlib import Path

SUFFIXES = ".pth, .pt, .ckpt, .safetensors, .mat"
LEGACY_TORCH_MAGIC = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19"  # first bytes of torch.save before PyTorch 1.6
HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
ONNX_MARKERS = (b"onnx", b"ONNX", b"pytorch")  # in the first bytes of the protocol buffer
TENSORFLOW_MARKERS = (b"Placeholder", b"Const", b"serve", b"saved_model", b"Variable")
OTHER_FORMATS = {
    b"version https://git-lfs": "a Git LFS pointer: fetch the file with git lfs pull",
    b"\x1f\x8b": "a compressed archive: unpack it",
    b"7z\xbc\xaf": "a compressed archive: unpack it",
    b"Rar!": "a compressed archive: unpack it",
    HDF5_MAGIC: "an HDF5 file of another program (perhaps Keras): convert it to PyTorch and save a state_dict()",
    b"\x93NUMPY": "a NumPy array (.npy): save the tensors by name with torch.save or safetensors",
    b"GGUF": "a GGUF file of another program: name a PyTorch checkpoint",
    b"\x89PNG": "an image (PNG): name a weights file",
    b"\xff\xd8\xff": "an image (JPEG): name a weights file",
    b"%PDF": "a PDF document: name a weights file",
}


def format_of(path: Path) -> str:
    """'safetensors', 'torch', 'legacy torch', 'matlab' or 'matlab 7.3'. Raises ValueError for other formats."""
    try:
        with path.open("rb") as file:
            head = file.read(1024)
    except FileNotFoundError:
        raise ValueError(f"expected a weights file, got {path}, which does not exist: check the path") from None
    except IsADirectoryError:
        raise ValueError(f"expected a weights file ({SUFFIXES}), got the folder {path}: name the file in it") from None
    except OSError as error:
        raise ValueError(f"{path.name}: cannot be read ({error.strerror})") from error
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
    raise _unexpected(path, _describe_other(head))


def _inside_zip(path: Path) -> str:
    """'torch' for a zip archive of `torch.save`. Raises ValueError with a description of others."""
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, OSError, NotImplementedError):
        raise ValueError(f"{path.name}: damaged or truncated: download it again") from None
    members = [info.filename for info in infos]
    names = {name.partition("/")[2] for name in members}
    if "constants.pkl" in names:
        raise _unexpected(
            path, "a TorchScript program, whose code is not executed here: save the network's state_dict() instead"
        )
    if any(name.endswith(".npy") for name in members):
        raise _unexpected(path, "NumPy arrays (.npz): save them by name with torch.save or safetensors")
    if "model.weights.h5" in members:
        raise _unexpected(path, "a Keras model: convert it to PyTorch and save a state_dict()")
    if "data.pkl" not in names:
        shown = ", ".join(map(_printable, members[:3])) or "nothing"
        raise _unexpected(path, f"an archive of {shown}: unpack it and name the weights file in it")
    packed = any(info.compress_type != zipfile.ZIP_STORED for info in infos)
    if packed or sum(info.file_size for info in infos) > path.stat().st_size:  # protects against decompression bombs
        raise _unexpected(path, "a compressed archive, which torch.save never writes: name the original checkpoint")
    return "torch"


def _unexpected(path: Path, description: str) -> ValueError:
    return ValueError(f"{path.name}: expected weights ({SUFFIXES}), got {description}")


def _describe_other(head: bytes) -> str:
    """Description of a file of another format by its first bytes, and what to do."""
    if not head:
        return "an empty file: download it again"
    if head.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a web page: download the file itself"
    for start, description in OTHER_FORMATS.items():
        if head.startswith(start):
            return description
    if head[4:8] == b"TFL3":
        return "a TensorFlow Lite model: convert it to PyTorch and save a state_dict()"
    if head[:1] == b"\x08" and any(marker in head for marker in ONNX_MARKERS):
        return "an ONNX graph: save the state_dict() of the original PyTorch network"
    if head[:1] in (b"\x08", b"\x0a") and any(marker in head for marker in TENSORFLOW_MARKERS):
        return "a TensorFlow graph: convert it to PyTorch and save a state_dict()"
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "a plain pickle, whose code is not executed here: save the tensors with torch.save or safetensors"
    try:
        text = head.decode().strip()
    except UnicodeDecodeError:
        text = ""
    if text and "\0" not in text:
        return f"text that begins with {_printable(text.splitlines()[0][:40])!r}: name a weights file"
    return f"an unknown format (first bytes {head[:4].hex(' ')}): name a PyTorch, safetensors or MatConvNet file"


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)
