"""Rows that do not count, or failed, are taken out of a store, and the pictures that were made of them alone."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pandas as pd

from bench import datasets
from bench.errors import BadInput
from bench.runs import contents, selection
from bench.runs.store import Store, picture_name

# what an option removes -> the kinds of `selection`; rows that failed count as failed, and any of them may go
CHOICES = {
    "failed": (),
    "deleted": tuple(selection.DELETED),
    "superseded": tuple(selection.SUPERSEDED),
    "settings": tuple(selection.SETTINGS),
}
DEFAULT = ("failed", "deleted", "superseded")


def removable(store: Store, there: pd.DataFrame, chosen: Collection[str]) -> pd.DataFrame:
    """All rows of a store with their `key`, and under `choice` which of those chosen removes it; '' where it stays.

    `there` is what data sets have in them, see `existing_images`.
    """
    rows = store.rows(hidden=True)
    kinds = {key: kind for found in selection.of_protocols(store, there) for key, kind in found.kinds.items()}
    by_kind = {kind: choice for choice in chosen for kind in CHOICES[choice]}
    choices = rows["key"].map(kinds).map(by_kind).fillna("").astype(object)
    if "failed" in chosen:
        choices[(choices == "") & (rows["status"] != "ok")] = "failed"
    return rows.assign(choice=choices)


def remove(store: Store, rows: pd.DataFrame, there: pd.DataFrame | None = None) -> int:
    """Remove the rows that have a choice, and their pictures; returns how many of these. Raises StoreFull.

    `there`: what data sets have in them from now on.
    """
    gone = rows["choice"] != ""
    with store.writing() as connection:
        store.remove(rows.loc[gone, "key"])
        for dataset, images in () if there is None else there.groupby("dataset")["image"]:
            contents.keep_only(connection, str(dataset), images)
    files = pictures(rows[gone]) - pictures(rows[~gone])
    removed = [path for path in (store.pictures / name for name in files) if path.is_file()]
    for path in removed:
        path.unlink()
    return len(removed)


def pictures(rows: pd.DataFrame) -> set[str]:
    """The names of the files that pictures of rows have, whether they were kept or not."""
    shared = rows[["image_hash", "noise", "noise_version", "seed", "protocol"]].drop_duplicates()
    of_images = (picture_name(kind, *one) for one in shared.itertuples(index=False) for kind in ("clean", "noisy"))
    return {*map(picture_name, rows["key"]), *of_images}


def existing_images(store: Store) -> pd.DataFrame:
    """What data sets have in them, without the images that are gone from their folders since they were run.

    A folder that is gone itself, or has none of the images, says nothing.
    """
    known, folders = store.contents(), contents.folders(store.connection)
    gone = pd.Series(False, known.index)
    for dataset, images in known.groupby("dataset")["image"]:
        folder = folders.get(contents.base_name(str(dataset)), "")
        names = _names(Path(folder)) if folder else set()
        if names & set(images):
            gone[images.index] = ~images.isin(names)
    return known[~gone]


def _names(folder: Path) -> set[str]:
    """The names of the images of a folder; none where it has none that can be told."""
    try:
        return {image.name for image in datasets.load_dataset(folder).images}
    except BadInput:
        return set()
