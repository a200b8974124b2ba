"""Data sets and images of two runs matched by the hashes of their pixels, since their names may differ."""

from __future__ import annotations

import pandas as pd

IMAGE_COLUMNS = ["dataset", "image", "image_hash"]


def align_by_pixels(own_rows: pd.DataFrame, other_rows: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """The rows of the other side (`other_rows`) under this side's names of data sets and images of equal pixels.

    A data set is matched with the one of the other side that shares the most images with it, in a tie with the one of
    the same name. One data set of the other side may match several. Data sets matched under different names are
    listed in `notes`.
    """
    mine, theirs = (
        rows.loc[rows["image_hash"] != "", IMAGE_COLUMNS].drop_duplicates() for rows in (own_rows, other_rows)
    )
    shared = mine.merge(theirs, on="image_hash", suffixes=("", "_other"))
    names, parts, matched = list(dict.fromkeys(other_rows["dataset"])), [], set()
    for dataset, part in own_rows.groupby("dataset", sort=False):
        common = shared[shared["dataset"] == dataset]
        counts = common.groupby("dataset_other")["image_hash"].nunique()
        other = max(names, key=lambda name: (counts.get(name, 0), name == dataset), default=None)
        if other is None or (other != dataset and other not in counts):
            continue
        matched.add(other)
        parts.append(
            _renamed(
                other_rows[other_rows["dataset"] == other], part, common[common["dataset_other"] == other], dataset
            )
        )
        sentence = f"{other} of the other side is paired with {dataset} by its pixels."
        if other != dataset and sentence not in notes:
            notes.append(sentence)
    alone = other_rows[~other_rows["dataset"].isin(matched | set(own_rows["dataset"]))]
    return pd.concat([*parts, alone], ignore_index=True)


def _renamed(other_rows: pd.DataFrame, own_rows: pd.DataFrame, common: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """The rows of one data set under another name, and of its images under the names of equal images in `own_rows`."""
    by_hash = common.drop_duplicates("image_hash").set_index("image_hash")["image"]
    own = pd.MultiIndex.from_frame(other_rows[["image", "image_hash"]]).isin(
        pd.MultiIndex.from_frame(own_rows[["image", "image_hash"]])
    )
    renamed = other_rows["image_hash"].map(by_hash)
    return other_rows.assign(dataset=dataset, image=other_rows["image"].where(own | renamed.isna(), renamed))
