"""SIDD: pairs of smartphone photographs in the files of its authors.

Validation: 40 photographs x 32 blocks of 256x256, uint8, in two MATLAB files of version 5 or 7.3 (the latter needs the
extra `mat`). Scores on them are validation scores; published tables often show scores of the authors' server, on
images that are not public. Source: Abdelhamed et al., CVPR 2018.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import numpy as np

from bench.core.errors import BadInput, described
from bench.datasets.image import CleanImage, Reader, in_natural_order
from bench.datasets.readers import FileReader
from noise_zoo.real import Real

NOISY_NAME = re.compile(r"noisy(?=_srgb.*\.png$)", re.IGNORECASE)
NOISY, CLEAN = "ValidationNoisyBlocksSrgb", "ValidationGtBlocksSrgb"
HDF5 = b"MATLAB 7.3"


def blocks(folder: Path) -> tuple[CleanImage, ...] | None:
    """Return the validation blocks as images `01-05` (photograph, block), None without their files. Raises BadInput."""
    noisy, clean = (folder / f"{name}.mat" for name in (NOISY, CLEAN))
    if not noisy.is_file() and not clean.is_file():
        return None
    shapes = [_shape(file) for file in (noisy, clean)]
    if shapes[0] != shapes[1]:
        raise BadInput(f"expected {noisy.name} and {clean.name} of one shape, got {shapes[0]} and {shapes[1]}")
    photographs, count, *_ = shapes[0]

    def reader(file: Path, photograph: int, block: int) -> Reader:
        return lambda: np.ascontiguousarray(_load(file)[photograph, block])

    return tuple(
        CleanImage(
            f"{photograph + 1:02}-{block + 1:02}",
            reader(clean, photograph, block),
            recorded=((Real(), reader(noisy, photograph, block)),),
            photograph=f"{photograph + 1:02}",
        )
        for photograph in range(photographs)
        for block in range(count)
    )


def folders(folder: Path) -> tuple[CleanImage, ...] | None:
    """Return whole photographs of SIDD Small or Medium, Data/SCENE/ in any case; None if there are none."""
    roots = [path for path in folder.iterdir() if path.name.lower() == "data" and path.is_dir()]
    noisy = sorted(path for root in roots for path in root.glob("*/*") if NOISY_NAME.search(path.name))
    if not noisy:
        return None
    names = {f"{path.parent.name}_{path.stem.rpartition('_')[2]}": path for path in noisy}
    return tuple(_photograph(name, names[name]) for name in in_natural_order(list(names)))


def _photograph(name: str, noisy: Path) -> CleanImage:
    clean = noisy.with_name(NOISY_NAME.sub(lambda match: "gt" if match[0].islower() else "GT", noisy.name))
    if not clean.is_file():
        raise BadInput(f"{noisy}: expected its clean image {clean.name} in the same folder, got none")
    recorded = ((Real(), FileReader(noisy)),)
    return CleanImage(name, FileReader(clean), recorded=recorded, photograph=noisy.parent.name)


def _is_hdf5(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(len(HDF5)) == HDF5


def _shape(file: Path) -> tuple[int, ...]:
    """Read the shape (photographs, blocks, H, W, 3) of a file without its pixels. Raises BadInput."""
    if not file.is_file():
        raise BadInput(f"{file.parent}: expected files of noisy and of clean blocks, got no {file.name}")
    try:
        if _is_hdf5(file):
            with _h5py().File(file) as opened:
                shape = opened[file.stem].shape[::-1] if file.stem in opened else None
        else:
            from scipy.io import whosmat

            shape = next((shape for name, shape, _ in whosmat(file) if name == file.stem), None)
    except BadInput:
        raise
    except Exception as error:  # SciPy raises many types for other files
        raise BadInput(f"{file} cannot be read as a MATLAB file: {described(error)}") from error
    if shape is None or len(shape) != 5 or shape[-1] != 3:
        got = "no such variable" if shape is None else f"shape {shape}"
        raise BadInput(f"{file}: expected {file.stem} of shape (photographs, blocks, rows, columns, 3), got {got}")
    return tuple(map(int, shape))


@lru_cache(maxsize=2)
def _load(file: Path) -> np.ndarray:
    """Read all blocks, uint8 (photographs, blocks, H, W, 3). Raises ValueError."""
    try:
        if _is_hdf5(file):
            with _h5py().File(file) as opened:
                pixels = opened[file.stem][()].transpose()  # MATLAB stores axes in reverse order
        else:
            from scipy.io import loadmat

            pixels = loadmat(file, variable_names=[file.stem])[file.stem]
    except Exception as error:  # as above
        raise ValueError(f"{file.name} cannot be read: {described(error)}") from error
    if pixels.dtype != np.uint8:
        raise ValueError(f"{file.name}: expected uint8 pixels, got {pixels.dtype}")
    return pixels


def _h5py():
    try:
        import h5py
    except ImportError:
        raise BadInput(
            "expected the package h5py to read MATLAB files of version 7.3, got none: pip install 'maskbench[mat]'"
        ) from None
    return h5py
