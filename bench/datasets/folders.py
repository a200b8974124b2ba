"""What lies in a folder: clean images, or pairs of a noisy and a clean one. The first layout that fits is taken.

SIDD's validation blocks    ValidationNoisyBlocksSrgb.mat and ValidationGtBlocksSrgb.mat
SIDD's folders              Data/SCENE/*_NOISY_SRGB_*.PNG and *_GT_SRGB_*.PNG
pairs                       clean/ (or gt/, reference/) beside noisy/, or beside spp64/, spp128/, ... of renders
pairs by name               *_real.* beside *_mean.*
images                      files
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from bench.datasets import exr, sidd, tone
from bench.datasets.image import SUFFIXES, CleanImage, Reader, in_natural_order, read_file
from bench.errors import BadInput
from bench.protocols import to_bytes
from noise_zoo.monte_carlo import MonteCarlo
from noise_zoo.noise import Noise
from noise_zoo.real import Real

LINEAR = ".exr"
CLEAN = ("clean", "gt", "reference")
NOISY_END, CLEAN_END = "_real", "_mean"

Files = dict[str, Path]  # stem -> file
Pictured = Callable[[Path], Reader]  # how files are read


def images_of(folder: Path, exposure: float | None = None, curve: str | None = None) -> tuple[CleanImage, ...]:
    """The images of a folder, in the order of their names. Raises BadInput where it has none, or half a pair.

    `exposure` (stops) and `curve` are for files in linear light, and an error where there are none.
    """
    if not folder.is_dir():
        raise BadInput(f"there is no folder {folder}")
    linear = []

    def pictured(path: Path) -> Reader:
        if path.suffix.lower() != LINEAR:
            return lambda: read_file(path)
        linear.append(path)
        return lambda: to_bytes(tone.map_tones(exr.read(path), exposure or 0.0, curve or tone.CURVES[0]))

    found = next(filter(None, (layout(folder, pictured) for layout in LAYOUTS)), None)
    if found is None:
        kinds = ", ".join(sorted({*SUFFIXES, LINEAR}))
        raise BadInput(f"the folder {folder} has no images ({kinds}), and no noisy/ beside clean/")
    if (exposure is not None or curve is not None) and not linear:
        raise BadInput(f"exposure and tone are for renders in linear light, and {folder} has no {LINEAR} files")
    return found


def _pairs(folder: Path, pictured: Pictured) -> tuple[CleanImage, ...] | None:
    """clean/ beside noisy/ or spp64/, ...; files are paired by name, whatever their suffix."""
    noisy = {noise: folder / name for name, noise in _noisy_folders(folder)}
    if not noisy or _files(folder):
        return None
    clean = [folder / name for name in CLEAN if (folder / name).is_dir()]
    if len(clean) != 1:
        have = " and ".join(f"{path.name}/" for path in clean) or "no folder of clean images"
        raise BadInput(f"{folder} has noisy images and {have}: wanted one of {', '.join(CLEAN)}")
    targets = _by_stem(clean[0])
    sources = {noise: _by_stem(path) for noise, path in noisy.items()}
    for noise, files in sources.items():
        _same_names(noisy[noise], files, clean[0], targets)
    return tuple(
        CleanImage(targets[stem].name, pictured(targets[stem]),
                   recorded=tuple((noise, pictured(files[stem])) for noise, files in sources.items()))
        for stem in in_natural_order(list(targets))
    )  # fmt: skip


def _noisy_folders(folder: Path) -> Iterable[tuple[str, Noise]]:
    """(name, noise) of the subfolders with noisy images, fewest samples first."""
    if (folder / "noisy").is_dir():
        yield "noisy", Real()
    for name in in_natural_order([path.name for path in folder.iterdir() if path.is_dir()]):
        if counted := re.fullmatch(r"spp([1-9]\d*)", name):
            yield name, MonteCarlo(int(counted[1]))


def _pairs_by_name(folder: Path, pictured: Pictured) -> tuple[CleanImage, ...] | None:
    """X_real beside X_mean, as in CC15 and PolyU; other files of such a folder are not looked at."""
    files = _by_stem(folder) if any(path.stem.endswith(NOISY_END) for path in _files(folder)) else {}
    noisy, clean = ({stem.removesuffix(end): path for stem, path in files.items() if stem.endswith(end)}
                    for end in (NOISY_END, CLEAN_END))  # fmt: skip
    if not noisy or not clean:
        return None
    _same_names(folder, noisy, folder, clean)
    return tuple(
        CleanImage(stem, pictured(clean[stem]), recorded=((Real(), pictured(noisy[stem])),),
                   photograph=re.sub(r"_\d+$", "", stem))
        for stem in in_natural_order(list(noisy))
    )  # fmt: skip


def _plain(folder: Path, pictured: Pictured) -> tuple[CleanImage, ...] | None:
    files = {path.name: path for path in _files(folder)}
    return tuple(CleanImage(name, pictured(files[name])) for name in in_natural_order(list(files))) or None


LAYOUTS = (sidd.blocks, sidd.folders, _pairs, _pairs_by_name, _plain)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.suffix.lower() in {*SUFFIXES, LINEAR}]


def _by_stem(folder: Path) -> Files:
    found: Files = {}
    for path in _files(folder):
        if (other := found.setdefault(path.stem, path)) is not path:
            raise BadInput(f"{folder} has two images of one name, {other.name} and {path.name}: move one away")
    return found


def _same_names(noisy_folder: Path, noisy: Files, clean_folder: Path, clean: Files) -> None:
    """Raise BadInput where one side of a pair is missing."""
    for have, lack, where in ((noisy, clean, clean_folder), (clean, noisy, noisy_folder)):
        alone = in_natural_order([path.name for stem, path in have.items() if stem not in lack])
        if alone:
            some = f"{', '.join(alone[:3])}{', ...' if len(alone) > 3 else ''}"
            raise BadInput(f"{where} has no image to go with {len(alone)} of {len(have)}: {some}")
