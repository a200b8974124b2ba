"""Integers that users type."""

import pytest

from bench.core.integers import integer_of, integers_of


def test_integers():
    assert integers_of("0, 12,007") == (0, 12, 7)
    assert integer_of(" 512 ", minimum=1) == 512
    assert integer_of("9" * 18) < 2**63


@pytest.mark.parametrize(
    "text", ["²", "①", "٣", "１", "1" * 5000, "9" * 19, "-1", "+1", "1_0", "1.5", "", " ", "1,", "x"]
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match="expected integers"):
        integers_of(text)


def test_a_minimum():
    with pytest.raises(ValueError, match="at least 1"):
        integer_of("0", minimum=1)
