"""Processes and a Dask cluster give the rows of this process; what crashes or hangs has a row that says so."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import safetensors.torch
import torch

import bench
from baselines.weights_io import shards
from bench import engines
from bench.core.errors import BadInput
from bench.engines import plan_transfer, worker
from bench.engines.in_process import InProcess
from bench.engines.local import Local
from bench.models import model_specs as networks
from bench.noise import noises
from bench.runner import Execution
from bench.runs.plan import make_plan
from bench.runs.store import Store

pytestmark = pytest.mark.slow

NETWORKS = """
import os, pathlib, signal, threading, time

import torch
from torch import nn


class Blur(nn.Module):
    def forward(self, x):
        return nn.functional.avg_pool2d(nn.functional.pad(x, (1, 1, 1, 1), "reflect"), 3, 1)


class Keyed(Blur):
    takes_keys = True

    def forward(self, x, keys=None):
        return super().forward(x) + torch.tensor([key % 1000 for key in keys]).view(-1, 1, 1, 1) / 50000


class Orthogonal(Blur):
    '''Its initial weights depend on the number of threads.'''

    def __init__(self):
        super().__init__()
        self.mix = nn.Linear(512, 512)
        nn.init.orthogonal_(self.mix.weight)


class Slow(Keyed):
    '''Computes for 0.3 s.'''

    def forward(self, x, keys=None):
        began = time.monotonic()
        while time.monotonic() < began + 0.3:
            y = super().forward(x, keys)
        return y


class Crash(Blur):
    '''On the small image of the contract it is well.'''

    def forward(self, x):
        if x.shape[-1] > 32:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(x)


class Hang(Blur):
    def forward(self, x):
        if x.shape[-1] > 32:
            threading.Event().wait()
        return super().forward(x)


class Large(Blur):
    '''Wants more memory than there is for more than 130 pixels.'''

    def forward(self, x):
        if x.shape[-1] > 130:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")
        return super().forward(x)


class Larger(Blur):
    def forward(self, x):
        if x.shape[-1] > 32:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")
        return super().forward(x)
"""
GRAIN = """
from dataclasses import dataclass
from typing import ClassVar

from noise_zoo.noise import Noise


@dataclass(frozen=True)
class Grain(Noise):
    strength: float = 1.0
    version: ClassVar[int] = 1

    def __call__(self, clean, rng):
        return clean + self.strength * 0.1 * (rng.random(clean.shape) - 0.5).astype("float32"), clean
"""


@pytest.fixture
def own(tmp_path) -> Path:
    """A user's folder with networks and a noise."""
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "own_networks.py").write_text(NETWORKS)
    (folder / "grain.py").write_text(GRAIN)
    return folder


