"""The columns of rows before they have scores."""

from typing import get_type_hints

from bench.evaluation.pending import PendingJobs
from bench.evaluation.rows import failed, planned_row, with_smaller_tile
from bench.runs.plan import make_plan
from bench.runs.schema import COLUMNS, IDENTITY_COLUMNS, INTERNAL_COLUMNS, Row


def test_a_planned_row_has_the_columns_of_its_type(photos):
    plan = make_plan("tv", "gaussian(sigma=15)", None, (photos,))
    job = next(PendingJobs(plan, ()).jobs())
    row = planned_row(plan, job, (0, 0, 0), "cpu")
    columns = get_type_hints(Row).keys()
    assert row.keys() == columns - {"asked"} >= IDENTITY_COLUMNS.keys()
    assert (row["noise"], row["photograph"], row["device"]) == ("gaussian(sigma=15)", job.photograph, "cpu")
    reduced = with_smaller_tile(failed(row, "why"), 16)
    assert reduced.keys() == columns
    assert reduced.keys() <= {**COLUMNS, **INTERNAL_COLUMNS}.keys()
