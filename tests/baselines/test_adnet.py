"""ADNet: its parts, and the published weights, which take BGR."""

import numpy as np
import pytest
import torch
from PIL import Image

from baselines.adnet import ADNet
from baselines.weights_io.checkpoints import load_strictly, read_weights
from tests.baselines.filled import check_gradients, count, fill, measure, names_hash, picture


def test_names_and_shapes():
    with torch.device("meta"):
        network = ADNet()
    assert (count(network), names_hash(network)) == (521_493, "55460f5faba04229")


def test_output_on_known_weights():
    assert measure(fill(ADNet(nc=4), gain=1.4)) == pytest.approx(
        [-0.04754714482, 0.07638313785, -0.0391846878, -0.02127927387, 0.002162621666, -0.1077133997], rel=1e-7
    )


def test_it_sees_as_far_as_it_states():
    network, x = fill(ADNet(nc=4), gain=1.4), picture(50, 50).requires_grad_()
    network(x)[0, 0, 25, 25].backward()
    rows, columns = x.grad.abs().sum((0, 1)).nonzero(as_tuple=True)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (5, 45, 5, 45)


@pytest.mark.parametrize("size", [(1, 1), (9, 31)])
def test_any_size_and_number_of_channels(size):
    assert ADNet(nc=4).eval()(picture(*size).float()).shape == (1, 3, *size)
    assert ADNet(in_nc=1, nc=4).eval()(picture(*size)[:, :1].float()).shape == (1, 1, *size)


def test_gradients_reach_every_weight():
    torch.manual_seed(0)
    check_gradients(ADNet(nc=4))


def test_published_weights_denoise_bgr(shared):
    network = ADNet().eval()
    load_strictly(
        network, read_weights(shared / "weights" / "published" / "adnet_color_c15.pth"), "adnet_color_c15.pth"
    )
    with Image.open(shared / "data" / "test" / "McMaster" / "18.tif") as image:
        pixels = np.asarray(image.convert("RGB"), np.float32)[200:280, 200:280] / 255
    clean = torch.from_numpy(pixels).permute(2, 0, 1)[None]
    noisy = clean + 15 / 255 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))

    def gained(output):
        return 10 * torch.log10((noisy - clean).square().mean() / (output - clean).square().mean())

    with torch.inference_mode():
        in_bgr, in_rgb = network(noisy.flip(1)).flip(1), network(noisy)
    assert gained(in_bgr) > gained(in_rgb) > 3
