"""Specs: text that names a thing and its parameters, `gaussian(sigma=25)`.

Grammar: `name` or `name(arguments)`. Arguments are Python literals or specs, by position or by name. The text is
parsed, never evaluated. The canonical form lists the parameters that differ from their defaults, by name, in the order
of the fields, with normalized numbers (25.0 becomes 25), so that equal objects have equal text. A name has no spaces,
except in the path of a file: `my nets/net.py:Net`.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import os
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bench.core.errors import BadInput, described, shortened, unknown

MAX_DEPTH = 40  # of nested brackets
SWITCHES = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}


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
    """Parse 'name(arguments)'. Raises BadInput for a syntax error."""
    text = text.strip()
    depth = max((depth for _, _, depth in _outside_quotes(text)), default=0)
    if depth > MAX_DEPTH:
        raise BadInput(f"spec {shortened(text)}: expected at most {MAX_DEPTH} nested brackets, got {depth}")
    return _parse(text)


def _parse(text: str) -> Spec:
    name, bracket, rest = text.partition("(")
    name, inner = name.strip(), rest.strip()
    path, colon, attribute = name.rpartition(".py:")
    if not name or re.search(r"[\s,()\[\]{}'\"=*]", path.replace(" ", "") + colon + attribute):
        raise BadInput(f"expected a spec, name or name(parameter=value, ...), got {shortened(text)}{_path_hint(name)}")
    if not bracket:
        return Spec(name)
    closing = next((index for index, _, depth in _outside_quotes(bracket + inner) if index and depth == 0), None)
    if closing is None:
        raise BadInput(f"spec {shortened(text)}: expected a closing bracket or quote, got the end of the text")
    if closing != len(inner):
        rest = shortened(inner[closing:])
        hint = _path_hint(inner[closing:])
        raise BadInput(f"spec {shortened(text)}: expected nothing after the last bracket, got {rest}{hint}")
    args, kwargs = [], []
    for part in split(inner[:-1]):
        named = re.match(r"([^\W\d]\w*)\s*=(?!=)", part)
        if named:
            kwargs.append((named[1], _value(part[named.end() :].strip(), text)))
        elif kwargs:
            raise BadInput(
                f"spec {shortened(text)}: expected name=value after other named values, got {shortened(part)}"
            )
        else:
            args.append(_value(part, text))
    return Spec(name, tuple(args), tuple(kwargs))


def _path_hint(text: str) -> str:
    return "; the path of a file must not contain brackets, commas, quotes or =" if ".py:" in text else ""


def _value(part: str, text: str) -> Any:
    """Parse one argument: a Python literal, or a nested spec. `text` is the whole spec, for messages."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of escapes in strings
            return ast.literal_eval(part)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        if not re.match(r"[-+.]*\d|[-+]", part):
            return _parse(part)
    raise BadInput(f"spec {shortened(text)}: expected a number, text in quotes or a spec, got {shortened(part)}")


def _outside_quotes(text: str) -> Iterator[tuple[int, str, int]]:
    """Yield (index, character, bracket depth) of the characters outside quotes; a bracket has the depth outside it."""
    depth, quote, escaped = 0, "", False
    for index, character in enumerate(text):
        if quote:
            if character == quote and not escaped:
                quote = ""
            escaped = character == "\\" and not escaped
        elif character in "'\"":
            quote = character
        else:
            depth -= character in ")]}"
            yield index, character, depth
            depth += character in "([{"


def split(text: str) -> list[str]:
    """Split a list of specs at the commas outside brackets and quotes; blank parts are dropped."""
    commas = [index for index, character, depth in _outside_quotes(text) if character == "," and depth == 0]
    parts = [text[start:end] for start, end in zip([0, *(c + 1 for c in commas)], [*commas, len(text)], strict=True)]
    return [part.strip() for part in parts if part.strip()]


def split_label(text: str) -> tuple[str, str]:
    """Split LABEL=SPEC into label and spec, without quotes around the label; the label is '' if there is none."""
    match = re.match(r"""\s*(?:'([^']*)'|"([^"]*)"|([^\s'"(),=]+))\s*=(?!=)\s*(?=\S)""", text)
    return (next(filter(None, match.groups()), ""), text[match.end() :].strip()) if match else ("", text)


