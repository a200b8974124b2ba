import pytest
import torch
import torch.nn.functional as F

from baselines.restormer import SIZES, ChannelNorm, Restormer
from tests.baselines.filled import check_gradients, check_official, count, fill, measure, names_hash, picture

TINY = {"dim": 4, "num_blocks": (1, 2, 1, 1), "num_refinement_blocks": 1, "heads": (1, 2, 2, 4)}


@pytest.mark.slow
def test_is_the_official_network(shared):
    check_official(shared, "restormer", Restormer())


def test_is_the_official_network_when_small(shared):
    check_official(shared, "restormer_small", Restormer(dim=8, num_blocks=(1, 1, 1, 1), num_refinement_blocks=1))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [0.4119372759, 1.674190602, 0.7612550218, 1.47908989, -0.436237265, -0.539279479]),
        (
            {"bias": True, "LayerNorm_type": "WithBias"},
            [0.07314967226, 1.388819102, 0.2961988606, 0.827350922, -0.8251878549, 2.380003081],
        ),
    ],
)
def test_output_on_known_weights(options, expected):
    assert measure(fill(Restormer(**TINY, **options))) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize(
    ("options", "parameters", "names"),
    [
        ({}, 26_111_668, "e2f0fa8f329d02a4"),
        (SIZES["small"], 127_352, "20e76074bc0c5f92"),
        ({"bias": True, "LayerNorm_type": "WithBias"}, 26_266_423, "517bb16a8f8bed27"),
    ],
)
def test_names_and_shapes(options, parameters, names):
    with torch.device("meta"):
        network = Restormer(**options)
    assert (count(network), names_hash(network)) == (parameters, names)


def test_norm_without_bias_keeps_the_mean():
    norm, x = ChannelNorm(6, "BiasFree").double(), picture(5, 4, batch=2).repeat(1, 2, 1, 1) + 3
    expected = x / (x.var(1, correction=0, keepdim=True) + 1e-5).sqrt()
    torch.testing.assert_close(norm(x), expected)


def test_norm_with_bias_is_torch_layer_norm():
    norm, x = fill(ChannelNorm(6, "WithBias")), picture(5, 4, batch=2).repeat(1, 2, 1, 1) + 3
    expected = F.layer_norm(x.permute(0, 2, 3, 1), (6,), norm.body.weight, norm.body.bias).permute(0, 3, 1, 2)
    torch.testing.assert_close(norm(x), expected)


@pytest.mark.parametrize("size", [(8, 8), (9, 31), (16, 13)])
def test_sides_are_reflected_to_multiples_of_eight(size):
    network, x = fill(Restormer(**TINY)), picture(*size)
    padded = network(F.pad(x, (0, -size[1] % 8, 0, -size[0] % 8), "reflect"))
    torch.testing.assert_close(network(x), padded[..., : size[0], : size[1]])


def test_gradients_reach_every_weight():
    torch.manual_seed(0)
    check_gradients(Restormer(**TINY))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"LayerNorm_type": "biasfree"}, "LayerNorm_type: expected"),
        ({"num_blocks": (1, 1, 1)}, "four entries"),
        ({"dim": 6, "heads": (4, 2, 2, 4)}, "heads: "),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        Restormer(**options)
