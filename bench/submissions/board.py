"""The statistics of a board: which submissions are comparable, their means with 95% intervals, ranks and re-runs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

import noise_zoo
from bench import spec
from bench.core.errors import BadInput, unknown
from bench.noise import noises, training_noise
from bench.noise.noises import REFERENCE
from bench.noise.training_noise import NOT_TRAINED, TrainingNoise
from bench.runs import selection
from bench.runs.store import ROWS_FILE, Store
from bench.statistics.intervals import mean_intervals
from bench.statistics.ood import Conditions, groups, nearly_clean
from bench.statistics.scores import photograph_of
from bench.submissions import schema
from bench.submissions.schema import ABOUT_FILE, Submission
from reports.board_data import Board, BoardEntry, BoardGroup, BoardScore
from reports.formatting import plural

CELL = ["image_hash", "noise", "noise_version", "seed"]  # rows with equal values have equal noisy pixels
NAMES = ["dataset", "image", "photograph"]
TOLERANCE = 0.01  # dB between a submitted score and that of a re-run: processors round differently
SAME_PHOTOGRAPHS = {  # training set in lower case -> test sets, in lower case, whose photographs it has
    "bsd500": ("cbsd68", "bsd68"),
    "bsds500": ("cbsd68", "bsd68"),
    "bsd68": ("cbsd68",),
    "cbsd68": ("bsd68",),
    "kodak24": ("kodak24-full",),
    "kodak24-full": ("kodak24",),
    "kodak": ("kodak24", "kodak24-full"),
    "sidd": ("sidd-val", "sidd-small"),
}
GROUPS = {
    "far": ("Far OOD", "noise of other kinds than Gaussian"),
    "near": ("Near OOD", f"Gaussian noise of other levels than {REFERENCE}"),
    "recorded": ("Recorded pairs", "noise of cameras and renderers, recorded with a clean reference"),
}


@dataclass(frozen=True)
class Cells:
    """What the submissions of a group are compared on: one row per CELL with the names of its image.

    apart  submissions that are not comparable: key -> reason
    """

    wanted: pd.DataFrame
    apart: Mapping[str, str]


def board(
    folder: Path, protocol: str | None = None, like: str | None = None, reruns: Sequence[Path] = (), command: str = ""
) -> Board:
    """The board of the submissions in a folder and its subfolders. Raises BadInput if it has none.

    protocol  default: that of most submissions
    like      folder name of the submission whose images, noises, versions and seeds the board has; default: in each
              group of noises, those that most submissions have
    reruns    run folders and submissions of the same models, made by whoever makes the board
    """
    submissions, unread = read_all(folder)
    if not submissions:
        raise BadInput(f"expected submissions (folders with {ABOUT_FILE}) that can be read, got none in {folder}")
    if like is not None and like not in submissions:
        raise unknown("submission", like, submissions)
    known = {name for one in submissions.values() for name in one.rows["protocol"]}
    if protocol is not None and protocol not in known:
        raise unknown("protocol", protocol, known, " in the submissions")
    protocol = protocol or _protocol(submissions, like)
    rows, apart = comparable_rows(submissions, protocol)
    training = {key: _training(one) for key, one in submissions.items()}
    checks = {key: _rerun(one, _rows_of(reruns)) for key, one in submissions.items()} if reruns else {}
    found = [_group(name, rows, training, like) for name in GROUPS]
    names = _test_sets(found)
    return Board(
        command=command,
        protocol=protocol,
        reference=REFERENCE,
        entries=tuple(
            _entry(key, one, training[key], *checks.get(key, (None, "")), names) for key, one in submissions.items()
        ),
        groups=tuple(one for one in found if one.bodies),
        apart=unread | apart,
        scores=_scores(rows),
    )


def read_all(folder: Path) -> tuple[dict[str, Submission], dict[str, str]]:
    """The submissions in a folder and its subfolders by folder name, and the reasons of those that cannot be read."""
    read, unread = {}, {}
    for path in sorted(folder.rglob(ABOUT_FILE)):
        key = path.parent.relative_to(folder).as_posix() if path.parent != folder else folder.resolve().name
        try:
            read[key] = schema.read(path.parent)
        except BadInput as error:
            unread[key] = str(error)
    return read, unread


def _protocol(submissions: Mapping[str, Submission], like: str | None) -> str:
    """The protocol of a submission, or of most of them."""
    chosen = submissions.values() if like is None else [submissions[like]]
    counts = Counter(str(name) for one in chosen for name in dict.fromkeys(one.rows["protocol"]))
    return counts.most_common(1)[0][0]


def comparable_rows(
    submissions: Mapping[str, Submission], protocol: str
) -> tuple[dict[str, pd.DataFrame], dict[str, str]]:
    """The rows of each submission under a protocol, with the group of their noise, and the reasons of those without.

    Noise of users' own files is left out: its file would have to be imported.
    """
    rows, apart = {}, {}
    for key, one in submissions.items():
        own = one.rows[one.rows["protocol"] == protocol]
        known = own["noise_name"].isin(noise_zoo.names()) & ~own["noise"].str.contains(":", regex=False)
        own = own[known].assign(photograph=photograph_of(own), model=key)
        kinds = own.drop_duplicates("noise").set_index("noise")["noise_name"]
        own["group"] = own["noise"].map({noise: group_of(noise, name) for noise, name in kinds.items()})
        if own.empty:
            others = ", ".join(sorted(set(one.rows["protocol"]) - {protocol}))
            apart[key] = f"protocol {others}, not {protocol}" if others else "no noise of bench noise list"
        elif own["precision"].nunique() > 1:
            apart[key] = f"rows of several precisions: {', '.join(sorted(set(own['precision'])))}"
        else:
            rows[key] = own
    return rows, apart


def group_of(noise: str, noise_name: str) -> str:
    """The key of GROUPS of a noise; '' for the reference noise."""
    if noises.noise_class(noise_name).recorded:
        return "recorded"
    if noise_name == spec.parse(REFERENCE).name:
        return "" if noise == REFERENCE else "near"
    return "far"


def cells(rows: Mapping[str, pd.DataFrame], like: str | None) -> Cells:
    """The rows of a group by submission -> what they are compared on."""
    sets = {key: frozenset(_index(own)) for key, own in rows.items() if len(own)}
    counts = Counter(sets.values())
    most = max(counts, key=lambda one: (counts[one], len(one)), default=frozenset())
    chosen = sets.get(like or "", most)
    source = next((key for key, own in sets.items() if own == chosen), None)
    if source is None:
        return Cells(pd.DataFrame(columns=[*CELL, *NAMES]), {})
    wanted = rows[source].drop_duplicates(CELL)
    reasons = {key: _reason(wanted, own) for key, own in rows.items()}
    return Cells(wanted, {key: reason for key, reason in reasons.items() if reason})


def _index(rows: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(rows[CELL])


def _reason(wanted: pd.DataFrame, own: pd.DataFrame) -> str:
    """Why a submission is not comparable, by the first row that it lacks; '' if it is."""
    if own.empty:
        return "no rows under these noises"
    missing = wanted[~_index(wanted).isin(_index(own))]
    if len(missing):
        first = missing.iloc[0]
        same = own[(own["noise"] == first["noise"]) & (own["seed"] == first["seed"])]
        pixels, named = same[same["image_hash"] == first["image_hash"]], same[same["image"] == first["image"]]
        if len(pixels):
            why = f"version {pixels['noise_version'].iloc[0]} of {first['noise']}, not {first['noise_version']}"
        elif len(named):
            why = f"other pixels of {first['image']} than in {first['dataset']}"
        else:
            why = f"no row of {first['image']} of {first['dataset']} under {first['noise']}, seed {first['seed']}"
        return f"{why} ({len(missing)} of {plural(len(wanted), 'row')} differ)"
    used = own[_index(own).isin(_index(wanted))]
    lost = used[(used["status"] != "ok") | used["psnr"].isna()]
    if lost.empty:
        return ""
    reason = next((str(text) for text in lost["reason"] if text), "")
    return f"no score in {len(lost)} of {plural(len(used), 'row')}" + (f": {reason}" if reason else "")


def _group(name: str, rows: Mapping[str, pd.DataFrame], training: Mapping[str, TrainingNoise], like) -> BoardGroup:
    """A group of noises: means over images, and ranks among models with the same training noise."""
    title, meaning = GROUPS[name]
    clean = nearly_clean(pd.concat(rows.values())) if rows else {}
    own = {key: all_[(all_["group"] == name) & ~all_["noise"].isin(list(clean))] for key, all_ in rows.items()}
    found = cells(own, like)
    members = [key for key in own if key not in found.apart]
    if found.wanted.empty or not members:
        return BoardGroup(name, title, meaning)
    index = found.wanted[[*CELL, *NAMES]]
    used = pd.concat([own[key].drop(columns=NAMES).merge(index, on=CELL) for key in members])
    images = used.groupby(["dataset", "image", "model"], sort=False)["psnr"].mean().unstack("model")[members]
    photographs = index.drop_duplicates(["dataset", "image"]).set_index(["dataset", "image"])["photograph"]
    clusters = np.array([f"{at[0]} {photographs[at]}" for at in images.index])
    bounds = dict(zip(members, mean_intervals(images.to_numpy(float), clusters), strict=True))
    bodies = []
    for one in groups(used, Conditions(REFERENCE, training)):
        better = significantly_better(images[list(one.models)], clusters)
        lines = [_score(key, bounds[key], better) for key in one.models]
        bodies.append((one.name, tuple(sorted(lines, key=lambda line: -line.mean))))
    columns = "noise" if used["noise_name"].nunique() == 1 else "noise_name"
    order = list(dict.fromkeys(found.wanted.sort_values(["noise_name", "level"])[columns]))
    noisy = found.wanted.groupby(["dataset", "image"])["psnr_noisy"].mean().mean()
    return BoardGroup(
        name,
        title,
        meaning,
        noises=tuple(dict.fromkeys(found.wanted["noise"])),
        datasets=tuple(dict.fromkeys(found.wanted["dataset"])),
        images=len(images),
        bodies=tuple(bodies),
        apart=found.apart,
        columns=used.groupby(["model", columns])["psnr"].mean().unstack()[order],
        noisy=float(noisy),
        inside=frozenset(key for key in members if any(map(training[key].covers, set(found.wanted["noise"])))),
    )


def significantly_better(images: pd.DataFrame, photographs: np.ndarray) -> dict[str, set[str]]:
    """PSNR of images x models, without NaN -> by model the models that are significantly better.

    That is, the 95% interval of the paired difference excludes zero; not corrected for multiple testing.
    """
    better: dict[str, set[str]] = {str(model): set() for model in images}
    pairs = list(combinations(better, 2))
    if pairs:
        leads = np.column_stack([images[one] - images[other] for one, other in pairs])
        for (one, other), (_, low, high) in zip(pairs, mean_intervals(leads, photographs), strict=True):
            if low > 0:
                better[other].add(one)
            elif high < 0:
                better[one].add(other)
    return better


def _score(key: str, bounds: np.ndarray, better: Mapping[str, set[str]]) -> BoardScore:
    worse = frozenset(other for other, above in better.items() if key in above)
    return BoardScore(key, *map(float, bounds), frozenset(better[key]), worse, len(better))


def _training(one: Submission) -> TrainingNoise:
    """The training noise that a submission states."""
    stated = str(one.about["training"]["noise"])
    return NOT_TRAINED if stated == training_noise.NONE else training_noise.parse(stated)


def _test_sets(found: Iterable[BoardGroup]) -> tuple[str, ...]:
    """The names of the board's data sets, without parameters."""
    return tuple(dict.fromkeys(name.partition("(")[0] for group in found for name in group.datasets))


