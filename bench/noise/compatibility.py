"""Which noises are evaluated on which data sets: recorded noise on its pairs, drawn noise on clean images."""

from __future__ import annotations

from collections.abc import Iterable

from bench.core.errors import BadInput
from bench.datasets import Dataset
from bench.noise import noises
from noise_zoo.noise import Noise


def reference_noise(given: str | Noise | None) -> Noise | None:
    """Load the reference noise of a run by spec, None for 'none' or None. Raises BadInput."""
    if given is None or isinstance(given, Noise):
        return given and noises.from_object(given)
    return None if given == "none" else noises.load_noise(given)


def matched(
    named: list[Noise], sets: list[Dataset], reference: Noise | None
) -> tuple[list[Noise], list[Dataset], list[str]]:
    """Return compatible noises and data sets, and notes on the skipped ones. Raises BadInput if none is left.

    Pairs are evaluated under their recorded noise (the named levels, else all) and the reference noise, but under no
    other drawn noise. Clean images are evaluated under drawn noise; greyscale ones not under noise that needs colour.
    """
    asked = [noise for noise in named if noise.recorded]
    if asked and reference is not None and reference.recorded and reference not in asked:
        asked.insert(0, reference)
    drawn = [noise for noise in named if not noise.recorded]
    drawn_reference = [] if reference is None or reference.recorded else [reference]
    only_recorded = asked and drawn == drawn_reference
    kept, recorded, sentences = [], [], []
    for dataset in sets:
        own = [noise for noise in dataset.recorded if noise in asked or not asked]
        if dataset.recorded and not own:
            sentences.append(
                f"{dataset.name} is skipped: expected {listed(asked)}, got pairs with {listed(dataset.recorded)}"
            )
        elif not dataset.recorded and only_recorded:
            sentences.append(f"{dataset.name} is skipped: expected pairs with {listed(asked)}, got clean images")
        elif not dataset.recorded and drawn and not any(fits(noise, dataset, reference) for noise in drawn):
            sentences.append(f"{dataset.name} is skipped: {_lacks_colour(drawn)}")
        else:
            kept.append(dataset)
            colour = [noise for noise in drawn if noise.needs_colour and not fits(noise, dataset, reference)]
            if colour and not dataset.recorded:
                sentences.append(f"{listed(colour)} skipped on {dataset.name}: {_lacks_colour(colour)}")
            recorded += own
            if own and drawn != drawn_reference:
                only = " and ".join(["its recorded noise", *map(noises.canonical, drawn_reference)])
                sentences.append(
                    f"{dataset.name} is evaluated under {only} only; for other noise on its clean images "
                    f"use {clean_only(dataset)}"
                )
    sentences += [
        f"{noises.canonical(noise)} is skipped: no data set has pairs with it"
        for noise in asked
        if recorded and noise not in recorded
    ]
    if not kept:
        advice = ": use a data set of pairs, such as mc-mini or a folder with noisy/ and clean/" if asked else ""
        raise BadInput(f"{'; '.join(sentences)}{advice}")
    if all(dataset.recorded for dataset in kept):
        drawn = drawn_reference
    drawn = [noise for noise in drawn if any(fits(noise, dataset, reference) for dataset in kept)]
    return [*drawn, *dict.fromkeys(recorded)], kept, sentences


def fits(noise: Noise, dataset: Dataset, reference: Noise | None) -> bool:
    """Whether a data set is evaluated under a noise: pairs under recorded and reference noise, clean images if drawn.

    Greyscale images are not evaluated under noise that needs colour.
    """
    if dataset.recorded:
        same = noises.canonical(noise) in map(
            noises.canonical, dataset.recorded
        )  # the same noise is in the files, so it is not drawn
        return noise in dataset.recorded or (noise == reference and not noise.recorded and not same)
    return not noise.recorded and not (noise.needs_colour and dataset.is_grey)


def _lacks_colour(chosen: Iterable[Noise]) -> str:
    return f"expected colour images for {listed(chosen)}, got greyscale"


def listed(chosen: Iterable[Noise]) -> str:
    """Format noises as a list of canonical specs."""
    return ", ".join(map(noises.canonical, chosen))


def clean_only(dataset: Dataset) -> str:
    """Return the spec of the clean images of a data set of pairs."""
    name, bracket, rest = dataset.name.partition("(")
    return f"{name}({rest[:-1]}, pairs=False)" if bracket else f"{name}(pairs=False)"
