"""`bench models verify`: a card's scores against its weights."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import bench.training.train as bench_train
from bench import cli
from bench.core.errors import BadInput
from bench.training import training_images, verification

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """(data, weights) of a small training with held-out images that are large enough."""
    root = tmp_path_factory.mktemp("verify")
    (root / "photos").mkdir()
    rng = np.random.default_rng(0)
    for number in range(21):
        side = 128 if number == 0 else 24
        coarse = rng.integers(0, 256, (side // 8, side // 8, 3), dtype=np.uint8)
        Image.fromarray(coarse.repeat(8, 0).repeat(8, 1)).save(root / "photos" / f"{number:02}.png")
    settings = {"nc": "4", "nb": "3", "batch": "1", "crop": "8"}
    return root / "photos", bench_train.train_model(
        "dncnn", str(root / "photos"), root, settings=settings, iterations=2
    )


def run(*words):
    return CliRunner().invoke(cli.main, ["models", "verify", *map(str, words)])


def test_a_card_that_is_right(trained):
    data, file = trained
    result = run(file, "--data", data)
    assert result.exit_code == 0 and "the card says" not in result.output
    said = json.loads(file.with_suffix(".json").read_text())["psnr_held_out"]
    assert f"poisson(alpha=3) {said['poisson(alpha=3)']:.3f}" in result.output


def test_a_card_that_is_wrong_is_mended_where_that_is_asked_for(trained):
    data, file = trained
    card = json.loads(file.with_suffix(".json").read_text())
    right = card["psnr_held_out"]["gaussian(sigma=50)"]
    card["psnr_held_out"]["gaussian(sigma=50)"] = round(right + 0.002, 3)
    file.with_suffix(".json").write_text(json.dumps(card))
    result = run(file, "--data", data)
    assert result.exit_code == 3
    assert f"gaussian(sigma=50): card {right + 0.002:.3f}, measured {right:.3f}" in result.output
    assert run(file, "--data", data, "--write").exit_code == 0
    mended = json.loads(file.with_suffix(".json").read_text())
    assert mended["psnr_held_out"]["gaussian(sigma=50)"] == right
    assert {**card, "psnr_held_out": 0} == {**mended, "psnr_held_out": 0}
    assert run(file, "--data", data).exit_code == 0


def test_what_the_card_alone_has_is_a_difference(trained, tmp_path):
    data, file = trained
    copy, card = tmp_path / file.name, json.loads(file.with_suffix(".json").read_text())
    copy.write_bytes(file.read_bytes())
    card["psnr_held_out"] |= {"gaussian(sigma=99)": 12.345}
    copy.with_suffix(".json").write_text(json.dumps(card))
    result = run(copy, "--data", data)
    assert result.exit_code == 3 and "gaussian(sigma=99): card 12.345, measured nan" in result.output


def test_damaged_weights_are_one_line(trained, tmp_path):
    data, file = trained
    copy = tmp_path / file.name
    copy.with_suffix(".json").write_text(file.with_suffix(".json").read_text())
    copy.write_bytes(file.read_bytes()[:-100])
    result = run(copy, "--data", data)
    assert (result.exit_code, result.output.count("\n")) == (2, 1) and "cannot be loaded" in result.output


def test_without_held_out_images_nothing_is_verified(trained, tmp_path):
    _, file = trained
    (tmp_path / "few").mkdir()
    Image.fromarray(np.zeros((24, 24, 3), np.uint8)).save(tmp_path / "few" / "1.png")
    settings = {"nc": "4", "nb": "3", "batch": "1", "crop": "8"}
    file = bench_train.train_model("dncnn", str(tmp_path / "few"), tmp_path, settings=settings, iterations=1)
    result = run(file, "--data", tmp_path / "few")
    assert result.exit_code == 2 and "at least 128 pixels" in result.output


def test_other_images_and_other_files_are_refused(trained, tmp_path):
    data, file = trained
    images = training_images.load(str(data))
    with pytest.raises(BadInput, match="ours-small: .*BSDS400.*photos.*--data"):
        verification.verify("ours-small", images)
    with pytest.raises(BadInput, match="'our-small'.*'ours-small'"):
        verification.verify("our-small", images)
    bare = tmp_path / "bare.safetensors"
    bare.write_bytes(file.read_bytes())
    with pytest.raises(BadInput, match="card"):
        verification.verify(str(bare), images)


def test_the_shipped_weights_that_can_be_verified():
    names = verification.verifiable()
    assert "ours-small" in names and "baseline-small" in names