def same(found: pd.DataFrame, wanted: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(found.drop(columns="seconds"), wanted.drop(columns="seconds"), check_exact=True)


def finished(plan, engine, folder) -> pd.DataFrame:
    with Store.create(folder) as store:
        list(Execution(plan, store, engine).steps())
        return store.rows()


def plan_of(own: Path, photos: Path, names: str, noise: str = "gaussian(sigma=25)", **options):
    models = ",".join(f"{own}/own_networks.py:{name}" for name in names.split(","))
    options = {"metric_list": "psnr,ssim", **options}  # LPIPS may be cached in this process, and not in others
    return make_plan(models, noise, None, (photos,), **options)


def test_two_processes_give_the_rows_and_pictures_of_one(tmp_path, photos, own):
    noise = f"chain(gaussian(sigma=10), {own}/grain.py:Grain(strength=2))"
    plan = plan_of(own, photos, "Keyed", noise, seeds=(0, 1))
    plan = replace(plan, models=(*plan.models, *make_plan("tv").models), tilings=plan.tilings * 2)
    here = finished(plan, engines.start(plan, "cpu"), tmp_path / "here")
    engine = engines.start(plan, "cpu", workers=2)
    assert isinstance(engine, Local) and engine.describe()["engine"].startswith("2 processes of ")
    same(finished(plan, engine, tmp_path / "there"), here)
    assert len(here) == 2 * 2 * 2 * 4 and (here["status"] == "ok").all()
    names = [{path.name for path in (tmp_path / side / "pictures").iterdir()} for side in ("here", "there")]
    assert names[0] == names[1]


def test_scores_are_taken_in_one_thread_beside_the_networks(own, photos):
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with contextlib.closing(InProcess(plan_of(own, photos, "Blur"), "cpu")) as here:
            assert here._scorer.submit(torch.get_num_threads).result() == 1
            assert torch.get_num_threads() == ThreadPoolExecutor(1).submit(torch.get_num_threads).result() == 2
    finally:
        torch.set_num_threads(threads)


def test_processes_of_fewer_threads_construct_the_same_networks(tmp_path, photos, own):
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        plan = plan_of(own, photos, "Orthogonal", "gaussian(sigma=15)", limit=1)
        engine = engines.start(plan, "cpu", workers=2)
        engine.workers.settings = (*engine.workers.settings[:2], 1, None)  # one thread, on machines of any size
        assert list(finished(plan, engine, tmp_path / "run")["status"]) == ["ok"]
    finally:
        torch.set_num_threads(threads)


def test_a_crash_and_a_time_out_are_rows_and_the_rest_goes_on(tmp_path, photos, own):
    plan = plan_of(own, photos, "Crash,Hang,Blur", "gaussian(sigma=15)", limit=1)
    rows = finished(plan, engines.start(plan, "cpu", timeout=4), tmp_path / "run").set_index("model")
    assert rows["status"].to_dict() == {"Blur": "ok", "Crash": "failed", "Hang": "failed"}
    assert "killed" in rows["reason"]["Crash"]
    assert rows["reason"]["Hang"] == "no output within 4 s (--timeout)"


def test_a_worker_that_refuses_its_plan_ends_the_run(tmp_path, photos, own, monkeypatch):
    plan = plan_of(own, photos, "Blur")
    monkeypatch.setattr(plan_transfer, "versions", lambda: {"torch": "0.4"})
    with pytest.raises(BadInput, match="torch .* instead of 0.4"):
        finished(plan, engines.start(plan, "cpu", workers=1), tmp_path / "run")


@pytest.mark.dask
def test_a_cluster_that_loses_a_worker_gives_the_same_rows(tmp_path, photos, own):
    """A worker of Dask is killed in the middle; the files that the networks come from are not where they were."""
    pytest.importorskip("distributed")
    plan = plan_of(own, photos, "Keyed", f"{own}/grain.py:Grain(strength=2)", seeds=(0, 1))
    here = finished(plan, engines.start(plan, "cpu"), tmp_path / "here")
    engine = engines.start(plan, "cpu", dask="local:2")
    own.rename(tmp_path / "elsewhere")
    with Store.create(tmp_path / "there") as store:
        killed = False
        for step in Execution(plan, store, engine).steps():
            if step.rows and not killed:
                os.kill(next(iter(engine.client.run(os.getpid).values())), signal.SIGKILL)
                killed = True
        same(store.rows(), here)
    assert killed and (here["status"] == "ok").all() and len(here) == 16


HELPED = """
from dataclasses import dataclass

from torch import nn

from helped_scale import scale
from noise_zoo.noise import Noise


class Net(nn.Module):
    def forward(self, x):
        from helped_parts.late import offset

        return scale * x + offset


@dataclass(frozen=True)
class Darker(Noise):
    def __call__(self, clean, rng):
        return scale * clean, clean
"""


@pytest.fixture
def helped(tmp_path, monkeypatch) -> Path:
    """The current folder, with a network and a noise in one file that imports from there, now and later."""
    folder = tmp_path / "helped"
    (folder / "helped_parts").mkdir(parents=True)
    (folder / "helped_net.py").write_text(HELPED)
    (folder / "helped_scale.py").write_text("scale = 0.75\n")
    (folder / "helped_parts/late.py").write_text("offset = 0.125\n")
    monkeypatch.chdir(folder)
    yield folder
    for name in [name for name in sys.modules if name.startswith("helped")]:
        del sys.modules[name]


def test_a_metric_from_a_file_is_found_in_other_processes(tmp_path, photos):
    file = tmp_path / "mae.py"
    file.write_text(
        "from bench.metrics import Metric\n"
        "def against(clean):\n"
        "    return lambda output: (output.double() - clean.double()).abs().mean()\n"
        "MAE = Metric('mae', against, 'MAE', higher_is_better=False)\n"
    )
    plan = make_plan(
        "torch.nn:Identity", "gaussian(sigma=15)", None, (photos,), limit=2, metric_list=f"psnr,{file}:MAE"
    )
    here = finished(plan, engines.start(plan, "cpu"), tmp_path / "here")
    same(finished(plan, engines.start(plan, "cpu", workers=1), tmp_path / "there"), here)
    assert (here["status"] == "ok").all() and (here["mae"] > 5).all()
    assert (
        plan_transfer.unpack_plan(plan_transfer.pack_plan(plan, with_content=True), tmp_path / "far").metrics[1].name
        == "mae"
    )


def test_processes_find_what_lies_beside_a_file_and_in_the_current_folder(tmp_path, photos, helped):
    plans = [
        make_plan(f"{place}:Net", f"{helped}/helped_net.py:Darker", None, (photos,), limit=1, metric_list="psnr")
        for place in (helped / "helped_net.py", "helped_net")
    ]
    for number, plan in enumerate(plans):
        here = finished(plan, engines.start(plan, "cpu"), tmp_path / f"here{number}")
        same(finished(plan, engines.start(plan, "cpu", workers=2), tmp_path / f"there{number}"), here)
        assert len(here) == 2 and (here["status"] == "ok").all()


def test_a_parcel_brings_what_lies_beside_a_file(tmp_path, photos, helped):
    plan = make_plan(
        f"{helped}/helped_net.py:Net", f"{helped}/helped_net.py:Darker", None, (photos,), metric_list="psnr"
    )
    sent, known = plan_transfer.pack_plan(plan, with_content=True), plan_transfer.pack_plan(plan, with_content=False)
    (helped / "helped_scale.py").write_text("scale = 0\n")
    with pytest.raises(BadInput, match="helped_scale.py"):
        plan_transfer.unpack_plan(known, tmp_path / "here")
    (helped / "helped_scale.py").unlink()
    (helped / "helped_parts/late.py").unlink()
    there = plan_transfer.unpack_plan(sent, tmp_path / "there")
    assert there.models[0].load()(torch.ones(1, 3, 2, 2)).unique().item() == 0.875
    assert noises.apply(there.noises[-1], torch.ones(2, 2, 3).numpy(), None)[0].max() == 0.75


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dask": "local:none"}, "got local:none"),
        ({"dask": "tcp://127.0.0.1:9"}, "no Dask scheduler answers at tcp://127.0.0.1:9"),
        ({"dask": "local:2", "workers": 2}, "got both"),
        ({"workers": "gpus"}, "--workers gpus"),
    ],
)
def test_engines_that_cannot_be_had(photos, own, monkeypatch, options, words):
    from bench.engines import dask

    monkeypatch.setattr(dask, "CONNECTION_TIMEOUT", 1)
    with pytest.raises(BadInput, match=words):
        engines.start(plan_of(own, photos, "Blur"), "cpu", **options)


