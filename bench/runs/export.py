"""Frames as CSV, Parquet, JSON, Markdown or LaTeX."""

from __future__ import annotations

import io
import json
import re

import pandas as pd

from bench.runs.filters import Filters
from bench.runs.run_specs import RunModels
from bench.statistics import pivot, summarize
from bench.statistics.ood import Conditions
from bench.statistics.standings import standings
from reports import latex
from reports.csv_text import csv_text

READABLE = {  # values that the keys of rows have had since the first version -> what tables and pages say
    "size": {"own": "user-defined", "-": ""},
    "weights": {"none": "as constructed"},
}


def readable(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with words for the sizes and weights that the store has as 'own', '-' and 'none'."""
    return rows.assign(**{name: rows[name].replace(words) for name, words in READABLE.items() if name in rows})


def tabulate(rows: pd.DataFrame, per: str, conditions: Conditions, known: RunModels, filters: Filters) -> pd.DataFrame:
    """Rows as a table: per 'image' the rows, per 'cell' means, per 'model' standings, or the 'table' to print."""
    if per == "model":
        frame = standings(rows, conditions)
    else:
        frame = readable(rows) if per == "image" else summarize(rows, conditions.reference)
    if per == "table":
        return pivot(frame.assign(model=frame["model"].map(known.name)))
    frame.insert(1 + frame.columns.get_loc("model"), "label", frame["model"].map(known.name))
    return filters.only_metrics(frame)


def encode(frame: pd.DataFrame, kind: str) -> bytes:
    """A frame as bytes; numbers in full precision in csv, parquet and json, with 4 decimals in markdown and latex."""
    if kind == "csv":
        return csv_text(frame).encode()
    if kind == "json":
        return (json.dumps(json.loads(frame.to_json(orient="records", double_precision=15)), indent=1) + "\n").encode()
    if kind == "parquet":
        buffer = io.BytesIO()
        frame.to_parquet(buffer, index=False)
        return buffer.getvalue()
    shown = frame.astype(object).map(_shown)
    if kind == "markdown":
        return _markdown(shown).encode()
    return _latex(shown, "".join("r" if pd.api.types.is_numeric_dtype(kept) else "l" for kept in frame.dtypes)).encode()


def _shown(value: object) -> str:
    if value is None or (isinstance(value, float) and pd.isna(value)):
        return ""
    if not isinstance(value, float):
        return str(value)
    rounded = f"{value:.4f}".rstrip("0").rstrip(".")
    return rounded if float(rounded) or not value else f"{value:.1e}"  # a small p must not be printed as 0


def _markdown(shown: pd.DataFrame) -> str:
    lines = [list(shown.columns), ["---"] * len(shown.columns), *shown.to_numpy().tolist()]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def _latex(shown: pd.DataFrame, columns: str) -> str:
    """A table for the package booktabs; `columns` has l or r for each column."""
    body = [[re.sub(r"^-(?=\d)", "$-$", latex.escape(cell)) for cell in line] for line in shown.to_numpy().tolist()]
    return latex.tabular(columns, list(shown.columns), body)
