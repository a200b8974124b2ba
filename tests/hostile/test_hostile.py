"""The hostile cases that need no process of their own; `python -m tests.hostile` runs the others too."""

import pytest

from tests.hostile.cases import Case, all_cases
from tests.hostile.checker import make_template, problem_of

pytestmark = pytest.mark.slow
EACH = 8  # one of how many cases of a kind is run here
KINDS = {case.kind for case in all_cases()}


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile") / "template"
    make_template(folder)
    return folder


def sample(kind):
    """Some cases of a kind, the same in every run."""
    return [case for case in all_cases() if case.kind == kind and not case.process][::EACH]


@pytest.mark.parametrize(
    "case", [case for kind in sorted(KINDS) for case in sample(kind)], ids=lambda case: f"{case.kind}: {case.name}"
)
def test_a_hostile_input_ends_in_one_line(case, template, tmp_path):
    assert problem_of(case, template, tmp_path / "sandbox") == ""


def test_the_checker_notices_a_traceback(template, tmp_path, monkeypatch):
    case = Case("checker", "a run", ("status", "run"))
    monkeypatch.setattr("bench.runs.store.check_entries", lambda _: 1 / 0)
    assert "ZeroDivisionError" in problem_of(case, template, tmp_path / "sandbox")
