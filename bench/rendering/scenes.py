"""Four scenes for Mitsuba 3, from easy to hard, defined in code without asset files.

Each is a room of 2 x 2 x 2 around the origin, with y up, seen from +z, and bright enough for exposure 0. The noise is
that of path tracing: it is stronger where few paths reach a light (through glass, behind a shade).
"""

from __future__ import annotations

from typing import Any

import numpy as np

WHITE, GREY, YELLOW = (0.73, 0.73, 0.73), (0.3, 0.3, 0.3), (0.7, 0.5, 0.1)
RED, GREEN, BLUE = (0.6, 0.06, 0.05), (0.12, 0.45, 0.1), (0.1, 0.2, 0.5)
Shapes = dict[str, dict[str, Any]]


def box() -> Shapes:
    """The Cornell box: diffuse walls and two blocks under a ceiling lamp."""
    return {
        **_room(left=RED, right=GREEN),
        "lamp": _lamp((0, 0.99, 0), (0.3, 0.3), 12),
        "tall": _block((-0.35, -0.4, -0.3), (0.28, 0.6, 0.28), 20, _diffuse(WHITE)),
        "short": _block((0.35, -0.7, 0.25), (0.28, 0.3, 0.28), -18, _diffuse(WHITE)),
    }


def textures() -> Shapes:
    """Bricks, boards, tiles and a striped globe under a wide lamp: noise on fine texture."""
    bricks, boards = _texture(_bricks(), 2), _texture(_boards(), 1)
    tiles = {"type": "checkerboard", "color0": _rgb((0.08, 0.1, 0.2)), "color1": _rgb(WHITE), "to_uv": _scale(9)}
    return {
        **_room(left=BLUE, right=YELLOW, back=bricks, floor=tiles),
        "lamp": _lamp((0, 0.99, 0.1), (0.6, 0.6), 4.5),
        "crate": _block((-0.4, -0.65, -0.2), (0.35, 0.35, 0.35), 25, _diffuse(boards)),
        "globe": _ball((0.4, -0.6, 0.1), 0.4, _plastic(_texture(_stripes(), 1))),
    }


def glass() -> Shapes:
    """A glass ball and glossy metal: caustics and reflections, which few paths find."""
    tiles = {"type": "checkerboard", "color0": _rgb(GREY), "color1": _rgb(WHITE), "to_uv": _scale(4)}
    gold = {"type": "roughconductor", "material": "Au", "alpha": 0.12, "distribution": "ggx"}
    steel = {"type": "roughconductor", "material": "Cr", "alpha": 0.25, "distribution": "ggx"}
    return {
        **_room(left=BLUE, right=RED, floor=tiles),
        "lamp": _lamp((0, 0.99, 0.1), (0.32, 0.32), 13),
        "ball": _ball((-0.35, -0.6, 0.3), 0.4, {"type": "dielectric", "int_ior": 1.5}),
        "gold": _ball((0.42, -0.62, -0.15), 0.38, gold),
        "steel": _block((-0.45, -0.45, -0.55), (0.3, 0.55, 0.2), 15, steel),
    }


def small_light() -> Shapes:
    """A small bulb behind a shade: most of the light is indirect, after two bounces or more."""
    return {
        **_room(left=GREEN, right=YELLOW),
        "bulb": {
            "type": "sphere",
            "center": [0.35, 0.35, -0.35],
            "radius": 0.05,
            "emitter": {"type": "area", "radiance": _rgb((230, 190, 140))},
        },
        "shade": _block((0.35, 0.22, -0.2), (0.28, 0.02, 0.28), 0, _diffuse(GREY)),
        "screen": _block((0.35, 0.42, -0.02), (0.28, 0.22, 0.02), 0, _diffuse(GREY)),
        "ball": _ball((-0.4, -0.6, 0.1), 0.4, _plastic(_rgb((0.55, 0.15, 0.1)))),
        "table": _block((0.4, -0.75, -0.1), (0.35, 0.25, 0.35), 30, _diffuse(BLUE)),
    }


SCENES = {"box": box, "textures": textures, "glass": glass, "small_light": small_light}


def description(name: str, side: int, sampler: str = "independent") -> dict[str, Any]:
    """Return the dictionary for `mitsuba.load_dict`: a scene and a camera of `side` x `side` pixels with a box filter.

    With the box filter no samples are shared between pixels, so the noise of neighbours is independent. `sampler` is
    that of Mitsuba: independent, or multijitter, whose means have less noise.
    """
    import mitsuba

    to_world = mitsuba.ScalarTransform4f().look_at(origin=[0, 0, 3.6], target=[0, 0, 0], up=[0, 1, 0])
    film = {
        "type": "hdrfilm",
        "width": side,
        "height": side,
        "pixel_format": "rgb",
        "component_format": "float32",
        "rfilter": {"type": "box"},
    }
    return {
        "type": "scene",
        "integrator": {"type": "path", "max_depth": 12, "rr_depth": 6},
        "camera": {"type": "perspective", "fov": 42, "to_world": to_world, "film": film, "sampler": {"type": sampler}},
        **SCENES[name](),
    }


