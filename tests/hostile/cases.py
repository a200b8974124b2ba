"""The hostile inputs, by kind: what lies in the folder, and the command that meets it."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

# on two photographs of 32 x 32 pixels
RUN = ("run", "--noise", "gaussian(sigma=25)", "--data", "photos", "--metrics", "psnr", "--out", "new")
HEAD = "import torch\n"
NETWORK = HEAD + "class Net(torch.nn.Module):\n    def forward(self, x):\n        {}\n"


def nothing(folder: Path) -> None:
    """Leave the sandbox as it is."""


@dataclass(frozen=True)
class Case:
    """A command in a sandbox, which has photos/, run/ (a finished run), site/ (its pages) and mine/ (a user's files).

    make      changes the sandbox before the command
    prints    text that must be in the output, '' for any
    codes     exit codes that are right
    process   needs a process of its own, because it may hang or end the process
    """

    kind: str
    name: str
    command: tuple[str, ...]
    make: Callable[[Path], object] = nothing
    prints: str = ""
    codes: tuple[int, ...] = (2,)
    process: bool = False


def file(name: str, content: str | bytes) -> Callable[[Path], object]:
    """Write a file of the sandbox."""

    def make(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    return make


# user-defined code

RAISES = {
    "Exception": "raise ValueError('reason')",
    "BaseException": "raise BaseException('reason')",
    "SystemExit": "raise SystemExit(5)",
    "GeneratorExit": "raise GeneratorExit('reason')",
    "failing str": "raise type('E', (Exception,), {'__str__': lambda self: 1 / 0})()",
    "str of a number": "raise type('E', (Exception,), {'__str__': lambda self: 5})()",
    "surrogates": r"raise ValueError('\udcff\ud800')",
    "escapes": r"raise ValueError('\x1b[2J\x1b]0;title\x07')",
    "a long message": "raise ValueError('x' * 100000)",
    "lines": r"raise ValueError('a\nb\nc')",
    "KeyError": "raise KeyError('reason')",
    "recursion": "again = lambda: again(); again()",
    "MemoryError": "raise MemoryError",
}
OUTPUTS = {
    "sparse": "x.to_sparse()",
    "meta": "x.to('meta')",
    "complex": "x + 1j",
    "text": "'text'",
    "None": "None",
    "a list": "[x]",
    "a dictionary": "{'out': x}",
    "NaN": "x * float('nan')",
    "infinite": "x / 0",
    "one channel": "x[:, :1]",
    "smaller": "x[..., 1:]",
    "integers": "(255 * x).byte()",
    "booleans": "x > 0.5",
    "of 0 to 255": "255 * x",
    "random": "torch.rand_like(x)",
    "quantized": "torch.quantize_per_tensor(x, 0.1, 0, torch.quint8)",
    "nested": "torch.nested.nested_tensor([x[0]])",
}
NOT_SEEN_LATE = ("of 0 to 255", "random")  # after the trial, an unusual output is only a low score
STATE = {  # what a network may change; rows of others must not change (tests/bench/core/test_isolation.py)
    "closes standard output": "import os; os.close(1)",
    "replaces standard output": "import sys; sys.stdout = None",
    "leaves its folder": "import os; os.chdir('/')",
    "clears the environment": "import os; os.environ.clear()",
    "clears the modules": "import sys; sys.path.clear()",
    "default dtype": "torch.set_default_dtype(torch.float64)",
    "default device": "torch.set_default_device('meta')",
    "stops gradients": "torch.set_grad_enabled(False)",
    "threads": "torch.set_num_threads(7)",
    "replaces open": "import builtins; builtins.open = None",
}


LATE = "self.calls = getattr(self, 'calls', 0) + 1\n        if self.calls > 3:\n            {}\n        return x"
CONSTRUCTION = """import torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        {}
    def forward(self, x):
        return x
"""
METRIC = """import torch
from bench.metrics import Metric
def measure(output):
    {}
METRIC = Metric('mine', lambda clean: measure, title='M', higher_is_better=True, meaning='', definition='', source='')
"""
NOISE = """from dataclasses import dataclass
from typing import ClassVar
from noise_zoo.noise import Noise
@dataclass(frozen=True)
class Mine(Noise):
    'A noise.'
    version: ClassVar[int] = 1
    def __call__(self, clean, rng):
        {}
"""


def network(kind: str, name: str, text: str, codes: tuple[int, ...] = (2, 3), process: bool = False) -> Case:
    """A case with a network in a file, beside a method without training."""
    return Case(kind, name, (*RUN, "--models", "net.py:Net, tv"), file("net.py", text), "", codes, process)


def metric(name: str, text: str) -> Case:
    """A case with a metric in a file."""
    command = (*RUN, "--models", "tv", "--metrics", "psnr, metric.py:METRIC")
    return Case("metrics", name, command, file("metric.py", text), "", (0, 2, 3))


def user_code() -> Iterator[Case]:
    """Networks, noises and metrics in files of the user's."""
    for name, statement in RAISES.items():
        yield network("networks", f"{name} in import", f"{HEAD}{statement}\n")
        yield network("networks", f"{name} in construction", CONSTRUCTION.replace("{}", statement))
        yield network("networks", f"{name} in forward", NETWORK.replace("{}", statement))
        yield network("networks", f"{name} in a late forward", NETWORK.replace("{}", LATE.replace("{}", statement)))
        yield metric(f"{name} in a metric", METRIC.replace("{}", statement))
        noise = (*RUN, "--models", "tv", "--noise", "noise.py:Mine")
        yield Case("noises", name, noise, file("noise.py", NOISE.replace("{}", statement)), "", (2, 3))
    for name, value in OUTPUTS.items():
        yield network("outputs", name, NETWORK.replace("{}", f"return {value}"))
        codes = (0, 3) if name in NOT_SEEN_LATE else (3,)
        yield network("outputs", f"{name}, late", NETWORK.replace("{}", LATE.replace("{}", f"return {value}")), codes)
    for name, statement in STATE.items():
        in_forward = NETWORK.replace("{}", f"{statement}\n        return x * 0.5")
        in_import = NETWORK.replace("{}", "return x * 0.5").replace(HEAD, f"{HEAD}{statement}\n", 1)
        yield network("state", f"{name} in forward", in_forward, (0, 2, 3), process=True)
        yield network("state", f"{name} in import", in_import, (0, 2, 3), process=True)
    for name, text in METRICS.items():
        yield metric(name, f"import torch\nfrom bench.metrics import Metric\n{text}\n")


ABOUT = "title='M', higher_is_better=True, meaning='m', definition='d', source='s'"
METRICS = {
    "returns text": f"METRIC = Metric('mine', lambda clean: lambda output: 'text', {ABOUT})",
    "returns None": f"METRIC = Metric('mine', lambda clean: lambda output: None, {ABOUT})",
    "returns a complex number": f"METRIC = Metric('mine', lambda clean: lambda output: 1j, {ABOUT})",
    "returns a matrix": f"METRIC = Metric('mine', lambda clean: lambda output: torch.ones(2, 2), {ABOUT})",
    "returns NaN": f"METRIC = Metric('mine', lambda clean: lambda output: float('nan'), {ABOUT})",
    "returns an integer of 5,000 digits": f"METRIC = Metric('mine', lambda clean: lambda output: 10 ** 5000, {ABOUT})",
    "is not callable": f"METRIC = Metric('mine', 5, {ABOUT})",
    "takes no argument": f"METRIC = Metric('mine', lambda: None, {ABOUT})",
    "gives no function": f"METRIC = Metric('mine', lambda clean: 5, {ABOUT})",
    "is a number": "METRIC = 5",
    **{
        f"is named {name}": f"METRIC = Metric({name!r}, lambda clean: lambda output: 1.0, {ABOUT})"
        for name in (
            "Model",
            "gap",
            "drop",
            "select",
            "key",
            "model",
            "rowid",
            "noise",
            "psnr",
            "a b",
            "",
            "x;y",
            "\"'",
        )
    },
}

# files that the project wrote, damaged


def edited(name: str, change: Callable[[object], object]) -> Callable[[Path], object]:
    """Change the content of a JSON file."""

    def make(folder: Path) -> None:
        content = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(change(content)))

    return make


