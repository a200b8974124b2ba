import pytest
import torch

from baselines.baseline import SIZES as BASELINE_SIZES
from baselines.dropout import SIZES, DropoutSwinIR
from baselines.masked_swinir import MaskedSwinIR
from tests.baselines.filled import check_gradients, check_official, count, fill, measure, names_hash, picture

TINY = {"embed_dim": 8, "depths": (2,), "num_heads": (2,), "drop_path_rate": 0.0}


def features_before_last_convolution(network, x):
    """(what the network gives, what its last convolution took)."""
    taken = []
    handle = network.conv_last.register_forward_pre_hook(lambda _, inputs: taken.append(inputs[0]))
    with torch.no_grad():
        output = network(x)
    handle.remove()
    return output, taken[0]


@pytest.mark.slow
def test_is_the_official_baseline_at_test_time(shared):
    check_official(shared, "md_swinir_baseline", DropoutSwinIR())


def test_output_on_known_weights():
    assert measure(fill(DropoutSwinIR(**TINY))) == pytest.approx(
        [-0.160725623, 0.2842122788, -0.173160416, 0.1483600736, -0.01176651725, -0.1817457758], rel=1e-7
    )


@pytest.mark.slow
@pytest.mark.parametrize("size", ["full", "small"])
def test_names_and_shapes_are_those_of_the_baseline(size):
    network, baseline = DropoutSwinIR(**SIZES[size]), MaskedSwinIR(**BASELINE_SIZES[size])
    assert names_hash(network) == names_hash(baseline)
    assert size == "small" or count(network) == 824_118


def test_nothing_is_dropped_at_test_time():
    network, baseline = fill(DropoutSwinIR(**TINY, dropout=0.9)), fill(MaskedSwinIR(**TINY))
    x = picture(9, 13, batch=2)
    assert torch.equal(network(x), baseline(x))


def test_training_drops_whole_channels_of_each_image_and_scales_up_the_rest():
    network, x = fill(DropoutSwinIR(**TINY, dropout=0.75)), picture(8, 8, batch=50)
    _, whole = features_before_last_convolution(network, x)
    network.train().generator = torch.Generator().manual_seed(1)
    _, dropped = features_before_last_convolution(network, x)
    factor = dropped / whole  # (B, C, H, W)
    torch.testing.assert_close(factor, factor[:, :, :1, :1].expand_as(factor))
    factor = factor[:, :, 0, 0]
    assert ((factor == 0) | ((factor - 4).abs() < 1e-9)).all()
    assert 0.65 < (factor == 0).double().mean() < 0.85  # 400 channels, four deviations to each side
    assert len({tuple(row.tolist()) for row in factor}) > 20  # images do not share their channels


def test_training_draws_from_the_network_s_generator():
    network, x = fill(DropoutSwinIR(**TINY)).train(), picture(8, 8)

    def output(seed):
        network.generator = torch.Generator().manual_seed(seed)
        return network(x)

    assert torch.equal(output(3), output(3))
    assert not torch.equal(output(3), output(4))


def test_without_probability_training_drops_nothing():
    network, x = fill(DropoutSwinIR(**TINY, dropout=0)), picture(8, 8)
    assert torch.equal(network.train()(x), network.eval()(x))


@pytest.mark.parametrize("size", [(8, 8), (9, 31)])
def test_any_size(size):
    assert DropoutSwinIR(**TINY)(picture(*size).float()).shape == (1, 3, *size)


def test_gradients_reach_every_weight():
    torch.manual_seed(0)
    check_gradients(DropoutSwinIR(**TINY, dropout=0.1))


@pytest.mark.parametrize("dropout", [-0.1, 1, 2])
def test_impossible_probability_is_refused(dropout):
    with pytest.raises(ValueError, match="dropout: expected"):
        DropoutSwinIR(**TINY, dropout=dropout)
