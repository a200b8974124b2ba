"""Name the noise between pairs of images where one of the zoo explains it, and describe it where none does."""

import math
from dataclasses import dataclass, field, fields, replace

import numpy as np

from noise_zoo.banding import Banding
from noise_zoo.chain import Chain
from noise_zoo.colour_gaussian import ColourGaussian
from noise_zoo.correlated import Correlated
from noise_zoo.gaussian import Gaussian
from noise_zoo.identification import likelihoods
from noise_zoo.identification.fit import (
    Level,
    fit_level,
    fit_parts,
    fit_values,
    general,
    log_likelihood,
    misfit,
)
from noise_zoo.identification.goodness_of_fit import brightness, is_rejected
from noise_zoo.identification.registration import problem_of
from noise_zoo.identification.sufficient_statistics import CORNER, Correlation, SufficientStatistics, gather
from noise_zoo.jpeg import Jpeg
from noise_zoo.mixture import RECIPES, Mixture
from noise_zoo.noise import Noise
from noise_zoo.poisson import Poisson
from noise_zoo.poisson_gaussian import PoissonGaussian
from noise_zoo.quantization import Quantization
from noise_zoo.salt_pepper import SaltPepper
from noise_zoo.speckle import Speckle

MOST_MISFIT = 0.02  # a law that puts more samples elsewhere does not explain them
LEAST_GAIN = 30.0  # nats that a further component, or a better law, has to win
TOLERANCE = 0.08  # of correlations
SAME_LAW = 0.005  # share of samples that two laws put elsewhere, below which they are one
MOST_TEETH = 228  # of 254 values between black and white: more are no comb
UNEVEN = 1.0  # grey values of mean of noisy - clean, from which on the images differ in more than noise
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
    """A noise of the zoo with one unknown level: its law, one alike without steps, and the reach of `fit_level`."""

    kind: type[Noise]
    structure: str
    low: float
    high: float
    law: object
    smooth: object
    options: dict = field(default_factory=dict)
    reach: float = 0.03

    @property
    def name(self):
        return name_of(self.kind)


def name_of(kind):
    """Return the name of a noise's class in specs: that of its module."""
    return kind.__module__.rpartition(".")[2]


def _plain(law):
    """A law that knows no photons."""
    return lambda level, photons: law(level)


SPECKLE, BLUNT_SPECKLE = _plain(likelihoods.speckle), _plain(likelihoods.gaussian_speckle)
NORMAL, MEAN, IMPULSES = _plain(likelihoods.gaussian), _plain(likelihoods.correlated), _plain(likelihoods.salt_pepper)
CANDIDATES = (
    Candidate(Gaussian, "white", 0.2, 200, NORMAL, NORMAL),
    Candidate(Speckle, "white", 1e-5, 2, SPECKLE, BLUNT_SPECKLE),
    Candidate(Speckle, "white", 1e-5, 2, BLUNT_SPECKLE, BLUNT_SPECKLE, {"distribution": "gaussian"}),
    Candidate(Poisson, "white", 0.05, 20, likelihoods.poisson, likelihoods.smooth_poisson),
    Candidate(SaltPepper, "white", 1e-6, 0.99, IMPULSES, IMPULSES),
    Candidate(ColourGaussian, "colour", 0.2, 200, NORMAL, NORMAL),
    Candidate(Correlated, "mean", 0.6, 600, MEAN, MEAN),
    Candidate(Banding, "rows", 0.2, 200, NORMAL, NORMAL),
    Candidate(Banding, "columns", 0.2, 200, NORMAL, NORMAL, {"direction": "columns"}),
)
READ_NOISE = PoissonGaussian(1).sigma  # the default


@dataclass(frozen=True)
class Fit:
    """A noise whose unknown levels were fitted; `law(photons)` is its law on stored images."""

    noise: Noise
    levels: dict[str, Level]
    log_likelihood: float
    law: object


@dataclass(frozen=True)
class Identification:
    """What was found. `noise` is None where no noise of the zoo explains the images; `components` describe them.

    noise        the noise found, its levels with four digits; `name` is its name ('' for none), `axis` its level's
    level        Level of the axis, None of a chain, of a noise that is not drawn its value
    options      its other parameters, where they are not the defaults
    explained    share of the samples that lie where the named noise (else the components) would put them
    components   {'sigma', 'photons', 'var', 'density'}: Level of what the general law found, in the units of the
                 zoo (photons: at white; var and density as of speckle and salt & pepper)
    problem      why the pairs are none, in words: then nothing else was sought
    doubtful     whether the images contradict the components
    brightness   (clean value, mean of noisy - clean) by classes, where the images differ in more than noise
    """

    noise: Noise | None
    level: Level | None
    explained: float
    structure: str
    components: dict[str, Level]
    lags: dict[tuple[int, int], Correlation]
    channels: Correlation
    shift: float  # mean of noisy - clean in the middle tones, grey values
    images: int
    samples: int
    problem: str = ""
    brightness: tuple[tuple[float, float], ...] = ()
    doubtful: bool = False

    @property
    def name(self):
        return name_of(type(self.noise)) if self.noise else ""

    @property
    def axis(self):
        return self.noise.axis if self.noise else ""

    @property
    def options(self):
        """Parameters besides the level that are not the defaults; of a chain none."""
        if self.noise is None or isinstance(self.noise, Chain):
            return {}
        values = {f.name: (getattr(self.noise, f.name), f.default) for f in fields(self.noise) if f.name != self.axis}
        return {name: value for name, (value, default) in values.items() if value != default}


