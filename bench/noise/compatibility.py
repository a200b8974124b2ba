"""Which noises go with which data sets: noise that was recorded lies in pairs, and all other noise is drawn."""

from __future__ import annotations

from bench.datasets import Dataset
from bench.errors import BadInput
from bench.noise import noises
from noise_zoo.noise import Noise


def reference_noise(text: str) -> Noise | None:
    """The reference noise of a run from its spec; None for 'none'. Raises BadInput."""
    return None if text == "none" else noises.load_noise(text)


def matched(
    named: list[Noise], sets: list[Dataset], reference: Noise | None
) -> tuple[list[Noise], list[Dataset], list[str]]:
    """Noises and data sets that go together, and in sentences what does not. Raises BadInput where nothing does.

    Pairs are run under the noise that was recorded in them, those of its levels that are named or else all, and under
    the reference noise; never under other noise that is drawn. Clean images are run under noise that is drawn;
    greyscale ones not under noise that needs colour.
    """
    asked = [noise for noise in named if noise.recorded]
    if asked and reference is not None and reference.recorded and reference not in asked:
        asked.insert(0, reference)
    drawn = [noise for noise in named if not noise.recorded]
    beside = [] if reference is None or reference.recorded else [reference]
    only_recorded = asked and drawn == beside
    kept, recorded, sentences = [], [], []
    for dataset in sets:
        own = [noise for noise in dataset.recorded if noise in asked or not asked]
        if dataset.recorded and not own:
            sentences.append(f"{dataset.name} is left out: it has {listed(dataset.recorded)}, and not {listed(asked)}")
        elif not dataset.recorded and only_recorded:
            sentences.append(f"{dataset.name} is left out: it has clean images alone, and not {listed(asked)}")
        elif not dataset.recorded and drawn and not any(fits(noise, dataset, reference) for noise in drawn):
            sentences.append(f"{dataset.name} is skipped: {_lacks_colour(drawn)}")
        else:
            kept.append(dataset)
            colour = [noise for noise in drawn if noise.needs_colour and not fits(noise, dataset, reference)]
            if colour and not dataset.recorded:
                sentences.append(f"{listed(colour)} skipped on {dataset.name}: {_lacks_colour(colour)}")
            recorded += own
            if own and drawn != beside:
                alone = " and ".join(["its own noise", *map(noises.canonical, beside)])
                sentences.append(f"{dataset.name} is run under {alone} alone; for other noise on its clean images name "
                                 f"{clean_alone(dataset)}")  # fmt: skip
    sentences += [f"{noises.canonical(noise)} is left out: no data set has it" for noise in asked
                  if recorded and noise not in recorded]  # fmt: skip
    if not kept:
        advice = ". Pairs have recorded noise: mc-mini, or a folder with noisy/, clean/" if asked else ""
        raise BadInput(f"{'; '.join(sentences)}{advice}")
    if all(dataset.recorded for dataset in kept):
        drawn = beside
    drawn = [noise for noise in drawn if any(fits(noise, dataset, reference) for dataset in kept)]
    return [*drawn, *dict.fromkeys(recorded)], kept, sentences


def fits(noise: Noise, dataset: Dataset, reference: Noise | None) -> bool:
    """Whether a data set is run under a noise: pairs under their own and the reference, clean images if it is drawn.

    Greyscale images have no noise that needs colour.
    """
    if dataset.recorded:
        same = noises.canonical(noise) in map(noises.canonical, dataset.recorded)  # as noisy files, and so not drawn
        return noise in dataset.recorded or (noise == reference and not noise.recorded and not same)
    return not noise.recorded and not (noise.needs_colour and dataset.is_grey)


def _lacks_colour(chosen) -> str:
    return f"its images are greyscale, and {listed(chosen)} need{'s' if len(chosen) == 1 else ''} colour"


def listed(chosen) -> str:
    return ", ".join(map(noises.canonical, chosen))


def clean_alone(dataset: Dataset) -> str:
    """The spec of the clean images of a data set of pairs."""
    name, bracket, rest = dataset.name.partition("(")
    return f"{name}({rest[:-1]}, pairs=False)" if bracket else f"{name}(pairs=False)"
