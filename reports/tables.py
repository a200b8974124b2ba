"""Tables as files for download: CSV with full precision, and LaTeX where a paper has use for it."""

from dataclasses import dataclass

import pandas as pd

from reports.site_writer import SiteWriter


@dataclass(frozen=True)
class TableFiles:
    """The addresses of a table's files; '' for one that there is not."""

    csv: str
    latex: str


def publish(writer: SiteWriter, parts: tuple[object, ...], data: pd.DataFrame, paper: str = "") -> TableFiles:
    """Parts of the name, the data and any LaTeX source -> the files written; the macro `table_files` links them."""
    address = writer.free_address("tables", *parts)
    return TableFiles(writer.csv(f"{address}.csv", data), writer.text(f"{address}.tex", paper) if paper else "")
