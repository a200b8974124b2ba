"""One answer as it is kept in a run folder: its findings in the store, its figures and their numbers in files beside.

    LOOK/STEM.json          title, words, command, settings, and the figures with their files
    LOOK/STEM.csv           the numbers of the answer, in full
    LOOK/STEM-PART.csv      more numbers, of one figure, to six digits
    LOOK/STEM.svg, .png     a figure; STEM-PART where there are several

`bench.inside.gallery` reads them again. The same question again replaces its files; another question for which the
same stem is taken gets STEM-2, STEM-3: nothing that was measured is lost.
"""

from __future__ import annotations

import itertools
import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from bench.environment import describe_machine, versions
from bench.files import write_whole
from bench.inside import figures, findings
from bench.inside.setting import opened

ANSWERED_ANEW = ("weights_sha256", "version", "noise_versions", "device", "pixels")  # of which the latest answer counts


@dataclass(frozen=True)
class Drawing:
    """A figure: what it shows, how to read it, and which table of its look has its numbers ('' for the first)."""

    title: str
    words: str
    figure: Figure
    part: str = ""
    numbers: str = ""


@dataclass(frozen=True)
class Look:
    """An answer of a command; `tables` are its numbers by part, the first of all under ''.

    `of_the_run`: it sums up what the run folder has, so that what it said before is out of date.
    """

    command: str
    stem: str
    title: str
    words: str
    settings: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]
    drawings: Sequence[Drawing]
    findings: Sequence[Mapping[str, Any]] = field(default_factory=list)
    of_the_run: bool = False


def keep(look: Look, out: Path) -> list[Path]:
    """Findings into the run store, files beside it, an entry in the manifest; returns the files. Raises BadInput."""
    folder = out / look.command
    line = "bench " + " ".join(shlex.quote(word) for word in sys.argv[1:])
    with opened(out) as store:
        findings.write(store, look.findings)
        store.record({"event": look.command, "command": line, "settings": dict(look.settings), "versions": versions(),
                      "machine": describe_machine()})  # fmt: skip
        written, stem = [], _free_stem(look, folder)
        for part, frame in look.tables.items():
            written.append(folder / f"{_name(stem, part)}.csv")
            digits = "%.6g" if part else None
            write_whole(written[-1], frame.to_csv(index=False, float_format=digits).encode())
        described = []
        for drawing in look.drawings:
            files = figures.save(drawing.figure, folder / _name(stem, drawing.part))
            described.append({"title": drawing.title, "words": drawing.words, **{f.suffix[1:]: f.name for f in files},
                              "csv": f"{_name(stem, drawing.numbers)}.csv"})  # fmt: skip
            written += files
        about = {"look": look.command, "title": look.title, "words": look.words, "command": line, **look.settings,
                 "figures": described}  # fmt: skip
        written.insert(0, folder / f"{stem}.json")
        write_whole(written[0], (json.dumps(about, indent=1) + "\n").encode())
    return written


def _free_stem(look: Look, folder: Path) -> str:
    """The look's stem, or that with the first number under which nothing else was asked."""
    numbered = (look.stem if number == 1 else f"{look.stem}-{number}" for number in itertools.count(1))
    return next(stem for stem in numbered if look.of_the_run or _is_free(folder / f"{stem}.json", look.settings))


def _is_free(file: Path, settings: Mapping[str, Any]) -> bool:
    """Whether there is nothing of another question."""
    try:
        there = json.loads(file.read_text())
        here = json.loads(json.dumps(dict(settings)))
        return all(there.get(key) == value for key, value in here.items() if key not in ANSWERED_ANEW)
    except (OSError, ValueError, AttributeError):  # not there, or of no use
        return True


def _name(stem: str, part: str) -> str:
    return f"{stem}-{part}" if part else stem
