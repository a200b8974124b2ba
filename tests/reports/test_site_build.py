"""The site as files: what stands in it, hostile names, empty and failed runs."""

import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from reports import MeanDifference, ModelStanding, RunComparison, Study, build, index, panels
from reports.pages import MODEL
from reports.panels import Panel
from reports.results import Results
from reports.site_writer import SiteWriter
from reports.summary import read as read_summary

pytestmark = pytest.mark.slow

LOADS = {"src", "srcset", "poster", "data", "action", "formaction", "background"}
HOSTILE = (
    "<script>alert(1)</script>",
    "\"quotes' & ampersands",
    "\N{GRINNING FACE} \N{HEBREW LETTER ALEF}\N{HEBREW LETTER BET}",
    "very-long-" * 40,
    "$\\frac{1}{",
)


class Reader(HTMLParser):
    """Collects elements, ids, texts by tag and everything that a page would load."""

    def __init__(self, html: str):
        super().__init__()
        self.tags, self.ids, self.loads, self.links = [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.tags.append((tag, values))
        self.ids += [values["id"]] if "id" in values else []
        self.loads += [value for name, value in attributes if name in LOADS]
        if tag == "link":
            self.loads.append(values["href"])
        elif "href" in values:
            self.links.append(values["href"])


def read(index):
    return {path.name: path.read_text(encoding="utf-8") for path in index.parent.glob("*.html")}


def rows_of(html: str, which: int = 0) -> dict[str, list[str]]:
    """Model -> the classes of its cells in one of the leaderboard's tables."""
    table = html.split('<table class="leaderboard"')[which + 1].split("</table>")[0]
    found = {}
    for row in re.findall(r"<tr>\s*<th scope=\"row\".*?</tr>", table, re.DOTALL):
        model = re.search(r'data-value="([^"]*)"', row)[1]
        found[model] = re.findall(r"<td(?: data-[\w-]+=\"[^\"]*\")*(?: class=\"(\w+)\")?>", row)
    return found


def test_pages_and_files(make_study, tmp_path):
    study, rows, summary = make_study(pictured=1)
    index = build(study, rows, summary, tmp_path / "site")
    assert index == tmp_path / "site" / "index.html"
    pages = read(index)
    models = {f"model-{model}.html" for model in ("ours", "baseline", "dncnn", "swinir")}
    assert set(pages) == {"index.html", "noise.html", "models.html", "images.html", "methods.html"} | models
    for html in pages.values():
        page = Reader(html)
        assert len(page.ids) == len(set(page.ids)), "ids are unique"
        for address in page.loads + page.links:
            if not re.match(r"https?:|#|data:", address):
                assert (index.parent / address.split("#")[0]).is_file(), address
        for tag, values in page.tags:
            if tag == "img":
                assert values["alt"]
            if tag == "svg":
                assert values.get("aria-label") or values.get("aria-hidden")
    assert "bench run --models all" in pages["methods.html"] and study.not_measured[0] in pages["methods.html"]
    table = pd.read_csv(next((tmp_path / "site" / "tables").glob("builtin-psnr.csv")))
    assert list(table["model"])[-1] == "noisy" and "mixture(level=2) low" in table.columns
    for picture in (tmp_path / "site" / "charts").glob("*.svg"):
        assert picture.with_suffix(".csv").is_file()
        size = [float(re.search(rf'\b{side}="([\d.]+)pt"', picture.read_text())[1]) for side in ("width", "height")]
        paper = picture.with_suffix(".pdf").read_bytes()
        page = [float(number) for number in re.search(rb"/MediaBox \[ ([\d. ]+) \]", paper)[1].split()]
        assert paper.startswith(b"%PDF") and page == pytest.approx([0, 0, *size], abs=0.01)
    assert r"\toprule" in (tmp_path / "site" / "tables" / "builtin-psnr.tex").read_text(encoding="utf-8")


def downloads(site: Path, page: str) -> list[list[str]]:
    """The kinds of files that are linked right below each table of a page; each file is there and is whole."""
    found = []
    for after in (site / page).read_text(encoding="utf-8").split("</table>")[1:]:
        below = re.search(r'\A\s*</div>\s*<p class="files">(.*?)</p>', after, re.DOTALL)
        links = dict(
            reversed(one) for one in re.findall(r'<a href="([^"]+)" download>([^<]+)</a>', below[1] if below else "")
        )
        found.append(sorted(links))
        if "CSV" in links:
            assert len(pd.read_csv(site / links["CSV"])), links["CSV"]
        for address in (links[kind] for kind in links if kind.startswith("LaTeX")):
            text = (site / address).read_text(encoding="utf-8")
            columns = len(re.search(r"\\begin\{tabular\}\{(\w+)\}", text)[1])
            rows = [line for line in text.split(r"\midrule")[1].splitlines() if line.endswith(r" \\")]
            assert rows and {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {columns}, address
    return found


def test_every_table_can_be_downloaded(make_study, tmp_path):
    """But those that scripts draw on the page of images, which change as one chooses: they lead to every row as CSV."""
    study, rows, summary = make_study(
        pictured=0, images=4, datasets=("builtin",), failed=lambda model, noise, image: model == "dncnn" and image == 0
    )
    standing = ModelStanding("builtin", "ours", 4, (1.0, 1.0, 1.5), (0.9, 0.8, 1.0), "baseline")
    move = MeanDifference(
        "ours", "builtin", "mixture(level=1)", 4, 30.0, 30.5, 0.5, 0.4, 0.6, moved=(("image01", 0.7),)
    )
    compared = RunComparison("before", "2025-02-01T12:00:00+00:00", (move,))
    study = replace(study, standings=(standing,), comparisons=(compared,))
    entries = []
    for place, name in enumerate(("one", "two")):
        later = rows.assign(psnr=rows["psnr"] + place)
        build(replace(study, run=name), later, summary, tmp_path / "all" / name)
        entries.append(index.StudyEntry(name, read_summary(tmp_path / "all" / name)))
    index.build("Studies", entries, tmp_path / "all")
    site, both = tmp_path / "all" / "one", ["CSV", "LaTeX"]
    known = {page.name: downloads(site, page.name) for page in site.glob("*.html")}
    assert {page: len(tables) for page, tables in known.items() if tables} == {
        "index.html": 5,
        "models.html": 1,
        "compare.html": 2,
        "methods.html": 1,
        **{f"model-{model}.html": 2 for model in ("ours", "baseline", "dncnn", "swinir")},
    }
    alone = {page: tables.count(["CSV"]) for page, tables in known.items() if ["CSV"] in tables}
    assert alone == {"index.html": 1, "methods.html": 1}  # failed rows, and hashes of weights
    assert all(table in (both, ["CSV"]) for tables in known.values() for table in tables), known
    assert downloads(tmp_path / "all", "index.html") == [both]


def test_files_of_tables_have_the_numbers_of_the_pages(make_study, tmp_path):
    site = build(*make_study(pictured=0, images=4), tmp_path / "site").parent
    models = pd.read_csv(site / "tables" / "models.csv")
    assert len(models) == 8 and set(models["parameters"]) == {94_118, 95_118, 96_118, 97_118}
    page = (site / "models.html").read_text(encoding="utf-8")
    paper = (site / "tables" / "models.tex").read_text(encoding="utf-8")
    for value in models["OOD mean"]:
        assert f">{value:.2f}</a>" in page and f" {value:.2f} " in paper
    card = pd.read_csv(site / "tables" / "card-ours.csv")
    pd.testing.assert_frame_equal(
        card, models[models["model"] == "ours"][card.columns], check_like=True, check_dtype=False
    )
    behind = pd.read_csv(site / "tables" / "behind-dncnn.csv")
    page = (site / "model-dncnn.html").read_text(encoding="utf-8")
    assert behind["behind"].to_numpy() == pytest.approx((behind["psnr"] - behind["best"]).to_numpy())
    for value in behind["psnr"]:
        assert f"<td>{value:.2f}</td>" in page


def test_nothing_is_loaded_from_elsewhere(make_study, tmp_path):
    site = build(*make_study(pictured=1), tmp_path / "site").parent
    for html in read(site / "index.html").values():
        assert not [one for one in Reader(html).loads if re.match(r"(?:\w+:)?//", one)]
        assert "default-src 'none'" in html
    for path in [*site.rglob("*.css"), *site.rglob("*.js"), *site.rglob("*.svg")]:
        text = path.read_text(encoding="utf-8")
        outside = re.findall(r"https?://[^\s\"')]*", text)
        assert set(outside) <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}, path
        assert "@import" not in text and "fetch(" not in text and "XMLHttpRequest" not in text


def test_same_input_same_files(make_study, tmp_path):
    study = make_study(pictured=1, datasets=("builtin",))
    first, second = build(*study, tmp_path / "a").parent, build(*study, tmp_path / "b").parent
    files = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(second) for path in second.rglob("*") if path.is_file())
    assert all((first / one).read_bytes() == (second / one).read_bytes() for one in files)


