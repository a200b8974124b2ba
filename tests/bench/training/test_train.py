"""`bench train`: data, settings, card, interruption, and errors in one line."""

import dataclasses
import hashlib
import itertools
import json
import math
import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

import bench.training.train as bench_train
from baselines import baseline, dncnn, ours, rnan
from baselines.train import precision, training
from baselines.train.recipe import Recipe
from baselines.weights_io import checkpoints
from bench import cli, datasets
from bench.core import lock
from bench.core.errors import BadInput
from bench.models import model_specs
from bench.models.model import initialized
from bench.training import held_out
from bench.training.training_options import sort_settings, untrained

pytestmark = pytest.mark.slow

TINY = {"nc": "4", "nb": "3", "batch": "2", "crop": "16"}
WATCHED = [
    "gaussian(sigma=15)",
    "gaussian(sigma=50)",
    "mixture(level=2)",
    "salt_pepper(density=0.02)",
    "correlated(sigma=50)",
    "speckle(var=0.04)",
    "poisson(alpha=3)",
]


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder of 42 pictures; the first, which is held out, is large enough for test curves."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for number in range(42):
        side = 136 if number == 0 else 24
        coarse = rng.integers(0, 256, (side // 8, side // 8, 3), dtype=np.uint8)
        Image.fromarray(coarse.repeat(8, 0).repeat(8, 1)).save(folder / f"{number:02}.png")
    return folder


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on by a second whenever a training reads it."""
    ticks = itertools.count()
    monkeypatch.setattr(training, "time", SimpleNamespace(monotonic=lambda: float(next(ticks))))


def train(photos, out, name="dncnn", **options):
    settings = {**TINY, **options.pop("settings", {})}
    return bench_train.train_model(name, str(photos), out, settings=settings, **{"iterations": 6, **options})


def refusal(photos, out, **options):
    with pytest.raises(BadInput) as error:
        train(photos, out, **options)
    message = str(error.value)
    assert message.isprintable() and len(message) < 600, message
    return message


def card_of(file):
    return json.loads(file.with_suffix(".json").read_text())


def test_weights_and_card(photos, tmp_path, monkeypatch):
    command = ["bench", "train", "dncnn", "--data", "my photos", "--set", "nb=3"]
    monkeypatch.setattr(sys, "argv", command)
    file = train(photos, tmp_path / "out", settings={"sigma": "25", "input_mask": "20-40"}, seed=3)
    assert file == tmp_path / "out" / "dncnn-small.safetensors"
    card = card_of(file)
    pixels = hashlib.sha256()
    for picture in sorted(photos.iterdir()):
        with Image.open(picture) as image:
            pixels.update(np.asarray(image).tobytes())
    assert card["psnr_held_out"].keys() == {*WATCHED}
    assert all(4 < value < 40 for value in card.pop("psnr_held_out").values())
    assert card.pop("seconds") >= 0 and f"torch {torch.__version__}" in card.pop("machine")
    kept = card["trained_on"].pop("held_out")
    assert kept + card["trained_on"].pop("images") == 42 and 0 < kept <= 21
    assert [point["iteration"] for point in card["curve"]] == [6] and card.pop("curve")[0]["psnr"].keys() == {*WATCHED}
    assert card == {
        "name": "dncnn-small",
        "model": "dncnn",
        "size": "small",
        "title": dncnn.TITLE,
        "paper": dncnn.PAPER,
        "licence": card["licence"],
        "parameters": (3 * 9 + 1) * 4 + (4 * 9 + 1) * 4 + (4 * 9 + 1) * 3,
        "network": {"nc": 4, "nb": 3},
        "recipe": {
            "iterations": 6,
            "batch": 2,
            "crop": 16,
            "lr": 0.001,
            "schedule": "one-cycle",
            "sigma": 25,
            "milestones": [],
            "betas": [0.9, 0.99],
            "input_mask": [20, 40],
            "mask_on": "pixels",
            "ema": 0.999,
            "clip_noisy": False,
            "compile": False,
            "seed": 3,
            "noise": None,
            "precision": precision.fastest(dncnn.DnCNN(), torch.device("cpu")),
        },
        "trained_on": {
            "data": photos.name,
            "pixels_sha256": pixels.hexdigest(),
            "noise": "gaussian(sigma=25)",
            "terms": {photos.name: "not stated"},
        },
        "command": "bench train dncnn --data 'my photos' --set nb=3",
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "bytes": file.stat().st_size,
    }
    stored = torch.load(tmp_path / "out" / "checkpoint.pt", weights_only=True)
    written = checkpoints.read_weights(file)
    assert written.keys() == stored["average"].keys()
    assert all(torch.equal(written[key], value.half()) for key, value in stored["average"].items())
    lines = [json.loads(line) for line in (tmp_path / "out" / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["iteration"] == 6 and lines[-1]["scores"].keys() == {*WATCHED}


def test_the_written_file_is_a_model(photos, tmp_path):
    file = train(photos, tmp_path / "out")
    model = model_specs.resolve(f"dncnn(weights='{file}')")
    assert (model.label, model.size) == ("dncnn(weights='dncnn-small.safetensors')", "small")
    network = model.load()
    assert len(network.model) == 5
    weights = checkpoints.read_weights(file)
    assert all(torch.equal(value, weights[key].float()) for key, value in network.state_dict().items())


def test_recipe_of_the_network_and_of_the_preset(photos, tmp_path):
    """`ours` has its own masks, which settings change; the paper's preset is that of the full size."""
    small = {"embed_dim": "4", "depths": "(1,)", "num_heads": "(1,)", "batch": "2", "crop": "16"}

    def card(out, **options):
        settings = {**small, **options.pop("settings", {})}
        return card_of(
            bench_train.train_model("ours", str(photos), tmp_path / out, settings=settings, iterations=1, **options)
        )

    own, changed = card("own"), card("changed", settings={"input_mask": "off", "attention_mask": "40"})
    assert own["recipe"]["input_mask"] == list(ours.RECIPE["small"]["input_mask"])
    assert own["network"]["attention_mask"] == ours.SIZES["small"]["attention_mask"]
    assert (changed["recipe"]["input_mask"], changed["network"]["attention_mask"]) == (None, 40)
    official = card("official", preset="official")["recipe"]
    assert (official["input_mask"], official["ema"], official["clip_noisy"]) == ([80, 90], 0.999, True)
    paper = card("paper", preset="paper")
    assert (paper["name"], paper["size"]) == ("ours-full", "full")
    assert paper["recipe"]["input_mask"] == [75, 85] and paper["recipe"]["schedule"] == "steps"


@pytest.mark.parametrize(("count", "some"), [(1, False), (20, False), (21, True), (33, True), (42, True)])
def test_held_out_images_are_never_most_of_them(photos, tmp_path, count, some):
    folder = tmp_path / "some"
    folder.mkdir()
    for picture in sorted(photos.iterdir())[-count:]:
        shutil.copy(picture, folder)
    trained_on = card_of(train(folder, tmp_path / "out", iterations=1))["trained_on"]
    assert trained_on["images"] + trained_on["held_out"] == count
    assert trained_on["images"] >= trained_on["held_out"]
    assert (trained_on["held_out"] > 0) == some


def test_held_out_images_are_not_trained_on(photos, tmp_path, monkeypatch):
    seen = {}

    class Spy(training.Trainer):
        def __init__(self, network, images, *arguments, **options):
            seen["train"] = [image.tobytes() for image in images]
            super().__init__(network, images, *arguments, **options)

    scorer = held_out.scorer

    def spy(network, images, *options):
        seen["held out"] = [image.tobytes() for image in images.values()]
        return scorer(network, images, *options)

    monkeypatch.setattr(training, "Trainer", Spy)
    monkeypatch.setattr(held_out, "scorer", spy)
    train(photos, tmp_path / "out", iterations=1)
    assert seen["held out"] and seen["train"] and not {*seen["held out"]} & {*seen["train"]}


def test_curves_of_a_network_that_does_nothing_by_hand():
    """PSNR of the noise itself on mid-grey: 20 log10(255 / sigma); variances 0.25 d and 0.25 v; sigma / 3."""
    grey = np.full((128, 140, 3), 128, np.uint8)
    validate = held_out.scorer(torch.nn.Identity(), {"grey": grey}, torch.device("cpu"))
    scores = validate({})
    expected = {
        "gaussian(sigma=15)": 20 * math.log10(255 / 15),
        "gaussian(sigma=50)": 20 * math.log10(255 / 50),
        "salt_pepper(density=0.02)": -10 * math.log10(0.02 / 4),
        "speckle(var=0.04)": -10 * math.log10(0.04 * (128 / 255) ** 2),
        "correlated(sigma=50)": 20 * math.log10(3 * 255 / 50),
    }
    assert list(scores) == WATCHED
    assert {noise: scores[noise] for noise in expected} == pytest.approx(expected, abs=0.15)


def test_curves_take_the_weights_and_a_mask_for_each_image():
    network = model_specs.load_model("ours(weights=None, embed_dim=4, depths=(1,), num_heads=(1,), attention_mask=50)")
    images = {str(i): np.full((128, 128, 3), 90 + 40 * i, np.uint8) for i in range(2)}
    validate = held_out.scorer(network, images, torch.device("cpu"))
    keys = []
    network.register_forward_pre_hook(lambda _, args, kwargs: keys.append(kwargs["keys"][0]), with_kwargs=True)
    scores = validate({key: torch.zeros_like(value) for key, value in network.state_dict().items()})
    assert len(set(keys)) == len(keys) == 2 * len(WATCHED)
    mean = np.array([114, 111, 103])  # without weights the output is the mean colour, whatever the noise
    errors = [((image - mean) ** 2).mean() for image in images.values()]
    expected = np.mean([10 * math.log10(255**2 / error) for error in errors])
    assert [scores[noise] for noise in WATCHED] == pytest.approx([expected] * len(WATCHED), rel=1e-6)


def test_a_network_with_a_tile_of_its_own_is_scored_in_it(photos, tmp_path, monkeypatch):
    sizes = set()
    monkeypatch.setattr(rnan.RNAN, "forward", lambda net, x: sizes.add(tuple(x.shape[-2:])) or x + net.tail[0].bias[0])
    settings = {"n_feats": "2", "n_resgroups": "2", "crop": "16", "compile": "False"}
    bench_train.train_model("rnan", str(photos), tmp_path, settings=settings, iterations=1)
    assert sizes == {(16, 16), (48, 48)}


def test_small_images_make_no_curves():
    image = np.zeros((127, 200, 3), np.uint8)
    assert held_out.scorer(torch.nn.Identity(), {"small": image}, torch.device("cpu")) is None


def test_a_random_start_depends_on_the_seed_alone():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = initialized(dncnn.DnCNN, {"nc": 4, "nb": 3}, 7)
    torch.rand(5)
    again = initialized(dncnn.DnCNN, {"nc": 4, "nb": 3}, 7)
    other = initialized(dncnn.DnCNN, {"nc": 4, "nb": 3}, 8)
    assert torch.equal(first.model[0].weight, again.model[0].weight)
    assert not torch.equal(first.model[0].weight, other.model[0].weight)
    torch.manual_seed(1)
    assert torch.equal(torch.get_rng_state(), before)
    initialized(dncnn.DnCNN, {"nc": 4, "nb": 3}, 7)
    assert torch.equal(torch.get_rng_state(), before)


# Settings


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("lr", "5e-4", 5e-4),
        ("batch", "16", 16),
        ("schedule", "one-cycle", "one-cycle"),
        ("schedule", "steps", "steps"),
        ("precision", "bfloat16", "bfloat16"),
        ("milestones", "(3, 6)", (3, 6)),
        ("milestones", "3,6", (3, 6)),
        ("ema", "None", None),
        ("milestones", "3", (3,)),
        ("milestones", "[3, 6]", (3, 6)),
        ("milestones", "()", ()),
        ("betas", "0.9,0.95", (0.9, 0.95)),
        ("ema", "off", None),
        ("ema", "0", None),
        ("clip_noisy", "True", True),
        ("clip_noisy", "false", False),
        ("clip_noisy", "ON", True),
        ("compile", "Off", False),
        ("compile", "yes", True),
        ("input_mask", "75-85", (75, 85)),
        ("input_mask", "75", (75, 75)),
        ("input_mask", "off", None),
        ("input_mask", "None", None),
        ("mask_on", "tokens", "tokens"),
        ("attention_mask", "75", 75),
        ("attention_mask", "off", 0),
        ("mask_token", "learned", "learned"),
        ("depths", "(2, 2)", (2, 2)),
        ("depths", "2,2", (2, 2)),
        ("mask_at_test", "False", False),
        ("mask_at_test", "false", False),
        ("mask_at_test", "no", False),
        ("mask_at_test", "TRUE", True),
        ("resi_connection", "3conv", "3conv"),
        ("resi_connection", "'3conv'", "3conv"),
    ],
)
def test_settings_are_read(key, text, value):
    recipe, network = sort_settings(untrained("ours", "small"), {key: text})
    of_recipe = key in {field.name for field in dataclasses.fields(Recipe)}
    assert (recipe, network) == (({key: value}, {}) if of_recipe else ({}, {key: value}))


