"""Fingerprints differ wherever numbers may, and code that cannot be identified has none."""

import linecache
from itertools import combinations

import numpy as np
import pytest
import torch

from bench.core import object_fingerprint

NOISE = """
from dataclasses import dataclass
from noise_zoo.noise import Noise
import math

FACTOR = 2

@dataclass(frozen=True)
class Shift(Noise):
    amount: float
    def __call__(self, clean, rng):
        return clean + self.amount * FACTOR, clean
"""


def typed(source, name="/nowhere/cell_1.py"):
    """What a cell of a notebook defines."""
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    names = {"__name__": "__main__"}
    exec(compile(source, name, "exec"), names)
    return names


def test_data_that_differs_has_another_fingerprint():
    values = [1, 1.0, True, "1", b"1", None, [1], (1,), [1, [2]], [[1], 2], {1}, {"a": 1}, {"a": 2}, {"b": 1},
              np.zeros(2), np.zeros((2, 1)), np.zeros(2, np.float32), torch.zeros(2), torch.zeros(2, 1),
              torch.float32, torch.nn.functional.relu, torch.nn.functional.gelu, torch.nn.ReLU,
              torch.nn.Parameter(torch.zeros(3))]  # fmt: skip
    prints = list(map(object_fingerprint.of_data, values))
    assert all(prints) and all(one != other for one, other in combinations(prints, 2))


@pytest.mark.parametrize(
    "value", [object(), type("Own", (list,), {})(), lambda x: x, [lambda x: x], np.array([object()]), torch.nn.ReLU()]
)
def test_what_is_not_data_has_none(value):
    assert not object_fingerprint.of_data(value)


def test_a_class_of_a_notebook_is_its_text_and_the_data_that_it_uses():
    def of(source, name="/nowhere/cell_1.py"):
        return object_fingerprint.of_class(typed(source, name)["Shift"])

    first = of(NOISE)
    assert first and first == of(NOISE, "/nowhere/cell_2.py")  # in whichever cell
    assert first != of(NOISE.replace("self.amount *", "self.amount /"))
    assert first != of(NOISE.replace("FACTOR = 2", "FACTOR = 3"))
    assert first != of(NOISE.replace("    amount: float", "    amount: float\n    unit: str = 'x'"))


@pytest.mark.parametrize(
    ("change", "to"),
    [
        ("FACTOR = 2", "def FACTOR(): pass"),  # code of another cell
        ("FACTOR = 2", "FACTOR = object()"),
        (
            "    def __call__",
            "    @staticmethod\n    def wrap(f):\n        return f\n    @math.factorial\n    def __call__",
        ),
        ("    amount: float", "    amount: float\n    other = object()"),
    ],
)
def test_a_class_of_a_notebook_that_uses_other_code_has_none(change, to):
    source = NOISE.replace(change, to).replace("@math.factorial", "@(lambda f: lambda self, c, r: f(self, c, r))")
    assert object_fingerprint.of_class(typed(source)["Shift"]) == ""


def test_functions():
    source = "import math\ndef half(x, by=0.5):\n    return x * by\n"
    first = object_fingerprint.of_function(typed(source)["half"])
    assert first and first != object_fingerprint.of_function(typed(source.replace("0.5", "0.25"))["half"])
    assert not object_fingerprint.of_function(lambda x: x)
    assert not object_fingerprint.of_function(test_functions.__get__(1))
