"""Addresses inside the site that say what they lead to."""

from urllib.parse import quote, urlencode

IMAGES = "images.html"


def images(dataset: str, noise: str, model: str = "", image: str = "", seed: int | None = None) -> str:
    """The images behind a number: of a data set under a noise, sorted by a model, one image open."""
    wanted = {"dataset": dataset, "noise": noise, "model": model, "image": image, "seed": "" if seed is None else seed}
    return f"{IMAGES}#{urlencode({key: value for key, value in wanted.items() if value != ''}, quote_via=quote)}"