def _room(left, right, back=WHITE, floor=WHITE) -> Shapes:
    """Five walls, open towards the camera, each with a colour or a texture."""
    return {
        "floor": _wall((0, -1, 0), (1, 0, 0), -90, floor),
        "ceiling": _wall((0, 1, 0), (1, 0, 0), 90, WHITE),
        "back": _wall((0, 0, -1), (1, 0, 0), 0, back),
        "left": _wall((-1, 0, 0), (0, 1, 0), 90, left),
        "right": _wall((1, 0, 0), (0, 1, 0), -90, right),
    }


def _wall(centre, axis, angle, reflectance) -> dict[str, Any]:
    placed = _moved(centre).rotate(list(axis), angle)
    return {"type": "rectangle", "to_world": placed, "bsdf": {"type": "twosided", "inner": _diffuse(reflectance)}}


def _lamp(centre, halves, radiance) -> dict[str, Any]:
    """A rectangle that emits light downwards."""
    placed = _moved(centre).rotate([1, 0, 0], 90).scale([*halves, 1])
    light = {"type": "area", "radiance": _rgb((radiance, 0.85 * radiance, 0.7 * radiance))}
    return {"type": "rectangle", "to_world": placed, "bsdf": _diffuse(WHITE), "emitter": light}


def _block(centre, halves, turned, bsdf) -> dict[str, Any]:
    placed = _moved(centre).rotate([0, 1, 0], turned).scale(list(halves))
    return {"type": "cube", "to_world": placed, "bsdf": bsdf}


def _ball(centre, radius, bsdf) -> dict[str, Any]:
    return {"type": "sphere", "center": list(centre), "radius": radius, "bsdf": bsdf}


def _moved(centre):
    import mitsuba

    return mitsuba.ScalarTransform4f().translate(list(centre))


def _scale(times: float):
    import mitsuba

    return mitsuba.ScalarTransform4f().scale([times, times, 1])


def _rgb(colour) -> dict[str, Any]:
    return {"type": "rgb", "value": list(colour)}


def _diffuse(reflectance) -> dict[str, Any]:
    return {"type": "diffuse", "reflectance": reflectance if isinstance(reflectance, dict) else _rgb(reflectance)}


def _plastic(reflectance) -> dict[str, Any]:
    return {"type": "roughplastic", "diffuse_reflectance": reflectance, "alpha": 0.15}


def _texture(pixels: np.ndarray, times: float) -> dict[str, Any]:
    """A texture of reflectances (H, W, 3), repeated `times` in each direction."""
    import mitsuba

    return {"type": "bitmap", "bitmap": mitsuba.Bitmap(pixels.astype(np.float32)), "raw": True, "to_uv": _scale(times)}


def _bricks(side: int = 256) -> np.ndarray:
    """Eight rows of four bricks in mortar, each brick with its own shade."""
    row, column = np.indices((side, side))
    course = row * 8 // side
    along = (column * 4 / side + 0.5 * (course % 2)) % 4
    shades = 0.6 + 0.4 * np.random.default_rng(1).random((8, 4))
    shade = shades[course, along.astype(int)] * _grain(side, 1)
    mortar = ((row * 8 / side) % 1 < 0.12) | (along % 1 < 0.06)
    return np.where(mortar[..., None], 0.6, shade[..., None] * np.array([0.55, 0.2, 0.12]))


def _boards(side: int = 256) -> np.ndarray:
    """Wooden boards with stretched rings."""
    row, column = np.indices((side, side))
    board = column * 5 // side
    rings = np.sin(0.55 * column + 6 * np.sin(row / 40 + 2.1 * board) + board)
    gap = (column * 5 / side) % 1 < 0.04
    shade = np.where(gap, 0.15, (0.75 + 0.2 * rings) * _grain(side, 2))
    return shade[..., None] * np.array([0.6, 0.4, 0.22])


def _stripes(side: int = 256) -> np.ndarray:
    """Slanted stripes in two colours."""
    row, column = np.indices((side, side))
    first = ((row + 2 * column) // 16 % 2).astype(bool)[..., None]
    return np.where(first, np.array([0.75, 0.72, 0.65]), np.array([0.1, 0.3, 0.35]))


def _grain(side: int, seed: int) -> np.ndarray:
    """Random shading factors (side, side) in [0.8, 1]."""
    return 0.8 + 0.2 * np.random.default_rng(seed).random((side, side))
