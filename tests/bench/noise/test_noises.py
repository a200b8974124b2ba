"""Noises by spec: groups, sweeps, chains, noises of others, and what is refused in one line."""

import json
import sys

import numpy as np
import pytest
from click.testing import CliRunner

import noise_zoo
from bench import runner
from bench.cli import main
from bench.core.errors import BadInput
from bench.engines.in_process import InProcess
from bench.noise import noises
from bench.runs.plan import make_plan
from bench.runs.store import Store

GRAIN = """
from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from noise_zoo.noise import Noise, as_image


@dataclass(frozen=True)
class Grain(Noise):
    axis: ClassVar[str] = "strength"
    levels: ClassVar[tuple] = (1, 2)
    title: ClassVar[str] = "Film grain"
    strength: float

    def __call__(self, clean, rng):
        clean = as_image(clean)
        return clean + 0.01 * self.strength * rng.standard_normal(clean.shape, dtype=np.float32), clean


class Plain(Noise):
    def __call__(self, clean, rng):
        return clean, clean


@dataclass
class Melting(Noise):
    strength: float = 1.0

    def __call__(self, clean, rng):
        return clean, clean


@dataclass(frozen=True)
class Silent(Noise):
    pass


@dataclass(frozen=True)
class Levelless(Noise):
    axis: ClassVar[str] = "strength"

    def __call__(self, clean, rng):
        return clean, clean


@dataclass(frozen=True)
class Raising(Noise):
    def __call__(self, clean, rng):
        return {}["sigma"]


@dataclass(frozen=True)
class Alone(Noise):
    def __call__(self, clean, rng):
        return clean


@dataclass(frozen=True)
class Cut(Noise):
    def __call__(self, clean, rng):
        return clean[1:], clean[1:]


@dataclass(frozen=True)
class Infinite(Noise):
    def __call__(self, clean, rng):
        return clean + np.inf, clean


@dataclass(frozen=True)
class Picky(Noise):
    strength: float

    def __post_init__(self):
        raise KeyError(self.strength)

    def __call__(self, clean, rng):
        return clean, clean


class Stranger:
    pass


number = 3
"""


@pytest.fixture
def grain(tmp_path):
    file = tmp_path / "grain.py"
    file.write_text(GRAIN)
    return file


@pytest.fixture
def package(installed_package):
    """Install a package with noises as entry points: name -> value."""
    return lambda points, source=GRAIN: installed_package("noise", "grains", "grains_noise", source, points)


def names_of(text):
    return list(dict.fromkeys(noises.noise_name(noise) for noise in noises.expand(text)))


PAPER = ["correlated", "gaussian", "isp", "mixture", "poisson", "salt_pepper", "speckle"]


def test_groups():
    assert names_of("paper") == names_of("all") == PAPER
    extras = ["banding", "colour_gaussian", "jpeg", "poisson_gaussian", "quantization", "random_mixture"]
    assert names_of("extras") == extras
    assert {*PAPER, *extras, "chain", "real", "monte_carlo"} == set(noise_zoo.names())
    assert len(noises.expand("paper")) == 3 + 4 + 4 + 4 + 6 + 4 + 1


@pytest.mark.slow
def test_all_has_the_noises_of_installed_packages(package):
    package({"grain": "grains_noise:Grain", "cut": "grains_noise:Cut"})
    assert names_of("all") == sorted([*PAPER, "cut", "grain"]) and names_of("paper") == PAPER
    assert [noises.canonical(noise) for noise in noises.expand("grain")] == ["grain(strength=1)", "grain(strength=2)"]
    listed = CliRunner().invoke(main, ["noise", "list"]).output
    assert "grain" in listed and "strength" in listed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("value", "source", "words"),
    [
        ("nowhere_noise:Grain", "", "ModuleNotFoundError: No module named 'nowhere_noise'"),
        ("grains_noise:Grain", "x = 1", "AttributeError: module 'grains_noise' has no attribute 'Grain'"),
        ("grains_noise:Grain", "raise RuntimeError('two\\nlines')", "RuntimeError: two"),
        ("grains_noise:Grain", "import sys; sys.exit(3)", "SystemExit: 3"),
    ],
)
def test_a_broken_package_is_one_line(value, source, words, package):
    package({"grain": value}, source)
    for text in ("grain", "all"):
        with pytest.raises(BadInput) as caught:
            noises.expand(text)
        assert all(part in str(caught.value) for part in ("'grain'", "grains", value, words))
    assert names_of("paper") == PAPER
    listed = CliRunner().invoke(main, ["noise", "list"])
    words = " ".join(listed.output.replace("│", " ").split())
    assert listed.exit_code == 0 and "failed" in words and "gaussian" in words


