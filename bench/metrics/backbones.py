"""Weights of the backbones of LPIPS, from `$BENCH_WEIGHTS`, torch's cache, or torchvision's server.

The package `lpips` contains only its linear heads. Files are read without executing code in them, and their tensors
are checked against the SHA-256 of the published ones.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from baselines.weights_io.checkpoints import read_weights
from bench.core.errors import described
from bench.core.paths import expand_user


@dataclass(frozen=True)
class Backbone:
    """The convolutional features of a published network.

    features_file   name of a file with the features only
    published_file  name of the published file with all weights
    file_sha256     SHA-256 of the published file
    tensors_sha256  SHA-256 of the features, see `digest`
    """

    title: str
    features_file: str
    published_file: str
    file_sha256: str
    tensors_sha256: str


BACKBONES = {
    "alex": Backbone(
        "AlexNet",
        "alexnet_features.pth",
        "alexnet-owt-7be5be79.pth",
        "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
        "195266a4c8e96483085621ac3389a6c24f1dd0963c9ac0e001705d24ece83273",
    ),
    "squeeze": Backbone(
        "SqueezeNet 1.1",
        "squeezenet1_1_features.pth",
        "squeezenet1_1-b8a52dc0.pth",
        "b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b",
        "e93098750a62e61ef70cc50f01c17f7eccd8b4c075997affea326c113b362a6e",
    ),
}
SERVER_URL = "https://download.pytorch.org/models/"


_FAILED: dict[Backbone, str] = {}  # backbones whose download failed in this process, with the reason


class WeightsUnavailable(ValueError):
    """Weights that are not on this machine and cannot be downloaded; the message says why."""


def features(name: str) -> dict[str, torch.Tensor]:
    """`features.N.weight` and `.bias` of a backbone, downloaded if they are not on this machine.

    Raises WeightsUnavailable.
    """
    backbone = BACKBONES[name]
    file = next(filter(Path.is_file, _candidates(backbone)), None) or _download(backbone)
    try:
        tensors = {key: value for key, value in read_weights(file).items() if key.startswith("features.")}
    except (ValueError, OSError) as error:
        raise WeightsUnavailable(f"{file} cannot be read: {described(error)}") from error
    if digest(tensors) != backbone.tensors_sha256:
        raise WeightsUnavailable(f"expected the published tensors of {backbone.title}, got others in {file}")
    return tensors


def digest(tensors: dict[str, torch.Tensor]) -> str:
    """SHA-256 of the names, shapes and values of tensors, sorted by name."""
    total = hashlib.sha256()
    for key in sorted(tensors):
        value = tensors[key].detach().cpu().float().contiguous()
        total.update(f"{key} {tuple(value.shape)}\n".encode() + value.numpy().tobytes())
    return total.hexdigest()


def _candidates(backbone: Backbone) -> Iterator[Path]:
    """Paths where the file of a backbone may be, in order of preference."""
    for root in filter(None, os.environ.get("BENCH_WEIGHTS", "").split(os.pathsep)):
        for folder in (expand_user(Path(root)), expand_user(Path(root)) / "lpips"):
            yield from (folder / backbone.features_file, folder / backbone.published_file)
    yield _cache() / backbone.published_file


def _cache() -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints"


def _download(backbone: Backbone) -> Path:
    """Download the published file from torchvision's server into torch's cache. Raises WeightsUnavailable."""
    import pooch

    if backbone in _FAILED:  # one attempt per process
        raise WeightsUnavailable(_FAILED[backbone])
    remedy = f"put {backbone.features_file} or {backbone.published_file} into a folder of $BENCH_WEIGHTS"
    if os.environ.get("BENCH_OFFLINE"):
        raise WeightsUnavailable(
            f"the weights of {backbone.title} are not on this machine, and $BENCH_OFFLINE forbids downloads: {remedy}"
        )
    bar = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=20)  # prints what it downloads
    url = SERVER_URL + backbone.published_file
    try:
        return Path(pooch.retrieve(url, backbone.file_sha256, backbone.published_file, _cache(), downloader=bar))
    except (OSError, ValueError) as error:  # no network, a wrong checksum, a full disk
        _FAILED[backbone] = (
            f"the weights of {backbone.title} are not on this machine and could not be downloaded from {SERVER_URL} "
            f"({type(error).__name__}): {remedy}"
        )
        raise WeightsUnavailable(_FAILED[backbone]) from error
