"""Public data sets: title, licence, citation, download address and SHA-256 of their files.

No set is distributed with this project. `home` is the page of its owners; sets without a direct download are
downloaded there by hand. GitHub addresses contain a commit, so that their content is fixed; downloads are verified by
SHA-256.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from bench.core.errors import BadInput

MANIFESTS = Path(__file__).parent / "manifests"
GITHUB = "https://raw.githubusercontent.com"
RESEARCH = "not stated; used in research"
LOCAL_LIST = "files.sha256"  # written with the download of a set without a published list


@dataclass(frozen=True)
class Archive:
    """An archive with all images of a set, in its folders `inside`. `kind` is zip or tar."""

    url: str
    kind: str
    inside: tuple[str, ...]


@dataclass(frozen=True)
class PublicSet:
    """A public set. `files` is the number of its files; `base` the URL prefix of single files, '' if there is none."""

    name: str
    use: str  # test, training, pairs
    title: str
    files: int
    licence: str
    citation: str
    home: str
    base: str = ""
    archive: Archive | None = None

    @property
    def direct(self) -> bool:
        """Whether `bench data fetch` can download it."""
        return bool(self.base or self.archive)

    @property
    def manifest(self) -> dict[str, str]:
        """{file name: SHA-256}; {} if no list is published."""
        return read_manifest(MANIFESTS / f"{self.name}.sha256")


BERKELEY = "Martin et al., A Database of Human Segmented Natural Images, ICCV 2001"
SIDD = "Abdelhamed et al., A High-Quality Denoising Dataset for Smartphone Cameras, CVPR 2018"
SETS = (
    PublicSet(
        "CBSD68", "test", "68 colour photographs of the Berkeley segmentation set, 481x321", 68,
        "non-commercial research (Berkeley)", BERKELEY, "https://github.com/cszn/IRCNN",
        base=f"{GITHUB}/cszn/IRCNN/938f6a7fc9f12df9188da838fc2cec4bcca06976/testsets/CBSD68/",
    ),
    PublicSet(
        "Kodak24", "test", "24 crops of 500x500 from the Kodak photographs, as the denoising papers use them", 24,
        "unrestricted use (Kodak)", "Franzen, Kodak Lossless True Color Image Suite, 1999",
        "https://github.com/cszn/FFDNet",
        base=f"{GITHUB}/cszn/FFDNet/a68d544599bb9bb2f89da51ab9e18458fa882023/testsets/Kodak24/",
    ),
    PublicSet(
        "Kodak24-full", "test", "24 whole Kodak photographs, 768x512", 24, "unrestricted use (Kodak)",
        "Franzen, Kodak Lossless True Color Image Suite, 1999", "https://r0k.us/graphics/kodak/",
    ),
    PublicSet(
        "McMaster", "test", "18 colour images of 500x500", 18, RESEARCH,
        "Zhang et al., Color Demosaicking by Local Directional Interpolation and Nonlocal Adaptive Thresholding, "
        "Journal of Electronic Imaging 2011",
        "https://github.com/JingyunLiang/SwinIR",
        base=f"{GITHUB}/JingyunLiang/SwinIR/33f616625268d08ba600f8db89388eec0328edb1/testsets/McMaster/",
    ),
    PublicSet(
        "Urban100", "test", "100 photographs of buildings, in colour", 100, RESEARCH,
        "Huang et al., Single Image Super-Resolution from Transformed Self-Exemplars, CVPR 2015",
        "https://github.com/jbhuang0604/SelfExSR",
    ),
    PublicSet(
        "BSD68", "test", "the photographs of CBSD68 in greyscale", 68, "non-commercial research (Berkeley)",
        "Roth and Black, Fields of Experts, IJCV 2009", "https://github.com/cszn/DnCNN",
        base=f"{GITHUB}/cszn/DnCNN/55fdeb2ac82c8c8cae6e281dae2b8e87e2d47a4d/testsets/BSD68/",
    ),
    PublicSet(
        "Set12", "test", "12 greyscale images of 256x256 and 512x512", 12, RESEARCH,
        "Zhang et al., Beyond a Gaussian Denoiser, TIP 2017", "https://github.com/JingyunLiang/SwinIR",
        base=f"{GITHUB}/JingyunLiang/SwinIR/33f616625268d08ba600f8db89388eec0328edb1/testsets/Set12/",
    ),
    PublicSet(
        "CC15", "pairs", "15 crops of 512x512, camera noise and the mean of 500 shots", 45, RESEARCH,
        "Nam et al., A Holistic Approach to Cross-Channel Image Noise Modeling, CVPR 2016",
        "https://github.com/csjunxu/MCWNNM-ICCV2017",
        base=f"{GITHUB}/csjunxu/MCWNNM-ICCV2017/aa344066ea9cfbe66f27c921cabfafd9ec6e127d/Real_ccnoise_denoised_part/",
    ),
    PublicSet(
        "PolyU", "pairs", "100 crops of 512x512, camera noise and the mean of 500 shots", 200, RESEARCH,
        "Xu et al., Real-world Noisy Image Denoising: A New Benchmark, 2018",
        "https://github.com/csjunxu/PolyU-Real-World-Noisy-Images-Dataset",
        base=f"{GITHUB}/csjunxu/PolyU-Real-World-Noisy-Images-Dataset/488d733181fb71ce8ef58c1869f70aa21b33d535/"
        "CroppedImages/",
    ),
    PublicSet(
        "SIDD-val", "pairs", "SIDD validation: 1,280 blocks of 256x256 from 40 photographs, two .mat files", 2,
        "see its page", SIDD, "https://www.eecs.yorku.ca/~kamel/sidd/benchmark.php",
    ),
    PublicSet(
        "SIDD-small", "pairs", "SIDD Small, sRGB: 160 whole smartphone photographs, in Data/", 320, "see its page",
        SIDD, "https://www.eecs.yorku.ca/~kamel/sidd/dataset.php",
    ),
    PublicSet(
        "BSDS400", "training", "train and test parts of BSDS500, 400 photographs (CBSD68 is from its val part)", 400,
        "non-commercial research (Berkeley)",
        "Arbelaez et al., Contour Detection and Hierarchical Image Segmentation, TPAMI 2011",
        "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/resources.html",
        archive=Archive(
            "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/BSR/BSR_bsds500.tgz", "tar",
            ("BSR/BSDS500/data/images/train", "BSR/BSDS500/data/images/test"),
        ),
    ),
    PublicSet(
        "DIV2K", "training", "800 photographs of 2K", 800, "academic research only",
        "Agustsson and Timofte, NTIRE 2017 Challenge on Single Image Super-Resolution, CVPRW 2017",
        "https://data.vision.ee.ethz.ch/cvl/DIV2K/",
        archive=Archive("https://data.vision.ee.ethz.ch/cvl/DIV2K/DIV2K_train_HR.zip", "zip", ("DIV2K_train_HR",)),
    ),
    PublicSet(
        "Flickr2K", "training", "2,650 photographs of 2K", 2650, RESEARCH,
        "Lim et al., Enhanced Deep Residual Networks for Single Image Super-Resolution, CVPRW 2017",
        "https://cv.snu.ac.kr/research/EDSR/",
        archive=Archive("https://cv.snu.ac.kr/research/EDSR/Flickr2K.tar", "tar", ("Flickr2K/Flickr2K_HR",)),
    ),
    PublicSet(
        "WED", "training", "Waterloo Exploration Database, 4,744 images (a .rar file)", 4744, RESEARCH,
        "Ma et al., Waterloo Exploration Database, TIP 2017", "https://ece.uwaterloo.ca/~k29ma/exploration/",
    ),
)  # fmt: skip
PUBLIC = {public.name: public for public in SETS}


def read_manifest(path: Path) -> dict[str, str]:
    """Read a SHA-256 list as {file name: SHA-256}, in its order; {} if the file does not exist."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return {file: digest for digest, file in (line.split(maxsplit=1) for line in lines)}


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def verify(public: PublicSet, folder: Path) -> str:
    """Verify a folder by the published SHA-256 list of a set, else by that of its download; return the result in words.

    Raises BadInput if files are missing or differ.
    """
    if public.manifest:
        compare(folder, public.manifest, f"published files of {public.name}")
        return "files match the published SHA-256 list"
    known = read_manifest(folder / LOCAL_LIST)
    compare(folder, known, f"downloaded files of {public.name}")
    return "files match their download" if known else "files not verified (no SHA-256 list is published)"


def compare(folder: Path, manifest: dict[str, str], what: str) -> None:
    """Raise BadInput with the number and names of listed files that are missing or differ; `what` names the set."""
    missing = [file for file in manifest if not (folder / file).is_file()]
    differing = [file for file in manifest if file not in missing and sha256(folder / file) != manifest[file]]
    problems = [
        f"{len(files)} of {len(manifest)} files {how} ({', '.join(files[:3])}{', ...' if len(files) > 3 else ''})"
        for how, files in (("missing", missing), ("differ", differing))
        if files
    ]
    if problems:
        raise BadInput(
            f"{folder}: expected the {what}, got {'; '.join(problems)}: replace these files, or use the "
            f"folder as your own data set, --data {folder}"
        )
