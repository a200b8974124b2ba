"""Writing the files of a site, and the listing of them."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Self, TypeVar

import pandas as pd
from PIL import Image

from reports.csv_text import csv_text
from reports.formatting import slug

FILES = "site.json"
T = TypeVar("T")


class SiteError(ValueError):
    """A folder whose listing of a site cannot be used, or that has other files where a site would be written."""


def files(site: Path) -> list[str]:
    """The files of a site by its listing, which is included.

    Raises SiteError without a readable listing, or for a listed file that is outside the site, as a listing of
    somebody else's site can have: `../notes.txt`, `/etc/passwd` or a link.
    """
    site = Path(site)
    listing = site / FILES
    try:
        listed = sorted({*map(str, json.loads(listing.read_text(encoding="utf-8"))["files"]), FILES})
    except FileNotFoundError:
        raise SiteError(f"expected a site (a folder with {FILES}), got {site}: make one with bench report") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SiteError(f"{listing} cannot be read ({error}): make the site again with bench report") from error
    root = site.resolve()
    for name in listed:
        if name != PurePosixPath(name).as_posix() or (site / name).resolve() != root.joinpath(*name.split("/")):
            raise SiteError(f"{listing}: expected files inside the site, got {name!r}: make the site again")
    return listed


class SiteWriter:
    """Writes the files of a site, returns their relative addresses, and records what it wrote.

    A context manager: files are written into a temporary folder inside `target`, and replace those of the previous
    site, and no others, when the context ends without an exception.
    """

    def __init__(self, target: Path, keep: Sequence[str] = (), pool: Executor | None = None):
        """`keep`: folders below the target with sites of their own, which are not touched; `pool`: see `later`.

        Raises SiteError if the target has files that the site would replace although they are not of a site.
        """
        self.target = Path(target)
        self._pool = pool
        self._keep = tuple(f"{folder}/" for folder in keep)
        self._previous = set(files(self.target)) if (self.target / FILES).exists() else set()
        self._refuse_foreign(["index.html", "static"])
        self.target.mkdir(parents=True, exist_ok=True)
        self.root = Path(tempfile.mkdtemp(prefix=".new-", dir=self.target))
        self.written: set[str] = set()
        self._named: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._replace_previous()
        finally:
            shutil.rmtree(self.root, ignore_errors=True)

    def _refuse_foreign(self, names: Iterable[str]) -> None:
        """Raises SiteError if one of these files or folders exists and is not of the previous site."""
        folders = {str(parent) for name in self._previous for parent in PurePosixPath(name).parents}
        for name in names:
            if (self.target / name).exists() and name not in self._previous and name not in folders:
                raise SiteError(
                    f"{self.target} has a file {name} that no report made: name another folder with -o, or move it away"
                )

    def _replace_previous(self) -> None:
        """Move the new files into place and remove those of the previous site that it no longer has."""
        written = [name for name in self.written if not name.startswith(self._keep)]
        self._refuse_foreign(written)
        for name in self._previous - self.written:
            if not name.startswith(self._keep):
                (self.target / name).unlink(missing_ok=True)
        for name in written:
            (self.target / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).replace(self.target / name)
        listing = json.dumps({"files": sorted(self.written)}, indent=1) + "\n"
        (self.target / FILES).write_text(listing, encoding="utf-8")

    def text(self, address: str, text: str) -> str:
        """Writes text in UTF-8; returns its address."""
        return self.bytes(address, text.encode("utf-8"))

    def bytes(self, address: str, content: bytes) -> str:
        """Writes bytes; returns their address."""
        path = self.root / address
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self.written.add(address)
        return address

    def expect(self, address: str) -> str:
        """Records a file that a job of `later` writes; returns its address."""
        self.written.add(address)
        return address

    def later(self, job: Callable[[], T]) -> Callable[[], T]:
        """A job -> a function that waits for its result; it runs in the pool, or without one when that is called."""
        return self._pool.submit(job).result if self._pool else cache(job)

    def csv(self, address: str, frame: pd.DataFrame) -> str:
        """Writes a frame as CSV; returns its address."""
        return self.text(address, csv_text(frame))

    def script(self, address: str, name: str, data: object) -> str:
        """Writes a script that calls `maskbench.receive(name, data)`; returns its address."""
        body = json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
        return self.text(address, f"maskbench.receive({json.dumps(name)}, {body});\n")

    def picture(self, source: Path) -> str | None:
        """Copies an image file losslessly, equal files once; returns its address, or None if it cannot be read."""
        try:
            content = source.read_bytes()
            suffix = source.suffix.lower()
            kept = suffix if suffix in (".png", ".webp") else ".png"
            address = f"pictures/{hashlib.sha256(content).hexdigest()[:20]}{kept}"
            if address not in self.written:
                path = self.root / address
                with Image.open(source) as image:
                    image.load()
                    path.parent.mkdir(parents=True, exist_ok=True)
                    if kept == suffix:
                        path.write_bytes(content)
                    else:
                        image.convert("RGB").save(path)
        except (OSError, SyntaxError, ValueError):
            return None
        self.written.add(address)
        return address

    def file(self, source: Path, address: str) -> str:
        """Copies a file; returns the address of the copy."""
        path = self.root / address
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, path)
        self.written.add(address)
        return address

    def copy(self, folder: Path, address: str) -> None:
        """Copies the files of a folder, without its subfolders."""
        for path in sorted(folder.iterdir()):
            if path.is_file():
                self.file(path, f"{address}/{path.name}")

    def free_address(self, folder: str, *parts: object) -> str:
        """Parts of the name -> an unused address without suffix, such as 'charts/builtin-mixture'."""
        base = f"{folder}/{'-'.join(slug(part) for part in parts)}"
        address, attempt = base, 1
        while address in self._named:
            attempt += 1
            address = f"{base}-{attempt}"
        self._named.add(address)
        return address

    def adopt(self, folder: str) -> None:
        """Adds the files of a site in a subfolder to the listing."""
        self.written |= {f"{folder}/{name}" for name in files(self.target / folder)}
