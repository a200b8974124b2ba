"""MaskBench: does an image denoiser still work on noise it was not trained on, and why?

bench.load_model("ours(mask_samples=4)")     a torch module in eval mode
bench.load_noise("poisson(alpha=2)")         (clean, rng) -> (noisy, clean)
bench.load_dataset("builtin")                clean images
bench.run(models=["ours"], noises=["mixture"])   a pandas frame, one row per image
bench.compare("runs/new", "runs/old")        differences with intervals and tests, one row per noise
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.comparison import compare
    from bench.datasets import load_dataset
    from bench.models.model_specs import load_model
    from bench.noise.noises import load_noise
    from bench.runner import run

__all__ = ["compare", "load_dataset", "load_model", "load_noise", "run"]

# imported at first use: `import bench` alone takes milliseconds
_MODULES = {
    "compare": "comparison",
    "load_dataset": "datasets",
    "load_model": "models.model_specs",
    "load_noise": "noise.noises",
    "run": "runner",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        try:
            return version("maskbench")
        except PackageNotFoundError:  # the folder alone is on the path
            return "unknown"
    if name in _MODULES:
        return getattr(import_module(f"bench.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'bench' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
