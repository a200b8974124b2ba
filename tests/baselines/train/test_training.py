"""Training: crops, masks, learning rates, averages by hand; and a training that was killed goes on to the bit."""

import dataclasses
import itertools
import json
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

import baselines
from baselines.dncnn import DnCNN
from baselines.dropout import DropoutSwinIR
from baselines.idf import IDF
from baselines.masked_swinir import MaskedSwinIR
from baselines.train import training
from baselines.train.crops import Crops, mask_input
from baselines.train.recipe import PRESETS, Recipe, with_settings
from baselines.train.training import Trainer, train
from baselines.weights_io.checkpoints import load_strictly, read_weights, write_weights

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")
SYMMETRIES = [
    lambda x, turns=turns, flip=flip: np.rot90(x[:, ::-1] if flip else x, turns)
    for turns in range(4)
    for flip in (False, True)
]
PLAIN = Recipe(iterations=24, batch=2, crop=8, lr=1e-2, schedule="steps", milestones=(8, 16))
SHIPPED = Recipe(
    iterations=24,
    batch=2,
    crop=8,
    lr=1e-2,
    schedule="one-cycle",
    ema=0.9,
    input_mask=(10, 30),
    precision="bfloat16",
    seed=3,
)


def coordinates(height, width, number):
    """An image whose pixels say where they are: (row, column, number)."""
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0], image[..., 1] = np.mgrid[:height, :width]
    image[..., 2] = number
    return image


def photographs(count=3, side=20):
    """Smooth pictures."""
    row, column = np.mgrid[:side, : side + 4] / side
    waves = [np.sin(3 * row * (i + 1) + column * c) * np.cos(4 * column - i) for i in range(count) for c in range(3)]
    return list(np.uint8(np.round(127.5 + 100 * np.stack(waves).reshape(count, 3, side, -1))).transpose(0, 2, 3, 1))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def masked_network():
    torch.manual_seed(5)
    return MaskedSwinIR(embed_dim=4, depths=(2,), num_heads=(1,), attention_mask=50, drop_path_rate=0.3)


def plain_network():
    torch.manual_seed(5)
    return DnCNN(nc=4, nb=4, act_mode="BR")


CASES = {"masked": (masked_network, SHIPPED), "plain": (plain_network, PLAIN)}


class Records(nn.Module):
    """Scales its input by a weight and remembers what came."""

    def __init__(self):
        super().__init__()
        self.scale, self.seen = nn.Parameter(torch.tensor(1.0)), []

    def forward(self, x):
        self.seen.append(x.detach().clone())
        return x * self.scale


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on by 10 ms in every step: a training's course depends on nothing else."""
    steps, step = itertools.count(1), Trainer.step
    now = [0.0]

    def ticking(trainer):
        now[0] = next(steps) / 100
        return step(trainer)

    monkeypatch.setattr(Trainer, "step", ticking)
    monkeypatch.setattr(training, "time", SimpleNamespace(monotonic=lambda: now[0]))


# Crops


def test_crops_are_pieces_of_the_images_in_all_eight_positions():
    images = [coordinates(11, 14, 0), coordinates(15, 9, 1)]
    crops = Crops(images, 4, CPU)(600, generator())
    assert crops.shape == (600, 3, 4, 4) and crops.dtype == torch.float32
    seen = set()
    for crop in (crops * 255).round().byte().permute(0, 2, 3, 1).numpy():
        (top, left), number = crop[..., :2].min((0, 1)), crop[0, 0, 2]
        piece = images[number][top : top + 4, left : left + 4]
        found = [i for i, symmetry in enumerate(SYMMETRIES) if np.array_equal(symmetry(piece), crop)]
        assert len(found) == 1
        seen.add((int(number), found[0]))
    assert len(seen) == 16  # both images, all symmetries
    assert torch.equal(crops * 255, (crops * 255).round())