def test_a_spec_without_its_level_sweeps():
    swept = [noises.canonical(noise) for noise in noises.expand("speckle(distribution='gaussian')")]
    assert swept[0] == "speckle(var=0.02, distribution='gaussian')" and len(swept) == 4
    with pytest.raises(BadInput, match=r"speckle.* var.*speckle\(var=0.02, dis"):
        noises.load_noise("speckle(distribution='gaussian')")


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        (
            "chain( gaussian(10), poisson(alpha=1.0), salt_pepper(density=0.002) )",
            "chain(gaussian(sigma=10), poisson(alpha=1), salt_pepper(density=0.002))",
        ),
        ("chain(chain(gaussian(1), jpeg(5)), jpeg(6))", "chain(gaussian(sigma=1), jpeg(quality=5), jpeg(quality=6))"),
        ("chain(isp, speckle(0.02, 'gaussian'))", "chain(isp, speckle(var=0.02, distribution='gaussian'))"),
        ("random_mixture()", "random_mixture"),
        ("isp('full', truth='untouched')", "isp(truth='untouched')"),
    ],
)
def test_canonical_text(text, canonical):
    noise = noises.load_noise(text)
    assert noises.canonical(noise) == canonical
    assert noises.load_noise(canonical) == noise and noises.version(noise) == 1
    assert noises.level(noise) is None


def test_keys_of_shipped_noises_never_change():
    """The seed of a stream is made of this text; another text would be other noise."""
    keys = {
        "gaussian(sigma=25)": 17680925985189040736106804137118340696,
        "mixture(level=2)": 200386608414236146281935544912875950678,
        "speckle(var=0.02, distribution='gaussian')": 95505983330951653457318122167639843220,
        "isp": 305244313773667546150443649918911714283,
        "chain(gaussian(sigma=10), poisson(alpha=1))": 146582978344562698302483753878075195601,
    }
    for text, key in keys.items():
        noise = noises.load_noise(text)
        assert noises.stream_key("noise", "0" * 64, noises.canonical(noise), noises.version(noise), 3) == key


def test_chains_of_noises_of_others_are_other_noises_when_edited(grain):
    text = f"chain(gaussian(10), {grain}:Grain(2))"
    first = noises.load_noise(text)
    assert noises.canonical(first) == "chain(gaussian(sigma=10), grain.py:Grain(strength=2))"
    grain.write_text(GRAIN.replace("0.01", "0.02"))
    second = noises.load_noise(text)
    assert noises.canonical(second) == noises.canonical(first) and noises.version(second) != noises.version(first)


def test_a_file_is_executed_once_for_each_content(grain, capsys):
    grain.write_text(GRAIN + "\nprint('executed')\n")
    first = noises.load_noise(f"{grain}:Grain(1)")
    assert noises.load_noise(f"{grain}:Grain(1)") == first
    assert capsys.readouterr().out == "executed\n"


def test_files_of_one_name_are_told_apart(grain, tmp_path):
    other = tmp_path / "other" / "grain.py"
    other.parent.mkdir()
    other.write_text(GRAIN.replace("0.01", "0.05"))
    mine, theirs = (noises.load_noise(f"{file}:Grain(1)") for file in (grain, other))
    assert noises.canonical(mine) == noises.canonical(theirs) == "grain.py:Grain(strength=1)"
    assert noises.noise_name(mine) == "grain.py:Grain" and noises.version(mine) != noises.version(theirs)
    assert noises.mask_key("", mine, 0) != noises.mask_key("", theirs, 0)
    with pytest.raises(BadInput, match=r"grain.py:Grain\(strength=1\)"):
        noises.expand(f"{grain}:Grain(1), {other}:Grain(1)")
    other.write_text(GRAIN)  # the same text in two places is the same noise
    assert len(noises.expand(f"{grain}:Grain(1), {other}:Grain(1)")) == 1


