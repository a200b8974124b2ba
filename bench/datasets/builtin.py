"""`builtin`: colour photographs with free terms inside packages that are installed anyway, one 256x256 crop of each.

`builtin-ihc` apart: a microscope image of stained tissue, for the question what a network does far from photographs.
`mc-mini` are renders that ship with this package: four scenes at 64 and 128 samples a pixel beside references, with a
card that says how they were made and how much noise the references have left.
Left out of the packages' pictures: the stereo motorcycle (terms not stated), the Hubble and retina pictures (not
everyday photographs), and drawings.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.datasets.folders import images_of
from bench.datasets.image import CleanImage, Dataset, read_file
from bench.datasets.public import MANIFESTS, compare, read_manifest

SIDE = 256


@dataclass(frozen=True)
class Photograph:
    """A file of a package, the corner of its crop, its terms, and the SHA-256 of the crop's pixels."""

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


def load(name: str) -> Dataset:
    """A data set of the installation. Raises BadInput where files of it are missing or others."""
    if name == RENDERS.name:
        return _renders()
    chosen = PHOTOGRAPHS if name == "builtin" else TISSUE
    licences = "; ".join(f"{photo.name}: {photo.licence}" for photo in chosen)
    title = "7 photographs, 256x256" if name == "builtin" else "stained tissue under a microscope, 256x256"
    images = tuple(CleanImage(photo.name, lambda photo=photo: read_crop(photo)) for photo in chosen)
    return Dataset(name, title, licences, images, "crops of pictures in scikit-image, scikit-learn and matplotlib")


def _renders() -> Dataset:
    card = json.loads((RENDERS / "card.json").read_text())
    compare(RENDERS, read_manifest(MANIFESTS / f"{RENDERS.name}.sha256"), "set of renders of this version")
    left = ", ".join(f"{scene} {made['psnr_of_the_reference']:.1f}" for scene, made in card["scenes_measured"].items())
    note = (f"{card['renderer']}, seed {card['seed']}, references of {card['reference']:,} samples a pixel; these have "
            f"noise left, in dB: {left}")  # fmt: skip
    title = "4 scenes rendered at 64 and 128 samples a pixel, 192x192, tone-mapped"
    return Dataset(RENDERS.name, title, "MIT", images_of(RENDERS), note)


def read_crop(photo: Photograph) -> np.ndarray:
    """The crop, uint8 (256, 256, 3). Raises ValueError if its pixels are not the known ones."""
    import importlib.util

    package = Path(importlib.util.find_spec(photo.package).origin).parent
    crop = read_file(package / photo.file)[photo.top : photo.top + SIDE, photo.left : photo.left + SIDE]
    digest = hashlib.sha256(np.ascontiguousarray(crop).tobytes()).hexdigest()
    if digest != photo.sha256:
        raise ValueError(
            f"the picture {photo.name} in the installed {photo.package} has other pixels than this version knows "
            f"(SHA-256 {digest[:12]}..., wanted {photo.sha256[:12]}...): install with the constraints file"
        )
    return crop
