"""What stands behind the names of data sets in a store: their folders, their images, and the pixels of these.

    folders   data set (without parameters) -> the folder that it was read from; '' for one of the installation
    contents  data set, image, noise -> SHA-256 of the pixels, as rows have it; noise is '' for the clean image and
              names a recorded one, '' is the hash of what could not be read, NULL of what was not read yet

The images are known from a plan at once, their pixels as they are read: of a run that was killed what is written here
is right as far as it came.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from bench import spec
from bench.datasets import CleanImage, Dataset
from bench.errors import BadInput
from bench.noise import noises

COLUMNS = ["dataset", "image", "noise", "image_hash"]
_SAME_PIXELS = ("limit", "crop")  # parameters under which the pixels of an image can still be compared


def make_tables(connection: sqlite3.Connection) -> None:
    """Make the tables where they are not there."""
    connection.execute("CREATE TABLE IF NOT EXISTS folders (name TEXT PRIMARY KEY, folder TEXT) WITHOUT ROWID")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS contents (dataset TEXT, image TEXT, noise TEXT, image_hash TEXT, "
        "PRIMARY KEY (dataset, image, noise)) WITHOUT ROWID"
    )


def read(connection: sqlite3.Connection) -> pd.DataFrame:
    """A row for each image and recorded noise of each data set; none where an older version wrote the store."""
    if not _there(connection, "contents"):
        return pd.DataFrame(columns=COLUMNS, dtype=object)
    return pd.read_sql(f"SELECT {', '.join(COLUMNS)} FROM contents", connection, dtype=object)


def folders(connection: sqlite3.Connection) -> dict[str, str]:
    """The folder of each data set by its name without parameters; '' for one of the installation."""
    there = _there(connection, "folders")
    return dict(connection.execute("SELECT name, folder FROM folders")) if there else {}


def record_images(connection: sqlite3.Connection, datasets: Iterable[Dataset]) -> None:
    """Keep the folders and the images of data sets that are about to be read; others of the same name are forgotten."""
    for dataset in datasets:
        names = [image.name for image in dataset.images]
        connection.execute("INSERT OR REPLACE INTO folders VALUES (?, ?)", (base_name(dataset.name), dataset.folder))
        keep_only(connection, dataset.name, names)
        connection.executemany(
            "INSERT OR IGNORE INTO contents VALUES (?, ?, '', NULL)", [(dataset.name, name) for name in names]
        )


def keep_only(connection: sqlite3.Connection, dataset: str, names: Iterable[str]) -> None:
    """Keep of a data set the images of these names alone."""
    known = {image for (image,) in connection.execute("SELECT image FROM contents WHERE dataset = ?", (dataset,))}
    connection.executemany(
        "DELETE FROM contents WHERE dataset = ? AND image = ?", [(dataset, image) for image in known - set(names)]
    )


def record_pixels(connection: sqlite3.Connection, dataset: str, image: str, hashes: Mapping[str, str]) -> None:
    """Keep the hashes of an image that was read: of the clean one under '', of recorded ones under their noise.

    Recorded images that were not read with it keep theirs only as long as the clean image stays the same.
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
    """One hash of data sets, images and the hashes of their clean pixels, whatever their order."""
    lines = ("\x1f".join(one) for one in sorted(pixels))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]


def base_name(name: str) -> str:
    """The name of a data set without its parameters: 'HR' of 'HR(limit=2)'."""
    try:
        return spec.parse(name).name
    except BadInput:  # the name of a folder, which may be no spec
        return name


def check_same_pictures(connection: sqlite3.Connection, datasets: Iterable[Dataset], run: Path) -> None:
    """Raise BadInput where a name stands for other pictures, of another folder, than it did in this store.

    The same folder with other pictures is fine, and so are the same pictures in another folder.
    """
    known, contents, here = folders(connection), read(connection), {}
    for dataset in datasets:
        name = base_name(dataset.name)
        if here.setdefault(name, dataset.folder) != dataset.folder:
            raise BadInput(_other(name, here[name], dataset.folder, "this command"))
        if known.get(name, dataset.folder) != dataset.folder and not _same_pictures(dataset, contents):
            raise BadInput(_other(name, known[name], dataset.folder, f"the run folder {run}"))


def _other(name: str, known: str, came: str, where: str) -> str:
    first, second = (folder or "the installation" for folder in (known, came))
    return (
        f"data set {name!r} of {where} is read from {first}: expected the same pictures, got others from {second}: "
        "add these under a name of their own (bench data add NAME DIR), rename the folder, or use another --out"
    )


def _same_pictures(dataset: Dataset, contents: pd.DataFrame) -> bool:
    """Whether the images that a data set has in common with those that were read under its name have their pixels."""
    contents = contents[(contents["noise"] == "") & contents["image_hash"].fillna("").ne("")]
    contents = contents[contents["dataset"].map(base_name) == base_name(dataset.name)]
    if contents.empty:
        return True  # nothing was read: the name stands for nothing yet
    images = {image.name: image for image in dataset.images}
    for name, part in contents.groupby("dataset"):
        if _parameters(name, _SAME_PIXELS) != _parameters(dataset.name, _SAME_PIXELS):
            continue
        crop = dict(_parameters(name)).get("crop")
        common = [(images[image], known) for image, known in zip(part["image"], part["image_hash"], strict=True)
                  if image in images]  # fmt: skip
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
    except (ValueError, OSError):  # it cannot be compared; its rows will say why
        return None


def _there(connection: sqlite3.Connection, table: str) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone() is not None
