"""DnCNN from MATLAB files, version 5 (by SciPy) and 7.3 (as MATLAB lays out HDF5), against SciPy's correlation."""

import builtins

import numpy as np
import pytest
import scipy.io
import torch
from scipy.signal import correlate

from baselines.dncnn import DnCNN
from baselines.weights_io import recognition
from baselines.weights_io.checkpoints import load_strictly, read_weights

RANDOM = np.random.default_rng(5)


def made(channels=3, batch_norm=False):
    """Layers of a small DnCNN with MATLAB's axes: (type, arrays)."""

    def conv(before, after):
        return "conv", [RANDOM.normal(0, 0.2, (3, 3, before, after)), RANDOM.normal(0, 0.1, (after, 1))]

    moments = np.stack([RANDOM.normal(0, 0.1, 4), RANDOM.uniform(0.5, 2, 4)], 1)
    bnorm = "bnorm", [RANDOM.normal(1, 0.1, (4, 1)), RANDOM.normal(0, 0.1, (4, 1)), moments]
    middle = [conv(4, 4), *([bnorm] if batch_norm else []), ("relu", [])]
    return [conv(channels, 4), ("relu", []), *middle, conv(4, channels), ("loss", [])]


def expected(layers, image):
    """What the network takes off an image (H, W, C), by SciPy's correlation in MATLAB's axes."""
    x = image
    for kind, arrays in layers:
        if kind == "conv":
            kernel, bias = arrays
            padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
            x = np.concatenate([correlate(padded, kernel[..., k], "valid") for k in range(kernel.shape[3])], 2)
            x = x + bias.ravel()
        elif kind == "bnorm":
            scale, shift, moments = arrays
            x = (x - moments[:, 0]) / moments[:, 1] * scale.ravel() + shift.ravel()
        elif kind == "relu":
            x = x.clip(0)
    return x


def as_matlab(array):
    """MATLAB keeps no last axis of length one beyond the second."""
    while array.ndim > 2 and array.shape[-1] == 1:
        array = array[..., 0]
    return array.astype(np.float32)


def cell(items):
    array = np.empty((1, len(items)), object)
    array[0, :] = items
    return array


def write_5(path, layers, old=False, **fields):
    def struct(kind, arrays):
        arrays = [as_matlab(array) for array in arrays]
        own = dict(zip(("filters", "biases"), arrays, strict=False)) if old else {"weights": cell(arrays)}
        return {"type": kind, **own, **fields}

    scipy.io.savemat(path, {"net": {"layers": cell([struct(*layer) for layer in layers]), "meta": {"x": 1.0}}})
    return path


def write_7_3(path, layers, **fields):
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w", userblock_size=512) as file:
        hidden = file.create_group("#refs#")
        net = file.create_group("net")

        def array(value):
            item = hidden.create_dataset(str(len(hidden)), data=as_matlab(value).transpose())
            item.attrs["MATLAB_class"] = np.bytes_("single")
            return item.ref

        def references(parent, name, items):
            if not items:  # MATLAB writes the size of what is empty
                parent.create_dataset(name, data=np.zeros(2, np.uint64)).attrs["MATLAB_empty"] = np.uint8(1)
                return
            parent.create_dataset(name, data=np.array([items], h5py.ref_dtype).T, dtype=h5py.ref_dtype)

        groups = []
        for kind, arrays in layers:
            group = hidden.create_group(f"layer{len(hidden)}")
            group.create_dataset("type", data=np.array([[ord(letter)] for letter in kind], np.uint16))
            references(group, "weights", [array(value) for value in arrays])
            for name, value in fields.items():
                group.create_dataset(name, data=np.array([[value]], float))
            groups.append(group.ref)
        references(net, "layers", groups)
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")
    return path


WRITERS = pytest.mark.parametrize("write", [write_5, write_7_3])


