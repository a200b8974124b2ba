"""The table at the end of a run: model x noise, mean PSNR with its interval, and the gap to Gaussian 15."""

from __future__ import annotations

import pandas as pd

from bench import statistics


def cell_text(mean: float, low: float, high: float, digits: int = 2) -> str:
    """'29.74 [29.10, 30.31]', without the interval where there is none; '-' for nothing."""
    if pd.isna(mean):
        return "-"
    bounds = "" if pd.isna(low) else f" [{low:.{digits}f}, {high:.{digits}f}]"
    return f"{mean:.{digits}f}{bounds}"


def show(rows: pd.DataFrame) -> None:
    """Print a table for each data set and noise; a column a level, a row a model, the noisy input last."""
    from rich.table import Table

    from bench.console import console

    screen = console()
    summary = statistics.summarize(rows)
    for (dataset, name), part in summary.groupby(["dataset", "noise_name"], sort=False):
        if name == "gaussian" and set(part["noise"]) == {statistics.REFERENCE} and summary["noise_name"].nunique() > 1:
            continue  # the reference alone: it is the first column of the others
        reference = summary[(summary["dataset"] == dataset) & (summary["noise"] == statistics.REFERENCE)]
        part = pd.concat([reference, part]).drop_duplicates(["model", "noise"])
        title = f"{dataset}, {part['images'].max()} images. PSNR in dB [95% interval]; gap: loss from Gaussian 15"
        table = Table(title=title, title_justify="left")
        table.add_column("model")
        noises = list(dict.fromkeys(part["noise"]))
        for noise in noises:
            table.add_column(noise, justify="right")
        for model, lines in part.groupby("model", sort=False):
            by_noise = {line["noise"]: line for line in lines.to_dict("records")}
            table.add_row(model, *(_cell(by_noise[noise]) if noise in by_noise else "-" for noise in noises))
        screen.print(table)


def _cell(line: dict) -> str:
    text = cell_text(line["psnr"], line["psnr_low"], line["psnr_high"])
    gap = "" if pd.isna(line["gap"]) else f"\ngap {line['gap']:.2f}"
    failed = f"\n{line['failed']} failed" if line["failed"] else ""
    return text + gap + failed
