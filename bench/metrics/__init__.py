"""Image quality metrics, one file each: a frozen declaration `METRIC` and the function that computes the score.

A metric is known by the name of its module; a user-defined one by an entry point in the group `maskbench.metric`, or as
`path/to/file.py:METRIC`. Its name is its column in the rows of a run, and `NAME_noisy` that of the noisy input's score.
This package is the only list of metrics: the runner, the statistics and the pages use the metrics that a run has.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from typing import TYPE_CHECKING, Any

import numpy as np

from bench import registry, spec
from bench.core import isolation, source_fingerprint
from bench.core.environment import is_out_of_memory
from bench.core.errors import BadInput, described, unknown

if TYPE_CHECKING:
    import torch

    from bench.protocols import Protocol

DEFAULT = "psnr,ssim,lpips"


def _always_available() -> str:
    return ""


@dataclass(frozen=True)
class Scores:
    """The scores of one image: values by metric, and by metric the reason why one has none."""

    values: dict[str, float]
    missing: dict[str, str]


@dataclass(frozen=True)
class Metric:
    """A metric: how it is computed, and how tables and pages present it.

    name              its column; an identifier, the name of its module if it is built in
    against           clean image, uint8 tensor (H, W, C) -> function from an output like it to its score. C is 1 for
                      a greyscale image, else 3. What the outputs of several models share is computed once. An exception
                      that it raises for an image (ValueError if that is too small) is the reason for an empty cell
    title, unit       as in the heads of tables
    higher_is_better  whether a higher score is better
    digits            decimals that are shown
    meaning           one line for readers who do not know the metric
    definition        how exactly it is computed
    source            who defined it
    crops_border      whether the border of the protocol is cropped before it
    uses_channel_order  whether it gets the channels in the protocol's order
    missing           function that gives the reason why it cannot be computed on this machine, '' if it can; it may
                      download weights
    version           raised with every change of the scores: scores of two versions are never averaged
    source_hash       SHA-256 of the source of a user-defined metric, filled in when it is loaded; else ''
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
    missing: Callable[[], str] = _always_available
    version: int = 1
    source_hash: str = ""

    def score(self, output: np.ndarray, clean: np.ndarray) -> float:
        """The score of one uint8 array (H, W, C) against another of its shape."""
        return float(self.against(_tensor(clean))(_tensor(output)))

    def card(self) -> dict[str, Any]:
        """The description of the metric for manifests and pages."""
        fields = ("name", "title", "unit", "digits", "higher_is_better", "meaning", "source")
        return {**{name: getattr(self, name) for name in fields}, "words": self.definition, "version": self.identity}

    @property
    def identity(self) -> str:
        """The version of its scores: '1', of a user-defined metric with the hash of its source, '1 3f5a...'."""
        return f"{self.version} {self.source_hash[:16]}".strip()


def names() -> list[str]:
    """The built-in metrics and those of installed packages."""
    return sorted({*registry.modules("bench.metrics", "METRIC"), *registry.entry_points("metric")})


def load_metric(name: str) -> Metric:
    """A metric by name, or as `path/to/file.py:METRIC`. Raises BadInput with similar names."""
    if name in registry.modules("bench.metrics", "METRIC"):
        return registry.load("bench.metrics", name, "METRIC")
    loaded = registry.user_defined("metric", name)
    if loaded is None:
        raise BadInput(f"{unknown('metric', name, names())}; add one of your own as path/to/file.py:METRIC")
    if not isinstance(loaded, Metric):
        got = type(loaded).__name__
        raise BadInput(f"metric {name!r}: expected METRIC = bench.metrics.Metric(...), got {got}: see CONTRIBUTING.md")
    if not loaded.name.isidentifier() or loaded.name in registry.modules("bench.metrics", "METRIC"):
        raise BadInput(
            f"metric {name!r}: expected a name of letters and digits that no built-in metric has, got {loaded.name!r}"
        )
    return _guarded(loaded, source_fingerprint.source_hash(name, loaded.against, ""))


_GUARDED: weakref.WeakKeyDictionary[Metric, Metric] = weakref.WeakKeyDictionary()