@pytest.mark.parametrize("key", ["mask_at_test", "clip_noisy", "compile"])
@pytest.mark.parametrize("text", ["0", "1", "maybe", "None", "", "(True,)"])
def test_switches_that_are_none(key, text):
    with pytest.raises(BadInput, match=key):
        sort_settings(untrained("ours", "small"), {key: text})


@pytest.mark.parametrize("name", ["mask_samples", "attention_mask"])
def test_a_mask_of_the_network_says_what_is_expected(photos, tmp_path, name):
    with pytest.raises(BadInput, match=f"{name}: expected"):
        bench_train.train_model("ours", str(photos), tmp_path, settings={name: "70-80"}, iterations=1)


def test_unknown_settings_get_a_suggestion():
    with pytest.raises(BadInput, match="'atention_mask'.*'attention_mask'"):
        sort_settings(untrained("ours", "small"), {"atention_mask": "75"})
    with pytest.raises(BadInput, match="'embed_dim'.*act_mode"):
        sort_settings(untrained("dncnn", "small"), {"embed_dim": "8"})


@pytest.mark.parametrize("text", ["a", "75-", "-85", "75-85-95", "75.5", "75 %", "²"])
def test_input_masks_that_are_none(text):
    with pytest.raises(BadInput, match="input_mask"):
        sort_settings(untrained("ours", "small"), {"input_mask": text})


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"input_mask": "85-75"}, "input_mask: expected"),
        ({"input_mask": "75-101"}, "percentages"),
        ({"schedule": "cosine"}, "schedule: expected"),
        ({"precision": "float16"}, "precision: expected"),
        ({"batch": "abc"}, "batch"),
        ({"batch": "0"}, "batch"),
        ({"crop": "-1"}, "crop"),
        ({"lr": "fast"}, "lr"),
        ({"sigma": "loud"}, "sigma"),
        ({"lr": "0"}, "lr: expected"),
        ({"lr": "1e999"}, "lr: expected"),
        ({"lr": "True"}, "lr: expected"),
        ({"sigma": "-5"}, "sigma: expected"),
        ({"ema": "2"}, "ema: expected"),
        ({"ema": "-1"}, "ema: expected"),
        ({"ema": "on"}, "ema: expected"),
        ({"betas": "0.9"}, "betas: expected"),
        ({"betas": "a"}, "betas: expected"),
        ({"betas": "0.9,1"}, "betas: expected"),
        ({"betas": "{[]: 1}"}, "two numbers"),
        ({"milestones": "a,b"}, "milestones: expected"),
        ({"milestones": "1.5"}, "milestones: expected"),
        ({"seed": "x"}, "seed: expected"),
        ({"seed": str(2**64)}, "integer"),
        ({"nc": "many"}, "nc"),
        ({"act_mode": "X"}, "act_mode: expected"),
        ({"nb": "(1"}, "nb"),
    ],
)
def test_impossible_settings_are_refused(photos, tmp_path, settings, words):
    with pytest.raises(BadInput, match=words):
        train(photos, tmp_path / "out", settings=settings, iterations=1)
    assert not (tmp_path / "out" / "dncnn-small.safetensors").exists()


