"""Code of users that sets what is the whole process's: rows beside it are those of a run without it, to the bit."""

import builtins
import os
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.special  # noqa: F401  it adds a filter of warnings when it is imported
import torch
from torch import nn

import bench
from bench.core import isolation, process_state
from bench.metrics import load_metric
from bench.models import model_specs
from bench.noise import noises

SPOILS = {
    "types": "torch.set_default_dtype(torch.float64)\n"
    "torch.use_deterministic_algorithms(True)\n"
    "torch.utils.deterministic.fill_uninitialized_memory = False",
    "devices": "torch.set_default_device('meta')\n"
    "torch.set_float32_matmul_precision('medium')\n"
    "torch.backends.mkldnn.matmul.fp32_precision = 'bf16'",
    "kernels": "torch.set_num_threads(3)\n"
    "torch.backends.mkldnn.set_flags(_enabled=False)\n"
    "torch.backends.cudnn.benchmark = True\n"
    "torch.backends.nnpack.set_flags(False)\n"
    "torch.set_flush_denormal(True)",
    "modes": "torch.set_grad_enabled(False)\n"
    "torch.inference_mode(not torch.is_inference_mode_enabled()).__enter__()\n"
    "torch.autocast('cpu', torch.bfloat16).__enter__()\n"
    "torch.autograd.set_detect_anomaly(True)",
    "hooks": "nn.modules.module.register_module_forward_hook("
    "lambda module, args, out: out + 1 if type(module).__name__ != 'Net' else out)\n"
    "torch.device('meta').__enter__()",
    "streams": "torch.manual_seed(3)\nnp.random.seed(3)\nrandom.seed(3)\n"
    "np.seterr(all='raise')\nnp.set_printoptions(precision=1)",
    "warnings": "warnings.simplefilter('error')\nwarnings.warn = nn.functional.relu = nn.functional.conv2d = None\n"
    "decimal.getcontext().prec = 2\n"
    "sys.setrecursionlimit(400)\nlocale.setlocale(locale.LC_ALL, 'C.UTF-8')",
    "places": "os.environ.clear()\nos.environ['HOME'] = '/nowhere'\nos.chdir('/')\nsys.path.clear()",
    "modules": "sys.modules['skimage.restoration'] = sys.modules['skimage'] = types.ModuleType('skimage')\n"
    "sys.modules['lpips'] = sys.modules['scipy.fft'] = None\nsys.meta_path.clear()\nimport utils\nutils.count += 1",
    "streams_and_names": "sys.stdout = sys.stderr = None\nbuiltins.round = builtins.sorted = None\n"
    "ImageFile.LOAD_TRUNCATED_IMAGES = True\nsys.setswitchinterval(1e-6)\n"
    "if threading.current_thread() is threading.main_thread():\n"
    "    signal.signal(signal.SIGINT, signal.SIG_IGN)",
}

FILE = """
import builtins, decimal, locale, os, random, signal, sys, threading, types, warnings
from dataclasses import dataclass
import numpy as np
import torch
from PIL import ImageFile
from torch import nn
from bench.metrics import Metric
from noise_zoo.noise import Noise
import utils

def spoil():
{spoil}

spoil()
torch.load = np.rint = torch.Tensor.clamp = None

class Net(nn.Module):
    def __init__(self):
        spoil()
        super().__init__()

    def forward(self, x):
        spoil()
        y = (0.9 * x + 0.02).float()
        return y

@dataclass(frozen=True)
class Grain(Noise):
    def __call__(self, clean, rng):
        spoil()
        return clean + 0.1 * rng.standard_normal(clean.shape).astype(np.float32), clean

def against(clean):
    spoil()
    def score(output):
        spoil()
        return np.abs(output.numpy().astype(float) - clean.numpy()).mean()
    return score

METRIC = Metric("mae_{name}", against, "MAE", higher_is_better=False)
"""
COLUMNS = ["model", "image", "noise", "status", "reason", "psnr", "ssim", "lpips", "psnr_noisy", "ssim_noisy",
           "lpips_noisy"]  # fmt: skip


@pytest.fixture
def hostile(tmp_path):
    """Folders with a network, a noise and a metric each, and a module of the same name: name -> file."""
    files = {}
    for number, (name, spoil) in enumerate(SPOILS.items()):
        folder = tmp_path / f"of_{name}"
        folder.mkdir()
        files[name] = folder / f"own_{name}.py"
        indented = "\n".join(f"    {line}" for line in spoil.splitlines())
        files[name].write_text(FILE.format(spoil=indented, name=name).replace("class Net", f"class Net_{name}"))
        (folder / "utils.py").write_text(f"count = {number}\n")
    return files


def spoilt(files):
    """Specs of all networks and metrics, and of some of the noises: each costs a row of each network."""
    networks = [f"{file}:Net_{name}" for name, file in files.items()]
    drawn = [f"{file}:Grain" for file in list(files.values())[::4]]
    return networks, drawn, [f"{file}:METRIC" for file in files.values()]


