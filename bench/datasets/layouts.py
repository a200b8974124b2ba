"""Which files of a folder make pairs of a noisy and a clean image: by the names of folders, or of files.

The words are one table. A folder or a file is clean or noisy by a word in its name, whatever its case, which signs,
digits or a capital set off: `GT`, `input_crops`, `noisy25`, `0001_NOISY_SRGB_010`, `IMG_2381Noisy`. What fits none of
it is named by patterns: `in/{}_n` beside `gt/{}`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.datasets.image import SUFFIXES, counted, in_natural_order
from bench.errors import BadInput

EXR_SUFFIX = ".exr"
# kind of thing: (words for noisy, words for clean)
FOLDER_KEYWORDS = (
    ("noisy", "lq", "input", "inputs", "degraded", "spp"),
    ("clean", "gt", "groundtruth", "reference", "references", "ref", "target", "targets", "hq", "hr", "original",
     "originals"),
)  # fmt: skip
FILE_KEYWORDS = (
    ("noisy", "noise", "lq", "real", "input"),
    ("clean", "gt", "groundtruth", "reference", "ref", "mean", "target", "hq"),
)
SUBSETS = {"train", "training", "val", "valid", "validation", "test", "testing"}  # of a data set: no scenes
NOISY, CLEAN, NEITHER = "noisy", "clean", ""
UNNAMED_KEYWORDS = {*FOLDER_KEYWORDS[0], "crops"} - {"spp"}  # a folder called so has noise without a name of its own

Files = dict[str, Path]  # stem -> file
NamedFiles = dict[str, list[tuple[str, Path]]]  # a name without its word -> the word and the file, of one side of pairs


@dataclass(frozen=True)
class FilePair:
    """A clean file and the noisy ones of it by the label of their noise; '' where there is one without a name."""

    name: str
    clean: Path
    noisy: Files
    photograph: str = ""


@dataclass(frozen=True)
class FilePairs:
    """FilePairs, and in words how they were found."""

    how: str
    pairs: list[FilePair]


def files_of(folder: Path) -> list[Path]:
    """The image files of a folder. Names that begin with a dot, and folders, are none."""
    suffixes = {*SUFFIXES, EXR_SUFFIX}
    return [path for path in folder.iterdir()
            if path.suffix.lower() in suffixes and not path.name.startswith(".") and path.is_file()]  # fmt: skip


def folders_of(folder: Path) -> list[Path]:
    """The subfolders in the order of their names, without those that begin with a dot."""
    found = {path.name: path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")}
    return [found[name] for name in in_natural_order(list(found))]


def by_stem(folder: Path) -> Files:
    """The image files of a folder by name without suffix. Raises BadInput where two have one."""
    found: Files = {}
    for path in files_of(folder):
        if (other := found.setdefault(path.stem, path)) is not path:
            raise BadInput(f"{folder} has two images of one name, {other.name} and {path.name}: move one away")
    return found


# ---- words


def role(name: str, words: tuple[tuple[str, ...], tuple[str, ...]]) -> tuple[str, str, str]:
    """(noisy, clean or '', the name without the last such word, the word with the digits behind it)."""
    text = re.sub(r"(?i)ground[-_ ]?truth", "groundtruth", name)
    matches = list(_keyword_pattern(words).finditer(text))
    if not matches:
        return NEITHER, name, ""
    last = matches[-1]
    digits = re.match(r"\d*", text[last.end() :])[0]
    rest = re.sub(r"([\W_])[\W_]+", r"\1", text[: last.start()] + text[last.end() :]).strip("_-. ")
    return NOISY if last[1] or last[3] else CLEAN, rest, last[0] + digits


@functools.cache
def _keyword_pattern(words: tuple[tuple[str, ...], tuple[str, ...]]) -> re.Pattern:
    """Groups 1 and 2: a noisy or a clean word between signs or digits. 3 and 4: one that begins with a capital."""
    small, capital = (["|".join(map(how, side)) for side in words] for how in (str, str.capitalize))
    apart = "|".join(rf"(?:^|(?<=[\W_\d]))((?i:{side}))" for side in small)
    return re.compile(rf"(?:{apart}|(?<=[A-Za-z])({capital[0]})|(?<=[A-Za-z])({capital[1]}))(?=$|[\W_\d])")


# ---- by folders


def by_folders(folder: Path) -> FilePairs | None:
    """clean/ beside noisy/, or beside folders of other names with files of the same names: each is a noise."""
    inside = [path for path in folders_of(folder) if files_of(path)]
    noisy, clean = ([path for path in inside if role(path.name, FOLDER_KEYWORDS)[0] == kind] for kind in (NOISY, CLEAN))
    top = by_stem(folder) if (noisy or clean) and files_of(folder) else {}
    if not clean and noisy and top:
        return _of_folders(folder, folder, noisy) if all(top.keys() == by_stem(path).keys() for path in noisy) else None
    if noisy and len(clean) != 1:
        have = " and ".join(f"{path.name}/" for path in clean) or "no folder of clean images"
        named, words = ", ".join(f"{path.name}/" for path in noisy), ", ".join(FOLDER_KEYWORDS[1])
        raise BadInput(f"{folder} has noisy images in {named} and {have}, expected one of {words}, or state both: "
                       f"{how_to_state(folder)}")  # fmt: skip
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
        FilePair(targets[stem].name, targets[stem], {label: files[stem] for label, files in matched.items()},
             re.sub(r"_s?\d+$", "", stem) if crops else "")
        for stem in in_natural_order(list(targets))
    ]  # fmt: skip
    said = ["files beside it" if path == folder else f"{path.name}/" for path in (*noisy, clean)]
    return FilePairs(f"{pair_count(pairs)} by folders, {', '.join(said[:-1])} with {said[-1]}", pairs)


def _labelled(folder: Path, noisy: list[Path]) -> Files:
    """Folders by the label of their noise: none for one called noisy, input, ... alone, else the folder's name."""
    plain = [
        path for path in noisy if set(re.split(r"[\W_]+", path.name.lower())) <= UNNAMED_KEYWORDS or path == folder
    ]
    return {"" if path in plain and len(plain) == 1 else path.name: path for path in noisy}


