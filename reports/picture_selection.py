"""Which pictures the site shows: the worst, the median and the best image of each noise and data set, up to a size."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from reports.data import Picture
from reports.formatting import plural
from reports.measures import DROP, PSNR
from reports.results import NOISY, Results

CLEAN = "clean"
MAX_BYTES = 64_000_000
ROLES = ("worst", "best", "median")  # the last is dropped first where MAX_BYTES is exceeded

SceneKey = tuple[str, str, str, int]  # data set, image, noise, seed


@dataclass(frozen=True)
class PictureSelection:
    """Scenes with their role ('' where all are shown) and their pictures by source; `note` says what is not shown."""

    roles: dict[SceneKey, str]
    files: dict[SceneKey, dict[str, Picture]]
    note: str


def select(results: Results, max_bytes: int = MAX_BYTES) -> PictureSelection:
    """The pictures to show, of at most `max_bytes` in total."""
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
            if used > max_bytes:
                break
            kept[key] = role
    kept = {key: kept[key] for key in grouped if key in kept}
    return PictureSelection(kept, {key: grouped[key] for key in kept}, note(grouped, chosen, kept, results, max_bytes))


def scenes(pictures: Iterable[Picture]) -> dict[SceneKey, dict[str, Picture]]:
    """Pictures by scene and source, for scenes with more than the clean image; all noises share the clean image."""
    grouped: dict[SceneKey, dict[str, Picture]] = defaultdict(dict)
    clean: dict[tuple[str, str], Picture] = {}
    for picture in pictures:
        if picture.source == CLEAN:
            clean.setdefault((picture.dataset, picture.image), picture)
        else:
            grouped[picture.dataset, picture.image, picture.noise, int(picture.seed)][picture.source] = picture
    return {key: ({CLEAN: clean[key[:2]]} if key[:2] in clean else {}) | sources for key, sources in grouped.items()}


def roles(results: Results, cell: tuple[str, str], keys: list[SceneKey]) -> dict[SceneKey, str]:
    """The scenes of one data set and noise -> those to show with their role; all, with role '', if at most three."""
    if len(keys) <= len(ROLES):
        return dict.fromkeys(keys, "")
    drops = mean_drop(results, *cell)
    order = sorted(keys, key=lambda key: -drops.get(key[1], float("-inf")))
    return {order[0]: "worst", order[-1]: "best", order[len(order) // 2]: "median"}


def mean_drop(results: Results, dataset: str, noise: str) -> dict[str, float]:
    """Image -> PSNR drop in dB, mean over the models; without a reference noise, minus their mean PSNR."""
    drops = results.per_image(dataset, noise, DROP)
    table = drops if not drops.empty and drops.notna().any(axis=None) else -results.per_image(dataset, noise, PSNR)
    means: pd.Series = table.drop(columns=NOISY, errors="ignore").mean(axis=1)
    return means.dropna().to_dict()


def size(picture: Picture) -> int:
    """Size of the file in bytes, 0 if it is missing."""
    try:
        return picture.path.stat().st_size
    except OSError:
        return 0


def note(grouped: dict, chosen: dict, kept: dict, results: Results, max_bytes: int) -> str:
    """Which pictures are shown and which are not, in sentences."""
    images = results.rows.groupby("dataset")["image"].nunique().sum()
    pictured = len({key[:2] for key in grouped})
    parts = []
    if pictured < images:
        parts.append(f"The run saved pictures of {pictured} of {plural(int(images), 'image')}.")
    if len(chosen) < len(grouped):
        parts.append(
            "Shown for each noise and data set: the worst, the median and the best image by PSNR drop (mean over "
            "models)."
        )
    if len(kept) < len(chosen):
        parts.append(
            f"{plural(len(chosen) - len(kept), 'picture set')} not shown, medians first, to stay below "
            f"{max_bytes / 1e6:.0f} MB."
        )
    return " ".join(parts)
