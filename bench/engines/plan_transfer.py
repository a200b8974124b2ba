"""A plan as it is sent to another process, perhaps on another machine with other paths.

What is part of the installation is sent by name, and its version or SHA-256 is checked on arrival. Weights and source
files of users are sent with their content, or by path and SHA-256 to processes that see the same files.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from bench import registry, spec
from bench.core import source_fingerprint, user_imports
from bench.core.environment import versions
from bench.core.errors import BadInput
from bench.metrics import Metric, load_metric
from bench.models import cards
from bench.models.model import Model
from bench.noise import noises
from bench.runs.plan import Plan
from noise_zoo.noise import Noise


@dataclass(frozen=True)
class PackedFile:
    """A file by name and SHA-256, with its content, or with its path on this machine.

    beside  local modules that a source file imports; their names, and its own, are paths relative to their root
    """

    name: str
    sha256: str
    content: bytes | None
    path: Path | None = None
    beside: tuple[PackedFile, ...] = ()

    @classmethod
    def of(cls, path: Path, with_content: bool) -> PackedFile:
        """A file by itself, of weights for example."""
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        return cls(path.name, digest, content) if with_content else cls(path.name, digest, None, path.resolve())

    @classmethod
    def of_source(cls, path: Path, with_content: bool) -> PackedFile:
        """A source file with the local modules that it imports."""
        root = user_imports.root_of(path)
        own, *others = [replace(cls.of(file, with_content), name=file.relative_to(root).as_posix())
                        for file in source_fingerprint.source_files(path)]  # fmt: skip
        return replace(own, beside=tuple(others))

    def unpack(self, folder: Path) -> Path:
        """The path of the file on this machine; a file that has its content is written into a folder.

        Raises BadInput if a file that has only its path was changed.
        """
        files = (self, *self.beside)
        own = folder / hashlib.sha256(" ".join(file.sha256 for file in files).encode()).hexdigest()[:16]
        return [file._unpack(own) for file in files][0]

    def _unpack(self, folder: Path) -> Path:
        if self.content is None:
            if hashlib.sha256(self.path.read_bytes()).hexdigest() != self.sha256:
                raise BadInput(f"{self.path} was changed during the run: start the command again")
            return self.path
        path = folder / self.name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.content)
        return path


@dataclass(frozen=True)
class PackedPlan:
    """A plan without data sets, which `unpack_plan` puts together again.

    plan      its models without factories and paths; without noises, data sets and metrics
    noises    of the plan; a user-defined one as a spec
    metrics   of the plan; a user-defined one as its name, path/to/file.py:NAME
    sources   source files of users, by their paths in the specs of models, noises and metrics
    weights   files of weights that are not part of the installation, by the model's label
    shipped   SHA-256 of weights that are part of the installation, by the model's label
    versions  of packages that scores depend on
    """

    plan: Plan
    noises: tuple[Noise | spec.Spec, ...]
    metrics: tuple[Metric | str, ...]
    sources: dict[str, PackedFile]
    weights: dict[str, PackedFile]
    shipped: dict[str, str]
    versions: dict[str, str]


def pack_plan(plan: Plan, with_content: bool) -> PackedPlan:
    """A plan made ready to be pickled; `with_content` includes files, for machines that do not see them."""
    sources: dict[str, PackedFile] = {}
    files = {model.label: model.file for model in plan.models if model.file and model.found.kind != "shipped"}
    weights = {label: PackedFile.of(file, with_content) for label, file in files.items()}
    shipped = {model.label: model.found.hash for model in plan.models if model.found.kind == "shipped"}
    for model in plan.models:
        _add_source(model.source, sources, with_content)
    packed_noises = tuple(_pack_noise(noise, sources, with_content) for noise in plan.noises)
    bare_models = tuple(replace(m, factory=None, found=replace(m.found, file=None)) for m in plan.models)
    packed_metrics = tuple(_pack_metric(metric, sources, with_content) for metric in plan.metrics)
    rest = replace(plan, models=bare_models, noises=(), datasets=(), metrics=())
    return PackedPlan(rest, packed_noises, packed_metrics, sources, weights, shipped, versions())


def _add_source(name: str, sources: dict[str, PackedFile], with_content: bool) -> None:
    """Add the source file of `path/to/file.py:Name`; other names have none."""
    path = name.rpartition(":")[0]
    if path.endswith(".py"):
        sources[path] = PackedFile.of_source(Path(path), with_content)


def _pack_noise(noise: Noise, sources: dict[str, PackedFile], with_content: bool) -> Noise | spec.Spec:
    """The noise; one that is or contains a user-defined noise as a spec, whose class other processes load again."""
    user_defined = False

    def as_spec(value: Any) -> Any:
        nonlocal user_defined
        if not isinstance(value, Noise):
            return value
        file = registry.file_of(type(value))
        user_defined = user_defined or not type(value).__module__.startswith("noise_zoo.")
        if file is not None:
            sources[str(file)] = PackedFile.of_source(file, with_content)
        name = noises.noise_name(value) if file is None else f"{file}:{type(value).__qualname__}"
        return spec.from_dataclass(name, value, as_spec)

    as_text = as_spec(noise)
    return as_text if user_defined else noise


def _pack_metric(metric: Metric, sources: dict[str, PackedFile], with_content: bool) -> Metric | str:
    """The metric; a user-defined one as its name, since its functions cannot be pickled."""
    name = registry.name_of(metric)
    _add_source(name or "", sources, with_content)
    return name or metric


def unpack_plan(packed: PackedPlan, folder: Path) -> Plan:
    """The plan in the receiving process; files are written into a folder.

    Raises BadInput if packages, weights or sources differ from those that the plan was made with.
    """
    _check_versions(packed.versions)
    paths = {name: str(file.unpack(folder)) for name, file in packed.sources.items()}
    plan_models = tuple(_unpack_model(model, packed, paths, folder) for model in packed.plan.models)
    plan_noises = tuple(_unpack_noise(noise, paths) for noise in packed.noises)
    plan_metrics = tuple(_unpack_metric(metric, paths) for metric in packed.metrics)
    return replace(packed.plan, models=plan_models, noises=plan_noises, metrics=plan_metrics)


def _moved(name: str, paths: dict[str, str]) -> str:
    """path/to/file.py:Name with the path of the file on this machine; other names unchanged."""
    path, colon, attribute = name.rpartition(":")
    return f"{paths[path]}{colon}{attribute}" if path in paths else name


def _unpack_metric(metric: Metric | str, paths: dict[str, str]) -> Metric:
    if not isinstance(metric, str):
        return metric
    return load_metric(_moved(metric, paths))


def _check_versions(expected: dict[str, str]) -> None:
    installed = versions()
    different = [f"{name} {installed.get(name, 'missing')} instead of {version}"
                 for name, version in expected.items() if installed.get(name) != version]  # fmt: skip
    if different:
        raise BadInput(
            f"expected the same packages on a worker, got {', '.join(different)}: install the same versions there with "
            "constraints.txt"
        )


def _unpack_model(model: Model, packed: PackedPlan, paths: dict[str, str], folder: Path) -> Model:
    found = model.found
    if model.label in packed.weights:
        found = replace(found, file=packed.weights[model.label].unpack(folder))
    elif found.kind == "shipped":
        found = replace(found, file=cards.weights_folder() / f"{found.name}.safetensors")
    if not model.user_defined:
        factory = import_module(f"baselines.{model.name}").network
    else:
        factory = registry.user_defined("model", _moved(model.source, paths))
    made = replace(model, factory=factory, found=found)
    _check_model(made, packed.shipped.get(model.label), model.source.rpartition(":")[0] in paths)
    return made


def _check_model(model: Model, shipped: str | None, has_source: bool) -> None:
    """Raise BadInput if shipped weights or installed sources differ from those that the plan was made with."""
    if shipped and (not model.file.is_file() or model.found.hash != shipped):
        raise BadInput(f"a worker lacks the weights {model.weights} of this version: install the same MaskBench there")
    installed = model.user_defined and not has_source
    if (
        installed
        and source_fingerprint.source_hash(model.source, model.factory, model.found.identity) != model.source_hash
    ):
        raise BadInput(f"a worker has another source of {model.source}: install the same version there")


def _unpack_noise(noise: Noise | spec.Spec, paths: dict[str, str]) -> Noise:
    if not isinstance(noise, spec.Spec):
        return noise

    def moved(value: Any) -> Any:
        if not isinstance(value, spec.Spec):
            return value
        return spec.Spec(
            _moved(value.name, paths), tuple(map(moved, value.args)), tuple((k, moved(v)) for k, v in value.kwargs)
        )

    return noises.load_noise(moved(noise))
