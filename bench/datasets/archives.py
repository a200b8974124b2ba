"""Safe extraction of zip and tar archives: only image files of given folders, under their plain file names.

An archive with a path outside its folder, a link, a device or two files of one name is refused as a whole, as is one
that expands to far more than its own size.
"""

from __future__ import annotations

import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from stat import S_ISLNK
from typing import IO, Any

from bench.core.errors import BadInput

MAX_EXPANSION = 20  # times the size of the archive; photographs are compressed already
EXTRA_BYTES = 64 * 2**20


def unpack(archive: Path, kind: str, inside: tuple[str, ...], suffixes: set[str], target: Path) -> int:
    """Extract files with these suffixes in the folders `inside` to `target`; return their number. Raises BadInput."""
    members = {"zip": _zip_members, "tar": _tar_members}[kind]
    folders = [PurePosixPath(folder) for folder in inside]
    written: set[str] = set()
    try:
        with members(archive) as listed:
            room = EXTRA_BYTES + MAX_EXPANSION * archive.stat().st_size
            for path, size, opened in listed:
                room -= size
                if room < 0:
                    raise BadInput(
                        f"{archive.name}: expected at most {MAX_EXPANSION} times its size after extraction, got "
                        "more: not extracted"
                    )
                if path.parent not in folders or path.suffix.lower() not in suffixes:
                    continue
                if path.name in written:
                    raise BadInput(f"{archive.name}: expected one file {path.name}, got two: not extracted")
                written.add(path.name)
                with opened() as source, (target / path.name).open("wb") as file:
                    shutil.copyfileobj(source, file)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, ValueError, OSError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"{archive.name} cannot be extracted: {error}") from error
    return len(written)


@contextmanager
def _zip_members(archive: Path) -> Iterator[Iterator[tuple[PurePosixPath, int, Any]]]:
    with zipfile.ZipFile(archive) as opened:
        infos = [info for info in opened.infolist() if not info.is_dir()]
        for info in infos:
            _check_member(archive, info.filename, S_ISLNK(info.external_attr >> 16))
        yield ((PurePosixPath(info.filename), info.file_size, lambda info=info: opened.open(info)) for info in infos)


@contextmanager
def _tar_members(archive: Path) -> Iterator[Iterator[tuple[PurePosixPath, int, Any]]]:
    with tarfile.open(archive) as opened:
        yield _tar_files(archive, opened)


def _tar_files(archive: Path, opened: tarfile.TarFile) -> Iterator[tuple[PurePosixPath, int, Any]]:
    for info in opened:
        _check_member(archive, info.name, not (info.isfile() or info.isdir()))
        if info.isfile():
            yield PurePosixPath(info.name), info.size, lambda info=info: _content(opened, info)


def _content(opened: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    content = opened.extractfile(info)
    assert content is not None, "a regular file"
    return content


def _check_member(archive: Path, name: str, special: bool) -> None:
    path = PurePosixPath(name.replace("\\", "/"))
    if special:
        raise BadInput(f"{archive.name}: expected files and folders, got a link or device, {name}: not extracted")
    if path.is_absolute() or ".." in path.parts or (path.parts and ":" in path.parts[0]):
        raise BadInput(f"{archive.name}: expected files inside its folder, got {name}: not extracted")
