"""Writing of files: what is never replaced."""

import os
import stat
import threading

import pytest

from bench.core import files
from bench.core.errors import BadInput


@pytest.mark.parametrize("name", files.STORE_FILES)
def test_files_of_a_run_are_not_replaced(tmp_path, name):
    for file in files.STORE_FILES:
        (tmp_path / file).write_bytes(b"of the run")
    with pytest.raises(BadInput, match=name):
        files.write(tmp_path / name, b"a table")
    assert (tmp_path / name).read_bytes() == b"of the run"


def test_elsewhere_their_names_are_free(tmp_path):
    files.write(tmp_path / "manifest.json", b"of a data set")
    assert (tmp_path / "manifest.json").read_bytes() == b"of a data set"


def test_a_pipe_is_written_to_and_stays(tmp_path):
    pipe, received = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
    reader.start()
    files.write(pipe, b"rows")
    reader.join()
    assert received == [b"rows"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert list(tmp_path.iterdir()) == [pipe]