def identify(pairs):
    """Return the Identification of pairs (noisy, clean), an iterable of uint8 (H, W, C) twice.

    Levels are those of highest likelihood on the stored values, so clipping and rounding bias nothing; errors come
    from the scatter between parts of the images.
    """
    evidence = gather(pairs)
    total = evidence.total
    known = {
        "lags": evidence.lags,
        "channels": evidence.channels,
        "shift": _shift(total),
        "images": evidence.images,
        "samples": int(total.sum()),
    }
    if not (total.sum() - np.trace(total)):
        return Identification(None, None, 1.0, "", {}, **{**known, "shift": 0.0})
    if problem := problem_of(evidence.centres):
        repeated = repeatable_noise(evidence.corners)
        return _made_again(repeated, known) if repeated else Identification(
            None, None, 0.0, "", {}, **known, problem=problem
        )  # fmt: skip
    structure = structure_of(evidence)
    repeats = repeats_of(structure, evidence)
    least = LEAST_GAIN * repeats
    parts = fit_parts(evidence.counts, least)
    known |= {"structure": STRUCTURES[structure].words if structure else "", "components": parts.components}
    fits = list(_fits(structure, evidence))
    found = _chosen(fits, parts, structure, evidence, least)
    if found is None and structure == "white":  # laws that take longer
        found = _chosen([*fits, *_photon_fits(parts, evidence)], parts, structure, evidence, least)
    if found is None and structure == "white":
        found = _chosen(_chains(parts, evidence), parts, structure, evidence, least)
    if found:
        level = found.levels.get(found.noise.axis)
        if len(found.levels) > 1:  # all that was fitted, by the law that holds
            known["components"] = {{"peak": "photons"}.get(name, name): level for name, level in found.levels.items()}
        return Identification(found.noise, level, 1 - _left(found.law, evidence, repeats), **known)
    if repeated := repeatable_noise(evidence.corners):
        return _made_again(repeated, known)
    classes = brightness(total, repeats)
    uneven = [(clean, mean) for clean, mean, error in classes if abs(mean) > max(UNEVEN, 6 * error)]
    explained = 1 - misfit(total, parts.law, repeats)
    doubtful = is_rejected(total, parts.law, evidence.centres, repeats, 0.0 if structure == "white" else None)
    return Identification(None, None, explained, **known, brightness=tuple(uneven), doubtful=doubtful)


def _made_again(noise, known):
    """The Identification of a noise that is not drawn and makes these very images."""
    level = Level(float(getattr(noise, noise.axis)), 0.0, 0.0)
    return Identification(noise, level, 1.0, **{"structure": "", "components": {}, **known})


def _fits(structure, evidence):
    """Fits of the noises that have this structure, those of fewer unknowns first."""
    if structure == "white":
        for number in RECIPES:
            law = likelihoods.mixture(number)
            level = Level(float(number), 0.0, float(log_likelihood(evidence.total, law)))
            yield Fit(Mixture(number), {"level": level}, level.log_likelihood, lambda photons, law=law: law)
    for candidate in CANDIDATES:
        if candidate.structure == structure:
            yield _fit(candidate, evidence)


def _photon_fits(parts, evidence):
    """Poisson-Gaussian noise with the usual read noise, with none, and with any."""
    comb = comb_of(evidence.total)
    if not comb and "photons" not in parts.components:
        return
    peak, reach = comb or (parts.components["photons"].value, 0.03)
    wide = (max(peak / 4, 0.05), 4 * peak)
    usual = _plain(lambda level: likelihoods.poisson_gaussian(level, READ_NOISE))
    yield _fit(Candidate(PoissonGaussian, "white", *wide, usual, usual), evidence)
    sharp, smooth = _plain(lambda level: likelihoods.poisson_gaussian(level, 0.0)), _plain(likelihoods.smooth_photons)
    around = (0.99 * peak, 1.01 * peak) if comb else wide
    none = _fit(Candidate(PoissonGaussian, "white", *around, sharp, smooth, {"sigma": 0.0}, reach), evidence)
    yield none
    if comb:
        return

    def law(values):
        return likelihoods.poisson_gaussian(values["photons"], values["sigma"])

    sigma = parts.components["sigma"].value if "sigma" in parts.components else 2.0
    starts = {"photons": peak, "sigma": sigma}, {"photons": none.levels["peak"].value, "sigma": 1.0}
    free = max((fit_values(evidence.counts, law, start) for start in starts), key=lambda one: one.log_likelihood)
    values = {name: level.value for name, level in free.components.items()}
    noise = PoissonGaussian(rounded(values["photons"]), rounded(values["sigma"]))
    levels = {"peak": free.components["photons"], "sigma": free.components["sigma"]}
    yield Fit(noise, levels, free.log_likelihood, lambda photons: law(values))


