"""Writing of sites: other people's files, failures, listings and figures of strangers."""

import json

import pandas as pd
import pytest

from reports.copied_figures import copy_figure
from reports.csv_text import csv_text
from reports.data import AnalysisFigure
from reports.paper_study import PaperFigure
from reports.safe_svg import safe_svg
from reports.site_writer import SiteError, SiteWriter, files


def write(folder, **pages):
    with SiteWriter(folder) as writer:
        for name, text in pages.items():
            writer.text(f"{name}.html", text)


def texts(folder):
    return {path.name: path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_page_of_the_user_is_not_replaced(tmp_path):
    (tmp_path / "index.html").write_text("my page")
    with pytest.raises(SiteError, match=r"index\.html"):
        write(tmp_path, index="new")
    assert texts(tmp_path) == {"index.html": "my page"}


def test_other_pages_of_the_user_are_not_replaced_either(tmp_path):
    write(tmp_path, index="first")
    (tmp_path / "notes.html").write_text("mine")
    before = texts(tmp_path)
    with pytest.raises(SiteError, match=r"notes\.html"):
        write(tmp_path, index="second", notes="new")
    assert texts(tmp_path) == before


def test_a_site_that_fails_leaves_the_one_before_it(tmp_path):
    write(tmp_path, index="first", old="old")
    before = texts(tmp_path)

    def fail():
        with SiteWriter(tmp_path) as writer:
            writer.text("index.html", "second")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert texts(tmp_path) == before


def test_a_site_replaces_the_one_before_it(tmp_path):
    write(tmp_path, index="first", old="old")
    (tmp_path / "notes.txt").write_text("mine")
    write(tmp_path, index="second")
    assert {**texts(tmp_path), "site.json": ""} == {"index.html": "second", "notes.txt": "mine", "site.json": ""}


@pytest.mark.parametrize("name", ["../secret.txt", "/etc/hostname", "link.txt", "a/../../secret.txt", "folder/in.txt"])
def test_a_listing_names_files_of_its_site_only(tmp_path, name):
    site, secret = tmp_path / "site", tmp_path / "secret.txt"
    write(site, index="page")
    secret.write_text("secret")
    (site / "link.txt").symlink_to(secret)
    (site / "folder").symlink_to(tmp_path)
    (site / "site.json").write_text(json.dumps({"files": ["index.html", name]}))
    with pytest.raises(SiteError, match="inside"):
        files(site)


SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="9pt">{}</svg>'


@pytest.mark.parametrize(
    "part",
    [
        "<script>alert(1)</script>",
        '<rect onload="alert(1)" width="2"/>',
        '<a href="javascript:alert(1)"><rect width="2"/></a>',
        '<foreignObject><iframe xmlns="http://www.w3.org/1999/xhtml" src="https://example.org"/></foreignObject>',
        '<image xlink:href="https://example.org/alert.png"/>',
        "<style>@import url(https://example.org/alert.css);</style>",
        '<rect style="fill: url(https://example.org/alert.svg#a)"/>',
        '<rect><set attributeName="onclick" to="alert(1)"/></rect>',
        '<use href="other.svg#alert"/>',
    ],
)
def test_what_runs_or_loads_is_removed_from_a_figure(part):
    safe = safe_svg(SVG.format(f'<path d="M0 0" style="clip-path: url(#a)"/>{part}'))
    assert not any(word in safe for word in ("alert", "example.org"))
    assert "M0 0" in safe
    assert "url(#a)" in safe


def test_a_style_sheet_from_elsewhere_is_removed():
    assert "alert" not in safe_svg(f"<?xml-stylesheet href='https://example.org/alert.css'?>{SVG.format('')}")


def test_a_harmless_figure_is_not_changed():
    part = '<defs><path id="a"/></defs><use xlink:href="#a"/><a href="https://doi.org/1"><text>one</text></a>'
    assert safe_svg(SVG.format(part)) == SVG.format(part)


@pytest.mark.parametrize("text", ["no svg", "<html/>", '<!DOCTYPE svg [<!ENTITY a "b">]><svg>&a;</svg>'])
def test_other_files_are_no_figures(text):
    with pytest.raises(ValueError, match="expected an SVG file"):
        safe_svg(text)


def test_names_are_no_formulas_in_a_spreadsheet():
    frame = pd.DataFrame({"image": ["=1+1", "+a", "@b", "-c", "kodim01", "-1.5", None], "psnr": [-0.5, *range(6)]})
    lines = csv_text(frame).splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == ["'=1+1", "'+a", "'@b", "'-c", "kodim01", "-1.5", ""]
    assert lines[1].endswith(",-0.5")


@pytest.mark.parametrize("kind", ["analysis", "paper"])
def test_figures_of_a_strangers_run_are_copied_without_scripts(tmp_path, kind):
    svg = tmp_path / "figure.svg"
    svg.write_text(SVG.format("<script>alert(1)</script>"))
    if kind == "paper":
        source = PaperFigure("Title", "Caption", svg, None, None, "bench figure run")
    else:
        source = AnalysisFigure("cka", "CKA", "About", "Title", "Caption", "", svg, svg, svg)
    with SiteWriter(tmp_path / "site") as writer:
        figure = copy_figure(writer, source, "inside")
    assert all("alert" not in (tmp_path / "site" / address).read_text() for address in (figure.svg, figure.dark))
