"""Patches are the pixels of a run, cut evenly, in an order that repeats."""

import weakref

import numpy as np
import pytest
import torch
from PIL import Image

from bench.analyses.core import patches as module
from bench.analyses.core.patches import batches, cut, shares, spread, windows_of
from bench.core.errors import BadInput
from bench.datasets import load_dataset, read_file
from bench.noise import noises
from bench.protocols import load_protocol
from bench.runner import execute
from bench.runs.plan import make_plan
from bench.runs.store import Store

NOISE = noises.load_noise("mixture(level=2)")
STORED = load_protocol("stored")


@pytest.fixture
def pictures(photos):
    return load_dataset(photos)  # four of 40x48


def test_patches_are_spread_evenly_and_do_not_overlap_while_there_is_room(pictures):
    found = cut([pictures], 12, 16)
    assert not found.overlapping and len(set(found.patches)) == 12
    assert [sum(patch.image == image for patch in found.patches) for image in range(4)] == [3] * 4
    for image in range(4):
        covered = np.zeros((40, 48), dtype=int)
        for patch in found.patches:
            if patch.image == image:
                assert covered[patch.top : patch.top + 16, patch.left : patch.left + 16].shape == (16, 16)
                covered[patch.top : patch.top + 16, patch.left : patch.left + 16] += 1
        assert covered.max() == 1
    assert found.text == "12 patches of 16x16 from 4 images of photos"


def test_patches_overlap_where_a_set_is_small_and_say_so(pictures):
    found = cut([pictures], 100, 16)
    assert found.overlapping and len(set(found.patches)) == 100
    assert found.text == "100 patches of 16x16 from 4 images of photos, overlapping"
    tops = [patch.top for patch in found.patches if patch.image == 0]
    assert (min(tops), max(tops)) == (0, 24)


def test_no_more_patches_than_there_are_places(tmp_path):
    Image.new("RGB", (16, 17)).save(tmp_path / "a.png")
    assert len(cut([load_dataset(tmp_path)], 50, 16).patches) == 2
    with pytest.raises(BadInput, match="at most 16"):
        cut([load_dataset(tmp_path)], 1, 20)


def test_too_few_patches_are_explained_by_the_images_or_the_option(tmp_path):
    Image.new("RGB", (16, 17)).save(tmp_path / "a.png")
    few = cut([load_dataset(tmp_path)], 50, 16)
    assert few.text.startswith("2 patches") and "50" in few.text
    few.require(2, "CKA")
    with pytest.raises(BadInput, match="--side"):
        few.require(4, "CKA")
    with pytest.raises(BadInput, match="--patches"):
        cut([load_dataset(tmp_path)], 2, 8).require(4, "CKA")


def test_the_order_is_mixed_and_repeats(pictures):
    one, again, other = cut([pictures], 12, 16), cut([pictures], 12, 16), cut([pictures], 12, 15)
    assert one.patches == again.patches
    order = [patch.image for patch in one.patches]
    assert order != sorted(order) and order != [patch.image for patch in other.patches]


@pytest.mark.parametrize(
    ("room", "count", "given"),
    [([2, 0, 5, 1], 6, [2, 0, 3, 1]), ([1, 1, 1], 2, [1, 1, 0]), ([4, 4], 20, [4, 4]), ([9, 9], 5, [3, 2])],
)
def test_shares(room, count, given):
    assert shares(room, count) == given


@pytest.mark.parametrize("size", [(16, 16), (16, 40), (17, 18), (33, 50)])
@pytest.mark.parametrize("count", [1, 2, 5, 7])
def test_places_are_different_and_inside(size, count):
    count = min(count, (size[0] - 15) * (size[1] - 15))
    places = spread(*size, 16, count, True)
    assert len(set(places)) == count
    assert all(0 <= top <= size[0] - 16 and 0 <= left <= size[1] - 16 for top, left in places)


