"""Fixtures that every test may use."""

import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

# no test fetches anything, nor depends on what this machine has fetched before
os.environ |= {"BENCH_OFFLINE": "1", "BENCH_WEIGHTS": "", "TORCH_HOME": os.devnull}
torch.set_num_threads(1)  # small work: threads would only wait for each other


def pytest_addoption(parser):
    parser.addoption("--screenshots", metavar="FOLDER", help="Keep the browser tests' screenshots there.")


def pytest_collection_modifyitems(items):
    for item in items:
        if "shared" in item.fixturenames:  # its golden values are others'
            item.add_marker(pytest.mark.oracle)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of golden values and published weights beside the checkout; a test that needs it skips without."""
    folder = Path(__file__).parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("needs ../shared")
    return folder


@pytest.fixture(scope="session")
def wait_until() -> Callable[..., None]:
    """Wait until a condition holds. Fails after five minutes, or when the process that is to bring it about ends."""

    def wait(condition: Callable[[], object], process: subprocess.Popen | None = None) -> None:
        deadline, looked = time.monotonic() + 300, threading.Event()
        while not condition():
            if process is not None and process.poll() is not None:
                pytest.fail("the process ended before the condition held")
            if time.monotonic() > deadline:
                if process is not None:
                    process.kill()
                pytest.fail("the condition did not hold within five minutes")
            looked.wait(0.02)

    return wait
