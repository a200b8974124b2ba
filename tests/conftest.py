"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest
import torch

# no test fetches anything, nor depends on what this machine has fetched before
os.environ |= {"BENCH_OFFLINE": "1", "BENCH_WEIGHTS": "", "TORCH_HOME": os.devnull}
torch.set_num_threads(1)  # small work: threads would only wait for each other


def pytest_addoption(parser):
    parser.addoption("--screenshots", metavar="FOLDER", help="Keep the browser tests' screenshots there.")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of golden values and published weights beside the checkout; a test that needs it skips without."""
    folder = Path(__file__).parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("needs ../shared")
    return folder
