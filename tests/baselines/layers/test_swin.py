"""Swin blocks in token order against the formulation of the Swin paper: roll, partition, attend, merge, roll back."""

import math

import numpy as np
import pytest
import torch

from baselines.layers.swin import Block, SwinBody, TokenOrder
from baselines.masked_swinir import MaskedSwinIR
from baselines.swinir import SwinIR
from tests.baselines.filled import fill, picture, uniform

SIZES = [(8, 8), (16, 8), (8, 24), (24, 32)]


def partition(x, window):
    """(B, H, W, C) -> (B, nW, T, C)."""
    batch, height, width, dim = x.shape
    x = x.view(batch, height // window, window, width // window, window, dim)
    return x.permute(0, 1, 3, 2, 4, 5).reshape(batch, -1, window * window, dim)


def merge(windows, window, height, width):
    """(B, nW, T, C) -> (B, H, W, C)."""
    batch, _, _, dim = windows.shape
    x = windows.view(batch, height // window, width // window, window, window, dim)
    return x.permute(0, 1, 3, 2, 4, 5).reshape(batch, height, width, dim)


def shift_mask(height, width, window, shift):
    """(nW, T, T): -100 between tokens that lie apart in the image and side by side after the roll."""
    region = torch.zeros(1, height, width, 1)
    slices = (slice(0, -window), slice(-window, -shift), slice(-shift, None))
    for number, (rows, columns) in enumerate((r, c) for r in slices for c in slices):
        region[:, rows, columns] = number
    region = partition(region, window)[0, :, :, 0]
    return torch.where(region[:, :, None] == region[:, None, :], 0.0, -100.0)


def layer_norm(x, norm):
    mean = x.mean(-1, keepdim=True)
    variance = (x - mean).square().mean(-1, keepdim=True)
    return (x - mean) / (variance + 1e-5).sqrt() * norm.weight + norm.bias


def attend(attention, windows, window, mask):
    heads, dim = attention.num_heads, windows.shape[-1]
    places = [(i // window, i % window) for i in range(window * window)]
    index = [
        [
            (row - other_row + window - 1) * (2 * window - 1) + column - other_column + window - 1
            for other_row, other_column in places
        ]
        for row, column in places
    ]
    bias = attention.relative_position_bias_table[torch.tensor(index)]  # (T, T, heads)
    weights, offsets = attention.qkv.weight.chunk(3), attention.qkv.bias.chunk(3)
    q, k, v = (windows @ weight.T + offset for weight, offset in zip(weights, offsets, strict=True))
    outputs = []
    for head in range(heads):
        part = slice(head * dim // heads, (head + 1) * dim // heads)
        scores = q[..., part] @ k[..., part].mT / math.sqrt(dim // heads) + bias[..., head]
        if mask is not None:
            scores = scores + mask
        outputs.append(torch.softmax(scores, -1) @ v[..., part])
    return torch.cat(outputs, -1) @ attention.proj.weight.T + attention.proj.bias


def block_reference(block, x, window, shift, keep=None):
    """(B, H, W, C) -> (B, H, W, C); `keep` (B, nW, T)."""
    height, width = x.shape[1:3]
    windows = partition(torch.roll(layer_norm(x, block.norm1), (-shift, -shift), (1, 2)), window)
    if keep is not None:
        windows = windows * keep[..., None]
    mask = shift_mask(height, width, window, shift) if shift else None
    attended = merge(attend(block.attn, windows, window, mask), window, height, width)
    x = x + torch.roll(attended, (shift, shift), (1, 2))
    hidden = layer_norm(x, block.norm2) @ block.mlp.fc1.weight.T + block.mlp.fc1.bias
    hidden = hidden * 0.5 * (1 + torch.erf(hidden / math.sqrt(2)))
    return x + hidden @ block.mlp.fc2.weight.T + block.mlp.fc2.bias


def features_reference(body, shallow, window, keeps):
    """Shallow features (B, C, H, W) -> deep features; `keeps`: a mask or None for each block."""
    keeps = iter(keeps)
    x = layer_norm(shallow.permute(0, 2, 3, 1), body.patch_embed.norm)
    for layer in body.layers:
        shortcut = x
        for number, block in enumerate(layer.residual_group.blocks):
            x = block_reference(block, x, window, window // 2 if number % 2 else 0, next(keeps))
        x = shortcut + layer.conv(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    return layer_norm(x, body.norm).permute(0, 3, 1, 2)


def gradients(network, function, x):
    """(output, gradient of the input, gradients of all parameters) of a weighted sum of the output."""
    network.zero_grad()
    x = x.clone().requires_grad_()
    output = function(x)
    (output * uniform("loss", output.shape)).sum().backward()
    return output.detach(), x.grad, {key: p.grad.clone() for key, p in network.named_parameters() if p.grad is not None}


def assert_equal(found, expected):
    for one, other in zip(found[:2], expected[:2], strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-10)
    assert found[2].keys() == expected[2].keys()
    for key, value in found[2].items():
        torch.testing.assert_close(value, expected[2][key], rtol=1e-8, atol=1e-9, msg=key)


def keep_of(batch, height, width, window, key="keep"):
    return (uniform(key, (batch, height * width // window**2, window**2)) > 0.2).double()


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shift", [0, 2, 1])
@pytest.mark.parametrize("size", SIZES)
def test_block_is_that_of_the_paper(size, shift, masked):
    window, batch = 4, 2
    block = fill(Block(12, 3, window, shift, 2.0, 0.0))
    keep = keep_of(batch, *size, window) if masked else None
    x = uniform("x", (batch, *size, 12))
    order = TokenOrder(*size, window, x.device)

    def in_token_order(x):
        windows = partition(torch.roll(x, (-shift, -shift), (1, 2)), window).flatten(1, 2)  # as the block wants them
        x = block(windows, order, shift, keep)
        return torch.roll(merge(x.view(batch, -1, window**2, 12), window, *size), (shift, shift), (1, 2))

    expected = gradients(block, lambda x: block_reference(block, x, window, shift, keep), x)
    assert_equal(gradients(block, in_token_order, x), expected)


def body_and_input(size, window, masked):
    """(network, one mask or None a block, shallow features of two images)."""
    options = {"embed_dim": 8, "depths": (3, 2), "num_heads": (2, 4), "window_size": window, "drop_path_rate": 0.0}
    keeps = [keep_of(2, *size, window, f"keep {i}") if masked else None for i in range(5)]
    return fill(MaskedSwinIR(**options)), keeps, uniform("shallow", (2, 8, *size))


def test_who_looks_inside_a_block_sees_its_layers_whole(monkeypatch):
    monkeypatch.setattr("baselines.layers.swin_cpu.MAX_SLAB_FLOATS", 4000)
    block, x = fill(Block(12, 3, 4, 2, 2.0, 0.0)).eval(), uniform("x", (2, 16 * 16, 12))
    order, seen = TokenOrder(16, 16, 4, x.device), []
    with torch.inference_mode():
        expected = block(x, order, 0)
        hook = block.attn.register_forward_hook(lambda _, __, output: seen.append(tuple(output.shape)))
        torch.testing.assert_close(block(x, order, 0), expected, rtol=0, atol=1e-12)
    assert seen == [(2 * 16, 16, 12)]
    hook.remove()


@pytest.mark.slow
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("window", [4, 8])
@pytest.mark.parametrize("size", SIZES)
def test_without_gradients_features_are_those_of_the_paper(size, window, masked):
    """Evaluation may take another way through attention than training."""
    body, keeps, shallow = body_and_input(size, window, masked)
    with torch.inference_mode():
        expected = features_reference(body, shallow, window, keeps)
        found = body.features(shallow, iter(keeps) if masked else None)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)
        single = body.float().features(shallow.float(), iter(keeps) if masked else None)
        torch.testing.assert_close(single.double(), expected, rtol=0, atol=2e-5)


@pytest.mark.slow
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("window", [4, 8])
@pytest.mark.parametrize("size", SIZES)
def test_features_and_gradients_are_those_of_the_paper(size, window, masked):
    body, keeps, shallow = body_and_input(size, window, masked)
    found = gradients(body, lambda x: body.features(x, iter(keeps) if masked else None), shallow)
    assert_equal(found, gradients(body, lambda x: features_reference(body, x, window, keeps), shallow))


def test_a_shift_that_is_left_out_would_be_seen():
    """The reference does depend on the shift and on the mask."""
    block, x = fill(Block(12, 3, 4, 2, 2.0, 0.0)), uniform("x", (1, 8, 8, 12))
    outputs = [block_reference(block, x, 4, shift) for shift in (0, 1, 2)]
    outputs.append(block_reference(block, x, 4, 2, keep_of(1, 8, 8, 4)))
    for i, output in enumerate(outputs):
        assert all((output - other).abs().max() > 1e-2 for other in outputs[:i])


@pytest.mark.parametrize("size", [(8, 8), (16, 24)])
def test_what_fits_is_not_padded(size):
    x = picture(*size)
    assert SwinIR(embed_dim=6, depths=(1,), num_heads=(1,)).pad(x) is x


@pytest.mark.parametrize("size", [(9, 8), (8, 15), (9, 23), (17, 31)])
def test_right_and_bottom_are_reflected(size):
    x = picture(*size)
    bottom, right = -size[0] % 8, -size[1] % 8
    expected = np.pad(x.numpy(), ((0, 0), (0, 0), (0, bottom), (0, right)), "reflect")
    assert np.array_equal(SwinIR(embed_dim=6, depths=(1,), num_heads=(1,)).pad(x).numpy(), expected)


@pytest.mark.parametrize("train_first", [False, True])
def test_evaluation_and_training_at_one_size_do_not_disturb_each_other(train_first):
    """What is remembered of a size under torch.inference_mode must serve training too."""
    network = SwinIR(embed_dim=6, depths=(2,), num_heads=(1,), window_size=4)
    x = picture(12, 20 + 4 * train_first).float()  # a size of its own: orders are remembered in the process
    for training in (train_first, not train_first, train_first):
        with torch.inference_mode(not training):
            output = network(x)
        if training:
            output.sum().backward()


def test_stochastic_depth_rises_along_the_blocks():
    network = SwinIR(embed_dim=6, depths=(2, 3), num_heads=(1, 1), drop_path_rate=0.2)
    rates = [block.drop_path for layer in network.layers for block in layer.residual_group.blocks]
    assert rates == pytest.approx([0, 0.05, 0.1, 0.15, 0.2])


def test_stochastic_depth_drops_the_branch_of_a_sample_or_scales_it_up():
    batch, rate = 400, 0.25
    block = fill(Block(12, 3, 4, 0, 2.0, rate))
    block.attn.proj.weight.data.zero_()  # leaves one branch, the MLP's
    block.attn.proj.bias.data.zero_()
    x = uniform("x", (1, 16, 12)).repeat(batch, 1, 1)
    order = TokenOrder(4, 4, 4, x.device)
    branch = block(x, order, 0) - x
    before = torch.get_rng_state()
    dropped = block.train()(x, order, 0, generator=torch.Generator().manual_seed(0)) - x
    assert torch.equal(torch.get_rng_state(), before)
    factor = (dropped / branch).flatten(1)
    torch.testing.assert_close(factor, factor[:, :1].expand_as(factor))
    gone = factor[:, 0].abs() < 1e-6
    torch.testing.assert_close(factor[~gone], torch.full_like(factor[~gone], 1 / (1 - rate)))
    assert abs(gone.double().mean() - rate) < 5 * (rate * (1 - rate) / batch) ** 0.5


def test_the_body_draws_stochastic_depth_from_its_generator():
    network, x = fill(SwinIR(embed_dim=6, depths=(2,), num_heads=(1,), drop_path_rate=0.5)).train(), picture(8, 8, 8)

    def output(seed):
        network.generator = torch.Generator().manual_seed(seed)
        return network(x)

    before = torch.get_rng_state()
    assert torch.equal(output(1), output(1))
    assert not torch.equal(output(1), output(2))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"depths": (2,)}, "num_heads: expected"),
        ({"embed_dim": 9}, "embed_dim: expected"),
        ({"resi_connection": "2conv"}, "resi_connection: expected"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        SwinIR(**{"embed_dim": 8, "depths": (1, 1), "num_heads": (2, 2), **options})


def test_two_networks_share_one_body():
    assert issubclass(SwinIR, SwinBody) and issubclass(MaskedSwinIR, SwinBody)