def test_images_corners_and_positions_are_uniform():
    """Each image as often as the other whatever its size, each corner of it as often as the other."""
    crops = Crops([coordinates(7, 9, 0), coordinates(4, 6, 1)], 4, CPU)(9600, generator(1))
    values = (crops * 255).round().long()
    top, left = values[:, 0].amin((1, 2)), values[:, 1].amin((1, 2))
    number = values[:, 2, 0, 0]
    position = (values[:, :2, 0, 0] - torch.stack([top, left], 1) == 0) * 1  # where the corner went
    transposed = values[:, 0, 0, 0] == values[:, 0, 0, 1]
    for group, kinds in (
        (number, 2),
        ((top * 6 + left)[number == 0], 24),
        (left[number == 1], 3),
        (position[:, 0] * 4 + position[:, 1] * 2 + transposed, 8),
    ):
        counts = np.bincount(group.numpy(), minlength=kinds)
        assert len(counts) == kinds and stats.chisquare(counts).pvalue > 1e-3, counts


def test_images_smaller_than_a_crop_are_left_out():
    crops = Crops([coordinates(3, 40, 0), coordinates(4, 4, 1), coordinates(40, 3, 2)], 4, CPU)(50, generator())
    assert ((crops * 255).round()[:, 2] == 1).all()


@pytest.mark.parametrize("images", [[], [coordinates(3, 40, 0), coordinates(40, 3, 0)]])
def test_no_image_as_large_as_a_crop_is_an_error(images):
    with pytest.raises(ValueError, match="expected images of at least 4x4"):
        Crops(images, 4, CPU)


def test_read_only_images_will_do():
    image = coordinates(8, 8, 1)
    image.flags.writeable = False
    assert Crops([image], 8, CPU)(1, generator()).shape == (1, 3, 8, 8)


# Input mask


@pytest.mark.parametrize(("low", "high"), [(10, 12), (75, 85), (40, 40)])
def test_each_sample_has_a_percentage_of_its_own(low, high):
    hidden = mask_input(torch.zeros(60, 1, 400, 400), (low, high), generator(1)) == -0.1
    percent = 100 * hidden.double().mean((1, 2, 3))
    whole = percent.round()
    assert (percent - whole).abs().max() < 0.49  # four deviations of a ratio of 160,000 pixels
    counts = np.bincount(whole.int().numpy() - low, minlength=high - low + 1)
    assert len(counts) == high - low + 1
    assert stats.chisquare(counts).pvalue > 1e-3 if low < high else counts == [60]


def test_all_channels_of_a_pixel_are_masked_together():
    x = torch.rand(4, 3, 30, 40, generator=generator())
    masked = mask_input(x, (40, 60), generator(1))
    hidden = masked == -0.1
    assert torch.equal(hidden.any(1), hidden.all(1))
    assert torch.equal(masked[~hidden], x[~hidden])
    assert not torch.equal(hidden[0], hidden[1])


def test_bounds_of_the_input_mask():
    x = torch.rand(3, 3, 50, 50, generator=generator())
    assert torch.equal(mask_input(x, (0, 0), generator()), x)
    assert (mask_input(x, (100, 100), generator()) == torch.tensor(-0.1)).all()


def test_input_mask_is_the_official_one(shared, monkeypatch):
    """On the mask that the official code drew, and with the ratio of its configuration (80 to 90 percent)."""
    with np.load(shared / "golden" / "arch" / "input_mask.npz") as golden:
        given, keep, wanted = (golden[f"single_{name}"] for name in ("in", "keep", "out"))
        pipeline = golden["pipe_masked_lq"]
    drawn = torch.from_numpy(keep.astype(np.float32))[None, None]
    with monkeypatch.context() as patch:
        patch.setattr(torch, "rand", lambda *shape, **options: drawn)
        found = mask_input(torch.from_numpy(given).permute(2, 0, 1)[None], (50, 50), generator())
    assert np.abs(found[0].permute(1, 2, 0).numpy() - wanted).max() < 1e-7
    hidden = np.abs(pipeline + 0.1) < 1e-6
    assert (hidden.all(-1) == hidden.any(-1)).all()
    ours = mask_input(torch.rand(500, 3, 64, 64, generator=generator()), (80, 90), generator(2))
    ratios = (ours[:, 0] == -0.1).double().mean((1, 2))
    assert ratios.min() < hidden.mean() < ratios.max()


