"""The tutorial runs from its first to its last cell, and is stored without outputs."""

import json
import os
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
TUTORIAL = Path(__file__).with_name("tutorial.ipynb")


@pytest.mark.filterwarnings("default")  # of the libraries that start the kernel
def test_the_tutorial_runs(tmp_path, monkeypatch):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])))
    monkeypatch.setenv("PYTHONWARNINGS", "ignore::FutureWarning")
    notebook = nbformat.read(TUTORIAL, as_version=4)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = "\n".join(json.dumps(cell.get("outputs", [])) for cell in notebook.cells)
    assert "<progress" in shown and "<td>mine</td>" in shown and "image/png" in shown
    assert (tmp_path / "site/index.html").is_file()


def test_the_tutorial_has_no_outputs():
    cells = [cell for cell in json.loads(TUTORIAL.read_text())["cells"] if cell["cell_type"] == "code"]
    assert len(cells) > 8 and not any(cell["outputs"] or cell["execution_count"] for cell in cells)
