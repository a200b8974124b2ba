"""Detection of pairs of noisy and clean images in a folder, by the names of subfolders or of files.

A folder or file is noisy or clean by a keyword in its name, in any case, delimited by punctuation, digits or a capital
letter: `GT`, `input_crops`, `noisy25`, `0001_NOISY_SRGB_010`, `IMG_2381Noisy`. Other names are stated as patterns:
`in/{}_n` and `gt/{}`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.core.errors import BadInput
from bench.datasets.image import SUFFIXES, counted, in_natural_order

EXR_SUFFIX = ".exr"
# (keywords for noisy, keywords for clean)
FOLDER_KEYWORDS = (
    ("noisy", "lq", "input", "inputs", "degraded", "spp"),
    ("clean", "gt", "groundtruth", "reference", "references", "ref", "target", "targets", "hq", "hr", "original",
     "originals"),
)  # fmt: skip
FILE_KEYWORDS = (
    ("noisy", "noise", "lq", "real", "input"),
    ("clean", "gt", "groundtruth", "reference", "ref", "mean", "target", "hq"),
)
SUBSETS = {"train", "training", "val", "valid", "validation", "test", "testing"}  # subsets of a data set, not scenes
NOISY, CLEAN, NEITHER = "noisy", "clean", ""
UNNAMED_KEYWORDS = {*FOLDER_KEYWORDS[0], "crops"} - {"spp"}  # folders of these names do not name their noise

Files = dict[str, Path]  # stem -> file
NamedFiles = dict[str, list[tuple[str, Path]]]  # name without its keyword -> (keyword, file)


@dataclass(frozen=True)
class FilePair:
    """A clean file and its noisy files by the label of their noise, '' for an unnamed noise."""

    name: str
    clean: Path
    noisy: Files
    photograph: str = ""


@dataclass(frozen=True)
class FilePairs:
    """Pairs of files, and how they were found as a phrase."""

    how: str
    pairs: list[FilePair]


def files_of(folder: Path) -> list[Path]:
    """Return the image files of a folder, without hidden files. Raises BadInput for a name that is not UTF-8."""
    suffixes = {*SUFFIXES, EXR_SUFFIX}
    found = [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in suffixes and not path.name.startswith(".") and path.is_file()
    ]
    for path in found:
        try:
            path.name.encode()
        except UnicodeEncodeError:
            raise BadInput(f"{folder}: expected file names in UTF-8, got {path.name!a}: rename it") from None
    return found


def folders_of(folder: Path) -> list[Path]:
    """Return the subfolders of a folder in natural order, without hidden ones."""
    found = {path.name: path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")}
    return [found[name] for name in in_natural_order(list(found))]


def by_stem(folder: Path) -> Files:
    """Return the image files of a folder by stem. Raises BadInput if two have the same stem."""
    found: Files = {}
    for path in files_of(folder):
        if (other := found.setdefault(path.stem, path)) is not path:
            raise BadInput(f"{folder}: expected one image per name, got {other.name} and {path.name}: move one away")
    return found


# ---- keywords


def role(name: str, keywords: tuple[tuple[str, ...], tuple[str, ...]]) -> tuple[str, str, str]:
    """Return (NOISY, CLEAN or NEITHER; the name without its last keyword; that keyword with its digits)."""
    text = re.sub(r"(?i)ground[-_ ]?truth", "groundtruth", name)
    matches = list(_keyword_pattern(keywords).finditer(text))
    if not matches:
        return NEITHER, name, ""
    last = matches[-1]
    digits = re.match(r"\d*", text[last.end() :])[0]
    rest = re.sub(r"([\W_])[\W_]+", r"\1", text[: last.start()] + text[last.end() :]).strip("_-. ")
    return NOISY if last[1] or last[3] else CLEAN, rest, last[0] + digits


@functools.cache
def _keyword_pattern(keywords: tuple[tuple[str, ...], tuple[str, ...]]) -> re.Pattern:
    """Compile groups 1, 2: noisy, clean keyword between punctuation or digits; 3, 4: after a letter, capitalized."""
    small, capital = (["|".join(map(case, side)) for side in keywords] for case in (str, str.capitalize))
    delimited = "|".join(rf"(?:^|(?<=[\W_\d]))((?i:{side}))" for side in small)
    return re.compile(rf"(?:{delimited}|(?<=[A-Za-z])({capital[0]})|(?<=[A-Za-z])({capital[1]}))(?=$|[\W_\d])")


# ---- by folders


def by_folders(folder: Path) -> FilePairs | None:
    """Find clean/ and noisy/, or clean/ and folders of other names with the same files, each of which is a noise."""
    inside = [path for path in folders_of(folder) if files_of(path)]
    noisy, clean = ([path for path in inside if role(path.name, FOLDER_KEYWORDS)[0] == kind] for kind in (NOISY, CLEAN))
    top = by_stem(folder) if (noisy or clean) and files_of(folder) else {}
    if not clean and noisy and top:
        return _of_folders(folder, folder, noisy) if all(top.keys() == by_stem(path).keys() for path in noisy) else None
    if noisy and len(clean) != 1:
        got = " and ".join(f"{path.name}/" for path in clean) or "none"
        named, usual = ", ".join(f"{path.name}/" for path in noisy), ", ".join(FOLDER_KEYWORDS[1][:2])
        raise BadInput(
            f"{folder}: expected one folder of clean images ({usual}, ...) for {named}, got {got}: state "
            f"{how_to_state(folder)}"
        )
    if len(clean) != 1:
        return None
    if not noisy:
        names = by_stem(clean[0]).keys()
        noisy = [path for path in inside if path != clean[0] and by_stem(path).keys() == names]
        noisy = noisy or [folder] * (bool(top) and top.keys() == names)
    return _of_folders(folder, clean[0], noisy) if noisy else None


def _of_folders(folder: Path, clean: Path, noisy: list[Path]) -> FilePairs:
    targets, folders = by_stem(clean), _labelled(folder, noisy)
    matched = {label: _matched(path, by_stem(path), clean, targets) for label, path in folders.items()}
    crops = any("crops" in path.name.lower() for path in (clean, *noisy))
    pairs = [
        FilePair(
            targets[stem].name,
            targets[stem],
            {label: files[stem] for label, files in matched.items()},
            re.sub(r"_s?\d+$", "", stem) if crops else "",
        )
        for stem in in_natural_order(list(targets))
    ]
    listed = ["its own files" if path == folder else f"{path.name}/" for path in (*noisy, clean)]
    return FilePairs(f"{pair_count(pairs)} by folders, {', '.join(listed[:-1])} with {listed[-1]}", pairs)


def _labelled(folder: Path, noisy: list[Path]) -> Files:
    """Return folders by the label of their noise: the folder's name, '' for a single one called noisy, input, ..."""
    plain = [
        path for path in noisy if set(re.split(r"[\W_]+", path.name.lower())) <= UNNAMED_KEYWORDS or path == folder
    ]
    return {"" if path in plain and len(plain) == 1 else path.name: path for path in noisy}


