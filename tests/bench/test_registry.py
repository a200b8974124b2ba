"""Modules of the installation are found by the marker that they assign, in `bench` and in the packages it imports."""

from pathlib import Path

import pytest

from bench import metrics, protocols, registry
from bench.analyses import cards
from bench.models.cards import models
from reports.panels import load_panels

ROOT = Path(__file__).parents[2]


def test_each_kind_is_found_by_its_marker():
    assert {"psnr", "ssim", "lpips"} <= set(metrics.names()) and metrics.load_metric("psnr").name == "psnr"
    assert "masked-denoising" in protocols.names() and protocols.load_protocol("masked-denoising").border == 1
    assert [card.name for card in cards()][:2] == ["predict", "srga"]
    assert {"dncnn", "tv", "ours"} <= models().keys()
    assert registry.modules("reports.panels", "PANEL").keys() == load_panels().keys()


def test_a_new_module_is_found(tmp_path, monkeypatch):
    package = tmp_path / "parts"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "mine.py").write_text('"""Words."""\nMARK = 3\n')
    (package / "other.py").write_text("import does_not_exist\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert registry.modules("parts", "MARK") == {"mine": {"__doc__": "Words.", "MARK": 3}}
    assert registry.load("parts", "mine", "MARK") == 3
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        registry.folder("no_such_package")


def test_no_other_module_of_bench_lists_modules():
    users = {file.name for file in (ROOT / "bench").rglob("*.py") if "iter_modules" in file.read_text()}
    assert users == {"registry.py", "user_imports.py"}
