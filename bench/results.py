"""A run in Python: its rows, tables, comparisons and pages."""

from __future__ import annotations

import os
import shutil
import weakref
from collections.abc import Collection, Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import pandas as pd

from bench.comparison import compare
from bench.core.errors import unknown
from bench.runs import selection, table
from bench.runs.export import tabulate
from bench.runs.filters import Filters
from bench.runs.run_data import RunData
from bench.runs.store import Store
from bench.statistics.significance import TESTS
from bench.statistics.standings import standings
from reports.formatting import plural

if TYPE_CHECKING:
    from bench.comparison import Run as GivenRun

TABLES = ("image", "cell", "model", "table")


class Subset(TypedDict, total=False):
    """Keywords that select rows of a run, as the options of the commands do; without one, all rows.

    models    specs, display names or groups
    noises    specs or groups; a name without parameters means all its levels
    datasets  specs; a name without parameters means all its crops and limits
    metrics   names
    seeds     seeds of the noise
    """

    models: str | Iterable[str] | None
    noises: str | Iterable[str] | None
    datasets: str | Iterable[str] | None
    metrics: str | Iterable[str] | None
    seeds: Collection[int] | None


def load_run(folder: str | Path) -> Run:
    """Load the run in a folder, as `bench run --out FOLDER` or `bench.run(out=FOLDER)` made it. Raises BadInput."""
    with Store.open(Path(folder)) as store:
        selection.required_start_entries(store)
    return Run(Path(folder))


