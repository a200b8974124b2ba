"""Metrics against scikit-image, the official code's values and the package lpips; metrics from outside."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from bench import metrics
from bench.core.errors import BadInput
from bench.metrics import backbones, crop_border, perceptual, psnr, psnr_y, ssim
from bench.protocols import load_protocol
from reports.measures import PSNR

OURS = ["lpips", "lpips_squeeze", "psnr", "psnr_y", "ssim"]


def pair(height=40, width=33, channels=3, seed=0):
    random = np.random.default_rng(seed)
    clean = random.integers(0, 256, (height, width, channels), dtype=np.uint8)
    return np.clip(clean + random.normal(0, 12, clean.shape), 0, 255).astype(np.uint8), clean


# around the sizes where SSIM's strips of 32 rows and blocks of 8 columns end
@pytest.mark.oracle
@pytest.mark.parametrize("shape", [(40, 33, 3), (11, 11, 3), (64, 12, 1), (42, 18, 3), (43, 19, 3), (106, 17, 3)])
def test_equal_to_scikit_image(shape):
    output, clean = pair(*shape)
    theirs = peak_signal_noise_ratio(clean, output, data_range=255)
    assert psnr.score(output, clean) == pytest.approx(theirs, abs=1e-12)
    theirs = structural_similarity(
        clean, output, channel_axis=2, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert ssim.score(output, clean) == pytest.approx(theirs, abs=1e-12)


def test_a_clean_image_is_scored_against_many_times(monkeypatch):
    output, clean = (torch.from_numpy(image) for image in pair(50, 30))
    score = ssim.METRIC.against(clean)
    first, other = score(output), score(clean)
    assert score(output) == first != other == pytest.approx(1, abs=1e-12)
    monkeypatch.setattr(ssim, "MAX_CACHED_PIXELS", 50 * 30 - 1)  # a large image, nothing of which is kept
    assert ssim.METRIC.against(clean)(output) == first


def test_equal_to_the_official_values(shared):
    golden = json.loads((shared / "golden/metrics/metrics_golden.json").read_text())["micro"]
    arrays = np.load(shared / "golden/metrics/micro.npz")
    first, second = (arrays[name] for name in arrays.files[:2])
    for border, suffix in ((0, "b0"), (1, "b1")):
        a, b = crop_border(first, border), crop_border(second, border)
        assert psnr.score(a, b) == pytest.approx(golden[f"psnr_{suffix}"], abs=1e-9)
        assert ssim.score(a, b) == pytest.approx(golden[f"ssim_{suffix}"], abs=1e-9)


@pytest.mark.oracle
@pytest.mark.parametrize("shape", [(40, 33, 3), (300, 5, 3), (12, 9, 1)])
def test_luma_is_that_of_scikit_image(shape):
    output, clean = pair(*shape)
    luma = [rgb2ycbcr(image)[..., 0] if shape[2] == 3 else image.astype(float) for image in (output, clean)]
    theirs = peak_signal_noise_ratio(luma[1], luma[0], data_range=255)
    assert psnr_y.METRIC.score(output, clean) == pytest.approx(theirs, abs=1e-3 if shape[2] == 3 else 1e-12)
    assert psnr_y.METRIC.score(clean, clean) == 100


def test_an_unknown_metric_is_answered_with_how_to_add_one():
    with pytest.raises(BadInput, match=r"file\.py:METRIC"):
        metrics.load_metric("niqe")


def test_equal_images_are_capped():
    _, clean = pair()
    assert psnr.score(clean, clean) == 100
    assert ssim.score(clean, clean) == pytest.approx(1, abs=1e-12)


def test_one_error_for_all_pixels_and_channels():
    clean = np.zeros((16, 16, 3), np.uint8)
    output = clean.copy()
    output[0, 0, 0] = 16  # one of 768 values off by 16: MSE 1/3
    assert psnr.score(output, clean) == pytest.approx(10 * np.log10(255**2 * 3), abs=1e-12)


def test_too_small_for_a_window():
    output, clean = pair(10, 40)
    with pytest.raises(ValueError, match="at least 11x11 pixels, got 40x10"):
        ssim.score(output, clean)


def example(shared):
    """The authors' picture and its two distortions."""
    folder = shared / "data/lpips_example"
    return [np.asarray(Image.open(folder / f"ex_{name}.png").convert("RGB")) for name in ("ref", "p0", "p1")]


@pytest.fixture
def weights(shared, monkeypatch):
    """Backbones beside the checkout."""
    monkeypatch.setenv("BENCH_WEIGHTS", str(shared / "weights"))
    perceptual._network.cache_clear()
    yield
    perceptual._network.cache_clear()


@pytest.mark.slow
def test_lpips_of_the_authors_example(shared, weights):
    clean, first, second = example(shared)
    score = metrics.against([metrics.load_metric("lpips")], clean, load_protocol("stored"))
    assert [round(score(output).values["lpips"], 3) for output in (first, second)] == [0.722, 0.138]  # their README


@pytest.mark.slow
@pytest.mark.parametrize("net", ["alex", "squeeze"])
def test_lpips_equals_the_package(shared, weights, net):
    clean, *outputs = (torch.from_numpy(image.copy()) for image in example(shared))
    found = list(map(perceptual.against(net, clean), outputs))
    network = perceptual._network(net, "cpu")
    x, y = (torch.stack(images).permute(0, 3, 1, 2).float() / 127.5 - 1 for images in (outputs, [clean, clean]))
    with torch.inference_mode():
        assert found == pytest.approx(network(x, y).flatten().tolist(), abs=1e-6)


