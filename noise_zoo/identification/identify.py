"""Name the noise between pairs of images where one of the zoo explains it, and describe it where none does."""

import math
from dataclasses import dataclass, field, replace

import numpy as np

from noise_zoo.identification import laws
from noise_zoo.identification.evidence import CORNER, Correlation, Evidence, gather
from noise_zoo.identification.fit import Level, fit_level, fit_parts, misfit
from noise_zoo.jpeg import Jpeg
from noise_zoo.quantization import Quantization

MOST_MISFIT = 0.02  # a law that puts more samples elsewhere does not explain them
LEAST_GAIN = 30.0  # nats that a further component, or a better law, has to win
TOLERANCE = 0.08  # of correlations
LEAST_EQUAL = 1000  # samples that have to be equal before a noise without chance is named

WHITE = dict.fromkeys(((0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (0, 3), (3, 0), (0, 9), (9, 0)), 0.0)
MEAN_3X3 = {**WHITE, (0, 1): 2 / 3, (1, 0): 2 / 3, (1, 1): 4 / 9, (0, 2): 1 / 3, (2, 0): 1 / 3}
ROWS = {lag: float(lag[0] == 0) for lag in WHITE}
COLUMNS = {lag: float(lag[1] == 0) for lag in WHITE}


@dataclass(frozen=True)
class Structure:
    """How samples hang together: correlations by lag and between channels (None: any), samples that share a draw."""

    words: str
    lags: dict
    channels: float | None
    repeats: float


STRUCTURES = {
    "white": Structure("independent samples", WHITE, 0.0, 1),
    "colour": Structure("independent pixels whose channels are correlated", WHITE, None, 3),
    "mean": Structure("neighbours as under a 3x3 mean filter", MEAN_3X3, 0.0, 9),
    "rows": Structure("rows share an offset", ROWS, 1.0, 3),  # times the width
    "columns": Structure("columns share an offset", COLUMNS, 1.0, 3),
}


@dataclass(frozen=True)
class Candidate:
    """A noise of the zoo with one unknown level: its law, and one alike without steps."""

    name: str
    axis: str
    structure: str
    low: float
    high: float
    law: object
    smooth: object
    options: dict = field(default_factory=dict)


def _plain(law):
    """A law that knows no photons."""
    return lambda level, photons: law(level)


SPECKLE, BLUNT_SPECKLE = _plain(laws.speckle), _plain(laws.gaussian_speckle)
NORMAL, MEAN, IMPULSES = _plain(laws.gaussian), _plain(laws.correlated), _plain(laws.salt_pepper)
CANDIDATES = (
    Candidate("gaussian", "sigma", "white", 0.2, 200, NORMAL, NORMAL),
    Candidate("speckle", "var", "white", 1e-5, 2, SPECKLE, BLUNT_SPECKLE),
    Candidate("speckle", "var", "white", 1e-5, 2, BLUNT_SPECKLE, BLUNT_SPECKLE, {"distribution": "gaussian"}),
    Candidate("poisson", "alpha", "white", 0.05, 20, laws.poisson, laws.smooth_poisson),
    Candidate("salt_pepper", "density", "white", 1e-6, 0.99, IMPULSES, IMPULSES),
    Candidate("colour_gaussian", "sigma", "colour", 0.2, 200, NORMAL, NORMAL),
    Candidate("correlated", "sigma", "mean", 0.6, 600, MEAN, MEAN),
    Candidate("banding", "sigma", "rows", 0.2, 200, NORMAL, NORMAL),
    Candidate("banding", "sigma", "columns", 0.2, 200, NORMAL, NORMAL, {"direction": "columns"}),
)


@dataclass(frozen=True)
class Identification:
    """What was found. `name` is '' where no noise of the zoo explains the images; then `components` describe them.

    explained    share of the samples that lie where the named noise (else the components) would put them
    components   {'sigma', 'photons', 'var', 'density'}: Level of what the general law found, in the units of the
                 zoo (photons: at white; var and density as of speckle and salt & pepper)
    """

    name: str
    axis: str
    level: Level | None
    options: dict
    explained: float
    structure: str
    components: dict[str, Level]
    lags: dict[tuple[int, int], Correlation]
    channels: Correlation
    shift: float  # mean of noisy - clean in the middle tones, grey values
    images: int
    samples: int


def identify(pairs):
    """Return the Identification of pairs (noisy, clean), an iterable of uint8 (H, W, C) twice.

    Levels are those of highest likelihood on the stored values, so clipping and rounding bias nothing; errors come
    from the scatter between parts of the images.
    """
    evidence = gather(pairs)
    total = evidence.total
    if not (total.sum() - np.trace(total)):
        return _nothing(evidence)
    structure = structure_of(evidence)
    repeats = repeats_of(structure, evidence)
    least = LEAST_GAIN * repeats
    parts = fit_parts(evidence.counts, least)
    fits = [(candidate, _fit(candidate, evidence)) for candidate in CANDIDATES if candidate.structure == structure]
    fits.sort(key=lambda fit: -fit[1].log_likelihood)
    known = {
        "structure": STRUCTURES[structure].words if structure else "",
        "components": parts.components,
        "lags": evidence.lags,
        "channels": evidence.channels,
        "shift": _shift(total),
        "images": evidence.images,
        "samples": int(total.sum()),
    }
    if fits:
        candidate, level = fits[0]
        left = _left(candidate, level, evidence, repeats)
        rivals = [parts.log_likelihood - least, *(other.log_likelihood + least for _, other in fits[1:])]
        if left <= MOST_MISFIT and level.log_likelihood > max(rivals) and math.isfinite(level.error):
            options = {**candidate.options, **_colour(candidate, evidence)}
            return Identification(candidate.name, candidate.axis, level, options, 1 - left, **known)
    repeated = repeatable_noise(evidence.corners)
    if repeated:
        level = Level(float(getattr(repeated, repeated.axis)), 0.0, 0.0)
        options = {"subsampling": repeated.subsampling} if isinstance(repeated, Jpeg) else {}
        return Identification(type(repeated).__name__.lower(), repeated.axis, level, options, 1.0, **known)
    return Identification("", "", None, {}, 1 - misfit(total, parts.law, repeats), **known)


def _nothing(evidence):
    """The Identification of noisy images that equal the clean ones."""
    samples = int(evidence.total.sum())
    return Identification(
        "", "", None, {}, 1.0, "", {}, evidence.lags, evidence.channels, 0.0, evidence.images, samples
    )


def repeatable_noise(corners):
    """Return the noise without chance that makes exactly these noisy corners of the clean ones, or None."""
    if sum(clean.size for _, clean in corners) < LEAST_EQUAL:
        return None
    tried = [Quantization(bits) for bits in range(1, 8)]
    tried += [Jpeg(quality, subsampling) for subsampling in ("4:2:0", "4:4:4") for quality in range(100, 0, -1)]

    def makes(noise, noisy, clean):
        try:
            made, _ = noise(clean.astype(np.float32) / 255, None)
        except ValueError:  # JPEG of two channels
            return False
        inner = tuple(slice(side if side < CORNER else side - 16) for side in clean.shape[:2])  # a cut block is another
        return np.array_equal(np.rint(made * 255).astype(np.uint8)[inner], noisy[inner])

    return next((noise for noise in tried if all(makes(noise, *corner) for corner in corners)), None)


def _fit(candidate, evidence):
    level = fit_level(evidence.counts, candidate.law, candidate.smooth, candidate.low, candidate.high)
    if candidate.name != "banding":
        return level
    lines = evidence.total.sum() / repeats_of(candidate.structure, evidence)  # the groups cut lines into pieces
    return replace(level, error=max(level.error, level.value / math.sqrt(2 * lines)))


def _left(candidate, level, evidence, repeats):
    """The share of samples that a candidate's law does not explain, over all photon scales."""
    totals = {photons: groups.sum(axis=0) for photons, groups in evidence.counts.items()}
    lefts = {p: misfit(total, candidate.law(level.value, p), repeats) for p, total in totals.items()}
    return sum(lefts[p] * total.sum() for p, total in totals.items()) / sum(total.sum() for total in totals.values())


def _colour(candidate, evidence):
    return {"correlation": round(evidence.channels.value, 2)} if candidate.name == "colour_gaussian" else {}


def structure_of(evidence: Evidence):
    """Return the name of the structure that the correlations show, or '' where they show none that the zoo has."""
    for name, structure in STRUCTURES.items():
        if name == "colour" and not evidence.channels.value > 0:
            continue
        slack = 4 * math.sqrt(repeats_of(name, evidence))
        pairs = [(evidence.lags[lag], wanted) for lag, wanted in structure.lags.items()]
        pairs += [] if structure.channels is None else [(evidence.channels, structure.channels)]
        if not any(abs(found.value - wanted) > max(TOLERANCE, slack * found.error) for found, wanted in pairs):
            return name  # correlations that could not be measured, NaN, exclude nothing
    return ""


def repeats_of(structure, evidence):
    """Return how many samples share one draw, about: what chance does to counts grows with it."""
    if structure in ("rows", "columns"):
        return STRUCTURES[structure].repeats * evidence.width
    return STRUCTURES[structure].repeats if structure else 9.0


def _shift(total):
    """Mean of noisy - clean where the clean value is from 64 to 191, impulses left out."""
    middle = total[64:192, 1:255]
    residual = np.arange(1, 255)[None, :] - np.arange(64, 192)[:, None]
    return float((middle * residual).sum() / max(middle.sum(), 1))