def split_list(text: str) -> list[str]:
    """Split a list as users type it: at commas and spaces outside brackets and quotes; quotes around a part go.

    A path with spaces stays one part if it exists. Text with a path that does not exist is split at commas only, so
    that the error names the path.
    """
    return [_unquote(part) for piece in split(text) for part in _split_at_spaces(_without_spaces_around_equals(piece))]


def _without_spaces_around_equals(text: str) -> str:
    """'Mine = net.py:Net' -> 'Mine=net.py:Net', outside brackets and quotes."""
    equals = [index for index, character, depth in _outside_quotes(text) if character == "=" and depth == 0]
    for index in reversed(equals):
        text = f"{text[:index].rstrip()}={text[index + 1 :].lstrip()}"
    return text


def _split_at_spaces(text: str) -> list[str]:
    spaces = [index for index, character, depth in _outside_quotes(text) if character.isspace() and depth == 0]
    starts, ends = [0, *(index + 1 for index in spaces)], [*spaces, len(text)]
    words = [(start, end) for start, end in zip(starts, ends, strict=True) if start < end]
    parts: list[str] = []
    while words:
        (start, end), longer = words[0], [last for _, last in words[:0:-1]]
        end = next((last for last in longer if _exists(text[start:last])), end)
        part = text[start:end]
        if part.startswith("(") and parts:  # gaussian (sigma=25)
            parts[-1] += part
        elif "/" in part.partition("(")[0] and not _exists(_unquote(split_label(part)[1])):
            return [text]
        else:
            parts.append(part)
        words = [word for word in words if word[0] >= end]
    return parts


def _exists(text: str) -> bool:
    """Whether text names a file or folder, with parameters or without: DIR(crop=256), path/to/file.py:Net(width=32).

    A label in front of it does not count.
    """
    text = split_label(text)[1]
    if os.path.exists(os.path.expanduser(text)):
        return True
    name = text.partition("(")[0]
    file, source, attribute = name.partition(".py:")
    parameters = text[len(name) :]
    spaces = any(character.isspace() and depth == 0 for _, character, depth in _outside_quotes(parameters))
    if spaces or len(attribute.split()) > 1:  # something follows
        return False
    return os.path.exists(os.path.expanduser(file + source[:-1]).rstrip())


def _unquote(part: str) -> str:
    quoted = len(part) > 1 and part[0] in "'\"" and part.find(part[0], 1) == len(part) - 1
    return part[1:-1] if quoted else part


def bind(spec: Spec, parameters: Mapping[str, inspect.Parameter], kind: str, others: bool = False) -> dict[str, Any]:
    """Match the arguments of a spec to parameters: values by name, without defaults.

    kind    'model', 'noise', ...: for messages
    others  accept names that are not among the parameters

    Raises BadInput for a parameter that is unknown, given twice, or missing.
    """
    names = list(parameters)
    if len(spec.args) > len(names):
        expected = f"at most {len(names)} parameters ({', '.join(names)})" if names else "no parameters"
        raise BadInput(f"{kind} {spec.name!r}: expected {expected}, got {len(spec.args)}")
    given = dict(zip(names, spec.args, strict=False))
    for name, value in spec.kwargs:
        if name not in parameters and not others:
            raise unknown(f"parameter of {spec.name}", name, names)
        if name in given:
            raise BadInput(f"{kind} {spec.name!r}: parameter {name!r} is given twice")
        given[name] = value
    missing = [n for n, p in parameters.items() if p.default is inspect.Parameter.empty and n not in given]
    if missing:
        raise BadInput(f"{kind} {spec.name!r}: missing {', '.join(missing)}: write {spec.name}({missing[0]}=...)")
    return given


