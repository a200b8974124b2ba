"""Folders with files of other programs, given as a run's --out."""

import json
import sqlite3

import pytest

from bench.core.errors import BadInput
from bench.runs.store import Store


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "lock"}


def another_database(folder):
    with sqlite3.connect(folder / "rows.sqlite") as connection:
        connection.execute("CREATE TABLE notes (text)")
    connection.close()


@pytest.mark.parametrize(
    "make",
    [
        another_database,
        lambda folder: (folder / "writer.json").write_text('{"novel": 1}'),
        lambda folder: (folder / "manifest.json").write_text(json.dumps({"name": "app"})),
    ],
    ids=["database", "writer.json", "manifest.json"],
)
def test_files_of_another_program_stay_as_they_are(tmp_path, make):
    make(tmp_path)
    before = content(tmp_path)
    for _ in range(2):  # also by a second attempt
        with pytest.raises(BadInput, match=str(tmp_path)):
            Store.create(tmp_path)
        assert content(tmp_path) == before


def test_a_run_that_stopped_before_it_had_tables_is_started_again(tmp_path):
    (tmp_path / "rows.sqlite").write_bytes(b"")
    with pytest.raises(BadInput, match="without rows"):
        Store.open(tmp_path)
    with Store.create(tmp_path) as store:
        assert store.rows().empty


def test_the_note_of_a_killed_writer_is_replaced(tmp_path):
    note = {"process": 1, "machine": "host", "since": "2026-01-01", "command": "bench run"}
    (tmp_path / "writer.json").write_text(json.dumps(note))
    Store.create(tmp_path).close()
    assert not (tmp_path / "writer.json").exists()
