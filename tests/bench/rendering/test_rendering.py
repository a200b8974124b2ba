"""Pairs rendered with Mitsuba 3: passes that can be taken up again, and what is measured of the references."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from bench.cli import main
from bench.core.errors import BadInput
from bench.datasets import load_dataset
from bench.rendering import render, scenes
from noise_zoo.monte_carlo import MonteCarlo

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def variant():
    return render.choose_variant("scalar_rgb")


def settings(variant, **changed):
    chosen = {"scenes": ("box",), "spp": (1, 2), "reference": 8, "side": 12, "seed": 0, "variant": variant, **changed}
    return render.Settings(**chosen)


def test_what_goes_on_equals_what_was_not_interrupted(tmp_path, variant, monkeypatch):
    monkeypatch.setattr(render, "MAX_PASS_SAMPLES", 2 * 12**2)
    chosen = settings(variant)
    assert chosen.passes == 1 + 1 + 2 + 2
    steps = render.render_pairs(chosen, tmp_path / "broken")
    first = [next(steps) for _ in range(4)]
    steps.close()
    assert not (tmp_path / "broken/reference").exists()
    again = list(render.render_pairs(chosen, tmp_path / "broken"))
    assert [step.before for step in first] == [False] * 4 and [step.before for step in again] == [True] * 4 + [
        False
    ] * 2
    assert len(list(render.render_pairs(chosen, tmp_path / "whole"))) == 6
    files = sorted(path.relative_to(tmp_path / "whole") for path in (tmp_path / "whole").rglob("*.*"))
    assert [str(file) for file in files] == ["card.json", "reference/box.exr", "spp1/box.exr", "spp2/box.exr"]
    for file in files:
        assert (tmp_path / "broken" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()
    data = load_dataset(tmp_path / "whole")
    assert data.recorded == (MonteCarlo(1), MonteCarlo(2)) and data.images[0].read().shape == (12, 12, 3)
    assert 0.2 < data.images[0].read().mean() < 0.8


def test_another_seed_is_other_noise(tmp_path, variant):
    for seed in (0, 1):
        list(render.render_pairs(settings(variant, seed=seed, reference=2), tmp_path / str(seed)))
    first, second = (load_dataset(tmp_path / str(seed)).images[0].read_noisy(MonteCarlo(1)) for seed in (0, 1))
    assert not np.array_equal(first, second)


def test_other_settings_in_one_folder_are_refused(tmp_path, variant):
    steps = render.render_pairs(settings(variant), tmp_path / "one")
    next(steps)
    steps.close()
    with pytest.raises(BadInput, match="settings.*one"):
        next(render.render_pairs(settings(variant, seed=1), tmp_path / "one"))
    (tmp_path / "other").mkdir()
    (tmp_path / "other/file").touch()
    with pytest.raises(BadInput, match="other, which exists"):
        next(render.render_pairs(settings(variant), tmp_path / "other"))


def test_the_noise_of_a_reference_is_what_its_halves_say():
    random = np.random.default_rng(0)
    truth = np.full((100, 100, 3), 0.2)
    halves = [truth + 0.02 * random.standard_normal(truth.shape) for _ in range(2)]
    reference = sum(halves) / 2
    measured = render._measure({"reference": reference, "spp64": halves[0]}, halves)
    shown = [render.tone.map_tones(image.astype(np.float32)).astype(float) for image in (reference, truth)]
    against_the_truth = -10 * np.log10(np.mean((shown[0] - shown[1]) ** 2))
    assert measured["psnr_of_the_reference"] == pytest.approx(against_the_truth, abs=0.15)


def test_all_scenes_are_what_mitsuba_takes(variant):
    import mitsuba

    assert len(scenes.SCENES) >= 4
    for name in scenes.SCENES:
        pixels = np.array(mitsuba.render(mitsuba.load_dict(scenes.description(name, 8)), spp=4, seed=1))
        assert pixels.shape == (8, 8, 3) and np.isfinite(pixels).all() and pixels.mean() > 0.05


def test_the_command(tmp_path):
    words = ["data", "render-mc", str(tmp_path / "out"), "--scenes", "glass", "--spp", "1", "--reference", "2",
             "--side", "8", "--variant", "scalar_rgb", "--format", "png"]  # fmt: skip
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    card = json.loads((tmp_path / "out/card.json").read_text())
    assert card["variant"] == "scalar_rgb" and set(card["scenes_measured"]) == {"glass"}
    assert [image.name for image in load_dataset(tmp_path / "out").images] == ["glass.png"]
    for wrong, told in (
        (["--scenes", "bx"], "Did you mean 'box'?"),
        (["--variant", "no_rgb"], "no_rgb"),
    ):
        result = CliRunner().invoke(main, ["data", "render-mc", str(tmp_path / "new"), *wrong])
        assert result.exit_code == 2 and told in result.output