def _matched(noisy_folder: Path, noisy: Files, clean_folder: Path, clean: Files) -> Files:
    """Return the noisy file of each clean stem, equal with or without keywords. Raises BadInput if one is missing."""
    if not noisy.keys() & clean.keys():
        bare = {role(stem, FILE_KEYWORDS)[1]: path for stem, path in noisy.items()}
        named = {stem: role(stem, FILE_KEYWORDS)[1] for stem in clean}
        if len(bare) == len(noisy) and bare.keys() & set(named.values()):
            _check_same_names(noisy_folder, bare, clean_folder, {named[stem]: path for stem, path in clean.items()})
            return {stem: bare[key] for stem, key in named.items()}
    _check_same_names(noisy_folder, noisy, clean_folder, clean)
    return noisy


def _check_same_names(noisy_folder: Path, noisy: Files, clean_folder: Path, clean: Files) -> None:
    """Raise BadInput if a file of a pair is missing."""
    problems = []
    for have, lack, where in ((noisy, clean, clean_folder), (clean, noisy, noisy_folder)):
        alone = [path.name for stem, path in have.items() if stem not in lack]
        if alone:
            problems.append(
                f"{where}: expected an image for each of {len(have)}, got none for {counted(alone, 'file')}"
            )
    if problems:
        raise BadInput("; ".join(problems))


# ---- by names


def by_names(folder: Path) -> FilePairs | None:
    """Find X_noisy and X_clean, XNoisy and XReference, X_real and X_mean, or X_noisy and X."""
    kinds: dict[str, NamedFiles] = {NOISY: {}, CLEAN: {}, NEITHER: {}}
    for path in files_of(folder):
        kind, key, keyword = role(path.stem, FILE_KEYWORDS)
        kinds[kind].setdefault(key, []).append((keyword, path))
    noisy, clean, neither = (kinds[kind] for kind in (NOISY, CLEAN, NEITHER))
    if noisy and clean:
        return _of_names(folder, noisy, clean, len([*noisy, *clean]) >= len(neither))
    marked = noisy or clean
    if marked and marked.keys() <= neither.keys() and 2 * len(marked) >= len(neither):
        return _of_names(folder, noisy or neither, clean or neither, True)
    return None