def contamination(stated: str, test_sets: Iterable[str]) -> list[str]:
    """The test sets that are named by a description of training data, or whose photographs a named set has."""
    words = set(re.findall(r"[a-z0-9]+(?:-[a-z0-9]+)*", stated.lower()))
    words |= {word.removesuffix("-") for word in words}
    inside = words | {test for word in words for test in SAME_PHOTOGRAPHS.get(word, ())}
    return [name for name in test_sets if name.lower() in inside]


def _rows_of(folders: Iterable[Path]) -> list[pd.DataFrame]:
    """The rows of run folders and submissions. Raises BadInput for other folders."""
    found = []
    for folder in folders:
        if (folder / ROWS_FILE).is_file():
            with Store.open(folder) as store:
                found.append(selection.all_of_store(store))
        else:
            found.append(schema.read(folder).rows)
    return found


def _rerun(one: Submission, reruns: Iterable[pd.DataFrame]) -> tuple[bool | None, str]:
    """Whether the scores of re-runs of the same weights agree, and a sentence about it; None without a re-run."""
    key = ["model", "weights_hash", "protocol", "precision", *CELL]
    pairs = [one.rows[[*key, "psnr"]].merge(other[[*key, "psnr"]], on=key, suffixes=("", "_again")) for other in reruns]
    both = pd.concat(pairs).dropna(subset=["psnr", "psnr_again"]) if pairs else pd.DataFrame()
    if both.empty:
        return None, ""
    largest = float((both["psnr"] - both["psnr_again"]).abs().max())
    count = f"{len(both.drop_duplicates(key))} of {plural(len(one.rows), 'row')} re-run"
    return largest <= TOLERANCE, f"{count}, largest difference {largest:.3f} dB"


