"""Networks that take the noise level, in runs: where it comes from, and that rows, cards and keys say so."""

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from torch import nn

import bench
from baselines.dncnn import DnCNN
from bench.cli import main
from bench.core.errors import BadInput
from bench.models import adapters, complexity, model_specs, precisions
from bench.models.tiles import Tiled
from bench.models.tiling import Tiling
from bench.noise import noises
from noise_zoo.speckle import Speckle

SOURCE = """
import torch
from torch import nn

class Tell(nn.Module):  # gives the noise level back
    def __init__(self, gain=1):
        super().__init__()
        self.gain = gain
    def forward(self, x, sigma):
        assert sigma.shape == (len(x), 1, *x.shape[2:]) and sigma.dtype == torch.float32
        return self.gain * sigma.expand_as(x) + 0 * x

class Scalar(Tell):
    scalar_sigma = True
    def forward(self, x, noise_level_map):
        assert noise_level_map.shape == (len(x), 1, 1, 1)
        return noise_level_map.repeat(1, x.shape[1], *x.shape[2:])

class Repeats(Scalar):
    scalar_sigma = False
    def forward(self, x, sigma):
        return super().forward(x, sigma)

class Grey(Tell):
    channels = 1

class Keyed(Tell):
    takes_keys = True
    def forward(self, x, sigma, keys=None):
        return super().forward(x, sigma) + len(keys) * 0

class Blind(nn.Module):
    def __init__(self, **others):
        super().__init__()
        self.others = others
    def forward(self, x, sigma=0.5):
        return x

class Plain(Blind):
    def __init__(self):
        super().__init__()

class Clash(Tell):
    def __init__(self, level=3):
        super().__init__()
"""
OWN_NOISE = """
from dataclasses import dataclass
import numpy as np
from noise_zoo.noise import Noise

@dataclass(frozen=True)
class Shifted(Noise):
    amount: float
    def __call__(self, clean, rng):
        return clean + rng.standard_normal(clean.shape, dtype=np.float32) * self.amount / 255, clean
    def standard_deviation(self, clean):
        return self.amount / 255

@dataclass(frozen=True)
class Wrong(Shifted):
    def standard_deviation(self, clean):
        return float("nan")
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(SOURCE)
    (tmp_path / "noise.py").write_text(OWN_NOISE)
    folder = tmp_path / "photos"
    folder.mkdir()
    ramp = np.broadcast_to(np.arange(120, dtype=np.uint8)[None, :, None] * 2, (80, 120, 3))
    Image.fromarray(np.ascontiguousarray(ramp)).save(folder / "0.png")
    return "own.py"


def call(*words):
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def run(models, noise, out, *options):
    """The rows of `bench run` on the photographs, with saved pictures."""
    done = call(
        "run",
        "--models",
        models,
        "--noise",
        noise,
        "--data",
        "photos",
        "--metrics",
        "psnr",
        "--reference",
        "none",
        "--out",
        out,
        *options,
    )
    assert call("export", out, "--format", "csv", "-o", out / "rows.csv").exit_code == 0
    return pd.read_csv(out / "rows.csv", keep_default_na=False), done.output


def outputs(rows, out):
    """(model, noise) -> the saved output of each row, in 8-bit levels."""
    from bench.runs.store import Store, picture_name, row_key

    found = {}
    with Store.open(out) as store:
        stored = store.rows()
    assert len(stored) == len(rows)
    for row in stored.to_dict("records"):
        picture = out / "pictures" / picture_name(row_key(row))
        found[row["model"], row["noise"]] = np.asarray(Image.open(picture)).astype(float)
    return found


def test_the_level_is_part_of_the_label_and_the_card(own):
    labels = {
        "Tell": "own.py:Tell",
        "Tell(level='true')": "own.py:Tell(level='true')",
        "Tell(gain=2, level=15)": "own.py:Tell(level=15.0, gain=2)",
    }
    models = [model_specs.resolve(text) for text in labels.values()]
    assert [model.label for model in models] == list(labels)
    assert [model.level for model in models] == ["estimated", "true", 15]
    assert model_specs.resolve("own.py:Tell(level='estimated')").label == "Tell"
    assert len({model.label for model in model_specs.distinct(models)}) == 3
    assert ["not blind" in model.card["noise_level"] for model in models] == [False, True, False]
    assert model_specs.resolve("own.py:Plain").level is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("own.py:Tell(level='guess')", "level: expected 'estimated', 'true' or a number"),
        ("own.py:Plain(level=15)", "expected a network whose forward takes sigma"),
        ("own.py:Clash", "its parameter 'level' conflicts"),
        ("dncnn(level=15)", "unknown parameter of dncnn 'level'"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(own, text, words):
    with pytest.raises(BadInput) as error:
        model_specs.resolve(text)
    assert words in str(error.value) and str(error.value).isprintable()


def test_networks_with_other_parameters_of_the_name_stay_as_they_were(own):
    """A default for sigma, or **others that take a level: both ran before there was a level."""
    assert model_specs.load_model("own.py:Blind(level=3)").others == {"level": 3}
    x = torch.rand(1, 3, 8, 8)
    assert torch.equal(model_specs.load_model("own.py:Plain")(x), x)


def test_a_scalar_is_proposed_to_a_network_that_repeats_its_level(own):
    with pytest.raises(BadInput, match="scalar_sigma = True"):
        model_specs.resolve("own.py:Repeats").checked()
    for name in ("Tell", "Scalar", "Grey", "Keyed"):
        for level in ("'true'", "'estimated'", "15"):
            model_specs.resolve(f"own.py:{name}(level={level})").checked()


def test_load_model_estimates_or_takes_a_level(own):
    x = 0.5 + 25 / 255 * torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(bench.load_model("own.py:Tell(level=15)")(x), torch.tensor(15 / 255))
    estimated = bench.load_model("own.py:Tell")(x)
    assert estimated.mean().item() == pytest.approx(25 / 255, rel=0.05)
    given = torch.full((2, 3, 64, 64), 0.2)
    for name in ("Tell", "Tell(level='true')", "Scalar(level=3)", "Grey"):
        assert torch.allclose(bench.load_model(f"own.py:{name}")(x, sigma=given), torch.tensor(0.2))
    with pytest.raises(ValueError, match="level='true'"):
        bench.load_model("own.py:Tell(level='true')")(x)


def test_a_greyscale_network_gets_the_level_of_each_channel(own):
    x = torch.rand(2, 3, 8, 8)
    level = torch.rand(2, 3, 8, 8)
    assert torch.allclose(bench.load_model("own.py:Grey(level='true')")(x, sigma=level), level)
    alike = bench.load_model("own.py:Grey")(x)  # estimated: that of the image, the same in all channels
    assert torch.allclose(alike, bench.load_model("own.py:Tell")(x))


@pytest.mark.parametrize("name", ["Tell", "Grey", "Keyed"])
def test_tiles_get_their_part_of_the_level_of_the_whole_image(own, name):
    network, x = (
        bench.load_model(f"own.py:{name}"),
        torch.rand(1, 3, 90, 70, generator=torch.Generator().manual_seed(1)),
    )
    keys = {"keys": [1]} if name == "Keyed" else {}
    tiled = Tiled(network, Tiling(32, overlap=8, margin=2))
    assert torch.allclose(tiled(x, **keys), network(x, **keys), atol=1e-6)
    level = torch.rand(1, 3, 90, 70)
    assert torch.allclose(tiled(x, sigma=level, **keys), network(x, sigma=level, **keys), atol=1e-6)
    small = Tiled(network, Tiling(128, overlap=8, margin=2, reflect_small=True))
    assert torch.allclose(small(x, sigma=level, **keys), network(x, sigma=level, **keys), atol=1e-6)


def test_bfloat16_and_white_at_255(own):
    x = torch.rand(1, 3, 16, 16)
    cast = precisions.cast(bench.load_model("own.py:Tell(level=15)"), "bfloat16")
    assert torch.allclose(cast(x), torch.tensor(15 / 255), atol=1e-3) and cast(x).dtype == torch.float32

    class White(nn.Module):
        def forward(self, x, sigma):
            return sigma.expand_as(x)

    scaled = adapters.RangeAdapter(adapters.NonBlind(White(), 15), 255)
    assert torch.allclose(scaled(x), torch.tensor(15 / 255))
    assert torch.allclose(scaled(x, sigma=torch.full((1, 1, 16, 16), 0.5)), torch.tensor(0.5))
    assert complexity.flops_per_pixel(adapters.NonBlind(White(), "true")) == 0


def test_a_network_of_the_installation_may_be_non_blind(monkeypatch):
    monkeypatch.setattr(DnCNN, "forward", lambda self, x, sigma: sigma.expand_as(x) + 0 * x)
    model = model_specs.resolve("dncnn(level=15)")
    assert model.label == "dncnn(level=15)" and model_specs.resolve("dncnn(level='estimated')").label == "dncnn"
    assert torch.allclose(model.load()(torch.rand(1, 3, 8, 8)), torch.tensor(15 / 255))
    assert model_specs.resolve("dncnn(weights=None, level='true')").label == "dncnn(weights=None, level='true')"


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--tile", "64"), ("--precision", "bf16"), ("--workers", "2")], ids=" ".join)
def test_a_run_gives_the_true_level(own, tmp_path, options):
    """The output, which is the level, is the noise's standard deviation at each pixel; rows say so."""
    models = "own.py:Tell(level='true'), own.py:Grey(level='true'), own.py:Tell(level=15)"
    rows, _ = run(models, "speckle(var=0.04), gaussian(sigma=25)", tmp_path / "out", *options)
    assert (rows["status"] == "ok").all(), rows["reason"].tolist()
    assert set(rows["input"]) == {
        "colour with equal channels, noise level true",
        "colour with equal channels, noise level true, each channel by itself",
        "colour with equal channels, noise level 15",
    }
    clean = np.asarray(Image.open("photos/0.png")).astype(np.float32) / 255
    found = outputs(rows, tmp_path / "out")
    for name in ("Tell", "Grey"):
        expected = 255 * Speckle(0.04).standard_deviation(clean)
        assert np.abs(found[f"{name}(level='true')", "speckle(var=0.04)"] - expected).max() <= 0.51
        assert np.abs(found[f"{name}(level='true')", "gaussian(sigma=25)"] - 25).max() <= 0.51
    assert (found["Tell(level=15)", "speckle(var=0.04)"] == 15).all()


