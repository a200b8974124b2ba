"""A plan made ready for another process, perhaps on another machine with other paths.

What belongs to the installation is named, and its version or SHA-256 is checked where it arrives. Weights and the
source files of users are named by their SHA-256 and go with_content, or are found again under their path and checked.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from bench import registry, source_fingerprint, spec, user_imports
from bench.environment import versions
from bench.errors import BadInput
from bench.metrics import Metric, load_metric
from bench.networks import cards
from bench.networks.model import Model
from bench.noise import noises
from bench.runs.plan import Plan
from noise_zoo.noise import Noise


@dataclass(frozen=True)
class PackedFile:
    """A file by name and SHA-256, with its content, or with the path where it lies on this machine.

    beside  what a source file imports of its folder or package; their names, and its own, are paths from there
    """

    name: str
    sha256: str
    content: bytes | None
    path: Path | None = None
    beside: tuple[PackedFile, ...] = ()

    @classmethod
    def of(cls, path: Path, with_content: bool) -> PackedFile:
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        return cls(path.name, digest, content) if with_content else cls(path.name, digest, None, path.resolve())

    @classmethod
    def of_source(cls, path: Path, with_content: bool) -> PackedFile:
        root = user_imports.root_of(path)
        own, *others = [replace(cls.of(file, with_content), name=file.relative_to(root).as_posix())
                        for file in source_fingerprint.source_files(path)]  # fmt: skip
        return replace(own, beside=tuple(others))

    def placed(self, folder: Path) -> Path:
        """Where the file is now; its content is put into a folder where it came with_content. Raises BadInput."""
        together = (self, *self.beside)
        own = folder / hashlib.sha256(" ".join(file.sha256 for file in together).encode()).hexdigest()[:16]
        return [file._placed(own) for file in together][0]

    def _placed(self, folder: Path) -> Path:
        if self.content is None:
            if hashlib.sha256(self.path.read_bytes()).hexdigest() != self.sha256:
                raise BadInput(f"{self.path} was changed while it was in use: start the command again")
            return self.path
        path = folder / self.name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.content)
        return path


@dataclass(frozen=True)
class PackedPlan:
    """A plan without data sets, whose models and noises are put together again by `unpack_plan`.

    models    of the plan, without factories and paths
    noises    of the plan: themselves, or the Spec of one from outside
    metrics   of the plan: themselves, or file.py:NAME
    sources   a user's source files by the name that model, noise or metric has for them
    weights   the files of weights that do not ship, by the model's label
    shipped   SHA-256 of those that do, by the label
    versions  of the packages that determine numbers
    """

    plan: Plan
    noises: tuple[Noise | spec.Spec, ...]
    metrics: tuple[Metric | str, ...]
    sources: dict[str, PackedFile]
    weights: dict[str, PackedFile]
    shipped: dict[str, str]
    versions: dict[str, str]


def pack_plan(plan: Plan, with_content: bool) -> PackedPlan:
    """The packed of a plan; `with_content` puts the content of files into it, for machines that do not see them."""
    sources: dict[str, PackedFile] = {}
    weights = {
        m.label: PackedFile.of(m.file, with_content) for m in plan.models if m.file and m.found.kind != "shipped"
    }
    shipped = {m.label: m.found.hash for m in plan.models if m.found.kind == "shipped"}
    for model in plan.models:
        place = model.source.rpartition(":")[0]
        if place.endswith(".py"):
            sources[place] = PackedFile.of_source(Path(place), with_content)
    texts = tuple(_pack_noise(noise, sources, with_content) for noise in plan.noises)
    bare = tuple(replace(m, factory=None, found=replace(m.found, file=None)) for m in plan.models)
    measured = tuple(_pack_metric(metric, sources, with_content) for metric in plan.metrics)
    rest = replace(plan, models=bare, noises=(), datasets=(), metrics=())
    return PackedPlan(rest, texts, measured, sources, weights, shipped, versions())


def _pack_noise(noise: Noise, sources: dict[str, PackedFile], with_content: bool) -> Noise | spec.Spec:
    outside = False

    def as_spec(value: Any) -> Any:
        nonlocal outside
        if not isinstance(value, Noise):
            return value
        file = registry.file_of(type(value))
        outside = outside or not type(value).__module__.startswith("noise_zoo.")
        if file is not None:
            sources[str(file)] = PackedFile.of_source(file, with_content)
        name = noises.noise_name(value) if file is None else f"{file}:{type(value).__qualname__}"
        return spec.from_dataclass(name, value, as_spec)

    found = as_spec(noise)
    return found if outside else noise


def _pack_metric(metric: Metric, sources: dict[str, PackedFile], with_content: bool) -> Metric | str:
    """The metric, or the name of one from outside, whose functions no other process could find."""
    name = registry.name_of(metric)
    place = (name or "").rpartition(":")[0]
    if place.endswith(".py"):
        sources[place] = PackedFile.of_source(Path(place), with_content)
    return name or metric


def unpack_plan(packed: PackedPlan, folder: Path) -> Plan:
    """The plan, where the packed arrived; files are put into a folder. Raises BadInput where something is otherwise."""
    _check_versions(packed.versions)
    places = {name: str(file.placed(folder)) for name, file in packed.sources.items()}
    chosen = tuple(_unpack_model(model, packed, places, folder) for model in packed.plan.models)
    drawn = tuple(_unpack_noise(noise, places) for noise in packed.noises)
    measured = tuple(_unpack_metric(metric, places) for metric in packed.metrics)
    return replace(packed.plan, models=chosen, noises=drawn, metrics=measured)


def _moved(name: str, places: dict[str, str]) -> str:
    """path/to/file.py:Name with the path where that file is now; other names as they are."""
    place, colon, attribute = name.rpartition(":")
    return f"{places[place]}{colon}{attribute}" if place in places else name


def _unpack_metric(metric: Metric | str, places: dict[str, str]) -> Metric:
    if not isinstance(metric, str):
        return metric
    return load_metric(_moved(metric, places))


def _check_versions(wanted: dict[str, str]) -> None:
    here = versions()
    others = [f"{name} {here.get(name, 'missing')} (wanted {version})"
              for name, version in wanted.items() if here.get(name) != version]  # fmt: skip
    if others:
        raise BadInput(
            f"a worker has other packages, which may give other numbers: {', '.join(others)}. Install the same there, "
            "with the constraints file"
        )


def _unpack_model(model: Model, packed: PackedPlan, places: dict[str, str], folder: Path) -> Model:
    found = model.found
    if model.label in packed.weights:
        found = replace(found, file=packed.weights[model.label].placed(folder))
    elif found.kind == "shipped":
        found = replace(found, file=cards.weights_folder() / f"{found.name}.safetensors")
    if not model.user_defined:
        factory = import_module(f"baselines.{model.name}").network
    else:
        factory = registry.user_defined("model", _moved(model.source, places))
    made = replace(model, factory=factory, found=found)
    _check_model(made, packed.shipped.get(model.label), model.source.rpartition(":")[0] in places)
    return made


def _check_model(model: Model, shipped: str | None, source_came: bool) -> None:
    """Weights that ship, and source that is installed, have to be those that the plan was made with."""
    if shipped and (not model.file.is_file() or model.found.hash != shipped):
        raise BadInput(f"a worker has not the weights {model.weights} of this version: install the same version there")
    installed = model.user_defined and not source_came
    if (
        installed
        and source_fingerprint.source_hash(model.source, model.factory, model.found.identity) != model.source_hash
    ):
        raise BadInput(f"a worker has another source of {model.source}: install the same there")


def _unpack_noise(noise: Noise | spec.Spec, places: dict[str, str]) -> Noise:
    if not isinstance(noise, spec.Spec):
        return noise

    def moved(value: Any) -> Any:
        if not isinstance(value, spec.Spec):
            return value
        return spec.Spec(
            _moved(value.name, places), tuple(map(moved, value.args)), tuple((k, moved(v)) for k, v in value.kwargs)
        )

    return noises.load_noise(moved(noise))