@pytest.mark.slow
def test_the_pixels_are_those_of_a_run(pictures, photos, networks, tmp_path):
    """Cut from the noisy image that the runner made, not noised by themselves."""
    plan = make_plan(f"{networks}:Blur", "mixture(level=2)", data=(photos,))
    with Store.create(tmp_path / "run") as store:
        list(execute(plan, store, "cpu", pictures=4))
        rows = store.rows()
        rows = rows[rows["noise_name"] == "mixture"].set_index("image")
        made = rows[["image_hash", "noise", "noise_version", "seed"]]
        paths = {name: store.picture_path("noisy", *made.loc[name], "stored") for name in rows.index}
    assert len(paths) == 4
    found = cut([pictures], 12, 16)
    seen = list(batches(found, NOISE, 0, STORED, 5))
    assert [len(batch.keys) for batch in seen] == [5, 5, 2]
    noisy = torch.cat([batch.noisy for batch in seen])
    for pixels, patch in zip(noisy, found.patches, strict=True):
        whole = read_file(paths[pictures.images[patch.image].name])
        expected = whole[patch.top : patch.top + 16, patch.left : patch.left + 16]
        assert np.array_equal((pixels.permute(1, 2, 0).numpy() * 255).round(), expected)


def test_clean_pixels_keys_and_images_come_along(pictures):
    found = cut([pictures], 6, 16)
    (batch,) = batches(found, NOISE, 0, STORED, 6)
    assert batch.images == tuple(patch.image for patch in found.patches)
    first = found.patches[0]
    clean = pictures.images[first.image].read()[first.top : first.top + 16, first.left : first.left + 16]
    assert np.array_equal(batch.clean[0].permute(1, 2, 0).numpy(), clean)
    assert len(set(batch.keys)) == 6
    (other_seed,) = batches(found, NOISE, 1, STORED, 6)
    assert not set(batch.keys) & set(other_seed.keys) and not torch.equal(batch.noisy, other_seed.noisy)


def test_a_last_batch_that_is_too_small_is_dropped(pictures):
    found = cut([pictures], 11, 16)
    assert [len(batch.keys) for batch in batches(found, NOISE, 0, STORED, 4, 4)] == [4, 4]
    assert [len(batch.keys) for batch in batches(found, NOISE, 0, STORED, 4, 3)] == [4, 4, 3]


def test_an_image_is_made_noisy_once_and_few_are_in_memory(photos, monkeypatch):
    for place in range(7):
        Image.new("RGB", (48, 40), (place, 0, 0)).save(photos / f"e{place}.png")
    monkeypatch.setattr(module, "MAX_WINDOW_IMAGES", 3)
    made, alive = [], []

    network_input = noises.network_input

    def noted(*arguments):
        pair = network_input(*arguments)
        made.append(weakref.ref(pair[0]))
        alive.append(sum(one() is not None for one in made))
        return pair

    monkeypatch.setattr(noises, "network_input", noted)
    found = cut([load_dataset(photos)], 44, 16)
    order = [patch.image for patch in found.patches]
    assert found.windows == (0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3) and order[:12] != sorted(order[:12])
    for _ in batches(found, NOISE, 0, STORED, 5):
        pass
    assert len(made) == 11 and max(alive) == 3


def test_large_images_have_windows_of_their_own(monkeypatch):
    monkeypatch.setattr(module, "MAX_WINDOW_PIXELS", 100)
    assert windows_of([(10, 5), (10, 5), (1, 1), (30, 30), (2, 2), (40, 40), (50, 50)]) == (0, 0, 1, 2, 3, 4, 5)


def test_the_float_protocol_keeps_its_own_noise(pictures):
    found, noise = cut([pictures], 4, 40), noises.load_noise("gaussian(sigma=25)")
    (batch,) = batches(found, noise, 0, load_protocol("float"), 4)
    random = np.random.RandomState(0)
    field = random.normal(0, 25 / 255, (40, 48, 3))
    for pixels, patch in zip(batch.noisy, found.patches, strict=True):
        clean = pictures.images[patch.image].read()
        expected = (clean + field)[patch.top : patch.top + 40, patch.left : patch.left + 40]
        np.testing.assert_allclose(pixels.permute(1, 2, 0), expected, atol=1e-6)
