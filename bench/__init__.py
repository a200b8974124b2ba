"""MaskBench: does an image denoiser still work on noise it was not trained on, and why?

bench.load_model("ours(mask_samples=4)")     a torch module in eval mode
bench.load_noise("poisson(alpha=2)")         (clean, rng) -> (noisy, clean)
bench.load_dataset("builtin")                clean images
bench.run(models=["ours"], noises=["mixture"])   a pandas frame, one row per image
bench.compare("runs/new", "runs/old")        differences with intervals and tests, one row per noise
"""

from importlib import import_module

_MODULES = {"load_model": "models.model_specs", "load_noise": "noise.noises", "load_dataset": "datasets", "run": "runner",
          "compare": "comparison"}  # fmt: skip
__all__ = ["compare", "load_dataset", "load_model", "load_noise", "run"]


def __getattr__(name: str):
    if name in _MODULES:
        return getattr(import_module(f"bench.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'bench' has no attribute {name!r}")
