"""Output files of noisy images, matched by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.core.errors import BadInput
from bench.datasets.output_files import ENDINGS
from bench.outputs.noisy_set import Key, NoisyImage, NoisySet

PLACE = "{}"  # stands for the name of the noisy file in a pattern


@dataclass(frozen=True)
class Matched:
    """The output file of each noisy image that has one.

    missing  noisy images without an output
    extra    image files that are the output of none, relative to the folder of outputs
    hint     the pattern that most of the extra files would have, '' for none
    """

    files: dict[Key, Path]
    missing: tuple[NoisyImage, ...]
    extra: tuple[str, ...]
    hint: str = ""


def match(outputs: Path, noisy: NoisySet, pattern: str = PLACE) -> Matched:
    """Find the output of each noisy image: a file of the same name in the same folder, with any known ending.

    outputs  folder with the subfolders of the noisy images; the files themselves if these are in a single folder
    pattern  name of an output without ending, {} being that of the noisy file: '{}_dncnn'; '{}.npy' selects an ending

    Raises BadInput if an image has several outputs, or the folder does not exist.
    """
    if pattern.count(PLACE) != 1 or "/" in pattern:
        raise BadInput(
            f"--name: expected one {PLACE} for the name of the noisy file, such as {PLACE}_dncnn, got {pattern!r}"
        )
    if not outputs.is_dir():
        raise BadInput(f"expected a folder of outputs, got {outputs}, which is none: check the path")
    stem, ending = pattern, ""
    if Path(pattern.replace(PLACE, "x")).suffix.lower() in ENDINGS:
        stem, ending = pattern.rsplit(".", 1)[0], f".{pattern.rsplit('.', 1)[1]}".lower()
    flat = len(noisy.folders) == 1 and not (outputs / noisy.folders[0]).is_dir()
    found = {folder: _by_stem(outputs if flat else outputs / folder, ending) for folder in noisy.folders}
    files: dict[Key, Path] = {}
    missing = []
    for image in noisy.images:
        paths = found[image.folder].get(stem.replace(PLACE, image.stem), [])
        if len(paths) > 1:
            names = " and ".join(path.name for path in paths[:2])
            raise BadInput(
                f"{outputs}: expected one output for {image.name}, got {names}: move one away, or choose an ending "
                f"with --name {PLACE}{paths[0].suffix}"
            )
        if paths:
            files[image.key] = paths[0]
        else:
            missing.append(image)
    used = set(files.values())
    others = [path for path in _images_below(outputs) if path not in used]
    extra = tuple(path.relative_to(outputs).as_posix() for path in others)
    return Matched(files, tuple(missing), extra, _pattern_of(missing, others))


def _by_stem(folder: Path, ending: str) -> dict[str, list[Path]]:
    """The image files of a folder by stem, all or those of one ending; none for a folder that does not exist."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if _is_image(path) and ending in ("", path.suffix.lower()):
            found.setdefault(path.stem, []).append(path)
    return found


def _images_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if _is_image(path))


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in ENDINGS and not path.name.startswith(".") and path.is_file()


def _pattern_of(missing: Iterable[NoisyImage], others: Iterable[Path]) -> str:
    """The pattern of at least two files, or the only one, that contain the names of noisy images without an output."""
    stems = {image.stem for image in missing}
    names = [path.stem for path in others]
    counts = Counter(
        name.replace(stem, PLACE, 1) for name in dict.fromkeys(names) for stem in stems if stem in name and stem != name
    )
    ranked = counts.most_common(1)
    return ranked[0][0] if ranked and ranked[0][1] >= min(2, len(stems)) else ""