# Recipe


def test_learning_rate_in_steps():
    recipe = PRESETS["paper"]
    rates = {0: 1e-4, 99_999: 1e-4, 100_000: 5e-5, 149_999: 5e-5, 150_000: 2.5e-5, 199_999: 2.5e-5}
    assert {iteration: recipe.rate(iteration) for iteration in rates} == rates


def test_recipe_of_the_published_configuration():
    """Where it differs from the paper: a moving average, clipped crops, a rate that stays."""
    paper, official = (dataclasses.asdict(PRESETS[name]) for name in ("paper", "official"))
    differing = {key: value for key, value in official.items() if value != paper[key]}
    assert differing == {"milestones": (), "ema": 0.999, "clip_noisy": True}
    assert PRESETS["official"].rate(199_999) == 1e-4


def test_learning_rate_in_one_cycle():
    """A tenth of the way up from a twenty-fifth, then half a cosine down to nothing."""
    recipe = Recipe(iterations=100, batch=1, crop=1, lr=2.0, schedule="one-cycle")
    rates = {0: 0.272, 4: 1.04, 9: 2.0, 10: 2.0, 40: 1.5, 55: 1.0, 70: 0.5, 99: 6.0917e-4}
    assert {iteration: recipe.rate(iteration) for iteration in rates} == pytest.approx(rates, rel=1e-4)
    whole = [recipe.rate(iteration) for iteration in range(100)]
    assert whole == [*sorted(whole[:10]), *sorted(whole[10:], reverse=True)]


@pytest.mark.parametrize("name", CASES)
def test_the_optimizer_gets_the_rate_of_the_iteration(name):
    network, recipe = CASES[name]
    trainer = Trainer(network(), photographs(), recipe, CPU)
    for iteration in range(10):
        trainer.step()
        assert [group["lr"] for group in trainer.optimizer.param_groups] == [recipe.rate(iteration)]


def test_iterations_scale_the_milestones():
    recipe = with_settings(PRESETS["paper"], iterations=1000, seed=4)
    assert (recipe.iterations, recipe.milestones, recipe.seed) == (1000, (500, 750), 4)
    assert with_settings(recipe, iterations=10, milestones=(9,)).milestones == (9,)
    assert with_settings(recipe, lr=0.5).milestones == (500, 750)


def test_recipe_of_the_paper():
    paper = PRESETS["paper"]
    wanted = {"iterations": 200_000, "batch": 64, "crop": 64, "lr": 1e-4, "schedule": "steps", "sigma": 15,
              "milestones": (100_000, 150_000), "betas": (0.9, 0.99), "precision": "float32"}  # fmt: skip
    assert {key: getattr(paper, key) for key in wanted} == wanted
    assert PRESETS["small"].sigma == 15


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schedule": "cosine"}, "schedule: expected"),
        ({"precision": "float16"}, "precision: expected"),
        ({"input_mask": (85, 75)}, "input_mask: expected"),
        ({"input_mask": (-1, 75)}, "percentages"),
        ({"input_mask": (75, 101)}, "percentages"),
    ],
)
def test_impossible_recipes_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        with_settings(PLAIN, **change)


# Steps


def seen(**options):
    """(network, noisy input, clean target) of a first step on a grey image."""
    network = Records()
    recipe = Recipe(iterations=1, batch=40, crop=100, lr=1e-3, schedule="steps", **options)
    image = np.full((100, 100, 3), 128, np.uint8)
    loss = Trainer(network, [image], recipe, CPU).step()
    return network, network.seen[0], torch.tensor(128 / 255), loss


