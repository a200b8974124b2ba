"""The structure of a run's manifest: what each of its entries must have to be read."""

from __future__ import annotations

from typing import Any

from bench.core.structure import ANY, NUMBER, check

TEXT = (str, type(None))
MODEL = {
    "label": str,
    "size": str,
    "weights": str,
    "weights_hash": TEXT,
    "title": str,
    "paper": str,
    "licence": str,
    "name?": str,
    "card": {
        "licence?": TEXT,
        "parameters?": (int, type(None)),
        "recipe?": {"crop?": int, "batch?": int, "iterations?": int, "input_mask?": (list, type(None))},
        "network?": dict,
        "seconds?": NUMBER,
        "libraries?": dict,
        "noise_level?": ANY,
        "origin?": {"file": str, "sha256": str},
        "outputs?": {"origin": str, "files": int, "warnings": [str]},
    },
}
METRIC = {
    "name": str,
    "title": str,
    "unit": str,
    "digits": int,
    "higher_is_better": bool,
    "meaning": str,
    "source": str,
    "words": str,
    "version?": (str, int),
}
STARTED = {
    "at": str,
    "command": TEXT,
    "models": [MODEL],
    "noises": [str],
    "datasets": [{"name": str, "images": int, "title": str, "licence": str, "note": str}],
    "seeds": [int],
    "protocol": str,
    "reference?": TEXT,
    "plan?": int,
    "metrics?": [METRIC],
    "not_measured?": {str: str},
    "left_out": [str],
    "versions": {str: TEXT},
    "machine": {str: ANY},
    "noise_versions?": dict,
    "noise_cards?": {str: {"title": str, "formula": str, "source": str, "axis": TEXT}},
}
OF_EVENT = {"started": STARTED, "labelled": {"names": {str: str}}}


def check_entries(entries: Any) -> list[dict[str, Any]]:
    """The entries of a manifest, checked. Raises ValueError that names the entry and the field."""
    check(entries, [{"event": str}])
    for index, entry in enumerate(entries):
        check(entry, OF_EVENT.get(entry["event"], {}), f"[{index}]")
    return entries
