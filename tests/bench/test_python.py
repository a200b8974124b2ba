"""bench from Python: objects in runs, one image at a time, runs as objects, and the examples of help(bench)."""

import doctest
import gc
import importlib.util
import io
import sys
import time

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import nn

import bench
from bench.core.errors import BadInput
from bench.core.progress import bar_in_sight
from bench.runs.store import Store
from noise_zoo.noise import Noise

pytestmark = pytest.mark.slow

NOISE = "gaussian(sigma=25)"
NETWORKS = """
import functools
import torch
from torch import nn

SCALE = 0.5

class Scale(nn.Module):
    def __init__(self, factor=0.5):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return x * self.factor

class Biased(nn.Module):
    def __init__(self):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return x + self.bias

class Holder(nn.Module):
    def __init__(self, held):
        super().__init__()
        self.held = held

    def forward(self, x):
        return self.held(x)

def half(x):
    return x * SCALE
"""
NOISES = """
from dataclasses import dataclass
from typing import ClassVar
from noise_zoo.noise import Noise

@dataclass(frozen=True)
class Shift(Noise):
    amount: float
    axis: ClassVar[str] = "amount"

    def __call__(self, clean, rng):
        return clean + self.amount, clean
"""


def imported(tmp_path, monkeypatch, name, source):
    """The module of a new file, as if bench had been imported after it was written."""
    file = tmp_path / f"{name}.py"
    file.write_text(source)
    monkeypatch.setattr(bench, "IMPORTED_AT", time.time() + 1)
    found = importlib.util.module_from_spec(importlib.util.spec_from_file_location(name, file))
    monkeypatch.setitem(sys.modules, name, found)
    exec(compile(source, str(file), "exec"), vars(found))
    return found


@pytest.fixture
def own(tmp_path, monkeypatch):
    return imported(tmp_path, monkeypatch, "own_networks_of_test", NETWORKS)


@pytest.fixture
def image():
    small = Image.fromarray(np.random.default_rng(5).integers(0, 256, (6, 7, 3), dtype=np.uint8))
    return np.asarray(small.resize((48, 40), Image.Resampling.BICUBIC))


def run(models, image, **options):
    options = {"noises": NOISE, "metrics": "psnr", "reference": None, **options}
    return bench.run(models, datasets=image, **options)


def stored(folder):
    """All rows of a run folder, those that do not count too."""
    with Store.open(folder) as store:
        return store.rows()