@pytest.mark.parametrize("sigma", [15, 50])
def test_a_step_adds_gaussian_noise(sigma):
    network, noisy, clean, loss = seen(sigma=sigma)
    noise = (noisy - clean).double().flatten()
    assert abs(noise.std() * 255 / sigma - 1) < 5 / (2 * len(noise)) ** 0.5
    assert abs(noise.mean()) < 5 * sigma / 255 / len(noise) ** 0.5
    assert abs(stats.kurtosis(noise)) < 5 * (24 / len(noise)) ** 0.5
    planes = (noisy - clean).double().flatten(0, 1).flatten(1)
    assert np.abs(np.corrcoef(planes) - np.eye(len(planes))).max() < 6 / 100  # channels and samples are independent
    assert loss.item() == pytest.approx((noisy - clean).abs().mean().item(), rel=1e-6)  # L1, of an unchanged input
    # Adam's first step is the learning rate against the sign of the gradient
    sign = torch.sign((torch.sign(noisy - clean) * noisy).mean())
    assert network.scale.item() == pytest.approx(1 - 1e-3 * sign.item(), abs=1e-6)


def test_the_noisy_crop_is_clipped_where_the_recipe_says_so():
    noisy, clipped = (seen(sigma=150, clip_noisy=clip)[1] for clip in (False, True))
    assert noisy.min() < -1 and noisy.max() > 1.5
    assert torch.equal(clipped, noisy.clamp(0, 1))


def test_the_input_mask_comes_after_noise_and_clipping():
    noisy, masked = (seen(clip_noisy=True, input_mask=mask)[1] for mask in (None, (75, 85)))
    hidden = masked == -0.1
    assert 0.75 < hidden.double().mean() < 0.85
    assert torch.equal(masked[~hidden], noisy[~hidden])


@pytest.mark.parametrize(
    "network",
    [
        masked_network,
        lambda: DropoutSwinIR(embed_dim=4, depths=(1,), num_heads=(1,)),
        lambda: IDF(hidden_channels=4, iterations=2),
    ],
)
def test_every_random_number_comes_from_one_generator(network):
    made = network()
    trainer = Trainer(made, photographs(), SHIPPED, CPU)
    before, own = torch.get_rng_state(), trainer.generator.get_state()
    trainer.step()
    assert torch.equal(torch.get_rng_state(), before)
    first = trainer.generator.get_state()
    assert not torch.equal(first, own)


def test_a_mask_hides_tokens_or_pixels():
    """The same noise and the same places, whichever of them are masked."""
    taken = []

    class Tokens(Records):
        mask_token = None

        def forward(self, x, hidden=None):
            taken.append((x, hidden))
            return super().forward(x)

    for mask_on in ("pixels", "tokens"):
        recipe = dataclasses.replace(PLAIN, input_mask=(40, 60), mask_on=mask_on)
        Trainer(Tokens(), photographs(), recipe, CPU).step()
    (masked, nothing), (whole, hidden) = taken
    assert nothing is None and 0.3 < hidden.double().mean() < 0.7
    assert torch.equal(masked, torch.where(hidden, -0.1, whole))


def test_the_seed_decides():
    def losses(seed):
        trainer = Trainer(masked_network(), photographs(), dataclasses.replace(SHIPPED, seed=seed), CPU)
        return [trainer.step().item() for _ in range(3)]

    assert losses(3) == losses(3)
    assert losses(3) != losses(4)


def test_the_average_by_hand():
    """Decays of the first iterations are 2/11, 3/12, 4/13, ... as long as they are below the recipe's."""
    network = plain_network()
    trainer = Trainer(network, photographs(), dataclasses.replace(PLAIN, ema=0.3), CPU)
    expected = {key: value.double() for key, value in network.state_dict().items()}
    for decay in (2 / 11, 3 / 12, 0.3, 0.3):
        trainer.step()
        for key, value in network.state_dict().items():
            expected[key] = decay * expected[key] + (1 - decay) * value
    for key, value in trainer.weights().items():
        if key.endswith("num_batches_tracked"):
            assert value == 4 and value.dtype == torch.int64
        else:
            torch.testing.assert_close(value.double(), expected[key], rtol=1e-5, atol=1e-6)
            assert not torch.equal(value, network.state_dict()[key])
    assert any(key.endswith("running_var") for key in expected)


def test_without_an_average_the_weights_themselves_are_exported():
    trainer = Trainer(plain_network(), photographs(), PLAIN, CPU)
    trainer.step()
    assert trainer.average is None
    assert all(
        value is trainer.network.state_dict()[key] or torch.equal(value, trainer.network.state_dict()[key])
        for key, value in trainer.weights().items()
    )


