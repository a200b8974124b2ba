"""DnCNN as its authors published it: MatConvNet's `net.layers` in a MATLAB file, version 5 or 7.3 (HDF5).

MatConvNet keeps kernels as H x W x In x Out and correlates like PyTorch, so that nothing is flipped; MATLAB drops a
last axis of length one (a kernel with one output has three axes). HDF5 shows MATLAB's arrays with all axes reversed.
Batch normalization keeps `moments`: the mean and the deviation, in which epsilon is already contained.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

BATCH_NORM_EPSILON = 1e-4  # of the DnCNN here
MAX_INFLATION = 1032  # a byte unfolds to so many at most, in the compression of HDF5 (deflate)
LOSS_LAYERS = ("loss", "pdist", "softmaxloss")


@dataclass(frozen=True)
class MatConvNetLayer:
    """A layer's type, and its arrays with MATLAB's axes."""

    kind: str
    arrays: tuple[np.ndarray, ...]
    dilated: bool = False


def read_matconvnet(path: Path, format: str) -> dict[str, Tensor]:
    """Tensors under DnCNN's keys, of a file in the format 'matlab' or 'matlab 7.3'. Raises ValueError."""
    layers = _version_5(path) if format == "matlab" else _version_7_3(path)
    tensors: dict[str, np.ndarray] = {}
    for place, layer in enumerate(layer for layer in layers if layer.kind not in LOSS_LAYERS):
        try:
            found = {name: np.array(array, np.float32) for name, array in _parameters(layer).items()}
        except (ValueError, TypeError, IndexError, AttributeError) as error:
            which = f"layer {place + 1} ({layer.kind!r})"
            raise ValueError(f"{path.name}: {which} is not one of a DnCNN: {error}") from error
        tensors |= {f"model.{place}.{name}": array for name, array in found.items()}
    if not tensors:
        raise ValueError(f"{path.name} holds a MatConvNet network without any weights")
    return {name: torch.from_numpy(array) for name, array in tensors.items()}


def _parameters(layer: MatConvNetLayer) -> dict[str, np.ndarray]:
    """The arrays of a layer, with PyTorch's names and axes."""
    arrays = layer.arrays
    if layer.kind == "relu":
        return {}
    if layer.kind == "conv":
        if layer.dilated:
            raise ValueError("its convolution is dilated")
        kernel = arrays[0].reshape(arrays[0].shape + (1,) * (4 - arrays[0].ndim)).transpose(3, 2, 0, 1)
        bias = arrays[1].ravel() if len(arrays) > 1 and arrays[1].size else np.zeros(len(kernel))
        return {"weight": kernel, "bias": bias}
    if layer.kind == "bnorm":
        scale, shift, moments = arrays[:3]
        mean, deviation = moments.astype(np.float64).reshape(-1, 2).T
        return {"weight": scale.ravel(), "bias": shift.ravel(), "running_mean": mean,
                "running_var": deviation**2 - BATCH_NORM_EPSILON}  # fmt: skip
    raise ValueError("wanted conv, bnorm and relu")


def _no_network(path: Path, names: list[str]) -> ValueError:
    found = ", ".join(names[:5]) or "nothing"
    return ValueError(f"{path.name} holds {found}, wanted MatConvNet's net with its layers")


def _not_simple(path: Path) -> ValueError:
    return ValueError(f"{path.name}: its net is not a plain list of layers, as a DnCNN of MatConvNet is")


def _version_5(path: Path) -> list[MatConvNetLayer]:
    import scipy.io

    try:
        content = scipy.io.loadmat(path)
    except Exception as error:  # of a damaged file the reader may raise anything
        raise ValueError(f"{path.name} is damaged: {type(error).__name__}") from error
    net = content.get("net")
    if net is None or "layers" not in (net.dtype.names or ()):
        raise _no_network(path, [name for name in content if not name.startswith("__")])
    try:
        return [_struct_layer(cell) for cell in net["layers"][0, 0].ravel()]
    except (LookupError, TypeError, AttributeError) as error:
        raise _not_simple(path) from error


def _struct_layer(struct: np.ndarray) -> MatConvNetLayer:
    """A layer of a version 5 file: a 1x1 array with fields, of which cells are arrays of objects."""
    fields = {name: struct[name].ravel()[0] for name in struct.dtype.names}
    arrays = fields.get("weights", np.empty(0)).ravel()
    if "filters" in fields:  # before 2015
        arrays = [fields["filters"], fields.get("biases", np.empty(0))]
    return MatConvNetLayer(str(fields["type"].ravel()[0]), tuple(arrays), _dilated(fields.get("dilate")))


def _version_7_3(path: Path) -> list[MatConvNetLayer]:
    try:
        import h5py
    except ImportError:
        raise ValueError(
            f"{path.name} is a MATLAB 7.3 file, which h5py reads: install it (pip install 'maskbench[mat]')"
        ) from None
    try:
        with h5py.File(path, "r") as file:
            if isinstance(file.get("net"), h5py.Group) and "layers" in file["net"]:
                return [_hdf5_layer(file, file[reference]) for reference in _read(file["net/layers"]).ravel()]
            names = [name for name in file if not name.startswith("#")]
    except (OSError, RuntimeError) as error:
        raise ValueError(f"{path.name} is damaged: {type(error).__name__}") from error
    except (LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise _not_simple(path) from error
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error
    raise _no_network(path, names)


def _hdf5_layer(file, group) -> MatConvNetLayer:
    """A layer of an HDF5 file: a group of data sets, of which cells hold references to others."""
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
    """A data set's content. Raises ValueError where it claims more than what is stored can unfold to."""
    stored = dataset.id.get_storage_size()
    if dataset.nbytes > MAX_INFLATION * stored:
        raise ValueError(f"{dataset.name} claims {dataset.nbytes} bytes and holds {stored}")
    return dataset[()]


def _dilated(value: np.ndarray | None) -> bool:
    return value is not None and bool((np.asarray(value) > 1).any())
