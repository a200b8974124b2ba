"""Fit laws to counts of (clean, noisy) values by maximum likelihood, with errors, and judge what they leave over."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from noise_zoo.identification import likelihoods

FLOOR = 1e-7  # share of samples that may be anything: a rounding that falls otherwise does not forbid a law
GRID = 24  # levels tried before the best one is refined
BINS, CLASSES = 20, 8  # of the judgement
STEP = 0.01  # of logarithms, in derivatives


@dataclass(frozen=True)
class Level:
    """A fitted parameter with its standard error, and the log-likelihood in nats."""

    value: float
    error: float
    log_likelihood: float


@dataclass(frozen=True)
class Parts:
    """The general law, fitted: {parameter: Level} of the components that are there, and the log-likelihood."""

    components: dict[str, Level]
    log_likelihood: float

    @property
    def law(self):
        return general({name: level.value for name, level in self.components.items()})


def log_likelihood(counts, law):
    """Return nats of counts (..., 256, 256) under a law (256, 256): one number, or one for each group."""
    return np.tensordot(counts, np.log((1 - FLOOR) * law + FLOOR / 256), axes=2)


def fit_level(counts, law, smooth, low, high, reach=0.03):
    """Return the Level between low and high that makes counts {photons: (groups, 256, 256)} most probable.

    `law(level, photons)`; `smooth` is a law alike without steps, along which the best level is sought first and the
    error taken, from the scatter of the groups (the sandwich estimate). A law with steps is then sought on a fine grid
    within `reach`, of the logarithm.
    """
    totals = {photons: groups.sum(axis=0) for photons, groups in counts.items()}

    def cost(logarithm, one=law):
        level = math.exp(logarithm)
        return -sum(log_likelihood(total, one(level, photons)) for photons, total in totals.items())

    grid = np.linspace(math.log(low), math.log(high), GRID)
    best = _refined(lambda place: cost(place, smooth), grid)
    if smooth is not law:  # a law with teeth: look closely around
        best = _refined(cost, np.linspace(best - reach, best + reach, 2 * round(GRID * reach / 0.03) + 1))
        best = min((best, *_written(best, reach)), key=cost)
    scores = sum(
        log_likelihood(groups, smooth(math.exp(best + STEP), photons))
        - log_likelihood(groups, smooth(math.exp(best - STEP), photons))
        for photons, groups in counts.items()
    ) / (2 * STEP)
    curvature = (cost(best + STEP, smooth) - 2 * cost(best, smooth) + cost(best - STEP, smooth)) / STEP**2
    if curvature <= 0:
        return Level(math.exp(best), math.inf, -cost(best))
    scatter = math.sqrt(len(scores) * np.var(scores, ddof=1))
    error = max(scatter / curvature, 1 / math.sqrt(curvature))  # not less than if all samples were independent
    return Level(math.exp(best), math.exp(best) * error, -cost(best))


def _written(best, reach):
    """Return logarithms, within reach of `best`, of numbers with three digits, as people write: steps hide between."""
    low, high = math.exp(best - min(reach, 0.03)), math.exp(best + min(reach, 0.03))
    unit = 10.0 ** (math.floor(math.log10(low)) - 2)
    return [math.log(k * unit) for k in range(math.ceil(low / unit), math.floor(high / unit) + 1)]


def _refined(cost, grid):
    """Return the least cost on a grid of places, then between the neighbours of the best one."""
    index = int(np.argmin([cost(place) for place in grid]))
    low, high = grid[max(index - 1, 0)], grid[min(index + 1, len(grid) - 1)]
    found = optimize.minimize_scalar(cost, bounds=(low, high), method="bounded", options={"xatol": 1e-5})
    return float(min((found.x, grid[index]), key=cost))


def general(values):
    """Return the general law of the components {'sigma', 'photons', 'var', 'density'} that are given."""
    return likelihoods.general(
        values.get("sigma", 0.0), values.get("photons", math.inf), values.get("var", 0.0), values.get("density", 0.0)
    )


def fit_parts(counts, least):
    """Return the Parts of counts {photons: (groups, 256, 256)}; a component that wins fewer nats than `least` goes."""
    groups = sum(counts.values())
    total = groups.sum(axis=0)
    present = _climb(total, _start(total))
    while len(present[0]) > 1:
        others = [_climb(total, {k: v for k, v in present[0].items() if k != name}) for name in present[0]]
        best = min(others, key=lambda other: other[1])
        if best[1] - present[1] > least:
            break
        present = best
    errors = _errors(groups, present[0])
    components = {name: Level(value, errors[name], -present[1]) for name, value in present[0].items()}
    return Parts(components, -present[1])


def fit_values(counts, law, start):
    """Return the Parts of counts {photons: (groups, 256, 256)} under `law(values)`, climbing from values `start`."""
    groups, names = sum(counts.values()), list(start)
    total = groups.sum(axis=0)

    def cost(logarithms):
        return -log_likelihood(total, law(dict(zip(names, np.exp(logarithms).tolist(), strict=True))))

    centre = np.log([start[name] for name in names])
    corners = np.concatenate([[centre], centre + 0.1 * np.eye(len(names))])
    options = {"initial_simplex": corners, "xatol": 2e-4, "fatol": 0.05, "maxfev": 400}
    found = optimize.minimize(cost, centre, method="Nelder-Mead", options=options)
    values = dict(zip(names, np.exp(found.x).tolist(), strict=True))
    errors = _errors(groups, values, law)
    components = {name: Level(value, errors[name], -float(found.fun)) for name, value in values.items()}
    return Parts(components, -float(found.fun))


def _start(total):
    """A first guess: all components at once, a third of the variance in the middle each."""
    residual = np.arange(256)[None, :] - np.arange(256)[:, None]
    middle = slice(64, 192)
    weights = total[middle] / max(total[middle].sum(), 1)
    ends = weights[:, [0, 255]].sum()
    variance = max((weights * residual[middle] ** 2)[:, 1:255].sum(), 0.1)
    third, centre = variance / 3, 127.5
    return {
        "sigma": math.sqrt(third),
        "photons": 255 * centre / third,
        "var": third / centre**2,
        "density": min(max(ends, 1e-5), 0.5),
    }


def _climb(total, start):
    """Return ({component: value}, cost in nats) at the most probable values, sought from a start."""
    names = list(start)
    logarithms = np.log([start[name] for name in names])
    bounds = [(place - 12, min(place + 12, 0) if name == "density" else place + 12)
              for name, place in zip(names, logarithms, strict=True)]  # fmt: skip
    scale = max(total.sum(), 1)

    def cost(logarithms):
        value, slopes = _cost_and_slopes(total, dict(zip(names, np.exp(logarithms).tolist(), strict=True)))
        return value / scale, slopes / scale

    found = optimize.minimize(cost, logarithms, jac=True, method="L-BFGS-B", bounds=bounds,
                              options={"ftol": 1e-13, "gtol": 1e-9})  # fmt: skip
    return dict(zip(names, np.exp(found.x).tolist(), strict=True)), float(found.fun * scale)


def _cost_and_slopes(total, values):
    """Return the cost in nats of the general law, and its derivatives by the logarithms of the components."""
    sigma, photons = values.get("sigma", 0.0), values.get("photons", math.inf)
    var, density = values.get("var", 0.0), values.get("density", 0.0)
    variance = likelihoods.variance(sigma, photons, var)  # (256, 1)
    deviation = np.sqrt(variance)
    normal = likelihoods.normal(deviation)
    law = (1 - FLOOR) * ((1 - density) * normal + density * likelihoods.IMPULSES) + FLOOR / 256
    weights = total / law
    by_row = (1 - density) * (weights * likelihoods.normal_slope(deviation)).sum(
        axis=1
    )  # by the logarithm of the deviation
    halved = by_row / (2 * np.maximum(variance[:, 0], 1e-12))  # by the variance
    slopes = {
        "sigma": 2 * sigma**2 * halved.sum(),
        "photons": -(255 * likelihoods.CLEAN[:, 0] / photons) @ halved,
        "var": (var * likelihoods.CLEAN[:, 0] ** 2) @ halved,
        "density": density * (weights * (likelihoods.IMPULSES - normal)).sum(),
    }
    return -float((total * np.log(law)).sum()), np.array([-(1 - FLOOR) * slopes[name] for name in values])


def _errors(groups, values, law=None):
    """Return {component: standard error} from the scatter of the groups (the sandwich estimate)."""
    law = law or general
    names = list(values)
    centre = np.log([values[name] for name in names])

    def each(*moves):
        logarithms = centre.copy()
        for index, step in moves:
            logarithms[index] += step
        return log_likelihood(groups, law(dict(zip(names, np.exp(logarithms), strict=True))))

    places = range(len(names))
    scores = np.stack([(each((i, STEP)) - each((i, -STEP))) / (2 * STEP) for i in places], axis=1)  # (groups, names)
    curvature = np.empty((len(names), len(names)))
    for i in places:
        for j in places:
            corners = [each((i, a * STEP), (j, b * STEP)).sum() * a * b for a in (1, -1) for b in (1, -1)]
            curvature[i, j] = -sum(corners) / (4 * STEP**2)
    inverse = np.linalg.pinv(curvature)
    scatter = np.cov(scores, rowvar=False, ddof=1).reshape(len(names), len(names)) * len(scores)
    spread = np.sqrt(np.maximum(np.diag(inverse @ scatter @ inverse), np.maximum(np.diag(inverse), 0)))
    return {name: values[name] * float(error) for name, error in zip(names, spread, strict=True)}


def misfit(total, law, repeats):
    """Return the share of samples that would have to be elsewhere for counts (256, 256) to have this law.

    Ranks of the samples within the law are uniform if it is right (the probability integral transform of discrete
    laws, Czado et al. 2009); eight classes of intensity are judged apart. What chance alone would leave is taken off;
    `repeats` is how many samples share one draw.
    """
    above = np.cumsum(law, axis=1)
    below = above - law
    width = np.maximum(law, 1e-12)
    edges = np.arange(1, BINS) / BINS
    ranks = np.stack([(total * np.clip((edge - below) / width, 0, 1)).sum(axis=1) for edge in edges])  # (BINS-1, 256)
    ranks = ranks.reshape(BINS - 1, CLASSES, -1).sum(axis=2)
    samples = total.sum(axis=1).reshape(CLASSES, -1).sum(axis=1)
    left = 0.0
    for cumulated, count in zip(ranks.T, samples, strict=True):
        if count:
            shares = np.diff(cumulated / count, prepend=0, append=1)
            chance = 0.5 * BINS * math.sqrt(2 / math.pi * (1 - 1 / BINS) / BINS * repeats / count)
            left += count * max(0.5 * np.abs(shares - 1 / BINS).sum() - chance, 0)
    return float(left / max(samples.sum(), 1))