def rows_of(table: pd.DataFrame, names) -> pd.DataFrame:
    columns = [column for column in COLUMNS if column in table]
    chosen = table[table["model"].isin(names) & table["noise"].str.startswith("gaussian")]
    return chosen[columns].sort_values(["model", "image", "noise"]).reset_index(drop=True)


def run(out, models, noise, photos, metrics, workers=None):
    return bench.run(models, noise, data=(photos,), limit=2, metrics=metrics, workers=workers, out=out).rows


@pytest.mark.slow
@pytest.mark.parametrize("workers", [None, 2])
def test_rows_beside_ten_files_that_set_all_they_can_are_those_without_them(tmp_path, photos, hostile, workers):
    networks, drawn, scored = spoilt(hostile)
    ours, noise, metrics = ["dncnn", "tv"], ["gaussian(sigma=15)"], ["psnr", "ssim"]
    alone = run(tmp_path / "alone", ours, noise, photos, metrics, workers)
    files = [networks[:5], networks[5:]]
    beside = run(
        tmp_path / "beside", [*files[0], *ours, *files[1]], [*drawn, *noise], photos, [*scored, *metrics], workers
    )
    assert (beside["status"] == "ok").all(), beside["reason"].unique()
    pd.testing.assert_frame_equal(rows_of(beside, ours), rows_of(alone, ours), check_exact=True)
    own = [f"Net_{name}" for name in hostile]
    other = run(tmp_path / "other", [*reversed(networks)], noise, photos, metrics, workers)
    pd.testing.assert_frame_equal(rows_of(beside, own), rows_of(other, own), check_exact=True)


@pytest.mark.parametrize("name", SPOILS)
def test_each_setting_is_as_before_after_import_construction_forward_noise_and_metric(hostile, name):
    file = hostile[name]
    folder = os.getcwd()
    values = [setting.get() for setting in process_state.settings(True)]
    known = sys.modules.copy()
    drawn = torch.get_rng_state(), np.random.get_state()[1].copy()
    loaded = model_specs.resolve(f"{file}:Net_{name}").checked()
    with torch.inference_mode():
        loaded(torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0)))
    noises.load_noise(f"{file}:Grain")(np.zeros((8, 8, 3), np.float32), np.random.default_rng(0))
    load_metric(f"{file}:METRIC").score(np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8, 3), np.uint8))
    assert [setting.get() for setting in process_state.settings(True)] == values
    assert {key: sys.modules.get(key) for key in known} == known and "utils" not in sys.modules
    assert not [key for key in sys.modules.keys() - known.keys() if sys.modules[key] is None]
    assert torch.equal(torch.get_rng_state(), drawn[0]) and (np.random.get_state()[1] == drawn[1]).all()
    assert os.getcwd() == folder and builtins.sorted([2, 1]) == [1, 2]
    assert (torch.tensor([1e-40]) * 1).item() > 0


def test_what_a_file_sets_for_the_search_of_modules_lasts_for_its_own_code(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name / "lib").mkdir(parents=True)
        (tmp_path / name / "lib/late_of_path.py").write_text(f"value = {len(name) + (name == 'two')}")
        (tmp_path / name / "net.py").write_text(
            "import os, sys, warnings\nfrom torch import nn\n"
            "sys.path.insert(0, os.path.join(os.path.dirname(__file__), 'lib'))\n"
            f"os.environ['MASKBENCH_OWN'] = '{name}'\nsys.setrecursionlimit(7000)\n"
            "class Net(nn.Module):\n    def forward(self, x):\n        import late_of_path\n"
            f"        assert os.environ['MASKBENCH_OWN'] == '{name}' and sys.getrecursionlimit() == 7000\n"
            "        return x * 0 + late_of_path.value / 10\n"
        )
    networks = [model_specs.load_model(f"{tmp_path}/{name}/net.py:Net") for name in ("one", "two")]
    for _ in range(2):
        assert [network(torch.zeros(1, 3, 2, 2)).max().item() for network in networks] == pytest.approx([0.3, 0.4])
    assert "late_of_path" not in sys.modules and "MASKBENCH_OWN" not in os.environ


def test_a_module_of_an_installed_name_beside_a_file_is_its_alone(tmp_path):
    (tmp_path / "scipy").mkdir()
    (tmp_path / "scipy/__init__.py").write_text("mine = 0.25")
    (tmp_path / "net.py").write_text(
        "import scipy\nfrom torch import nn\nclass Net(nn.Module):\n"
        "    def forward(self, x):\n        import scipy\n        return x * 0 + scipy.mine\n"
    )
    import scipy

    network = model_specs.load_model(f"{tmp_path}/net.py:Net")
    assert network(torch.zeros(1, 3, 2, 2)).max().item() == 0.25
    assert sys.modules["scipy"] is scipy and not hasattr(scipy, "mine")