@pytest.mark.slow
def test_rows_of_an_edited_noise_are_other_rows(grain, photos, networks, tmp_path):
    model, texts = f"{networks}:Blur", f"{grain}:Grain"

    def run():
        plan = make_plan(model, texts, None, (photos,), limit=1)
        with Store.create(tmp_path / "run") as store:
            work = runner.Execution(plan, store, InProcess(plan))
            new = sum(len(step.rows) for step in work.steps())
            return new, len(work.rows()), len(store.rows())

    assert run() == (3, 3, 3)  # Gaussian 15 and two levels
    assert run() == (0, 3, 3)
    grain.write_text(GRAIN.replace("0.01", "0.02"))
    assert run() == (2, 3, 5)
    result = CliRunner().invoke(main, ["report", str(tmp_path / "run"), "-o", str(tmp_path / "site")])
    assert result.exit_code == 0, result.output
    methods = (tmp_path / "site/methods.html").read_text()
    assert "grain.py:Grain(strength=1)" in methods
    assert "Film grain" in (tmp_path / "site/noise.html").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{}:Plain", "@dataclass(frozen=True)"),
        ("{}:Melting", "@dataclass(frozen=True)"),
        ("{}:Silent", "__call__(self, clean, rng)"),
        ("{}:Levelless", "'strength'"),
        ("{}:Stranger", "the class Stranger"),
        ("{}:number", "type int"),
        ("{}:Grein", "'Grein'. Did you mean 'Grain'?"),
        ("{}:", "after the colon"),
        ("{}:Picky(3)", "KeyError: 3"),
        ("{}:Grain(1, 2)", "got 2"),
        (":x", "got ':x'"),
        (".:x", "got '.:x'"),
        ("../x:y", "package.module:Name"),
        ("nowhere.py:X", "nowhere.py, which does not exist"),
        ("json:x:y", "package.module:Name"),
        ("this_is_nowhere:X", "this_is_nowhere:X: import failed: ModuleNotFoundError"),
        ("extra", "Did you mean 'extras'?"),
        ("gaussian(sigma=1e999)", "sigma: expected"),
        ("gaussian(sigma=1e30)", "sigma: expected"),
        ("gaussian(sigma=0x" + 9000 * "f" + ")", "integer of 36000 bits"),
        ("gaussian([[1]])", "sigma: expected"),
        ("gaussian(dict)", "got dict"),
        ("gaussian(gaussian(3))", "sigma: expected"),
        ("speckle(0.02, {1: [2]})", "distribution: expected"),
        ("chain", "got 0"),
        ("chain(gaussian(1), poisson)", "alpha"),
        ("chain(gaussian(1), isp)", "first"),
        ("chain(gaussian(1), 'poisson(2)')", "poisson(2)"),
        ("chain(parts=gaussian(1))", "unknown parameter of chain 'parts'"),
        (1000 * "chain(" + "gaussian(1)" + 1000 * ")", "got 1001"),
    ],
    ids=lambda text: str(text)[:30],
)
def test_bad_noises_are_one_line_and_code_2(text, words, grain, tmp_path):
    result = CliRunner().invoke(main, ["noise", "show", text.replace("{}", str(grain))])
    assert result.exit_code == 2, result.output
    (line,) = result.output.splitlines()[-1:]
    assert line.startswith("Error: ") and words in line and len(line) < 400, result.output
    assert "Traceback" not in result.output


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Raising", "noise grain.py:Raising failed: KeyError: 'sigma'"),
        ("Alone", "noise grain.py:Alone failed: too many values to unpack (expected 2)"),
        ("Cut", "noise grain.py:Cut: expected two images (40, 48, 3), got (39, 48, 3) and (39, 48, 3)"),
        ("Infinite", "noise grain.py:Infinite: expected finite values, got NaN or infinity"),
    ],
)
def test_what_a_noise_does_wrong_is_told(name, words, grain, photos, networks, tmp_path):
    spec = f"{grain}:{name}"
    run = ["run", "--models", f"{networks}:Blur", "--noise", spec, "--data", photos, "--out", tmp_path / "run"]
    result = CliRunner().invoke(main, [str(word) for word in run])
    assert result.exit_code == 3, result.output
    exported = CliRunner().invoke(main, ["export", str(tmp_path / "run"), "--format", "json"]).output
    failed = [row for row in json.loads(exported) if row["status"] == "failed"]
    assert {row["reason"] for row in failed} == {words} and len(failed) == 4
    shown = CliRunner().invoke(main, ["noise", "show", spec, str(photos / "a.png"), "-o", str(tmp_path / "sheet.png")])
    assert shown.exit_code == 2 and shown.output.splitlines()[-1] == f"Error: {words}"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (
            "import nothing_like_this",
            "ModuleNotFoundError: No module named 'nothing_like_this' (neither installed nor in {folder})",
        ),
        ("x = ", "SyntaxError: invalid syntax (broken.py, line 1)"),
        ("raise SystemExit", "SystemExit"),
        ("raise KeyError('a')", "KeyError: 'a'"),
        ("\0", "source code string cannot contain null bytes"),
    ],
)
def test_files_that_cannot_be_imported(source, words, tmp_path):
    file = tmp_path / "broken.py"
    file.write_text(source)
    with pytest.raises(BadInput) as caught:
        noises.load_noise(f"{file}:X")
    message = str(caught.value)
    assert message.startswith(f"{file}: ") and words.format(folder=tmp_path) in message
    assert not [name for name, module in sys.modules.items() if getattr(module, "__file__", "") == str(file)]


def test_a_noise_of_a_file_is_a_noise(grain):
    noise = noises.load_noise(f"{grain}:Grain(strength=2)")
    clean = np.full((8, 9, 3), 0.5, np.float32)
    noisy, target = noises.apply(noise, clean, noises.generator(noises.pixel_hash(clean), noise, 0))
    assert noisy.dtype == np.float32 and np.array_equal(target, clean) and 0 < (noisy - clean).std() < 0.03
    assert noises.level(noise) == 2


def test_an_edit_of_what_a_noise_imports_beside_it_is_another_version(tmp_path):
    (tmp_path / "grain.py").write_text(
        "from dataclasses import dataclass\nfrom noise_zoo.noise import Noise\nfrom grain_strength import strength\n"
        "@dataclass(frozen=True)\nclass Grain(Noise):\n    def __call__(self, clean, rng):\n"
        "        return clean + strength, clean\n"
    )
    found = []
    for strength in (0.1, 0.2, 0.1):
        (tmp_path / "grain_strength.py").write_text(f"strength = {strength}\n")
        noise = noises.load_noise(f"{tmp_path}/grain.py:Grain")
        found.append((noises.version(noise), noise(np.zeros(1), None)[0].item()))
    assert found[0] == found[2] and found[0][0] != found[1][0] and found[1][1] == 0.2
