"""The steps of an experiment: command lines of `bench` with the models and data sets that stand for the paper's.

prepared = prepare(experiments.load("table-3c"), source, roles, {"Kodak24": "builtin"})
[step.line for step in steps(prepared, StepSettings(out, "auto", None, 128))]
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bench import datasets as data_sets
from bench import registry
from bench.core.errors import BadInput
from bench.core.files import write_whole
from bench.datasets.image import CleanImage, Dataset
from bench.models import model_specs
from bench.noise import noises
from bench.reproduction.experiments import Experiment, dataset_facts
from bench.reproduction.weights import RoleWeights, WeightSource
from bench.training import ablations
from noise_zoo.noise import Noise

FOLDER = "reproduction"  # in the run folder: drawings, and the images of analyses of one image
NOISE_OPTIONS = ("--noise", "--noise-b", "--reference")
SIDE = 128  # of patches, as the analyses have it
IMAGE_FORMATS = ("svg", "pdf")


@dataclass(frozen=True)
class Prepared:
    """An experiment with the weights and data sets at hand.

    roles      role -> its weights
    datasets   name in the paper -> the data set; names that are missing are not in it
    options    name in the paper -> the option of a command that names the data set: ('--datasets', 'builtin')
    problems   sentences: what is missing, with the command that gets it
    """

    experiment: Experiment
    roles: Mapping[str, RoleWeights]
    datasets: Mapping[str, Dataset]
    options: Mapping[str, tuple[str, str]]
    problems: tuple[str, ...]

    def specs(self, roles: Sequence[str] = (), first: bool = False) -> list[str]:
        """The specs of roles (all without any) that have weights; `first`: of one training each."""
        chosen = [self.roles[role].specs for role in roles or self.roles if role in self.roles]
        return [text for specs in chosen for text in (specs[:1] if first else specs)]

    def named(self) -> str:
        """The first training of each role under the role's name, for figures."""
        pairs = [(role.rpartition("/")[2], one.specs[0]) for role, one in self.roles.items() if one.specs]
        return ", ".join(text if name == text else f"'{name}'={text}" for name, text in pairs)


@dataclass(frozen=True)
class StepSettings:
    """How steps are done: run folder, device, most patches of an analysis (None: the experiment's), their side."""

    out: Path
    device: str
    patches: int | None
    side: int | None


@dataclass(frozen=True)
class CommandStep:
    """One command line: `bench COMMAND WORDS`.

    key       of everything that determines its result, '' where the command itself does only what is missing
    title     of a drawing
    files     of a drawing, which it writes; of an analysis of one image, which it reads
    specs     models of an analysis
    passes    images that each of them denoises, and the side of each in pixels
    """

    command: str
    words: tuple[str, ...]
    key: str = ""
    title: str = ""
    files: tuple[Path, ...] = ()
    specs: tuple[str, ...] = ()
    passes: tuple[int, int] = (0, 0)

    @property
    def line(self) -> str:
        """The command line."""
        return ablations.joined(["bench", self.command, *self.words])


def prepare(
    experiment: Experiment, source: WeightSource, roles: Sequence[str], stand_ins: Mapping[str, str]
) -> Prepared:
    """Find the weights and the data sets of an experiment. Raises BadInput for a wrong stand-in."""
    found = {role: source.find(role) for role in experiment.roles if role in roles}
    problems = [one.missing for one in found.values() if one.missing]
    sets, options = {}, {}
    for name in experiment.datasets:
        named = data_sets.source(stand_ins[name]) if name in stand_ins else name
        try:
            sets[name] = data_sets.load_dataset(named)
            is_folder = isinstance(named, Path)
            options[name] = ("--data", str(named)) if is_folder else ("--datasets", sets[name].name)
        except BadInput as error:
            if name in stand_ins:
                raise
            facts = dataset_facts().get(name, {})
            offer = f"; or a stand-in: --stand-in {name}={facts['stand_in']}" if "stand_in" in facts else ""
            problems.append(f"{name}: {facts.get('obtain', error)}{offer}")
    return Prepared(experiment, found, sets, options, tuple(problems))


def steps(prepared: Prepared, settings: StepSettings) -> Iterator[CommandStep]:
    """The steps that the weights and data sets at hand allow, in order."""
    experiment = prepared.experiment
    for entry in experiment.evaluate:
        if entry["dataset"] in prepared.datasets and prepared.specs():
            yield _evaluation(prepared, entry, settings)
    for entry in experiment.analyse:
        specs = prepared.specs(entry["roles"], first=True)
        if entry["dataset"] in prepared.datasets and specs:
            yield from _analysis(prepared, entry, specs, settings)
    for entry in experiment.draw:
        if entry["dataset"] in prepared.datasets and prepared.specs():
            yield from _drawing(prepared, entry, settings)


