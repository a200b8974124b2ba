"""The pages of the site, in the order of the menu."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    """One HTML file."""

    file: str
    title: str


PAGES = {
    "overview": Page("index.html", "Overview"),
    "noise": Page("noise.html", "Noise"),
    "models": Page("models.html", "Models"),
    "methods": Page("methods.html", "Methods"),
}