def test_building_again_removes_only_the_old_site(make_study, tmp_path):
    study, rows, summary = make_study(pictured=1, datasets=("builtin",))
    site = build(study, rows, summary, tmp_path / "site").parent
    (site / "mine.txt").write_text("keep")
    build(replace(study, pictures=()), rows, summary, site)
    assert (site / "mine.txt").exists() and not list(site.glob("pictures/*"))


def test_best_in_bold_with_ties(make_study, tmp_path):
    html = read(build(*make_study(pictured=0, datasets=("builtin",)), tmp_path / "site"))["index.html"]
    cells = rows_of(html)
    # Columns: rank, OOD mean, gaussian 15, mixture 1-4. On Gaussian 15 baseline and SwinIR tie.
    assert cells["ours"] == ["rank", "best", "", "best", "best", "best", "best"]
    assert cells["baseline"][2] == cells["swinir"][2] == "best"
    assert cells["dncnn"][1:] == [""] * 6 and cells["noisy"][1:] == [""] * 6
    assert list(cells)[0] == "ours" and list(cells)[-1] == "noisy"


def test_the_headline_names_ties(make_study, summarize, tmp_path):
    study, rows, summary = make_study(pictured=0, datasets=("builtin",))
    twin = rows[rows["model"] == "ours"].assign(model="twin")
    twin["psnr"] += [0.1 if i % 2 else -0.1 for i in range(len(twin))]
    rows = pd.concat([rows, twin])
    html = read(build(study, rows, summarize(rows), tmp_path / "site"))["index.html"]
    lead = re.sub(r"<[^>]+>", "", re.search(r"<h1>(.*?)</h1>", html, re.DOTALL)[1])
    assert "tied" in lead and "twin" in lead and "ours" in lead


