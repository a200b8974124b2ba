"""Public data sets from their owners' servers, by pooch: tried again, taken up where it broke off, compared.

A set without a published SHA-256 list is counted, and a list is made of what came.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.datasets.archives import unpack
from bench.datasets.image import SUFFIXES
from bench.datasets.locations import download_folder
from bench.datasets.public import LOCAL_LIST, PublicSet, sha256
from bench.errors import BadInput, described
from bench.files import write
from bench.home import home

TIMEOUT = 30.0  # seconds without a byte
MAX_RETRIES = 3
CHUNK = 1 << 18

ProgressCallback = Callable[[str, int, int], None]  # what, how much is done, of how much (0: not known)


def fetch(public: PublicSet, report: ProgressCallback = lambda what, done, total: None) -> Path:
    """Get what is missing of a set; returns its folder. Raises BadInput, and keeps what came for the next time."""
    if not public.direct:
        raise BadInput(
            f"{public.name} has no direct download: get it from {public.home} (its {public.files} files), then: "
            f"bench data add {public.name} DIR"
        )
    with _as_bad_input(public):
        return _files(public, report) if public.base else _archive(public, report)


def _files(public: PublicSet, report: ProgressCallback) -> Path:
    """File by file, each compared with its hash; those that are there are not fetched again."""
    import pooch

    folder, manifest = download_folder(public.name), public.manifest
    source = pooch.create(folder, public.base, registry=manifest, retry_if_failed=MAX_RETRIES)
    download = ResumingDownloader(home() / "downloads" / public.name)
    for done, file in enumerate(manifest):
        report(file, done, len(manifest))
        source.fetch(file, downloader=download)
    report("", len(manifest), len(manifest))
    return folder


def _archive(public: PublicSet, report: ProgressCallback) -> Path:
    """The archive, then the images in it, into a folder that is there whole or not at all."""
    import pooch

    folder, name = download_folder(public.name), public.archive.url.rpartition("/")[2]
    if folder.is_dir():
        return folder
    downloads = home() / "downloads" / public.name
    download = ResumingDownloader(downloads / "parts", report)
    source = pooch.create(downloads, "", registry={name: None}, urls={name: public.archive.url},
                          retry_if_failed=MAX_RETRIES)  # fmt: skip
    archive = Path(source.fetch(name, downloader=download))
    part = folder.with_name(f".{public.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        count = unpack(archive, public.archive.kind, public.archive.inside, SUFFIXES, part)
        if count != public.files:
            raise BadInput(f"{public.archive.url} has {count} images in {', '.join(public.archive.inside)}, "
                           f"wanted {public.files}")  # fmt: skip
    except BadInput:
        archive.unlink()  # it is of no use: the next time is a fresh start
        shutil.rmtree(part, ignore_errors=True)
        raise
    if not public.manifest:
        lines = [f"{sha256(file)}  {file.name}\n" for file in sorted(part.iterdir())]
        write(part / LOCAL_LIST, "".join(lines).encode())
    part.rename(folder)
    shutil.rmtree(downloads, ignore_errors=True)
    return folder


class NotOnServer(Exception):
    """The server says that there is no such file: trying again would not help."""


class ResumingDownloader:
    """A downloader for pooch that keeps what came in `folder` and asks for the rest the next time."""

    def __init__(self, folder: Path, report: ProgressCallback = lambda what, done, total: None):
        self.folder, self.report = folder, report

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        """Raises requests' exceptions, which pooch answers by trying again, and NotOnServer."""
        import requests

        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.folder / f"{url.rpartition('/')[2]}.part"
        have = part.stat().st_size if part.exists() else 0
        headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={have}-"} if have else {})}
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
            if answer.status_code in (403, 404, 410):
                raise NotOnServer(f"the server says {answer.status_code} {answer.reason}")
            if answer.status_code == 416 or _is_wrong_range(answer, have):  # what is here does not fit the file
                part.unlink()
                raise requests.ConnectionError("the server did not send the part that was asked for")
            answer.raise_for_status()
            have = have if answer.status_code == 206 else 0  # else the whole file comes
            length = answer.headers.get("Content-Length", "")
            total = have + int(length) if length.isdigit() else 0
            with part.open("ab" if have else "wb") as file:
                for chunk in answer.iter_content(CHUNK):
                    file.write(chunk)
                    self.report(f"MB of {part.stem}", file.tell() >> 20, total >> 20)
        if total and part.stat().st_size != total:  # urllib3 raises by itself only from version 2
            raise requests.ConnectionError(f"{part.stat().st_size} of {total} bytes came")
        shutil.move(part, output_file)


def _is_wrong_range(answer, have: int) -> bool:
    return answer.status_code == 206 and not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")


@contextmanager
def _as_bad_input(public: PublicSet) -> Iterator[None]:
    """What goes wrong on the way, as BadInput."""
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")
    again = "What came is kept: the same command goes on"
    try:
        yield
    except BadInput:
        raise
    except requests.RequestException as error:
        raise BadInput(f"{public.name} could not be fetched: {_reason(error)}. {again}") from error
    except NotOnServer as error:
        raise BadInput(f"{public.name} could not be fetched: {error}. Get it from {public.home}, then: "
                       f"bench data add {public.name} DIR") from error  # fmt: skip
    except ValueError as error:  # of pooch: another hash
        raise BadInput(f"{public.name}: the server sends another file than the published one: {described(error)}. Get "
                       f"it from {public.home}, then: bench data add {public.name} DIR") from error  # fmt: skip
    except OSError as error:
        raise BadInput(f"{public.name} could not be written: {error.strerror or error}. {again}") from error


def _reason(error: Exception) -> str:
    text = str(error)
    kinds = {"timed out": f"the server sent nothing for {TIMEOUT:g} s", "Failed to resolve": "there is no such server, "
             "or no network", "refused": "the server refused the connection"}  # fmt: skip
    return next((words for mark, words in kinds.items() if mark in text), described(error))
