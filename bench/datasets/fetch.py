"""Download of public data sets from their owners' servers with pooch: retries, resumes and verifies SHA-256.

Of a set without a published SHA-256 list the files are counted, and a list of them is written for later checks.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench.core.errors import BadInput, described
from bench.core.files import write
from bench.core.paths import user_folder
from bench.datasets.archives import unpack
from bench.datasets.image import SUFFIXES
from bench.datasets.locations import download_folder
from bench.datasets.public import LOCAL_LIST, PublicSet, sha256

if TYPE_CHECKING:
    import pooch

TIMEOUT = 30.0  # seconds without data
MAX_RETRIES = 3
CHUNK = 1 << 18

ProgressCallback = Callable[[str, int, int], None]  # (what, done, total); total is 0 if unknown


def fetch(public: PublicSet, report: ProgressCallback = lambda what, done, total: None) -> Path:
    """Download the missing files of a set; return its folder.

    Raises BadInput if that fails; the files and parts of files downloaded so far are kept for the next attempt.
    """
    if not public.direct:
        raise BadInput(
            f"expected a data set with a direct download, got {public.name}: download its {public.files} files from "
            f"{public.home}, then run bench data add {public.name} DIR"
        )
    by_hand = f"download it from {public.home}, then run bench data add {public.name} DIR"
    with download_errors(public.name, by_hand):
        return _files(public, report) if public.base else _archive(public, report)


def _files(public: PublicSet, report: ProgressCallback) -> Path:
    """Download the files one by one and verify each; files that exist are kept."""
    folder, manifest = download_folder(public.name), public.manifest
    source = retrying(folder, {file: public.base + file for file in manifest}, manifest)
    download = ResumingDownloader(user_folder() / "downloads" / public.name)
    for done, file in enumerate(manifest):
        report(file, done, len(manifest))
        source.fetch(file, downloader=download)
    report("", len(manifest), len(manifest))
    return folder


def _archive(public: PublicSet, report: ProgressCallback) -> Path:
    """Download the archive and extract its images; the folder appears only when it is complete."""
    folder, name = download_folder(public.name), public.archive.url.rpartition("/")[2]
    if folder.is_dir():
        return folder
    downloads = user_folder() / "downloads" / public.name
    download = ResumingDownloader(downloads / "parts", report)
    source = retrying(downloads, {name: public.archive.url})
    archive = Path(source.fetch(name, downloader=download))
    part = folder.with_name(f".{public.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        count = unpack(archive, public.archive.kind, public.archive.inside, SUFFIXES, part)
        if count != public.files:
            raise BadInput(
                f"{public.archive.url}: expected {public.files} images in "
                f"{', '.join(public.archive.inside)}, got {count}"
            )
    except BadInput:
        archive.unlink()  # unusable: the next attempt downloads it again
        shutil.rmtree(part, ignore_errors=True)
        raise
    if not public.manifest:
        lines = [f"{sha256(file)}  {file.name}\n" for file in sorted(part.iterdir())]
        write(part / LOCAL_LIST, "".join(lines).encode())
    part.rename(folder)
    shutil.rmtree(downloads, ignore_errors=True)
    return folder


def retrying(folder: Path, urls: Mapping[str, str], hashes: Mapping[str, str] | None = None) -> pooch.Pooch:
    """A pooch for files in a folder, {name: URL} and {name: SHA-256}, which tries again after an error."""
    import pooch

    registry = hashes or dict.fromkeys(urls)
    return pooch.create(folder, "", registry=registry, urls=dict(urls), retry_if_failed=MAX_RETRIES)


class NotOnServer(Exception):
    """The server has no such file or denies access to it: retries would not help."""


class ResumingDownloader:
    """Downloader for pooch that keeps partial files in `folder` and requests only the rest at the next attempt."""

    def __init__(self, folder: Path, report: ProgressCallback = lambda what, done, total: None):
        self.folder, self.report = folder, report

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        """Download a URL to a file. Raises requests' exceptions, after which pooch retries, and NotOnServer."""
        import requests

        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.folder / f"{url.rpartition('/')[2]}.part"
        have = part.stat().st_size if part.exists() else 0
        headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={have}-"} if have else {})}
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
            if answer.status_code in (403, 404, 410):
                raise NotOnServer(f"the server answered {answer.status_code} {answer.reason}")
            if answer.status_code == 416 or _is_wrong_range(answer, have):  # the partial file does not match
                part.unlink()
                raise requests.ConnectionError("the server did not send the requested part of the file")
            answer.raise_for_status()
            have = have if answer.status_code == 206 else 0  # else the server sends the whole file
            length = answer.headers.get("Content-Length", "")
            total = have + int(length) if length.isdigit() else 0
            with part.open("ab" if have else "wb") as file:
                for chunk in answer.iter_content(CHUNK):
                    file.write(chunk)
                    self.report(f"MB of {part.stem}", file.tell() >> 20, total >> 20)
        if total and part.stat().st_size != total:  # urllib3 raises by itself only from version 2
            raise requests.ConnectionError(f"expected {total} bytes, got {part.stat().st_size}")
        shutil.move(part, output_file)


def _is_wrong_range(answer, have: int) -> bool:
    return answer.status_code == 206 and not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")


@contextmanager
def download_errors(name: str, by_hand: str) -> Iterator[None]:
    """Convert the errors of the download of `name` to BadInput; `by_hand` says how to get it otherwise."""
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")
    again = "run the same command again to resume"
    try:
        yield
    except BadInput:
        raise
    except requests.RequestException as error:
        raise BadInput(f"{name}: download failed, {_reason(error)}: {again}") from error
    except NotOnServer as error:
        raise BadInput(f"{name}: download failed, {error}: {by_hand}") from error
    except ValueError as error:  # pooch: another SHA-256
        raise BadInput(f"{name}: expected the published files, got others ({described(error)}): {by_hand}") from error
    except OSError as error:
        raise BadInput(f"{name}: cannot write, {error.strerror or error}: {again}") from error


def _reason(error: Exception) -> str:
    text = str(error)
    kinds = {
        "timed out": f"no data from the server for {TIMEOUT:g} s",
        "Failed to resolve": "unknown server or no network",
        "refused": "the server refused the connection",
    }
    return next((reason for pattern, reason in kinds.items() if pattern in text), described(error))