def without(*path: str | int) -> Callable[[object], object]:
    """A change of a JSON content: without the entry at a path of keys."""

    def change(content: object) -> object:
        at = content
        for key in path[:-1]:
            at = at[key]
        del at[path[-1]]
        return content

    return change


def with_value(value: object, *path: str | int) -> Callable[[object], object]:
    """A change of a JSON content: another value at a path of keys."""

    def change(content: object) -> object:
        at = content
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = value
        return content

    return change


def sql(*statements: str) -> Callable[[Path], object]:
    """Change the rows of the finished run."""

    def make(folder: Path) -> None:
        connection = sqlite3.connect(folder / "run" / "rows.sqlite")
        with connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()

    return make


READERS = {
    "status": ("status", "run"),
    "compare": ("compare", "run", "--models", "tv", "--against", "net.py:Net"),
    "export": ("export", "run"),
    "latex": ("export", "run", "--format", "latex"),
    "report": ("report", "run", "-o", "pages"),
    "resume": (*RUN[:-1], "run", "--models", "tv"),
    "label": ("runs", "label", "run", "tv=Mine"),
    "figure": ("figure", "run", "--noise", "gaussian(sigma=25)", "-o", "figure.png"),
}
MANIFEST_KEYS = ("command", "models", "noises", "datasets", "protocol", "metrics", "seeds", "reference", "at", "event")
WRONG = {"null": None, "a number": 5, "text": "text", "a list": [5], "a mapping": {"a": 5}}