@pytest.mark.parametrize(
    ("name", "settings"),
    [("ridnet", {"rgb_range": "255"}), ("dncnn", {"in_nc": "1", "out_nc": "1"}), ("dncnn", {"in_nc": "4"})],
)
def test_networks_for_another_input_than_crops_are_refused(photos, tmp_path, name, settings):
    with pytest.raises(BadInput, match="got"):
        bench_train.train_model(name, str(photos), tmp_path / "out", settings=settings, iterations=1)
    assert not (tmp_path / "out").exists()


def test_iterations_among_the_settings(photos, tmp_path):
    said = refusal(photos, tmp_path, settings={"iterations": "abc"}, iterations=None)
    assert said.startswith("iterations: expected")
    assert card_of(train(photos, tmp_path, settings={"iterations": "2"}, iterations=None))["recipe"]["iterations"] == 2


def test_the_seed_among_the_settings_is_not_lost(photos, tmp_path):
    files = [train(photos, tmp_path / "a", settings={"seed": "7"}), train(photos, tmp_path / "b", seed=7)]
    assert [card_of(file)["recipe"]["seed"] for file in files] == [7, 7]
    assert len({file.read_bytes() for file in files}) == 1
    assert train(photos, tmp_path / "c", seed=8).read_bytes() != files[0].read_bytes()


