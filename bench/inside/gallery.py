"""What looks inside networks have left in a run folder, for pages and notebooks. Imports nothing heavy.

for artefact in artefacts(Path("runs/latest")):
    print(artefact.title, artefact.svg)
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BadInput

LOOKS = ("predict", "srga", "features", "cka", "brightness", "detail", "complete", "attribute")  # in reading order


@dataclass(frozen=True)
class Artefact:
    """A figure with its numbers; `words` say how to read it, `about` what all figures of its look have in common.

    `reports.Artefact` is the same for pages, without settings. It is another class because `reports` loads plotting
    libraries and imports nothing of `bench`, and a notebook that lists figures should wait for neither.

    look      the command that made it, such as 'cka'; `command` is the whole line
    svg, png, csv    files in the run folder, which are there
    pdf       likewise; None where an older version looked
    settings  everything that was chosen: data sets, patches, noises, models, hashes of weights
    """

    look: str
    title: str
    words: str
    about: str
    svg: Path
    png: Path
    csv: Path
    pdf: Path | None
    command: str
    settings: dict[str, Any]


def artefacts(folder: Path) -> list[Artefact]:
    """Every figure of a run folder, by look and then by name; none where nobody looked. Raises BadInput."""
    files = [file for look in LOOKS for file in sorted((folder / look).glob("*.json"), key=lambda file: file.stem)]
    return [artefact for file in files for artefact in _of(file)]


def _of(file: Path) -> Iterator[Artefact]:
    try:
        settings = json.loads(file.read_text())
        look, about, command, drawn = (settings.pop(name) for name in ("look", "words", "command", "figures"))
        settings.pop("title")
        for one in drawn:
            kinds = [kind for kind in ("svg", "png", "csv", "pdf") if kind != "pdf" or kind in one]
            files = {kind: file.with_name(Path(one[kind]).name) for kind in kinds}
            missing = [path.name for path in files.values() if not path.is_file()]
            if missing:
                raise BadInput(f"{file} names {missing[0]}, which is not there: run its command again: {command}")
            yield Artefact(
                look, one["title"], one["words"], about, **{"pdf": None, **files}, command=command, settings=settings
            )
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise BadInput(f"{file} cannot be read as settings of a look ({error!r}): delete it, or look again") from error
