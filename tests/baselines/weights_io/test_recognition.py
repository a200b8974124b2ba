"""Networks are recognized, with all their sizes, by the names and shapes of their tensors."""

from importlib import import_module

import pytest
import torch

from baselines.weights_io import recognition
from baselines.weights_io.checkpoints import load_strictly, without_prefixes
from baselines.weights_io.infer_config import count, ratio
from tests.baselines.filled import fill, picture

SWIN = {"embed_dim": 12, "depths": (1, 3), "num_heads": (2, 3), "window_size": 4, "mlp_ratio": 1.5}
OTHERS = {
    "dncnn": [{"nc": 5, "nb": 4}, {"nc": 4, "nb": 3, "act_mode": "BR", "in_nc": 1, "out_nc": 1}, {"nc": 4, "nb": 2}],
    "swinir": [SWIN, {**SWIN, "in_chans": 1, "resi_connection": "3conv", "window_size": 7}],
    "ours": [SWIN, {**SWIN, "in_chans": 1, "resi_connection": "1conv", "window_size": 7}],
    "ridnet": [{"n_feats": 9, "reduction": 4}, {"n_feats": 8, "reduction": 2, "variant": "md", "rgb_range": 255}],
    "rnan": [{"n_feats": 4, "n_resgroups": 2}, {"n_feats": 6, "n_resgroups": 5}],
    "restormer": [
        {"dim": 6, "num_blocks": (1, 2, 1, 3), "num_refinement_blocks": 2, "heads": (1, 3, 2, 4), "bias": True},
        {"dim": 4, "num_blocks": (1, 1, 1, 1), "heads": (1, 1, 2, 2), "ffn_expansion_factor": 1.9,
         "LayerNorm_type": "WithBias", "inp_channels": 1, "out_channels": 1},
    ],
    "idf": [{"hidden_channels": 5}],
}  # fmt: skip
CASES = [(name, options) for name, several in OTHERS.items() for options in several]
CASES += [
    (name, size)
    for name in ("ours", "baseline", "dropout", "dncnn", "swinir", "ridnet", "rnan", "restormer", "idf")
    for size in import_module(f"baselines.{name}").SIZES.values()
    if name not in ("rnan", "restormer") or size  # the full ones of these are large
]
ALIKE = {"ours", "baseline", "dropout"}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "options"), CASES)
def test_sizes_are_read_from_the_tensors(name, options):
    """What is read, and what leaves no trace from the caller, make the same network again."""
    module = import_module(f"baselines.{name}")
    state = module.network(**options).state_dict()
    found = recognition.infer(module, state)
    unseen = {key: value for key, value in options.items() if key not in found}
    assert {key: found[key] for key in options if key in found} == {k: v for k, v in options.items() if k in found}
    load_strictly(module.network(**{**unseen, **found}), state, "a.pth")
    assert unseen.keys() <= {"attention_mask", "drop_path_rate"}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "options"), CASES)
def test_each_network_is_told_from_all_others(name, options):
    alike = recognition.find_matches(import_module(f"baselines.{name}").network(**options).state_dict())
    exact = {like.name for like in alike if like.share == 1}
    assert exact == (ALIKE if name in ALIKE else {name})


@pytest.mark.slow
def test_published_restormer_and_rnan_are_recognized():
    """Of the large networks the tensors' shapes alone, without their content."""
    for name in ("rnan", "restormer"):
        module = import_module(f"baselines.{name}")
        with torch.device("meta"):
            state = module.network().state_dict()
        assert recognition.infer(module, state).items() <= recognition.defaults(module.network).items()


@pytest.mark.parametrize("prefix", ["module.", "model.", "module.model.", "_orig_mod.", "netG.module."])
@pytest.mark.parametrize(("name", "options"), [CASES[0], CASES[3], ("idf", {"hidden_channels": 5})])
def test_prefixes_hide_no_network(name, options, prefix):
    state = import_module(f"baselines.{name}").network(**options).state_dict()
    (like,) = recognition.find_matches({prefix + key: value for key, value in state.items()})
    assert (like.name, like.share) == (name, 1) and options.items() <= like.parameters.items()