# What is refused


def test_a_seed_that_comes_twice_is_refused(photos, tmp_path):
    assert "got 3 and 4" in refusal(photos, tmp_path, seed=3, settings={"seed": "4"})


def test_unknown_network_gets_a_suggestion(photos, tmp_path):
    assert "unknown model 'dncn'. Did you mean 'dncnn'?" in refusal(photos, tmp_path, name="dncn")


def test_unknown_preset_is_named(photos, tmp_path):
    assert "'large'" in refusal(photos, tmp_path, preset="large")


def test_unknown_device_is_named(photos, tmp_path):
    assert "'gpu'" in refusal(photos, tmp_path, device="gpu")


def test_missing_data_are_named(tmp_path):
    missing = tmp_path / "missing"
    assert str(missing) in refusal(missing, tmp_path / "out")
    assert "Did you mean 'BSDS400'?" in refusal("BSDS40", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_public_set_that_is_not_here_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "locate", lambda name: None)
    assert "BSDS400" in refusal("BSDS400", tmp_path / "out")


@pytest.mark.parametrize("file", [None, "notes.txt"])
def test_a_folder_without_images_is_named(tmp_path, file):
    folder = tmp_path / "empty"
    folder.mkdir()
    if file:
        (folder / file).write_text("x")
    assert str(folder) in refusal(folder, tmp_path / "out")


