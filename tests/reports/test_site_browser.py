"""The site in a real browser: no errors, no requests, sorting, comparing, deep links, narrow screens, both themes."""

import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from reports import AnalysisFigure, Numbers, RunComparison, Study, build
from reports.index import StudyEntry
from reports.index import build as index_of_studies
from reports.summary import read

pytestmark = pytest.mark.browser
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no chromium on the path")
    with playwright.sync_playwright() as started:
        instance = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield instance
        instance.close()


def watch(page, troubles: list[str]) -> None:
    """Collects what goes wrong on a page: errors, requests that leave the folder, files that are missing."""
    page.on(
        "console",
        lambda message: troubles.append(message.text) if message.type in ("error", "warning") else None,
    )
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on(  # a picture that the page itself gives up for another one is no failure; a missing file is
        "requestfailed",
        lambda request: None if request.failure == "net::ERR_ABORTED" else troubles.append(f"failed: {request.url}"),
    )
    page.on(
        "request",
        lambda request: None if request.url.startswith(("file:", "data:")) else troubles.append(request.url),
    )


@pytest.fixture
def open_page(browser):
    """A function that opens a file and fails at the end on errors or requests that leave the folder."""
    contexts, troubles = [], []

    def open_(path: Path, address: str = "", width: int = 1280, scheme: str = "light", scripts: bool = True):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=scripts
        )
        contexts.append(context)
        page = context.new_page()
        watch(page, troubles)
        page.goto(path.as_uri() + address)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert troubles == []


def models(page) -> list[str]:
    return page.eval_on_selector_all(
        ".variant.chosen table.leaderboard tbody:first-of-type tr th",
        "heads => heads.map(h => h.dataset.value)",
    )


@pytest.fixture(scope="module")
def index(make_study_in, tmp_path_factory):
    """The first page of a site of two data sets, four models and five settings; tests only look at it."""
    folder = tmp_path_factory.mktemp("site")
    return build(*make_study_in(folder)(pictured=2, images=6, size=32), folder / "site")


def ready(page):
    page.wait_for_selector("[data-images][data-ready]")


def says(page, selector: str, *texts: str):
    """Waits until an element's text has all these in it."""
    page.wait_for_function(
        "([selector, texts]) => texts.every(text => document.querySelector(selector)?.textContent.includes(text))",
        arg=[selector, list(texts)],
    )


CAPTION = "[data-caption]"


