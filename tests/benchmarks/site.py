"""How long a site of 100,000 rows takes to build and to open.

python tests/benchmarks/site.py [--rows 100000]

The rows are made from formulas and written into a run folder; `bench report` makes its pages, and Chromium opens them
from disk. Wanted: at most 30 s on two cores, and at most 2 s until a page is drawn and its scripts have run, by the
browser's own clock. Seconds of the processor stand beside those of the clock, for machines that do other things too.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bench.noise.noises import canonical, expand, level, noise_name, version
from bench.runs.store import Store

MODELS = 10
DATASETS = {"CBSD68": 68, "Kodak24": 24, "McMaster": 18, "Urban100": 100}
PAGES = ("index.html", "noise.html", "models.html", "model-model-0.html", "images.html", "methods.html")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    with tempfile.TemporaryDirectory() as folder:
        run, site = Path(folder) / "run", Path(folder) / "site"
        count = make_run(run, parser.parse_args().rows)
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run([sys.executable, "-m", "bench", "report", str(run), "-o", str(site)], check=True)
        wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
        print(f"{count} rows: built in {wall:.1f} s ({cpu:.1f} s of the processor), {size / 1e6:.1f} MB")
        for page, seconds in opened(site).items():
            print(f"{page}: open in {seconds:.2f} s, {(site / page).stat().st_size / 1e3:.0f} kB")


def make_run(folder: Path, wanted: int) -> int:
    """A run folder with at least so many rows, of ten models, every noise and images of four data sets' sizes."""
    noises = expand("all")
    generator = np.random.default_rng(0)
    models = [f"model-{place}" for place in range(MODELS)]
    scale = wanted / (MODELS * len(noises) * sum(DATASETS.values()))
    images = [(d, f"{d}-{i:03d}") for d, count in DATASETS.items() for i in range(max(3, round(count * scale)))]
    rows = []
    for dataset, image in images:
        hardness = generator.normal(0, 2)
        for place, noise in enumerate(noises):
            noisy = 25 - 0.2 * place + hardness / 3 + generator.normal(0, 0.1)
            for m, model in enumerate(models):
                psnr = noisy + 6 + hardness + 0.05 * m + generator.normal(0, 0.2)
                rows.append(row(model, dataset, image, noise, psnr, noisy))
    with Store.create(folder) as store:
        store.write(rows)
        store.record(manifest(models, noises, images))
    return len(rows)


def row(model: str, dataset: str, image: str, noise, psnr: float, noisy: float) -> dict:
    """One row as the runner writes it."""
    return {
        "model": model,
        "size": "small",
        "weights": model,
        "weights_hash": model,
        "dataset": dataset,
        "image": image,
        "image_hash": image,
        "noise": canonical(noise),
        "noise_name": noise_name(noise),
        "level": level(noise),
        "noise_version": version(noise),
        "seed": 0,
        "protocol": "stored",
        "precision": "float32",
        "tile": 0,
        "device": "cpu",
        "psnr": psnr,
        "ssim": psnr / 50,
        "psnr_noisy": noisy,
        "ssim_noisy": noisy / 50,
        "seconds": 0.1,
        "status": "ok",
        "reason": "",
    }


def manifest(models: list[str], noises: list, images: list[tuple[str, str]]) -> dict:
    """What the report reads of a run's beginning."""
    about = {"size": "small", "weights": "", "title": "", "paper": "", "licence": "", "card": {}}
    sets = {"title": "", "licence": "", "note": ""}
    return {
        "event": "started",
        "command": "made by tests/benchmarks/site.py",
        "protocol": "stored",
        "left_out": [],
        "noises": [canonical(noise) for noise in noises],
        "seeds": [0],
        "versions": {},
        "machine": {},
        "noise_versions": {canonical(noise): version(noise) for noise in noises},
        "models": [{"label": model, "name": model, "weights_hash": model, **about} for model in models],
        "datasets": [{"name": name, "images": sum(d == name for d, _ in images), **sets} for name in DATASETS],
    }


READY = """() => {
  const ends = ["mark", "paint"].flatMap((kind) => performance.getEntriesByType(kind)).map((entry) => entry.startTime);
  return Math.max(performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd, ...ends) / 1000;
}"""


def opened(site: Path) -> dict[str, float]:
    """Seconds until a page is drawn and answers, by the browser's own entries, the median of three, by page."""
    from playwright.sync_api import sync_playwright

    found = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for name in PAGES:
            times = []
            for _ in range(3):
                page = browser.new_page()
                page.goto((site / name).as_uri(), wait_until="load")
                if name == "images.html":
                    page.wait_for_selector("[data-ready]")
                while not page.evaluate("performance.getEntriesByType('paint').length"):
                    time.sleep(0.02)
                times.append(page.evaluate(READY))
                page.close()
            found[name] = float(np.median(times))
        browser.close()
    return found


if __name__ == "__main__":
    main()
