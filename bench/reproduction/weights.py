"""Which weights stand for a role of an experiment: shipped, published, or of trainings in a folder."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench import spec
from bench.core.errors import BadInput
from bench.core.paths import expand_user
from bench.models import cards, published
from bench.noise import training_noise
from bench.noise.noises import REFERENCE
from bench.training import ablations

SHIPPED, PUBLISHED = "shipped", "published"
WRAPPED = {"wne": "wne(dncnn)"}  # role -> network in a wrapper
ALL = "all"  # in --models: all roles
PRESETS = {"small": "small", "full": "paper"}  # of `bench train`, by size
SUFFIXES = (".safetensors", ".safetensors.index.json")


@dataclass(frozen=True)
class RoleWeights:
    """The models that stand for a role: trainings of one network as specs; without any, `missing` says why.

    missing   a sentence with the command that gets them
    """

    role: str
    specs: tuple[str, ...] = ()
    missing: str = ""


@dataclass(frozen=True)
class WeightSource:
    """Where the weights of roles come from.

    size     'small' or 'full' (as published)
    sources  in order of preference: 'shipped', 'published' (fetched or imported weights), or folders of `bench train`
    given    role -> spec, which takes precedence
    """

    size: str
    sources: tuple[str, ...]
    given: Mapping[str, str]

    @property
    def text(self) -> str:
        """'shipped, runs/train, dncnn=SPEC'."""
        return ", ".join([*self.sources, *(f"{role}={text}" for role, text in self.given.items())])

    def find(self, role: str) -> RoleWeights:
        """The weights of a role. Raises BadInput for a folder with several weights of one name."""
        if role in self.given:
            return RoleWeights(role, (self.given[role],))
        network, stem = network_and_stem(role, self.size)
        if network not in cards.networks() and network not in WRAPPED.values():
            return RoleWeights(role, missing=f"{role}: no network of this name here")
        for source in self.sources:
            if found := tuple(_specs(source, network, stem, "/" not in role)):
                return RoleWeights(role, found)
        return RoleWeights(role, missing=f"{role}: weights missing, {self._advice(role, stem)}")

    def training(self, role: str, iterations: int | None, device: str) -> tuple[str, ...]:
        """The words after `bench train` that train a role into the first folder of the sources. Raises BadInput."""
        folder = next((one for one in self.sources if one not in (SHIPPED, PUBLISHED)), None)
        if folder is None:
            raise BadInput("--train: expected a folder for the weights, got none: add it to --weights, 'shipped, DIR'")
        table, _, label = role.rpartition("/")
        options = ["--preset", PRESETS[self.size], "--device", device]
        options += ["--iterations", str(iterations)] if iterations else []
        if table:
            return tuple(ablations.training_words(table, label, options, folder))
        return (WRAPPED.get(label, label), *options, "--as", f"{label}-{self.size}", "--out", f"{folder}/{label}")

    def _advice(self, role: str, stem: str) -> str:
        """The command that gets weights."""
        table, _, label = role.rpartition("/")
        preset = PRESETS[self.size]
        if table:
            return f"train them with bench train --list {table} --preset {preset} | sh, then --weights runs/train"
        network = shlex.quote(WRAPPED.get(label, label))
        command = f"bench train {network} --preset {preset} --as {stem} --out runs/train/{label}"
        also = "; or bench models fetch paper, or bench models import FILE" if PUBLISHED in self.sources else ""
        return f"train them with {command}, then --weights runs/train{also}"


def parse(
    size: str, sources: str, models: str | None, roles: Collection[str], existing: bool = True
) -> tuple[WeightSource, tuple[str, ...]]:
    """The options --size, --weights and --models -> (source of weights, chosen roles; all without --models).

    In `models`, 'ours' chooses a role, and 'ours=SPEC' also gives its model. `existing`: folders have to exist. Raises
    BadInput.
    """
    parts = [spec.split_label(part) for part in spec.split(models or "")]
    pairs = [(name, text) if name else (text, "") for name, text in parts]
    chosen = tuple(dict.fromkeys(name for name, _ in pairs if name != ALL)) or tuple(roles)
    for name, _ in pairs:
        if name not in (*roles, ALL):
            raise BadInput(
                f"--models: expected models of the experiment ({', '.join(roles)}), got {name}: write NAME=SPEC to put "
                "another model in the place of one"
            )
    named = tuple(part.strip() for part in sources.split(",") if part.strip())
    for source in named if existing else ():
        if source not in (SHIPPED, PUBLISHED) and not expand_user(Path(source)).is_dir():
            raise BadInput(f"--weights: expected shipped, published or a folder of trainings, got {source}")
    if PUBLISHED in named and size != "full":
        raise BadInput(f"--weights published: expected --size full, the size of published weights, got {size}")
    given = {name: text for name, text in pairs if text}
    return WeightSource(size, named, given), tuple(roles) if ALL in dict(pairs) else chosen


def network_and_stem(role: str, size: str) -> tuple[str, str]:
    """A role -> (its network, the name of its weights): 'table-1/both' -> ('ours', 'table-1-both-small')."""
    table, _, label = role.rpartition("/")
    if role in WRAPPED:
        wrapper, _, inner = WRAPPED[role].removesuffix(")").partition("(")
        return WRAPPED[role], cards.default_weights(inner, size, wrapper)
    if not table:
        return role, f"{role}-{size}"
    row = next(row for row in ablations.load(table)["training"] if row["label"] == label)
    return row["model"], f"{table}-{label}-{size}"


def _specs(source: str, network: str, stem: str, whole: bool) -> Iterator[str]:
    """Specs of the trainings of a network in a source: the weights STEM, then STEM-seed1, STEM-seed2, ...

    whole   whether it is the network as published, not an ablation of it
    """
    if source == PUBLISHED:
        yield from _imported(network) if whole else ()  # of full size
        return
    pattern = re.compile(rf"{re.escape(stem)}(-seed(\d+))?")
    known = cards.cards() if source == SHIPPED else _files(expand_user(Path(source)))
    matching = {name: match for name in known if (match := pattern.fullmatch(name))}
    for name in sorted(matching, key=lambda name: int(matching[name][2] or -1)):
        yield cards.with_weights(network, name if source == SHIPPED else str(known[name]))


def _files(folder: Path) -> dict[str, Path]:
    """Weights files below a folder by name. Raises BadInput for two of one name."""
    found: dict[str, Path] = {}
    for suffix in SUFFIXES:
        for file in sorted(folder.rglob(f"*{suffix}")):
            name = file.name.removesuffix(suffix)
            if re.search(r"-\d{5}-of-\d{5}$", name):  # a part of weights in several files
                continue
            if name in found:
                raise BadInput(f"expected one file of the weights {name} in {folder}, got {found[name]} and {file}")
            found[name] = file
    return found


def _imported(network: str) -> list[str]:
    """Specs of imported or fetched weights of a network that were trained on Gaussian 15 alone.

    Raises BadInput for several.
    """
    fetched = {name: published.weights()[name].card for name in published.fetched()}
    found = [
        name
        for name, card in {**fetched, **cards.imported()}.items()
        if card.get("model") == network
        and card.get("size", "full") == "full"
        and (noise := training_noise.of_model(card, name, card.get("size", "full"))).known
        and noise.text == REFERENCE
    ]
    if len(found) > 1:
        raise BadInput(
            f"expected one set of published weights of {network}, got {', '.join(found)}: choose one with --models "
            f"{network}={found[0]}"
        )
    return [f"{network}(weights='{name}')" for name in found]
