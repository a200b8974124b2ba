"""Maximum likelihood fits of noise levels to counts of (clean, noisy) values, with standard errors and misfit."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from noise_zoo.identification import likelihoods

Counts = dict[int, np.ndarray]  # photons at white -> (groups, 256, 256)
Values = dict[str, float]  # component -> value
OfLevel = Callable[[float, int], np.ndarray]  # (level, photons at white) -> likelihood (256, 256)
OfValues = Callable[[Values], np.ndarray]  # values of components -> likelihood (256, 256)
OUTLIER_SHARE = 1e-7  # mixed in uniformly: one sample that rounds differently does not exclude a model
GRID_SIZE = 24  # levels tried before the best one is refined
N_BINS, N_CLASSES = 20, 8  # of `misfit`: bins of ranks, classes of clean values
BOUNDS = {"sigma": (1e-3, 300), "photons": (0.02, 1e5), "var": (1e-7, 5), "density": (1e-7, 0.99)}
LOG_STEP = 0.01  # of log(level), in numerical derivatives


@dataclass(frozen=True)
class Level:
    """A fitted parameter with its standard error, and the log-likelihood in nats."""

    value: float
    error: float
    log_likelihood: float


@dataclass(frozen=True)
class ComponentFit:
    """Fit of the general model: {component: Level} of those present, and the log-likelihood in nats."""

    components: dict[str, Level]
    log_likelihood: float

    @property
    def likelihood(self) -> np.ndarray:
        """The likelihood (256, 256) of the fitted components."""
        return general({name: level.value for name, level in self.components.items()})


def log_likelihood(counts: np.ndarray, likelihood: np.ndarray) -> np.ndarray:
    """Return the log-likelihood in nats of counts (..., 256, 256) under a likelihood (256, 256), one per group."""
    return np.tensordot(counts, np.log((1 - OUTLIER_SHARE) * likelihood + OUTLIER_SHARE / 256), axes=2)


def fit_level(
    counts: Counts, likelihood: OfLevel, smooth: OfLevel, low: float, high: float, reach: float = 0.03
) -> Level:
    """Return the Level between low and high that makes counts {photons: (groups, 256, 256)} most probable.

    `likelihood(level, photons)` returns (256, 256); `smooth` is a version of it that is continuous in the level. The
    optimum is searched along `smooth` first, and the standard error is its sandwich estimate over the groups. A
    discontinuous likelihood is then searched on a fine grid of log(level) within `reach` of that optimum.
    """
    totals = {photons: groups.sum(axis=0) for photons, groups in counts.items()}

    def cost(logarithm: float, of: OfLevel = likelihood) -> float:
        level = math.exp(logarithm)
        return -sum(float(log_likelihood(total, of(level, photons))) for photons, total in totals.items())

    grid = np.linspace(math.log(low), math.log(high), GRID_SIZE)
    best = _refined(lambda logarithm: cost(logarithm, smooth), grid)
    if smooth is not likelihood:  # discontinuous: search a fine grid around the optimum
        best = _refined(cost, np.linspace(best - reach, best + reach, 2 * round(GRID_SIZE * reach / 0.03) + 1))
        best = min((best, *_round_numbers(best, reach)), key=cost)
    scores = sum(
        log_likelihood(groups, smooth(math.exp(best + LOG_STEP), photons))
        - log_likelihood(groups, smooth(math.exp(best - LOG_STEP), photons))
        for photons, groups in counts.items()
    ) / (2 * LOG_STEP)
    curvature = (cost(best + LOG_STEP, smooth) - 2 * cost(best, smooth) + cost(best - LOG_STEP, smooth)) / LOG_STEP**2
    if curvature <= 0:
        return Level(math.exp(best), math.inf, -cost(best))
    scatter = math.sqrt(len(scores) * np.var(scores, ddof=1))
    error = max(scatter / curvature, 1 / math.sqrt(curvature))  # at least that of independent samples
    return Level(math.exp(best), math.exp(best) * error, -cost(best))


def _round_numbers(best: float, reach: float) -> list[float]:
    """Return log(level) of the three-digit levels within `reach` of `best`, which users write and a grid misses."""
    low, high = math.exp(best - min(reach, 0.03)), math.exp(best + min(reach, 0.03))
    unit = 10.0 ** (math.floor(math.log10(low)) - 2)
    return [math.log(k * unit) for k in range(math.ceil(low / unit), math.floor(high / unit) + 1)]


def _refined(cost: Callable[[float], float], grid: np.ndarray) -> float:
    """Return the argument of the minimum cost on a grid, refined between the neighbours of the best point."""
    index = int(np.argmin([cost(point) for point in grid]))
    low, high = grid[max(index - 1, 0)], grid[min(index + 1, len(grid) - 1)]
    found = optimize.minimize_scalar(cost, bounds=(low, high), method="bounded", options={"xatol": 1e-5})
    return float(min((found.x, grid[index]), key=cost))


def general(values: Values) -> np.ndarray:
    """Return the general likelihood (256, 256) of components sigma, photons, var and density; absent ones are 0."""
    return likelihoods.general(
        values.get("sigma", 0.0), values.get("photons", math.inf), values.get("var", 0.0), values.get("density", 0.0)
    )


def fit_components(counts: Counts, min_gain: float) -> ComponentFit:
    """Return the ComponentFit of counts {photons: (groups, 256, 256)} by backward elimination.

    Components that raise the log-likelihood by less than `min_gain` nats are removed.
    """
    groups = np.sum([*counts.values()], axis=0)
    total = groups.sum(axis=0)
    present = _climb(total, _start(total))
    while len(present[0]) > 1:
        others = [_climb(total, {k: v for k, v in present[0].items() if k != name}) for name in present[0]]
        best = min(others, key=lambda other: other[1])
        if best[1] - present[1] > min_gain:
            break
        present = best
    errors = _errors(groups, present[0])
    components = {name: Level(value, errors[name], -present[1]) for name, value in present[0].items()}
    return ComponentFit(components, -present[1])


def fit_values(counts: Counts, likelihood: OfValues, start: Values) -> ComponentFit:
    """Fit `likelihood(values)` to counts {photons: (groups, 256, 256)} from values `start`; return the ComponentFit."""
    groups, names = np.sum([*counts.values()], axis=0), list(start)
    total = groups.sum(axis=0)

    def cost(logarithms: np.ndarray) -> float:
        values = dict(zip(names, np.exp(logarithms).tolist(), strict=True))
        return -float(log_likelihood(total, likelihood(values)))

    centre = np.log([np.clip(start[name], *BOUNDS[name]) for name in names])
    corners = np.concatenate([[centre], centre + 0.1 * np.eye(len(names))])
    options = {"initial_simplex": corners, "xatol": 2e-4, "fatol": 0.05, "maxfev": 400}
    bounds = np.log([BOUNDS[name] for name in names])
    found = optimize.minimize(cost, centre, method="Nelder-Mead", bounds=bounds, options=options)
    values = dict(zip(names, np.exp(found.x).tolist(), strict=True))
    errors = _errors(groups, values, likelihood)
    components = {name: Level(value, errors[name], -float(found.fun)) for name, value in values.items()}
    return ComponentFit(components, -float(found.fun))


def _start(total: np.ndarray) -> Values:
    """Return initial values: sigma, photons and var with a third each of the variance in the middle tones."""
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


def _climb(total: np.ndarray, start: Values) -> tuple[Values, float]:
    """Return ({component: value}, negative log-likelihood in nats) at the maximum likelihood, searched from `start`."""
    names = list(start)
    logarithms = np.log([start[name] for name in names])
    bounds = [
        (initial - 12, min(initial + 12, 0) if name == "density" else initial + 12)
        for name, initial in zip(names, logarithms, strict=True)
    ]
    scale = max(total.sum(), 1)

    def cost(logarithms: np.ndarray) -> tuple[float, np.ndarray]:
        value, slopes = _cost_and_slopes(total, dict(zip(names, np.exp(logarithms).tolist(), strict=True)))
        return value / scale, slopes / scale

    found = optimize.minimize(
        cost, logarithms, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-13, "gtol": 1e-9}
    )
    return dict(zip(names, np.exp(found.x).tolist(), strict=True)), float(found.fun * scale)


def _cost_and_slopes(total: np.ndarray, values: Values) -> tuple[float, np.ndarray]:
    """Return the negative log-likelihood in nats of the general model, and its gradient in log(component)."""
    sigma, photons = values.get("sigma", 0.0), values.get("photons", math.inf)
    var, density = values.get("var", 0.0), values.get("density", 0.0)
    variance = likelihoods.variance(sigma, photons, var)  # (256, 1)
    deviation = np.sqrt(variance)
    normal = likelihoods.normal(deviation)
    likelihood = (1 - OUTLIER_SHARE) * ((1 - density) * normal + density * likelihoods.IMPULSES) + OUTLIER_SHARE / 256
    weights = total / likelihood
    by_row = (1 - density) * (weights * likelihoods.normal_slope(deviation)).sum(axis=1)  # by log(standard deviation)
    halved = by_row / (2 * np.maximum(variance[:, 0], 1e-12))  # by the variance
    slopes = {
        "sigma": 2 * sigma**2 * halved.sum(),
        "photons": -(255 * likelihoods.CLEAN[:, 0] / photons) @ halved,
        "var": (var * likelihoods.CLEAN[:, 0] ** 2) @ halved,
        "density": density * (weights * (likelihoods.IMPULSES - normal)).sum(),
    }
    return -float((total * np.log(likelihood)).sum()), np.array(
        [-(1 - OUTLIER_SHARE) * slopes[name] for name in values]
    )


def _errors(groups: np.ndarray, values: Values, likelihood: OfValues = general) -> Values:
    """Return {component: standard error}, the sandwich estimate over the groups."""
    names = list(values)
    centre = np.log([values[name] for name in names])

    def group_scores(*moves: tuple[int, float]) -> np.ndarray:
        logarithms = centre.copy()
        for index, step in moves:
            logarithms[index] += step
        return log_likelihood(groups, likelihood(dict(zip(names, np.exp(logarithms), strict=True))))

    indices = range(len(names))
    scores = np.stack(
        [(group_scores((i, LOG_STEP)) - group_scores((i, -LOG_STEP))) / (2 * LOG_STEP) for i in indices], axis=1
    )  # (groups, names)
    curvature = np.empty((len(names), len(names)))
    for i in indices:
        for j in indices:
            corners = [
                group_scores((i, a * LOG_STEP), (j, b * LOG_STEP)).sum() * a * b for a in (1, -1) for b in (1, -1)
            ]
            curvature[i, j] = -sum(corners) / (4 * LOG_STEP**2)
    inverse = np.linalg.pinv(curvature)
    scatter = np.cov(scores, rowvar=False, ddof=1).reshape(len(names), len(names)) * len(scores)
    spread = np.sqrt(np.maximum(np.diag(inverse @ scatter @ inverse), np.maximum(np.diag(inverse), 0)))
    return {name: values[name] * float(error) for name, error in zip(names, spread, strict=True)}


def misfit(total: np.ndarray, likelihood: np.ndarray, repeats: float) -> float:
    """Return the share of samples, 0 to 1, that would have to change value for counts (256, 256) to fit a likelihood.

    Under the right likelihood the ranks of the samples are uniform (probability integral transform for counts, Czado
    et al., Biometrics 2009). Measured in eight classes of clean values, minus what sampling error alone would give;
    `repeats` is the number of samples that share one draw.
    """
    above = np.cumsum(likelihood, axis=1)
    below = above - likelihood
    width = np.maximum(likelihood, 1e-12)
    edges = np.arange(1, N_BINS) / N_BINS
    ranks = np.stack([(total * np.clip((edge - below) / width, 0, 1)).sum(axis=1) for edge in edges])  # (N_BINS-1, 256)
    ranks = ranks.reshape(N_BINS - 1, N_CLASSES, -1).sum(axis=2)
    samples = total.sum(axis=1).reshape(N_CLASSES, -1).sum(axis=1)
    changed = 0.0
    for cumulated, count in zip(ranks.T, samples, strict=True):
        if count:
            shares = np.diff(cumulated / count, prepend=0, append=1)
            chance = 0.5 * N_BINS * math.sqrt(2 / math.pi * (1 - 1 / N_BINS) / N_BINS * repeats / count)
            changed += count * max(0.5 * np.abs(shares - 1 / N_BINS).sum() - chance, 0)
    return float(changed / max(samples.sum(), 1))
