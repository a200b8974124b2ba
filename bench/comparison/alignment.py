"""Two sides whose data sets may have other names, or other images: pixels decide what is paired, not names."""

from __future__ import annotations

import pandas as pd

IMAGE = ["dataset", "image", "image_hash"]


def align_by_pixels(here: pd.DataFrame, there: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """The rows of the other side with data sets and images called as on this side, as far as their pixels are equal.

    A data set goes with that of the other side with which it has the most images in common, of equals with its
    namesake; one of the other side may so be there several times. `notes` gets a sentence where names differ.
    """
    mine, theirs = (rows.loc[rows["image_hash"] != "", IMAGE].drop_duplicates() for rows in (here, there))
    shared = mine.merge(theirs, on="image_hash", suffixes=("", "_there"))
    names, parts, taken = list(dict.fromkeys(there["dataset"])), [], set()
    for dataset, part in here.groupby("dataset", sort=False):
        common = shared[shared["dataset"] == dataset]
        counts = common.groupby("dataset_there")["image_hash"].nunique()
        other = max(names, key=lambda name: (counts.get(name, 0), name == dataset), default=None)
        if other is None or (other != dataset and other not in counts):
            continue
        taken.add(other)
        parts.append(_called(there[there["dataset"] == other], part, common[common["dataset_there"] == other], dataset))
        sentence = f"{other} of the other side is paired with {dataset} by its pixels."
        if other != dataset and sentence not in notes:
            notes.append(sentence)
    alone = there[~there["dataset"].isin(taken | set(here["dataset"]))]
    return pd.concat([*parts, alone], ignore_index=True)


def _called(there: pd.DataFrame, here: pd.DataFrame, common: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Rows of one data set under the name of another; images of equal pixels have the name that they have here."""
    by_hash = common.drop_duplicates("image_hash").set_index("image_hash")["image"]
    own = pd.MultiIndex.from_frame(there[["image", "image_hash"]]).isin(
        pd.MultiIndex.from_frame(here[["image", "image_hash"]])
    )
    renamed = there["image_hash"].map(by_hash)
    return there.assign(dataset=dataset, image=there["image"].where(own | renamed.isna(), renamed))
