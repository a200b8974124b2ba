"""The site in a real browser: no errors, no requests, sorting, the gallery, narrow screens, both themes."""

import shutil
from pathlib import Path

import pytest

from reports import build

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
        page.on(
            "console",
            lambda message: troubles.append(message.text) if message.type in ("error", "warning") else None,
        )
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("requestfailed", lambda request: troubles.append(f"failed: {request.url}"))
        page.on(
            "request",
            lambda request: None if request.url.startswith(("file:", "data:")) else troubles.append(request.url),
        )
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


@pytest.fixture
def index(make_study, tmp_path):
    return build(*make_study(pictured=2, images=6, size=32), tmp_path / "site")


def ready(page):
    page.locator("[data-gallery]").scroll_into_view_if_needed()
    page.wait_for_selector("[data-gallery][data-ready]")


def test_every_page_at_two_widths_and_themes(index, open_page):
    for path in sorted(index.parent.glob("*.html")):
        for width, scheme in ((1280, "light"), (390, "dark")):
            page = open_page(path, width=width, scheme=scheme)
            if path == index:
                ready(page)
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


def test_choices_move_together(index, open_page):
    page = open_page(index)
    page.locator("#leaderboard select[data-choice=dataset]").select_option("1")
    assert page.locator("#level-curves select[data-choice=dataset]").input_value() == "1"
    page.locator("#leaderboard .segments label", has_text="SSIM").click()
    caption = page.locator("#leaderboard .variant.chosen .caption").inner_text()
    assert "CBSD68" in caption and "SSIM" in caption
    assert page.locator("#leaderboard .variant.chosen").count() == 1


def test_series_can_be_hidden(index, open_page):
    page = open_page(index)
    page.locator(".legend button", has_text="dncnn").click()
    shown = page.eval_on_selector_all(
        ".multiples .series-2", "all => all.filter(e => e.style.display !== 'none').length"
    )
    assert shown == 0 and page.locator(".multiples .series-1").count() > 0


def test_gallery_selection_keys_and_zoom(index, open_page):
    page = open_page(index)
    ready(page)
    caption = page.locator("[data-gallery-caption]")
    assert "image00" in caption.inner_text() and "mixture(level=2)" in caption.inner_text()
    page.locator("[data-gallery-controls] label", has_text="level=4").click()
    assert "mixture(level=4)" in caption.inner_text()
    page.locator(".strip button").nth(1).click()
    assert "image01" in caption.inner_text() and "mixture(level=4)" in caption.inner_text()
    page.locator("[data-gallery]").focus()
    page.keyboard.press("ArrowRight")
    assert "image00" in caption.inner_text() and "CBSD68" in caption.inner_text()
    page.keyboard.press("ArrowUp")
    assert "mixture(level=3)" in caption.inner_text()
    assert page.locator(".tile").count() == 6 and page.locator(".tile.best .psnr").count() == 1
    page.locator(".frame").nth(2).click(position={"x": 10, "y": 10})
    styles = page.eval_on_selector_all(
        ".frame img",
        "all => all.map(i => [getComputedStyle(i).transform, getComputedStyle(i).imageRendering].join())",
    )
    assert len(set(styles)) == 1 and "pixelated" in styles[0] and "matrix(4" in styles[0]
    page.keyboard.press("Escape")
    broken = page.eval_on_selector_all(".frame img", "all => all.filter(i => i.complete && !i.naturalWidth).length")
    assert broken == 0


def test_a_number_leads_to_its_pictures(index, open_page):
    page = open_page(index)
    page.locator("#leaderboard .variant.chosen a[data-show-noise='mixture(level=4)']").first.click()
    page.wait_for_function("document.querySelector('[data-gallery-caption]').textContent.includes('level=4')")
    assert "#gallery?" in page.url
    again = open_page(index, "#" + page.url.split("#")[1])
    again.wait_for_function("document.querySelector('[data-gallery-caption]').textContent.includes('level=4')")


def test_without_scripts(index, open_page):
    page = open_page(index, scripts=False)
    assert page.locator("table.leaderboard:visible").count() == 6
    assert page.locator(".tile img:visible").count() == 6
    assert page.locator("[data-theme-toggle]:visible").count() == 0


def test_hostile_names_run_nothing(make_study, tmp_path, open_page):
    name = "<img src=x onerror=alert(1)>\"'" + "w" * 300
    study = make_study(models=("ours", name), datasets=(name, "b"), images=3, pictured=1, size=16)
    page = open_page(build(*study, tmp_path / "site"), width=390)
    ready(page)
    assert page.locator("img[src=x]").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_many_noises_can_be_filtered(make_study, six_noises, tmp_path, open_page):
    study = make_study(noises=six_noises, images=3, pictured=0, datasets=("builtin",))
    page = open_page(build(*study, tmp_path / "site"))
    page.locator("[data-columns]").select_option("speckle")
    heads = page.locator(".variant.chosen table.leaderboard thead tr:nth-child(2) th:visible")
    assert heads.count() == 5
    page.locator("#level-curves .legend").scroll_into_view_if_needed()
