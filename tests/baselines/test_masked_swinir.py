"""The network of masked image training: the official one, and masks that repeat."""

import numpy as np
import pytest
import torch

from baselines import baseline, ours
from baselines.masked_swinir import MaskedSwinIR, infer
from tests.baselines.filled import check_gradients, check_official, count, fill, measure, names_hash, picture

TINY = {"embed_dim": 8, "depths": (2, 1), "num_heads": (2, 2), "drop_path_rate": 0.0}
BLOCKS = 3
KEYS = [0, 7, 2**128 - 1]


class OfficialMasks(MaskedSwinIR):
    """With the masks that the official code drew for the golden outputs."""

    def __init__(self, golden):
        super().__init__(attention_mask=75)
        self.golden = golden

    def _keyed_masks(self, image, random):
        size = {64 * 64: "64x64", 56 * 72: "50x70"}[image.shape[-2] * image.shape[-1]]
        for block in range(24):
            packed = self.golden[f"mask_{size}_{block:02}"]
            yield torch.from_numpy(np.unpackbits(packed, axis=1)[None, :, :64])


def masks_of(network, *inputs, **options):
    """(output, the masks that the blocks took, in their order)."""
    taken = []
    hooks = [
        block.register_forward_pre_hook(lambda _, arguments: taken.append(arguments[3]))
        for layer in network.layers
        for block in layer.residual_group.blocks
    ]
    with torch.no_grad():
        output = network(*inputs, **options)
    for hook in hooks:
        hook.remove()
    return output, taken


def masked(**options):
    return fill(MaskedSwinIR(**TINY, **{"attention_mask": 60, **options}))


@pytest.mark.slow
def test_baseline_is_the_official_network(shared):
    check_official(shared, "md_swinir_baseline", MaskedSwinIR())


@pytest.mark.slow
def test_masked_is_the_official_network(shared):
    with np.load(shared / "golden" / "arch" / "md_swinir_mask.npz") as golden:
        check_official(shared, "md_swinir_mask", OfficialMasks(dict(golden)))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [-0.2896505189, 0.4082567687, -0.132882807, 0.1443946063, 0.05921876384, -0.7569845247]),
        (
            {"attention_mask": 75},
            [-0.3002246751, 0.4128757787, -0.1505665751, 0.1558746528, 0.05111349855, -0.8143381477],
        ),
        (
            {"attention_mask": 75, "mask_samples": 3, "resi_connection": "1conv", "window_size": 4},
            [-0.225998818, 1.009553103, -1.241034336, 0.8464004979, -0.4802542559, -1.392154267],
        ),
    ],
)
def test_output_on_known_weights(options, expected):
    """With a mask these numbers hold as long as NumPy keeps Philox's floats."""
    assert measure(fill(MaskedSwinIR(**{**TINY, **options}))) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize(
    ("module", "size", "parameters", "names"),
    [
        (ours, "full", 824_118, "4343d4ad0703484f"),
        (baseline, "full", 824_118, "4343d4ad0703484f"),
        (ours, "small", 111_075, "6c743fc5eeff6e95"),
        (baseline, "small", 111_075, "6c743fc5eeff6e95"),
    ],
)
def test_names_and_shapes(module, size, parameters, names):
    network = module.network(**module.SIZES[size])
    assert (count(network), names_hash(network)) == (parameters, names)


def test_ours_is_the_baseline_with_masks():
    assert ours.SIZES["full"] == {**baseline.SIZES["full"], "attention_mask": 75}
    assert ours.RECIPE["paper"] == {"input_mask": (75, 85)}
    assert all(ours.network(**options).takes_keys for options in ours.SIZES.values())
    assert not any(baseline.network(**options).takes_keys for options in baseline.SIZES.values())


