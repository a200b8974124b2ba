"""One noisy image and what each model made of it."""

from reports.folder import SiteFolder
from reports.links import images
from reports.panels import Panel
from reports.panels.images import copied, first_scene
from reports.results import Results
from reports.selection import select


def context(results: Results, folder: SiteFolder) -> dict[str, object] | None:
    """The scene with which the page of images begins; None where there are no pictures."""
    files, _ = copied(select(results), folder)
    scene = first_scene(results, files)
    if scene is None:
        return None
    return {"scene": scene, "address": images(scene.dataset, scene.noise, "", scene.image, scene.seed)}


PANEL = Panel("overview", 40, "One image", context)
