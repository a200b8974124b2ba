"""The structure of JSON files that the project reads back, and what is wrong with one that was changed or cut off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ANY = object
NUMBER = (int, float)
KINDS = {dict: "a mapping", list: "a list", str: "text", int: "an integer", float: "a number", bool: "true or false",
         type(None): "null", NUMBER: "a number"}  # fmt: skip


def check(content: Any, structure: Any, place: str = "") -> None:
    """Check JSON content. Raises ValueError that names the place, such as 'models[2].card: expected text, got null'.

    structure  a type, a tuple of types, [structure of each element], {key: structure of its value}, or {str: structure
               of each value}; a key that ends with ? may be missing
    """
    if isinstance(structure, list):
        _check_kind(content, list, place)
        for index, element in enumerate(content):
            check(element, structure[0], f"{place}[{index}]")
    elif isinstance(structure, Mapping):
        _check_kind(content, dict, place)
        for key, part in structure.items():
            if key is str:
                for name, value in content.items():
                    check(value, part, _joined(place, name))
            elif (name := key.removesuffix("?")) in content:
                check(content[name], part, _joined(place, name))
            elif name == key:
                raise ValueError(f"{_joined(place, key)} is missing")
    else:
        _check_kind(content, structure, place)


def _joined(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def _check_kind(content: Any, kind: Any, place: str) -> None:
    is_flag = (
        isinstance(content, bool) and kind not in (bool, ANY) and bool not in (kind if isinstance(kind, tuple) else ())
    )
    if isinstance(content, kind) and not is_flag:
        return
    expected = KINDS.get(kind) or " or ".join(KINDS[one] for one in kind)
    raise ValueError(
        f"{place or 'content'}: expected {expected}, got {KINDS.get(type(content), type(content).__name__)}"
    )
