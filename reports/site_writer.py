"""Writing the files of a site, and the listing of them."""

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import cache
from pathlib import Path
from typing import TypeVar

import pandas as pd
from PIL import Image

from reports.formatting import slug

FILES = "site.json"
T = TypeVar("T")


def files(site: Path) -> list[str]:
    """The files of a site by its listing, which is included. Raises ValueError without a readable listing."""
    listing = Path(site) / FILES
    try:
        return sorted({*json.loads(listing.read_text(encoding="utf-8"))["files"], FILES})
    except FileNotFoundError:
        raise ValueError(f"expected a site (a folder with {FILES}), got {site}: make one with bench report") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{listing} cannot be read ({error}): make the site again with bench report") from error


class SiteWriter:
    """Writes the files of a site below `root`, returns their relative addresses, and records what it wrote."""

    def __init__(self, root: Path, keep: Sequence[str] = (), pool: Executor | None = None):
        """`keep`: folders below the root with sites of their own, which are not touched; `pool`: see `later`."""
        self.root = Path(root)
        self._pool = pool
        self.root.mkdir(parents=True, exist_ok=True)
        self.written: set[str] = set()
        self._named: set[str] = set()
        self._remove_previous(tuple(f"{folder}/" for folder in keep))

    def _remove_previous(self, kept: tuple[str, ...]) -> None:
        """Removes the files of the site that was written here before, and no others."""
        listing = self.root / FILES
        if not listing.is_file():
            return
        root = self.root.resolve()
        for name in json.loads(listing.read_text(encoding="utf-8"))["files"]:
            if name.startswith(kept):
                continue
            path = (root / name).resolve()
            if path.is_relative_to(root) and path.is_file():
                path.unlink()

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
        return self.text(address, frame.to_csv(index=False, lineterminator="\n"))

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
        self.written |= {f"{folder}/{name}" for name in files(self.root / folder)}

    def close(self) -> None:
        """Writes the listing of the site's files."""
        self.text(FILES, json.dumps({"files": sorted(self.written)}, indent=1) + "\n")