def _of_names(folder: Path, noisy: NamedFiles, clean: NamedFiles, most: bool) -> FilePairs | None:
    """Pair the noisy and clean files of a folder; `most`: whether they are most of its files."""
    names = f"{_example(noisy)} with {_example(clean)}"
    if noisy.keys() & clean.keys():
        sources, targets = _one_per_key(folder, noisy), _one_per_key(folder, clean)
        _check_same_names(folder, sources, folder, targets)
        pairs = [
            FilePair(key, targets[key], {"": sources[key]}, re.sub(r"_\d+$", "", key))
            for key in in_natural_order(list(sources))
        ]
    elif levels := _by_level(noisy, clean):
        targets = _one_per_key(folder, clean)
        pairs = [FilePair(key, targets[key], levels[key]) for key in in_natural_order(list(targets))]
    elif len(clean) == 1 and most:  # RENOIR: shots of a scene have their own numbers
        (target,) = _one_per_key(folder, clean).values()
        sources = {path.stem: path for path in _one_per_key(folder, noisy).values()}
        pairs = [FilePair(stem, target, {"": sources[stem]}, target.stem) for stem in in_natural_order(list(sources))]
    else:
        return None
    return FilePairs(f"{pair_count(pairs)} by names, {names}", pairs)


def _one_per_key(folder: Path, side: NamedFiles) -> Files:
    """Return {key: file}. Raises BadInput if two files have the same key."""
    for found in side.values():
        if len(found) > 1:
            names = " and ".join(path.name for _, path in found[:2])
            raise BadInput(
                f"{folder}: expected one file per image of a pair, got {names}: move one away, or state "
                "both, "
                f"{how_to_state(folder)}"
            )
    return {key: path for key, [(_, path)] in side.items()}


def _by_level(noisy: NamedFiles, clean: NamedFiles) -> dict[str, Files]:
    """Return {clean key: noisy files by keyword and digits} of X_noisy25, X_noisy50 and X_clean; else {}."""
    levels: dict[str, Files] = {key: {} for key in clean}
    for key, keyword, path in ((key, *one) for key, found in noisy.items() for one in found):
        bare = re.sub(r"[\W_]*\d+$", "", key)
        if bare not in levels or not keyword[-1:].isdigit() or keyword in levels[bare]:
            return {}
        levels[bare][keyword] = path
    labels = [set(files) for files in levels.values()]
    if any(label != labels[0] for label in labels):
        return {}
    order = in_natural_order(list(labels[0]))
    return {key: {keyword: files[keyword] for keyword in order} for key, files in levels.items()}


def _example(side: NamedFiles) -> str:
    keyword = next((keyword for found in side.values() for keyword, _ in found), "")
    return f"X{'' if keyword.istitle() else '_'}{keyword}" if keyword else "X"


def noisy_looking(files: list[Path]) -> tuple[list[str], list[str]]:
    """Return the file names with a noisy keyword, and those with a clean one."""
    roles = {path.name: role(path.stem, FILE_KEYWORDS)[0] for path in files}
    return tuple([name for name, found in roles.items() if found == kind] for kind in (NOISY, CLEAN))


# ---- by patterns


def by_patterns(folder: Path, noisy: tuple[str, ...], clean: str | None, name: str) -> FilePairs:
    """Find pairs by folders or patterns: noisy 'in' with name '{}_n', or 'in/{}_n', and clean 'gt'. Raises BadInput.

    If only the subfolders of the folder have such folders, each of them is a scene.
    """
    first = _folder_of(noisy[0])

    def detect(scene: Path) -> FilePairs | None:
        found = (scene / first).is_dir() and files_of(scene / first)
        return _by_patterns(scene, noisy, clean, name) if found else None

    return detect(folder) or by_scenes(folder, detect) or _by_patterns(folder, noisy, clean, name)


def _by_patterns(folder: Path, noisy: tuple[str, ...], clean: str | None, name: str) -> FilePairs:
    clean = clean if clean is not None else _only_clean(folder)
    targets = _of_pattern(folder, _pattern(clean, "{}"))
    sides = {text: _of_pattern(folder, _pattern(text, name)) for text in noisy}
    noisy_files = {path for files in sides.values() for path in files.values()}
    targets = {
        stem: path for stem, path in targets.items() if path not in noisy_files
    }  # of X_n and X, X_n is not clean
    for text, files in sides.items():
        _check_same_names(folder / _folder_of(text), files, folder / _folder_of(clean), targets)
    labels = {text: "" if len(noisy) == 1 else Path(_folder_of(text)).name or text for text in noisy}
    if len(set(labels.values())) < len(labels):
        labels = {text: text for text in noisy}
    pairs = [
        FilePair(targets[stem].name, targets[stem], {labels[text]: files[stem] for text, files in sides.items()})
        for stem in in_natural_order(list(targets))
    ]
    patterns = f"{', '.join(_pattern(text, name) for text in noisy)} with {_pattern(clean, '{}')}"
    return FilePairs(f"{pair_count(pairs)} by patterns, {patterns}", pairs)


