"""`bench figure`: pictures as the run saved or computes them, scores of the rows, equal and self-contained files."""

import re
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.text import Text
from PIL import Image

from bench.cli import main
from bench.core.errors import BadInput
from bench.figures import charts, choice, pictures, qualitative
from bench.figures.choice import ChosenModels, RunData, SceneChoice
from bench.figures.drawing import WIDTHS, Look, divided
from bench.runs.conditions import conditions_of
from bench.runs.selection import start_entries
from bench.runs.store import Store
from bench.statistics.standings import standings
from reports.charts.lettering import text_width

pytestmark = pytest.mark.slow

LONG = "A network with a name of forty letters.."
BASE_14 = ("Helvetica", "Times", "Courier", "Symbol", "ZapfDingbats")
NOISE = "mixture(level=2)"


def call(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def run(tmp_path, photos, networks, monkeypatch) -> Path:
    """Two networks of a user and a classical method on four photographs, with the pictures of the first."""
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    folder = tmp_path / "run"
    models = f"'{LONG}'={networks}:Blur, half={networks}:Blur(strength=0.5), keyed={networks}:Keyed"
    noise = "mixture, gaussian(sigma=25)"
    result = call(
        "run",
        "--models",
        models,
        "--noise",
        noise,
        "--data",
        photos,
        "--metrics",
        "psnr,ssim",
        "--pictures",
        1,
        "--out",
        folder,
    )
    assert result.exit_code == 0, result.output
    return folder


def scene(
    run: Path, image: str = "a", models: str | None = None, noise: str = NOISE
) -> tuple[pictures.FigureScene, dict]:
    """The scene of an image as the command makes it, and the names of its models."""
    notes = []
    with Store.open(run) as store:
        data = RunData.of(store)
        chosen = ChosenModels.of(models, data, notes)
        rows = choice.scene_rows(store, data, chosen, SceneChoice(noise=noise, image=image), notes)
        return pictures.scene_of(store, rows, data.known, chosen.specs, noise, "cpu"), chosen.names


def test_pictures_that_were_not_saved_are_those_that_a_run_would_save(run):
    saved, _ = scene(run)
    assert saved.computed == ()
    for file in (run / "pictures").iterdir():
        file.unlink()
    again, _ = scene(run)
    assert len(again.computed) == 3
    assert np.array_equal(again.noisy, saved.noisy) and np.array_equal(again.clean, saved.clean)
    for label, pixels in saved.outputs.items():
        assert np.array_equal(again.outputs[label], pixels), label


def test_only_missing_outputs_are_computed(run):
    saved, _ = scene(run)
    with Store.open(run) as store:
        row = saved.rows.iloc[1].to_dict()
        store.picture_path(pictures.row_key(row)).unlink()
    again, _ = scene(run)
    assert again.computed == (row["model"],)


@pytest.mark.parametrize("what", ["pixels", "source", "score", "picture", "removed"])
def test_what_has_changed_since_the_run_is_refused(run, photos, networks, what):
    image = "a" if what == "picture" else "b"
    if what == "pixels":
        Image.new("RGB", (48, 40), "red").save(photos / "b.png")
    elif what == "removed":
        (photos / "b.png").unlink()
    elif what == "source":
        Path(networks).write_text(Path(networks).read_text().replace("mean - x", "0.9 * mean - x"))
    elif what == "score":
        with sqlite3.connect(run / "rows.sqlite") as connection:
            connection.execute("UPDATE rows SET psnr = psnr + 0.02 WHERE image = 'b.png'")
    else:
        saved, _ = scene(run)
        with Store.open(run) as store:
            path = store.picture_path(pictures.row_key(saved.rows.iloc[0].to_dict()))
        Image.fromarray(saved.clean).save(path, "webp", lossless=True)
    with pytest.raises(BadInput):
        scene(run, image)
    result = call("figure", run, "--image", image, "--noise", NOISE, "-o", run / "figure.pdf")
    assert result.exit_code == 2 and len(result.output.strip().splitlines()) == 1
    assert not (run / "figure.pdf").exists()


def test_scores_below_pictures_are_those_of_the_rows_and_the_best_is_bold(run):
    found, names = scene(run, models=f"half, Mine='{LONG}', keyed")
    with Store.open(run) as store:
        measures = RunData.of(store).metrics("psnr, ssim")
    noisy, *models, clean = qualitative.panels_of(found, names, measures)
    assert [panel.name for panel in models] == ["half", "Mine", "keyed"]
    for panel, (_, row) in zip(models, found.rows.iterrows(), strict=True):
        assert [text for text, _ in panel.scores] == [f"{row['psnr']:.2f}", f"{row['ssim']:.4f}"]
    assert noisy.scores[0][0] == f"{found.rows['psnr_noisy'].iloc[0]:.2f}" and len(clean.scores) == 2
    best = [place for place, panel in enumerate(models) if panel.scores[0][1]]
    assert found.rows["psnr"].round(2).iloc[best].eq(found.rows["psnr"].round(2).max()).all() and best


def test_a_box_is_where_the_models_differ_or_as_given(run, tmp_path):
    from bench.figures.zoom import Box, most_different

    outputs = [np.full((60, 80, 3), 100, np.uint8) for _ in range(3)]
    outputs[1][30:40, 50:60] = 180
    box = most_different(outputs, outputs[0])
    assert box.x <= 50 and box.x + box.side >= 60 and box.y <= 30 and box.y + box.side >= 40
    alone = most_different([outputs[1]], outputs[0])
    assert (alone.x, alone.y) == (box.x, box.y)
    assert Box.parse("1, 2,3") == Box(1, 2, 3)
    result = call("figure", run, "-o", tmp_path / "a.png")
    chosen = re.search(r"--zoom (\d+,\d+,\d+)", result.output)[1]
    assert call("figure", run, "-o", tmp_path / "b.png", "--zoom", chosen).exit_code == 0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    for wrong in ("40,60", "1,2,x", "40,30,20", "0,0,1"):
        assert call("figure", run, "-o", tmp_path / "c.png", "--zoom", wrong).exit_code == 2


@pytest.mark.parametrize("kind", [(), ("levels", "--noise", "mixture"), ("bars",)])
def test_a_pdf_has_its_fonts_and_equal_figures_are_equal_files(run, tmp_path, kind):
    for name in ("a.pdf", "b.pdf", "a.svg", "b.svg", "a.png"):
        result = call("figure", run, *kind, "-o", tmp_path / name, "--width", "page")
        assert result.exit_code == 0, result.output
    for suffix in ("pdf", "svg"):
        first = (tmp_path / f"a.{suffix}").read_bytes()
        assert first == (tmp_path / f"b.{suffix}").read_bytes() and b"Date" not in first
    content = (tmp_path / "a.pdf").read_bytes()
    fonts, files = content.count(b"/Type /FontDescriptor"), content.count(b"/FontFile2 ")
    assert fonts == files >= 1, "every font is in the file, as TrueType"
    assert not any(f"/BaseFont /{name}".encode() in content for name in BASE_14)
    left, bottom, right, top = map(float, re.search(rb"/MediaBox \[([^]]*)\]", content)[1].split())
    assert (right - left) / 72 == pytest.approx(WIDTHS["page"], abs=0.01)
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.width == pytest.approx(600 * WIDTHS["page"], abs=1)
    assert b"<text" not in (tmp_path / "a.svg").read_bytes(), "SVG cannot embed fonts"


@pytest.mark.parametrize(("width", "size"), [("column", 7), ("column", 10), ("page", 8)])
def test_names_of_forty_characters_are_whole_and_inside(run, width, size):
    look = Look(WIDTHS[width], size)
    figures = []
    with Store.open(run) as store:
        data = RunData.of(store)
    found, names = scene(run)
    measures = data.metrics("psnr,ssim")
    figures.append(qualitative.draw(qualitative.panels_of(found, names, measures), [], look))
    models, dataset = ChosenModels.of(None, data, []), data.rows["dataset"].iloc[0]
    figures.append(charts.levels(data, models, dataset, "mixture", measures[0], look).figure)
    figures.append(charts.bars(data, models, dataset, None, measures[0], look).figure)
    for figure in figures:
        figure.set_dpi(600)  # as files have; with fewer, letters are wider
        figure.draw_without_rendering()
        texts = texts_of(figure)
        assert "".join(LONG.split()) in "".join("".join(text.get_text().split()) for text in texts)
        boxes, whole = [text.get_window_extent() for text in texts], figure.bbox
        for box in boxes:
            assert box.x0 > -2 and box.x1 < whole.x1 + 2 and box.y0 > -2 and box.y1 < whole.y1 + 2
        for index, box in enumerate(boxes):
            touched = [other for other in range(index) if overlap(box, boxes[other]) > 6]  # 0.7 points
            assert not touched, (texts[index], texts[touched[0]])


def texts_of(figure) -> list:
    """All texts of a figure that are drawn: labels of ticks outside the axes are not."""
    hidden = set()
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        low, high = sorted(axis.get_view_interval())
        hidden |= {tick.label1 for tick in axis.get_major_ticks() if not low <= tick.get_loc() <= high}
    return [text for text in figure.findobj(Text) if text.get_visible() and text.get_text() and text not in hidden]


def overlap(one, other) -> float:
    """The smaller side of the common part of two boxes, in pixels; negative without one."""
    return min(min(one.x1, other.x1) - max(one.x0, other.x0), min(one.y1, other.y1) - max(one.y0, other.y0))


def test_text_is_divided_and_never_cut():
    for text in (LONG, "n" * 40, "dncnn(size='full', weights='a/b.pth')"):
        lines = divided(text, 60, 7)
        assert "".join("".join(lines).split()) == "".join(text.split())
        assert all(text_width(line, 7) <= 60 for line in lines)


def test_bars_are_the_ood_means_of_the_standings(run):
    with Store.open(run) as store:
        data = RunData.of(store)
        expected = standings(data.rows, conditions_of(start_entries(store))).set_index("model")
    labels = list(data.rows["model"].unique())
    noises = [noise for noise in data.rows["noise"].unique() if noise != "gaussian(sigma=15)"]
    means = charts.noise_means(data.rows, labels, noises, "psnr")
    for bound, column in {"mean": "ood", "low": "ood_low", "high": "ood_high"}.items():
        assert means[bound].tolist() == pytest.approx(expected.loc[labels, column].tolist())


def test_choices_that_mean_nothing_end_in_one_line(run, tmp_path):
    out = ("-o", tmp_path / "a.png")
    for wrong in (
        ["--image", "gone"],
        ["--noise", "mixture"],
        ["--metric", "lpips"],
        ["--models", "gone"],
        ["--seed", 7],
        ["--width", "wide"],
        ["levels", "--noise", "gaussian(sigma=25)"],
        ["levels", "--image", "a"],
        ["bars", "--zoom", "1,2,3"],
        ["bars", "--metric", "psnr,ssim"],
        ["--datasets", "gone"],
        ["--columns", 0],
    ):
        result = call("figure", run, *wrong, *out)
        assert result.exit_code == 2 and "Traceback" not in result.output, wrong
    assert call("figure", run, "-o", tmp_path / "a.gif").exit_code == 2
    assert call("figure", tmp_path / "nothing").exit_code == 2
    assert not (tmp_path / "a.png").exists()


def test_the_page_of_images_has_the_start_of_the_command(run, tmp_path):
    assert call("report", run, "-o", tmp_path / "site").exit_code == 0
    assert f"bench figure {run}" in (tmp_path / "site" / "data" / "images.js").read_text()
    assert "data-figure" in (tmp_path / "site" / "images.html").read_text()
