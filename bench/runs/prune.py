"""Removal of failed and superseded rows from a store, and of pictures that no other row needs."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pandas as pd

from bench import datasets
from bench.core.errors import BadInput
from bench.runs import contents, selection
from bench.runs.store import Store, picture_name

# option -> the kinds of `selection` that it removes; `failed` removes failed rows of any kind
CHOICES = {
    "failed": (),
    "deleted": tuple(selection.DELETED),
    "superseded": tuple(selection.SUPERSEDED),
    "settings": tuple(selection.SETTINGS),
}
DEFAULT = ("failed", "deleted", "superseded")


def removable(store: Store, images: pd.DataFrame, chosen: Collection[str]) -> pd.DataFrame:
    """All rows of a store with their `key`, and in `choice` the chosen option that removes it; '' if the row is kept.

    `images` are the images of data sets, see `existing_images`.
    """
    rows = store.rows(hidden=True)
    kinds = {key: kind for one in selection.of_protocols(store, images) for key, kind in one.kinds.items()}
    by_kind = {kind: choice for choice in chosen for kind in CHOICES[choice]}
    choices = rows["key"].map(kinds).map(by_kind).fillna("").astype(object)
    if "failed" in chosen:
        choices[(choices == "") & (rows["status"] != "ok")] = "failed"
    return rows.assign(choice=choices)


def remove(store: Store, rows: pd.DataFrame, images: pd.DataFrame | None = None) -> int:
    """Remove the rows that have a `choice`, and their pictures; returns the number of pictures. Raises StoreFull.

    `images`: the images that data sets are recorded with afterwards.
    """
    chosen = rows["choice"] != ""
    with store.writing() as connection:
        store.remove(rows.loc[chosen, "key"])
        for dataset, names in () if images is None else images.groupby("dataset")["image"]:
            contents.keep_only(connection, str(dataset), names)
    files = pictures(rows[chosen]) - pictures(rows[~chosen])
    removed = [path for path in (store.pictures / name for name in files) if path.is_file()]
    for path in removed:
        path.unlink()
    return len(removed)


def pictures(rows: pd.DataFrame) -> set[str]:
    """The file names of the pictures of rows, whether they were saved or not."""
    shared = rows[["image_hash", "noise", "noise_version", "seed", "protocol"]].drop_duplicates()
    of_images = (picture_name(kind, *one) for one in shared.itertuples(index=False) for kind in ("clean", "noisy"))
    return {*map(picture_name, rows["key"]), *of_images}


def existing_images(store: Store) -> pd.DataFrame:
    """The recorded images of data sets, without those that have been deleted from their folders since.

    Images of a folder that is missing altogether, or has none of them, are kept: the disk may not be mounted.
    """
    known, folders = store.contents(), contents.folders(store.connection)
    deleted = pd.Series(False, known.index)
    for dataset, images in known.groupby("dataset")["image"]:
        folder = folders.get(contents.base_name(str(dataset)), "")
        names = _names(Path(folder)) if folder else set()
        if names & set(images):
            deleted[images.index] = ~images.isin(names)
    return known[~deleted]


def _names(folder: Path) -> set[str]:
    """The names of the images of a folder; empty if it cannot be read as a data set."""
    try:
        return {image.name for image in datasets.load_dataset(folder).images}
    except BadInput:
        return set()