def _matched(noisy_folder: Path, noisy: Files, clean_folder: Path, clean: Files) -> Files:
    """The noisy file of each clean stem: of the same name, or of the same without its word. Raises BadInput."""
    if not noisy.keys() & clean.keys():
        bare = {role(stem, FILE_KEYWORDS)[1]: path for stem, path in noisy.items()}
        named = {stem: role(stem, FILE_KEYWORDS)[1] for stem in clean}
        if len(bare) == len(noisy) and bare.keys() & set(named.values()):
            _check_same_names(noisy_folder, bare, clean_folder, {named[stem]: path for stem, path in clean.items()})
            return {stem: bare[key] for stem, key in named.items()}
    _check_same_names(noisy_folder, noisy, clean_folder, clean)
    return noisy


def _check_same_names(noisy_folder: Path, noisy: Files, clean_folder: Path, clean: Files) -> None:
    """Raise BadInput where one side of a pair is missing."""
    problems = []
    for have, lack, where in ((noisy, clean, clean_folder), (clean, noisy, noisy_folder)):
        alone = [path.name for stem, path in have.items() if stem not in lack]
        if alone:
            problems.append(f"{where} has no image to go with {len(alone)} of {len(have)}: {counted(alone, 'file')}")
    if problems:
        raise BadInput("; ".join(problems))


# ---- by names


def by_names(folder: Path) -> FilePairs | None:
    """X_noisy beside X_clean, XNoisy beside XReference, X_real beside X_mean; X_noisy beside X."""
    kinds: dict[str, NamedFiles] = {NOISY: {}, CLEAN: {}, NEITHER: {}}
    for path in files_of(folder):
        kind, key, word = role(path.stem, FILE_KEYWORDS)
        kinds[kind].setdefault(key, []).append((word, path))
    noisy, clean, neither = (kinds[kind] for kind in (NOISY, CLEAN, NEITHER))
    if noisy and clean:
        return _of_names(folder, noisy, clean, len([*noisy, *clean]) >= len(neither))
    worded = noisy or clean
    if worded and worded.keys() <= neither.keys() and 2 * len(worded) >= len(neither):
        return _of_names(folder, noisy or neither, clean or neither, True)
    return None


