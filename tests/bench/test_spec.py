"""The grammar of specs: parsing, canonical form, errors that help."""

import ast
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import spec
from bench.core.errors import BadInput
from bench.spec import Spec

LITERALS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=6,
)
NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True).filter(lambda name: name not in ("None", "True", "not"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ours", Spec("ours")),
        ("  gaussian ( 25 )", Spec("gaussian", (25,))),
        ("gaussian(sigma=-2.5)", Spec("gaussian", (), (("sigma", -2.5),))),
        ("builtin-ihc(limit=1)", Spec("builtin-ihc", (), (("limit", 1),))),
        ("a/b.py:Net(width=8)", Spec("a/b.py:Net", (), (("width", 8),))),
        ("my nets/a b.py:Net (8)", Spec("my nets/a b.py:Net", (8,))),
        ("chain(my nets/b.py:Mine, b)", Spec("chain", (Spec("my nets/b.py:Mine"), Spec("b")))),
        ("swinir(weights='x, (y).pth')", Spec("swinir", (), (("weights", "x, (y).pth"),))),
        (
            "chain(gaussian(sigma=10), poisson)",
            Spec("chain", (Spec("gaussian", (), (("sigma", 10),)), Spec("poisson"))),
        ),
        ("swinir(depths=(2, 2))", Spec("swinir", (), (("depths", (2, 2)),))),
        ("chain(a/b.py:Mine(2, x='(,'), b)", Spec("chain", (Spec("a/b.py:Mine", (2,), (("x", "(,"),)), Spec("b")))),
        ("x(mode=grey)", Spec("x", (), (("mode", Spec("grey")),))),
        ("x('it\\'s', \"a\\\\\", y)", Spec("x", ("it's", "a\\", Spec("y")))),
    ],
)
def test_parse(text, expected):
    assert spec.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "(", "gaussian(", "gaussian(25", "gaussian(25) + 1", "gaussian(25)(3)", "a b", "x(**y)", "x(*y)", "x(1 + 1)",
     "x(lambda: 1)", "x(y=__import__('os').system('true'))", "x([i for i in (1,)])", "x)", "'quoted'", "x(a=1, 2)",
     "x(1e5x)", "x(--1)", "x({[]: 1})", "x('a)", "x(y z)", "a b.py", "a.py:b c", "x(y(1) + 1)", "x(" + 5000 * "9" + ")",
     "x(" + 9999 * "-" + "1)", 1000 * "chain(" + "x" + 1000 * ")", 1000 * "(" + "1" + 1000 * ")",
     "x(" + 1000 * "[" + 1000 * "]" + ")",
     1000 * "chain("],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_what_is_not_a_spec_is_refused_in_one_line(text):
    with pytest.raises(BadInput) as error:
        spec.parse(text)
    assert len(str(error.value).splitlines()) == 1 and len(str(error.value)) < 300


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("ours,baseline", ["ours", "baseline"]),
        ("a(b=(1, 2)), c('x,y'), d([1, 2])", ["a(b=(1, 2))", "c('x,y')", "d([1, 2])"]),
        (" , a ,, ", ["a"]),
        ("", []),
    ],
)
def test_split(text, parts):
    assert spec.split(text) == parts


@pytest.mark.slow
@given(NAMES, st.dictionaries(NAMES, LITERALS, max_size=4))
def test_canonical_text_parses_back_to_the_same_values(name, values):
    text = spec.canonical(name, values, {})
    parsed = spec.parse(text)
    assert parsed.name == name
    assert dict(parsed.kwargs) == values
    assert spec.canonical(parsed.name, dict(parsed.kwargs), {}) == text


@dataclass(frozen=True)
class Thing:
    sigma: float
    border: str = "reflect"
    sizes: tuple = (1, 2)

    def __post_init__(self):
        object.__setattr__(self, "sigma", float(self.sigma))
        if self.sigma < 0:
            raise ValueError(f"sigma is {self.sigma}, wanted at least 0")


