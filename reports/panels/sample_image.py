"""One noisy image and the output of each model."""

from reports.links import images
from reports.panels import Panel
from reports.panels.images import copied, first_pictures
from reports.picture_selection import select
from reports.results import Results
from reports.site_writer import SiteWriter


def context(results: Results, writer: SiteWriter) -> dict[str, object] | None:
    """The pictures that the page of images shows first; None without pictures."""
    files, _ = copied(select(results), writer)
    scene = first_pictures(results, files)
    if scene is None:
        return None
    return {"scene": scene, "address": images(scene.dataset, scene.noise, "", scene.image, scene.seed)}


PANEL = Panel("overview", 40, "Example image", context)