def damaged_files() -> Iterator[Case]:
    """Manifests, stores, listings, summaries, cards and figures that are cut off or mistyped."""
    codes = (0, 1, 2, 3)
    for reader, command in READERS.items():
        for name, text in {
            "empty": "",
            "cut off": '[{"command": ',
            "no list": "5",
            "of numbers": "[5]",
            "null": "null",
        }.items():
            yield Case("manifest", f"{name}, {reader}", command, file("run/manifest.json", text), "", codes)
        for key in MANIFEST_KEYS:
            for what, value in WRONG.items():

                def change(entries: list, key: str = key, value: object = value) -> list:
                    for entry in entries:
                        if key in entry:
                            entry[key] = value
                    return entries

                if reader in ("status", "report", "export"):
                    yield Case(
                        "manifest",
                        f"{key} is {what}, {reader}",
                        command,
                        edited("run/manifest.json", change),
                        "",
                        codes,
                    )

            def remove(entries: list, key: str = key) -> list:
                return [{name: value for name, value in entry.items() if name != key} for entry in entries]

            yield Case("manifest", f"without {key}, {reader}", command, edited("run/manifest.json", remove), "", codes)
        yield Case("store", f"NULL scores, {reader}", command, sql("UPDATE rows SET psnr = NULL"), "", codes)
        yield Case("store", f"text as scores, {reader}", command, sql("UPDATE rows SET psnr = 'text'"), "", codes)
        yield Case("store", f"infinite scores, {reader}", command, sql("UPDATE rows SET psnr = 9e999"), "", codes)
        yield Case("store", f"no model, {reader}", command, sql("UPDATE rows SET model = NULL"), "", codes)
        yield Case("store", f"unknown status, {reader}", command, sql("UPDATE rows SET status = 'odd'"), "", codes)
        yield Case(
            "store", f"no JSON, {reader}", command, sql("UPDATE rows SET no_value = '{', scored = '5'"), "", codes
        )
        yield Case(
            "store",
            f"noise that does not exist, {reader}",
            command,
            sql("UPDATE rows SET noise = 'nope(x='"),
            "",
            codes,
        )
        yield Case(
            "store",
            f"cut off, {reader}",
            command,
            lambda folder: os.truncate(folder / "run" / "rows.sqlite", 5000),
            "",
            codes,
        )
        yield Case("store", f"no database, {reader}", command, file("run/rows.sqlite", b"\x00" * 9000), "", codes)
        yield Case("store", f"empty, {reader}", command, file("run/rows.sqlite", b""), "", codes)
    for reader, command in {
        "zip": ("publish", "site", "--zip", "site.zip"),
        "index": ("site", "index", "site", "-o", "pages"),
        "report": ("report", "run", "-o", "site"),
    }.items():
        for name, text in {"empty": "", "a list": "[]", "null": "null", "numbers": '{"files": [5, null]}'}.items():
            yield Case("site", f"site.json {name}, {reader}", command, file("site/site.json", text), "", (0, 2))
        for outside in ("../mine/index.html", "/etc/passwd", "..\\mine", "C:/x", ""):
            change = with_value([outside], "files")
            yield Case(
                "site", f"site.json lists {outside!r}, {reader}", command, edited("site/site.json", change), "", (0, 2)
            )
        for name, text in {"empty": "", "a list": "[]", "null": "null", "no scores": "{}"}.items():
            yield Case("site", f"study.json {name}, {reader}", command, file("site/study.json", text), "", (0, 2))
        for key in ("scores", "noises", "created", "run", "version", "reference", "title"):
            for what, value in WRONG.items():
                make = edited("site/study.json", with_value(value, key))
                yield Case("site", f"study.json: {key} is {what}, {reader}", command, make, "", (0, 2))
    for name, text in {"empty": "", "null": "null", "a number": "5", "no name": "{}", "deep": "[" * 100000}.items():
        yield Case(
            "findings", name, ("report", "run", "-o", "pages"), file("run/figures/cka/cka.json", text), "", (0, 2)
        )
        yield Case(
            "card",
            name,
            ("models", "info", "dncnn(weights='mine/w.safetensors')"),
            file("mine/w.json", text),
            "",
            (0, 2),
        )
        yield Case("locations", name, ("data", "list"), file("home/data.json", text), "", (0, 2))