@pytest.mark.slow
def test_lpips_in_bgr_is_a_protocol_of_its_own(shared, weights):
    clean, output, _ = example(shared)
    metric = metrics.load_metric("lpips")

    def scored(protocol, first, second):
        return metrics.against([metric], second, load_protocol(protocol))(first).values["lpips"]

    rgb, bgr = (scored(name, output, clean) for name in ("masked-denoising", "masked-denoising-bgr"))
    assert rgb == scored("stored", output, clean) != bgr  # and no border is left out
    assert bgr == scored("stored", output[..., ::-1], clean[..., ::-1])


@pytest.fixture
def random_backbones(monkeypatch):
    """Random weights in the place of the published ones."""

    def random(net):
        generator = torch.Generator().manual_seed(0)
        shapes = {(0, 64, 3, 11), (3, 192, 64, 5), (6, 384, 192, 3), (8, 256, 384, 3), (10, 256, 256, 3)}
        found = {f"features.{n}.weight": torch.randn(o, i, k, k, generator=generator) / 50 for n, o, i, k in shapes}
        return found | {f"features.{n}.bias": torch.zeros(o) for n, o, *_ in shapes}

    monkeypatch.setattr(backbones, "features", random)
    perceptual._network.cache_clear()
    yield
    perceptual._network.cache_clear()


@pytest.mark.slow
def test_lpips_without_the_published_weights(random_backbones):
    output, clean = pair(40, 48)
    before = torch.random.get_rng_state()
    metric = metrics.load_metric("lpips")
    assert metric.missing() == "" and metric.score(clean, clean) == 0 < metric.score(output, clean)
    assert torch.equal(before, torch.random.get_rng_state())
    with pytest.raises(ValueError, match="at least 31x31 pixels, got 40x30"):
        metric.score(*pair(30, 40))


def test_weights_that_cannot_be_had_are_a_reason(tmp_path, monkeypatch):
    perceptual._network.cache_clear()
    metric = metrics.load_metric("lpips")
    assert "$BENCH_OFFLINE" in metric.missing()
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path))
    torch.save({"features.0.weight": torch.zeros(64, 3, 11, 11)}, tmp_path / "alexnet_features.pth")
    assert "published tensors of AlexNet" in metric.missing() and "alexnet_features.pth" in metric.missing()
    (tmp_path / "alexnet_features.pth").write_bytes(b"no weights")
    assert "alexnet_features.pth cannot be read" in metric.missing()


def test_a_download_is_asked_for_with_its_hash(tmp_path, monkeypatch):
    import pooch

    asked = []

    def refused(url, known_hash, fname, path, downloader):
        asked.append((url, known_hash, path))
        raise ConnectionError("no route")

    monkeypatch.delenv("BENCH_OFFLINE")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(pooch, "retrieve", refused)
    monkeypatch.setattr(backbones, "_FAILED", {})
    assert "https://download.pytorch.org/models/" in metrics.load_metric("lpips").missing()
    ((url, known_hash, path),) = asked
    assert url.rpartition("-")[2] == f"{known_hash[:8]}.pth" and len(known_hash) == 64  # torchvision names files so
    assert path == tmp_path / "hub/checkpoints"


@pytest.mark.parametrize("name", OURS)
def test_a_metric_says_what_it_is(name):
    metric = metrics.load_metric(name)
    assert metric.name == name and all((metric.title, metric.meaning, metric.definition, metric.source))
    assert ("higher is better" if metric.higher_is_better else "lower is better") in metric.meaning
    assert metrics.names() == OURS


def test_the_report_knows_psnr_as_it_is():
    own = metrics.load_metric("psnr")
    fields = ("title", "unit", "digits", "higher_is_better", "meaning")
    assert [getattr(own, field) for field in fields] == [getattr(PSNR, field) for field in fields]


def test_a_metric_from_a_file(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from bench.metrics import Metric\n"
        "def against(clean):\n"
        "    return lambda output: (output.double() - clean.double()).abs().mean()\n"
        "MAE = Metric('mae', against, 'MAE', higher_is_better=False)\n"
        "TAKEN = Metric('psnr', against, 'mine', higher_is_better=False)\n"
        "NOTHING = 3\n"
    )
    output, clean = pair()
    metric = metrics.load_metric(f"{file}:MAE")
    assert metric.score(output, clean) == pytest.approx(np.abs(output.astype(float) - clean).mean())
    assert [m.name for m in metrics.expand(f"psnr,{file}:MAE")] == ["psnr", "mae"]
    for name, words in (
        ("TAKEN", "got 'psnr'"),
        ("NOTHING", "got int"),
        ("MAD", "unknown metric in .*'MAD'"),
    ):
        with pytest.raises(BadInput, match=words):
            metrics.load_metric(f"{file}:{name}")


@pytest.mark.parametrize(
    ("text", "words"), [("pnsr", "unknown metric 'pnsr'. Did you mean 'psnr'"), (",", "expected a metric")]
)
def test_bad_lists(text, words):
    with pytest.raises(BadInput, match=words):
        metrics.expand(text)


def test_a_metric_is_plain_data():
    card = metrics.load_metric("psnr").card()
    assert json.loads(json.dumps(card)) == card and dataclasses.is_dataclass(metrics.Metric)
