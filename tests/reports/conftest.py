"""A synthetic study: scores, cards and pictures made from formulas."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageFilter

from bench.noise.training_noise import parse
from bench.site import numbers
from bench.statistics.ood import Conditions
from reports import DatasetCard, Formula, Measure, ModelCard, NoiseCard, Numbers, Picture, Study, TrainingCurve
from reports.measures import PSNR
from reports.paper_study import PaperExperiment, PaperFigure, PaperStudy

MEASURES = (
    PSNR,
    Measure("ssim", "SSIM", "", 4, True, "structural similarity; higher is better"),
    Measure("lpips", "LPIPS", "", 4, False, "learned perceptual distance; lower is better"),
)
MODELS = ("ours", "baseline", "dncnn", "swinir")
DATASETS = ("builtin", "CBSD68(crop=256, limit=16)")
TWO_NOISES = {"gaussian": ("sigma", (15.0,)), "mixture": ("level", (1.0, 2.0, 3.0, 4.0))}
SIX_NOISES = {
    "gaussian": ("sigma", (15.0, 25.0, 50.0)),
    "speckle": ("var", (0.02, 0.024, 0.03, 0.04)),
    "poisson": ("alpha", (2.0, 2.5, 3.0, 3.5)),
    "salt_pepper": ("density", (0.002, 0.004, 0.008, 0.012, 0.016, 0.02)),
    "isp": (None, (math.nan,)),
    "mixture": ("level", (1.0, 2.0, 3.0, 4.0)),
}
FORMULAS = {
    "gaussian": "y = x + n,  n ~ N(0, (sigma/255)\N{SUPERSCRIPT TWO})",
    "mixture": "gaussian(sigma), speckle(var), poisson(alpha=1), salt_pepper(density), one after the other",
}


def spec(name: str, parameter: str | None, level: float) -> str:
    """A noise's canonical spec."""
    return name if parameter is None else f"{name}({parameter}={level:g})"


def score(model: str, noise: str, place: int, image: float) -> tuple[float, float, float, float]:
    """PSNR and SSIM of the output and of the input, in shapes that real ones have."""
    severity = 0.0 if noise == "gaussian" and place == 0 else 1.2 + 0.9 * place
    noisy = 24.7 - severity * 1.1 + 0.15 * image
    start = {"ours": 30.6, "baseline": 31.2, "dncnn": 30.8, "swinir": 31.25}.get(model, 30.9)
    slope = {"ours": 1.35, "baseline": 1.95, "dncnn": 1.9, "swinir": 2.15}.get(model, 2.0)
    psnr = start - severity * slope + image
    return psnr, 1 / (1 + math.exp(-(psnr - 20) / 4.2)), noisy, 1 / (1 + math.exp(-(noisy - 23.5) / 5))


def scene(seed: int, size: int) -> np.ndarray:
    """(size, size, 3) float image in [0, 1]: sky, hills and a few discs."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[0:size, 0:size] / size
    image = np.stack([0.55 + 0.3 * y, 0.65 + 0.2 * y, 0.85 - 0.1 * y], axis=-1)
    for depth in range(3):
        hill = 0.45 + 0.17 * depth + 0.08 * np.sin(6 * x + generator.uniform(0, 6)) + 0.02 * np.sin(40 * x)
        image = np.where(
            (y > hill)[..., None],
            generator.uniform(0.1, 0.6, 3) * (1 - 0.2 * np.sin(60 * y))[..., None],
            image,
        )
    for _ in range(6):
        centre, radius = generator.uniform(0, 1, 2), generator.uniform(0.02, 0.1)
        inside = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 < radius**2
        image = np.where(inside[..., None], generator.uniform(0, 1, 3), image)
    return image.clip(0, 1)


def save(path: Path, image: np.ndarray) -> Path:
    """Writes 8-bit PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((image * 255).round().clip(0, 255).astype(np.uint8)).save(path)
    return path


def make_pictures(folder: Path, datasets, noises, models, images: int, size: int) -> tuple[Picture, ...]:
    """Clean, noisy and blurred pictures of the first images."""
    pictures = []
    for d, dataset in enumerate(datasets):
        for i in range(images):
            name = f"image{i:02d}"
            clean = scene(10 * d + i, size)
            pictures.append(Picture(dataset, name, "", 0, "clean", save(folder / f"{d}-{i}-clean.png", clean)))
            for noise, (parameter, levels) in noises.items():
                for place, level in enumerate(levels):
                    text = spec(noise, parameter, level)
                    noisy = clean + np.random.default_rng(place).normal(0, 0.06 + 0.02 * place, clean.shape)
                    stem = f"{d}-{i}-{noise}-{place}"
                    pictures.append(Picture(dataset, name, text, 0, "noisy", save(folder / f"{stem}.png", noisy)))
                    for m, model in enumerate(models):
                        blurred = Image.open(folder / f"{stem}.png").filter(ImageFilter.GaussianBlur(0.8 + 0.3 * m))
                        path = folder / f"{stem}-m{m}.png"
                        blurred.save(path)
                        pictures.append(Picture(dataset, name, text, 0, model, path))
    return tuple(pictures)