def parameters_of(factory: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The parameters of a class or function that can be given by name. Raises BadInput for a positional-only one."""
    parameters = inspect.signature(factory).parameters
    if nameless := next((n for n, p in parameters.items() if p.kind is inspect.Parameter.POSITIONAL_ONLY), None):
        owner = getattr(factory, "__name__", "the function")
        raise BadInput(
            f"{owner}: expected parameters that can be given by name, got {nameless} before a /: remove the /"
        )
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {n: p for n, p in parameters.items() if p.kind in named}


def accepts_any_name(factory: Callable[..., Any]) -> bool:
    """Whether a class or function accepts arbitrary names, f(**others)."""
    parameters = inspect.signature(factory).parameters.values()
    return any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters)


def parse_literal(text: str) -> Any:
    """The Python literal that a text is, or else the text itself: 10, (2, 2), one-cycle, 3conv."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of escapes in strings
            return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text


def match_type(default: Any, value: Any) -> Any:
    """Convert 4.0 to 4 where the parameter's default is an integer, also inside lists."""
    if isinstance(value, list | tuple):
        inner = default[0] if isinstance(default, list | tuple) and default else None
        return type(value)(match_type(inner, item) for item in value)
    integer = isinstance(default, int) and not isinstance(default, bool)
    return int(value) if integer and isinstance(value, float) and value.is_integer() else value


def parse_setting(name: str, text: str, default: Any) -> Any:
    """The value of `--set name=text` for a parameter with this default. Raises BadInput for a switch not on or off."""
    if not isinstance(default, bool):
        return match_type(default, parse_literal(text))
    if text.strip().lower() not in SWITCHES:
        raise BadInput(f"{name}: expected on or off (or true, false, yes, no), got {text!r}")
    return SWITCHES[text.strip().lower()]


def variadic_name(factory: Callable[..., Any]) -> str | None:
    """The name of a variadic positional parameter, `parts` of f(*parts); None if there is none."""
    parameters = inspect.signature(factory).parameters.values()
    return next((p.name for p in parameters if p.kind is inspect.Parameter.VAR_POSITIONAL), None)


def build(factory: Callable[..., Any], spec: Spec, kind: str) -> Any:
    """Call a class or function with the parameters of a spec. Raises BadInput for whatever it raises."""
    args, rest = (spec.args, Spec(spec.name, (), spec.kwargs)) if variadic_name(factory) else ((), spec)
    given = bind(rest, parameters_of(factory), kind)
    try:
        return factory(*args, **given)
    except Exception as error:  # a user's class may raise anything
        reason = described(error).removeprefix(f"{getattr(factory, '__name__', spec.name)}: ")  # the name once
        raise BadInput(f"{kind} {spec.name!r}: {reason}") from error


def canonical(name: str, values: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    """The canonical spec: `values` that differ from `defaults`, in the order of `values`."""
    shown = {k: v for k, v in values.items() if k not in defaults or format_value(v) != format_value(defaults[k])}
    inner = ", ".join(f"{key}={format_value(value)}" for key, value in shown.items())
    return f"{name}({inner})" if inner else name


def canonical_dataclass(name: str, thing: Any, nested: Callable[[Any], Any] = lambda value: value) -> str:
    """The canonical spec of a dataclass instance; `nested` converts values that are themselves specs into Spec."""
    return format_value(from_dataclass(name, thing, nested))


def from_dataclass(name: str, thing: Any, nested: Callable[[Any], Any] = lambda value: value) -> Spec:
    """The Spec that constructs a dataclass instance, without the parameters at their defaults."""

    def plain(value: Any) -> Any:
        return tuple(map(plain, value)) if isinstance(value, list | tuple) else nested(value)

    fields = dataclasses.fields(thing)
    defaults = {f.name: f.default for f in fields if f.default is not dataclasses.MISSING}
    values = {f.name: plain(getattr(thing, f.name)) for f in fields}
    args = values.pop(variadic_name(type(thing)) or "", ())
    shown = {k: v for k, v in values.items() if k not in defaults or format_value(v) != format_value(defaults[k])}
    return Spec(name, args, tuple(shown.items()))


def format_value(value: Any) -> str:
    """A value in a canonical spec: numbers normalized, lists as tuples, text in single quotes."""
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, list | tuple):
        inner = ", ".join(format_value(item) for item in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, Spec):
        parts = [*map(format_value, value.args), *(f"{key}={format_value(item)}" for key, item in value.kwargs)]
        return f"{value.name}({', '.join(parts)})" if parts else value.name
    return repr(value)
