"""The run folder: one writer, older versions, damage, full disks, folders that cannot be written."""

import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

import bench
from bench.cli import main
from bench.core import lock
from bench.core.errors import BadInput
from bench.core.files import StoreFull
from bench.engines.in_process import InProcess
from bench.runner import Execution
from bench.runs import schema
from bench.runs.plan import make_plan
from bench.runs.store import Store

pytestmark = pytest.mark.slow

STORES = Path(__file__).parent / "stores"
SCORES = ["psnr", "ssim", "lpips", "psnr_noisy", "ssim_noisy", "lpips_noisy"]


def call(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def done(tmp_path, photos, networks):
    bench.run([f"{networks}:Blur"], "gaussian(sigma=15)", data=(photos,), out=tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def old(tmp_path):
    """A store of version 1, as it was written then, and its images: two squares of noise."""
    folder = tmp_path / "old"
    folder.mkdir()
    with sqlite3.connect(folder / "rows.sqlite") as connection:
        connection.executescript((STORES / "schema_1.sql").read_text())
    connection.close()
    shutil.copy(STORES / "schema_1.manifest.json", folder / "manifest.json")
    squares, random = tmp_path / "squares", np.random.default_rng(5)
    squares.mkdir()
    for name in "ab":
        Image.fromarray(random.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(squares / f"{name}.png")
    return folder, squares


def test_a_second_writer_says_so_and_stops(done, photos, networks):
    with Store.create(done):
        assert lock.writer(done)["process"] == os.getpid()
        result = call("run", "--models", f"{networks}:Blur", "--data", photos, "--out", done)
        assert result.exit_code == 2 and f"is being written by process {os.getpid()} on " in result.output
        with Store.open(done) as reader:  # reading goes on
            assert len(reader.rows()) == 4
    assert lock.writer(done) is None
    with Store.create(done):
        pass


def test_a_killed_writer_gives_the_folder_back(tmp_path):
    program = "import sys, os, pathlib; from bench.runs.store import Store; s = Store.create(pathlib.Path(sys.argv[1]))"
    program += "; os._exit(9)"
    assert subprocess.run([sys.executable, "-c", program, str(tmp_path)]).returncode == 9
    assert lock.note(tmp_path) and lock.writer(tmp_path) is None
    with Store.create(tmp_path) as store:
        assert lock.writer(tmp_path)["process"] == os.getpid() and store.done() == set()


def test_a_store_of_version_1_is_read_as_it_is(old):
    folder, _ = old
    with Store.open(folder) as store:
        rows = store.rows()
    assert list(rows.columns) == [*schema.LEADING_COLUMNS, *SCORES, *schema.TRAILING_COLUMNS] and len(rows) == 4
    assert rows["psnr"].between(11, 12).all() and set(rows["noise"]) == {"gaussian(sigma=15)", "gaussian(sigma=25)"}
    assert call("export", folder, "--per", "cell").exit_code == 0


def test_a_store_of_version_1_goes_on(old):
    folder, squares = old
    with Store.open(folder) as store:
        before = store.rows()
    model = f"{STORES / 'average.py'}:Average"
    bench.run([model], "gaussian(sigma=25)", data=(squares,), out=folder)
    with Store.open(folder) as store:
        pd.testing.assert_frame_equal(store.rows(), before)  # seconds too: nothing was done again
    rows = bench.run([model], "gaussian(sigma=50)", data=(squares,), out=folder).rows
    assert len(rows) == 6
    with sqlite3.connect(folder / "rows.sqlite") as connection:
        assert schema.version(connection) == schema.SCHEMA_VERSION and "asked" in schema.columns_of(connection)
    connection.close()


def test_a_store_of_a_newer_version_is_refused(done):
    with sqlite3.connect(done / "rows.sqlite") as connection:
        connection.execute("UPDATE about SET value = '99'")
    connection.close()
    for opened in (Store.open, Store.create):
        with pytest.raises(BadInput, match="version 2 or lower, got 99"):
            opened(done)


@pytest.mark.parametrize("opened", [Store.open, Store.create])
@pytest.mark.parametrize("damage", ["text", "cut", "overwritten", "another database"])
def test_a_damaged_file_of_rows_is_one_line(done, damage, opened):
    file = done / "rows.sqlite"
    content = file.read_bytes()
    if damage == "text":
        file.write_text("these are no rows, but much text\n" * 100)
    elif damage == "cut":
        file.write_bytes(content[: len(content) // 2])
    elif damage == "overwritten":
        file.write_bytes(content[:4200] + b"\xff" * 4000 + content[8200:])
    else:
        file.unlink()
        with sqlite3.connect(file) as connection:
            connection.execute("CREATE TABLE rows (name TEXT)")
        connection.close()
    with pytest.raises(BadInput, match=r"rows\.sqlite is damaged"):
        opened(done)
    with pytest.raises(BadInput):  # and nothing is locked, or mended by accident
        opened(done)


@pytest.mark.parametrize("text", ['[{"event": "star', '{"event": 1}', "[1]", "\x00\xff"])
def test_a_damaged_manifest_is_one_line(done, photos, networks, text):
    (done / "manifest.json").write_text(text)
    for words in (["report", done], ["run", "--models", f"{networks}:Blur", "--data", photos, "--out", done]):
        result = call(*words)
        assert result.exit_code == 2, result.output
        assert "manifest.json is damaged" in result.output
    (done / "manifest.json").unlink()
    assert call("run", "--models", f"{networks}:Blur", "--data", photos, "--out", done).exit_code == 0
    assert len(json.loads((done / "manifest.json").read_text())) == 2


def test_a_disk_that_is_full_is_one_line_and_the_rows_stay(tmp_path, photos, networks):
    """A real one: the system refuses to let a file of the process grow beyond 64 KB."""
    out = tmp_path / "run"
    command = [sys.executable, "-m", "bench", "run", "--models", f"{networks}:Blur", "--noise", "mixture", "--data",
               str(photos), "--seeds", "0,1,2,3,4", "--pictures", "0", "--out", str(out)]  # fmt: skip
    full = subprocess.run(
        command,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536)),
    )
    assert full.returncode == 2, full.stderr
    assert "cannot be written" in full.stderr
    assert "Traceback" not in full.stderr
    with Store.open(out) as store:
        before = store.rows()
    assert 0 < len(before) < 100
    assert call(*command[3:]).exit_code == 0
    with Store.open(out) as store:
        after = store.rows()
    assert len(after) == 100 and len(before.merge(after)) == len(before)


def test_no_room_for_a_picture(tmp_path, photos, networks):
    plan = make_plan(f"{networks}:Blur", "gaussian(sigma=15)", None, (photos,))
    (tmp_path / "run").mkdir()
    (tmp_path / "run/pictures").write_text("a file where the folder should be")
    with Store.create(tmp_path / "run") as store, pytest.raises(StoreFull, match="pictures.* cannot be written"):
        list(Execution(plan, store, InProcess(plan)).steps())


@pytest.fixture
def closed_folder():
    """A folder that this process may read and not write; root, who may everything, is somebody else for a while."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    root = os.geteuid() == 0
    yield folder, (lambda: os.seteuid(65534)) if root else (lambda: folder.chmod(0o555))
    os.seteuid(0) if root else folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_folder_that_cannot_be_written(closed_folder, done):
    folder, close = closed_folder
    shutil.copytree(done, folder / "run")
    with sqlite3.connect(folder / "run/rows.sqlite") as connection:
        connection.execute("PRAGMA journal_mode=WAL")  # as an interrupted run leaves it
    connection.close()
    close()
    with pytest.raises(BadInput, match=r"Permission denied"):
        Store.create(folder / "new")
    with pytest.raises(BadInput, match=r"Permission denied"):
        Store.create(folder / "run")
    with Store.open(folder / "run") as store:
        assert len(store.rows()) == 4
    assert lock.writer(folder / "run") is None


def test_rows_of_changed_and_deleted_images_are_not_in_the_table(tmp_path, photos, networks):
    def run():
        plan = make_plan(f"{networks}:Blur", "gaussian(sigma=15)", None, (photos,))
        with Store.create(tmp_path / "run") as store:
            work = Execution(plan, store, InProcess(plan))
            list(work.steps())
            return work.rows(), store.rows()

    first, _ = run()
    (photos / "a.png").unlink()
    pixels = np.asarray(Image.open(photos / "b.png"))
    Image.fromarray(pixels[::-1]).save(photos / "b.png")
    rows, everything = run()
    assert list(rows["image"]) == ["b.png", "c.png", "d.png"] and len(everything) == 5
    assert rows["psnr"].iloc[0] != first["psnr"].iloc[1]
    Image.fromarray(pixels).save(photos / "b.png")  # and back: its first row is the right one again
    rows, everything = run()
    assert rows["psnr"].iloc[0] == first["psnr"].iloc[1] and len(everything) == 5