def _of_names(folder: Path, noisy: NamedFiles, clean: NamedFiles, most: bool) -> FilePairs | None:
    """FilePairs of two sides of a folder; `most`: whether they make up most of it."""
    words = f"{_example(noisy)} with {_example(clean)}"
    if noisy.keys() & clean.keys():
        sources, targets = _one_per_key(folder, noisy), _one_per_key(folder, clean)
        _check_same_names(folder, sources, folder, targets)
        pairs = [FilePair(key, targets[key], {"": sources[key]}, re.sub(r"_\d+$", "", key))
                 for key in in_natural_order(list(sources))]  # fmt: skip
    elif levels := _by_level(noisy, clean):
        targets = _one_per_key(folder, clean)
        pairs = [FilePair(key, targets[key], levels[key]) for key in in_natural_order(list(targets))]
    elif len(clean) == 1 and most:  # RENOIR: shots of one scene have numbers of their own
        (target,) = _one_per_key(folder, clean).values()
        sources = {path.stem: path for path in _one_per_key(folder, noisy).values()}
        pairs = [FilePair(stem, target, {"": sources[stem]}, target.stem) for stem in in_natural_order(list(sources))]
    else:
        return None
    return FilePairs(f"{pair_count(pairs)} by names, {words}", pairs)


def _one_per_key(folder: Path, side: NamedFiles) -> Files:
    """Key -> file. Raises BadInput where two files have one key."""
    for found in side.values():
        if len(found) > 1:
            names = " and ".join(path.name for _, path in found[:2])
            raise BadInput(f"{folder} has {names} for one image of a pair: move one away, or name both sides: "
                           f"{how_to_state(folder)}")  # fmt: skip
    return {key: path for key, [(_, path)] in side.items()}


def _by_level(noisy: NamedFiles, clean: NamedFiles) -> dict[str, Files]:
    """Clean key -> noisy files by word and digits, of X_noisy25, X_noisy50 beside X_clean; {} where there are none."""
    levels: dict[str, Files] = {key: {} for key in clean}
    for key, word, path in ((key, *one) for key, found in noisy.items() for one in found):
        bare = re.sub(r"[\W_]*\d+$", "", key)
        if bare not in levels or not word[-1:].isdigit() or word in levels[bare]:
            return {}
        levels[bare][word] = path
    labels = [set(files) for files in levels.values()]
    if any(label != labels[0] for label in labels):
        return {}
    order = in_natural_order(list(labels[0]))
    return {key: {word: files[word] for word in order} for key, files in levels.items()}


def _example(side: NamedFiles) -> str:
    word = next((word for found in side.values() for word, _ in found), "")
    return f"X{'' if word.istitle() else '_'}{word}" if word else "X"


def noisy_looking(files: list[Path]) -> tuple[list[str], list[str]]:
    """The names with a word for noisy, and those with one for clean."""
    roles = {path.name: role(path.stem, FILE_KEYWORDS)[0] for path in files}
    return tuple([name for name, found in roles.items() if found == kind] for kind in (NOISY, CLEAN))


# ---- by patterns


def by_patterns(folder: Path, noisy: tuple[str, ...], clean: str | None, name: str) -> FilePairs:
    """FilePairs of named folders or patterns: noisy 'in' with name '{}_n', or 'in/{}_n', beside clean 'gt'. BadInput.

    Where the folder has no such folders, and its subfolders do, each of these is a scene.
    """
    first = _folder_of(noisy[0])

    def here(place: Path) -> FilePairs | None:
        found = (place / first).is_dir() and files_of(place / first)
        return _by_patterns(place, noisy, clean, name) if found else None

    return here(folder) or by_scenes(folder, here) or _by_patterns(folder, noisy, clean, name)


def _by_patterns(folder: Path, noisy: tuple[str, ...], clean: str | None, name: str) -> FilePairs:
    clean = clean if clean is not None else _only_clean(folder)
    targets = _of_pattern(folder, _pattern(clean, "{}"))
    sides = {text: _of_pattern(folder, _pattern(text, name)) for text in noisy}
    noisy_files = {path for files in sides.values() for path in files.values()}
    targets = {stem: path for stem, path in targets.items() if path not in noisy_files}  # X_n beside X: X_n is no X
    for text, files in sides.items():
        _check_same_names(folder / _folder_of(text), files, folder / _folder_of(clean), targets)
    labels = {text: "" if len(noisy) == 1 else Path(_folder_of(text)).name or text for text in noisy}
    if len(set(labels.values())) < len(labels):
        labels = {text: text for text in noisy}
    pairs = [
        FilePair(targets[stem].name, targets[stem], {labels[text]: files[stem] for text, files in sides.items()})
        for stem in in_natural_order(list(targets))
    ]
    said = f"{', '.join(_pattern(text, name) for text in noisy)} with {_pattern(clean, '{}')}"
    return FilePairs(f"{pair_count(pairs)} by patterns, {said}", pairs)


