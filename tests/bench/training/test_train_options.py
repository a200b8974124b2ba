"""`bench train`: several data sets, --resume, Ctrl-C, --as, --parts, --tensorboard, masks, rounding in the card."""

import hashlib
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import bench
import bench.training.train as bench_train
from baselines.train.training import TrainingProgress
from baselines.weights_io import checkpoints
from bench import cli
from bench.core.errors import BadInput
from bench.models import model_specs
from bench.training import held_out, training_images
from bench.training.tensorboard import events

pytestmark = pytest.mark.slow

TINY = {"nc": "4", "nb": "3", "batch": "2", "crop": "16"}
SMALL = {"embed_dim": "4", "depths": "(1,)", "num_heads": "(1,)", "batch": "2", "crop": "16"}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two folders of pictures, 21 and 4; the first of the first is large enough for test curves."""
    root = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for name, count in (("many", 21), ("few", 4)):
        (root / name).mkdir()
        for number in range(count):
            side = 128 if (name, number) == ("many", 0) else 24
            coarse = rng.integers(0, 256, (side // 8, side // 8, 3), dtype=np.uint8)
            Image.fromarray(coarse.repeat(8, 0).repeat(8, 1)).save(root / name / f"{number:02}.png")
    return root


def train(data, out, name="dncnn", settings=TINY, **options):
    return bench_train.train_model(name, str(data), out, settings=settings, **{"iterations": 3, **options})


def card_of(file):
    return json.loads(checkpoints.card_beside(file).read_text())


# Data


def test_several_data_sets_are_one(folders, monkeypatch):
    """In their order, every fifth image of all held out, and a hash of all pixels."""
    monkeypatch.setenv("BENCH_DATA", str(folders))
    found = training_images.load(f"many, {folders / 'few'}")
    assert (found.name, found.terms) == ("many, few", {"many": "not stated", "few": "not stated"})
    assert list(found.held_out) == ["many/00.png", "many/05.png", "many/10.png", "many/15.png", "many/20.png"]
    pictures = [np.asarray(Image.open(p)) for f in ("many", "few") for p in sorted((folders / f).iterdir())]
    assert found.sha256 == hashlib.sha256(b"".join(picture.tobytes() for picture in pictures)).hexdigest()
    kept = [picture for place, picture in enumerate(pictures) if place % 5]
    assert len(found.train) == 20 and all(map(np.array_equal, found.train, kept))


def test_a_folder_with_a_comma_is_a_folder(folders, tmp_path):
    (tmp_path / "a,b").symlink_to(folders / "few")
    assert len(training_images.load(str(tmp_path / "a,b")).train) == 4


@pytest.mark.parametrize("text", ["many,many", "many, ./few/../many"])
def test_a_data_set_is_named_once(folders, monkeypatch, text):
    monkeypatch.chdir(folders)
    with pytest.raises(BadInput, match="two called 'many'"):
        training_images.load(text)


def test_a_missing_one_among_several_is_named(folders):
    with pytest.raises(BadInput, match="'BSDS400' is not on this machine|Did you mean|BSDS40"):
        training_images.load(f"{folders / 'few'},BSDS40")
    with pytest.raises(BadInput, match="' , '"):
        training_images.load(" , ")


# The card


def test_the_card_has_the_scores_of_what_was_written(folders, tmp_path):
    """PSNR of the weights in half precision, read back, by `held_out` and by hand."""
    file = train(folders / "many", tmp_path)
    network = model_specs.load_model(f"dncnn(weights='{file}')")
    images = training_images.load(str(folders / "many")).held_out
    scores = held_out.scorer(network, images, torch.device("cpu"))(network.state_dict())
    card = card_of(file)
    assert card["psnr_held_out"] == {noise: round(value, 3) for noise, value in scores.items()}
    unrounded = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["average"]
    assert held_out.scorer(network, images, torch.device("cpu"))(unrounded) != scores


def test_the_weights_that_are_scored_last_are_in_half_precision(folders, tmp_path, monkeypatch):
    scored, score = [], held_out.HeldOutScorer.__call__

    def spied(scorer, weights, advanced):
        scored.append({key: value.clone() for key, value in weights.items()})
        return score(scorer, weights, advanced)

    monkeypatch.setattr(held_out.HeldOutScorer, "__call__", spied)
    written = checkpoints.read_weights(train(folders / "many", tmp_path))
    assert all(torch.equal(value, scored[-1][key]) for key, value in written.items())
    assert not all(torch.equal(value, scored[-2][key]) for key, value in written.items())


def test_the_card_is_made_again_where_the_weights_are_gone(folders, tmp_path):
    file = train(folders / "many", tmp_path)
    before = file.read_bytes(), card_of(file)
    file.unlink()
    assert train(folders / "many", tmp_path) == file
    assert (file.read_bytes(), card_of(file)) == before


def test_a_new_training_replaces_the_weights_of_an_old_one(folders, tmp_path):
    file = train(folders / "few", tmp_path)
    before = file.read_bytes()
    (tmp_path / "checkpoint.pt").unlink()
    assert train(folders / "few", tmp_path, seed=1).read_bytes() != before


# Names and parts


def test_weights_have_the_name_that_was_asked_for(folders, tmp_path):
    file = train(folders / "few", tmp_path, called="mine-75-85")
    assert file.name == "mine-75-85.safetensors" and card_of(file)["name"] == "mine-75-85"
    assert model_specs.resolve(f"dncnn(weights='{file}')").label == "dncnn(weights='mine-75-85.safetensors')"
    with pytest.raises(BadInput, match="'../mine'"):
        train(folders / "few", tmp_path, called="../mine")


def test_weights_in_parts_are_a_model(folders, tmp_path):
    index = train(folders / "few", tmp_path, in_parts=True)
    assert index.name == "dncnn-small.safetensors.index.json"
    assert not (tmp_path / "dncnn-small.safetensors").exists()
    model = model_specs.resolve(f"dncnn(weights='{index}')")
    assert model.size == "small" and model.weights_hash == checkpoints.file_hash(index)
    whole = checkpoints.read_weights(train(folders / "few", tmp_path))
    assert all(torch.equal(value, whole[key].float()) for key, value in model.load().state_dict().items())


# Masks


@pytest.mark.parametrize("token", ["zero", "learned"])
def test_tokens_are_masked_instead_of_pixels(folders, tmp_path, token):
    settings = {**SMALL, "input_mask": "75-85", "mask_on": "tokens", "mask_token": token, "attention_mask": "off"}
    file = train(folders / "few", tmp_path, "ours", settings)
    card = card_of(file)
    assert (card["recipe"]["mask_on"], card["network"]["mask_token"]) == ("tokens", token)
    assert ("mask_token" in checkpoints.read_weights(file)) == (token == "learned")
    assert bench.load_model(f"ours(weights='{file}')")(torch.rand(1, 3, 16, 16)).shape == (1, 3, 16, 16)


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("dncnn", {**TINY, "input_mask": "75", "mask_on": "tokens"}, "mask_on: .*DnCNN"),
        ("swinir", {**SMALL, "input_mask": "75", "mask_on": "tokens"}, "mask_on: .*SwinIR"),
        ("ours", {**SMALL, "input_mask": "off", "mask_on": "tokens"}, "input_mask"),
        ("ours", {**SMALL, "mask_token": "learned"}, "mask_on"),
        ("ours", {**SMALL, "mask_token": "one"}, "mask_token: .*'one'"),
        ("ours", {**SMALL, "mask_on": "patches"}, "mask_on: .*'patches'"),
    ],
)
def test_masks_that_cannot_be(folders, tmp_path, name, settings, words):
    with pytest.raises(BadInput, match=words):
        train(folders / "few", tmp_path, name, settings)


# Interruption


def test_resume_insists_on_a_training(folders, tmp_path):
    with pytest.raises(BadInput, match="--resume"):
        train(folders / "few", tmp_path / "new", resume=True)
    assert not (tmp_path / "new").exists()
    file = train(folders / "few", tmp_path / "old")
    assert train(folders / "few", tmp_path / "old", resume=True) == file


def test_an_interrupted_training_has_lost_nothing(folders, tmp_path, wait_until):
    """SIGINT at some moment: exit code 130, and the checkpoint has the last iteration that was done."""
    words = [sys.executable, "-m", "bench", "train", "dncnn", "--data", str(folders / "few"), "--out", str(tmp_path)]
    words += [word for key, value in TINY.items() for word in ("--set", f"{key}={value}")]
    words += ["--iterations", "1000000", "--threads", "1"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        wait_until((tmp_path / "log.jsonl").is_file, process)
        process.send_signal(signal.SIGINT)
        said = process.communicate()[0]
    assert process.returncode == 130, said
    done = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["iteration"]
    last = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[-1])["iteration"]
    assert f"stopped at iteration {done} of 1000000" in said and done == last
    assert "interrupted:" in said


def test_an_interrupt_before_the_first_iteration_keeps_nothing(folders, tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(bench_train.training_images, "load", interrupted)
    words = ["train", "dncnn", "--data", str(folders / "few"), "--out", str(tmp_path / "new")]
    result = CliRunner().invoke(cli.main, words)
    assert result.exit_code == 130 and "Nothing is kept" in result.output
    assert not (tmp_path / "new").exists()


def test_a_wish_to_stop_ends_with_the_running_step(folders, tmp_path):
    """From inside the third step; what follows is the training that was never interrupted."""
    whole = train(folders / "few", tmp_path / "whole", iterations=6)
    step, calls = bench_train.training.Trainer.step, []

    def interrupted(trainer):
        calls.append(trainer.iteration)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return step(trainer)

    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(bench_train.training.Trainer, "step", interrupted)
        train(folders / "few", tmp_path / "parts", iterations=6)
    assert torch.load(tmp_path / "parts" / "checkpoint.pt", weights_only=True)["iteration"] == 3 == len(calls)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert train(folders / "few", tmp_path / "parts", iterations=6).read_bytes() == whole.read_bytes()


# TensorBoard


def test_tensorboard_has_losses_and_curves(folders, tmp_path):
    train(folders / "many", tmp_path, tensorboard=True, validate_every=2)
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    logged = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    losses = events.Scalars("loss")
    assert [event.step for event in losses] == [line["iteration"] for line in logged]
    assert [event.value for event in losses] == pytest.approx([line["loss"] for line in logged], rel=1e-6)
    noise = "gaussian(sigma=50)"
    assert [event.value for event in events.Scalars(f"psnr/{noise}")] == pytest.approx(
        [line["scores"][noise] for line in logged], rel=1e-6
    )


def test_tensorboard_forgets_what_a_killed_training_wrote_after_its_checkpoint(tmp_path):
    """The first report after going on from 8 is of 12: the killed training's of 10 goes."""
    said = {"iterations": 20, "loss": 1.0, "rate": 1.0, "iterations_per_second": 1.0}
    for began, steps in ((0, (4, 8, 10)), (8, (12,))):
        with events(tmp_path) as write:
            for step in steps:
                write(TrainingProgress(iteration=step, **said), began)
    found = EventAccumulator(str(tmp_path))
    found.Reload()
    assert [event.step for event in found.Scalars("loss")] == [4, 8, 12]


