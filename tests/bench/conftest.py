"""Small pictures and small networks, so that whole runs take a second."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.datasets import fetch

NETWORK = '''
import os
import threading

import torch
from torch import nn


class Blur(nn.Module):
    """3x3 mean."""

    def __init__(self, strength=1.0):
        super().__init__()
        self.strength = strength

    def forward(self, x):
        mean = nn.functional.avg_pool2d(nn.functional.pad(x, (1, 1, 1, 1), "reflect"), 3, 1)
        return x + self.strength * (mean - x)


class Broken(Blur):
    """On the small image of the contract it is well."""

    def forward(self, x):
        return torch.full_like(x, float("nan")) if x.shape[-1] > 32 else x


class Shrinking(Blur):
    def forward(self, x):
        return x[..., 1:, 1:] if x.shape[-1] > 32 else x


class Raising(Blur):
    def forward(self, x):
        if x.shape[-1] > 32:
            raise RuntimeError("no kernel for this\\nand much more text")
        return x


class Halting(Blur):
    """Where HALT_AFTER is set, it halts after that number of images, so that its process can be killed."""

    seen = 0

    def forward(self, x):
        Halting.seen += x.shape[-1] > 32  # the small image of the contract does not count
        if Halting.seen > int(os.environ.get("HALT_AFTER", 10**9)):
            threading.Event().wait()
        return super().forward(x)


class Keyed(Blur):
    takes_keys = True

    def forward(self, x, keys=None):
        return super().forward(x) + torch.tensor([key % 1000 for key in keys]).view(-1, 1, 1, 1) / 50000
'''


@pytest.fixture
def photos(tmp_path) -> Path:
    """A folder with four smooth colour pictures of 40x48 pixels."""
    folder = tmp_path / "photos"
    folder.mkdir()
    random = np.random.default_rng(7)
    for name in ("a", "b", "c", "d"):
        small = Image.fromarray(random.integers(0, 256, (6, 7, 3), dtype=np.uint8))
        small.resize((48, 40), Image.Resampling.BICUBIC).save(folder / f"{name}.png")
    return folder


@pytest.fixture
def networks(tmp_path) -> str:
    """A file of a user's networks; name one with f"{networks}:Blur"."""
    file = tmp_path / "networks.py"
    file.write_text(NETWORK)
    return str(file)


@pytest.fixture
def large(tmp_path):
    """A folder with one smooth picture of 100x150 pixels."""
    folder = tmp_path / "large"
    folder.mkdir()
    small = Image.fromarray(np.random.default_rng(1).integers(0, 256, (9, 12, 3), dtype=np.uint8))
    small.resize((150, 100), Image.Resampling.BICUBIC).save(folder / "picture.png")
    return folder


@pytest.fixture
def installed_package(tmp_path, monkeypatch):
    """Install a distribution with one module and entry points for it: name -> value."""
    modules = []

    def install(kind, name, module, source, points):
        folder = tmp_path / "site"
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (folder / f"{module}.py").write_text(source)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = [f"{point} = {value}" for point, value in points.items()]
        (info / "entry_points.txt").write_text("\n".join([f"[maskbench.{kind}]", *lines]) + "\n")
        monkeypatch.syspath_prepend(str(folder))
        importlib.invalidate_caches()
        modules.append(module)

    yield install
    for module in modules:
        sys.modules.pop(module, None)


@pytest.fixture
def impatient(monkeypatch, tmp_path):
    """Downloads into an empty folder of the user's give up after 0.3 s without data, and retry at once."""
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("BENCH_DATA", raising=False)
    monkeypatch.setattr(fetch, "TIMEOUT", 0.3)
    monkeypatch.setattr(fetch, "CHUNK", 500)  # what is lost where it breaks off, at most
    monkeypatch.setattr("pooch.core.time.sleep", lambda seconds: None)
