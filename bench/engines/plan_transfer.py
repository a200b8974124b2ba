"""A plan as it is sent to another process, perhaps on another machine with other paths.

Sent are its specs, the files of users that they name, and what its rows are identified by. The other process makes the
plan again from the specs, and refuses one whose rows would be identified differently.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from baselines.weights_io import checkpoints, shards
from bench import registry, spec
from bench.core import isolation, source_fingerprint, user_imports
from bench.core.environment import versions
from bench.core.errors import BadInput, as_bad_input
from bench.core.paths import expand_user
from bench.metrics import load_metric
from bench.models import model_specs, published, tiling
from bench.models.groups import parse
from bench.models.model import Model
from bench.noise import noises
from bench.protocols import load_protocol
from bench.runs.plan import Plan
from noise_zoo.noise import Noise

# folders of weights in $BENCH_HOME that specs name without a path, by their kind
NAMED = {"imported": "weights", "published": published.FOLDER}


@dataclass(frozen=True)
class PackedFile:
    """A file by its path on the sending machine and its SHA-256, with its content if it is sent to other machines."""

    path: Path
    sha256: str
    content: bytes | None

    @classmethod
    def of(cls, path: Path, with_content: bool) -> PackedFile:
        """Read a file; `with_content` keeps its bytes."""
        content = path.read_bytes()
        return cls(path.resolve(), hashlib.sha256(content).hexdigest(), content if with_content else None)

    def unpack(self, path: Path) -> Path:
        """The file on this machine: written to `path` if it has its content. Raises BadInput if it was changed."""
        if self.content is None:
            if not self.path.is_file() or hashlib.sha256(self.path.read_bytes()).hexdigest() != self.sha256:
                raise BadInput(f"{self.path} was changed during the run: start the command again")
            return self.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.content)
        return path


@dataclass(frozen=True)
class PackedPlan:
    """What a plan without data sets is made of.

    models    (spec, default size, label) of each model
    noises    the noises; user-defined ones as specs
    metrics   their names
    settings  seeds, precision and tile
    files     files of users, by the path that they get in a folder of the receiving machine
    moved     paths in specs -> paths in that folder, or absolute ones on the same machine
    identity  see `identity_of`
    versions  of packages that scores depend on
    threads   of torch: with others, some initial weights (orthogonal ones) are rounded differently
    """

    models: tuple[tuple[str, str, str], ...]
    noises: tuple[Noise | spec.Spec, ...]
    metrics: tuple[str, ...]
    protocol: str
    settings: dict[str, Any]
    files: dict[str, PackedFile]
    moved: dict[str, str]
    identity: dict[str, str]
    versions: dict[str, str]
    threads: int


def identity_of(plan: Plan) -> dict[str, str]:
    """What identifies rows of a plan: the hash of each model, the version of each noise and metric."""
    return {
        **{f"model {model.label}": model.weights_hash for model in plan.models},
        **{f"noise {columns['noise']}": str(columns["noise_version"]) for columns in plan.noise_columns},
        **{f"metric {name}": version for name, version in plan.measured.items()},
    }


def pack_plan(plan: Plan, with_content: bool) -> PackedPlan:
    """A plan made ready to be pickled; `with_content` includes files, for machines that do not see them.

    Raises BadInput for Python objects, which other processes cannot load.
    """
    objects = [model.label for model in plan.models if model.is_object]
    objects += [noises.canonical(noise) for noise in plan.noises if _is_typed_in(noise)]
    if objects:
        raise BadInput(
            f"expected specs with workers, dask or timeout, got the Python object {objects[0]}, which other "
            "processes cannot load: put it into a file, path/to/file.py:Name"
        )
    packed_noises = tuple(noise if noises.is_ours(noise) else _as_spec(noise) for noise in plan.noises)
    metrics = tuple(registry.name_of(metric) or metric.name for metric in plan.metrics)
    names = [*(model.source for model in plan.models), *metrics]
    for noise in packed_noises:
        _renamed(noise, lambda name: names.append(name) or name)
    groups = {path: _source_files(Path(path)) for name in names if (path := name.rpartition(":")[0]).endswith(".py")}
    groups |= {
        str(model.file): _weights_files(model) for model in plan.models if model.file and model.found.kind != "shipped"
    }
    files = {target: PackedFile.of(file, with_content) for group in groups.values() for target, file in group.items()}
    return PackedPlan(
        models=tuple((*model.request, model.label) for model in plan.models),
        noises=packed_noises,
        metrics=metrics,
        protocol=plan.protocol.name,
        settings={"seeds": plan.seeds, "precision": plan.precision, "tile": plan.tile},
        files=files,
        moved={path: next(iter(group)) if with_content else os.path.abspath(path) for path, group in groups.items()},
        identity=identity_of(plan),
        versions=versions(),
        threads=torch.get_num_threads(),
    )


def _is_typed_in(noise: Noise) -> bool:
    """Whether a noise, or a part of it, is of a class that was made in Python, not loaded by its name."""
    cls = type(noise)
    parts = [value for value in noises.values_of(noise) if isinstance(value, Noise)]
    made_here = not cls.__module__.startswith("noise_zoo.") and isolation.scope_of(cls) is isolation.NO_SCOPE
    return made_here or any(map(_is_typed_in, parts))


def _as_spec(noise: Any) -> Any:
    """The spec of a noise, with the paths of the files that define it; other values as they are."""
    if not isinstance(noise, Noise):
        return noise
    file = registry.file_of(type(noise))
    name = f"{file}:{type(noise).__qualname__}" if file else noises.noise_name(noise)
    return spec.from_dataclass(name, noise, _as_spec)


def _source_files(file: Path) -> dict[str, Path]:
    """A source file and the local modules that it imports, by their paths below the folder that they get."""
    root = user_imports.root_of(file)
    return {f"{_folder_name(root)}/{path.relative_to(root)}": path for path in source_fingerprint.source_files(file)}


def _weights_files(model: Model) -> dict[str, Path]:
    """A weights file with its shards and card, by their paths below the folder that they get."""
    file = model.file
    beside = [file.parent / name for name in shards.names(file)] if shards.is_index(file) else []
    card = checkpoints.card_beside(file)
    folder = NAMED.get(model.found.kind) or _folder_name(file.resolve().parent)
    return {f"{folder}/{path.name}": path for path in (file, *beside, card) if path == file or path.is_file()}


def _folder_name(folder: Path) -> str:
    return hashlib.sha256(str(folder).encode()).hexdigest()[:16]


def unpack_plan(packed: PackedPlan, folder: Path) -> Plan:
    """The plan, without data sets, in the receiving process; files are written into a folder.

    Call it, and load the models, with `packed.threads`. Raises BadInput if packages, weights or sources differ from
    those that the plan was made with.
    """
    _check_same(packed.versions, versions())
    files = {target: file.unpack(folder / target) for target, file in packed.files.items()}
    moved = {path: str(files.get(target, target)) for path, target in packed.moved.items()}
    imports = any(target.partition("/")[0] in NAMED.values() and file.content for target, file in packed.files.items())
    with as_bad_input("a worker cannot make the plan again"), _home(folder) if imports else nullcontext():
        plan = _made_again(packed, moved)
    _check_same(packed.identity, identity_of(plan))
    return plan


def _made_again(packed: PackedPlan, moved: dict[str, str]) -> Plan:
    def name_here(name: str) -> str:
        """path/to/file.py:Name with the path of the file on this machine; other names unchanged."""
        path, colon, attribute = os.path.expanduser(name).rpartition(":")
        return f"{moved[path]}{colon}{attribute}" if path in moved else name

    def text_here(text: str) -> str:
        return moved.get(str(expand_user(Path(text))), text)

    plan_models = tuple(
        replace(model_specs.resolve(spec.format_value(_renamed(parse(text), name_here, text_here)), size), label=label)
        for text, size, label in packed.models
    )
    renamed = (_renamed(noise, name_here) for noise in packed.noises)
    return Plan(
        models=plan_models,
        noises=tuple(noises.load_noise(noise) if isinstance(noise, spec.Spec) else noise for noise in renamed),
        datasets=(),
        protocol=load_protocol(packed.protocol),
        tilings=tuple(tiling.of(model, packed.settings["tile"]) for model in plan_models),
        metrics=tuple(load_metric(name_here(name)) for name in packed.metrics),
        not_measured={},
        **packed.settings,
    )


def _renamed(value: Any, name: Callable[[str], str], text: Callable[[str], str] = str) -> Any:
    """A spec with its names, and those of specs in it, replaced by `name(...)`, and its text values by `text(...)`."""
    if isinstance(value, str):
        return text(value)
    if not isinstance(value, spec.Spec):
        return value
    kwargs = tuple((key, _renamed(item, name, text)) for key, item in value.kwargs)
    return spec.Spec(name(value.name), tuple(_renamed(item, name, text) for item in value.args), kwargs)


@contextmanager
def _home(folder: Path) -> Iterator[None]:
    """Context in which imported and fetched weights are those that were unpacked into a folder."""
    before = os.environ.get("BENCH_HOME")
    os.environ["BENCH_HOME"] = str(folder)
    try:
        yield
    finally:
        del os.environ["BENCH_HOME"]
        if before is not None:
            os.environ["BENCH_HOME"] = before


def _check_same(expected: dict[str, str], found: dict[str, str]) -> None:
    """Raise BadInput for values on this machine that differ from those on the sending one."""
    different = [
        f"{name} {found.get(name, 'missing')[:12]} instead of {value[:12]}"
        for name, value in expected.items()
        if found.get(name) != value
    ]
    if different:
        raise BadInput(
            f"expected the same plan on a worker, got {', '.join(different)}: install the same versions of MaskBench, "
            "of its packages (constraints.txt) and of yours there"
        )