def test_a_broken_image_is_named(photos, tmp_path):
    folder = tmp_path / "broken"
    shutil.copytree(photos, folder)
    (folder / "07.png").write_bytes(b"no image")
    message = refusal(folder, tmp_path / "out")
    assert "data set broken: 07.png cannot be read as an image" in message


def test_images_smaller_than_a_crop_are_refused(photos, tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    shutil.copy(photos / "01.png", folder)
    message = refusal(folder, tmp_path / "out", settings={"crop": "32"})
    assert "dncnn on small" in message and "32x32" in message


def test_a_file_in_the_way_is_refused(photos, tmp_path):
    (tmp_path / "out").write_text("x")
    assert "out" in refusal(photos, tmp_path / "out")


# Interruption


def test_minutes_end_a_training_and_the_same_command_goes_on(photos, tmp_path, capsys):
    whole = train(photos, tmp_path / "whole", validate_every=2)
    assert train(photos, tmp_path / "parts", validate_every=2, minutes=1e-9) is None
    assert "stopped at iteration 2 of 6" in capsys.readouterr().out
    assert sorted(file.name for file in (tmp_path / "parts").iterdir()) == ["checkpoint.pt", "lock", "log.jsonl"]
    assert train(photos, tmp_path / "parts", validate_every=2, minutes=1e-9) is None
    assert "stopped at iteration 4 of 6" in capsys.readouterr().out
    file = train(photos, tmp_path / "parts", validate_every=2)
    assert file.read_bytes() == whole.read_bytes()
    assert card_of(file)["psnr_held_out"] == card_of(whole)["psnr_held_out"]


def test_a_finished_training_is_left_as_it_is(photos, tmp_path):
    file = train(photos, tmp_path)
    before = file.read_bytes(), card_of(file)
    assert train(photos, tmp_path) == file
    assert (file.read_bytes(), card_of(file)) == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"iterations": 9}, "iterations"),
        ({"settings": {"nc": "6"}}, "nc"),
        ({"settings": {"act_mode": "BR"}}, "act_mode"),
        ({"settings": {"lr": "0.5"}}, "lr"),
    ],
)
def test_another_training_in_the_same_folder_is_refused(photos, tmp_path, change, words):
    train(photos, tmp_path)
    assert words in refusal(photos, tmp_path, **change)


