"""From a run folder to the file of a figure; each function returns the lines to print."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from bench.core.errors import BadInput
from bench.figures import charts, pictures, qualitative, zoom
from bench.figures.choice import ChosenModels, SceneChoice, metrics_in_run, one_dataset, scene_rows
from bench.figures.drawing import Look, format_of, save
from bench.runs.run_data import RunData
from bench.runs.store import Store


def image_figure(
    folder: Path,
    models: str | None,
    chosen: SceneChoice,
    metrics: str,
    boxes: Sequence[str],
    look: Look,
    out: Path,
    protocol: str | None = None,
    columns: int | None = None,
    device: str = "auto",
) -> list[str]:
    """Write the figure of one image. Raises BadInput.

    boxes    magnified squares as X,Y,SIDE; without any, the one in which the models differ most
    columns  panels in a line
    """
    format_of(out)
    magnified, notes = [zoom.Box.parse(text) for text in boxes], []
    with Store.open(folder) as store:
        data = RunData.of(store, protocol)
        measures, shown = metrics_in_run(metrics, data), ChosenModels.of(models, data, notes)
        rows = scene_rows(store, data, shown, chosen, notes)
        scene = pictures.scene_of(store, rows, data.known, shown.specs, chosen.noise, device)
    found = magnified or [zoom.most_different(list(scene.outputs.values()), scene.clean)]
    save(qualitative.draw(qualitative.panels_of(scene, shown.names, measures), found, look, columns), out)
    first = rows.iloc[0]
    about = f"image: {first['image']}, {first['dataset']}, {first['noise']}, seed {first['seed']}"
    notes += [] if magnified else [f"magnified: --zoom {found[0]}, where the models differ most"]
    notes += [f"computed again: {', '.join(scene.computed)}"] if scene.computed else []
    return [*notes, about, written(out)]


def chart_figure(
    folder: Path,
    kind: str,
    models: str | None,
    noise: str | None,
    dataset: str | None,
    metric: str,
    look: Look,
    out: Path,
    protocol: str | None = None,
) -> list[str]:
    """Write a chart of a kind, 'levels' or 'bars'. Raises BadInput."""
    format_of(out)
    notes: list[str] = []
    data = RunData.read(folder, protocol)
    measures = metrics_in_run(metric, data)
    if len(measures) > 1:
        raise BadInput(f"--metric: expected one metric for {kind}, got {metric}")
    shown = ChosenModels.of(models, data, notes)
    chosen = one_dataset(dataset, data.rows)
    make = {"levels": charts.levels, "bars": charts.bars}[kind]
    chart = make(data, shown, chosen, noise, measures[0], look)
    save(chart.figure, out)
    return [*notes, f"data set: {chosen}", *chart.notes, written(out)]


def written(out: Path) -> str:
    """The last line of the command."""
    return f"figure: {shlex.quote(str(out))}"