def test_batch_norm_network_trains_and_its_average_can_be_evaluated(tmp_path):
    trainer = Trainer(plain_network(), photographs(), dataclasses.replace(PLAIN, ema=0.5, precision="bfloat16"), CPU)
    for _ in range(12):
        trainer.step()
    path = tmp_path / "a.safetensors"
    write_weights(trainer.weights(), path, {})
    network = DnCNN(nc=4, nb=4, act_mode="BR").eval()
    load_strictly(network, read_weights(path), path.name)
    norm = network.model[3]
    assert norm.num_batches_tracked == 12
    assert (norm.running_var > 0).all() and not torch.equal(norm.running_mean, torch.zeros(4))
    assert network(torch.rand(1, 3, 9, 9, generator=generator())).isfinite().all()


def test_bfloat16_is_for_the_arithmetic_not_for_the_weights():
    network = plain_network()
    types = set()
    network.model[2].register_forward_hook(lambda module, inputs, output: types.add(output.dtype))
    trainer = Trainer(network, photographs(), dataclasses.replace(PLAIN, precision="bfloat16"), CPU)
    before = network.model[2].weight.detach().clone()
    assert trainer.step().dtype == torch.float32
    assert types == {torch.bfloat16}
    assert {value.dtype for value in network.parameters()} == {torch.float32}
    assert not torch.equal(network.model[2].weight, before)
    types.clear()
    Trainer(network, photographs(), PLAIN, CPU).step()
    assert types == {torch.float32}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_loss_falls_on_a_small_problem(precision):
    torch.manual_seed(0)
    recipe = Recipe(iterations=120, batch=4, crop=16, lr=1e-2, schedule="one-cycle", sigma=50, precision=precision)
    trainer = Trainer(DnCNN(nc=8, nb=4), photographs(), recipe, CPU)
    losses = [trainer.step().item() for _ in range(recipe.iterations)]
    noise = 50 / 255 * (2 / np.pi) ** 0.5  # loss of giving the input back
    assert losses[0] > 0.9 * noise
    assert np.mean(losses[-10:]) < 0.75 * noise


# Interruption


def equal(one, other):
    """Whether two nests of dictionaries, lists and tensors are the same to the bit."""
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(value, other[key]) for key, value in one.items())
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    return one == other


def end_of(trainer, out):
    """All that a training leaves behind, but for its times."""
    state = torch.load(out / "checkpoint.pt", weights_only=True)
    assert equal(state, trainer.state())
    del state["seconds"]
    return state, logged(out)


def logged(out):
    lines = map(json.loads, (out / "log.jsonl").read_text().splitlines())
    return [{key: value for key, value in line.items() if key != "iterations_per_second"} for line in lines]


def validate(weights):
    return {"sum": sum(value.double().abs().sum().item() for value in weights.values())}


def run(name, out, **options):
    """The trainer and its course, to be iterated over."""
    out.mkdir(exist_ok=True)
    network, recipe = CASES[name]
    trainer = Trainer(network(), photographs(), recipe, CPU)
    return trainer, train(trainer, out, **{"validate": validate, "validate_every": 4, **options})


@pytest.mark.parametrize("name", CASES)
def test_an_abandoned_training_goes_on_to_the_bit(tmp_path, clock, name):
    whole, course = run(name, tmp_path / "whole")
    assert [progress.iteration for progress in course] == [4, 8, 12, 16, 20, 24]
    expected = end_of(whole, tmp_path / "whole")

    first, course = run(name, tmp_path / "parts", save_seconds=0)
    assert [next(course).iteration for _ in range(2)] == [4, 8]
    course.close()
    second, course = run(name, tmp_path / "parts", save_seconds=1e9)
    assert [next(course).iteration for _ in range(2)] == [12, 16]
    course.close()  # nothing is saved of this part, and its lines are in the log
    assert [line["iteration"] for line in logged(tmp_path / "parts")] == [4, 8, 12, 16]
    third, course = run(name, tmp_path / "parts", save_seconds=1e9)
    assert [progress.iteration for progress in course] == [12, 16, 20, 24]

    found = end_of(third, tmp_path / "parts")
    assert equal(found[0], expected[0])
    assert found[1] == expected[1]
    assert equal(third.weights(), whole.weights())
    assert not equal(first.weights(), whole.weights()) and not equal(second.weights(), whole.weights())