def test_an_import_that_a_file_forbids_is_forbidden_for_its_own_code_alone(tmp_path):
    body = "class Net(nn.Module):\n    def forward(self, x):\n        {}\n        return x * 0 + helped_scale.value\n"
    for name, start in (("forbids", "import sys\nsys.modules['helped_scale'] = None\n"), ("imports", "")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "helped_scale.py").write_text("value = 0.5")
        (tmp_path / name / "net.py").write_text(f"{start}from torch import nn\n{body.format('import helped_scale')}")
    networks = [model_specs.load_model(f"{tmp_path}/{name}/net.py:Net") for name in ("forbids", "imports")]
    for _ in range(2):
        with pytest.raises(ImportError, match="helped_scale"):
            networks[0](torch.zeros(1, 3, 2, 2))
        assert networks[1](torch.zeros(1, 3, 2, 2)).max().item() == 0.5
    assert "helped_scale" not in sys.modules


def test_the_start_of_a_network_is_the_same_whatever_it_is_drawn_from(tmp_path):
    (tmp_path / "net.py").write_text(
        "import random\nimport numpy as np\nimport torch\nfrom torch import nn\nclass Net(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n"
        "        drawn = [np.random.rand(), random.random(), torch.rand(()).item()]\n"
        "        self.weight = nn.Parameter(torch.tensor(drawn))\n"
        "    def forward(self, x):\n        return x * self.weight.mean()\n"
    )
    hashes = set()
    for seed in (1, 2):
        np.random.seed(seed)
        hashes.add(model_specs.resolve(f"{tmp_path}/net.py:Net").weights_hash)
    assert len(hashes) == 1


def test_ours_run_in_the_standard_state_whatever_it_is():
    x = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    network = model_specs.resolve("dncnn").checked()
    expected = network(x)
    try:
        torch.set_default_dtype(torch.float64)
        torch.set_default_device("meta")
        torch.backends.mkldnn.set_flags(_enabled=False)
        assert torch.equal(network(x), expected)
        assert torch.get_default_dtype() == torch.float64
        assert model_specs.resolve("dncnn").checked()(x).dtype == torch.float32
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)
        torch.backends.mkldnn.set_flags(_enabled=True)


def test_users_code_has_the_process_to_itself():
    inside, seen = threading.Event(), []

    def ours():
        inside.wait(5)
        with isolation.our_code():
            seen.append(torch.get_default_dtype())

    thread = threading.Thread(target=ours)
    thread.start()
    with isolation.user_code():
        torch.set_default_dtype(torch.float64)
        inside.set()
        thread.join(0.05)
        assert thread.is_alive() and not seen
    thread.join(5)
    assert seen == [torch.float32]


def test_users_code_interrupts_our_own_of_its_thread_and_of_others_that_wait():
    """A scorer that scores with a user's metric, while the thread of the networks waits for it."""
    done = []

    def scorer():
        with isolation.our_code(), isolation.user_code(), isolation.our_code():
            done.append(torch.get_default_dtype())

    thread = threading.Thread(target=scorer)
    with isolation.our_code():
        thread.start()
        with isolation.let_others_run():
            thread.join(5)
    assert done == [torch.float32]


def test_code_that_raises_or_exits_leaves_nothing(tmp_path):
    (tmp_path / "net.py").write_text(
        "import sys\nimport torch\nfrom torch import nn\nclass Net(nn.Module):\n    def forward(self, x):\n"
        "        torch.set_default_dtype(torch.float64)\n        sys.exit(3)\n"
    )
    network = model_specs.load_model(f"{tmp_path}/net.py:Net")
    with pytest.raises(isolation.UserCodeEnded, match="SystemExit"):
        network(torch.zeros(1, 3, 2, 2))
    assert torch.get_default_dtype() == torch.float32
    with isolation.our_code():
        pass


@pytest.mark.slow
def test_a_copy_of_a_network_is_its_own():
    import copy

    class Scale(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(()))

        def forward(self, x):
            torch.set_default_dtype(torch.float64)
            return x * self.weight

    network = isolation.guarded_network(Scale(), isolation.user_code)
    other = copy.deepcopy(network)
    with torch.no_grad():
        other.weight.fill_(2)
    assert (network(torch.ones(1)).item(), other(torch.ones(1)).item()) == (1, 2)
    assert torch.get_default_dtype() == torch.float32 and isinstance(network, Scale)
    with pytest.warns(DeprecationWarning):
        script = torch.jit.script(nn.Sequential(nn.ReLU()))
    scripted = isolation.guarded_network(script, isolation.user_code)
    assert scripted(torch.ones(1)).item() == 1
    compiled = isolation.guarded_network(torch.compile(nn.ReLU(), backend="eager"), isolation.user_code)
    assert compiled(-torch.ones(1)).item() == 0


def test_warnings_are_shown_or_not_as_before():
    before = list(warnings.filters)
    with isolation.user_code():
        warnings.simplefilter("error")
        warnings.filters = []
    assert warnings.filters == before
    with pytest.warns(UserWarning):
        warnings.warn("heard", UserWarning, stacklevel=1)
    assert Path.cwd()