def test_a_folder_has_one_training_at_a_time(photos, tmp_path, monkeypatch):
    """While one runs, a second is refused and changes nothing; the lock goes with the first, whatever ends it."""
    step, said = training.Trainer.step, []
    monkeypatch.setattr(sys, "argv", ["bench", "train", "dncnn"])  # which the refusal names

    def meanwhile(trainer):
        monkeypatch.setattr(training.Trainer, "step", step)
        before = {file: file.read_bytes() for file in tmp_path.iterdir()}
        said.append(refusal(photos, tmp_path))
        assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before
        return step(trainer)

    monkeypatch.setattr(training.Trainer, "step", meanwhile)
    train(photos, tmp_path)
    assert said[0].startswith(f"{tmp_path} is being written by process {os.getpid()} on ")
    assert "(bench train dncnn)" in said[0] and str(tmp_path / "log.jsonl") in said[0] and "--out" in said[0]
    assert lock.writer(tmp_path) is None
    (tmp_path / "checkpoint.pt").write_text("x")
    refusal(photos, tmp_path)
    assert lock.writer(tmp_path) is None


def test_one_lock_for_all_processes_of_a_training(tmp_path):
    """The first takes it; where it cannot, all are refused, and nobody waits for the others."""

    class Several:
        count = 2

        def __init__(self, rank, others):
            self.rank, self.others = rank, others

        def gather(self, values):
            return torch.stack([values, torch.full_like(values, self.others)])

    with bench_train._locked(tmp_path, Several(0, 0)):
        with bench_train._locked(tmp_path, Several(1, 0)):
            assert lock.writer(tmp_path)["process"] == os.getpid()
        with pytest.raises(BadInput, match="is being written by process"):
            bench_train._locked(tmp_path, Several(0, 0)).__enter__()
        with pytest.raises(BadInput, match="first process"):
            bench_train._locked(tmp_path, Several(1, 1)).__enter__()
        assert lock.writer(tmp_path)
    assert lock.writer(tmp_path) is None


def lacks_a_recipe(file):
    state = torch.load(file, weights_only=True)
    del state["recipe"]
    torch.save(state, file)


def has_another_network(file):
    state = torch.load(file, weights_only=True)
    state["network"].popitem()
    torch.save(state, file)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda file: file.write_bytes(file.read_bytes()[:2000]), "cannot be read"),
        (lambda file: file.write_bytes(b""), "cannot be read"),
        (lambda file: file.write_text("hello world\n"), "cannot be read"),
        (lambda file: file.write_text("checkpoint\n"), "cannot be read"),
        (lambda file: torch.save([1], file), "checkpoint.pt lacks average, generator, iteration, network,"),
        (lacks_a_recipe, "lacks recipe"),
        (has_another_network, "does not fit this network"),
        (lambda file: (file.unlink(), file.mkdir()), "checkpoint.pt cannot be read: Is a directory"),
    ],
)
def test_a_damaged_checkpoint_is_refused_and_left_as_it_is(photos, tmp_path, damage, words):
    train(photos, tmp_path)
    damage(tmp_path / "checkpoint.pt")
    before = {file: file.read_bytes() for file in tmp_path.iterdir() if file.is_file()}
    assert f"{tmp_path}: checkpoint.pt " in refusal(photos, tmp_path) and words in refusal(photos, tmp_path)
    assert {file: file.read_bytes() for file in tmp_path.iterdir() if file.is_file()} == before