def make_rows(datasets, noises, models, images: int, failed) -> pd.DataFrame:
    """One row per model x noise x image."""
    generator = np.random.default_rng(7)
    spread = generator.normal(0, 1.6, (len(datasets), images))
    rows = []
    for d, dataset in enumerate(datasets):
        for noise, (parameter, levels) in noises.items():
            for place, level in enumerate(levels):
                for m, model in enumerate(models):
                    for i in range(images):
                        psnr, ssim, psnr_noisy, ssim_noisy = score(model, noise, place, spread[d, i])
                        psnr += float(np.random.default_rng([d, place, m, i]).normal(0, 0.12))
                        bad = failed(model, noise, i)
                        rows.append(
                            {
                                "model": model,
                                "size": "small",
                                "weights": f"{model}-small",
                                "weights_hash": f"{m:064x}",
                                "dataset": dataset,
                                "image": f"image{i:02d}",
                                "noise": spec(noise, parameter, level),
                                "noise_name": noise,
                                "noise_version": 1,
                                "level": level,
                                "seed": 0,
                                "protocol": "stored",
                                "precision": "float32",
                                "tile": "none",
                                "device": "cpu",
                                "psnr": math.nan if bad else psnr,
                                "ssim": math.nan if bad else ssim,
                                "lpips": math.nan,
                                "psnr_noisy": psnr_noisy,
                                "ssim_noisy": ssim_noisy,
                                "lpips_noisy": math.nan,
                                "seconds": 0.2 + m,
                                "status": "failed" if bad else "ok",
                                "reason": "out of memory" if bad else "",
                            }
                        )
    return pd.DataFrame(rows)


def numbers_of(rows: pd.DataFrame, reference: str = "gaussian(sigma=15)", **training: str) -> Numbers:
    """The numbers of rows. The models were trained on Gaussian 15, or on the noise that `training` has for them."""
    known = {model: parse(training.get(model, "gaussian(sigma=15)")) for model in (rows["model"] if len(rows) else ())}
    return numbers.numbers_of(rows, Conditions(reference, known), lower_is_better=["lpips"])


def differences(model: str, noises: tuple[str, ...] = ("mixture(level=1)",), p: float = math.nan) -> pd.DataFrame:
    """Differences of one model under noises, as a comparison with another run has them."""
    return pd.DataFrame(
        {
            "model": model,
            "dataset": "builtin",
            "noise": list(noises),
            "noise_name": ["" if noise == "OOD mean" else "mixture" for noise in noises],
            "images": 4,
            "mean": 30.5,
            "mean_against": 30.0,
            "difference": 0.5,
            "low": 0.4,
            "high": 0.6,
            "p": p,
            "p_holm": 2 * p,
            "moved": [() if noise == "OOD mean" else (("image01", 0.7),) for noise in noises],
        }
    )


@pytest.fixture(scope="session")
def screenshots(request, tmp_path_factory) -> Path:
    """The folder in which screenshots are kept: `--screenshots FOLDER`, or a temporary one."""
    named = request.config.getoption("--screenshots")
    folder = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(name="numbers_of")
def numbers_of_fixture():
    """The function that computes the numbers of rows."""
    return numbers_of


@pytest.fixture(name="differences")
def differences_fixture():
    """The function that makes a comparison with another run."""
    return differences


@pytest.fixture(name="six_noises")
def six_noises_fixture():
    """Six noises with their levels."""
    return SIX_NOISES


@pytest.fixture
def make_study(make_study_in, tmp_path):
    """A function that makes (study, rows, numbers); its arguments say what is in them."""
    return make_study_in(tmp_path)


@pytest.fixture(scope="session")
def make_study_in():
    """A folder for the pictures -> the function that makes studies."""
    return study_maker


