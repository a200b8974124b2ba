"""Addresses of the page of images that select a data set, noise, model and image."""

from urllib.parse import quote, urlencode

IMAGES = "images.html"


def images(
    dataset: str, noise: str, model: str = "", image: str = "", seed: int | None = None, measure: str = "psnr"
) -> str:
    """The images behind a number: of a data set under a noise or noise mean, sorted by `model`, with `image` open."""
    query = {"dataset": dataset, "noise": noise, "model": model, "image": image, "seed": "" if seed is None else seed}
    query["measure"] = "" if measure == "psnr" else measure
    return f"{IMAGES}#{urlencode({key: value for key, value in query.items() if value != ''}, quote_via=quote)}"