def comb_of(total):
    """Return (peak, how sure, of its logarithm) where stored values lie on a comb, as photons without read noise do.

    None where nearly all values occur.
    """
    teeth = np.flatnonzero(total.sum(axis=0)[1:255]) + 1
    if not len(teeth) or len(teeth) > MOST_TEETH:
        return None
    return 255 * len(teeth) / float(teeth[-1]), min(2 / len(teeth) + 0.02, 0.6)


def _chains(parts, evidence):
    """Fits of chains of noises as whose sum the components can be drawn: photons, or speckle, Gaussian, impulses."""
    there = set(parts.components)
    if len(there) < 2 or {"photons", "var"} <= there:  # of both the order would matter
        return
    law, found = general, parts
    if "photons" in there:

        def law(values):
            photons = likelihoods.poisson_gaussian(values["photons"], values.get("sigma", 0.0))
            return likelihoods.with_impulses(photons, values.get("density", 0.0))

        found = fit_values(evidence.counts, law, {name: level.value for name, level in parts.components.items()})
    value = {name: rounded(level.value) for name, level in found.components.items()}
    makers = {
        "photons": lambda peak: PoissonGaussian(peak, value.get("sigma", 0.0)),
        "var": lambda var: Speckle(var, "gaussian"),
        "sigma": Gaussian,
        "density": SaltPepper,
    }
    wanted = [name for name in makers if name in value and not (name == "sigma" and "photons" in value)]
    drawn = [makers[name](value[name]) for name in wanted]
    if len(drawn) > 1:
        values = {name: level.value for name, level in found.components.items()}
        yield Fit(Chain(*drawn), dict(found.components), found.log_likelihood, lambda photons: law(values))


def rounded(value):
    """Four digits."""
    return float(f"{value:.4g}")


def _chosen(fits, parts, structure, evidence, least):
    """Return the Fit that explains the images and that no other does as well, with the fewest unknowns, or None."""
    fits = list(fits)
    best = max((fit.log_likelihood for fit in fits), default=0.0)
    good = [fit for fit in fits if fit.log_likelihood > max(best, parts.log_likelihood) - least]
    for unknowns in sorted({len(fit.levels) for fit in good}):
        alike = [fit for fit in good if len(fit.levels) == unknowns]
        if not all(_same_law(alike[0], other, evidence) for other in alike[1:]):
            return None
        if _holds(alike[0], structure, evidence):
            return alike[0]
    return None


def _same_law(one, other, evidence):
    """Whether two fits give nearly all samples the same values: then they are one noise with two names."""
    apart = sum(
        0.5 * groups.sum(axis=(0, 2)) @ np.abs(one.law(photons) - other.law(photons)).sum(axis=1)
        for photons, groups in evidence.counts.items()
    )
    return apart < SAME_LAW * evidence.total.sum()


def _holds(fit, structure, evidence):
    """Whether the images agree with a fitted noise: its level is known, and its law puts the samples where they are."""
    if not all(math.isfinite(level.error) for level in fit.levels.values()):
        return False
    repeats = repeats_of(structure, evidence)
    if _left(fit.law, evidence, repeats) > MOST_MISFIT:
        return False
    channels = {"white": 0.0, "colour": evidence.channels.value}.get(structure)
    return not any(
        is_rejected(groups.sum(axis=0), fit.law(photons), evidence.patches.get(photons, ()), repeats, channels)
        for photons, groups in evidence.counts.items()
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
    laws_of_it, bounds = (candidate.law, candidate.smooth), (candidate.low, candidate.high)
    level = fit_level(evidence.counts, *laws_of_it, *bounds, candidate.reach)
    if candidate.kind is Banding:  # the groups cut lines into pieces
        lines = evidence.total.sum() / repeats_of(candidate.structure, evidence)
        level = replace(level, error=max(level.error, level.value / math.sqrt(2 * lines)))
    options = dict(candidate.options)
    if candidate.kind is ColourGaussian:
        options["correlation"] = min(max(round(evidence.channels.value, 2), 0.0), 1.0)
    noise = candidate.kind(rounded(level.value), **options)
    return Fit(noise, {noise.axis: level}, level.log_likelihood, lambda photons: candidate.law(level.value, photons))


def _left(law, evidence, repeats):
    """The share of samples that a law does not explain, over all photon scales."""
    totals = {photons: groups.sum(axis=0) for photons, groups in evidence.counts.items()}
    lefts = {p: misfit(total, law(p), repeats) for p, total in totals.items()}
    return sum(lefts[p] * total.sum() for p, total in totals.items()) / sum(total.sum() for total in totals.values())


def structure_of(evidence: SufficientStatistics):
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