def _guarded(metric: Metric, source_hash: str) -> Metric:
    """A user-defined metric whose functions run isolated from other code."""
    if metric not in _GUARDED or _GUARDED[metric].source_hash != source_hash:
        context = isolation.call_context(metric)

        def against(clean: torch.Tensor) -> Callable[[torch.Tensor], float]:
            return isolation.guarded(metric.against(clean), context)

        guarded = replace(
            metric,
            against=isolation.guarded(wraps(metric.against)(against), context),
            missing=isolation.guarded(metric.missing, context),
            source_hash=source_hash,
        )
        _GUARDED[metric] = registry.renamed(guarded, metric)
    return _GUARDED[metric]


def expand(text: str) -> list[Metric]:
    """The metrics of a list, 'psnr,ssim,lpips'. Raises BadInput for an empty list and for two metrics of one name."""
    chosen = list(dict.fromkeys(load_metric(name) for name in spec.split(text)))
    if not chosen:
        raise BadInput(f"expected a metric, got none: write --metrics {DEFAULT}")
    twice = [metric.name for metric in chosen if [other.name for other in chosen].count(metric.name) > 1]
    if twice:
        raise BadInput(f"expected metrics of different names, got {twice[0]!r} twice: rename one of them")
    return chosen


def available(chosen: Sequence[Metric]) -> tuple[tuple[Metric, ...], dict[str, str]]:
    """The metrics that can be computed on this machine, and by name why the others cannot."""
    missing = {metric.name: metric.missing() for metric in chosen}
    return tuple(metric for metric in chosen if not missing[metric.name]), {n: why for n, why in missing.items() if why}


def against(
    metrics: Sequence[Metric], clean: np.ndarray, protocol: Protocol, device: torch.device | str = "cpu"
) -> Callable[[np.ndarray], Scores]:
    """Clean image, uint8 (H, W, C) -> function from an output like it to its scores.

    Metrics get both images with the border and channel order of the protocol. If one has no value for an image, the
    scores of the others are kept. Raises errors that mean out of memory.
    """
    with isolation.our_code():
        target = _tensor(clean, device)
        scorers = {metric: _tried(metric.against, _as_given(target, metric, protocol)) for metric in metrics}

    def score(image: np.ndarray) -> Scores:
        with isolation.our_code():
            output, scores = _tensor(image, device), Scores({}, {})
            for metric, (scorer, problem) in scorers.items():
                value = math.nan
                if not problem:
                    value, problem = _tried(_number, scorer, _as_given(output, metric, protocol))
                if problem:
                    scores.missing[metric.name] = problem
                else:
                    scores.values[metric.name] = value
            return scores

    return score


def _tried(function: Callable[..., Any], *arguments: Any) -> tuple[Any, str]:
    """(result, '') of a function, or (None, the message of its exception): a user-defined metric may raise anything."""
    try:
        return function(*arguments), ""
    except Exception as error:
        if is_out_of_memory(error):
            raise
        return None, described(error)


def _number(scorer: Callable[[torch.Tensor], float], output: torch.Tensor) -> float:
    value = float(scorer(output))
    if not math.isfinite(value):
        raise ValueError(f"expected a finite number, got {value}")
    return value


def _tensor(image: np.ndarray, device: torch.device | str = "cpu") -> torch.Tensor:
    import torch

    return torch.tensor(np.ascontiguousarray(image), device=device)


def _as_given(image: torch.Tensor, metric: Metric, protocol: Protocol) -> torch.Tensor:
    """(..., H, W, C) with the border cropped and the channels in the order that a metric gets under a protocol."""
    if metric.crops_border and protocol.border:
        inner = slice(protocol.border, -protocol.border)
        image = image[..., inner, inner, :]
    return image.flip(-1) if metric.uses_channel_order and protocol.lpips_order == "BGR" else image


def crop_border(image: np.ndarray, border: int) -> np.ndarray:
    """(H, W, C) without `border` pixels at each side."""
    return image[border : image.shape[0] - border, border : image.shape[1] - border] if border else image
