"""Image quality metrics, a file each: a frozen declaration `METRIC` and the function that scores.

A metric is found by the name of its module; outside the project by an entry point in the group `maskbench.metric`, or
as `path/to/file.py:METRIC`. Its name is its column in the rows of a run, and `NAME_noisy` that of the noisy input.
This package is the only list of metrics: the runner, the statistics and the pages take what a run has measured.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from bench import isolation, registry, source_fingerprint, spec
from bench.environment import is_out_of_memory
from bench.errors import BadInput, described, unknown

if TYPE_CHECKING:
    import torch

    from bench.protocols import Protocol

DEFAULT = "psnr,ssim,lpips"


def _at_hand() -> str:
    return ""


@dataclass(frozen=True)
class Scores:
    """Of one image by metric: the values that there are, and why the others are not."""

    values: dict[str, float]
    missing: dict[str, str]


@dataclass(frozen=True)
class Metric:
    """What a metric is, and how it scores.

    name              its column; an identifier, the module's name where it is one of ours
    against           the clean image, a uint8 tensor (H, W, C) -> a function from an output like it to its score; what
                      the outputs of several models share is done once. C is 1 of a greyscale image, else 3. What it
                      raises for an image (ValueError where that is too small) is why the image has no value
    title, unit       as tables head it; `digits` are decimals shown
    meaning           one line for a reader who does not know it
    definition, source  how exactly it is computed, and who defined it
    crops_border          whether a protocol's border is left out before it
    uses_channel_order           whether it is given the channels in the order that a protocol says
    missing           why it cannot be computed on this machine, '' where it can; may fetch what it needs
    version           a change of the numbers is a new version: scores of two versions are never averaged
    source_hash       SHA-256 of the source of a user's metric, filled in where it is loaded; '' for all others
    """

    name: str
    against: Callable[[torch.Tensor], Callable[[torch.Tensor], float]]
    title: str
    higher_is_better: bool
    unit: str = ""
    digits: int = 4
    meaning: str = ""
    definition: str = ""
    source: str = ""
    crops_border: bool = True
    uses_channel_order: bool = False
    missing: Callable[[], str] = _at_hand
    version: int = 1
    source_hash: str = ""

    def score(self, output: np.ndarray, clean: np.ndarray) -> float:
        """The score of one uint8 array (H, W, C) against another of its shape."""
        return float(self.against(_tensor(clean))(_tensor(output)))

    def card(self) -> dict[str, Any]:
        """What a manifest and a page say of it."""
        fields = ("name", "title", "unit", "digits", "higher_is_better", "meaning", "source")
        return {**{name: getattr(self, name) for name in fields}, "words": self.definition, "version": self.identity}

    @property
    def identity(self) -> str:
        """The version by which scores are known: '1', and of a user's metric with its source, '1 3f5a...'."""
        return f"{self.version} {self.source_hash[:16]}".strip()


def names() -> list[str]:
    """Metrics of the project and of installed packages."""
    return sorted({*registry.modules("bench.metrics", "METRIC"), *registry.entry_points("metric")})


def load_metric(name: str) -> Metric:
    """A metric by name, or as `path/to/file.py:METRIC`. Raises BadInput with the nearest names."""
    if name in registry.modules("bench.metrics", "METRIC"):
        return import_module(f"bench.metrics.{name}").METRIC
    found = registry.user_defined("metric", name)
    if found is None:
        raise unknown("metric", name, names())
    if not isinstance(found, Metric):
        raise BadInput(f"metric {name!r} is an object of type {type(found).__name__}, wanted a bench.metrics.Metric")
    if not found.name.isidentifier() or found.name in registry.modules("bench.metrics", "METRIC"):
        raise BadInput(f"metric {name!r} calls itself {found.name!r}: wanted a name of its own, letters and digits")
    return _guarded(found, source_fingerprint.source_hash(name, found.against, ""))


_GUARDED: weakref.WeakKeyDictionary[Metric, Metric] = weakref.WeakKeyDictionary()


