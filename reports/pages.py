"""The pages of the site, in the order of the menu."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SitePage:
    """One HTML file with its title in the menu."""

    file: str
    title: str


MODEL = "model"  # one page per model: the context of its panels takes the model too
PAGES = {
    "overview": SitePage("index.html", "Overview"),
    "noise": SitePage("noise.html", "Noise"),
    "models": SitePage("models.html", "Models"),
    "images": SitePage("images.html", "Images"),
    "analyses": SitePage("inside.html", "Network analyses"),
    "paper": SitePage("paper.html", "Paper"),
    "compare": SitePage("compare.html", "Compare"),
    "methods": SitePage("methods.html", "Methodology"),
}
