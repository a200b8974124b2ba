"""The question and its answer in one sentence, with the losses drawn."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from reports import links
from reports.charts.loss import Loss, loss_chart
from reports.charts.style import look
from reports.drawn import Drawn, publish
from reports.folder import SiteFolder
from reports.formatting import listing, number, plural
from reports.measures import GAP, PSNR
from reports.panels import Panel
from reports.results import NOISY, Results


@dataclass(frozen=True)
class Answer:
    """Sentences of (text, whether it is a name), and what they rest on."""

    lead: tuple[tuple[str, bool], ...]
    then: tuple[tuple[str, bool], ...]
    basis: str


def context(results: Results, folder: SiteFolder) -> dict[str, object]:
    """The sentence from the data, over all data sets together; says so where there is none."""
    gaps, away = pooled(results, GAP), pooled(results, PSNR)
    models = complete(results, gaps, away)
    if not models:
        return {"answer": None, "reason": no_answer(results), "figure": None}
    losses, scores = intervals(results, gaps), intervals(results, away)
    first, second = lead(results, models, losses, gaps), then(results, models, scores, away)
    return {
        "answer": Answer(first, second, basis(results, away, models)),
        "reason": "",
        "figure": draw(results, folder, models, losses, scores, gaps, away),
    }


def sentence(results: Results) -> str:
    """The first sentence of the answer as plain text."""
    gaps, away = pooled(results, GAP), pooled(results, PSNR)
    models = complete(results, gaps, away)
    if not models:
        return f"No answer: {no_answer(results)}."
    return "".join(text for text, _ in lead(results, models, intervals(results, gaps), gaps))


def complete(results: Results, gaps: pd.DataFrame, away: pd.DataFrame) -> list[str]:
    """The models that have both a loss and a score on some image."""
    return [model for model in results.models if len(away) and model in gaps.columns and model in away.columns]


def intervals(results: Results, table: pd.DataFrame) -> dict[str, tuple[float, float, float]]:
    """Images of all data sets x models, or differences of them -> mean and ends of the interval by column."""
    photographs = [f"{dataset} {results.photograph(dataset, image)}" for dataset, image in table.index]
    bounds = results.study.intervals(table.to_numpy(float), np.array(photographs))
    return dict(zip(table.columns, (tuple(map(float, ends)) for ends in bounds), strict=True))


def pooled(results: Results, measure) -> pd.DataFrame:
    """Images of all data sets x models: means over the noises off training, complete images only."""
    tables = []
    for dataset in results.datasets:
        table = results.off_training_per_image(dataset, measure)
        if not table.empty:
            tables.append(table.set_index(pd.Index([(dataset, image) for image in table.index], tupleize_cols=False)))
    return pd.concat(tables).dropna() if tables else pd.DataFrame()


def no_answer(results: Results) -> str:
    """Why there is no sentence."""
    if results.ok.empty:
        return "no row of this run succeeded" if len(results.rows) else "this run has no rows"
    if results.reference is None:
        return "this run has no Gaussian noise of sigma 15, from which losses are counted"
    if not results.off_training:
        return "this run has no noise other than the training noise"
    return "no image has a score for every model under every noise"


def lead(results: Results, models: list[str], losses: dict, gaps: pd.DataFrame) -> tuple[tuple[str, bool], ...]:
    """Who loses least, by how much, and whether that can be told from the next."""
    order = sorted(models, key=lambda model: losses[model][0])
    first, rest = order[0], order[1:]
    mean, low, high = losses[first]
    known = np.isfinite(low) and np.isfinite(high)
    spread = f" (95% interval {number(low, 2)} to {number(high, 2)})" if known else ""
    amount = f" {number(mean, 2)} dB{spread}"
    if not rest:
        return (("Off the noise it was trained on, ", False), (first, True), (f" loses{amount}.", False))
    tied = not_apart(results, gaps[rest].sub(gaps[first], axis=0))
    opening = (("Off the training noise, ", False), (first, True))
    if tied:
        names = [part for model in tied for part in ((", ", False), (model, True))][1:]
        close = " is not told apart from it" if len(tied) == 1 else " are not told apart from it"
        return (*opening, (f" loses least on average,{amount}, but ", False), *names, (close + ".", False))
    following = rest[0]
    return (
        *opening,
        (f" loses least:{amount}, against {number(losses[following][0], 2)} dB for ", False),
        (following, True),
        (", the next.", False),
    )


def then(results: Results, models: list[str], scores: dict, away: pd.DataFrame) -> tuple[tuple[str, bool], ...]:
    """Who scores highest there, and what the noisy input scores: a small loss alone is not a good picture."""
    best = max(models, key=lambda model: scores[model][0])
    others = not_apart(results, away[[m for m in models if m != best]].rsub(away[best], axis=0))
    parts = [
        ("The highest score there is ", False),
        (f"{number(scores[best][0], 2)} dB, by ", False),
        (best, True),
    ]
    if others:
        parts += [(", not told apart from ", False)]
        parts += [part for model in others for part in ((", ", False), (model, True))][1:]
    if NOISY in away.columns:
        noisy = float(away[NOISY].mean())
        remark = ", more than any model" if noisy > scores[best][0] else ""
        parts.append((f"; the noisy input has {number(noisy, 2)} dB{remark}", False))
    return (*parts, (".", False))


def not_apart(results: Results, differences: pd.DataFrame) -> list[str]:
    """Images x models, differences that should be positive -> the models whose 95% interval does not lie above zero."""
    return [model for model, (_, low, _) in intervals(results, differences).items() if not low > 0]


def basis(results: Results, away: pd.DataFrame, models: list[str]) -> str:
    """What was averaged."""
    names = list(dict.fromkeys(setting.name for setting in results.off_training))
    kinds = f"{names[0]} noise" if len(names) == 1 else f"{len(names)} noises ({listing(names)})"
    sets = sorted({dataset for dataset, _ in away.index})
    settings, images = plural(len(results.off_training), "setting"), plural(len(away), "image")
    text = (
        f"Mean over {settings} of {kinds} and {images} of {plural(len(sets), 'data set')}; losses are "
        "counted from Gaussian 15. Models are compared image by image on the same noisy pixels, with "
        "95% intervals over photographs."
    )
    left_out = [model for model in results.models if model not in models]
    if left_out:
        text += f" Left out for want of scores: {listing(left_out)}."
    return text


def draw(results, folder, models, losses, scores, gaps, away) -> Drawn:
    """The chart of losses for wide and narrow screens, published with its data."""
    order = sorted(models, key=lambda model: losses[model][0])
    if NOISY in gaps.columns and NOISY in away.columns:
        order.append(NOISY)
    lines = [
        Loss(
            "noisy input" if model == NOISY else model,
            look(results.models, model),
            scores[model][0] + losses[model][0],
            scores[model][0],
            losses[model][0],
            links.images("", results.off_training_spec, model, measure=GAP.key),
        )
        for model in order
    ]
    columns = ("away", "away_low", "away_high", "loss", "loss_low", "loss_high")
    frame = pd.DataFrame(
        [{"model": model, **dict(zip(columns, (*scores[model], *losses[model]), strict=True))} for model in order]
    )
    kinds = list(dict.fromkeys(setting.name for setting in results.off_training))
    words = "mean over " + (listing(kinds) if len(kinds) < 4 else f"{len(kinds)} other noises")
    wide, narrow = (loss_chart(lines, words, width) for width in (760, 358))
    return publish(folder, ("loss",), wide, frame, narrow)


PANEL = Panel("overview", 0, "", context)
