"""SVG pictures of a run folder, which may be somebody else's, without scripts and references to other files."""

import re
from collections.abc import Iterator
from xml.etree import ElementTree as xml

ACTIVE = frozenset({"script", "foreignObject", "iframe", "object", "embed", "audio", "video", "handler", "listener"})
LOADS = re.compile(r"@import|url\(\s*['\"]?(?!#|data:image/)|expression\(|javascript:", re.IGNORECASE)
LOCAL = ("#", "data:image/")  # beginnings of references that load nothing
LINK = "a"  # may refer to another page, which it opens when it is clicked


def safe_svg(text: str) -> str:
    """The text of an SVG file without elements and attributes that run or load something; unchanged if it has none.

    Raises ValueError for a text that is not an SVG file.
    """
    if "<!ENTITY" in text:
        raise ValueError("expected an SVG file without entities")
    try:
        root = xml.fromstring(text.encode())
    except xml.ParseError as error:
        raise ValueError(f"expected an SVG file, got {error}") from error
    if _name(root.tag) != "svg":
        raise ValueError(f"expected an SVG file, got the element {_name(root.tag)}")
    found = "<?xml-stylesheet" in text
    for parent in list(root.iter()):
        for child in [child for child in parent if _is_active(child)]:
            parent.remove(child)
            found = True
        for name in list(_unsafe_attributes(parent)):
            del parent.attrib[name]
            found = True
    if not found:
        return text
    xml.register_namespace("", "http://www.w3.org/2000/svg")
    xml.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    return xml.tostring(root, encoding="unicode", xml_declaration=True)


def _name(tag: object) -> str:
    """The name of an element or attribute without its namespace; '' for a comment or instruction."""
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _is_active(element: xml.Element) -> bool:
    name = _name(element.tag)
    style = name == "style" and LOADS.search("".join(element.itertext()))
    animated = name in ("set", "animate") and _name(element.get("attributeName", "")).lower().startswith(("on", "href"))
    return name in ACTIVE or bool(style) or animated


def _unsafe_attributes(element: xml.Element) -> Iterator[str]:
    for attribute, value in element.attrib.items():
        name, text = _name(attribute).lower(), value.strip()
        is_link = name == "href" and _name(element.tag) == LINK and text.startswith(("https://", "http://"))
        loads = name in ("href", "src") and not text.startswith(LOCAL) and not is_link
        if name.startswith("on") or loads or LOADS.search(text):
            yield attribute