def test_the_examples_of_help_run(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    failed, tried = doctest.testmod(bench)
    assert tried > 10 and not failed
    assert all(hasattr(bench, name) and getattr(bench, name).__doc__ for name in bench.__all__)
    gc.collect()
    assert not list(tmp_path.glob("bench-run-*"))


def test_objects_score_as_the_same_network_from_a_file(tmp_path, own, image, photos):
    file = f"{tmp_path / 'own_networks_of_test.py'}:Scale(factor=0.25)"
    network = own.Scale(0.25).train()
    rows = run({"mine": network, "file": file, "function": lambda x: 0.25 * x}, photos).rows.set_index("model")
    assert len(rows) == 12 and (rows["status"] == "ok").all()
    scores = {model: list(rows.loc[model, "psnr"]) for model in ("mine", "Scale(factor=0.25)", "function")}
    assert scores["mine"] == scores["Scale(factor=0.25)"] == scores["function"]
    assert network.training and type(network) is own.Scale  # the object itself is as it was


def test_a_name_for_one_object_and_names_with_spaces(own, image):
    assert set(run(own.Scale(), image, name="mine").rows["model"]) == {"mine"}
    assert set(run([own.Scale(), "tv"], image).rows["model"]) == {"Scale", "tv"}
    assert set(run({"my net, v2": own.Scale()}, image).table()["label"]) == {"my net, v2", "noisy"}
    with pytest.raises(BadInput, match="name"):
        run([own.Scale(), "tv"], image, name="mine")
    with pytest.raises(BadInput, match="Scale"):
        run([own.Scale(), own.Scale(2)], image)
    with pytest.raises(BadInput, match="ours"):
        run({"ours": own.Scale()}, image)
    with pytest.raises(BadInput, match="Scale"):
        run(own.Scale, image)
    with pytest.raises(BadInput, match="int"):
        run(3, image)


def test_rows_of_an_object_are_reused_only_for_the_same_object(tmp_path, own, image):
    folder, seconds = tmp_path / "run", []

    def rows_of(network):
        found = run({"mine": network}, image, out=folder).rows
        assert len(found) == 1
        seconds.append(found["seconds"].iloc[0])
        return found["psnr"].iloc[0]

    other = own.Biased()
    with torch.no_grad():
        other.bias += 0.1
    scores = [rows_of(network) for network in (own.Biased(), own.Biased(), other, own.Scale(0.5), own.Scale(0.25))]
    assert seconds[0] == seconds[1] and scores[0] == scores[1]  # not computed again
    assert len(set(scores)) == 4 and len(stored(folder)) == 4


CHANGES = ["lambda", "closure", "local class", "replaced method", "held object", "hook", "edited",
           "edited, not imported again", "buffer", "class attribute"]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_what_cannot_be_identified_is_never_reused(tmp_path, own, image, change, monkeypatch):
    folder = tmp_path / "run"
    if change == "lambda":
        first, second = lambda x: x * 0.5, lambda x: x * 0.25
    elif change == "closure":
        first, second = (scaled(factor) for factor in (0.5, 0.25))
    elif change == "local class":
        first, second = (local_class(factor)() for factor in (0.5, 0.25))
    elif change == "replaced method":
        first, second = own.Scale(), own.Scale()
        run({"mine": first}, image, out=folder)
        monkeypatch.setattr(own.Scale, "forward", lambda self, x: x * 0.25)
    elif change == "held object":
        first, second = (own.Holder(own.functools.partial(torch.mul, other=factor)) for factor in (0.5, 0.25))
    elif change == "hook":
        first, second = own.Scale(), own.Scale()
        second.register_forward_hook(lambda module, x, y: y / 2)
    elif change.startswith("edited"):
        first = own.Scale()
        if change == "edited":
            run({"mine": first}, image, out=folder)
        file = tmp_path / "own_networks_of_test.py"
        changed = NETWORKS.replace("x * self.factor", "x * self.factor / 2")
        second = imported(tmp_path, monkeypatch, "own_networks_of_test", changed).Scale()
        monkeypatch.setattr(bench, "IMPORTED_AT", file.stat().st_ctime - 60)
    elif change == "buffer":
        first, second = own.Holder(torch.nn.Identity()), own.Holder(torch.nn.Identity())
        for network, value in ((first, 0.5), (second, 0.25)):
            network.register_buffer("factor", torch.tensor(value), persistent=False)
            network.held.factor = network.factor
            network.held = own.Scale(network.factor)
    else:
        first, second = own.Scale(0.5), own.Scale(0.5)
        run({"mine": first}, image, out=folder)
        monkeypatch.setattr(own.Scale, "power", 2, raising=False)
    if not folder.exists():
        run({"mine": first}, image, out=folder)
    rows = run({"mine": second}, image, out=folder).rows
    assert len(rows) == 1 and len(stored(folder)) == 2


def scaled(factor):
    def network(x):
        return x * factor

    return network


def local_class(factor):
    class Local(nn.Module):
        def forward(self, x):
            return x * factor

    return Local


def test_a_function_of_a_file_is_reused_and_notes_say_what_is_not(tmp_path, own, image):
    for _ in range(2):
        made = run({"mine": own.half}, image, out=tmp_path / "run")
    assert len(stored(tmp_path / "run")) == 1 and not any("computes its rows again" in note for note in made.notes)
    made = run({"mine": lambda x: x}, image, out=tmp_path / "run")
    assert any("computes its rows again" in note for note in made.notes)


@pytest.mark.parametrize("kind", ["grey", "float", "list", "named", "stack", "mixed"])
def test_arrays_are_data_sets(image, photos, kind):
    grey = image[..., 0]
    given, expected = {
        "grey": (grey, ["0"]),
        "float": (image.astype(np.float64) / 255, ["0"]),
        "list": ([image, grey], ["0", "1"]),
        "named": ({"mine": {"one": image}, "others": [grey]}, ["one", "0"]),
        "stack": (np.stack([image, image[::-1]]), ["0", "1"]),
        "mixed": ([photos, image], ["a.png", "b.png", "c.png", "d.png", "0"]),
    }[kind]
    rows = run("tv", given).rows
    assert list(dict.fromkeys(rows["image"])) == expected or sorted(rows["image"]) == sorted(expected)
    if kind == "float":
        assert set(rows["image_hash"]) == set(run("tv", image).rows["image_hash"])
    if kind == "named":
        assert set(rows["dataset"]) == {"mine", "others"}


def test_limits_are_those_of_other_data_sets(image):
    rows = run("tv", {"mine": [image, image[::-1]]}, limit=1).rows
    assert list(rows["dataset"]) == ["mine(limit=1)"]


def test_arrays_of_one_name_are_never_mixed(tmp_path, image):
    for pixels in (image, image[::-1]):
        rows = run("tv", {"mine": pixels}, out=tmp_path / "run").rows
    assert len(rows) == 1 and len(stored(tmp_path / "run")) == 2


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (np.zeros((3, 40, 40)), "last"),
        (np.full((40, 40, 3), 200.0), "200"),
        (np.zeros((40, 40, 3), int), "uint8"),
        (np.full((40, 40), np.nan), "NaN"),
        ({"builtin": np.zeros((40, 40))}, "builtin"),
        ([], "data set"),
        (3, "int"),
    ],
)
def test_other_arrays_are_refused(given, named):
    with pytest.raises(BadInput, match=named):
        run("tv", given)


