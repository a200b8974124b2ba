"""Identify the noise between pairs of images: a noise of the zoo where one fits, else a sum of noise components."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from noise_zoo.banding import Banding
from noise_zoo.chain import Chain
from noise_zoo.colour_gaussian import ColourGaussian
from noise_zoo.correlated import Correlated
from noise_zoo.gaussian import Gaussian
from noise_zoo.identification import likelihoods
from noise_zoo.identification.fit import (
    ComponentFit,
    Level,
    OfLevel,
    Values,
    fit_components,
    fit_level,
    fit_values,
    general,
    log_likelihood,
    misfit,
)
from noise_zoo.identification.goodness_of_fit import brightness_offsets, is_rejected, neighbours_differ
from noise_zoo.identification.registration import problem_of
from noise_zoo.identification.sufficient_statistics import (
    CORNER,
    Correlation,
    ImagePair,
    Lag,
    SufficientStatistics,
    gather,
)
from noise_zoo.jpeg import Jpeg
from noise_zoo.mixture import RECIPES, Mixture
from noise_zoo.noise import Noise
from noise_zoo.poisson import Poisson
from noise_zoo.poisson_gaussian import PoissonGaussian
from noise_zoo.quantization import Quantization
from noise_zoo.salt_pepper import SaltPepper
from noise_zoo.speckle import Speckle

OfPhotons = Callable[[int], np.ndarray]  # photons at white -> likelihood (256, 256)
MAX_MISFIT = 0.01  # a likelihood with a larger share of misplaced samples is rejected; half of it for several levels
MIN_GAIN = 30.0  # nats of log-likelihood that one more component, or a better model, has to gain
MAX_CORRELATION_ERROR = 0.08  # absolute, of correlations
MAX_SAME_MISFIT = 0.005  # share of samples: likelihoods closer than this are equivalent
MAX_COMB_SHARE = 0.9  # of the values between 0 and the largest: with more there is no comb
MIN_BRIGHTNESS_CHANGE = 1.0  # 8-bit levels of mean(noisy - clean) that noise alone does not explain
MIN_EQUAL_SAMPLES = 1000  # samples that have to be reproduced to name a deterministic noise

WHITE = dict.fromkeys(((0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (0, 3), (3, 0), (0, 9), (9, 0)), 0.0)
MEAN_3X3 = {**WHITE, (0, 1): 2 / 3, (1, 0): 2 / 3, (1, 1): 4 / 9, (0, 2): 1 / 3, (2, 0): 1 / 3}
ROWS = {lag: float(lag[0] == 0) for lag in WHITE}
COLUMNS = {lag: float(lag[1] == 0) for lag in WHITE}


@dataclass(frozen=True)
class Structure:
    """Correlations of samples by lag and between channels (None: any), and how many samples share one draw."""

    description: str
    lags: dict[Lag, float]
    channels: float | None
    repeats: float


STRUCTURES = {
    "white": Structure("independent samples", WHITE, 0.0, 1),
    "colour": Structure("independent pixels whose channels are correlated", WHITE, None, 3),
    "mean": Structure("neighbours correlated as by a 3x3 mean filter", MEAN_3X3, 0.0, 9),
    "rows": Structure("rows share an offset", ROWS, 1.0, 3),  # times the image width
    "columns": Structure("columns share an offset", COLUMNS, 1.0, 3),
}


@dataclass(frozen=True)
class Candidate:
    """A noise of the zoo with one unknown level, and the arguments of `fit_level` for it."""

    kind: type[Noise]
    structure: str
    low: float
    high: float
    likelihood: OfLevel
    smooth: OfLevel
    options: dict[str, Any] = field(default_factory=dict)
    reach: float = 0.03

    @property
    def name(self) -> str:
        """Name of the noise in specs."""
        return name_of(self.kind)


def name_of(kind: type[Noise]) -> str:
    """Return the name of a noise's class in specs, which is that of its module."""
    return kind.__module__.rpartition(".")[2]


def _photon_free(likelihood: Callable[[float], np.ndarray]) -> OfLevel:
    """Return `likelihood(level)` as a function of (level, photons)."""
    return lambda level, photons: likelihood(level)


def _whatever_photons(likelihood: np.ndarray) -> OfPhotons:
    """Return a likelihood that does not depend on the photons at white as a function of them."""
    return lambda photons: likelihood


