"""One function runs a network on an image: evaluation, analyses and held-out scores have the same output."""

import numpy as np
import pytest
import torch
from torch import nn

from bench.analyses.core.outputs import load_denoiser
from bench.core.errors import BadInput
from bench.evaluation.denoise import Networks
from bench.evaluation.prepare import PreparedImage
from bench.models import inference, model_specs, tiling
from bench.noise import noises
from bench.protocols import load_protocol, to_bytes
from bench.training import held_out

CPU = torch.device("cpu")
RANDOM = np.random.default_rng(0)


class Undefined(nn.Module):
    def forward(self, x):
        return x / 0


class Halved(nn.Module):
    def forward(self, x):
        return x[..., ::2, ::2]


@pytest.mark.parametrize("channels", [1, 3])
def test_evaluation_and_analyses_have_the_same_output(channels):
    """`ours` draws a mask on the image, from its key."""
    noise, protocol = noises.load_noise("gaussian(sigma=25)"), load_protocol("stored")
    clean = RANDOM.random((24, 32, channels)).astype(np.float32)
    noisy, target = noises.network_input(noise, clean, 1, protocol)
    model = model_specs.resolve("ours")
    one = load_denoiser(model, CPU)
    networks = Networks((one.network,), (model.channels,), (tiling.of(model, "auto"),), CPU)
    prepared = PreparedImage(noisy, to_bytes(noisy), to_bytes(target), 7)
    evaluated = networks.denoise(0, prepared, rounded=False).pixels
    analysed = one(inference.to_batch(noisy), 7)[0].permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(evaluated, analysed)
    assert not np.array_equal(analysed, one(inference.to_batch(noisy), 8)[0].permute(1, 2, 0).numpy())


@pytest.mark.parametrize("name", ["stored", "float", "masked-denoising"])
def test_the_noisy_input_is_the_drawn_noise_as_the_protocol_gives_it(name):
    noise, protocol = noises.load_noise("speckle(var=0.04)"), load_protocol(name)
    clean = RANDOM.random((20, 16, 3)).astype(np.float32)
    made, target = noises.network_input(noise, clean, 3, protocol)
    drawn, expected = noises.draw(noise, clean, 3, protocol)
    np.testing.assert_array_equal(target, expected)
    np.testing.assert_array_equal(
        made, np.rint(drawn.clip(0, 1) * 255) / np.float32(255) if protocol.store_noise else drawn
    )
    assert made.dtype == np.float32 and made.flags.c_contiguous


@pytest.mark.parametrize(("network", "got"), [(Undefined(), "NaN"), (Halved(), "10, 8)")])
def test_an_output_that_is_no_image_is_refused(network, got):
    noisy = torch.zeros(1, 3, 20, 16)
    with pytest.raises(ValueError, match="expected") as caught:
        inference.denoise(network, noisy, [0], CPU)
    assert got in str(caught.value)


def test_undefined_outputs_on_held_out_images_have_no_psnr():
    score = held_out.scorer(Undefined(), {"grey": np.zeros((128, 128, 3), np.uint8)}, CPU)
    with pytest.raises(BadInput, match="held-out"):
        score({})
