"""Where the networks behind LPIPS come from: `$BENCH_WEIGHTS`, torch's cache, or torchvision's server.

The package `lpips` has its own linear heads only. What is found is read without executing anything, and its tensors
are checked against the published ones whatever file they lie in.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from baselines.checkpoints import first_line, read_weights
from bench.paths import expand_user


@dataclass(frozen=True)
class Backbone:
    """Features of a network: a file of them alone, the published file with its SHA-256, and that of the tensors."""

    title: str
    alone: str
    published: str
    sha256: str
    tensors: str


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
SERVER = "https://download.pytorch.org/models/"


class WeightsUnavailable(Exception):
    """Weights that cannot be had on this machine, and why."""


def features(name: str) -> dict[str, torch.Tensor]:
    """`features.N.weight` and `.bias` of a backbone, fetched if they are nowhere here. Raises WeightsUnavailable."""
    backbone = BACKBONES[name]
    found = next(filter(Path.is_file, _places(backbone)), None) or _fetched(backbone)
    try:
        tensors = {key: value for key, value in read_weights(found).items() if key.startswith("features.")}
    except (ValueError, OSError) as error:
        raise WeightsUnavailable(f"{found} cannot be read: {first_line(error)}") from error
    if digest(tensors) != backbone.tensors:
        raise WeightsUnavailable(f"{found} holds other tensors than the published {backbone.title}")
    return tensors


def digest(tensors: dict[str, torch.Tensor]) -> str:
    """SHA-256 of names, shapes and values, in the order of the names."""
    total = hashlib.sha256()
    for key in sorted(tensors):
        value = tensors[key].detach().cpu().float().contiguous()
        total.update(f"{key} {tuple(value.shape)}\n".encode() + value.numpy().tobytes())
    return total.hexdigest()


def _places(backbone: Backbone) -> Iterator[Path]:
    for root in filter(None, os.environ.get("BENCH_WEIGHTS", "").split(os.pathsep)):
        for folder in (expand_user(Path(root)), expand_user(Path(root)) / "lpips"):
            yield from (folder / backbone.alone, folder / backbone.published)
    yield _cache() / backbone.published


def _cache() -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints"


def _fetched(backbone: Backbone) -> Path:
    """The published file, from torchvision's server into torch's cache. Raises WeightsUnavailable."""
    import pooch

    remedy = f"put {backbone.alone} or {backbone.published} into a folder of $BENCH_WEIGHTS"
    if os.environ.get("BENCH_OFFLINE"):
        raise WeightsUnavailable(
            f"the weights of {backbone.title} are not here, and $BENCH_OFFLINE forbids to fetch them: {remedy}"
        )
    bar = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=20)  # says what it fetches
    url = SERVER + backbone.published
    try:
        return Path(pooch.retrieve(url, backbone.sha256, backbone.published, _cache(), downloader=bar))
    except (OSError, ValueError) as error:  # no network, another file, no room
        raise WeightsUnavailable(
            f"the weights of {backbone.title} are not here and could not be fetched from {SERVER} "
            f"({type(error).__name__}): {remedy}"
        ) from error