# text and numbers

INTEGERS = ("²", "①", "1" * 5000, "٣", "1e3", "0x10", "-1", "", " ", "1.5", "nan", "inf", "9" * 30, "１")
FLOATS = ("nan", "inf", "-inf", "1e400", "", "x", "²", "-1", "0")
NAMES = ("x" * 300, "x" * 5000, "\x1b[2J", "a\nb", "'", '"', "=1+1", "../..", "/", "con", "é" * 200, "a\u202eb",
         "(", ")", "a=b", ",", "gaussian(", "gaussian(sigma=)", "gaussian(sigma=25", "gaussian(sigma=25))", "tv(",
         "[1,2]", "$HOME", "`id`", "%s%n", "{0}", "\udcff")  # fmt: skip


STUDIES = {
    "a number as out": "out = 3",
    "CRLF": 'models = "tv"\r\nnoise = 5\r\n',
    "deep": f"a = {'[' * 3000}",
    "no TOML": "a b c",
    "unknown option": "nope = 1",
    "not UTF-8": b"models = '\xff'",
    "nested": "[models]\nx = 1",
    "empty": "",
}
LEVELS = (
    "gaussian(sigma={})",
    "poisson(alpha={})",
    "speckle(var={})",
    "salt_pepper(density={})",
    "mixture(level={})",
    "correlated(sigma={})",
)
NAMED = ("status", "report", "export", "compare", "publish", "data check", "models info", "noise show")
REMOVED = ("../../mine", "../mine", "..", ".", "mine", "./mine", "photos", "run", "*", "", "x" * 300, "a\nb", "\x1b[2J")
SPECS = ("--models", "--noise", "--datasets", "--metrics", "--protocol", "--reference", "--device", "--dask")


def plan(kind: str, name: str, *options: str) -> Case:
    """A case that only plans a run, of one method unless the options name models."""
    models = () if "--models" in options else ("--models", "tv")
    return Case(kind, name, (*RUN, *models, *options, "--dry-run"), nothing, "", (0, 2))


def texts() -> Iterator[Case]:
    """Options whose text is no number, name or file."""
    for text in INTEGERS:
        shown = ascii(text[:9])
        for option in ("--limit", "--seeds", "--workers", "--pictures", "--tile"):
            yield plan("integers", f"{option} {shown}", option, text)
        yield plan("integers", f"a parameter {shown}", "--models", f"dncnn(nb={text}, weights=None)")
        yield plan("integers", f"a crop {shown}", "--datasets", f"builtin(crop={text})")
    for text in FLOATS:
        yield plan("numbers", f"--timeout {text!a}", "--timeout", text)
        for level in LEVELS:
            yield plan("numbers", level.format(ascii(text)), "--noise", level.format(text))
    for text in NAMES:
        shown = ascii(text[:12])
        for option in SPECS:
            yield plan("names", f"{option} {shown}", option, text)
        for command in NAMED:
            yield Case("names", f"{command} {shown}", (*command.split(), text), nothing, "", (0, 2))
    for text in REMOVED:  # never a path outside of the sandbox: a defect would delete it
        for command in ("data remove", "models remove"):
            yield Case("removals", f"{command} {text[:12]!a}", (*command.split(), text), nothing, "", (2,))
    for name, content in STUDIES.items():
        yield Case("studies", name, ("run", "study.toml", "--dry-run"), file("study.toml", content), "", (0, 2))


