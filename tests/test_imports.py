"""The imports form a star: `bench` imports the four leaves, the leaves import neither `bench` nor each other; and the
parts of `bench` import each other in one direction."""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LEAVES = ("noise_zoo", "baselines", "analysis", "reports")
HEAVY = {"reports": {"torch"}, "noise_zoo": {"torch"}}


def imported(file: Path) -> set[str]:
    """Top-level packages that a file imports anywhere."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("leaf", LEAVES)
def test_a_leaf_imports_neither_bench_nor_another_leaf(leaf):
    forbidden = {"bench", *LEAVES, *HEAVY.get(leaf, set())} - {leaf}
    for file in (ROOT / leaf).rglob("*.py"):
        assert not imported(file) & forbidden, f"{file.relative_to(ROOT)} imports {imported(file) & forbidden}"


def parts_imported(file: Path) -> set[str]:
    """Modules and packages right below `bench` that a file imports anywhere."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "bench":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("bench."):
            found.add(node.module.split(".")[1])
    return found


@pytest.mark.slow
def test_the_parts_of_bench_import_each_other_in_one_direction():
    needs = {}
    for file in (ROOT / "bench").rglob("*.py"):
        part = file.relative_to(ROOT / "bench").parts[0].removesuffix(".py")
        needs.setdefault(part, set()).update(parts_imported(file) - {part})
    assert len(needs) > 10
    graphlib.TopologicalSorter(needs).prepare()  # raises CycleError, which names the circle


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["--help"], ["noise", "list"], ["models", "list"], ["data", "list"]])
def test_listing_imports_neither_torch_nor_scikit_image(arguments):
    program = (
        f"import sys; sys.argv = ['bench', *{arguments!r}]\n"
        "from bench.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print({'torch', 'skimage', 'pywt', 'bm3d'} & sys.modules.keys(), file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert result.stderr.strip().splitlines()[-1] == "set()", result.stderr
