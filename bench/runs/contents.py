"""The data sets of a store: their folders, their images, and the hashes of the images' pixels.

    folders   data set (without parameters) -> the folder that it was read from; '' for a built-in data set
    contents  data set, image, noise -> SHA-256 of the pixels, as in rows. The noise is '' for the clean image, or names
              a recorded noisy image. The hash is '' if the image could not be read, NULL if it has not been read yet

The images of a plan are recorded when it starts, their hashes when they are read, so the tables of a killed run are
correct as far as it got.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from bench import spec
from bench.core.errors import BadInput
from bench.datasets import CleanImage, Dataset
from bench.noise import noises

COLUMNS = ["dataset", "image", "noise", "image_hash"]
_SAME_PIXELS = ("limit", "crop")  # parameters under which the pixels of an image can still be compared


def make_tables(connection: sqlite3.Connection) -> None:
    """Make the tables if they do not exist."""
    connection.execute("CREATE TABLE IF NOT EXISTS folders (name TEXT PRIMARY KEY, folder TEXT) WITHOUT ROWID")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS contents (dataset TEXT, image TEXT, noise TEXT, image_hash TEXT, "
        "PRIMARY KEY (dataset, image, noise)) WITHOUT ROWID"
    )


def read(connection: sqlite3.Connection) -> pd.DataFrame:
    """One row per image and recorded noise of each data set; none in stores of older versions."""
    if not _has_table(connection, "contents"):
        return pd.DataFrame(columns=COLUMNS, dtype=object)
    return pd.read_sql(f"SELECT {', '.join(COLUMNS)} FROM contents", connection, dtype=object)


def folders(connection: sqlite3.Connection) -> dict[str, str]:
    """Data set, without parameters -> its folder; '' for a built-in data set."""
    exists = _has_table(connection, "folders")
    return dict(connection.execute("SELECT name, folder FROM folders")) if exists else {}


def record_images(connection: sqlite3.Connection, datasets: Iterable[Dataset]) -> None:
    """Record folders and images of data sets before they are read, in place of those recorded under the same names."""
    for dataset in datasets:
        names = [image.name for image in dataset.images]
        connection.execute("INSERT OR REPLACE INTO folders VALUES (?, ?)", (base_name(dataset.name), dataset.folder))
        keep_only(connection, dataset.name, names)
        connection.executemany(
            "INSERT OR IGNORE INTO contents VALUES (?, ?, '', NULL)", [(dataset.name, name) for name in names]
        )


def keep_only(connection: sqlite3.Connection, dataset: str, names: Iterable[str]) -> None:
    """Delete the records of a data set's images that are not among these names."""
    known = {image for (image,) in connection.execute("SELECT image FROM contents WHERE dataset = ?", (dataset,))}
    connection.executemany(
        "DELETE FROM contents WHERE dataset = ? AND image = ?", [(dataset, image) for image in known - set(names)]
    )


def record_pixels(connection: sqlite3.Connection, dataset: str, image: str, hashes: Mapping[str, str]) -> None:
    """Record the pixel hashes of an image: of the clean one under '', of recorded noisy ones under their noise.

    Hashes of recorded images that were not read this time are kept only if the clean image is unchanged.
    """
    where = (dataset, image)
    known = "SELECT image_hash FROM contents WHERE dataset = ? AND image = ? AND noise = ''"
    (before,) = connection.execute(known, where).fetchone() or (None,)
    if before != hashes[""]:
        connection.execute("DELETE FROM contents WHERE dataset = ? AND image = ?", where)
    connection.executemany(
        "INSERT OR REPLACE INTO contents VALUES (?, ?, ?, ?)",
        [(*where, noise, image_hash) for noise, image_hash in hashes.items()],
    )


def combined_hash(pixels: Iterable[tuple[str, str, str]]) -> str:
    """One hash of (data set, image, hash of the clean pixels) of several images, independent of their order."""
    lines = ("\x1f".join(one) for one in sorted(pixels))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]


def base_name(name: str) -> str:
    """The name of a data set without its parameters: 'HR' of 'HR(limit=2)'."""
    try:
        return spec.parse(name).name
    except BadInput:  # the name of a folder need not be a spec
        return name


def check_same_pictures(connection: sqlite3.Connection, datasets: Iterable[Dataset], run: Path) -> None:
    """Raise BadInput if a data set's name was used in this store for other images of another folder.

    Changed images in the same folder are accepted, and the same images in another folder.
    """
    known, contents = folders(connection), read(connection)
    current: dict[str, str] = {}
    for dataset in datasets:
        name = base_name(dataset.name)
        if current.setdefault(name, dataset.folder) != dataset.folder:
            raise BadInput(_conflict(name, current[name], dataset.folder, "this command"))
        if known.get(name, dataset.folder) != dataset.folder and not _same_pictures(dataset, contents):
            raise BadInput(_conflict(name, known[name], dataset.folder, f"the run folder {run}"))


def _conflict(name: str, known: str, new: str, where: str) -> str:
    first, second = (folder or "the installation" for folder in (known, new))
    return (
        f"data set {name!r} of {where} is read from {first}: expected the same images, got others from {second}: "
        "add these under another name (bench data add NAME DIR), rename the folder, or use another --out"
    )


def _same_pictures(dataset: Dataset, contents: pd.DataFrame) -> bool:
    """Whether a data set's images have the same pixels as images of the same names that were read before."""
    contents = contents[(contents["noise"] == "") & contents["image_hash"].fillna("").ne("")]
    contents = contents[contents["dataset"].map(base_name) == base_name(dataset.name)]
    if contents.empty:
        return True  # no image was read under this name yet
    images = {image.name: image for image in dataset.images}
    for name, part in contents.groupby("dataset"):
        if _parameters(name, _SAME_PIXELS) != _parameters(dataset.name, _SAME_PIXELS):
            continue
        crop: Any = dict(_parameters(name)).get("crop")
        common = [
            (images[image], known)
            for image, known in zip(part["image"], part["image_hash"], strict=True)
            if image in images
        ]
        if common:
            return all(_hash(replace(image, crop=crop)) in (known, None) for image, known in common)
    return False


def _parameters(name: str, without: tuple[str, ...] = ()) -> list[tuple[str, object]]:
    try:
        return sorted((key, value) for key, value in spec.parse(name).kwargs if key not in without)
    except BadInput:
        return []


def _hash(image: CleanImage) -> str | None:
    try:
        return noises.pixel_hash(image.read())
    except (ValueError, OSError):  # an unreadable image cannot be compared; its rows will have the reason
        return None


def _has_table(connection: sqlite3.Connection, table: str) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone() is not None