def test_noises_made_in_python(tmp_path, image, own, monkeypatch):
    rows = run("tv", image, noises=["poisson(alpha=2)", bench.load_noise(NOISE)]).rows
    assert set(rows["noise"]) == {"poisson(alpha=2)", NOISE}
    module = imported(tmp_path, monkeypatch, "own_noises_of_test", NOISES)
    found = run("tv", image, noises=module.Shift(0.1)).rows.iloc[0]
    assert found["noise"] == "own_noises_of_test:Shift(amount=0.1)" and found["noise_version"] > 1
    edited = imported(tmp_path, monkeypatch, "own_noises_of_test", NOISES.replace("clean + ", "clean - "))
    assert run("tv", image, noises=edited.Shift(0.1)).rows["noise_version"].iloc[0] != found["noise_version"]
    exec(source := NOISES, typed := {"__name__": "typed"})
    assert source and issubclass(typed["Shift"], Noise)
    with pytest.raises(BadInput, match="Shift"):
        run("tv", image, noises=typed["Shift"](0.1))


def test_other_processes_get_no_objects(tmp_path, own, image, monkeypatch):
    with pytest.raises(BadInput, match="mine"):
        run({"mine": own.Scale()}, image, workers=1)
    module = imported(tmp_path, monkeypatch, "own_noises_of_test", NOISES)
    with pytest.raises(BadInput, match="Shift"):
        run("tv", image, noises=module.Shift(0.1), timeout=60)


def test_arrays_go_to_other_processes(image):
    here, there = run("tv", image).rows, run("tv", image, workers=1).rows
    assert list(here["psnr"]) == list(there["psnr"]) and (there["status"] == "ok").all()