def test_minutes_cut_a_training_into_slices(tmp_path, clock):
    whole, course = run("masked", tmp_path / "whole")
    list(course)
    slices = []
    while not slices or slices[-1] < SHIPPED.iterations:
        trainer, course = run("masked", tmp_path / "slices", minutes=0.06 / 60)
        slices.append([progress.iteration for progress in course][-1])
        assert torch.load(tmp_path / "slices" / "checkpoint.pt", weights_only=True)["iteration"] == slices[-1]
    assert 3 <= len(slices) <= 6 and slices == sorted(set(slices))
    assert equal(end_of(trainer, tmp_path / "slices"), end_of(whole, tmp_path / "whole"))


def test_a_finished_training_is_not_trained_further(tmp_path, clock):
    trainer, course = run("plain", tmp_path)
    list(course)
    expected = end_of(trainer, tmp_path)
    again, course = run("plain", tmp_path)
    assert list(course) == []
    assert equal(end_of(again, tmp_path), expected)


def test_progress_says_how_it_goes(tmp_path, clock):
    trainer, course = run("plain", tmp_path)
    reports = list(course)
    assert [(r.iteration, r.iterations) for r in reports] == [(4 * interval, 24) for interval in range(1, 7)]
    assert [r.rate for r in reports] == [1e-2, 1e-2, 5e-3, 5e-3, 2.5e-3, 2.5e-3]
    assert reports[-1].scores == validate(trainer.weights())
    assert all(0 < report.loss < 1 and report.iterations_per_second > 0 for report in reports)
    assert trainer.seconds > 0
    _, course = run("plain", tmp_path / "unwatched", validate=None)
    assert [report.scores for report in course] == [None] * 6


def test_intervals_grow_to_two_seconds(tmp_path, clock):
    """The clock goes on by 10 ms an iteration; an interval has at most four times as many as the one before."""
    recipe = dataclasses.replace(PLAIN, iterations=450)
    course = train(Trainer(Records(), photographs(), recipe, CPU), tmp_path)
    assert [progress.iteration for progress in course] == [4, 20, 84, 284, 450]


KILLED = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
import torch
torch.set_num_threads(int(sys.argv[4]))
import test_training
trainer, course = test_training.run("masked", Path(sys.argv[3]), save_seconds=0)
for progress in course:
    print(progress.iteration, flush=True)
    sys.stdin.readline()  # for the word to go on, or the kill