@pytest.mark.slow
def test_a_noise_without_a_level_is_a_row_with_the_reason(own, tmp_path):
    chosen = "isp, noise.py:Shifted(10), noise.py:Wrong(10)"
    frame, said = run("own.py:Tell(level='true'), own.py:Tell", chosen, tmp_path / "out")
    assert "no scores under isp" in said and "not blind" in said
    by = {(row["model"], row["noise"].split(":")[-1]): row for row in frame.to_dict("records")}
    failing = by["Tell(level='true')", "isp"], by["Tell(level='true')", "Wrong(amount=10)"]
    assert [row["status"] for row in failing] == ["failed"] * 2
    assert "known standard deviation, got isp" in failing[0]["reason"] and "finite" in failing[1]["reason"]
    others = [row["status"] for key, row in by.items() if row not in failing]
    assert others == ["ok"] * 4


@pytest.mark.slow
def test_the_report_says_who_is_not_blind(own, tmp_path):
    run("own.py:Tell(level='true'), own.py:Plain", "gaussian(sigma=25)", tmp_path / "out")
    assert call("report", tmp_path / "out", "-o", tmp_path / "site").exit_code == 0
    pages = [file.read_text() for file in (tmp_path / "site").rglob("*.html")]
    assert any("not blind" in page for page in pages)


def test_the_level_of_a_users_noise_may_be_a_number(own):
    clean = np.zeros((4, 5, 3), np.float32)
    found = noises.standard_deviation(noises.load_noise("noise.py:Shifted(10)"), clean)
    assert found.shape == clean.shape and found.dtype == np.float32 and np.allclose(found, 10 / 255)
    with pytest.raises(BadInput, match="finite"):
        noises.standard_deviation(noises.load_noise("noise.py:Wrong(10)"), clean)


@pytest.mark.slow
def test_a_level_for_images_in_0_to_1_is_questioned(own):
    done = call("run", "--models", "own.py:Tell(level=0.1)", "--noise", "isp", "--data", "photos", "--dry-run")
    assert "did you mean level=25.5?" in done.output


@pytest.mark.slow
def test_a_dry_run_estimates_the_time_with_the_true_level(own, tmp_path):
    done = call(
        "run",
        "--models",
        "own.py:Tell(level='true')",
        "--noise",
        "poisson(2)",
        "--data",
        "photos",
        "--metrics",
        "psnr",
        "--dry-run",
        "--out",
        tmp_path / "out",
    )
    assert done.exit_code == 0 and "2 rows to compute" in done.output