@pytest.mark.parametrize(
    "text", ["thing(25)", "thing(25.0)", "thing(sigma=2.5e1)", "thing(sigma=25, border='reflect')"]
)
def test_equal_things_have_equal_text(text):
    thing = spec.build(Thing, spec.parse(text), "thing")
    assert spec.canonical_dataclass("thing", thing) == "thing(sigma=25)"


@dataclass(frozen=True, init=False)
class Many:
    parts: tuple

    def __init__(self, *parts):
        object.__setattr__(self, "parts", parts)


def test_any_number_of_values_by_position():
    many = spec.build(Many, spec.parse("many(1, 'a', (2, 3.0))"), "thing")
    assert many == Many(1, "a", (2, 3.0))
    assert spec.canonical_dataclass("many", many) == "many(1, 'a', (2, 3))"
    with pytest.raises(BadInput, match="'parts'"):
        spec.build(Many, spec.parse("many(parts=1)"), "thing")


def test_nested_specs_have_canonical_text():
    text = spec.format_value(spec.parse("chain(gaussian( 10.0 ), poisson(alpha = 1), x(y, [1]))"))
    assert text == "chain(gaussian(10), poisson(alpha=1), x(y, (1,)))"
    assert spec.format_value(spec.parse(text)) == text
    nested = spec.canonical_dataclass("many", Many(Thing(3), 1), lambda v: Spec("t") if isinstance(v, Thing) else v)
    assert nested == "many(t, 1)"


def test_what_a_class_raises_is_told_in_one_line():
    def broken(x):
        raise KeyError("two\nlines")

    with pytest.raises(BadInput, match="^thing 'broken': KeyError: 'two"):
        spec.build(broken, spec.parse("broken(1)"), "thing")


def test_canonical_has_what_differs_in_the_order_of_the_fields():
    thing = spec.build(Thing, spec.parse("thing(sizes=[3], border='wrap', sigma=0.5)"), "thing")
    assert spec.canonical_dataclass("thing", thing) == "thing(sigma=0.5, border='wrap', sizes=(3,))"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("thing(sigm=1)", ["unknown parameter of thing", "'sigm'", "Did you mean 'sigma'"]),
        ("thing()", ["missing", "sigma"]),
        ("thing(1, 'a', 2, 3)", ["at most 3", "got 4"]),
        ("thing(1, sigma=2)", ["'sigma'", "twice"]),
        ("thing(-1)", ["sigma is -1.0", "wanted at least 0"]),
        ("thing('x')", ["thing"]),
    ],
)
def test_wrong_parameters_are_named(text, words):
    with pytest.raises(BadInput) as error:
        spec.build(Thing, spec.parse(text), "thing")
    assert all(word in str(error.value) for word in words), error.value


@given(st.text(max_size=40))
def test_any_text_either_parses_or_is_bad_input(text):
    try:
        parsed = spec.parse(text)
    except BadInput:
        return
    assert parsed.name and not parsed.name.isspace()
    ast.parse(repr(parsed))  # only literals and Specs came out


@pytest.mark.parametrize(
    ("default", "value", "expected"),
    [
        (1, 4.0, 4),
        (1, 4.5, 4.5),
        (2.0, 4.0, 4.0),
        ("estimated", 15.0, 15.0),
        (True, 1.0, 1.0),
        ((6, 6), (2.0, 3), (2, 3)),
        ((6, 6), [2.0], [2]),
        ((), (2.0,), (2.0,)),
        ((0.5,), [2.0], [2.0]),
        (((1,),), ((2.0,), (3.0,)), ((2,), (3,))),
    ],
)
def test_whole_numbers_are_whole_where_the_default_is(default, value, expected):
    found = spec.match_type(default, value)
    assert repr(found) == repr(expected)


@pytest.mark.parametrize("text", ["nets (1)/a.py:Net(8)", "nets (1)/a.py:Net", "a=1/a.py:Net", "n'ets/a.py:Net"])
def test_a_path_that_no_spec_can_have_is_told(text):
    with pytest.raises(BadInput, match="path of a file"):
        spec.parse(text)
