"""Specs: text that names a thing and its parameters, `gaussian(sigma=25)`.

Grammar: `name` or `name(arguments)`. Arguments are Python literals or specs, by position or by name. The text is
parsed with `ast` and never evaluated. The canonical form has the parameters that differ from their defaults, by
name, in the order of the fields, numbers normalized (25.0 is 25), so that equal things have equal text.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.errors import BadInput, unknown


@dataclass(frozen=True)
class Spec:
    """A parsed spec; values are literals or further Specs."""

    name: str
    args: tuple[Any, ...] = ()
    kwargs: tuple[tuple[str, Any], ...] = ()

    @property
    def bare(self) -> bool:
        """Whether no parameters were given."""
        return not self.args and not self.kwargs


def parse(text: str) -> Spec:
    """'name(arguments)' -> Spec. Raises BadInput with the place of the mistake."""
    text = text.strip()
    name, bracket, rest = text.partition("(")
    name = name.strip()
    if not name or re.search(r"[\s,()\[\]{}'\"=]", name):
        raise BadInput(f"{text!r} is not a spec: wanted a name, or name(parameter=value, ...)")
    if not bracket:
        return Spec(name)
    try:
        call = ast.parse("_(" + rest, mode="eval").body
    except SyntaxError as error:
        raise BadInput(f"{text!r} is not a spec: {error.msg} near {rest[: error.offset or 0]!r}") from None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id != "_":
        raise BadInput(f"{text!r} is not a spec: wanted name(parameter=value, ...) and nothing behind it")
    if any(keyword.arg is None for keyword in call.keywords) or any(isinstance(a, ast.Starred) for a in call.args):
        raise BadInput(f"{text!r} is not a spec: * and ** are not allowed")
    args = tuple(_value(node, text) for node in call.args)
    kwargs = tuple((keyword.arg, _value(keyword.value, text)) for keyword in call.keywords)
    return Spec(name, args, kwargs)


def _value(node: ast.expr, text: str) -> Any:
    if isinstance(node, ast.Name):
        return Spec(node.id)
    if isinstance(node, ast.Call):
        return parse(ast.unparse(node))
    try:
        return ast.literal_eval(node)
    except ValueError:
        wrong = ast.unparse(node)
        raise BadInput(f"{wrong!r} in {text!r} is not a literal: wanted a number, text in quotes, or a spec") from None


def split(text: str) -> list[str]:
    """Split a list of specs at the commas outside brackets and quotes; blank parts are dropped."""
    parts, depth, quote, start = [], 0, "", 0
    for place, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == "," and depth == 0:
            parts.append(text[start:place])
            start = place + 1
    parts.append(text[start:])
    return [part.strip() for part in parts if part.strip()]


def bind(spec: Spec, parameters: Mapping[str, inspect.Parameter], kind: str) -> dict[str, Any]:
    """Parameters by name, as given (no defaults). Raises BadInput for one that is unknown, twice or missing."""
    names = list(parameters)
    if len(spec.args) > len(names):
        wanted = f"at most {len(names)} ({', '.join(names)})" if names else "none"
        raise BadInput(f"{kind} {spec.name!r} got {len(spec.args)} parameters, wanted {wanted}")
    given = dict(zip(names, spec.args, strict=False))
    for name, value in spec.kwargs:
        if name not in parameters:
            raise unknown(f"parameter of {spec.name}", name, names)
        if name in given:
            raise BadInput(f"{kind} {spec.name!r} got the parameter {name!r} twice")
        given[name] = value
    missing = [n for n, p in parameters.items() if p.default is inspect.Parameter.empty and n not in given]
    if missing:
        raise BadInput(f"{kind} {spec.name!r} needs {', '.join(missing)}: write {spec.name}({missing[0]}=...)")
    return given


def parameters_of(factory: Callable) -> dict[str, inspect.Parameter]:
    """The named parameters that a class or function can be called with."""
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {n: p for n, p in inspect.signature(factory).parameters.items() if p.kind in named}


def literal(text: str) -> Any:
    """A Python literal where the text is one, else the text itself: 10, (2, 2), one-cycle, 3conv."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def like(default: Any, value: Any) -> Any:
    """A value as its parameter takes it: 4.0 is 4 where the default is a whole number, in lists too."""
    if isinstance(value, list | tuple):
        inner = default[0] if isinstance(default, list | tuple) and default else None
        return type(value)(like(inner, item) for item in value)
    whole = isinstance(default, int) and not isinstance(default, bool)
    return int(value) if whole and isinstance(value, float) and value.is_integer() else value


def build(factory: Callable, spec: Spec, kind: str) -> Any:
    """Call a class or function with a spec's parameters; its ValueError and TypeError become BadInput."""
    given = bind(spec, parameters_of(factory), kind)
    try:
        return factory(**given)
    except (ValueError, TypeError) as error:
        raise BadInput(f"{kind} {spec.name!r}: {error}") from error


def canonical(name: str, values: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    """The one text of a thing: `values` that differ from `defaults`, in the order of `values`."""
    shown = {k: v for k, v in values.items() if k not in defaults or format_value(v) != format_value(defaults[k])}
    inner = ", ".join(f"{key}={format_value(value)}" for key, value in shown.items())
    return f"{name}({inner})" if inner else name


def canonical_dataclass(name: str, thing: Any) -> str:
    """The canonical text of an instance of a dataclass."""
    fields = dataclasses.fields(thing)
    defaults = {f.name: f.default for f in fields if f.default is not dataclasses.MISSING}
    return canonical(name, {f.name: getattr(thing, f.name) for f in fields}, defaults)


def format_value(value: Any) -> str:
    """A value as it stands in a canonical spec: numbers normalized, tuples for lists, text in single quotes."""
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, list | tuple):
        inner = ", ".join(format_value(item) for item in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, Spec):
        return canonical(value.name, {**{f"_{i}": v for i, v in enumerate(value.args)}, **dict(value.kwargs)}, {})
    return repr(value)
