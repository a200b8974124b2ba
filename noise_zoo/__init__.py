"""Noise for images: a file a noise, each a frozen dataclass that maps (clean, rng) to (noisy, clean).

A noise is found by its module's name: `salt_pepper.py` defines `SaltPepper`, a subclass of `Noise`. Adding
a noise is adding such a file: `names()` lists it, `noise_zoo.SaltPepper` loads it, no list is kept by hand.
"""

import difflib
import importlib
import pkgutil

from noise_zoo.noise import Noise


def class_name(module_name):
    """Return the name of the class that a noise module must define: `salt_pepper` -> `SaltPepper`."""
    return "".join(word.capitalize() for word in module_name.split("_"))


def names():
    """Return the sorted names of the noise modules in this package: those that define their `Noise`."""
    return [module_name for module_name in _module_names() if _noise_class(module_name)]


def _module_names():
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg)


def _noise_class(module_name):
    """Import a module of this package; return its noise class, or None where it has none."""
    module = importlib.import_module(f"{__name__}.{module_name}")
    found = getattr(module, class_name(module_name), None)
    is_noise = isinstance(found, type) and issubclass(found, Noise) and found is not Noise
    return found if is_noise else None


def __getattr__(name):
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    for module_name in _module_names():
        if class_name(module_name) == name and (found := _noise_class(module_name)):
            return found
    known = [class_name(module_name) for module_name in names()]
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}"
    raise AttributeError(f"noise_zoo has no noise {name!r}; {hint}", name=name, obj=None)


def __dir__():
    return sorted([*globals(), *(class_name(module_name) for module_name in names())])