def test_there_is_no_way_around_the_transformer():
    network, x = masked(), picture(9, 13, batch=2)
    network.conv_last.weight.data.zero_()
    network.conv_last.bias.data.zero_()
    expected = torch.tensor([0.4488, 0.4371, 0.4040]).double().view(1, 3, 1, 1).expand_as(x)
    torch.testing.assert_close(network(x), expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("inference", [False, True])
def test_same_keys_give_the_same_output_bit_for_bit(inference):
    network, x = masked(), picture(11, 20, batch=3)
    with torch.inference_mode(inference):
        first = network(x, keys=KEYS)
        torch.manual_seed(3)
        assert torch.equal(network(x, keys=KEYS), first)
        assert torch.equal(masked()(x, keys=KEYS), first)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@torch.inference_mode()
def test_an_output_does_not_depend_on_the_batch(dtype):
    network, x = masked().to(dtype), picture(11, 20, batch=3).to(dtype)
    singly = torch.cat([network(image[None], keys=[key]) for image, key in zip(x, KEYS, strict=True)])
    torch.testing.assert_close(network(x, keys=KEYS), singly, rtol=0, atol=1e-6)
    torch.testing.assert_close(network(x.flip(0), keys=KEYS[::-1]).flip(0), singly, rtol=0, atol=1e-6)


def test_different_keys_give_different_outputs():
    network, x = masked(), picture(11, 20)
    outputs = [network(x, keys=[key]) for key in (0, 1, 2, 2**64, 2**64 + 1)]
    for i, output in enumerate(outputs):
        for other in outputs[:i]:
            assert (output - other).abs().max() > 1e-3


def test_without_keys_every_image_has_key_zero():
    network, x = masked(), picture(11, 20, batch=2)
    assert torch.equal(network(x), network(x, keys=[0, 0]))
    assert not torch.equal(network(x), network(x, keys=[0, 1]))


@pytest.mark.parametrize("percent", [10, 75, 99.5])
def test_so_many_tokens_are_kept(percent):
    _, masks = masks_of(masked(attention_mask=percent), picture(64, 80, batch=2), keys=[1, 2])
    assert [mask.shape for mask in masks] == [(2, 80, 64)] * BLOCKS
    kept = torch.stack(masks).double().flatten(2)  # (blocks, B, tokens)
    wanted, draws = 1 - percent / 100, kept.shape[-1]
    error = (wanted * (1 - wanted) / draws) ** 0.5
    assert (kept.mean(-1) - wanted).abs().max() < 5 * error
    assert ((kept == 0) | (kept == 1)).all()
    flat = kept.flatten(0, 1)  # each block and each image has a mask of its own
    for i in range(len(flat)):
        for j in range(i):
            together = (flat[i] * flat[j]).mean() - wanted**2
            assert together.abs() < 5 * (wanted**2 * (1 - wanted**2) / draws) ** 0.5


def test_samples_are_averaged():
    x = picture(11, 20, batch=2)
    together, masks = masks_of(masked(mask_samples=4), x, keys=[3, 4])
    assert len(masks) == 4 * BLOCKS

    class Given(MaskedSwinIR):
        def _keyed_masks(self, image, random):
            return iter(self.masks)

    network, outputs = fill(Given(**TINY, attention_mask=60)), []
    for sample in range(4):
        network.masks = masks[sample * BLOCKS : (sample + 1) * BLOCKS]
        outputs.append(network(x).detach())
    torch.testing.assert_close(together, torch.stack(outputs).mean(0))
    torch.testing.assert_close(outputs[0], masked()(x, keys=[3, 4]).detach())
    assert min((a - b).abs().max() for i, a in enumerate(outputs) for b in outputs[:i]) > 1e-3


def test_masks_can_be_left_off_at_test_time():
    network, x = masked(mask_at_test=False, mask_samples=3), picture(11, 20, batch=2)
    assert not network.takes_keys
    assert torch.equal(network(x, keys=[5, 6]), fill(MaskedSwinIR(**TINY))(x))
    assert masks_of(network.train(), x)[1][0] is not None  # training masks all the same


def test_training_draws_masks_from_the_network_s_generator():
    network, x = masked(mask_samples=5).train(), picture(16, 24, batch=2)

    def output(seed):
        network.generator = torch.Generator().manual_seed(seed)
        return masks_of(network, x)

    before = torch.get_rng_state()
    (first, masks), (second, _), (other, _) = output(3), output(3), output(4)
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)
    assert len(masks) == BLOCKS  # no averaging in training
    kept = torch.stack([mask.double().mean() for mask in masks])
    assert (kept - 0.4).abs().max() < 5 * (0.24 / masks[0].numel()) ** 0.5
    assert not torch.equal(masks[0], masks[1]) and not torch.equal(masks[0][0], masks[0][1])


