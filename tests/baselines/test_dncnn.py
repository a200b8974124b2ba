"""DnCNN: the official network in both forms, golden values, published weights."""

import numpy as np
import pytest
import torch
from PIL import Image

from baselines.dncnn import SIZES, DnCNN
from baselines.weights_io.checkpoints import load_strictly, read_weights
from tests.baselines.filled import check_gradients, check_official, count, fill, measure, names_hash, picture

TINY = {"nc": 8, "nb": 4}


@pytest.mark.parametrize(("name", "act_mode"), [("kair_dncnn_R", "R"), ("kair_dncnn_BR", "BR")])
def test_is_the_official_network(shared, name, act_mode):
    check_official(shared, name, DnCNN(act_mode=act_mode))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [0.3527957229, 1.562853657, 0.02093735307, 2.014345722, -0.8348327516, 0.310209374]),
        ({"act_mode": "BR"}, [-0.2461685511, 0.4928172338, 0.0640604834, 0.1325188692, -0.04704576076, 0.1728482079]),
    ],
)
def test_output_on_known_weights(options, expected):
    assert measure(fill(DnCNN(**TINY, **options), gain=1.4)) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize(
    ("options", "parameters", "names"),
    [
        (SIZES["full"], 668_227, "50f761fa16614f90"),
        (SIZES["small"], 103_283, "04c8578a7e0e1082"),
        ({"act_mode": "BR"}, 670_531, "7af49142ecd44040"),
        ({"in_nc": 1, "out_nc": 1, "nb": 17}, 555_137, "1a4d0bf2994fa649"),
    ],
)
def test_names_and_shapes(options, parameters, names):
    with torch.device("meta"):
        network = DnCNN(**options)
    assert (count(network), names_hash(network)) == (parameters, names)


def test_the_output_is_the_input_less_a_residual():
    network, x = fill(DnCNN(**TINY)), picture(9, 12, batch=2)
    last = network.model[-1]
    last.weight.data.zero_()
    last.bias.data.copy_(torch.tensor([0.5, -1.0, 2.0]))
    torch.testing.assert_close(network(x), x - last.bias.data.view(1, 3, 1, 1))


def test_batch_norm_keeps_the_running_statistics_of_the_official_one():
    """Momentum 0.9 is PyTorch's weight of the new batch: running = 0.1 * running + 0.9 * batch."""
    network = DnCNN(**TINY, act_mode="BR").train()
    convolution, norm = network.model[2], network.model[3]
    x = picture(9, 12, batch=2).float()
    batch = convolution(network.model[:2](x)).transpose(0, 1).flatten(1)
    network(x)
    torch.testing.assert_close(norm.running_mean, 0.9 * batch.mean(1))
    torch.testing.assert_close(norm.running_var, 0.1 + 0.9 * batch.var(1))


@pytest.mark.parametrize("size", [(1, 1), (9, 31)])
def test_any_size_and_number_of_channels(size):
    assert DnCNN(**TINY)(picture(*size).float()).shape == (1, 3, *size)
    assert DnCNN(in_nc=1, out_nc=1, **TINY)(picture(*size)[:, :1].float()).shape == (1, 1, *size)


def test_images_of_a_batch_do_not_see_each_other():
    network, x = fill(DnCNN(**TINY, act_mode="BR")), picture(9, 12, batch=3)
    torch.testing.assert_close(network(x), torch.cat([network(image[None]) for image in x]))


@pytest.mark.parametrize("act_mode", ["R", "BR"])
def test_gradients_reach_every_weight(act_mode):
    torch.manual_seed(0)
    check_gradients(DnCNN(**TINY, act_mode=act_mode))


@pytest.mark.parametrize("act_mode", ["r", "BRR", None])
def test_unknown_act_mode_is_named(act_mode):
    with pytest.raises(ValueError, match="act_mode: expected"):
        DnCNN(act_mode=act_mode)


@pytest.mark.parametrize(
    ("file", "options"),
    [("dncnn_color_blind.pth", {}), ("dncnn_gray_sigma25.pth", {"in_nc": 1, "out_nc": 1, "nb": 17})],
)
def test_published_weights_denoise(shared, file, options):
    network = DnCNN(**options).eval()
    load_strictly(network, read_weights(shared / "weights" / file), file)
    with Image.open(shared / "data" / "test" / "McMaster" / "18.tif") as image:
        pixels = np.asarray(image.convert("L" if options else "RGB"), np.float32) / 255
    clean = torch.from_numpy(np.atleast_3d(pixels)[200:280, 200:280]).permute(2, 0, 1)[None]
    noisy = clean + 25 / 255 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        error = (network(noisy) - clean).square().mean()
    assert 10 * torch.log10((noisy - clean).square().mean() / error) > 6  # dB gained; these networks gain 8 and more