"""


def test_a_killed_training_goes_on_to_the_bit(tmp_path):
    places = [str(Path(baselines.__file__).parents[1]), str(Path(__file__).parent)]
    arguments = [*places, str(tmp_path / "killed"), str(torch.get_num_threads())]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", KILLED, *arguments], **pipes) as process:
        reached = [int(process.stdout.readline())]
        for _ in range(2):
            print(file=process.stdin, flush=True)
            reached.append(int(process.stdout.readline()))
        process.kill()  # SIGKILL
    assert process.returncode != 0
    assert reached == [4, 8, 12]
    stored = torch.load(tmp_path / "killed" / "checkpoint.pt", weights_only=True)["iteration"]
    assert 8 <= stored < SHIPPED.iterations

    resumed, course = run("masked", tmp_path / "killed")
    assert next(course).iteration == stored + 4
    list(course)
    whole, course = run("masked", tmp_path / "whole")
    list(course)
    assert equal(end_of(resumed, tmp_path / "killed"), end_of(whole, tmp_path / "whole"))


def test_a_save_that_fails_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "checkpoint.pt"
    training.save_atomically({"iteration": 1}, path)

    def fails(state, file):
        file.write(b"half of it")
        raise OSError("no space left")

    monkeypatch.setattr(torch, "save", fails)
    with pytest.raises(OSError, match="no space"):
        training.save_atomically({"iteration": 2}, path)
    assert torch.load(path, weights_only=True) == {"iteration": 1}


@pytest.mark.parametrize("kilobytes", [0, 40, 700])
def test_a_disk_that_fills_up_leaves_the_old_checkpoint_and_no_half_one(tmp_path, kilobytes):
    """A limit on the size of a file stands for the full disk; in torch's own words it would be a RuntimeError."""
    path = tmp_path / "checkpoint.pt"
    training.save_atomically({"iteration": 1}, path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000 * kilobytes, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            training.save_atomically({"a": torch.zeros(100_000), "b": torch.zeros(100_000)}, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert torch.load(path, weights_only=True) == {"iteration": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.pt"]


@pytest.mark.parametrize("half_a_line", ['{"iteration": 1', '{"iteration": 12, "scores": {"a": 1.5}', "\n"])
def test_a_line_that_was_not_finished_is_dropped(tmp_path, clock, half_a_line):
    _, course = run("plain", tmp_path, save_seconds=0)
    next(course)
    course.close()
    with (tmp_path / "log.jsonl").open("a") as log:
        log.write(half_a_line)
    _, course = run("plain", tmp_path)
    list(course)
    assert [line["iteration"] for line in logged(tmp_path)] == [4, 8, 12, 16, 20, 24]


def test_a_log_that_cannot_be_cut_is_left_whole(tmp_path, clock):
    _, course = run("plain", tmp_path, save_seconds=0)
    next(course)
    course.close()
    before = (tmp_path / "log.jsonl").read_bytes()
    (tmp_path / "log.part").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        run("plain", tmp_path)
    assert (tmp_path / "log.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lr": 0.02}, "lr"),
        ({"sigma": 25}, "sigma"),
        ({"input_mask": (75, 85)}, "input_mask"),
        ({"iterations": 48, "seed": 1}, "iterations.*seed"),
    ],
)
def test_another_recipe_is_refused(tmp_path, clock, change, message):
    _, course = run("plain", tmp_path)
    list(course)
    before = (tmp_path / "checkpoint.pt").read_bytes(), (tmp_path / "log.jsonl").read_bytes()
    other = Trainer(plain_network(), photographs(), with_settings(PLAIN, **change), CPU)
    with pytest.raises(ValueError, match=message):
        list(train(other, tmp_path))
    assert ((tmp_path / "checkpoint.pt").read_bytes(), (tmp_path / "log.jsonl").read_bytes()) == before


def test_a_recipe_written_before_a_field_existed_had_its_default():
    trainer = Trainer(plain_network(), photographs(), PLAIN, CPU)
    state = trainer.state()
    recipe = json.loads(state["recipe"])
    del recipe["sigma"], recipe["mask_on"]
    trainer.restore({**state, "recipe": json.dumps(recipe)})
    louder = Trainer(plain_network(), photographs(), dataclasses.replace(PLAIN, sigma=25), CPU)
    with pytest.raises(ValueError, match="sigma"):
        louder.restore({**state, "recipe": json.dumps(recipe)})


@pytest.mark.parametrize("mask", [None, (10, 30)])
@pytest.mark.parametrize(
    ("precision", "user_defined", "last"),
    [("float32", False, True), ("float32", True, False), ("bfloat16", False, False)],
)
def test_the_layout_of_what_a_network_sees(precision, user_defined, last, mask):
    """Channels last gives NaN gradients of dilated bfloat16 convolutions on some processors."""
    recipe = dataclasses.replace(PLAIN, precision=precision, input_mask=mask)
    trainer, seen = Trainer(plain_network(), photographs(), recipe, CPU, user_defined=user_defined), []
    trainer.network.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    trainer.step()
    convolution = trainer.network.model[2].weight
    for tensor in (seen[0], convolution, convolution.grad):
        assert tensor.is_contiguous(memory_format=torch.channels_last if last else torch.contiguous_format)
        assert tensor.is_contiguous() is not last