# files and folders


def link_loop(folder: Path) -> None:
    """A folder that contains itself."""
    (folder / "photos" / "loop").symlink_to(folder / "photos")


def odd_name(folder: Path) -> None:
    """A file name that is not UTF-8."""
    (folder / "photos" / "a.png").rename(os.fsdecode(os.fsencode(folder / "photos") + b"/\xff.png"))


def pipe(name: str) -> Callable[[Path], object]:
    """A named pipe that nobody writes to."""

    def make(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)

    return make


POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(escaped) print\n"
FILES = {
    "empty": b"",
    "text": b"text",
    "EPS as PNG": POSTSCRIPT,
    "cut off": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00",
    "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "huge header": b"P6 99999999 99999999 255\n",
}


def folders() -> Iterator[Case]:
    """Images, weights and outputs that are something else."""
    for name, content in FILES.items():
        yield Case("images", name, (*RUN, "--models", "tv"), file("photos/bad.png", content), "", (0, 2, 3))
        for weights in ("w.pth", "w.safetensors", "w.mat", "w.npz", "w.ckpt"):
            command = (*RUN, "--models", f"dncnn(weights='{weights}')")
            yield Case("weights", f"{name}, {weights}", command, file(weights, content), "", (2,))
    for name in ("photos/pipe.png", "w.pth", "w.json"):
        command = (*RUN, "--models", "dncnn(weights='w.pth')" if name == "w.pth" else "tv")
        yield Case("pipes", name, command, pipe(name), "", (0, 2, 3), process=True)
    yield Case("pipes", "a study", ("run", "study.toml"), pipe("study.toml"), "", (2,), process=True)
    yield Case("pipes", "a network", (*RUN, "--models", "net.py:Net"), pipe("net.py"), "", (2,), process=True)
    yield Case("pipes", "a manifest", ("status", "run"), pipe("run/manifest.json"), "", (2,), process=True)
    yield Case("pipes", "a store", ("status", "run"), pipe("run/rows.sqlite"), "", (2,), process=True)
    yield Case("folders", "a loop of links", (*RUN, "--models", "tv"), link_loop, "", (0, 2, 3))
    yield Case("folders", "no folder", (*RUN[:-1], "mine/index.html/new", "--models", "tv"), nothing, "", (2,))
    yield Case("folders", "a file as --out", (*RUN[:-1], "mine/index.html", "--models", "tv"), nothing, "", (2,))
    command = (*RUN, "--models", "tv")
    yield Case("folders", "a file name that is not UTF-8", command, odd_name, "", (0, 2, 3))
    for output in ("mine/index.html", "mine", "/dev/full", "run/rows.sqlite", "site"):
        for reader in ("export", "latex", "figure") if output != "mine/index.html" else ():  # named by the user
            command = (*READERS[reader], "-o", output) if reader != "figure" else (*READERS[reader][:-1], output)
            yield Case("targets", f"{reader} to {output!r}", command, nothing, "", (0, 2))
        yield Case("targets", f"report to {output!r}", ("report", "run", "-o", output), nothing, "", (0, 2))
        yield Case("targets", f"index to {output!r}", ("site", "index", "run", "-o", output), nothing, "", (0, 2))
        yield Case("targets", f"zip to {output!r}", ("publish", "site", "--zip", output), nothing, "", (0, 2))
        yield Case("targets", f"run to {output!r}", (*RUN[:-1], output, "--models", "tv"), nothing, "", (0, 2))
    for size in (
        "dncnn(nb=1000000000, weights=None)",
        "ours(embed_dim=1000000000, weights=None)",
        "restormer(dim=1000000, weights=None)",
        "rnan(n_feats=1000000000, weights=None)",
    ):
        yield Case("sizes", size, ("models", "info", size), nothing, "", (2,), process=True)
    yield Case("sizes", "layers", ("models", "layers", "dncnn", "--side", "1000000"), nothing, "", (2,), process=True)
    yield Case("sizes", "noise", ("noise", "show", "gaussian(sigma=25)", "mine/none.png"), nothing, "", (2,))


def all_cases() -> list[Case]:
    """Every case, in the order of its kind."""
    return [*user_code(), *damaged_files(), *texts(), *folders()]
