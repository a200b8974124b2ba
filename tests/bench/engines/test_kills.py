"""A run that is killed at any moment and started again ends like one that was left alone."""

import pytest

from tests.benchmarks.kills import kills, make_material

pytestmark = pytest.mark.slow


def test_ten_kills_at_random_moments(tmp_path):
    make_material(tmp_path)
    done = list(kills(tmp_path, 10))
    assert len(done) == 10 and sum(kill.alive for kill in done) >= 5
    assert any(0 < kill.rows < 30 for kill in done)
