"""The pages of the site, in the order of the menu."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    """One HTML file."""

    file: str
    title: str


MODEL = "model"  # not one page but one for each model; panels that stand on it take the model too
PAGES = {
    "overview": Page("index.html", "Overview"),
    "noise": Page("noise.html", "Noise"),
    "models": Page("models.html", "Models"),
    "images": Page("images.html", "Images"),
    "inside": Page("inside.html", "Inside"),
    "compare": Page("compare.html", "Compare"),
    "methods": Page("methods.html", "Methods"),
}
