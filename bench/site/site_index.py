"""An index page over several runs: makes the sites of run folders below it and copies existing sites there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import reports.index
from bench.core.errors import BadInput
from bench.site import report
from reports import summary
from reports.formatting import slug
from reports.site_writer import FILES, SiteWriter, files


def build(sources: Sequence[Path], out: Path, title: str = "Studies") -> Path:
    """Make the index of run folders and sites; returns its index.html. Raises BadInput.

    Each run gets a folder below `out` with its name.
    """
    taken = {"static", "charts"}
    entries = [_entry(source, out, taken) for source in sources]
    try:
        return reports.index.build(title, entries, out)
    except OSError as error:
        raise BadInput(f"cannot write the index {out}: {error.strerror or error}") from error
    except ValueError as error:
        raise BadInput(str(error)) from error


def _entry(source: Path, out: Path, taken: set[str]) -> reports.index.StudyEntry:
    try:
        if (source / "rows.sqlite").is_file():
            folder = slug(source.resolve().name, taken)
            report.build(source, out / folder)
        elif (source / summary.FILE).is_file():
            folder = slug(summary.read(source).run or source.resolve().name, taken)
            _copy(source, out / folder)
        else:
            raise BadInput(
                f"expected a run folder (with rows.sqlite) or a site (with {summary.FILE}), "
                f"got {source}: check the path"
            )
        return reports.index.StudyEntry(folder, summary.read(out / folder))
    except ValueError as error:
        raise BadInput(str(error)) from error
    except OSError as error:
        raise BadInput(f"cannot write {out}: {error.strerror or error}") from error


def _copy(site: Path, target: Path) -> None:
    if site.resolve() == target.resolve():
        return
    with SiteWriter(target) as writer:
        for name in files(site):
            if name != FILES:
                writer.file(site / name, name)
