"""The tables at the end of a run: PSNR at the reference noise, OOD mean and rank of each model; and every noise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from bench import statistics
from bench.statistics.ood import Conditions, groups, nearly_clean
from bench.statistics.scores import NOISY
from bench.statistics.standings import standings

NOISY_INPUT = "noisy input"
SUMMARY = {  # column of the standings -> its heading and its digits
    "reference": ("{reference}", 2),
    "ood": ("OOD mean", 2),
    "drop": ("PSNR drop", 2),
    "rank": ("mean rank", 1),
}


def cell_text(mean: float, low: float, high: float, digits: int = 2) -> str:
    """A mean with its 95% interval, '29.74 [29.10, 30.31]', or without it if there is none; '-' for NaN."""
    if pd.isna(mean):
        return "-"
    bounds = "" if pd.isna(low) else f" [{low:.{digits}f}, {high:.{digits}f}]"
    return f"{mean:.{digits}f}{bounds}"


def show(rows: pd.DataFrame, conditions: Conditions, names: Mapping[str, str]) -> None:
    """Print one row per model and data set: PSNR at the reference noise, OOD mean, PSNR drop and rank; then notes.

    `names`: label of a model -> its display name.
    """
    from rich import box
    from rich.table import Table

    from bench.core.console import console

    screen, lines = console(), standings(rows, conditions)
    for dataset, part in lines.groupby("dataset", sort=False) if len(lines) else ():
        cells = texts(part, conditions, names)
        table = Table(
            title=f"\n{dataset}, {rows.loc[rows['dataset'] == dataset, 'image'].nunique()} images. "
            "PSNR in dB [95% interval]",
            title_justify="left",
            box=box.SIMPLE_HEAD,
            show_edge=False,
            pad_edge=False,
        )
        table.add_column("model", overflow="fold")
        for heading in cells.columns[1:]:
            table.add_column(heading, justify="right")
        for line in cells.itertuples(index=False):
            table.add_row(*line)
        screen.print(table)
    for sentence in sentences(rows, conditions, names):
        screen.print(sentence, soft_wrap=True)


def texts(part: pd.DataFrame, conditions: Conditions, names: Mapping[str, str]) -> pd.DataFrame:
    """The standings of a data set as text: the model, and those columns of SUMMARY that have values."""
    columns = {"model": [NOISY_INPUT if model == NOISY else names.get(model, model) for model in part["model"]]}
    for key, (heading, digits) in SUMMARY.items():
        if part[key].notna().any():
            values = zip(part[key], part[f"{key}_low"], part[f"{key}_high"], strict=True)
            columns[heading.format(reference=conditions.reference)] = [cell_text(*one, digits) for one in values]
    return pd.DataFrame(columns)


def show_noises(rows: pd.DataFrame, conditions: Conditions, names: Mapping[str, str]) -> None:
    """Print one table per data set and noise: one column per level, one row per model, the noisy input last."""
    from rich.table import Table

    from bench.core.console import console

    screen, reference = console(), conditions.reference
    summary = statistics.summarize(rows, reference)
    drop = f"; drop: PSNR at {reference} minus this PSNR" if reference else ""
    for (dataset, _), part in summary.groupby(["dataset", "noise_name"], sort=False):
        if set(part["noise"]) == {reference} and summary["noise_name"].nunique() > 1:
            continue  # the reference noise is the first column of every other table
        first = summary[(summary["dataset"] == dataset) & (summary["noise"] == reference)]
        part = pd.concat([first, part]).drop_duplicates(["model", "noise"])
        title = f"{dataset}, {part['images'].max()} images. PSNR in dB [95% interval]{drop}"
        table = Table(title=title, title_justify="left")
        table.add_column("model")
        noises = list(dict.fromkeys(part["noise"]))
        for noise in noises:
            table.add_column(noise, justify="right")
        for model, lines in part.groupby("model", sort=False):
            by_noise = {line["noise"]: line for line in lines.to_dict("records")}
            cells = (_cell(by_noise[noise], conditions) if noise in by_noise else "-" for noise in noises)
            table.add_row(NOISY_INPUT if model == NOISY else names.get(model, model), *cells)
        screen.print(table)


def sentences(rows: pd.DataFrame, conditions: Conditions, names: Mapping[str, str]) -> Iterator[str]:
    """Sentences on models below the noisy input, models ranked separately, and noises too weak to test a denoiser."""

    def listed(models: Iterable[str]) -> str:
        return ", ".join(names.get(model, model) for model in models)

    lines = standings(rows, conditions)
    for dataset, part in lines[lines["below_noisy"]].groupby("dataset", sort=False) if len(lines) else ():
        yield f"below the noisy input on {dataset}: {listed(part['model'])}"
    chosen = groups(rows, conditions)
    if chosen and chosen[0].name:
        yield f"{listed(chosen[0].models)}: {chosen[0].name}"
    for group in chosen[1:]:
        yield f"not ranked with the others, {group.name}: {listed(group.models)}"
    for noise, mean in nearly_clean(rows).items():
        yield f"{noise} is in no OOD mean: its noisy images are nearly clean ({mean:.1f} dB)"


def _cell(line: dict[str, Any], conditions: Conditions) -> str:
    text = cell_text(line["psnr"], line["psnr_low"], line["psnr_high"])
    drop = "" if pd.isna(line["drop"]) else f"\ndrop {line['drop']:.2f}"
    below = "\nbelow the input" if line["below_noisy"] else ""
    trained = conditions.of(line["model"]).trained and conditions.of(line["model"]).covers(line["noise"])
    in_distribution = "\nin distribution" if trained and line["noise"] != conditions.reference else ""
    failed = f"\n{line['failed']} failed" if line["failed"] else ""
    return text + drop + below + in_distribution + failed