def test_six_noises_and_failures(make_study, six_noises, tmp_path):
    study = make_study(
        noises=six_noises,
        datasets=("builtin",),
        pictured=1,
        images=6,
        failed=lambda model, noise, image: model == "dncnn" and image < 2,
    )
    html = read(build(*study, tmp_path / "site"))["index.html"]
    assert 'id="failures"' in html and "out of memory" in html and "2 failed" in html
    assert (tmp_path / "site" / "tables" / "failed.csv").is_file()
    assert len(list((tmp_path / "site" / "charts").glob("psnr-builtin-*.svg"))) == 6


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names(make_study, summarize, tmp_path, name):
    study, rows, summary = make_study(
        models=("ours", name),
        datasets=(name,),
        images=3,
        pictured=1,
        size=16,
        failed=lambda m, n, i: m == name and i == 0,
    )
    rows = rows.assign(image=name + rows["image"], reason=name)
    pictures = tuple(replace(picture, image=name + picture.image) for picture in study.pictures)
    study = replace(study, title=name, command=name, pictures=pictures, not_measured=(name,), protocol_description=name)
    index = build(study, rows, summarize(rows), tmp_path / "site")
    for html in read(index).values():
        assert "<script>alert" not in html
        scripts = [values for tag, values in Reader(html).tags if tag == "script"]
        assert all(values.get("src", "").startswith("static/") for values in scripts)
    for script in (index.parent / "data").glob("*.js"):
        assert "<script>" not in script.read_text(encoding="utf-8")


def test_hostile_paper_address_is_no_link(make_study, tmp_path):
    study, rows, summary = make_study(pictured=0)
    cards = tuple(replace(card, paper="javascript:alert(1)") for card in study.models)
    pages = read(build(replace(study, models=cards), rows, summary, tmp_path / "site"))
    assert "javascript:alert" in pages["model-ours.html"]
    assert not [link for link in Reader(pages["model-ours.html"]).links if link.startswith("javascript")]


def test_empty_study(tmp_path):
    pages = read(build(Study("Nothing"), pd.DataFrame(), pd.DataFrame(), tmp_path / "site"))
    assert "no rows" in pages["index.html"]
    assert set(pages) == {"index.html", "methods.html"}


def test_only_failures(make_study, summarize, tmp_path):
    study, rows, summary = make_study(pictured=0, failed=lambda model, noise, image: True)
    rows = rows.assign(psnr_noisy=math.nan, ssim_noisy=math.nan)
    html = read(build(study, rows, summarize(rows), tmp_path / "site"))["index.html"]
    assert "all rows of this run failed" in html and "out of memory" in html


def test_single_model_single_image_no_reference(make_study, tmp_path):
    noises = {"mixture": ("level", (2.0,))}
    html = read(build(*make_study(noises=noises, models=("ours",), images=1, pictured=1), tmp_path / "site"))[
        "index.html"
    ]
    lead = re.sub(r"<[^>]+>", "", re.search(r"<h1>(.*?)</h1>", html, re.DOTALL)[1])
    assert "ours" in lead and "drop" not in lead and 'id="leaderboard"' in html


def test_unreadable_pictures_are_counted(make_study, tmp_path):
    study, rows, summary = make_study(pictured=1, datasets=("builtin",))
    study.pictures[-1].path.write_bytes(b"no picture")
    study.pictures[-2].path.unlink()
    html = read(build(study, rows, summary, tmp_path / "site"))["images.html"]
    assert "2 picture files" in html


@pytest.mark.parametrize("name", list(panels.load_panels()))
def test_panel_contract(name, make_study, tmp_path):
    panel = panels.load_panels()[name]
    assert isinstance(panel, Panel)
    template = panels.__path__[0].replace("/panels", f"/templates/panels/{name}.html")
    assert Path(template).is_file()
    study, rows, summary = make_study(pictured=0, datasets=("builtin",), models=("ours", "dncnn"), images=3)
    subject = ("dncnn",) if panel.page == MODEL else ()
    context = panel.context(Results(study, rows, summary), SiteWriter(tmp_path / "one"), *subject)
    assert context is None or isinstance(context, dict)
