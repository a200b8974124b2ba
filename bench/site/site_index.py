"""An index over many studies: runs are made into sites below it, sites are copied there."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import reports.index
from bench.errors import BadInput
from bench.site import report
from reports import abstract
from reports.folder import files
from reports.formatting import slug


def build(sources: Sequence[Path], out: Path, title: str = "Studies") -> Path:
    """Make the index of run folders and sites; returns its index.html. Raises BadInput.

    Every study gets a folder below `out`, named after its run.
    """
    taken = {"static", "charts"}
    entries = [_entry(source, out, taken) for source in sources]
    try:
        return reports.index.build(title, entries, out)
    except OSError as error:
        raise BadInput(f"the index {out} cannot be written: {error.strerror or error}") from error


def _entry(source: Path, out: Path, taken: set[str]) -> reports.index.Entry:
    try:
        if (source / "rows.sqlite").is_file():
            folder = slug(source.resolve().name, taken)
            report.build(source, out / folder)
        elif (source / abstract.FILE).is_file():
            folder = slug(abstract.read(source).run or source.resolve().name, taken)
            _copy(source, out / folder)
        else:
            raise BadInput(f"{source} is neither a run folder nor a site: it has no rows.sqlite and no {abstract.FILE}")
        return reports.index.Entry(folder, abstract.read(out / folder))
    except ValueError as error:
        raise BadInput(str(error)) from error
    except OSError as error:
        raise BadInput(f"{out} cannot be written: {error.strerror or error}") from error


def _copy(site: Path, target: Path) -> None:
    if site.resolve() == target.resolve():
        return
    for name in files(site):
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(site / name, path)
