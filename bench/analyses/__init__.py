"""Analyses of networks under noise, one module each, under the name of its command: `bench cka`, `bench srga`, ...

`analysis/NAME.py` computes numbers from features or outputs; `bench/analyses/NAME.py` applies it to models, noises and
images, and says how the result is drawn and described; `bench/commands/NAME.py` is the command. A module with a
constant `ORDER` is an analysis: the site and `bench --help` list it in that order. `core` has what they share.

    from bench.analyses import cka
    from bench.analyses.core.config import configure
    from bench.models import models
    from bench.noise.noises import load_noise

    config = configure("builtin", patches=96, side=128)
    ours, baseline = (model_specs.resolve(name) for name in ("ours", "baseline"))
    result = cka.measure([ours, baseline], config, load_noise("gaussian(sigma=15)"), batch=16)
    result.tables[""]  # one row per pair of layers: cka, low, high
    result.figures()[0].figure  # of matplotlib
"""

from __future__ import annotations

from dataclasses import dataclass

from bench import registry


@dataclass(frozen=True)
class AnalysisCard:
    """What pages say of an analysis: the heading of its section, and how to read all of its figures."""

    name: str
    title: str
    about: str


def cards() -> list[AnalysisCard]:
    """All analyses in the order of the page, from the constants of their modules; imports none of them."""
    known = registry.modules(__name__, "ORDER")
    ordered = sorted(known, key=lambda name: known[name]["ORDER"])
    return [AnalysisCard(name, known[name]["TITLE"], known[name]["ABOUT"]) for name in ordered]