def _entry(
    key: str, one: Submission, training: TrainingNoise, agrees: bool | None, check: str, test_sets: Sequence[str]
) -> BoardEntry:
    about = one.about
    data = f"{about['training']['data']}, {about['training'].get('additional_data', '')}"
    return BoardEntry(
        key=key,
        name=about["model"]["name"],
        about=about,
        training_noise=training.description,
        weights_hash=str(one.rows["weights_hash"].iloc[0] or ""),
        reference_only=training.trained and training.text == REFERENCE,
        agrees=agrees,
        check=check,
        contaminated=tuple(contamination(data, test_sets)),
    )


def _scores(rows: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row per submission x data set x noise: mean PSNR with its interval, and that of the noisy input."""
    parts = []
    good = pd.concat(rows.values()) if rows else pd.DataFrame(columns=["status", "dataset"])
    for dataset, part in good[good["status"] == "ok"].groupby("dataset", sort=False):
        images = part.groupby(["image", "model", "noise"], sort=False)["psnr"].mean().unstack(["model", "noise"])
        photographs = part.groupby("image")["photograph"].first().reindex(images.index)
        table = pd.DataFrame(index=images.columns.set_names(["submission", "noise"]))
        table[["psnr", "psnr_low", "psnr_high"]] = mean_intervals(images.to_numpy(float), photographs.to_numpy())
        table["images"] = images.notna().sum()
        table["psnr_noisy"] = part.groupby(["model", "noise"])["psnr_noisy"].mean().reindex(images.columns).to_numpy()
        parts.append(table.reset_index().assign(dataset=dataset))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["submission"])
