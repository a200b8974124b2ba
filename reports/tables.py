"""Tables as files beside the pages that show them: CSV with full precision, and LaTeX."""

from dataclasses import dataclass

import pandas as pd

from reports.folder import SiteFolder


@dataclass(frozen=True)
class Files:
    """The addresses of a table's files."""

    csv: str
    latex: str


def publish(folder: SiteFolder, parts: tuple[object, ...], data: pd.DataFrame, paper: str) -> Files:
    """Name parts, a table's data and its LaTeX -> its files, written; pages link them with the macro `table_files`."""
    address = folder.free_address("tables", *parts)
    return Files(folder.csv(f"{address}.csv", data), folder.text(f"{address}.tex", paper))
