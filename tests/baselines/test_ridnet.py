import pytest
import torch

from baselines.ridnet import RGB_MEAN, SIZES, RIDNet
from tests.baselines.filled import check_gradients, check_official, count, fill, measure, names_hash, picture

TINY = {"n_feats": 8, "reduction": 2}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("ridnet_official_rgb1", {}),
        ("ridnet_official_rgb255", {"rgb_range": 255}),
        ("ridnet_md", {"variant": "md"}),
    ],
)
def test_is_the_official_network(shared, name, options):
    check_official(shared, name, RIDNet(**options))


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ("official", [-0.02584290315, 0.0329390281, 0.0054422242, 0.003127802535, -0.0962738522, 0.00297414374]),
        ("md", [-0.03323404193, 0.03078776854, 0.005658883115, -0.023136117, -0.08634012117, -0.004631985453]),
    ],
)
def test_output_on_known_weights(variant, expected):
    assert measure(fill(RIDNet(**TINY, variant=variant))) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize(
    ("options", "parameters", "names"),
    [
        ({}, 1_499_371, "564c2bed70816497"),
        ({"variant": "md"}, 1_499_515, "5bfd4017d48b0970"),
        (SIZES["small"], 120_633, "79ccc602391f204b"),
    ],
)
def test_names_and_shapes(options, parameters, names):
    with torch.device("meta"):
        network = RIDNet(**options)
    assert (count(network), names_hash(network)) == (parameters, names)


@pytest.mark.parametrize("size", [(1, 1), (7, 33), (16, 16)])
def test_any_size(size):
    assert RIDNet(**TINY)(picture(*size).float()).shape == (1, 3, *size)


@pytest.mark.parametrize("variant", ["official", "md"])
def test_gradients_reach_every_weight(variant):
    torch.manual_seed(0)
    check_gradients(RIDNet(n_feats=16, reduction=2, variant=variant))


def test_mean_is_taken_off_and_put_back_in_the_units_of_the_input():
    network = RIDNet(**TINY, rgb_range=255)
    grey = 255 * torch.tensor(RGB_MEAN).view(1, 3, 1, 1).expand(1, 3, 4, 4)
    assert network.sub_mean(grey).abs().max() < 1e-4
    assert torch.allclose(network.add_mean(torch.zeros(1, 3, 4, 4)), grey)


def test_unknown_variant_is_named():
    with pytest.raises(ValueError, match="variant: expected"):
        RIDNet(variant="MD")