class Run:
    """A run: a folder of rows, with their tables, comparisons and pages. Notebooks show its table.

    It can be given to `bench.compare` and in place of a path. A temporary folder is removed with the object.

    folder  the run folder
    notes   sentences on what was skipped, or is doubtful, when `bench.run` made it; () for a loaded run
    """

    def __init__(self, folder: Path, notes: tuple[str, ...] = (), temporary: bool = False):
        self.folder, self.notes, self._rows, self._temporary = folder, notes, None, temporary
        if temporary:
            weakref.finalize(self, _remove, folder, os.getpid())

    @property
    def rows(self) -> pd.DataFrame:
        """The rows that count, one per model, image, noise and seed; read once. `psnr` is in dB."""
        if self._rows is None:
            with Store.open(self.folder) as store:
                self._rows = selection.all_of_store(store)
        return self._rows.copy()

    def table(
        self,
        per: str = "model",
        *,
        protocol: str | None = None,
        **subset: Unpack[Subset],
    ) -> pd.DataFrame:
        """A table as `bench export` writes it, of a selection of the run; PSNR in dB.

        per       'model': OOD mean, PSNR drop, rank; 'cell': means with 95% intervals of a model under a noise;
                  'table': noises down, models across; 'image': the rows
        protocol  by default the last one of the run
        subset    `models`, `noises`, `datasets`, `metrics` and `seeds`, see `Subset`

        The column `label` has the names of models, `model` their specs. Raises BadInput.
        """
        if per not in TABLES:
            raise unknown("table", per, TABLES)
        filters = _filters(subset)
        data = RunData.read(self.folder, protocol, filters)
        return tabulate(data.rows, per, data.conditions, data.known, filters)

    def compare(
        self,
        other: GivenRun | None = None,
        *,
        models: Sequence[str] | str | None = None,
        against: str | None = None,
        protocol: str | None = None,
        test: str = TESTS[0],
        **subset: Unpack[Subset],
    ) -> pd.DataFrame:
        """Differences of this run minus another, or of `models` minus `against` in this run, as `bench.compare`.

        subset  `noises`, `datasets`, `metrics` and `seeds`, see `Subset`
        """
        filters = _filters(subset)
        selected = {name: getattr(filters, name) for name in ("noises", "datasets", "metrics", "seeds")}
        return compare(self, other, models=models, against=against, protocol=protocol, test=test, **selected)

    def report(
        self,
        out: str | Path = "site",
        *,
        protocol: str | None = None,
        training: Mapping[str, str | Path] | None = None,
        others: Iterable[str | Path | Run] = (),
        **subset: Unpack[Subset],
    ) -> Path:
        """Make the web site of the run in the folder `out`; returns its index.html, as `bench report`.

        training  by model: the folder of `bench train` with its log
        others    runs to compare with
        subset    `models`, `noises`, `datasets`, `metrics` and `seeds`, see `Subset`

        Raises BadInput.
        """
        from bench.site import report

        filters = _filters(subset)
        folders = {model: Path(folder) for model, folder in (training or {}).items()}
        return report.build(self.folder, Path(out), protocol, folders, [Path(other) for other in others], filters)

    def figure(
        self,
        kind: str = "image",
        out: str | Path = "figure.pdf",
        *,
        models: str | Iterable[str] | None = None,
        noise: str | None = None,
        dataset: str | None = None,
        image: str | None = None,
        seed: int | None = None,
        zoom: Sequence[str] = (),
        metric: str = "psnr",
        protocol: str | None = None,
        width: str | float = "column",
        font_size: float = 7.0,
        columns: int | None = None,
        device: str = "auto",
    ) -> Path:
        """Make a figure for a paper, as `bench figure`; returns its file, a PDF, PNG or SVG.

        kind   'image': noisy image, outputs and clean image with magnified parts and scores; 'levels' or 'bars'
        zoom   magnified squares of an image, 'X,Y,SIDE' each; by default where the models differ most
        width  'column' (3.5 inches), 'page' (7.2 inches), or inches

        Raises BadInput.
        """
        from bench.figures import build
        from bench.figures.choice import SceneChoice
        from bench.figures.drawing import WIDTHS, Look

        if kind not in ("image", "levels", "bars"):
            raise unknown("figure", kind, ("image", "levels", "bars"))
        look = Look(WIDTHS[width] if isinstance(width, str) else width, font_size)
        if kind == "image":
            scene = SceneChoice(noise, dataset, seed, image)
            build.image_figure(
                self.folder, _text(models), scene, metric, zoom, look, Path(out), protocol, columns, device
            )
        else:
            build.chart_figure(self.folder, kind, _text(models), noise, dataset, metric, look, Path(out), protocol)
        return Path(out)

    def __fspath__(self) -> str:
        return str(self.folder)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        rows = self.rows
        counted = (("model", "model"), ("noise", "noise"), ("dataset", "data set"))
        counts = ", ".join(plural(rows[column].nunique(), what) for column, what in counted)
        where = "" if self._temporary else f" in {self.folder}"
        return f"<bench.Run{where}: {plural(len(rows), 'row')}, {counts}>"

    def _repr_html_(self) -> str:
        """The table that `bench run` prints, and the notes, for notebooks."""
        data = RunData.read(self.folder)
        rows, conditions, names = data.rows, data.conditions, data.known.names
        parts = []
        lines = standings(rows, conditions)
        for dataset, part in lines.groupby("dataset", sort=False) if len(lines) else ():
            images = rows.loc[rows["dataset"] == dataset, "image"].nunique()
            shown = table.texts(part, conditions, names).to_html(index=False, border=0)
            parts.append(f"<p>{escape(dataset)}, {images} images. PSNR in dB [95% interval]</p>{shown}")
        failed = rows["status"] != "ok"
        counted = [f"{failed.sum()} of {len(rows)} rows failed: see the column reason"] if failed.any() else []
        notes = [*counted, *table.sentences(rows, conditions, names), *self.notes]
        return "".join([*parts, *(f"<p>{escape(note)}</p>" for note in notes)])


def _remove(folder: Path, process: int) -> None:
    """Remove a folder, but not from a forked process that ends before its parent."""
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)


def _filters(subset: Subset) -> Filters:
    """Keywords as the selection of a command. Raises TypeError for others."""
    if wrong := sorted(set(subset) - Subset.__annotations__.keys()):
        raise TypeError(f"expected {', '.join(Subset.__annotations__)}, got {wrong[0]}=")
    return Filters(**{name: value if name == "seeds" else _text(value) for name, value in subset.items()})


def _text(value: str | Iterable[str] | None) -> str | None:
    """A list of specs as text."""
    return value if value is None or isinstance(value, str) else ",".join(value)
