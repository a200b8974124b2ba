import io
import os
import pickle
import zipfile
from collections import OrderedDict, defaultdict

import numpy as np
import pytest
import torch

from baselines.weights_io.pickles import read_nested, read_tensors


class Foreign:
    """A class whose instances a trainer might leave in a checkpoint."""

    def __init__(self):
        self.rate = 0.1


class Calls:
    """Pickles into a call of a function."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def write(path, program: bytes, storages=(), compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("archive/data.pkl", program)
        for key, data in enumerate(storages):
            archive.writestr(f"archive/data/{key}", data)
    return path


def test_published_checkpoint_that_torch_refuses(shared):
    path = shared / "weights" / "idf_g_15_50.ckpt"
    with pytest.raises(pickle.UnpicklingError, match="omegaconf"):
        torch.load(path, map_location="cpu", weights_only=True)
    tensors = read_tensors(path)
    (extra,) = [key for key in tensors if not key.startswith("state_dict.")]  # the best score
    assert extra.startswith("callbacks.ModelCheckpoint") and tensors.pop(extra).shape == ()
    assert sum(tensor.numel() for tensor in tensors.values()) == 49_021
    assert tensors["state_dict.model.block.gca.conv.weight"].shape == (6, 6, 1, 1)
    assert set(tensors) == {f"state_dict.{key}" for key in read_nested(path)["state_dict"]}


def test_tensors_are_read_as_torch_reads_them(tmp_path):
    base = torch.arange(24.0)
    state = OrderedDict(
        whole=base,
        view=base[3:15].view(3, 4).t(),
        shares=base[:2],
        parameter=torch.nn.Parameter(torch.ones(2, 2)),
        empty=torch.empty(0, 3),
        scalar=torch.tensor(7),
        **{str(kind): torch.ones(3, dtype=kind) for kind in (torch.bfloat16, torch.float16, torch.bool, torch.uint8)},
    )
    state._metadata = {"": {"version": 1}}
    path = tmp_path / "a.pth"
    torch.save({"state_dict": state, "mean": base, "step": 3, "more": [Foreign(), defaultdict(list, a=[1])]}, path)
    found = read_nested(path)
    assert set(found) == {"state_dict", "mean"} and set(found["state_dict"]) == set(state)
    for key, tensor in state.items():
        assert torch.equal(found["state_dict"][key], tensor) and found["state_dict"][key].dtype == tensor.dtype
    assert set(read_tensors(path)) == {"mean", *(f"state_dict.{key}" for key in state)}


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_foreign_objects_do_no_harm(tmp_path, protocol):
    content = {
        "w": torch.ones(2),
        "args": Foreign(),
        "set": {1, 2},
        "error": ValueError("x"),
        Foreign: 1,
        3: torch.ones(1),
    }
    torch.save(content, tmp_path / "a.pth", pickle_protocol=protocol)
    assert list(read_tensors(tmp_path / "a.pth")) == ["w"]


@pytest.mark.parametrize("protocol", [0, 1, 2, 4, 5])
@pytest.mark.parametrize("function", [os.system, eval, exec])
def test_no_call_is_made(tmp_path, function, protocol):
    trace = tmp_path / "trace"
    code = f"touch {trace}" if function is os.system else f"__import__('pathlib').Path({str(trace)!r}).touch()"
    program = pickle.dumps({"call": Calls(function, code), "again": [Calls(eval, "1 + 1")]}, protocol)
    pickle.loads(pickle.dumps(Calls(function, code), protocol))
    assert trace.exists()  # the call is real
    trace.unlink()
    with pytest.raises(ValueError, match="tensors by name"):
        read_tensors(write(tmp_path / "a.pth", program))
    assert not trace.exists()


@pytest.mark.parametrize(
    "name",
    [
        "torch._utils _rebuild_tensor_v2",
        "torch._utils _rebuild_parameter",
        "collections OrderedDict",
        "torch FloatStorage",
        "os system",
    ],
)
@pytest.mark.parametrize("attribute", ["__defaults__", "__setstate__", "__new__", "__init__"])
def test_state_cannot_be_set_on_what_a_name_stands_for(tmp_path, name, attribute):
    """The BUILD instruction sets attributes on whatever lies on the stack, a class or a function too."""
    state = b"}U" + bytes([len(attribute)]) + attribute.encode() + b")s"  # {attribute: ()}
    program = b"\x80\x02c" + name.replace(" ", "\n").encode() + b"\nN" + state + b"\x86b."
    with pytest.raises(ValueError):
        read_tensors(write(tmp_path / "a.pth", program))
    state_dict = OrderedDict(w=torch.nn.Parameter(torch.arange(3.0)))
    torch.save({"state_dict": state_dict, "args": Foreign()}, tmp_path / "b.pth")
    assert read_tensors(tmp_path / "b.pth")["state_dict.w"].tolist() == [0, 1, 2]


STORAGE = object()


class StorageNamer(pickle.Pickler):
    """Writes `STORAGE` as a reference to storage 0 of the archive."""

    def persistent_id(self, value):
        return ("storage", torch.FloatStorage, "0", "cpu", 2) if value is STORAGE else None


def tensor_program(size, stride, offset) -> bytes:
    file = io.BytesIO()
    call = Calls(torch._utils._rebuild_tensor_v2, STORAGE, offset, size, stride, False, OrderedDict())
    StorageNamer(file, 2).dump({"w": call})
    return file.getvalue()


def test_a_tensor_that_fits_its_storage_is_read(tmp_path):
    path = write(tmp_path / "a.pth", tensor_program((1,), (1,), 1), [np.array([5, 6], np.float32).tobytes()])
    assert read_tensors(path)["w"].tolist() == [6]


@pytest.mark.parametrize(
    ("size", "stride", "offset"),
    [((3,), (1,), 0), ((2,), (1,), 1), ((1000, 1000), (0, 0), 0), ((1,), (1,), -1), ((2,), (-1,), 1)],
)
def test_a_tensor_cannot_reach_outside_its_storage(tmp_path, size, stride, offset):
    path = write(tmp_path / "a.pth", tensor_program(size, stride, offset), [bytes(8)])
    with pytest.raises(ValueError, match="zip format"):
        read_tensors(path)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x05\x06" + bytes(18)])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "a.pth"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="zip format"):
        read_tensors(path)


def test_truncated_or_compressed_archives_are_refused(tmp_path):
    program = pickle.dumps({"w": 1}, 2)
    for bad in (write(tmp_path / "a", program[:-3]), write(tmp_path / "b", program, compression=zipfile.ZIP_DEFLATED)):
        with pytest.raises(ValueError, match="zip format"):
            read_tensors(bad)


def test_a_missing_file_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_tensors(tmp_path / "none.pth")


# The older format


def save_legacy(content, path, **options):
    torch.save(content, path, _use_new_zipfile_serialization=False, **options)
    return path


def test_older_tensors_are_read_as_torch_reads_them(tmp_path):
    base = torch.arange(24.0)
    state = OrderedDict(
        whole=base,
        view=base[3:15].view(3, 4).t(),
        parameter=torch.nn.Parameter(torch.ones(2, 2)),
        empty=torch.empty(0, 3),
        scalar=torch.tensor(7),
        **{str(kind): torch.ones(3, dtype=kind) for kind in (torch.bfloat16, torch.float16, torch.bool, torch.uint8)},
    )
    path = save_legacy({"state_dict": state, "mean": base, "args": Foreign(), "set": {1}}, tmp_path / "a.pth")
    with pytest.raises(pickle.UnpicklingError):
        torch.load(path, weights_only=True)
    found = read_nested(path)
    assert set(found) == {"state_dict", "mean"} and set(found["state_dict"]) == set(state)
    for key, tensor in state.items():
        assert torch.equal(found["state_dict"][key], tensor) and found["state_dict"][key].dtype == tensor.dtype


@pytest.mark.parametrize("function", [os.system, eval, exec])
def test_no_call_is_made_in_older_files(tmp_path, function):
    trace = tmp_path / "trace"
    code = f"touch {trace}" if function is os.system else f"__import__('pathlib').Path({str(trace)!r}).touch()"
    path = save_legacy({"w": torch.ones(2), "call": Calls(function, code)}, tmp_path / "a.pth")
    assert read_tensors(path)["w"].tolist() == [1, 1] and not trace.exists()
    torch.load(path, weights_only=False)
    assert trace.exists()  # the call is real


def test_damaged_older_files_are_refused(tmp_path):
    whole = save_legacy({"w": torch.arange(100.0)}, tmp_path / "a.pth").read_bytes()
    for length in (20, 40, len(whole) // 2, len(whole) - 1):
        (tmp_path / "b.pth").write_bytes(whole[:length])
        with pytest.raises(ValueError, match="format before 1.6"):
            read_tensors(tmp_path / "b.pth")


@pytest.mark.parametrize("length", [10**5, 10**12, -1])
def test_an_older_file_cannot_ask_for_more_memory_than_it_has(tmp_path, length):
    path = save_legacy({"w": torch.zeros(300)}, tmp_path / "a.pth")
    content = path.read_bytes()
    number = pickle.dumps(length, 2)[2:-1]
    assert content.count(b"M,\x01") >= 2  # 300, as the length of the storage and as the shape
    path.write_bytes(content.replace(b"M,\x01", number))
    with pytest.raises(ValueError, match="format before 1.6.*storages are larger"):
        read_tensors(path)
