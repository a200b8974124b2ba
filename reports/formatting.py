"""Numbers, names and times as the site prints them."""

import math
import re
import unicodedata

MINUS = "\N{MINUS SIGN}"
MISSING = "\N{EN DASH}"


def number(value: float | None, digits: int) -> str:
    """A number -> text with `digits` decimals and a true minus sign; a dash for None, NaN or infinity."""
    if value is None or not math.isfinite(value):
        return MISSING
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def signed(value: float | None, digits: int) -> str:
    """A difference -> text with its sign: '+0.12'."""
    text = number(value, digits)
    return f"+{text}" if text[0].isdigit() and value > 0 else text


def rank(first: int, last: int) -> str:
    """The ranks from first to last -> '3' or '1 to 4'."""
    return str(first) if first == last else f"{first}\N{EN DASH}{last}"


def interval(low: float | None, high: float | None, digits: int) -> str:
    """Two ends -> 'low–high', 'low to high' with a negative end, '' without an interval."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return ""
    separator = " to " if low < 0 or high < 0 else "\N{EN DASH}"
    return f"{number(low, digits)}{separator}{number(high, digits)}"


def seconds(value: float | None) -> str:
    """A time in s -> text with two significant digits, at least the whole seconds: 0.0034, 0.12, 2.5, 312."""
    if value is None or not math.isfinite(value) or value <= 0:
        return MISSING
    return number(value, max(0, 1 - math.floor(math.log10(value))))


def level(value: float | None) -> str:
    """A noise level -> its shortest text: 15.0 -> '15', 0.024 -> '0.024', NaN -> ''."""
    if value is None or not math.isfinite(value):
        return ""
    return f"{value:g}".replace("-", MINUS)


def count(value: float | None) -> str:
    """A count -> text with thousands separators: 824118 -> '824,118'; None -> dash."""
    if value is None or not math.isfinite(value):
        return MISSING
    return f"{int(value):,}"


def short_count(value: float | None) -> str:
    """A count -> at most three significant digits with a suffix: 824118 -> '824k', 11504163 -> '11.5M'; None -> ''."""
    if value is None or not math.isfinite(value):
        return ""
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            scaled = value / size
            return f"{scaled:.0f}{suffix}" if scaled >= 100 else f"{scaled:.1f}".removesuffix(".0") + suffix
    return f"{int(value)}"


def plural(amount: int, noun: str) -> str:
    """3, 'image' -> '3 images'."""
    return f"{amount:,} {noun}" + ("" if amount == 1 else "s")


def listing(items: list[str]) -> str:
    """['a', 'b', 'c'] -> 'a, b and c'."""
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1] if items else ""


def printable(text: object) -> str:
    """Any text -> the same on one line, without control or surrogate characters (XML forbids them)."""
    kept = (" " if character.isspace() else character for character in str(text))
    return "".join(character for character in kept if unicodedata.category(character) not in ("Cc", "Cs"))


def shortened(text: object, length: int) -> str:
    """A name -> at most `length` characters, the end replaced by an ellipsis."""
    clean = printable(text)
    return clean if len(clean) <= length else clean[: length - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"


def slug(text: object, taken: set[str] | None = None) -> str:
    """Any name -> a safe file name of at most 40 characters (a-z, 0-9, - and .) that is not in `taken`."""
    plain = unicodedata.normalize("NFKD", str(text)).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9.]+", "-", plain).strip("-.")[:40].strip("-.") or "item"
    base = re.sub(r"\.+", ".", base)
    if taken is None:
        return base
    candidate, attempt = base, 1
    while candidate in taken:
        attempt += 1
        candidate = f"{base}-{attempt}"
    taken.add(candidate)
    return candidate
