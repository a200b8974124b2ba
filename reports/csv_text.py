"""Frames as CSV that spreadsheets open without running anything."""

import pandas as pd

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # beginnings that make a cell a formula; source: OWASP, CSV Injection


def csv_text(frame: pd.DataFrame) -> str:
    """A frame as CSV; a text that a spreadsheet would take for a formula, such as the file name '=1+1.png', gets a '.

    Numbers are in full precision.
    """
    texts = [name for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name])]
    shown = frame.assign(**{name: frame[name].map(_as_text) for name in texts}) if texts else frame
    return shown.rename(columns=_as_text).to_csv(index=False, lineterminator="\n")


def _as_text(value: object) -> object:
    if not isinstance(value, str) or not value.startswith(FORMULA) or _is_number(value):
        return value
    return f"'{value}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
