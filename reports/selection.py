"""Which pictures stand on the site: the worst, the median and the best of each noise and data set, up to a cap."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from reports.formatting import plural
from reports.measures import GAP, PSNR
from reports.results import NOISY, Results
from reports.study import Picture

CLEAN = "clean"
CAP = 64_000_000
ROLES = ("worst", "best", "median")  # in the order in which they are given up last

SceneKey = tuple[str, str, str, int]  # data set, image, noise, seed


@dataclass(frozen=True)
class Selection:
    """Scenes with their role ('' where all are shown) and pictures by source, and what was left out, in words."""

    roles: dict[SceneKey, str]
    files: dict[SceneKey, dict[str, Picture]]
    words: str


def select(results: Results, cap: int = CAP) -> Selection:
    """The pictures of a study -> those to show; `cap` is in bytes of picture files."""
    grouped = scenes(results.study.pictures)
    cells: dict[tuple[str, str], list[SceneKey]] = defaultdict(list)
    for key in grouped:
        cells[key[0], key[2]].append(key)
    chosen = {key: role for cell, keys in cells.items() for key, role in roles(results, cell, keys).items()}
    kept: dict[SceneKey, str] = {}
    used = 0
    for role in ("", *ROLES):
        for key in (key for key in grouped if chosen.get(key) == role):
            used += sum(size(picture) for source, picture in grouped[key].items() if source != CLEAN)
            if used > cap:
                break
            kept[key] = role
    kept = {key: kept[key] for key in grouped if key in kept}
    return Selection(kept, {key: grouped[key] for key in kept}, words(grouped, chosen, kept, results, cap))


def scenes(pictures: Iterable[Picture]) -> dict[SceneKey, dict[str, Picture]]:
    """Pictures by scene and source, those with more than the clean image; a clean one serves every noise."""
    grouped: dict[SceneKey, dict[str, Picture]] = defaultdict(dict)
    clean: dict[tuple[str, str], Picture] = {}
    for picture in pictures:
        if picture.source == CLEAN:
            clean.setdefault((picture.dataset, picture.image), picture)
        else:
            grouped[picture.dataset, picture.image, picture.noise, int(picture.seed)][picture.source] = picture
    return {key: ({CLEAN: clean[key[:2]]} if key[:2] in clean else {}) | sources for key, sources in grouped.items()}


def roles(results: Results, cell: tuple[str, str], keys: list[SceneKey]) -> dict[SceneKey, str]:
    """The scenes of one data set and noise -> those to show, all without a role where there are three at most."""
    if len(keys) <= len(ROLES):
        return dict.fromkeys(keys, "")
    losses = loss(results, *cell)
    order = sorted(keys, key=lambda key: -losses.get(key[1], float("-inf")))
    return {order[0]: "worst", order[-1]: "best", order[len(order) // 2]: "median"}


def loss(results: Results, dataset: str, noise: str) -> dict[str, float]:
    """Image -> mean PSNR drop of the models there in dB, or minus their PSNR without a reference noise."""
    gaps = results.per_image(dataset, noise, GAP)
    table = gaps if not gaps.empty and gaps.notna().any(axis=None) else -results.per_image(dataset, noise, PSNR)
    means: pd.Series = table.drop(columns=NOISY, errors="ignore").mean(axis=1)
    return means.dropna().to_dict()


def size(picture: Picture) -> int:
    """Bytes of the file, 0 where it is missing."""
    try:
        return picture.path.stat().st_size
    except OSError:
        return 0


def words(grouped: dict, chosen: dict, kept: dict, results: Results, cap: int) -> str:
    """What a reader has to know about the choice."""
    images = results.rows.groupby("dataset")["image"].nunique().sum()
    pictured = len({key[:2] for key in grouped})
    parts = []
    if pictured < images:
        parts.append(f"The run kept pictures of {pictured} of {plural(int(images), 'image')}.")
    if len(chosen) < len(grouped):
        parts.append(
            "Of those the worst, the median and the best of each noise and data set are here, by the models' "
            "mean PSNR drop."
        )
    if len(kept) < len(chosen):
        parts.append(
            f"Pictures are capped at {cap / 1e6:.0f} MB: {plural(len(chosen) - len(kept), 'scene')} gave way, "
            "medians first."
        )
    return " ".join(parts)