def test_every_page_at_two_widths_and_themes(index, open_page, screenshots):
    paths = [path for path in sorted(index.parent.glob("*.html")) if not path.name.startswith("model-")]
    for path in (*paths, index.parent / "model-ours.html"):
        for width, scheme in ((1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")):
            page = open_page(path, width=width, scheme=scheme)
            if path.name == "images.html":
                ready(page)
            page.screenshot(path=screenshots / f"{path.stem}-{width}-{scheme}.png", full_page=True)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path.name
            background = page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert (background == "rgb(20, 23, 27)") == (scheme == "dark")


def test_theme_toggle_is_kept(index, open_page):
    page = open_page(index)
    page.click("[data-theme-toggle]")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.goto((index.parent / "methods.html").as_uri())
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_sorting(index, open_page):
    page = open_page(index)
    assert models(page)[0] == "ours"
    head = page.locator(".variant.chosen table.leaderboard thead th", has_text="sigma=15")
    head.locator("button").click()
    assert models(page)[-1] == "ours" and head.get_attribute("aria-sort") == "descending"
    head.locator("button").press("Enter")
    assert models(page)[0] == "ours" and head.get_attribute("aria-sort") == "ascending"
    page.locator(".variant.chosen table.leaderboard thead th.model button").click()
    assert models(page) == sorted(models(page))
    page.locator(".variant.chosen table.leaderboard thead th.rank button").click()
    assert models(page)[0] == "ours"


def test_filtering_models(index, open_page):
    page = open_page(index)
    page.locator("[data-filter]").fill("DNC")
    rows = page.locator(".variant.chosen table.leaderboard tbody:first-of-type tr:visible")
    assert rows.count() == 1 and "dncnn" in rows.inner_text()


def test_choices_move_together(index, open_page):
    page = open_page(index)
    page.locator("#leaderboard select[data-choice=dataset]").select_option("1")
    assert page.locator("#drop-heatmap select[data-choice=dataset]").input_value() == "1"
    page.locator("#leaderboard .segments label", has_text="SSIM").click()
    caption = page.locator("#leaderboard .variant.chosen .caption").inner_text()
    assert "CBSD68" in caption and "SSIM" in caption
    assert page.locator("#leaderboard .variant.chosen").count() == 1


def test_series_can_be_hidden(index, open_page):
    page = open_page(index.parent / "noise.html")
    page.wait_for_selector(".legend button")
    page.locator(".legend button", has_text="dncnn").click()
    page.wait_for_selector(".legend button[aria-pressed=false]")
    shown = page.eval_on_selector_all(
        ".multiples .series-2", "all => all.filter(e => e.style.display !== 'none').length"
    )
    assert shown == 0 and page.locator(".multiples .series-1").count() > 0


def test_values_of_charts_are_shown_on_hover_and_focus(index, open_page):
    page = open_page(index.parent / "noise.html")
    chart = page.locator(".multiples:visible svg.chart", has_text="level").first
    point = chart.locator(".series-noisy a").last
    point.scroll_into_view_if_needed()
    assert page.locator(".tip:visible").count() == 0
    point.hover()
    says(page, ".tip", "PSNR (dB)", "95% interval")
    tip, where = page.locator(".tip").bounding_box(), point.bounding_box()
    assert abs(tip["y"] + tip["height"] - where["y"]) < 30 and tip["x"] + tip["width"] <= 1280
    page.locator("h1").first.hover()
    assert page.locator(".tip:visible").count() == 0
    page = open_page(index, width=360)
    page.locator("#drop-heatmap svg:visible a").last.focus()
    says(page, ".tip", "noisy input", "mixture(level=4)")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("width", [360, 1280])
def test_texts_of_charts_stay_inside(index, open_page, width):
    """In the font of the page, which matplotlib does not know."""
    for name in ("index.html", "noise.html", "model-ours.html"):
        page = open_page(index.parent / name, width=width)
        outside = page.eval_on_selector_all(
            "svg.chart text",
            """texts => texts.filter(text => {
              const [box, all] = [text.getBoundingClientRect(), text.closest("svg").getBoundingClientRect()];
              return box.width && (box.left < all.left - 1 || box.right > all.right + 1
                || box.top < all.top - 3 || box.bottom > all.bottom + 3);
            }).map(text => text.textContent)""",
        )
        assert outside == []


def test_choosing_an_image_by_mouse_and_keys(index, open_page):
    page = open_page(index.parent / "images.html")
    ready(page)
    says(page, CAPTION, "image00", "mixture(level=2)")
    page.locator("[data-controls] label", has_text="level=4").click()
    says(page, CAPTION, "mixture(level=4)")
    page.locator("[data-table] tbody button", has_text="image01").click()
    says(page, CAPTION, "image01", "mixture(level=4)")
    page.locator("[data-images]").focus()
    page.keyboard.press("ArrowRight")
    says(page, CAPTION, "image00")
    page.keyboard.press("ArrowUp")
    says(page, CAPTION, "mixture(level=3)")
    page.locator("[data-controls] select").first.select_option("CBSD68(crop=256, limit=16)")
    says(page, CAPTION, "CBSD68", "mixture(level=3)")
    assert page.locator(".tile").count() == 6 and page.locator(".tile.best .psnr").count() == 1
    assert page.locator("[data-table] tbody tr").count() == 6


def test_every_picture_zooms_to_the_same_place(index, open_page):
    page = open_page(index.parent / "images.html")
    ready(page)
    page.locator(".tile .frame").nth(2).click(position={"x": 10, "y": 10})
    styles = page.eval_on_selector_all(
        ".pixels img",
        "all => all.map(i => { const s = getComputedStyle(i); return [s.transform, s.imageRendering].join(); })",
    )
    assert len(styles) == 9 and len(set(styles)) == 1 and "pixelated" in styles[0] and "matrix(4" in styles[0]
    assert "zoom=4" in page.url
    page.locator("[data-images]").focus()
    page.keyboard.press("Escape")
    assert "zoom" not in page.url
    broken = page.eval_on_selector_all(".frame img", "all => all.filter(i => i.complete && !i.naturalWidth).length")
    assert broken == 0


def test_dividers_are_dragged_and_moved_by_keys(index, open_page):
    page = open_page(index.parent / "images.html")
    ready(page)
    divider = page.locator(".divider").first
    box, stage = divider.bounding_box(), page.locator(".stage").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(stage["x"] + stage["width"] * 0.1, box["y"] + 20, steps=4)
    page.mouse.up()
    assert divider.get_attribute("aria-valuenow") == "10"
    clip = page.locator(".part").first.evaluate("e => e.style.clipPath")
    right = float(clip.split("(")[1].split()[1].rstrip("%"))
    assert right == pytest.approx(90, abs=0.5)
    divider.press("ArrowRight")
    assert divider.get_attribute("aria-valuenow") == "12"
    divider.press("End")
    assert divider.get_attribute("aria-valuenow") == page.locator(".divider").nth(1).get_attribute("aria-valuenow")


def test_four_pictures_are_compared_and_errors_shown(index, open_page):
    page = open_page(index.parent / "images.html")
    ready(page)
    assert page.locator(".part").count() == 3
    page.locator("[data-sources] label", has_text="dncnn").click()
    page.wait_for_function("document.querySelectorAll('.part').length === 4")
    page.locator("[data-sources] label", has_text="swinir").click()
    page.wait_for_function("document.querySelector('.stage').textContent.includes('swinir')")
    assert page.locator(".part").count() == 4
    page.locator("[data-images]").focus()
    page.keyboard.press("e")
    page.wait_for_selector(".part .difference .under")
    black = page.locator(".part", has_text="clean").locator("img").evaluate_all("all => all.map(i => i.src)")
    assert len(black) == 2 and black[0] == black[1]


def test_a_number_leads_to_its_images(index, open_page):
    page = open_page(index)
    page.locator("#leaderboard .variant.chosen tbody tr", has_text="dncnn").locator("a[href*='level%3D4']").click()
    ready(page)
    says(page, CAPTION, "mixture(level=4)")
    assert page.locator("[data-table] thead [aria-sort]").inner_text() == "dncnn"
    column = page.eval_on_selector_all("[data-table] tbody tr", "rows => rows.map(r => Number(r.cells[4].textContent))")
    assert column == sorted(column) and len(column) == 6
    mean = page.locator("[data-table] tfoot td").nth(3).inner_text()
    assert float(mean) == pytest.approx(sum(column) / 6, abs=0.011)


def test_a_mean_of_several_noises_leads_to_its_images_and_these_to_pictures(index, open_page):
    page = open_page(index)
    mean = page.locator("#leaderboard .variant.chosen tbody tr", has_text="dncnn").locator("td.rank + td")
    wanted = float(mean.get_attribute("data-value"))
    mean.locator("a").click()
    ready(page)
    says(page, CAPTION, "OOD mean")
    assert float(page.locator("[data-table] tfoot td").nth(3).inner_text()) == pytest.approx(wanted, abs=0.0051)
    parts = page.locator("[data-parts] tbody tr")
    assert parts.count() == 4
    of_image = [float(parts.nth(place).locator("td").nth(3).inner_text()) for place in range(4)]
    whole = page.locator("[data-table] tbody tr[aria-current=true] td").nth(3).inner_text()
    assert float(whole) == pytest.approx(sum(of_image) / 4, abs=0.0101)
    image = page.locator(CAPTION).inner_text().split()[0]
    parts.nth(2).locator("button").click()
    says(page, CAPTION, "mixture(level=3)", image)
    assert page.locator("[data-parts]:visible").count() == 0 and page.locator(".part").count() == 3


def test_a_heatmap_cell_leads_to_its_images_and_their_losses(index, open_page):
    page = open_page(index)
    page.locator("#drop-heatmap .variant.chosen svg a:visible").first.click()
    ready(page)
    says(page, CAPTION, "mixture(level=1)")
    assert page.locator("[data-table] input:checked").get_attribute("value") == "drop"
    losses = page.eval_on_selector_all(
        "[data-table] tbody tr", "rows => rows.map(r => Number(r.cells[2].dataset.value))"
    )
    assert losses == sorted(losses, reverse=True)


def test_deep_links(index, open_page):
    page = open_page(index.parent / "images.html")
    ready(page)
    page.locator("[data-controls] label", has_text="level=3").click()
    says(page, CAPTION, "level=3")
    page.locator("[data-table] tbody button", has_text="image01").click()
    page.locator("[data-sources] label", has_text="swinir").click()
    page.locator("[data-controls] label", has_text="×12").click()
    page.wait_for_selector(".difference")
    again = open_page(index.parent / "images.html", "#" + page.url.split("#")[1])
    ready(again)
    says(again, CAPTION, "image01", "level=3")
    says(again, ".stage", "swinir")
    assert again.locator(".part .difference").count() == again.locator(".part").count() == 4
    lost = open_page(
        index.parent / "images.html", "#dataset=gone&noise=gone&image=gone&model=gone&seed=x&zoom=x&show=x"
    )
    ready(lost)
    says(lost, CAPTION, "image00")


def test_the_command_of_a_view_names_its_image_noise_models_and_visible_square(index, open_page):
    from bench.commands.figure import figure

    page = open_page(index.parent / "images.html", "#zoom=4&x=100&y=0&measure=ssim")
    ready(page)
    page.locator("[data-controls] label", has_text="level=3").click()
    page.locator("[data-table] tbody button", has_text="image01").click()
    code = page.locator("[data-figure] code")
    assert not code.is_visible()
    page.locator("[data-figure] summary").click()
    assert "--models" not in code.inner_text(), "with one model in the comparison, all of them"
    page.locator("[data-sources] label", has_text="dncnn").click()
    page.wait_for_function("document.querySelector('[data-figure] code').textContent.includes('zoom')")
    words = shlex.split(code.inner_text())
    assert code.is_visible() and words[:3] == ["bench", "figure", "runs/first"]
    options = figure.make_context("figure", words[2:]).params  # the command accepts them
    models = options["models"].split(", ")
    assert "dncnn" in models and len(models) == 2, "those that are compared"
    assert options["zoom"] == ("24,0,8",) and options["metrics"] == "ssim"
    assert (options["image"], options["noise"], options["datasets"]) == ("image01", "mixture(level=3)", "builtin")
    page.keyboard.press("Escape")
    page.locator("[data-images]").focus()
    page.keyboard.press("Escape")
    assert "--zoom" not in code.inner_text()


def test_an_image_without_pictures_has_scores(index, open_page):
    page = open_page(index.parent / "images.html", "#image=image05")
    ready(page)
    says(page, CAPTION, "image05")
    says(page, "[data-sources]", "--pictures")
    assert page.locator(".stage:visible").count() == 0
    assert page.locator("[data-figure]:visible").count() == 0
    assert page.locator("[data-sources] input").count() == 0
    middle = page.locator(".comparison").bounding_box()
    scores = page.locator("[data-sources]").bounding_box()
    assert scores["x"] == middle["x"]  # no empty column beside them


def test_a_page_of_a_model(index, open_page):
    page = open_page(index.parent / "models.html")
    page.locator("table.models a", has_text="swinir").click()
    assert page.url.endswith("model-swinir.html")
    page.locator("#model-worst tbody a").first.click()
    ready(page)
    assert page.locator("[data-table] thead [aria-sort]").inner_text() == "swinir"


def test_without_scripts(index, open_page):
    page = open_page(index, scripts=False)
    assert page.locator("table.leaderboard:visible").count() == 6
    assert page.locator(".tile img:visible").count() == 6
    assert page.locator("[data-theme-toggle]:visible").count() == 0
    page = open_page(index.parent / "images.html", scripts=False)
    assert page.locator(".tile img:visible").count() == 6
    assert page.locator(".js-only:visible").count() == 0


HOSTILE = (
    "<img src=x onerror=alert(1)>\"'" + "w" * 300,
    "\N{HEBREW LETTER ALEF}\N{HEBREW LETTER BET} \N{GRINNING FACE} a&b=c#d?e%f+g,h",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_run_nothing(make_study, tmp_path, open_page, name):
    study, rows, numbers = make_study(models=("ours", name), datasets=(name, "b"), images=3, pictured=1, size=16)
    rows = rows.assign(image=name + rows["image"])
    study = replace(study, pictures=tuple(replace(one, image=name + one.image) for one in study.pictures))
    site = build(study, rows, numbers, tmp_path / "site").parent
    for path in sorted(site.glob("*.html")):
        page = open_page(path, width=390)
        if path.name == "images.html":
            ready(page)
            assert page.locator("[data-sources] tbody tr").count() == 4
        assert page.locator("img[src=x]").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path.name
        page.wait_for_load_state("networkidle")  # a picture that is left on its way counts as failed
    page = open_page(site / "index.html")
    page.locator("#leaderboard .variant.chosen tbody tr").nth(1).locator("td a").nth(1).click()
    ready(page)
    says(page, CAPTION, name)
    page.wait_for_load_state("networkidle")


@pytest.fixture
def figure(tmp_path):
    """A figure of the inside of networks, as an analysis saves it: its name is hostile."""
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(2, 1))
    drawn.subplots().plot([0, 1], color="#0072b2", label="ours")
    files = {kind: tmp_path / f"look.{kind}" for kind in ("svg", "png", "pdf")}
    for path in files.values():
        drawn.savefig(path)
    (tmp_path / "look.csv").write_text("x,y\n0,0\n1,1\n")
    texts = ("Similarity of layers", HOSTILE[1], HOSTILE[0], HOSTILE[1], HOSTILE[1])
    return AnalysisFigure("cka", *texts, csv=tmp_path / "look.csv", command=HOSTILE[0], **files)


def test_figures_of_the_inside_follow_the_theme(make_study, figure, tmp_path, open_page, screenshots):
    study, rows, numbers = make_study(pictured=0, images=3, datasets=("builtin",))
    study = replace(study, analysis_figures=(figure, replace(figure, analysis="srga", pdf=None)))
    site = build(study, rows, numbers, tmp_path / "site").parent
    for width, scheme in ((1280, "light"), (390, "dark")):
        page = open_page(site / "inside.html", width=width, scheme=scheme)
        shown = page.locator(".plate:visible img")
        assert shown.count() == 2 and page.locator("img[src=x]").count() == 0
        for place in range(2):
            shown.nth(place).scroll_into_view_if_needed()
            page.wait_for_function(
                "image => image.complete && image.naturalWidth", arg=shown.nth(place).element_handle()
            )
            assert shown.nth(place).get_attribute("src").endswith("-dark.svg") == (scheme == "dark")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.screenshot(path=screenshots / f"inside-{width}-{scheme}.png", full_page=True)
        page.click("[data-theme-toggle]")
        assert page.locator(".plate:visible img").first.get_attribute("src").endswith("-dark.svg") == (
            scheme == "light"
        )
    kinds = page.locator(".inside").evaluate_all(
        "all => all.map(one => [...one.querySelectorAll('.files a')].map(link => link.textContent))"
    )
    assert kinds == [["SVG", "PDF", "PNG", "CSV"], ["SVG", "PNG", "CSV"]]


def test_moves_lead_to_their_images(make_study, differences, tmp_path, open_page, screenshots):
    name = HOSTILE[0]
    study, rows, numbers = make_study(pictured=1, images=3, size=16, models=("ours", name), datasets=("builtin",))
    noises = (*(f"mixture(level={level})" for level in (1, 2, 3, 4)), "OOD mean")
    moved = differences(name, noises, p=0.25)
    compared = RunComparison(HOSTILE[1], "2025-02-01T12:00:00+00:00", moved, HOSTILE[0])
    site = build(replace(study, comparisons=(compared,)), rows, numbers, tmp_path / "site").parent
    for width, scheme in ((1280, "light"), (390, "dark")):
        page = open_page(site / "compare.html", width=width, scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("img[src=x]").count() == 0
        page.screenshot(path=screenshots / f"compare-{width}-{scheme}.png", full_page=True)
    page.locator("td a", has_text="OOD mean").click()
    ready(page)
    says(page, CAPTION, "OOD mean")
    page.go_back()
    page.locator("tbody a", has_text="image01").first.click()
    ready(page)
    says(page, CAPTION, "image01", "mixture(level=1)")


def test_an_index_of_studies_leads_to_their_images(make_study, numbers_of, tmp_path, open_page, screenshots):
    study, rows, _ = make_study(pictured=0, images=3, models=("ours", HOSTILE[0]), datasets=(HOSTILE[1],))
    entries = []
    for folder, run in (("one", HOSTILE[0]), ("two", HOSTILE[1])):
        past = replace(study, run=run, created=f"2025-03-0{len(entries) + 1}T12:00:00+00:00")
        later = rows.assign(psnr=rows["psnr"] + len(entries))
        build(past, later, numbers_of(later), tmp_path / "all" / folder)
        entries.append(StudyEntry(folder, read(tmp_path / "all" / folder)))
    site = index_of_studies("Studies", entries, tmp_path / "all")
    for width, scheme in ((1280, "light"), (390, "dark")):
        page = open_page(site, width=width, scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("img[src=x]").count() == 0
        page.screenshot(path=screenshots / f"studies-{width}-{scheme}.png", full_page=True)
    assert page.locator("tbody tr", has_text="ours").locator("td").last.inner_text() == "+1.00"
    page.locator("tbody tr", has_text="ours").locator("a").nth(1).click()
    ready(page)
    says(page, CAPTION, "OOD mean")
    assert "/two/images.html" in page.url


def test_a_missing_picture_is_not_taken_for_one_given_up(make_study, tmp_path, browser):
    site = build(*make_study(pictured=1, images=2, size=16, datasets=("builtin",)), tmp_path / "site").parent
    lost = sorted((site / "pictures").iterdir())
    for path in lost:
        path.unlink()
    troubles = []
    page = browser.new_page()
    watch(page, troubles)
    page.goto((site / "images.html").as_uri())
    ready(page)
    page.wait_for_load_state("networkidle")
    page.close()
    assert [one for one in troubles if one.startswith("failed: ") and "/pictures/" in one]


def test_empty_and_failed_runs_open(make_study, tmp_path, open_page):
    open_page(build(Study("Nothing"), pd.DataFrame(), Numbers(), tmp_path / "empty"))
    study, rows, numbers = make_study(pictured=0, images=3, failed=lambda model, noise, image: True)
    site = build(study, rows, numbers, tmp_path / "failed").parent
    for path in sorted(site.glob("*.html")):
        page = open_page(path)
        if path.name == "images.html":
            ready(page)
            says(page, "[data-table]", "failed")


def test_groups_of_models_are_sorted_each_by_itself(make_study, numbers_of, tmp_path, open_page):
    study, rows, numbers = make_study(images=3, pictured=0, datasets=("builtin",))
    others = dict.fromkeys(("baseline", "dncnn"), "gaussian(sigma=15), mixture(level=1-2)")
    page = open_page(build(study, rows, numbers_of(rows, **others), tmp_path / "site"))
    names = "heads => heads.map(h => h.dataset.value)"

    def shown():
        return page.eval_on_selector_all(".variant.chosen table.leaderboard tbody:not(.heading) th", names)

    assert shown()[:2] == ["ours", "swinir"] and set(shown()[2:4]) == {"baseline", "dncnn"} and shown()[4] == "noisy"
    page.locator(".variant.chosen table.leaderboard thead th", has_text="Model").locator("button").click()
    page.locator(".variant.chosen table.leaderboard thead th", has_text="Model").locator("button").click()
    assert shown() == ["swinir", "ours", "dncnn", "baseline", "noisy"]
    page.locator("[data-filter]").fill("dncnn")
    assert page.locator(".variant.chosen table.leaderboard tbody:not(.heading, .reference) tr:visible").count() == 1


def test_many_noises_can_be_filtered(make_study, six_noises, tmp_path, open_page):
    study = make_study(noises=six_noises, images=3, pictured=0, datasets=("builtin",))
    page = open_page(build(*study, tmp_path / "site"))
    heads = page.locator(".variant.chosen table.leaderboard thead tr:nth-child(2) th:visible")
    shown = [text.strip(" ↓") for text in heads.all_inner_texts()]
    assert shown == ["OOD mean", "sigma=15", "mean of 2", *["mean of 4"] * 2, "mean of 6", "isp", "mean of 4"]
    row = page.locator(".variant.chosen table.leaderboard tbody tr").first
    assert row.locator("td:visible").count() == 1 + len(shown)
    page.locator("[data-columns]").select_option("of speckle")
    assert heads.count() == 6  # the OOD mean, that of speckle, and its levels


def test_the_paper_beside_the_run(make_study, paper_study, tmp_path, open_page, screenshots):
    study, rows, summary = make_study(pictured=0, images=3, datasets=("builtin",))
    site = build(replace(study, paper=paper_study), rows, summary, tmp_path / "site")
    for width, scheme in ((1280, "light"), (360, "dark")):
        page = open_page(site.parent / "paper.html", width=width, scheme=scheme)
        page.screenshot(path=screenshots / f"paper-{width}-{scheme}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    display = "plate => getComputedStyle(plate).display"
    assert (
        page.locator(".plate.on-dark").evaluate(display) != "none" == page.locator(".plate.on-light").evaluate(display)
    )
    table = page.locator("article table").first.locator("tbody tr")
    ours, dncnn = (row.split() for row in table.all_inner_texts())
    assert ours[0] == "both" and {"30.00", "27.26", "\u22122.74", "26.50\u201328.10"} <= {*ours}
    assert "not the same size" in " ".join(ours) and "not the same size" not in " ".join(dncnn)
    assert dncnn[-2:] == ["\u2013", "\u2013"]  # SSIM has no value here
    text = page.locator("article").inner_text()
    assert "another order" in text and "not transcribed" in text and "builtin in place of CBSD68" in text
    verdicts = page.locator(".verdicts tbody tr").all_inner_texts()
    assert [one.split("\t")[1].strip() for one in verdicts] == ["holds", "does not hold", "not tested"]
    assert "+0.50 dB" in verdicts[0] and "weights missing" in verdicts[2]


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """The board of the shipped submissions, one of which was trained on other noise."""
    from bench.site.board import build as build_board

    folder = tmp_path_factory.mktemp("board")
    shipped = Path(__file__).parents[2] / "reports" / "board"
    shutil.copytree(shipped / "submissions", folder / "submissions")
    about = folder / "submissions" / "baseline" / "submission.toml"
    about.write_text(about.read_text().replace('noise = "gaussian(sigma=15)"', 'noise = "gaussian(sigma=0-55)"'))
    broken = folder / "submissions" / "ours" / "submission.toml"
    broken.write_text(broken.read_text().replace('paper = "', 'paper = "" # "'))
    return build_board(folder / "submissions", folder / "site", reruns=[shipped / "reruns" / "dncnn"])


def test_pages_of_a_board_at_two_widths_and_themes(board, open_page, screenshots):
    for path in (board, board.parent / "submission-dncnn.html"):
        for width, scheme in ((1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")):
            page = open_page(path, width=width, scheme=scheme)
            page.screenshot(path=screenshots / f"board-{path.stem}-{width}-{scheme}.png", full_page=True)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path.name


def test_filters_of_a_board_rank_those_that_are_shown(board, open_page):
    def ranks():
        rows = page.locator(".variant.chosen tr[data-key]:visible")
        return dict(rows.evaluate_all("rows => rows.map(row => [row.dataset.key, row.cells[1].textContent])"))

    page = open_page(board)
    assert set(ranks()) == {"baseline", "dncnn", "swinir", "tv"}
    assert ranks()["baseline"] == "" and ranks()["swinir"] == "1"  # baseline is alone in its group
    assert page.locator("#apart ~ .scroll tbody tr").count() == 1
    page.get_by_label("trained on Gaussian 15 only").check()
    assert ranks() == {"swinir": "1", "dncnn": "2"}
    page.locator("label", has_text="Near OOD").click()
    assert set(ranks()) == {"dncnn", "swinir"}
    page.get_by_label("verified", exact=True).check()
    assert ranks() == {"dncnn": ""}
    page.get_by_label("trained on Gaussian 15 only").uncheck()
    page.get_by_label("verified", exact=True).uncheck()
    page.locator(".variant.chosen tr[data-key='tv'] a").click()
    assert page.locator("h1").inner_text().startswith("tv")