def test_tensorboard_that_is_not_installed_is_asked_for(folders, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(BadInput, match="pip install 'maskbench\\[train\\]'"):
        train(folders / "few", tmp_path, tensorboard=True)


def grey_copies(photos, count=3, side=128):
    """Greyscale pictures of side x side, `count` of them."""
    folder = photos.parent / "greys"
    folder.mkdir()
    for place in range(count):
        small = Image.fromarray(np.random.default_rng(place).integers(0, 256, (8, 8), dtype=np.uint8))
        small.resize((side, side), Image.Resampling.BICUBIC).save(folder / f"{place}.png")
    return folder


def test_greyscale_images_train_networks_for_greyscale(photos, tmp_path):
    greys = grey_copies(photos, count=24)
    options = {"settings": {"in_nc": "1", "out_nc": "1", "nc": "4", "nb": "3", "crop": "24"}, "iterations": 2}
    file = bench_train.train_model("dncnn", str(greys), tmp_path / "out", **options)
    card = json.loads(file.with_suffix(".json").read_text())
    assert card["network"]["in_nc"] == 1 and card["trained_on"]["greyscale"] == 24 and card["psnr_held_out"]
    with pytest.raises(BadInput, match="--set in_nc=1 --set out_nc=1"):
        bench_train.train_model("dncnn", str(greys), tmp_path / "colour", iterations=2)
    with pytest.raises(BadInput, match="in_nc"):
        bench_train.train_model("dncnn", str(photos), tmp_path / "other", **options)


def test_greyscale_images_among_colour_ones_are_replicated_and_the_card_says_how_many(photos, tmp_path, capsys):
    Image.open(photos / "a.png").convert("L").save(photos / "a.png")
    images = training_images.load(str(photos))
    assert images.channels == 3 and images.grey == 1 and all(pixels.shape[2] == 3 for pixels in images.train)
    assert (images.train[0] == images.train[0][..., :1]).all()
    settings = {"nc": "4", "nb": "3", "crop": "24"}
    file = bench_train.train_model("dncnn", str(photos), tmp_path / "out", settings=settings, iterations=1)
    assert json.loads(file.with_suffix(".json").read_text())["trained_on"]["greyscale"] == 1
    assert "greyscale" in capsys.readouterr().out


# Extension and progress


def test_a_finished_training_is_extended(folders, tmp_path):
    """Its card says the iterations in total; other options stay, and the same command resumes."""
    steps = {**TINY, "schedule": "steps", "milestones": "2,4"}
    first = train(folders / "few", tmp_path / "parts", settings=steps, preset="official")
    file = train(folders / "few", tmp_path / "parts", settings=steps, preset="official", extend=6)
    whole = train(folders / "few", tmp_path / "whole", settings=steps, preset="official", iterations=6)
    assert first == file and file.read_bytes() == whole.read_bytes()
    assert card_of(file)["recipe"]["iterations"] == 6 and card_of(file)["recipe"]["milestones"] == [2, 4]
    before = file.read_bytes()
    assert train(folders / "few", tmp_path / "parts", settings=steps, preset="official", extend=6) == file
    assert file.read_bytes() == before


def test_what_cannot_be_extended_is_refused(folders, tmp_path):
    with pytest.raises(BadInput, match="--extend: schedule: .*one-cycle"):
        train(folders / "few", tmp_path, extend=6)
    with pytest.raises(BadInput, match="--extend: expected a checkpoint"):
        train(folders / "few", tmp_path, preset="official", extend=6)
    assert not (tmp_path / "checkpoint.pt").exists()


def test_scoring_of_held_out_images_shows_progress(folders, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("bench.core.progress.LOG_INTERVAL", 0)
    train(folders / "many", tmp_path)
    count = len(held_out.VALIDATION_NOISES)
    lines = [line for line in capsys.readouterr().out.splitlines() if "held-out images" in line]
    assert sum(f"/{count}" in line and "train dncnn" in line for line in lines) == count  # during the training
    assert sum(line.startswith("score held-out images") for line in lines) == count  # and at its end
