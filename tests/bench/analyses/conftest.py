"""Small random networks, and the command line."""

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.cli import main

STACKS = '''
import torch
from torch import nn


class Stack(nn.Sequential):
    """Random, and the same for the same seed."""

    def __init__(self, seed=0):
        torch.manual_seed(seed)
        super().__init__(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(6, 3, 3, padding=1))


class Keyed(Stack):
    takes_keys = True

    def forward(self, x, keys=None):
        streams = (torch.Generator().manual_seed(key % 2**60) for key in keys)
        return super().forward(x + torch.stack([torch.randn(3, 1, 1, generator=stream) for stream in streams]))
'''


@pytest.fixture
def stacks(tmp_path) -> Path:
    """A file of networks of three layers; name one with f"{stacks}:Stack"."""
    file = tmp_path / "stacks.py"
    file.write_text(STACKS)
    return file


@pytest.fixture
def call(monkeypatch):
    """Call a command as from a shell."""

    def run(*arguments):
        words = [str(argument) for argument in arguments]
        monkeypatch.setattr(sys, "argv", ["bench", *words])
        return CliRunner().invoke(main, words)

    return run