def study_maker(tmp_path: Path):
    """The same outside of fixtures."""

    def make(
        noises=None,
        models=MODELS,
        datasets=DATASETS,
        images=10,
        pictured=3,
        size=48,
        failed=lambda model, noise, image: False,
    ):
        noises = noises or TWO_NOISES
        rows = make_rows(datasets, noises, models, images, failed)
        study = Study(
            title="Small models on mixture noise",
            command="bench run --models all --noise mixture --datasets builtin --out runs/first",
            created="2025-03-01T12:00:00+00:00",
            run="first",
            figure_command="bench figure runs/first",
            protocol="stored",
            protocol_description="noise is clipped to [0, 1] and rounded to 8 bits.",
            formulas=(Formula("PSNR drop", "g = a < b", "An explanation.", "nobody, 1900"),),
            measures=MEASURES,
            versions={"python": "3.11.7", "torch": "2.8.0", "numpy": "2.4.6"},
            machine={"processor": "2 cores", "memory": "8 GB", "system": "Linux"},
            models=tuple(
                ModelCard(
                    model,
                    title=model,
                    size="small",
                    parameters=94_118 + 1000 * place,
                    weights=f"{model}-small",
                    weights_hash=f"{place:064x}",
                    paper="https://example.org/paper",
                    licence="MIT",
                    trained_on="BSDS400, Gaussian sigma 15",
                    iterations=12_000,
                    note="Trained here, from scratch.",
                )
                for place, model in enumerate(models)
            ),
            noises=tuple(
                NoiseCard(
                    name,
                    title=name.replace("_", " and ").capitalize(),
                    formula=FORMULAS.get(name, ""),
                    source="PROTOCOL, section 2",
                    axis=parameter or "",
                    levels=levels if parameter else (),
                )
                for name, (parameter, levels) in noises.items()
            ),
            datasets=tuple(
                DatasetCard(name, title="Photographs", images=images, licence="CC0", note="One crop of each")
                for name in datasets
            ),
            pictures=make_pictures(tmp_path / "pictures", datasets, noises, models, pictured, size),
            not_measured=("LPIPS was not measured.", "Full-size models were not run."),
        )
        return study, rows, numbers_of(rows)

    return make


@pytest.fixture
def paper_study(tmp_path) -> PaperStudy:
    """A published table of two models and two metrics, one of them without a value here; a figure; three verdicts."""
    where = {"weights": "small, shipped", "noise": "mixture", "dataset": "CBSD68", "dataset_here": "builtin"}
    ours = {**where, "role": "table-1/both", "parameters": 111_075.0, "parameters_published": 824_118.0}
    dncnn = {**where, "role": "dncnn", "parameters": 668_227.0, "parameters_published": 668_227.0}
    scores = [
        {**ours, "same_size": False, "metric": "psnr", "published": 30.0, "ours": 27.256, "low": 26.5, "high": 28.1},
        {**ours, "same_size": False, "metric": "ssim", "published": 0.9, "ours": 0.81, "low": 0.8, "high": 0.82},
        {**dncnn, "same_size": True, "metric": "psnr", "published": 28.0, "ours": 28.5, "low": 28.0, "high": 29.0},
        {**dncnn, "same_size": True, "metric": "ssim", "published": 0.8, "ours": math.nan},
    ]
    values = pd.DataFrame(scores)
    values["difference"] = values["ours"] - values["published"]
    own = pd.DataFrame([{**ours, "noise": "isp", "metric": "psnr", "published": math.nan, "ours": 25.0}])
    orders = pd.DataFrame([{**where, "metric": "psnr", "models": 2, "rank_correlation": -1.0, "same_order": False}])
    line = {"claim": "c", "weights": "small, shipped", "networks": "", "datasets": "", "text": "a < b", "source": "s",
            "experiment": "table-1", "comparisons": 1, "unit": "dB", "why": "", "weakest": "PSNR, isp"}  # fmt: skip
    verdicts = [
        {**line, "verdict": "holds", "effect": 0.5, "low": 0.2, "high": 0.8},
        {**line, "verdict": "does not hold", "effect": -0.5, "low": -0.8, "high": -0.2},
        {**line, "verdict": "not tested", "effect": math.nan, "why": "weights missing"},
    ]
    svg = tmp_path / "figure.svg"
    svg.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="900pt" height="40pt" viewBox="0 0 900 40"/>')
    experiment = PaperExperiment(
        "table-1",
        "Table 1: which mask",
        "Chen et al.",
        "Both are better.",
        problems=("swinir: weights missing",),
        values=pd.concat([values, own], ignore_index=True),
        orders=orders,
        figures=(PaperFigure("A <figure>", "", svg),),
        curves=(TrainingCurve("ours", "unseen", ((100, 20.0), (200, 21.0))),),
    )
    return PaperStudy((experiment,), pd.DataFrame(verdicts))