def test_the_layout_changes_nothing_but_the_speed():
    """Beside rounding: the losses of a few steps, in both layouts."""
    last, plain = (
        Trainer(plain_network(), photographs(), PLAIN, CPU),
        Trainer(plain_network(), photographs(), PLAIN, CPU),
    )
    plain.layout = torch.contiguous_format
    plain.network.to(memory_format=torch.contiguous_format)
    losses = [[float(trainer.step()) for _ in range(4)] for trainer in (last, plain)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


def test_a_training_that_diverges_stops_and_keeps_its_last_checkpoint(tmp_path, clock):
    recipe = dataclasses.replace(PLAIN, iterations=1000)
    trainer = Trainer(Records(), photographs(), recipe, CPU)
    next(train(trainer, tmp_path, save_seconds=0))
    before = (tmp_path / "checkpoint.pt").read_bytes()
    with torch.no_grad():
        trainer.network.scale.fill_(float("nan"))
    torch.save(trainer.state(), tmp_path / "checkpoint.pt")
    broken = (tmp_path / "checkpoint.pt").read_bytes()
    assert broken != before
    with pytest.raises(FloatingPointError, match="loss is nan at iteration .*lower lr"):
        list(train(Trainer(Records(), photographs(), recipe, CPU), tmp_path, save_seconds=0))
    assert (tmp_path / "checkpoint.pt").read_bytes() == broken


def test_compiling_needs_a_compiler(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ValueError, match="compile=True"):
        Trainer(plain_network(), photographs(), dataclasses.replace(PLAIN, compile=True), CPU)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # torch.compile's own
@pytest.mark.skipif(not any(map(shutil.which, training.COMPILERS)), reason="there is no C++ compiler here")
def test_a_compiled_training_follows_the_plain_one():
    networks = [nn.Conv2d(3, 3, 3, padding=1) for _ in range(2)]
    networks[1].load_state_dict(networks[0].state_dict())
    recipes = [dataclasses.replace(PLAIN, compile=compile) for compile in (False, True)]
    trainers = [Trainer(n, photographs(), r, CPU) for n, r in zip(networks, recipes, strict=True)]
    losses = torch.stack([torch.stack([trainer.step() for _ in range(3)]) for trainer in trainers])
    torch.testing.assert_close(losses[1], losses[0], rtol=1e-4, atol=1e-5)
    assert trainers[0].weights().keys() == trainers[1].weights().keys()


# Extension


def test_an_extended_training_equals_a_longer_one_to_the_bit(tmp_path, clock):
    """Milestones stay where they are: 24 iterations, then up to 36, are 36 with the milestones of the 24."""
    longer = dataclasses.replace(PLAIN, iterations=36)
    (tmp_path / "whole").mkdir()
    whole = Trainer(plain_network(), photographs(), longer, CPU)
    list(train(whole, tmp_path / "whole"))
    first, course = run("plain", tmp_path / "parts")
    list(course)
    for stopped in (True, False):  # the extension itself can be interrupted and resumed
        second = Trainer(plain_network(), photographs(), PLAIN.extended(36), CPU, extends=True)
        course = train(second, tmp_path / "parts", save_seconds=0)
        assert next(course).iteration < 36
        assert stopped or [progress.iteration for progress in course][-1] == 36
        course.close()
    assert second.iteration == 36 and equal(second.network.state_dict(), whole.network.state_dict())
    assert equal(second.generator.get_state(), whole.generator.get_state())


def test_only_an_extension_accepts_fewer_iterations(tmp_path, clock):
    list(run("plain", tmp_path)[1])
    for recipe, extends in ((PLAIN.extended(36), False), (dataclasses.replace(PLAIN, iterations=12), True)):
        with pytest.raises(ValueError, match="iterations"):
            train(Trainer(plain_network(), photographs(), recipe, CPU, extends=extends), tmp_path)
    other = dataclasses.replace(PLAIN.extended(36), batch=4)
    with pytest.raises(ValueError, match="batch"):
        train(Trainer(plain_network(), photographs(), other, CPU, extends=True), tmp_path)


def test_a_schedule_that_depends_on_the_length_cannot_be_extended():
    with pytest.raises(ValueError, match="one-cycle"):
        SHIPPED.extended(48)
    with pytest.raises(ValueError, match="24"):
        PLAIN.extended(23)
    assert PLAIN.extended(48).milestones == PLAIN.milestones
