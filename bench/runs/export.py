"""Frames as csv, parquet, json, markdown or latex bytes."""

from __future__ import annotations

import io
import json

import pandas as pd


def encode(frame: pd.DataFrame, kind: str) -> bytes:
    """A frame in a file format; numbers in full in csv, parquet and json, rounded in markdown and latex."""
    if kind == "csv":
        return frame.to_csv(index=False).encode()
    if kind == "json":
        return (json.dumps(json.loads(frame.to_json(orient="records", double_precision=15)), indent=1) + "\n").encode()
    if kind == "parquet":
        buffer = io.BytesIO()
        frame.to_parquet(buffer, index=False)
        return buffer.getvalue()
    shown = frame.astype(object).map(_shown)
    return (_markdown(shown) if kind == "markdown" else _latex(shown)).encode()


def _shown(value: object) -> str:
    if value is None or (isinstance(value, float) and pd.isna(value)):
        return ""
    return f"{value:.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _markdown(shown: pd.DataFrame) -> str:
    lines = [list(shown.columns), ["---"] * len(shown.columns), *shown.to_numpy().tolist()]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


LATEX = {"\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
         "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}  # fmt: skip


def _latex(shown: pd.DataFrame) -> str:
    def cells(line) -> str:
        return " & ".join("".join(LATEX.get(character, character) for character in cell) for cell in line) + r" \\"

    body = "\n".join(cells(line) for line in shown.to_numpy().tolist())
    head = cells(shown.columns)
    return (f"\\begin{{tabular}}{{{'l' * len(shown.columns)}}}\n\\hline\n{head}\n\\hline\n{body}\n\\hline\n"
            "\\end{tabular}\n")  # fmt: skip
