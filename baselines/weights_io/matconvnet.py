"""Read DnCNN as published by its authors: MatConvNet's `net.layers` in a MATLAB file, version 5 or 7.3 (HDF5).

MatConvNet stores kernels as H x W x In x Out and correlates like PyTorch, so that nothing is flipped; MATLAB drops a
last axis of length one (a kernel with one output has three axes). In HDF5 the axes of MATLAB's arrays are reversed.
Batch normalization stores `moments`: mean and standard deviation, which already includes epsilon.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

BATCH_NORM_EPSILON = 1e-4  # of baselines.dncnn
MAX_INFLATION = 1032  # maximum ratio of HDF5's compression (deflate)
LOSS_LAYERS = ("loss", "pdist", "softmaxloss")


@dataclass(frozen=True)
class MatConvNetLayer:
    """Type of a layer, and its arrays with MATLAB's axes."""

    kind: str
    arrays: tuple[np.ndarray, ...]
    dilated: bool = False


def read_matconvnet(path: Path, format: str) -> dict[str, Tensor]:
    """Tensors by DnCNN's keys, from a file of format 'matlab' or 'matlab 7.3'. Raises ValueError."""
    layers = _version_5(path) if format == "matlab" else _version_7_3(path)
    tensors: dict[str, np.ndarray] = {}
    for index, layer in enumerate(layer for layer in layers if layer.kind not in LOSS_LAYERS):
        try:
            found = {name: np.array(array, np.float32) for name, array in _parameters(layer).items()}
        except (ValueError, TypeError, IndexError, AttributeError) as error:
            which = f"layer {index + 1} ({layer.kind!r})"
            raise ValueError(f"{path.name}, {which}: expected a layer of a DnCNN, got another: {error}") from error
        tensors |= {f"model.{index}.{name}": array for name, array in found.items()}
    if not tensors:
        raise ValueError(f"{path.name}: expected a MatConvNet network with weights, got one without: name another file")
    return {name: torch.from_numpy(array) for name, array in tensors.items()}


def _parameters(layer: MatConvNetLayer) -> dict[str, np.ndarray]:
    """The arrays of a layer by PyTorch's names, with PyTorch's axes. Raises ValueError for other layers."""
    arrays = layer.arrays
    if layer.kind == "relu":
        return {}
    if layer.kind == "conv":
        if layer.dilated:
            raise ValueError("dilated convolutions are not supported")
        kernel = arrays[0].reshape(arrays[0].shape + (1,) * (4 - arrays[0].ndim)).transpose(3, 2, 0, 1)
        bias = arrays[1].ravel() if len(arrays) > 1 and arrays[1].size else np.zeros(len(kernel))
        return {"weight": kernel, "bias": bias}
    if layer.kind == "bnorm":
        scale, shift, moments = arrays[:3]
        mean, standard_deviation = moments.astype(np.float64).reshape(-1, 2).T
        return {
            "weight": scale.ravel(),
            "bias": shift.ravel(),
            "running_mean": mean,
            "running_var": standard_deviation**2 - BATCH_NORM_EPSILON,
        }
    raise ValueError("supported are conv, bnorm and relu")


def _no_network(path: Path, names: list[str]) -> ValueError:
    found = ", ".join(names[:5]) or "no variables"
    return ValueError(f"{path.name}: expected MatConvNet's variable net with layers, got {found}: name another file")


def _not_simple(path: Path) -> ValueError:
    return ValueError(
        f"{path.name}: expected a plain list of layers in net, as of a MatConvNet DnCNN, got another structure"
    )


def _version_5(path: Path) -> list[MatConvNetLayer]:
    import scipy.io

    try:
        content = scipy.io.loadmat(path)
    except Exception as error:  # the reader may raise anything for a damaged file
        raise ValueError(f"{path.name}: damaged ({type(error).__name__}): download it again") from error
    net = content.get("net")
    if net is None or "layers" not in (net.dtype.names or ()):
        raise _no_network(path, [name for name in content if not name.startswith("__")])
    try:
        return [_struct_layer(cell) for cell in net["layers"][0, 0].ravel()]
    except (LookupError, TypeError, AttributeError) as error:
        raise _not_simple(path) from error


def _struct_layer(struct: np.ndarray) -> MatConvNetLayer:
    """A layer of a version 5 file: a 1x1 structured array; cells are arrays of objects."""
    fields = {name: struct[name].ravel()[0] for name in struct.dtype.names}
    arrays = fields.get("weights", np.empty(0)).ravel()
    if "filters" in fields:  # before 2015
        arrays = [fields["filters"], fields.get("biases", np.empty(0))]
    return MatConvNetLayer(str(fields["type"].ravel()[0]), tuple(arrays), _dilated(fields.get("dilate")))


def _version_7_3(path: Path) -> list[MatConvNetLayer]:
    try:
        import h5py
    except ImportError:
        raise ValueError(f"{path.name}: MATLAB 7.3 files need the package h5py: pip install 'maskbench[mat]'") from None
    try:
        with h5py.File(path, "r") as file:
            if isinstance(file.get("net"), h5py.Group) and "layers" in file["net"]:
                return [_hdf5_layer(file, file[reference]) for reference in _read(file["net/layers"]).ravel()]
            names = [name for name in file if not name.startswith("#")]
    except (OSError, RuntimeError) as error:
        raise ValueError(f"{path.name}: damaged ({type(error).__name__}): download it again") from error
    except (LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise _not_simple(path) from error
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error
    raise _no_network(path, names)


def _hdf5_layer(file, group) -> MatConvNetLayer:
    """A layer of an HDF5 file: a group of data sets; cells contain references to others."""
    arrays = [_hdf5_array(file[reference]) for reference in _references(group.get("weights"))]
    if "filters" in group:
        arrays = [_hdf5_array(group[name]) for name in ("filters", "biases") if name in group]
    dilate = _hdf5_array(group["dilate"]) if "dilate" in group else None
    return MatConvNetLayer("".join(map(chr, _read(group["type"]).ravel())), tuple(arrays), _dilated(dilate))


def _references(cell) -> list:
    return [] if cell is None or "MATLAB_empty" in cell.attrs else list(_read(cell).ravel())


def _hdf5_array(dataset) -> np.ndarray:
    return np.empty(0) if "MATLAB_empty" in dataset.attrs else _read(dataset).transpose()


def _read(dataset) -> np.ndarray:
    """Content of a data set. Raises ValueError if its size exceeds what the stored bytes can decompress to."""
    stored = dataset.id.get_storage_size()
    if dataset.nbytes > MAX_INFLATION * stored:
        raise ValueError(f"{dataset.name}: expected {dataset.nbytes} bytes, got only {stored} compressed ones")
    return dataset[()]


def _dilated(value: np.ndarray | None) -> bool:
    return value is not None and bool((np.asarray(value) > 1).any())