def test_a_full_disk_is_said_and_keeps_the_last_checkpoint(photos, tmp_path):
    train(photos, tmp_path, minutes=1e-9)
    before = (tmp_path / "checkpoint.pt").read_bytes()
    (tmp_path / "checkpoint.part").symlink_to("/dev/full")
    message = refusal(photos, tmp_path)
    assert message.startswith(f"{tmp_path}: ") and "No space left on device" in message and "checkpoint" in message
    assert (tmp_path / "checkpoint.pt").read_bytes() == before
    train(photos, tmp_path)


def test_a_lost_log_and_strange_lines_in_it_do_not_keep_a_training_from_its_weights(photos, tmp_path):
    train(photos, tmp_path, minutes=1e-9)
    with (tmp_path / "log.jsonl").open("a") as log:
        log.write('{"a": 1}\n')
    file = train(photos, tmp_path)
    written = file.read_bytes()
    for name in ("log.jsonl", file.name):
        (tmp_path / name).unlink()
    assert train(photos, tmp_path).read_bytes() == written and card_of(file)["curve"] == []


@pytest.mark.parametrize("change", [{"recipe": "[1]"}, {"recipe": "{"}, {"about": "3"}, {"recipe": 5}])
def test_a_checkpoint_without_a_recipe_is_refused(photos, tmp_path, change):
    train(photos, tmp_path, minutes=1e-9)
    path = tmp_path / "checkpoint.pt"
    torch.save({**torch.load(path, weights_only=True), **change}, path)
    assert "recipe" in refusal(photos, tmp_path)


def test_what_the_weights_do_not_show_is_compared_too(photos, tmp_path):
    """Another mask, another network of the same shape and other images fit the old weights, and are refused."""
    small = {"embed_dim": "4", "depths": "(1,)", "num_heads": "(1,)", "batch": "2", "crop": "16", "input_mask": "off"}

    def go(name="baseline", folder=photos, **settings):
        settings = {**small, **settings}
        return bench_train.train_model(name, str(folder), tmp_path / "out", settings=settings, iterations=1)

    go()
    assert baseline.network is ours.network
    shutil.copytree(photos, tmp_path / "more")
    shutil.copy(photos / "00.png", tmp_path / "more" / "99.png")
    for change in ({"attention_mask": "40"}, {"name": "ours", "attention_mask": "0"}, {"folder": tmp_path / "more"}):
        with pytest.raises(BadInput, match="this training began"):
            go(**change)


# The command


def run(*arguments):
    result = CliRunner().invoke(cli.main, ["train", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_command(photos, tmp_path, clock):
    settings = [word for key, value in TINY.items() for word in ("--set", f"{key}={value}")]
    common = ["dncnn", "--data", photos, "--out", tmp_path / "out", "--iterations", "6", *settings]
    stopped = run(*common, "--minutes", "0.001")
    assert stopped.exit_code == 0
    assert "of 6: " in stopped.output and "weights:" not in stopped.output
    done = run(*common)
    assert done.exit_code == 0
    file = tmp_path / "out" / "dncnn-small.safetensors"
    assert f"weights: {file}" in done.output and f"dncnn(weights='{file}')" in done.output
    assert file.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["dncnn", "--data", "missing"], "missing"),
        (["dncn", "--data", "builtin"], "Did you mean 'dncnn'?"),
        (["dncnn", "--data", "builtin", "--set", "nb"], "'nb'"),
        (["dncnn", "--data", "builtin", "--set", "bn=3"], "unknown setting"),
        (["dncnn", "--data", "builtin", "--minutes", "0"], "0"),
        (["dncnn", "--data", "builtin", "--iterations", "0"], "0"),
    ],
)
def test_bad_commands_end_with_code_2(tmp_path, arguments, words):
    result = run(*arguments, "--out", tmp_path / "out")
    assert result.exit_code == 2 and words in result.output
    assert not Path(tmp_path / "out").exists()