def test_the_unmasked_baseline_takes_no_masks():
    network = fill(MaskedSwinIR(**TINY))
    assert masks_of(network, picture(8, 8))[1] == [None] * BLOCKS
    assert masks_of(network.train(), picture(8, 8))[1] == [None] * BLOCKS


@pytest.mark.parametrize("keys", [[], [1], [1, 2, 3]])
@pytest.mark.parametrize("options", [{}, {"mask_at_test": False}, {"attention_mask": 0}])
def test_wrong_number_of_keys_is_an_error(keys, options):
    with pytest.raises(ValueError, match="keys: expected"):
        masked(**options)(picture(8, 8, batch=2), keys=keys)


@pytest.mark.parametrize("percent", [-1, 100, 101])
def test_attention_mask_is_a_percentage(percent):
    with pytest.raises(ValueError, match="attention_mask: expected"):
        MaskedSwinIR(**TINY, attention_mask=percent)


@pytest.mark.parametrize("samples", [0, 1.5, 2.0])
def test_at_least_one_whole_sample_is_taken(samples):
    with pytest.raises(ValueError, match="mask_samples: expected"):
        MaskedSwinIR(**TINY, mask_samples=samples)


@pytest.mark.parametrize("switch", ["no", 0, None])
def test_mask_at_test_is_a_switch(switch):
    with pytest.raises(ValueError, match="mask_at_test: expected"):
        MaskedSwinIR(**TINY, mask_at_test=switch)


@pytest.mark.parametrize("size", [(8, 8), (9, 31)])
def test_any_size(size):
    assert masked()(picture(*size)).shape == (1, 3, *size)


def test_gradients_reach_every_weight():
    torch.manual_seed(0)
    check_gradients(MaskedSwinIR(**TINY, attention_mask=50))


# Input mask on tokens


@pytest.mark.parametrize("token", ["zero", "learned"])
def test_hidden_tokens_become_the_mask_token(token):
    """What the blocks get where a token is hidden; elsewhere the embedding, which sees its own pixel alone."""
    network = masked(attention_mask=0, mask_token=token).train()
    x, hidden = picture(8, 16, batch=2), torch.zeros(2, 1, 8, 16)
    hidden[0, 0, :3, 5:9] = hidden[1, 0, 7] = 1
    given = []
    network.layers[0].register_forward_pre_hook(lambda _, arguments: given.append(arguments[0].view(2, 8, 16, 8)))
    plain, _ = network(x), network(x, hidden=hidden)
    where = hidden[:, 0].bool()
    wanted = torch.zeros(8) if token == "zero" else network.mask_token
    assert torch.equal(given[1][where], wanted.to(given[1]).expand(int(where.sum()), 8))
    assert torch.equal(given[1][~where], given[0][~where])
    assert not torch.equal(network(x, hidden=hidden), plain)
    assert torch.equal(network(x, hidden=torch.zeros(2, 1, 8, 16)), plain)


def test_what_is_hidden_reaches_no_output():
    """No skip leads around the tokens: with all hidden the output does not depend on the input."""
    network, hidden = masked(attention_mask=0).train(), torch.ones(1, 1, 8, 8)
    assert torch.equal(network(picture(8, 8), hidden=hidden), network(1 - picture(8, 8), hidden=hidden))


def test_hidden_tokens_of_an_odd_size():
    network = masked(attention_mask=0).train()
    assert network(picture(9, 13), hidden=torch.ones(1, 1, 9, 13)).shape == (1, 3, 9, 13)


def test_a_learned_mask_token_is_a_parameter_that_tensors_show():
    learned = MaskedSwinIR(**TINY, mask_token="learned")
    assert learned.state_dict().keys() - MaskedSwinIR(**TINY).state_dict().keys() == {"mask_token"}
    assert infer(learned.state_dict())["mask_token"] == "learned"
    assert "mask_token" not in infer(MaskedSwinIR(**TINY).state_dict())
    with pytest.raises(ValueError, match="mask_token: expected"):
        MaskedSwinIR(**TINY, mask_token="mean")
