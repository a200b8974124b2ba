"""MaskBench: does an image denoiser still work on noise it was not trained on, and why?

Load models, noises and data sets by the specs of the command line:

>>> import bench, torch
>>> network = bench.load_model("ours(mask_samples=4)")  # a torch module in eval mode, (B, 3, H, W) in [0, 1]
>>> noise = bench.load_noise("poisson(alpha=2)")  # (clean, rng) -> (noisy, clean)
>>> photographs = bench.load_dataset("builtin(crop=64)")  # a sequence of clean images
>>> len(photographs), photographs[0].pixels.shape  # uint8
(7, (64, 64, 3))

One image:

>>> clean = photographs[0].pixels
>>> noisy = bench.noisy(clean, "gaussian(sigma=25)")  # the pixels that a run makes of it
>>> output = bench.denoise("tv", noisy)  # a spec, a torch module or a function
>>> bench.score(output, clean)  # doctest: +ELLIPSIS
{'psnr': 2..., 'ssim': 0...}

Runs, of specs and of your own networks, on data sets and on arrays:

>>> class Mean(torch.nn.Module):
...     def forward(self, x):
...         return torch.nn.functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
>>> run = bench.run({"mine": Mean(), "tv": "tv"}, ["gaussian(sigma=25)", noise], {"photos": [clean]}, metrics="psnr")
>>> run
<bench.Run: 6 rows, 2 models, 3 noises, 1 data set>
>>> list(run.rows["status"].unique())  # a pandas frame, one row per model, image, noise and seed
['ok']
>>> run.table()["label"].tolist()  # means with intervals, one row per model: what `bench run` prints
['tv', 'mine', 'noisy']
>>> len(run.compare(models="mine", against="tv"))  # differences with intervals and tests, one row per noise
4

`bench.run(..., out="runs/mine")` keeps the run in a folder, which `bench.load_run("runs/mine")` loads again,
`run.report("site")` makes its web pages, and `bench.compare("runs/new", "runs/old")` compares two.
"""

import time
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.comparison import compare
    from bench.datasets import load_dataset
    from bench.models.model_specs import load_model
    from bench.noise.noises import load_noise
    from bench.outputs.scoring import score_folder
    from bench.results import Run, load_run
    from bench.runner import run
    from bench.single_image import denoise, noisy, score

__all__ = [
    "Run",
    "compare",
    "denoise",
    "load_dataset",
    "load_model",
    "load_noise",
    "load_run",
    "noisy",
    "run",
    "score",
    "score_folder",
]

IMPORTED_AT = time.time()  # files changed later may not be what is in memory

# imported at first use: `import bench` alone takes milliseconds
_MODULES = {
    "Run": "results",
    "compare": "comparison",
    "denoise": "single_image",
    "load_dataset": "datasets",
    "load_model": "models.model_specs",
    "load_noise": "noise.noises",
    "load_run": "results",
    "noisy": "single_image",
    "run": "runner",
    "score": "single_image",
    "score_folder": "outputs.scoring",
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