def of_clean(folder: Path, clean: str) -> list[Path]:
    """The files of a folder or pattern that is named as clean. Raises BadInput where there are none."""
    return list(_of_pattern(folder, _pattern(clean, "{}")).values())


def _only_clean(folder: Path) -> str:
    clean = [path.name for path in folders_of(folder) if role(path.name, FOLDER_KEYWORDS)[0] == CLEAN]
    return clean[0] if len(clean) == 1 else "."


def _pattern(text: str, name: str) -> str:
    return text if "{}" in text else f"{text}/{name}"


def _folder_of(text: str) -> str:
    return text.rpartition("/")[0] if "{}" in text else text


def _of_pattern(folder: Path, pattern: str) -> Files:
    """What {} stands for -> file, of the images whose stem has the pattern. Raises BadInput where there is none."""
    where, _, stem = pattern.rpartition("/")
    before, _, behind = stem.partition("{}")
    place = folder / where
    if not place.is_dir():
        raise BadInput(f"{folder} has no folder {where!r}")
    found = {}
    for name, path in by_stem(place).items():
        if name.startswith(before) and name.endswith(behind) and len(name) > len(before + behind):
            found[name[len(before) : len(name) - len(behind)]] = path
    if not found:
        has = counted([path.name for path in files_of(place)], "image") if files_of(place) else "no images"
        raise BadInput(f"{place} has {has}, expected names such as {stem} with anything in the place of {{}}")
    return found


def how_to_state(folder: Path) -> str:
    """How pairs of any other names are stated."""
    return f"--data \"{folder}(noisy='in', clean='gt', name='{{}}_n')\", or (clean='.') where all are clean images"


# ---- by scenes


def by_keywords(folder: Path) -> FilePairs | None:
    """FilePairs by the words in the names of folders or of files."""
    return by_folders(folder) or by_names(folder)


def by_scenes(folder: Path, here: Callable[[Path], FilePairs | None] = by_keywords, depth: int = 3) -> FilePairs | None:
    """Subfolders, to some depth, in each of which `here` finds pairs."""
    found = {}
    for path in folders_of(folder):
        if inside := here(path) or (by_scenes(path, here, depth - 1) if depth > 1 else None):
            found[path.name] = inside
    if not found:
        return None
    parts = len(found) == 1 or {name.lower() for name in found} <= SUBSETS
    pairs = [_of_scene(scene, pair, parts) for scene, inside in found.items() for pair in inside.pairs]
    names = [pair.name for pair in pairs]
    if len(set(names)) < len(names):
        raise BadInput(f"two pairs of {folder} are called {max(names, key=names.count)!r}: rename one of the folders")
    labels = {label for pair in pairs for label in pair.noisy}
    for pair in pairs:
        if lacking := sorted(labels - pair.noisy.keys()):
            lacks = lacking[0] or "noisy"
            raise BadInput(f"{pair.clean} has no noisy image called {lacks}, which other folders of {folder} have")
    hows = list(dict.fromkeys(re.sub(r"^.*? by ", "by ", inside.how) for inside in found.values()))
    some = "; ".join(hows[:2]) + ("; ..." if len(hows) > 2 else "")
    return FilePairs(f"{pair_count(pairs)} in {counted(list(found), 'folder')}, {some}", pairs)


def _of_scene(scene: str, pair: FilePair, part: bool) -> FilePair:
    """The pair of a subfolder: of one photograph with the others of it, unless that is a part of a data set."""
    name = f"{scene}_{pair.name}" if pair.name else scene
    return FilePair(name, pair.clean, pair.noisy, f"{scene}_{pair.photograph or pair.name}" if part else scene)


def pair_count(pairs: list[FilePair]) -> str:
    return f"{len(pairs)} pair{'s' if len(pairs) > 1 else ''}"


def used(pairs: list[FilePair]) -> Iterator[Path]:
    for pair in pairs:
        yield pair.clean
        yield from pair.noisy.values()