@WRITERS
@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_network_is_the_same(tmp_path, write, channels, batch_norm):
    layers = made(channels, batch_norm)
    tensors = read_weights(write(tmp_path / "net.mat", layers))
    (like,) = recognition.find_matches(tensors)
    assert (like.name, like.share) == ("dncnn", 1)
    assert like.parameters == {
        "in_nc": channels,
        "out_nc": channels,
        "nc": 4,
        "nb": 3,
        "act_mode": "BR" if batch_norm else "R",
        "bias_free": False,
        "conv_bias": True,
    }
    network = DnCNN(**like.parameters).eval()
    load_strictly(network, tensors, "net.mat")
    image = RANDOM.random((7, 9, channels)).astype(np.float32)
    with torch.inference_mode():
        x = torch.from_numpy(image).permute(2, 0, 1)[None]
        found = (x - network(x))[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(found, expected(layers, image), atol=2e-6)


def test_older_files_name_filters_and_biases(tmp_path):
    layers = made()
    old, new = (read_weights(write_5(tmp_path / f"{old}.mat", layers, old)) for old in (True, False))
    assert old.keys() == new.keys() and all(torch.equal(old[key], new[key]) for key in old)


def test_a_convolution_without_bias_has_a_bias_of_zero(tmp_path):
    layers = [(kind, arrays[:1]) for kind, arrays in made()]
    tensors = read_weights(write_5(tmp_path / "net.mat", layers))
    assert not tensors["model.0.bias"].any() and tensors["model.0.bias"].shape == (4,)


@WRITERS
def test_what_no_dncnn_has_is_refused(tmp_path, write):
    path = tmp_path / "net.mat"
    with pytest.raises(ValueError, match=r"net.mat, layer 1 \('conv'\): .*dilated"):
        read_weights(write(path, made(), dilate=2.0))
    with pytest.raises(ValueError, match=r"layer 2 \('pool'\): "):
        read_weights(write(path, [made()[0], ("pool", [])]))
    with pytest.raises(ValueError, match="weights"):
        read_weights(write(path, [("relu", [])]))
    with pytest.raises(ValueError, match=r"layer 1 \('conv'\)"):
        read_weights(write(path, [("conv", [])]))
    assert read_weights(write(path, made(), dilate=1.0))


def test_other_matlab_files_are_refused(tmp_path):
    path = tmp_path / "data.mat"
    scipy.io.savemat(path, {"images": np.ones(3), "labels": np.ones(2)})
    with pytest.raises(ValueError, match="data.mat: .*images, labels"):
        read_weights(path)
    scipy.io.savemat(path, {"net": np.ones(3)})
    with pytest.raises(ValueError, match="data.mat: .*got net"):
        read_weights(path)
    scipy.io.savemat(path, {"net": {"layers": np.ones(3)}})
    with pytest.raises(ValueError, match="plain list of layers"):
        read_weights(path)
    path.write_bytes(path.read_bytes()[:150])
    with pytest.raises(ValueError, match=r"data.mat: "):
        read_weights(path)


def test_other_matlab_7_3_files_are_refused(tmp_path):
    h5py = pytest.importorskip("h5py")
    path = write_7_3(tmp_path / "net.mat", made())
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match="net.mat: damaged"):
        read_weights(path)
    path.write_bytes(content)
    with h5py.File(path, "r+") as file:
        del file["net/layers"]
        file["net/layers"] = np.ones(3)
    with pytest.raises(ValueError, match="plain list of layers"):
        read_weights(path)
    with h5py.File(path, "r+") as file:
        del file["net"]
        file["images"] = np.ones(3)
    with pytest.raises(ValueError, match="images"):
        read_weights(path)


def test_without_h5py_the_way_to_it_is_told(tmp_path, monkeypatch):
    path = tmp_path / "net.mat"
    path.write_bytes(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512))
    really = builtins.__import__

    def without(name, *rest):
        if name == "h5py":
            raise ImportError(name)
        return really(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ValueError, match=r"net.mat: .*pip install 'maskbench\[mat\]'"):
        read_weights(path)


def first_kernel(file):
    """(the cell that refers to the first layer's arrays, its kernel's name) of an open file."""
    cell = file[file["net/layers"][0, 0]]["weights"]
    return cell, file[cell[0, 0]].name


def huge(file, h5py):
    _, name = first_kernel(file)
    del file[name]
    file.create_dataset(name, (10**7, 10**5), np.float32)


def huge_in_chunks(file, h5py):
    _, name = first_kernel(file)
    del file[name]
    file.create_dataset(name, (10**7, 10**5), np.float32, chunks=(10, 10), compression="gzip")[0, 0] = 1


def huge_list(file, h5py):
    del file["net/layers"]
    file.create_dataset("net/layers", (10**12, 1), h5py.ref_dtype)


def huge_type(file, h5py):
    layer = file[file["net/layers"][0, 0]]
    del layer["type"]
    layer.create_dataset("type", (10**12, 1), np.uint16)


def null_array(file, h5py):
    cell, _ = first_kernel(file)
    cell[0, 0] = h5py.Reference()


def null_layer(file, h5py):
    file["net/layers"][0, 0] = h5py.Reference()


def words(file, h5py):
    _, name = first_kernel(file)
    del file[name]
    file[name] = np.array([[b"abc"]])


@pytest.mark.parametrize("harm", [huge, huge_in_chunks, huge_list, huge_type, null_array, null_layer, words])
def test_strange_matlab_7_3_files_are_one_line_with_their_name(tmp_path, harm):
    h5py = pytest.importorskip("h5py")
    path = write_7_3(tmp_path / "net.mat", made())
    with h5py.File(path, "r+") as file:
        harm(file, h5py)
    with pytest.raises(ValueError) as error:
        read_weights(path)
    assert str(error.value).startswith("net.mat") and "\n" not in str(error.value)
    if "huge" in harm.__name__:
        assert "bytes" in str(error.value)


def test_compressed_matlab_7_3_files_are_read(tmp_path):
    h5py = pytest.importorskip("h5py")
    path = write_7_3(tmp_path / "net.mat", made())
    before = read_weights(path)
    with h5py.File(path, "r+") as file:
        _, name = first_kernel(file)
        content = file[name][()]
        del file[name]
        file.create_dataset(name, data=0 * content, chunks=True, compression="gzip", compression_opts=9)
    after = read_weights(path)
    assert after["model.0.weight"].shape == before["model.0.weight"].shape and not after["model.0.weight"].any()


@pytest.mark.parametrize("kernel", ["words", [{"a": 1}, "b"]])
def test_strange_kernels_of_version_5_are_one_line_with_their_name(tmp_path, kernel):
    path = tmp_path / "net.mat"
    scipy.io.savemat(path, {"net": {"layers": cell([{"type": "conv", "weights": cell([kernel, np.ones(1)])}])}})
    with pytest.raises(ValueError, match="^net.mat, layer 1 .'conv'.: "):
        read_weights(path)