def of_clean(folder: Path, clean: str) -> list[Path]:
    """Return the files of a folder or pattern stated as clean. Raises BadInput if there are none."""
    return list(_of_pattern(folder, _pattern(clean, "{}")).values())


def _only_clean(folder: Path) -> str:
    clean = [path.name for path in folders_of(folder) if role(path.name, FOLDER_KEYWORDS)[0] == CLEAN]
    return clean[0] if len(clean) == 1 else "."


def _pattern(text: str, name: str) -> str:
    return text if "{}" in text else f"{text}/{name}"


def _folder_of(text: str) -> str:
    return text.rpartition("/")[0] if "{}" in text else text


def _of_pattern(folder: Path, pattern: str) -> Files:
    """Return {text of {}: file} of the images whose stem matches a pattern. Raises BadInput if there are none."""
    where, _, stem = pattern.rpartition("/")
    before, _, behind = stem.partition("{}")
    directory = folder / where
    if not directory.is_dir():
        raise BadInput(f"{folder}: expected a folder {where!r}, got none: check noisy and clean")
    found = {}
    for name, path in by_stem(directory).items():
        if name.startswith(before) and name.endswith(behind) and len(name) > len(before + behind):
            found[name[len(before) : len(name) - len(behind)]] = path
    if not found:
        got = counted([path.name for path in files_of(directory)], "image") if files_of(directory) else "no images"
        named = "" if stem == "{}" else f" named {stem}, with any text for {{}}"
        raise BadInput(f"{directory}: expected images{named}, got {got}")
    return found


def how_to_state(folder: Path) -> str:
    """Return how to state the layout of a folder on the command line."""
    return f"--data \"{folder}(noisy='in', clean='gt', name='{{}}_n')\", or (clean='.') if all are clean"


# ---- by scenes


def by_keywords(folder: Path) -> FilePairs | None:
    """Find pairs by keywords in the names of folders or of files."""
    return by_folders(folder) or by_names(folder)


def by_scenes(
    folder: Path, detect: Callable[[Path], FilePairs | None] = by_keywords, depth: int = 3
) -> FilePairs | None:
    """Find pairs with `detect` in every subfolder, up to `depth` levels down. Raises BadInput if scenes differ."""
    found = {}
    for path in folders_of(folder):
        if inside := detect(path) or (by_scenes(path, detect, depth - 1) if depth > 1 else None):
            found[path.name] = inside
    if not found:
        return None
    parts = len(found) == 1 or {name.lower() for name in found} <= SUBSETS
    pairs = [_of_scene(scene, pair, parts) for scene, inside in found.items() for pair in inside.pairs]
    names = [pair.name for pair in pairs]
    if len(set(names)) < len(names):
        raise BadInput(
            f"{folder}: expected one pair per name, got two of {max(names, key=names.count)!r}: rename a folder"
        )
    labels = {label for pair in pairs for label in pair.noisy}
    for pair in pairs:
        if lacking := sorted(labels - pair.noisy.keys()):
            lacks = lacking[0] or "noisy"
            raise BadInput(f"{pair.clean}: expected a noisy image {lacks}, as in other folders of {folder}, got none")
    methods = list(dict.fromkeys(re.sub(r"^.*? by ", "by ", inside.how) for inside in found.values()))
    some = "; ".join(methods[:2]) + ("; ..." if len(methods) > 2 else "")
    return FilePairs(f"{pair_count(pairs)} in {counted(list(found), 'folder')}, {some}", pairs)


def _of_scene(scene: str, pair: FilePair, part: bool) -> FilePair:
    """Return a pair named by its subfolder, which is its photograph unless it is a subset of a data set."""
    name = f"{scene}_{pair.name}" if pair.name else scene
    return FilePair(name, pair.clean, pair.noisy, f"{scene}_{pair.photograph or pair.name}" if part else scene)


def pair_count(pairs: list[FilePair]) -> str:
    """Format the number of pairs: '12 pairs'."""
    return f"{len(pairs)} pair{'s' if len(pairs) > 1 else ''}"


def used(pairs: list[FilePair]) -> Iterator[Path]:
    """Yield the clean and noisy files of pairs."""
    for pair in pairs:
        yield pair.clean
        yield from pair.noisy.values()
