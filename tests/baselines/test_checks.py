"""Parameters that make no network are refused where it is made, by name and in one line."""

from importlib import import_module

import pytest

from baselines.checks import positive, share, switch, whole, wholes

SWIN = {"embed_dim": 8, "depths": (1,), "num_heads": (2,)}
WRONG = [
    ("dncnn", {"nc": 0}, "nc is 0, wanted a whole number from 1"),
    ("dncnn", {"nb": 1}, "nb is 1, wanted a whole number from 2"),
    ("dncnn", {"nb": 3.5}, "nb is 3.5, wanted a whole number from 2"),
    ("dncnn", {"in_nc": "3"}, "in_nc is '3', wanted a whole number from 1"),
    ("dncnn", {"out_nc": -1}, "out_nc is -1, wanted a whole number from 1"),
    ("idf", {"iterations": 0}, "iterations is 0, wanted a whole number from 1"),
    ("idf", {"iterations": 2.5}, "iterations is 2.5, wanted a whole number from 1"),
    ("idf", {"iterations": "abc"}, "iterations is 'abc', wanted a whole number from 1"),
    ("idf", {"hidden_channels": True}, "hidden_channels is True, wanted a whole number from 1"),
    ("idf", {"power_alpha": -3}, "power_alpha is -3, wanted a number above 0"),
    ("idf", {"power_alpha": None}, "power_alpha is None, wanted a number above 0"),
    ("rnan", {"rgb_range": 0}, "rgb_range is 0, wanted a number above 0"),
    ("rnan", {"n_feats": 1}, "n_feats is 1, wanted a whole number from 2"),
    ("rnan", {"n_resgroups": "4"}, "n_resgroups is '4', wanted a whole number from 2"),
    ("ridnet", {"rgb_range": float("inf")}, "rgb_range is inf, wanted a number above 0"),
    ("ridnet", {"n_feats": 0}, "n_feats is 0, wanted a whole number from 1"),
    ("ridnet", {"reduction": 0}, "reduction is 0, wanted a whole number from 1"),
    ("ridnet", {"n_feats": 8}, "reduction is 16, wanted at most n_feats, 8"),
    ("swinir", {**SWIN, "window_size": 0}, "window_size is 0, wanted a whole number from 1"),
    ("swinir", {**SWIN, "in_chans": 0}, "in_chans is 0, wanted a whole number from 1"),
    ("swinir", {**SWIN, "num_heads": (0,)}, "an entry of num_heads is 0, wanted a whole number from 1"),
    ("swinir", {**SWIN, "depths": (0,)}, "an entry of depths is 0, wanted a whole number from 1"),
    ("swinir", {**SWIN, "depths": 2}, "depths is 2, wanted several whole numbers such as (1, 2)"),
    ("swinir", {**SWIN, "mlp_ratio": 0}, "mlp_ratio is 0, wanted a number above 0"),
    ("swinir", {**SWIN, "drop_path_rate": 1}, "drop_path_rate is 1, wanted a number from 0 to less than 1"),
    ("swinir", {**SWIN, "embed_dim": 2, "resi_connection": "3conv"}, "embed_dim is 2, wanted a whole number from 4"),
    ("ours", {**SWIN, "window_size": "8"}, "window_size is '8', wanted a whole number from 1"),
    ("ours", {**SWIN, "mask_samples": True}, "mask_samples is True, wanted a whole number from 1"),
    ("dropout", {**SWIN, "dropout": "0.5"}, "dropout is '0.5', wanted a number from 0 to less than 1"),
    ("restormer", {"dim": 0}, "dim is 0, wanted a whole number from 1"),
    ("restormer", {"heads": (0, 1, 1, 1)}, "an entry of heads is 0, wanted a whole number from 1"),
    ("restormer", {"num_blocks": 4}, "num_blocks is 4, wanted several whole numbers such as (1, 2)"),
    ("restormer", {"bias": "no"}, "bias is 'no', wanted True or False"),
    ("restormer", {"ffn_expansion_factor": "wide"}, "ffn_expansion_factor is 'wide', wanted a number above 0"),
]


@pytest.mark.parametrize(("name", "options", "words"), WRONG)
def test_a_network_names_the_parameter_that_is_wrong(name, options, words):
    with pytest.raises(ValueError) as error:
        import_module(f"baselines.{name}").network(**options)
    assert str(error.value) == words


def test_what_is_right_passes():
    whole(1, n=1)
    wholes(1, pairs=(1, 2), lists=[3])
    share(none=0, most=0.9)
    positive(a=1, b=0.5)
    switch(a=True, b=False)