@pytest.mark.parametrize("protocol", ["stored", "float", "masked-denoising"])
@pytest.mark.parametrize("noise", [NOISE, "isp(profile=0)"])
def test_noisy_pixels_and_outputs_are_those_of_a_run(tmp_path, own, image, noise, protocol):
    from bench.site.study import pictures

    given = {}

    def network(x):
        given["x"] = x[0].permute(1, 2, 0).numpy().copy()
        return x * 0.5

    if noise.startswith("isp"):
        noise = next(str(one) for one in bench_levels("isp"))
    made = run({"mine": network}, image, noises=noise, protocol=protocol, seeds=3, out=tmp_path / "run")
    row = made.rows.iloc[0]
    noisy, clean = bench.noisy(image, noise, 3, protocol, with_clean=True)
    as_float = noisy / np.float32(255) if noisy.dtype == np.uint8 else noisy
    np.testing.assert_array_equal(as_float.astype(np.float32), given["x"])
    output = bench.denoise(network, image, noise, seed=3, protocol=protocol)
    with Store.open(tmp_path / "run") as store:
        kept = {one.source: np.asarray(Image.open(one.path)) for one in pictures(store, store.rows(), protocol)}
    np.testing.assert_array_equal(output, kept["mine"])
    as_uint8 = np.rint(bench.denoise(network, as_float) * 255).astype(np.uint8)
    np.testing.assert_array_equal(as_uint8, kept["mine"])
    np.testing.assert_array_equal(clean, kept["clean"])
    assert bench.score(output, clean, "psnr", protocol) == {"psnr": row["psnr"]}


def bench_levels(name):
    from bench.noise import noises

    return [noises.canonical(noise) for noise in noises.expand(name)]


def test_a_noise_with_its_own_clean_image_says_so(image):
    with pytest.raises(BadInput, match="with_clean"):
        bench.noisy(image, bench_levels("isp")[0])
    with pytest.raises(BadInput, match="real"):
        bench.noisy(image, "real")


