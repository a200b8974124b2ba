"""Several processes train one network: the mean of their gradients, a stream each, and a checkpoint of them all."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from baselines.train import distributed, training
from baselines.train.crops import Crops
from baselines.train.recipe import Recipe

pytestmark = pytest.mark.slow

RECIPE = Recipe(iterations=6, batch=4, crop=8, lr=1e-2, schedule="steps", seed=3, input_mask=(10, 30), ema=0.9)
PROGRAM = """
import os
import sys
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
import torch
torch.set_num_threads(1)
import test_distributed
test_distributed.one_of_them(Path(sys.argv[3]))
sys.stdout.flush()
os._exit(0)  # torch 2.13 aborts now and then while it ends its threads, when all is done
"""


def images():
    return [np.random.default_rng(number).integers(0, 256, (12, 15, 3), dtype=np.uint8) for number in range(3)]


def network():
    torch.manual_seed(5)
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 3, 3, padding=1))


class Idle(nn.Sequential):
    """A user's network with a parameter that does nothing."""

    def __init__(self):
        super().__init__(nn.Conv2d(3, 3, 1))
        self.idle = nn.Parameter(torch.ones(1))


def one_of_them(out):
    """What each process does: a training at one go, one in slices of an interval, and steps of a user's network.

    The first says how it went.
    """
    group, device = distributed.join("cpu")
    ends = []
    for folder, minutes in (("whole", 1e9), ("slices", 1e-9), ("slices", 1e-9), ("slices", 1e9)):
        trainer = training.Trainer(network(), images(), RECIPE, device, processes=group)
        options = {"validate": lambda weights: {"tensors": len(weights)}, "validate_every": 2, "minutes": minutes}
        list(training.train(trainer, out / folder, **options))
        ends.append(trainer.iteration)
    user_defined = training.Trainer(Idle(), images(), RECIPE, device, processes=group, user_defined=True)
    losses = [float(user_defined.step()) for _ in range(3)]
    torch.distributed.destroy_process_group()
    if group.rank == 0:
        print(json.dumps({"count": group.size, "ends": ends, "idle": len(losses)}))


def launch(out):
    """Let torchrun start two of them; (exit code, what they said)."""
    for folder in ("whole", "slices"):
        (out / folder).mkdir()
    places = [str(Path(distributed.__file__).parents[1]), str(Path(__file__).parent)]
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone", "--no-python"]
    program = [sys.executable, "-c", PROGRAM, *places, str(out)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, *launcher, *program], capture_output=True, text=True, env=environment)
    return done.returncode, done.stdout + done.stderr


def by_hand():
    """The same training in one process: both streams, the gradient of the mean of both losses, Adam."""
    made = network()
    optimizer = torch.optim.Adam(made.parameters(), RECIPE.lr, RECIPE.betas)
    crops = Crops(images(), RECIPE.crop, torch.device("cpu"))
    seeds = [3, int.from_bytes(hashlib.sha256(b"3 of process 1").digest()[:7])]
    streams = [torch.Generator().manual_seed(seed) for seed in seeds]
    for iteration in range(RECIPE.iterations):
        losses = []
        for stream in streams:
            clean = crops(RECIPE.batch // 2, stream)
            noisy = clean + 15 / 255 * torch.randn(clean.shape, generator=stream)
            percent = torch.randint(10, 31, (2, 1, 1, 1), generator=stream)
            hidden = torch.rand(2, 1, 8, 8, generator=stream) < percent / 100
            losses.append((made(torch.where(hidden, -0.1, noisy)) - clean).abs().mean())
        optimizer.param_groups[0]["lr"] = RECIPE.rate(iteration)
        optimizer.zero_grad()
        (sum(losses) / 2).backward()
        optimizer.step()
    return made.state_dict()


def test_two_processes_train_as_one_with_both_streams(tmp_path):
    """At one go, and in slices that each begin with new trainers: the same weights to the bit."""
    assert distributed.SINGLE_PROCESS.size == 1 and distributed.world_size() == 1
    code, said = launch(tmp_path)
    assert code == 0 and '{"count": 2, "ends": [6, 2, 4, 6], "idle": 3}' in said, said
    whole, slices = (torch.load(tmp_path / f / "checkpoint.pt", weights_only=True) for f in ("whole", "slices"))
    for key, value in by_hand().items():
        torch.testing.assert_close(whole["network"][key], value, rtol=1e-4, atol=1e-5)
    assert len(whole["generators"]) == 2 and not torch.equal(*whole["generators"])
    assert torch.equal(whole["generators"], slices["generators"])
    for part in ("network", "average"):
        assert all(torch.equal(value, slices[part][key]) for key, value in whole[part].items())
    for folder in ("whole", "slices"):  # written by one of them alone
        lines = [json.loads(line) for line in (tmp_path / folder / "log.jsonl").read_text().splitlines()]
        assert [(line["iteration"], line["scores"]) for line in lines] == [(i, {"tensors": 4}) for i in (2, 4, 6)]
    alone = training.Trainer(network(), images(), RECIPE, torch.device("cpu"))
    with pytest.raises(ValueError, match="processes: expected 2"):
        alone.restore(whole)


def test_a_batch_is_shared_evenly():
    class Three:
        num_processes, process_index = 3, 2

    several = distributed.ProcessGroup(Three())
    assert several.local_batch(12) == 4
    with pytest.raises(ValueError, match="batch: expected"):
        several.local_batch(4)
    assert several.seed(0) != several.seed(1) != 1 and distributed.SINGLE_PROCESS.seed(7) == 7


def test_several_processes_have_their_own_gpus():
    with pytest.raises(ValueError, match="device: expected"):
        distributed.join("cuda:1")
