import pytest
import torch
import torch.nn.functional as F

from baselines.rnan import RNAN, SIZES, TILE, NonLocal
from tests.baselines.filled import check_gradients, check_official, count, fill, measure, names_hash, picture

TINY = {"n_feats": 4, "n_resgroups": 3}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rnan_official", "rnan_md"])
def test_is_the_official_network(shared, name):
    check_official(shared, name, RNAN())


def test_output_on_known_weights():
    assert measure(fill(RNAN(**TINY), gain=0.7)) == pytest.approx(
        [0.07340870949, 0.1496706976, 0.1009280905, -0.1234561841, 0.03694381816, 0.1340399402], rel=1e-7
    )


@pytest.mark.parametrize(
    ("options", "parameters", "names"),
    [({}, 8_959_555, "e5abe65fc2e3eeb8"), (SIZES["small"], 128_655, "e7caf53ed85be323")],
)
def test_names_and_shapes(options, parameters, names):
    with torch.device("meta"):
        network = RNAN(**options)
    assert (count(network), names_hash(network)) == (parameters, names)


def test_weights_of_a_key_sum_to_one_over_the_queries():
    block, x = fill(NonLocal(6), gain=3.0), picture(8, 8, batch=2).repeat(1, 2, 1, 1)
    theta, phi, g = (layer(x).flatten(2) for layer in (block.theta, block.phi, block.g))  # each (B, 3, N)
    weights = torch.einsum("bcq,bck->bqk", theta, phi).softmax(1)
    expected = x + block.W(torch.einsum("bqk,bck->bcq", weights, g).view(2, 3, 8, 8))
    torch.testing.assert_close(block(x), expected)


def test_a_tile_is_of_even_sides():
    assert TILE % 2 == 0


@pytest.mark.parametrize("size", [(2, 2), (7, 33), (16, 9)])
def test_odd_sides_are_reflected_to_even_ones(size):
    network, x = fill(RNAN(**TINY), gain=0.7), picture(*size)
    even = network(F.pad(x, (0, size[1] % 2, 0, size[0] % 2), "reflect"))
    torch.testing.assert_close(network(x), even[..., : size[0], : size[1]])


def test_gradients_reach_every_weight():
    torch.manual_seed(0)
    check_gradients(RNAN(**TINY))


def test_too_few_groups_are_refused():
    with pytest.raises(ValueError, match="n_resgroups: expected"):
        RNAN(n_resgroups=1)