def test_prefixes_come_off_one_after_the_other():
    found = [list(named) for named in without_prefixes({"module.a.x": 1, "module.a.y": 2})]
    assert found == [["module.a.x", "module.a.y"], ["a.x", "a.y"], ["x", "y"]]
    assert [list(named) for named in without_prefixes({"module.a": 1, "b": 2})] == [["module.a", "b"]]


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("dncnn", {"nb": 17, "in_nc": 1, "out_nc": 1}, "a DnCNN of 17 layers for greyscale images"),
        ("dncnn", {"nb": 3, "in_nc": 4}, "a DnCNN of 3 layers for 4-channel images"),
        ("swinir", SWIN, "a SwinIR of (1, 3) blocks and 12 channels for colour images"),
        ("idf", {}, "an IDF of 64 channels for colour images"),
    ],
)
def test_a_network_in_words(name, options, words):
    (like,) = recognition.find_matches(import_module(f"baselines.{name}").network(**options).state_dict())
    assert str(like) == words


def test_an_error_tells_what_the_tensors_look_like():
    dncnn, swinir = (import_module(f"baselines.{name}").network for name in ("dncnn", "swinir"))
    state = dncnn(nb=17, in_nc=1, out_nc=1).state_dict()
    with pytest.raises(ValueError, match=r"a.pth: .*SwinIR.*66 \(.*a DnCNN of 17"):
        recognition.load_or_explain(swinir(**SWIN), state, "a.pth")
    with pytest.raises(ValueError, match="a DnCNN of 17 layers for greyscale images"):
        recognition.load_or_explain(dncnn(), state, "a.pth")
    with pytest.raises(ValueError) as error:
        recognition.load_or_explain(dncnn(nb=17), {**state, "extra": torch.ones(1)}, "a.pth")
    assert "looks like" not in str(error.value)  # it is a DnCNN, and what differs is said
    with pytest.raises(ValueError) as error:
        recognition.load_or_explain(dncnn(), {"stem.weight": torch.ones(1)}, "a.pth")
    assert "looks like" not in str(error.value)


@pytest.mark.parametrize(
    "tensors",
    [
        {},
        {"model.0.weight": torch.ones(3)},
        {"model.0.weight": torch.ones(2, 3, 3, 3), "model.x.weight": torch.ones(2, 3, 3, 3)},
        {"conv_first.weight": torch.ones(2, 3, 1, 1)},
        {"conv_first.weight": torch.ones(2, 3, 3, 3)},
        {"head.0.weight": torch.ones(0, 3, 3, 3), "b1.ca.c1.0.weight": torch.ones(0), "sub_mean.bias": torch.ones(3)},
        {"patch_embed.proj.weight": torch.ones(1), "output.weight": torch.tensor(1.0)},
    ],
)
def test_fragments_are_of_no_network(tensors):
    assert recognition.find_matches(tensors) == []


def test_a_network_far_larger_than_its_tensors_is_none():
    """Nothing is allocated for it."""
    state = import_module("baselines.dncnn").network(nc=4, nb=3).state_dict()
    state["model.0.weight"] = torch.ones(10**6, 1, 1, 1)
    assert recognition.find_matches(state) == []


@pytest.mark.parametrize("factor", [1.0, 1.5, 2.0, 2.66, 4.0, 2.125])
def test_a_ratio_is_found_from_rounded_widths(factor):
    widths = [48, 96, 192, 384]
    assert ratio([(width, int(width * factor)) for width in widths], usual=3.0) == factor


def test_the_usual_ratio_is_preferred_where_it_fits():
    assert ratio([(6, int(6 * 2.66))], usual=2.66) == 2.66
    assert ratio([(6, 15)], usual=2.0) == 2.5


def test_numbered_names_are_counted():
    names = ["a.0.w", "a.1.w", "a.2.0.w", "a.10.w", "a.x", "b.0"]
    assert (count(names, "a."), count(names, "b."), count(names, "c."), count([], "a.")) == (3, 1, 0, 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options"),
    [("baseline", {}), ("baseline", {"depths": (3, 1)}), ("swinir", {}), ("swinir", {"depths": (1, 2)}),
     ("dncnn", {}), ("dncnn", {"nb": 5})],
)  # fmt: skip
def test_the_receptive_field_is_what_gradients_reach(name, options):
    module = import_module(f"baselines.{name}")
    options = {**module.SIZES["small"], **options}
    network, side = fill(module.network(**options)).float(), 96
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    sides = set()
    for place in range(40, 48) if name != "dncnn" else (45,):  # each place in a window
        x = picture(side, side).float().requires_grad_()
        network(x)[0, :, place, place].sum().backward()
        reached = x.grad[0].abs().sum(0).sum(1).nonzero()[:, 0]
        sides.add((reached.max() - reached.min() + 1).item())
    assert max(sides) == module.receptive_field(**options)