def _guarded(found: Metric, source_hash: str) -> Metric:
    """A user-defined metric whose functions run isolated from all else."""
    if found not in _GUARDED or _GUARDED[found].source_hash != source_hash:
        context = isolation.call_context(found)

        def against(clean: torch.Tensor) -> Callable[[torch.Tensor], float]:
            return isolation.guarded(found.against(clean), context)

        guarded = replace(found, against=isolation.guarded(wraps(found.against)(against), context),
                          missing=isolation.guarded(found.missing, context), source_hash=source_hash)  # fmt: skip
        _GUARDED[found] = registry.renamed(guarded, found)
    return _GUARDED[found]


def expand(text: str) -> list[Metric]:
    """The metrics of a list, 'psnr,ssim,lpips'. Raises BadInput for an empty list and for two of one name."""
    chosen = list(dict.fromkeys(load_metric(name) for name in spec.split(text)))
    if not chosen:
        raise BadInput(f"no metric was named: write --metrics {DEFAULT}")
    twice = [metric.name for metric in chosen if [other.name for other in chosen].count(metric.name) > 1]
    if twice:
        raise BadInput(f"two metrics are called {twice[0]!r}: rename one of them")
    return chosen


def available(chosen: Sequence[Metric]) -> tuple[tuple[Metric, ...], dict[str, str]]:
    """The metrics that can be computed here, and why the others cannot, by name."""
    missing = {metric.name: metric.missing() for metric in chosen}
    return tuple(metric for metric in chosen if not missing[metric.name]), {n: why for n, why in missing.items() if why}


def against(
    metrics: Sequence[Metric], clean: np.ndarray, protocol: Protocol, device: torch.device | str = "cpu"
) -> Callable[[np.ndarray], Scores]:
    """From a clean image, uint8 (H, W, C), to a function from another like it to its scores.

    Both are given to a metric as the protocol has it. One that has no value for an image leaves the others theirs.
    Raises what says that memory does not suffice.
    """
    with isolation.our_code():
        target = _tensor(clean, device)
        judges = {metric: _tried(metric.against, _as_given(target, metric, protocol)) for metric in metrics}

    def score(image: np.ndarray) -> Scores:
        with isolation.our_code():
            output, found = _tensor(image, device), Scores({}, {})
            for metric, (judge, problem) in judges.items():
                value = None
                if not problem:
                    value, problem = _tried(_number, judge, _as_given(output, metric, protocol))
                if problem:
                    found.missing[metric.name] = problem
                else:
                    found.values[metric.name] = value
            return found

    return score


def _tried(function: Callable, *arguments: Any) -> tuple[Any, str]:
    """What a function gives, or in words what it raises; a user's metric may raise anything."""
    try:
        return function(*arguments), ""
    except (Exception, SystemExit) as error:
        if is_out_of_memory(error):
            raise
        return None, described(error)


def _number(judge: Callable, output: torch.Tensor) -> float:
    value = float(judge(output))
    if not math.isfinite(value):
        raise ValueError(f"it gave {value}, expected a finite number")
    return value


def _tensor(image: np.ndarray, device: torch.device | str = "cpu") -> torch.Tensor:
    import torch

    return torch.tensor(np.ascontiguousarray(image), device=device)


def _as_given(image: torch.Tensor, metric: Metric, protocol: Protocol) -> torch.Tensor:
    """(..., H, W, C) without the border and in the order of channels that a metric gets under a protocol."""
    if metric.crops_border and protocol.border:
        inside = slice(protocol.border, -protocol.border)
        image = image[..., inside, inside, :]
    return image.flip(-1) if metric.uses_channel_order and protocol.lpips_order == "BGR" else image


def crop_border(image: np.ndarray, border: int) -> np.ndarray:
    """Leave out `border` pixels at each side of (H, W, C)."""
    return image[border : image.shape[0] - border, border : image.shape[1] - border] if border else image
