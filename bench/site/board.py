"""From a folder of submissions to the site of a board."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from bench.core.errors import BadInput
from bench.submissions import board as statistics
from reports import board_pages
from reports.site_writer import SiteError


def build(
    folder: Path,
    out: Path,
    protocol: str | None = None,
    like: str | None = None,
    reruns: Sequence[Path] = (),
    address: str = "",
    benchmark: str = "",
) -> Path:
    """Make the site of the submissions in a folder; returns its index.html. Raises BadInput.

    For the parameters see bench.submissions.board.board and reports.board_pages.build.
    """
    options = {"--protocol": protocol, "--like": like}
    words = ["bench", "board", str(folder)]
    words += [word for option, value in options.items() if value is not None for word in (option, value)]
    words += [word for rerun in reruns for word in ("--rerun", str(rerun))]
    found = statistics.board(folder, protocol, like, reruns, shlex.join(words))
    try:
        return board_pages.build(found, out, address, benchmark)
    except OSError as error:
        raise BadInput(f"cannot write the site {out}: {error.strerror or error}") from error
    except SiteError as error:
        raise BadInput(str(error)) from error