def _evaluation(prepared: Prepared, entry: Mapping[str, Any], settings: StepSettings) -> CommandStep:
    words = {
        "--models": ", ".join(prepared.specs()),
        "--noise": entry["noise"],
        **dict([prepared.options[entry["dataset"]]]),
        "--metrics": entry["metrics"],
        "--protocol": prepared.experiment.protocol,
        "--pictures": "1",
        "--device": settings.device,
        "--out": str(settings.out),
    }
    return CommandStep("run", _words(words))


def _analysis(
    prepared: Prepared, entry: Mapping[str, Any], specs: list[str], settings: StepSettings
) -> Iterator[CommandStep]:
    """An analysis of patches, or one step per image for an analysis of images."""
    dataset, command = prepared.datasets[entry["dataset"]], entry["command"]
    common = {"--protocol": prepared.experiment.protocol, "--device": settings.device, "--out": str(settings.out)}
    own = (", ".join(specs), *entry.get("arguments", []))
    if "patches" in entry:
        count = min(settings.patches or entry["patches"], entry["patches"])
        side = {"--side": str(settings.side)} if settings.side else {}
        words = (*own, *prepared.options[entry["dataset"]], *_words({"--patches": str(count), **side, **common}))
        passes = count * (len(_noises(own)) + 2), settings.side or SIDE  # the reference twice, for the noise floor
        yield CommandStep(
            command, words, _key(command, words, specs, _pixels(dataset)), specs=tuple(specs), passes=passes
        )
        return
    for image in dataset.images[: entry["images"]]:
        file = settings.out / FOLDER / "images" / f"{Path(image.name).stem}.png"
        words = (*own, *_words({"--image": str(file), **common}))
        key = _key(command, words, specs, _image_hash(image))
        passes = len(entry["arguments"][-1].split(",")), max(image.pixels.shape[:2])
        yield CommandStep(command, words, key, files=(file,), specs=tuple(specs), passes=passes)


def write_image(file: Path, dataset: Dataset) -> None:
    """Write an image of a data set as the PNG file that an analysis of one image reads."""
    from io import BytesIO

    from PIL import Image

    image = next(image for image in dataset.images if Path(image.name).stem == file.stem)
    content, pixels = BytesIO(), image.pixels
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(content, "PNG")
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, content.getvalue())


def _drawing(prepared: Prepared, entry: Mapping[str, Any], settings: StepSettings) -> Iterator[CommandStep]:
    """A figure of the run, as SVG and as PDF."""
    dataset, experiment = prepared.datasets[entry["dataset"]], prepared.experiment
    models = prepared.named()
    of_models = hashlib.sha256(models.encode()).hexdigest()[:6]  # weights of another size have files of their own
    stem = settings.out / FOLDER / f"{experiment.name}-{entry['name']}-{of_models}"
    options = _words({"--models": models, "--datasets": dataset.name, "--protocol": experiment.protocol})
    if entry["kind"] == "image":
        options += ("--device", settings.device)
    start = (str(settings.out), entry["kind"], *entry.get("arguments", []), *options)
    for ending in IMAGE_FORMATS:
        file = stem.with_name(f"{stem.name}.{ending}")
        words = (*start, "--out", str(file))
        key = _key("figure", (*words, ending), prepared.specs(first=True), _pixels(dataset))
        yield CommandStep("figure", words, key, entry["title"], (file,))


def _words(options: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(word for pair in options.items() for word in pair)


def _key(command: str, words: Sequence[str], specs: Sequence[str], pixels: str) -> str:
    """SHA-256 of what determines the result of a step: its words, weights, pixels, and the versions of its parts."""
    analysis = registry.modules("bench.analyses", "ORDER").get(command, {})
    parts = {
        "command": command,
        "words": [
            word for option, word in zip(("", *words), words, strict=False) if option not in ("--out", "--device")
        ],
        "weights": [model_specs.resolve(text).weights_hash for text in specs],
        "pixels": pixels,
        "noise_versions": [noises.version(noise) for noise in _noises(words)],
        "version": analysis.get("VERSION"),
    }
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _noises(words: Sequence[str]) -> list[Noise]:
    """The noises in the words of a command line."""
    given = itertools.pairwise(words)
    return [noise for option, text in given if option in NOISE_OPTIONS for noise in noises.expand(text)]


@cache
def _pixels(dataset: Dataset) -> str:
    """SHA-256 of the pixels of a data set."""
    return hashlib.sha256("\n".join(map(_image_hash, dataset.images)).encode()).hexdigest()


def _image_hash(image: CleanImage) -> str:
    try:
        return noises.pixel_hash(image.read())
    except (ValueError, OSError) as error:  # the row of an unreadable image has the reason
        return str(error)