def test_for_want_of_memory_an_image_is_done_in_tiles_and_the_row_says_so(tmp_path, large, own):
    model = f"{own}/own_networks.py:Large"
    rows = bench.run([model], "gaussian(sigma=15)", data=(large,), out=tmp_path / "run").rows
    row = rows.iloc[0]
    assert (row["tile"], row["status"], row["reason"]) == (128, "ok", "out of memory whole: run in tiles of 128")
    blur = bench.run([f"{own}/own_networks.py:Blur"], "gaussian(sigma=15)", data=(large,), out=tmp_path / "other").rows
    assert row["psnr"] == pytest.approx(blur["psnr"].iloc[0], abs=1e-3)
    again = bench.run([model], "gaussian(sigma=15)", data=(large,), out=tmp_path / "run").rows
    pd.testing.assert_frame_equal(again, rows)  # seconds too: what was asked for is there


def test_where_no_tile_is_small_enough_the_row_fails(tmp_path, large, own):
    rows = bench.run([f"{own}/own_networks.py:Larger"], "gaussian(sigma=15)", data=(large,), out=tmp_path / "run").rows
    assert list(rows["status"]) == ["failed"] and rows["reason"].str.contains("can't allocate memory").all()


def test_a_parcel_brings_files_and_checks_what_is_installed(tmp_path, photos, own):
    noise = f"chain(gaussian(sigma=10), {own}/grain.py:Grain(strength=2))"
    plan = plan_of(own, photos, "Blur", noise)
    plan = replace(plan, models=(*plan.models, *make_plan("dncnn").models), tilings=plan.tilings * 2)
    sent = plan_transfer.pack_plan(plan, with_content=True)
    known = plan_transfer.pack_plan(plan, with_content=False)
    own.rename(tmp_path / "elsewhere")
    there = plan_transfer.unpack_plan(sent, tmp_path / "there")
    assert [m.label for m in there.models] == [m.label for m in plan.models]
    assert there.noise_columns == plan.noise_columns
    assert [noises.canonical(noise) for noise in there.noises] == [noises.canonical(noise) for noise in plan.noises]
    assert there.models[0].load() and there.models[1].load()
    with pytest.raises(BadInput, match="own_networks.py"):
        plan_transfer.unpack_plan(known, tmp_path / "there")


