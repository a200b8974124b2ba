"""Noises for images: one file per noise, each a frozen dataclass that maps (clean, rng) to (noisy, clean).

A noise is found by its module's name: `salt_pepper.py` defines `SaltPepper`, a subclass of `Noise`. To add
a noise, add such a file: `names()` lists it and `noise_zoo.SaltPepper` loads it.
"""

import difflib
import importlib
import pkgutil

from noise_zoo.noise import Noise


def class_name(module_name: str) -> str:
    """Return the name of the class that a noise module must define: `salt_pepper` -> `SaltPepper`."""
    return "".join(word.capitalize() for word in module_name.split("_"))


def names() -> list[str]:
    """Return the sorted names of the noise modules in this package: those that define a `Noise`."""
    return [module_name for module_name in _module_names() if _noise_class(module_name)]


def _module_names() -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg)


def _noise_class(module_name: str) -> type[Noise] | None:
    """Import a module of this package; return its noise class, or None."""
    module = importlib.import_module(f"{__name__}.{module_name}")
    cls = getattr(module, class_name(module_name), None)
    is_noise = isinstance(cls, type) and issubclass(cls, Noise) and cls is not Noise
    return cls if is_noise else None


def __getattr__(name: str) -> type[Noise]:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    for module_name in _module_names():
        if class_name(module_name) == name and (cls := _noise_class(module_name)):
            return cls
    known = [class_name(module_name) for module_name in names()]
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"choose from {', '.join(known)}"
    raise AttributeError(f"unknown noise {name!r}: {hint}", name=name, obj=None)


def __dir__() -> list[str]:
    return sorted([*globals(), *(class_name(module_name) for module_name in names())])
