"""Data sets of the installation.

builtin      7 colour photographs under free licences from packages that are dependencies, one 256x256 crop each
builtin-ihc  a microscope image of stained tissue, far from natural photographs
mc-mini      renders of four scenes at 64 and 128 samples per pixel with references; card.json says how they were made
             and how much noise the references still have

Of the packages' images, the stereo motorcycle (licence not stated), the Hubble and retina images (not natural
photographs) and drawings are not used.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.datasets.folders import images_of
from bench.datasets.image import CleanImage, Dataset, read_file
from bench.datasets.public import MANIFESTS, compare, read_manifest

SIDE = 256


@dataclass(frozen=True)
class Photograph:
    """An image file of a package, the corner of its crop, its licence, and the SHA-256 of the cropped pixels."""

    name: str
    package: str
    file: str
    top: int
    left: int
    licence: str
    sha256: str


# fmt: off
PHOTOGRAPHS = (
    Photograph(
        "astronaut", "skimage", "data/astronaut.png", 0, 110, "public domain (NASA)",
        "72b9f2ff63a6781ff79fca4e1d046c2e9e3c47039fbfbd49a6aaca32565341b7",
    ),
    Photograph(
        "chelsea", "skimage", "data/chelsea.png", 22, 60, "CC0 (Stefan van der Walt)",
        "413009dd174c7754c64a1d7e2b73bc684c0561d30954c3bb43f903b8044901e9",
    ),
    Photograph(
        "coffee", "skimage", "data/coffee.png", 20, 170, "CC0 (Rachel Michetti)",
        "a8eb3bfebf89197dbbb8023552f53587e219e798f5a8c48a1b5b67e90f802b3d",
    ),
    Photograph(
        "rocket", "skimage", "data/rocket.jpg", 160, 200, "public domain (SpaceX)",
        "efe62b68508bfb58c7c35549b46f85dfc312bf9ecadc4956ebe77119ed40d0a2",
    ),
    Photograph(
        "china", "sklearn", "datasets/images/china.jpg", 60, 80, "CC BY 2.0 (Daniel Buechele)",
        "af35238d2baa07a7e858893ec3d779db65a65180e8e8fc71de58ecb9e1566288",
    ),
    Photograph(
        "flower", "sklearn", "datasets/images/flower.jpg", 40, 150, "CC BY 2.0 (vultilion)",
        "1ab11130ef252a22a70ba59145587b11cc95a610f611ce9eab0696f12a578257",
    ),
    Photograph(
        "grace_hopper", "matplotlib", "mpl-data/sample_data/grace_hopper.jpg", 20, 130, "public domain (US Navy)",
        "235e1ab49ed50df116ac34ae6cbe584cd6788e45aa88482dffd49d94e806e74a",
    ),
)
TISSUE = (
    Photograph(
        "ihc", "skimage", "data/ihc.png", 128, 128, "public domain",
        "a23789d6a485c89a12118208130116c8773e4611768b96cf7ab3049f8cea6cf1",
    ),
)
# fmt: on
RENDERS = Path(__file__).parent / "mc-mini"
NAMES = ("builtin", "builtin-ihc", RENDERS.name)


def licences(images: Collection[str]) -> str:
    """The licences of photographs of builtin: 'astronaut: public domain (NASA); ...'."""
    return "; ".join(f"{photo.name}: {photo.licence}" for photo in (*PHOTOGRAPHS, *TISSUE) if photo.name in images)


def load(name: str) -> Dataset:
    """Load a data set of the installation. Raises BadInput if a file is missing or differs."""
    if name == RENDERS.name:
        return _renders()
    chosen = PHOTOGRAPHS if name == "builtin" else TISSUE
    title = "7 photographs, 256x256" if name == "builtin" else "stained tissue under a microscope, 256x256"
    images = tuple(CleanImage(photo.name, lambda photo=photo: read_crop(photo)) for photo in chosen)
    licence = licences([photo.name for photo in chosen])
    return Dataset(name, title, licence, images, "crops of images in scikit-image, scikit-learn and matplotlib")


def _renders() -> Dataset:
    card = json.loads((RENDERS / "card.json").read_text(encoding="utf-8"))
    compare(RENDERS, read_manifest(MANIFESTS / f"{RENDERS.name}.sha256"), "files of mc-mini of this version")
    left = ", ".join(f"{scene} {made['psnr_of_the_reference']:.1f}" for scene, made in card["scenes_measured"].items())
    note = (
        f"{card['renderer']}, seed {card['seed']}, references at {card['reference']:,} samples per pixel; PSNR of "
        f"the references in dB: {left}"
    )
    title = "4 scenes rendered at 64 and 128 samples per pixel, 192x192, tone-mapped"
    return Dataset(RENDERS.name, title, "MIT", images_of(RENDERS), note)


def read_crop(photo: Photograph) -> np.ndarray:
    """Read a crop, uint8 (256, 256, 3). Raises ValueError if its pixels have another SHA-256."""
    import importlib.util

    package = Path(importlib.util.find_spec(photo.package).origin).parent
    crop = read_file(package / photo.file)[photo.top : photo.top + SIDE, photo.left : photo.left + SIDE]
    digest = hashlib.sha256(np.ascontiguousarray(crop).tobytes()).hexdigest()
    if digest != photo.sha256:
        raise ValueError(
            f"{photo.name} of the installed {photo.package}: expected pixels with SHA-256 {photo.sha256[:12]}..., "
            f"got {digest[:12]}...: install with the constraints file"
        )
    return crop
