"""Addresses inside the site that say what they lead to."""

from urllib.parse import quote, urlencode

IMAGES = "images.html"


def images(
    dataset: str, noise: str, model: str = "", image: str = "", seed: int | None = None, measure: str = "psnr"
) -> str:
    """The images behind a number: of a data set under a noise or a mean of several, sorted by a model, one open."""
    wanted = {"dataset": dataset, "noise": noise, "model": model, "image": image, "seed": "" if seed is None else seed}
    wanted["measure"] = "" if measure == "psnr" else measure
    return f"{IMAGES}#{urlencode({key: value for key, value in wanted.items() if value != ''}, quote_via=quote)}"
