import numpy as np
import pytest
import torch
import torch.nn.functional as F

from baselines.idf import IDF, SIZES, correlation, rms_normalize
from baselines.weights_io.pickles import read_nested
from tests.baselines.filled import check_gradients, count, fill, measure, names_hash, picture

TINY = {"hidden_channels": 8, "iterations": 3}


@pytest.mark.parametrize("size", ["64x64", "50x70"])
def test_published_weights_give_the_published_output(shared, size):
    weights = read_nested(shared / "weights" / "idf_g_15_50.ckpt")["state_dict"]
    network = IDF().eval()
    network.load_state_dict({key.removeprefix("model."): value for key, value in weights.items()})
    golden = np.load(shared / "golden" / "idf" / "idf_g_15_50.npz")
    with torch.inference_mode():
        output = network(torch.from_numpy(golden[f"in_{size}"]))
    assert np.abs(output.numpy() - golden[f"out_{size}"]).max() < 2e-6  # golden: official code, float32


def test_output_on_known_weights():
    assert measure(fill(IDF(**TINY))) == pytest.approx(
        [-0.008139057954, 0.1064900844, 0.1575534537, -0.1206077516, 0.1395549551, 0.04412752086], rel=1e-7
    )


def test_names_and_shapes():
    assert SIZES["full"] == SIZES["small"] == {}
    assert (count(IDF()), names_hash(IDF())) == (49_021, "538be67da472cdca")


@pytest.mark.parametrize(("dilation", "mode"), [(2, "reflect"), (1, "constant")])
def test_correlation_is_twice_pearson_s(dilation, mode):
    x = picture(6, 7)
    patches = F.unfold(F.pad(x, (dilation,) * 4, mode), 3, dilation=dilation).view(3, 9, 6, 7).numpy()
    found = correlation(x, dilation, mode)[0].numpy()
    for k in range(9):
        neighbour, centre = patches[:, k, 2, 3], patches[:, 4, 2, 3]
        assert found[k, 2, 3] == pytest.approx(2 * np.corrcoef(centre, neighbour)[0, 1], abs=0.02)  # but for epsilon
    corner = found[:, 0, 0].reshape(3, 3)
    if mode == "constant":
        assert not corner[0].any() and not corner[:, 0].any()  # nothing outside correlates
    else:
        assert corner[0, 0] == corner[0, 2] == corner[2, 0] == corner[2, 2]  # reflected about the corner


def test_rounds_alternate_between_wide_and_close():
    network, rounds = fill(IDF(**TINY)), []
    network.block.register_forward_pre_hook(lambda _, inputs: rounds.append(inputs[1:]))
    network(picture(8, 8))
    assert [inputs[1:] for inputs in rounds] == [(2, "reflect"), (1, "constant"), (2, "reflect")]
    assert [inputs[0] is None for inputs in rounds] == [True, False, False]  # attention needs a round before


def test_kernels_average_so_the_output_stays_within_the_input():
    network, x = fill(IDF(hidden_channels=8, iterations=1)), picture(12, 12)
    with torch.no_grad():
        output = network(x)
    slack = 1e-3  # the kernels sum to one but for epsilon
    assert output.amax((0, 2, 3)).le(x.amax((0, 2, 3)) + slack).all()
    assert output.amin((0, 2, 3)).ge(x.amin((0, 2, 3)) - slack).all()


def test_training_mixes_each_sample_with_its_input():
    network, x = fill(IDF(hidden_channels=8, iterations=1)), picture(12, 12, batch=4)
    filtered = network(x)
    network.train().generator = torch.Generator().manual_seed(0)
    share = (network(x) - x) / (filtered - x)
    torch.testing.assert_close(share, share[:, :1, :1, :1].expand_as(share), rtol=1e-6, atol=1e-6)
    drawn = torch.rand(4, generator=torch.Generator().manual_seed(0)).double()
    torch.testing.assert_close(share[:, 0, 0, 0], drawn, rtol=1e-6, atol=1e-6)


def test_training_without_generator_uses_torch_s_own():
    network, x = fill(IDF(**TINY)).train(), picture(8, 8)
    torch.manual_seed(1)
    first = network(x)
    torch.manual_seed(1)
    assert torch.equal(network(x), first)
    assert not torch.equal(network(x), first)


@pytest.mark.parametrize("size", [(3, 3), (9, 31)])
def test_any_size(size):
    assert IDF(**TINY)(picture(*size).float()).shape == (1, 3, *size)


def test_gradients_reach_every_weight():
    torch.manual_seed(0)
    check_gradients(IDF(**TINY))


def test_gradients_on_flat_images_are_finite():
    x = torch.zeros(1, 3, 6, 6, requires_grad=True)
    (correlation(x, 1, "constant").sum() + rms_normalize(x).sum()).backward()
    assert x.grad.isfinite().all()