@pytest.mark.parametrize("shape", [(40, 48), (40, 48, 1), (40, 48, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_arrays_come_back_as_they_were_given(image, shape, dtype):
    pixels = image if shape[-1] == 3 else image[..., 0].reshape(shape)
    given = pixels if dtype == np.uint8 else (pixels / 255).astype(dtype)
    for made in (bench.noisy(given, NOISE), bench.denoise("tv", given), bench.denoise(lambda x: x, given)):
        assert made.shape == shape and made.dtype == dtype
        assert made.max() <= (255 if dtype == np.uint8 else 1)
    np.testing.assert_allclose(bench.denoise(lambda x: x, given), given, atol=1e-6)  # floats are not rounded


def test_a_network_of_this_installation_keeps_its_tile():
    network, sides = bench.load_model("rnan(weights=None, n_feats=4, n_resgroups=2)"), []
    network.register_forward_pre_hook(lambda module, inputs: sides.append(inputs[0].shape[-1]))
    bench.denoise(network, np.zeros((60, 60, 3), np.float32))
    assert set(sides[2:]) == {48}


def test_a_run_without_scores_can_be_shown(image):
    made = run(broken, image)
    assert set(made.rows["status"]) == {"failed"} and "1 of 1 rows" in made._repr_html_()
    assert len(made.table("cell")) == 2


def test_large_images_are_denoised_in_tiles(own):
    sides = []

    def network(x):
        sides.append(x.shape[-1])
        return x

    bench.denoise(network, np.zeros((200, 150), np.float32), tile=96)
    assert max(sides) <= 96


def test_denoise_and_score_refuse_what_they_cannot_do(image):
    with pytest.raises(BadInput, match="one model"):
        bench.denoise("tv, nlm", image)
    with pytest.raises(BadInput, match="kernel"):
        bench.denoise(broken, image)
    with pytest.raises(BadInput, match="shape"):
        bench.score(image, image[1:])
    with pytest.raises(BadInput, match="ssim"):
        bench.score(image[:5], image[:5])
    with pytest.raises(BadInput, match="255"):
        bench.score(image.astype(float), image)


def broken(x):
    if x.shape[-1] > 32:
        raise RuntimeError("no kernel")
    return x


def test_a_run_is_its_tables_comparisons_and_pages(tmp_path, own, image, photos):
    made = run(
        {"mine": own.Scale(), "half": own.half},
        photos,
        noises="gaussian",
        reference="gaussian(sigma=15)",
        out=tmp_path / "run",
        metrics="psnr,ssim",
    )
    loaded = bench.load_run(tmp_path / "run")
    pd.testing.assert_frame_equal(loaded.rows, made.rows)
    assert len(loaded) == len(made.rows) and "run" in repr(loaded)
    assert set(loaded.table()["label"]) == {"mine", "half", "noisy"}
    assert len(loaded.table("image", models="mine", noises=NOISE)) == 8  # and the reference noise
    assert set(loaded.table("cell", models=["mine"], metrics="ssim")["label"]) == {"mine", "noisy"}
    assert {"mine", "half"} <= set(loaded.table("table").columns)
    with pytest.raises(BadInput, match="pixel"):
        loaded.table("pixel")
    differences = loaded.compare(models="mine", against="half", noises=[NOISE], metrics="psnr")
    assert list(differences["difference"]) == [0, 0] or set(differences["difference"]) == {0}
    assert set(bench.compare(made, loaded)["difference"]) == {0}
    assert loaded.report(tmp_path / "site", models="mine").is_file()
    shown = loaded._repr_html_()
    assert "<td>mine</td>" in shown and "OOD" in shown
    with pytest.raises(BadInput, match="run folder"):
        bench.load_run(tmp_path)


def test_a_run_makes_figures_and_compares_some_seeds(tmp_path, own, image):
    found = bench.run(["tv", "wavelet"], "gaussian(sigma=25), gaussian(sigma=50)", image, metrics="psnr", seeds=(0, 1))
    assert found.figure(out=tmp_path / "a.png", noise="gaussian(sigma=25)", width=3).stat().st_size > 1000
    assert found.figure("levels", tmp_path / "b.pdf", noise="gaussian").read_bytes().startswith(b"%PDF")
    with pytest.raises(BadInput, match="pie"):
        found.figure("pie")
    both, first = (found.compare(models="tv", against="wavelet", seeds=seeds) for seeds in (None, (0,)))
    assert len(both) == len(first) and not both["difference"].equals(first["difference"])
    with pytest.raises(BadInput, match="--seeds"):
        found.compare(models="tv", against="wavelet", seeds=(7,))


def test_text_in_notebooks_is_escaped(image):
    assert "<b>" not in run({"<b>x</b>": lambda x: x}, image)._repr_html_()


def test_a_run_without_a_folder_leaves_nothing(tmp_path, monkeypatch, image):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made = run("tv", image)
    rows = made.rows
    assert list(tmp_path.iterdir())
    del made
    gc.collect()
    assert len(rows) == 1 and not list(tmp_path.iterdir())


def test_data_sets_are_sequences(photos):
    found = bench.load_dataset(photos)
    assert len(found) == 4 and [image.name for image in found] == ["a.png", "b.png", "c.png", "d.png"]
    assert found["b.png"] is found[1] and found[1].pixels.dtype == np.uint8
    np.testing.assert_array_equal(found[1].pixels, np.asarray(Image.open(photos / "b.png")))


def test_the_bar_is_in_terminals_alone(monkeypatch, capsys, image):
    run("tv", image)
    assert capsys.readouterr().out == ""

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    for wanted in (True, False):
        monkeypatch.setattr(sys, "stdout", Terminal())
        with bar_in_sight("rows", 3, wanted) as bar:
            bar.advance(3)
        assert ("3/3" in sys.stdout.getvalue()) == wanted


def test_settings_are_named_as_on_the_command_line():
    import inspect

    from bench.cli import main

    options = {parameter.name for parameter in main.get_command(None, "run").params}
    own = set(inspect.signature(bench.run).parameters)
    assert own - options == {"noises", "name", "progress"}
    assert options - own == {"noise", "file", "verbose", "dry_run"}


def test_attributes_of_an_object_say_how_it_runs(own, image):
    network = nn.Conv2d(1, 1, 3, padding=1, bias=False)
    nn.init.constant_(network.weight, 1 / 9)
    network.channels, network.trained_on = 1, "gaussian(sigma=25)"
    rows = run({"mine": network}, image)
    assert (rows.rows["status"] == "ok").all() and "each channel" in rows.rows["input"].iloc[0]
    assert "gaussian(sigma=25)" in rows.table()["training_noise"].tolist()
