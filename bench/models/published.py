"""Published weights by name: the list in `baselines/published`, and the files of them on this machine.

`bench models fetch NAME` downloads a file into the user's folder and checks it; its name is then a model. What the list
states is the card of the weights. Nothing else downloads. Read without importing torch.

A file of the list has what its weights have in common, and one table `[[weights]]` each; an entry's own value counts:

    name           of the weights, and of the model
    model          the network of this installation, '' if there is none
    url            address of the file: with a commit, or of a release page
    sha256         of the file, or git_blob, git's identifier of its content, or both; with neither it is pinned at
                   the first download
    licence, paper, source, data, note
    trained_on     training noise: one spec or several, in which a number may be a range
    network        parameters that the tensors do not show
    white_level    maximum of the network's input values, 1 by default
    channel_order  RGB, by default, or BGR
    scores         published ones (data, noise, psnr, ssim) under `protocol`, from `scores_source`
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from baselines.weights_io.formats import format_of
from bench.core.errors import BadInput, unknown
from bench.core.files import write
from bench.core.paths import user_folder
from bench.datasets.fetch import ProgressCallback, ResumingDownloader, download_errors, retrying

FOLDER = "published"  # in the user's folder
PAPER = ("masked-denoising", "masked-denoising-baseline")
GROUPS = {"paper": "the pair of the paper, with and without masks", "all": "all of the list"}  # of bench models fetch
ORDERS = ("RGB", "BGR")


class NotFetched(BadInput):
    """Published weights whose file is not on this machine."""


@dataclass(frozen=True)
class PublishedWeights:
    """An entry of the list; the fields are those of the files, see above."""

    name: str
    model: str
    url: str
    licence: str
    paper: str
    source: str
    trained_on: str | list[str]
    data: str = ""
    sha256: str = ""
    git_blob: str = ""
    network: dict[str, Any] = field(default_factory=dict)
    white_level: float = 1
    channel_order: str = "RGB"
    protocol: str = "not stated"
    scores_source: str = ""
    scores: list[dict[str, Any]] = field(default_factory=list)
    note: str = ""

    @property
    def file(self) -> Path:
        """Where its file is, or will be, in the user's folder."""
        return folder() / f"{self.name}{PurePosixPath(urlsplit(self.url).path).suffix}"

    @property
    def record(self) -> Path:
        """The record of its download: URL, SHA-256 and date."""
        return self.file.with_suffix(".json")

    @property
    def check(self) -> str:
        """What a download is checked with, for listings."""
        if self.sha256 or self.git_blob:
            return f"SHA-256 {self.sha256[:12]}" if self.sha256 else f"git blob {self.git_blob[:12]}"
        pin = self._pin()
        return f"pinned at the first download, SHA-256 {pin[:12]}" if pin else "pinned at the first download"

    @property
    def is_here(self) -> bool:
        """Whether its file is on this machine, checked or not."""
        return self.file.is_file()

    @property
    def card(self) -> dict[str, Any]:
        """The card of the weights."""
        told = ("url", "sha256", "git_blob", "source", "protocol", "scores_source", "scores", "note")
        stated = asdict(self)
        return {
            "name": self.name,
            "model": self.model,
            "size": "full",
            "paper": self.paper,
            "licence": self.licence,
            "network": self.network,
            "trained_on": {"noise": self.trained_on, **({"data": self.data} if self.data else {})},
            **({"white_level": self.white_level} if self.white_level != 1 else {}),
            **({"channel_order": self.channel_order} if self.channel_order != "RGB" else {}),
            "published": {name: stated[name] for name in told if stated[name]},
        }

    def checked_file(self) -> Path:
        """Its file, compared with the list or its pin. Raises BadInput if it is missing, or not the published one."""
        if not self.is_here:
            raise NotFetched(
                f"weights {self.name!r}: expected their file in {folder()}, got none: bench models fetch {self.name}"
            )
        if problem := self.problem(self.file):
            raise BadInput(
                f"weights {self.name!r}: {self.file}: {problem}: bench models fetch {self.name} downloads them again"
            )
        return self.file

    def problem(self, file: Path) -> str:
        """How a file differs from the published one, 'expected ..., got ...'; '' if it does not."""
        if self.git_blob and not self.sha256:
            kind, expected, got = "git blob", self.git_blob, git_blob(file)
        else:
            kind, expected, got = "SHA-256", self.sha256 or self._pin(), sha256(file)
        if expected:
            return "" if got == expected else f"expected {kind} {expected[:12]}, got {got[:12]}"
        try:  # nothing to compare with: at least no web page, and not cut short
            format_of(file)
        except ValueError as error:
            return str(error).removeprefix(f"{file.name}: ")
        return ""

    def _pin(self) -> str:
        """SHA-256 of the first download; '' before it."""
        try:
            known = json.loads(self.record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return ""
        return known.get("sha256", "") if isinstance(known, dict) and known.get("url") == self.url else ""

    def fetch(self, report: ProgressCallback = lambda what, done, total: None) -> Path:
        """Download its file unless it is here, check it, and record it. Raises BadInput.

        What was downloaded of it so far is kept for the next attempt.
        """
        if self.is_here and not self.problem(self.file):
            return self.file
        by_hand = f"see {self.source}"
        with download_errors(self.name, by_hand):
            self.file.unlink(missing_ok=True)
            source = retrying(folder(), {self.file.name: self.url})
            source.fetch(self.file.name, downloader=_Checked(self, report))
        stored = {
            "url": self.url,
            "sha256": sha256(self.file),
            "fetched_at": datetime.now(UTC).isoformat("T", "seconds"),
        }
        write(self.record, (json.dumps(stored, indent=1) + "\n").encode())
        return self.file

    def remove(self) -> None:
        """Delete its file; a pin stays, so that a later download is compared with it."""
        self.file.unlink(missing_ok=True)


class _Checked:
    """A resuming downloader for pooch that refuses other files than the published one, after which pooch retries."""

    def __init__(self, weights: PublishedWeights, report: ProgressCallback):
        self.weights = weights
        self.download = ResumingDownloader(user_folder() / "downloads" / weights.name, report)

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        self.download(url, output_file, pooch)
        if problem := self.weights.problem(Path(output_file)):
            raise ValueError(problem)


def folder() -> Path:
    """Folder of the fetched files; it need not exist yet."""
    return user_folder() / FOLDER


@functools.cache
def weights() -> Mapping[str, PublishedWeights]:
    """The list, by name."""
    lists = sorted((Path(importlib.util.find_spec("baselines").submodule_search_locations[0]) / FOLDER).glob("*.toml"))
    found = {}
    for path in lists:
        shared = tomllib.loads(path.read_text(encoding="utf-8"))
        for own in shared.pop("weights"):
            found[own["name"]] = PublishedWeights(**{**shared, **own})
    return found


def input_note(digest: str) -> str:
    """Note on a file of the list, given its SHA-256, that takes other input than RGB in [0, 1]; '' for others."""
    for name, known in weights().items():
        if known.sha256 == digest and (known.channel_order, known.white_level) != ("RGB", 1):
            return (
                f"the file is that of the published weights {name}, which take {known.channel_order} with white at "
                f"{known.white_level}, and gets RGB with white at 1: name them instead, --models {name}"
            )
    return ""


def fetched() -> list[str]:
    """Names of the weights whose files are on this machine, and whose network is part of this installation."""
    return [name for name, known in weights().items() if known.model and known.is_here]


def named(names: list[str] | tuple[str, ...]) -> list[PublishedWeights]:
    """The entries of names and groups of `bench models fetch`, without duplicates. Raises BadInput."""
    known = weights()
    members = {"paper": PAPER, "all": tuple(known)}
    chosen = dict.fromkeys(member for name in names for member in members.get(name, (name,)))
    for name in chosen:
        if name not in known:
            raise unknown("published weights", name, [*known, *GROUPS])
    return [known[name] for name in chosen]


def git_blob(file: Path) -> str:
    """Git's identifier of the content of a file: SHA-1 of "blob SIZE", a zero byte, and the content."""
    content = file.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def sha256(file: Path) -> str:
    """SHA-256 of a file."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