@pytest.mark.parametrize("name", ["model dncnn", "noise Grain", "metric psnr"])
def test_a_worker_whose_rows_would_be_identified_differently_is_refused(tmp_path, photos, own, name):
    plan = make_plan("dncnn", f"{own}/grain.py:Grain", None, (photos,), metric_list="psnr")
    sent = plan_transfer.pack_plan(plan, with_content=True)
    (key,) = (key for key in sent.identity if key == name or name.partition(" ")[2] in key)
    with pytest.raises(BadInput, match="worker"):
        plan_transfer.unpack_plan(replace(sent, identity={**sent.identity, key: "0" * 64}), tmp_path / "there")


@pytest.fixture(params=["file", "link", "shards", "card", "imported"])
def weights(request, tmp_path, monkeypatch) -> tuple[str, Path]:
    """The spec of a network with weights that are not part of the installation, and the folder that they are in."""
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    folder = tmp_path / ("home" if request.param == "imported" else "elsewhere") / "weights"
    folder.mkdir(parents=True)
    network = networks.resolve("dncnn(weights=None, nb=3, nc=8)").untrained(seed=5)
    file = folder / "mine.safetensors"
    if request.param == "shards":
        file = shards.write_shards(network.state_dict(), file)
    else:
        safetensors.torch.save_file(network.state_dict(), file)
    if request.param == "link":
        file = Path(shutil.move(file, folder / "blob")).with_name(file.name)
        file.symlink_to(folder / "blob")
    if request.param in ("card", "imported"):
        card = {"model": "dncnn", "size": "full", "network": {"nb": 3, "nc": 8},
                "trained_on": {"noise": ["gaussian(sigma=25)"]}, "imported_at": "2026-01-01",
                "origin": {"file": "mine.pth", "sha256": "0"}}  # fmt: skip
        file.with_suffix(".json").write_text(json.dumps(card))
    return f"dncnn(weights='{'mine' if request.param == 'imported' else file}')", folder