SPECKLE, GAUSSIAN_SPECKLE = _photon_free(likelihoods.speckle), _photon_free(likelihoods.gaussian_speckle)
NORMAL, MEAN, IMPULSES = (
    _photon_free(likelihoods.gaussian),
    _photon_free(likelihoods.correlated),
    _photon_free(likelihoods.salt_pepper),
)
CANDIDATES = (
    Candidate(Gaussian, "white", 0.2, 200, NORMAL, NORMAL),
    Candidate(Speckle, "white", 1e-5, 2, SPECKLE, GAUSSIAN_SPECKLE),
    Candidate(Speckle, "white", 1e-5, 2, GAUSSIAN_SPECKLE, GAUSSIAN_SPECKLE, {"distribution": "gaussian"}),
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
    """A noise with fitted levels; `likelihood(photons)` is its likelihood (256, 256) in stored images."""

    noise: Noise
    levels: dict[str, Level]
    log_likelihood: float
    likelihood: OfPhotons


@dataclass(frozen=True)
class Identification:
    """Result of `identify`. `noise` is None where no noise of the zoo fits; `components` then describe the noise.

    noise        the noise, its levels with four digits; `name` is its name ('' for none), `axis` the name of its level
    level        Level on its axis; None of a chain; without error of a deterministic noise
    options      its other parameters that differ from their defaults
    explained    share of the samples, 0 to 1, that the noise (else the components) explains
    structure    the correlations of samples in words, '' for none of the known ones
    components   {'sigma', 'photons', 'var', 'density'}: Level of the fitted components in the units of the zoo
                 (photons at white; var and density as of speckle and salt & pepper)
    lags         {(down, right): Correlation} of samples at that offset in pixels; `channels` likewise of channels
    problem      why the images are not pairs, '' for pairs; nothing else is estimated where it is set
    brightness   (clean value, mean of noisy - clean) by class, where noise alone does not explain it; 8-bit levels
    doubtful     whether a goodness-of-fit test rejects the components
    """

    noise: Noise | None
    level: Level | None
    explained: float
    structure: str
    components: dict[str, Level]
    lags: dict[Lag, Correlation]
    channels: Correlation
    shift: float  # mean of noisy - clean in the middle tones, 8-bit levels
    images: int
    samples: int
    problem: str = ""
    brightness: tuple[tuple[float, float], ...] = ()
    doubtful: bool = False

    @property
    def name(self) -> str:
        """Name of the noise in specs; '' for none."""
        return name_of(type(self.noise)) if self.noise else ""

    @property
    def axis(self) -> str:
        """Name of the level; '' for none."""
        return self.noise.axis if self.noise else ""

    @property
    def options(self) -> dict[str, Any]:
        """Parameters other than the level that differ from their defaults; {} of a chain."""
        if self.noise is None or isinstance(self.noise, Chain):
            return {}
        values = {f.name: (getattr(self.noise, f.name), f.default) for f in fields(self.noise) if f.name != self.axis}
        return {name: value for name, (value, default) in values.items() if value != default}


def identify(pairs: Iterable[ImagePair]) -> Identification:
    """Return the Identification of an iterable of pairs (noisy, clean), uint8 (H, W, C) each, at least 3x3 pixels.

    Levels are maximum likelihood estimates under clipping and rounding, without bias from either; standard errors are
    sandwich estimates over parts of the images. Raises ValueError for no pairs or other arrays.
    """
    statistics = gather(pairs)
    total = statistics.total
    known: dict[str, Any] = {
        "lags": statistics.lags,
        "channels": statistics.channels,
        "shift": _shift(total),
        "images": statistics.images,
        "samples": int(total.sum()),
    }
    if not (total.sum() - np.trace(total)):
        return Identification(None, None, 1.0, "", {}, **{**known, "shift": 0.0})
    if problem := problem_of(statistics.centres):
        repeated = deterministic_noise(statistics.corners)
        return (
            _reproduced(repeated, known)
            if repeated
            else Identification(None, None, 0.0, "", {}, **known, problem=problem)
        )
    structure = structure_of(statistics) or _white_after_all(statistics)
    repeats = repeats_of(structure, statistics)
    min_gain = MIN_GAIN * repeats
    parts = fit_components(statistics.counts, min_gain)
    known |= {"structure": STRUCTURES[structure].description if structure else "", "components": parts.components}
    fits = list(_fits(structure, statistics))
    found = _chosen(fits, parts, structure, statistics, min_gain)
    if found is None and structure == "white":  # models that take longer to fit
        found = _chosen([*fits, *_photon_fits(parts, statistics)], parts, structure, statistics, min_gain)
    if found is None and structure == "white":
        found = _chosen(_chains(parts, statistics), parts, structure, statistics, min_gain)
    if found:
        level = found.levels.get(found.noise.axis)
        if len(found.levels) > 1:  # report the levels of the accepted model
            known["components"] = {{"peak": "photons"}.get(name, name): level for name, level in found.levels.items()}
        return Identification(found.noise, level, 1 - _unexplained(found.likelihood, statistics, repeats), **known)
    if repeated := deterministic_noise(statistics.corners):
        return _reproduced(repeated, known)
    classes = brightness_offsets(total, repeats)
    uneven = [(clean, mean) for clean, mean, error in classes if abs(mean) > max(MIN_BRIGHTNESS_CHANGE, 6 * error)]
    explained = 1 - misfit(total, parts.likelihood, repeats)
    doubtful = is_rejected(total, parts.likelihood, statistics.centres, repeats, 0.0 if structure == "white" else None)
    return Identification(None, None, explained, **known, brightness=tuple(uneven), doubtful=doubtful)


def _reproduced(noise: Noise, known: dict[str, Any]) -> Identification:
    """Return the Identification of a deterministic noise that reproduces the images."""
    level = Level(float(getattr(noise, noise.axis)), 0.0, 0.0)
    return Identification(noise, level, 1.0, **{"structure": "", "components": {}, **known})


def _fits(structure: str, statistics: SufficientStatistics) -> Iterator[Fit]:
    """Yield the Fits of the noises with this structure, fixed levels first."""
    if structure == "white":
        for number in RECIPES:
            likelihood = likelihoods.mixture(number)
            level = Level(float(number), 0.0, float(log_likelihood(statistics.total, likelihood)))
            yield Fit(Mixture(number), {"level": level}, level.log_likelihood, _whatever_photons(likelihood))
    for candidate in CANDIDATES:
        if candidate.structure == structure:
            yield _fit(candidate, statistics)


def _photon_fits(parts: ComponentFit, statistics: SufficientStatistics) -> Iterator[Fit]:
    """Yield fits of Poisson-Gaussian noise: with the default read noise, with none, and with fitted read noise."""
    comb = comb_of(statistics.total)
    usual = _photon_free(lambda level: likelihoods.poisson_gaussian(level, READ_NOISE))
    known = parts.components["photons"].value if "photons" in parts.components else None
    wide = (max(known / 4, 0.05), 4 * known) if known else (1.0, 1000.0)
    first = _fit(Candidate(PoissonGaussian, "white", *wide, usual, usual), statistics)
    yield first
    peak, reach = comb or (known or first.levels["peak"].value, 0.03)
    sharp = _photon_free(lambda level: likelihoods.poisson_gaussian(level, 0.0))
    smooth = _photon_free(likelihoods.smooth_photons)
    around = (0.99 * peak, 1.01 * peak) if comb else wide
    none = _fit(Candidate(PoissonGaussian, "white", *around, sharp, smooth, {"sigma": 0.0}, reach), statistics)
    yield none
    if comb and none.log_likelihood > parts.log_likelihood:
        return

    def likelihood(values: Values) -> np.ndarray:
        return likelihoods.poisson_gaussian(values["photons"], values["sigma"])

    sigma = parts.components["sigma"].value if "sigma" in parts.components else 2.0
    starts = {"photons": peak, "sigma": sigma}, {"photons": none.levels["peak"].value, "sigma": 1.0}
    free = max(
        (fit_values(statistics.counts, likelihood, start) for start in starts), key=lambda one: one.log_likelihood
    )
    values = {name: level.value for name, level in free.components.items()}
    noise = PoissonGaussian(rounded(values["photons"]), rounded(values["sigma"]))
    levels = {"peak": free.components["photons"], "sigma": free.components["sigma"]}
    yield Fit(noise, levels, free.log_likelihood, lambda photons: likelihood(values))


def comb_of(total: np.ndarray) -> tuple[float, float] | None:
    """Return (peak, uncertainty of log(peak)) where stored values lie on a comb, as photons without read noise do.

    None where nearly all values below the largest occur.
    """
    teeth = np.flatnonzero(total.sum(axis=0)[1:255]) + 1
    if not len(teeth) or len(teeth) > MAX_COMB_SHARE * teeth[-1]:
        return None
    return 255 * len(teeth) / float(teeth[-1]), min(2 / len(teeth) + 0.02, 0.6)


def _chains(parts: ComponentFit, statistics: SufficientStatistics) -> Iterator[Fit]:
    """Yield the Fit of a chain of noises with these components: photons or speckle, then Gaussian, then impulses."""
    present = set(parts.components)
    if len(present) < 2 or {"photons", "var"} <= present:  # the order of these two matters and is unknown
        return
    likelihood, found = general, parts
    if "photons" in present:

        def likelihood(values: Values) -> np.ndarray:
            photons = likelihoods.poisson_gaussian(values["photons"], values.get("sigma", 0.0))
            return likelihoods.with_impulses(photons, values.get("density", 0.0))

        found = fit_values(
            statistics.counts, likelihood, {name: level.value for name, level in parts.components.items()}
        )
    value = {name: rounded(level.value) for name, level in found.components.items()}
    makers = {
        "photons": lambda peak: PoissonGaussian(peak, value.get("sigma", 0.0)),
        "var": lambda var: Speckle(var, "gaussian"),
        "sigma": Gaussian,
        "density": SaltPepper,
    }
    chosen = [name for name in makers if name in value and not (name == "sigma" and "photons" in value)]
    drawn = [makers[name](value[name]) for name in chosen]
    if len(drawn) > 1:
        values = {name: level.value for name, level in found.components.items()}
        yield Fit(Chain(*drawn), dict(found.components), found.log_likelihood, lambda photons: likelihood(values))


def rounded(value: float) -> float:
    """Return a value rounded to four significant digits."""
    return float(f"{value:.4g}")


def _chosen(
    fits: Iterable[Fit], parts: ComponentFit, structure: str, statistics: SufficientStatistics, min_gain: float
) -> Fit | None:
    """Return the accepted Fit with the fewest fitted levels, or None; also None where equally good fits disagree."""
    fits = list(fits)
    best = max((fit.log_likelihood for fit in fits), default=0.0)
    good = [fit for fit in fits if fit.log_likelihood > max(best, parts.log_likelihood) - min_gain]
    for unknowns in sorted({len(fit.levels) for fit in good}):
        alike = [fit for fit in good if len(fit.levels) == unknowns]
        if not all(_same_likelihood(alike[0], other, statistics) for other in alike[1:]):
            return None
        if _holds(alike[0], structure, statistics):
            return alike[0]
    return None


def _same_likelihood(one: Fit, other: Fit, statistics: SufficientStatistics) -> bool:
    """Whether two fits are equivalent: they give nearly all samples the same distribution."""
    difference = sum(
        0.5 * groups.sum(axis=(0, 2)) @ np.abs(one.likelihood(photons) - other.likelihood(photons)).sum(axis=1)
        for photons, groups in statistics.counts.items()
    )
    return difference < MAX_SAME_MISFIT * statistics.total.sum()


def _holds(fit: Fit, structure: str, statistics: SufficientStatistics) -> bool:
    """Whether the images fit a noise: its levels have finite errors, its misfit is small and no test rejects it."""
    if not all(math.isfinite(level.error) for level in fit.levels.values()):
        return False
    repeats = repeats_of(structure, statistics)
    if _unexplained(fit.likelihood, statistics, repeats) > MAX_MISFIT / (1 if len(fit.levels) == 1 else 2):
        return False
    channels = {"white": 0.0, "colour": statistics.channels.value}.get(structure)
    return not any(
        is_rejected(groups.sum(axis=0), fit.likelihood(photons), statistics.patches.get(photons, ()), repeats, channels)
        for photons, groups in statistics.counts.items()
    )


def deterministic_noise(corners: Sequence[ImagePair]) -> Noise | None:
    """Return the deterministic noise (quantization, JPEG) that makes these noisy corners of the clean ones, or None."""
    if sum(clean.size for _, clean in corners) < MIN_EQUAL_SAMPLES:
        return None
    tried: list[Noise] = [Quantization(bits) for bits in range(1, 8)]
    qualities = sorted(range(1, 101), key=lambda quality: (quality % 5 > 0, -quality))  # usual ones first
    tried += [Jpeg(quality, subsampling) for subsampling in ("4:2:0", "4:4:4") for quality in qualities]

    def makes(noise: Noise, noisy: np.ndarray, clean: np.ndarray) -> bool:
        try:
            made, _ = noise(clean.astype(np.float32) / 255, np.random.default_rng(0))  # nothing is drawn
        except ValueError:  # JPEG has no two-channel images
            return False
        inner = tuple(
            slice(side if side < CORNER else side - 16) for side in clean.shape[:2]
        )  # skip the JPEG blocks that the corner cuts
        return np.array_equal(np.rint(made * 255).astype(np.uint8)[inner], noisy[inner])

    return next((noise for noise in tried if all(makes(noise, *corner) for corner in corners)), None)


def _fit(candidate: Candidate, statistics: SufficientStatistics) -> Fit:
    likelihoods_of_it, bounds = (candidate.likelihood, candidate.smooth), (candidate.low, candidate.high)
    level = fit_level(statistics.counts, *likelihoods_of_it, *bounds, candidate.reach)
    if candidate.kind is Banding:  # groups split lines, and so underestimate the error
        lines = statistics.total.sum() / repeats_of(candidate.structure, statistics)
        level = replace(level, error=max(level.error, level.value / math.sqrt(2 * lines)))
    options = dict(candidate.options)
    if candidate.kind is ColourGaussian:
        options["correlation"] = min(max(round(statistics.channels.value, 2), 0.0), 1.0)
    noise = candidate.kind(rounded(level.value), **options)  # type: ignore[call-arg]  # the level is its first field
    return Fit(
        noise, {noise.axis: level}, level.log_likelihood, lambda photons: candidate.likelihood(level.value, photons)
    )


def _unexplained(likelihood: OfPhotons, statistics: SufficientStatistics, repeats: float) -> float:
    """Return the share of samples, 0 to 1, that a likelihood does not explain, over all photon scales."""
    totals = {photons: groups.sum(axis=0) for photons, groups in statistics.counts.items()}
    lefts = {p: misfit(total, likelihood(p), repeats) for p, total in totals.items()}
    return sum(lefts[p] * total.sum() for p, total in totals.items()) / sum(total.sum() for total in totals.values())


def structure_of(statistics: SufficientStatistics) -> str:
    """Return the name of the Structure that the correlations fit, or '' where they fit none."""
    for name, structure in STRUCTURES.items():
        if name == "colour" and not statistics.channels.value > 0:
            continue
        slack = 4 * math.sqrt(repeats_of(name, statistics))
        pairs = [(statistics.lags[lag], expected) for lag, expected in structure.lags.items()]
        pairs += [] if structure.channels is None else [(statistics.channels, structure.channels)]
        differ = (abs(one.value - expected) > max(MAX_CORRELATION_ERROR, slack * one.error) for one, expected in pairs)
        if not any(differ):  # correlations that could not be measured are NaN, which differs from nothing
            return name
    return ""


def _white_after_all(statistics: SufficientStatistics) -> str:
    """Return 'white' if neighbours are independent given their clean values, else ''.

    Signs of very skewed noise (few photons) depend on the clean value, and therefore agree between neighbours.
    """
    total = statistics.total
    likelihood = total / np.maximum(total.sum(axis=1, keepdims=True), 1)
    return "" if neighbours_differ(likelihood, statistics.centres, 0.0) else "white"


def repeats_of(structure: str, statistics: SufficientStatistics) -> float:
    """Return approximately how many samples share one draw; the sampling error of counts grows with it."""
    if structure in ("rows", "columns"):
        return STRUCTURES[structure].repeats * statistics.width
    return STRUCTURES[structure].repeats if structure else 9.0


def _shift(total: np.ndarray) -> float:
    """Return the mean of noisy - clean where the clean value is 64 to 191, without impulses, in 8-bit levels."""
    middle = total[64:192, 1:255]
    residual = np.arange(1, 255)[None, :] - np.arange(64, 192)[:, None]
    return float((middle * residual).sum() / max(middle.sum(), 1))