def test_a_parcel_brings_weights_with_their_shards_and_cards(tmp_path, photos, weights):
    text, folder = weights
    plan = make_plan(text, "gaussian(sigma=15)", None, (photos,))
    x = torch.rand(1, 3, 16, 16)
    expected = plan.models[0].load()(x)
    sent, known = (plan_transfer.pack_plan(plan, with_content) for with_content in (True, False))
    here = plan_transfer.unpack_plan(known, tmp_path / "here")
    folder.rename(tmp_path / "moved")
    for found in (here, plan_transfer.unpack_plan(sent, tmp_path / "there")):
        assert found.models[0].card == plan.models[0].card and found.models[0].label == plan.models[0].label
    assert torch.equal(found.models[0].load()(x), expected)


@pytest.mark.parametrize("with_content", [True, False])
def test_two_weights_of_one_name_keep_their_labels_and_their_scores(tmp_path, photos, with_content):
    texts, x = [], torch.rand(1, 3, 16, 16)
    for seed, folder in enumerate("ab"):
        (tmp_path / folder).mkdir()
        state = networks.resolve("dncnn(weights=None, nb=3, nc=8)").untrained(seed=seed).state_dict()
        safetensors.torch.save_file(state, tmp_path / folder / "net.safetensors")
        texts.append(f"dncnn(weights='{tmp_path / folder / 'net.safetensors'}')")
    plan = make_plan(", ".join(texts), "gaussian(sigma=15)", None, (photos,))
    sent = plan_transfer.unpack_plan(plan_transfer.pack_plan(plan, with_content), tmp_path / "there")
    assert [model.label for model in sent.models] == [model.label for model in plan.models]
    assert len({model.label for model in plan.models}) == 2
    for model, other in zip(sent.models, plan.models, strict=True):
        assert torch.equal(model.load()(x), other.load()(x))


def test_a_job_is_given_back_when_its_time_is_up(photos, own):
    plan = plan_of(own, photos, "Slow", "gaussian", limit=1)
    from bench.evaluation.pending import PendingJobs

    (job,) = PendingJobs(plan, ()).jobs()
    process = worker.Worker(plan_transfer.pack_plan(plan, with_content=False), "cpu", 1, None, job_seconds=0.2)
    try:
        reply = process.work(job)
        assert len(reply.finished) >= 1 and reply.left and reply.lost is None
        done = [one.cell for one in reply.finished]
        while reply.left:
            reply = process.work(replace(job, tasks=reply.left))
            done += [one.cell for one in reply.finished]
        assert sorted(done) == sorted(cell for task in job.tasks for cell in task.cells)
    finally:
        process.close()


@pytest.mark.parametrize(
    "options", [[], ["--workers", "1"], pytest.param(["--dask", "local:2"], marks=pytest.mark.dask)]
)
def test_an_interrupt_commits_what_is_done_and_leaves_no_process(tmp_path, photos, own, options, wait_until):
    if "--dask" in options:
        pytest.importorskip("distributed")
    out = tmp_path / "run"
    command = [sys.executable, "-m", "bench", "run", "--models", f"{own}/own_networks.py:Keyed", "--noise", "mixture",
               "--data", str(photos), "--seeds", ",".join(map(str, range(300))), "--metrics", "psnr", "--out", str(out),
               *options]  # fmt: skip
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # what runs in the background ignores it
    )
    wait_until(lambda: _count(out), process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all processes of the command
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 130, errors
    assert len(errors.splitlines()) == 1 and "interrupted" in errors, errors
    assert 0 < _count(out) < 300 * 5 * 4
    with Store.create(out):  # nobody holds it
        pass
    wait_until(lambda: _ended(process.pid))  # the last helper of multiprocessing notices the end of its parent


def _ended(group: int) -> bool:
    """Whether no process of a group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def _count(folder: Path) -> int:
    try:
        with Store.open(folder) as store:
            return len(store.rows())
    except BadInput:
        return 0
