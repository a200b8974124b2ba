"""Constructors refuse invalid parameters by name, in one line."""

from importlib import import_module

import pytest

from baselines.layers.validation import boolean, fraction, integer, integers, positive

SWIN = {"embed_dim": 8, "depths": (1,), "num_heads": (2,)}
WRONG = [
    ("dncnn", {"nc": 0}, "nc"),
    ("dncnn", {"nb": 1}, "nb"),
    ("dncnn", {"nb": 3.5}, "nb"),
    ("dncnn", {"in_nc": "3"}, "in_nc"),
    ("dncnn", {"out_nc": -1}, "out_nc"),
    ("dncnn", {"bias_free": 1}, "bias_free"),
    ("adnet", {"nc": 0}, "nc"),
    ("ffdnet", {"nb": 1}, "nb"),
    ("ffdnet", {"nc": 0}, "nc"),
    ("idf", {"iterations": 0}, "iterations"),
    ("idf", {"iterations": 2.5}, "iterations"),
    ("idf", {"iterations": "abc"}, "iterations"),
    ("idf", {"hidden_channels": True}, "hidden_channels"),
    ("idf", {"power_alpha": -3}, "power_alpha"),
    ("idf", {"power_alpha": None}, "power_alpha"),
    ("rnan", {"rgb_range": 0}, "rgb_range"),
    ("rnan", {"n_feats": 1}, "n_feats"),
    ("rnan", {"n_resgroups": "4"}, "n_resgroups"),
    ("ridnet", {"rgb_range": float("inf")}, "rgb_range"),
    ("ridnet", {"n_feats": 0}, "n_feats"),
    ("ridnet", {"reduction": 0}, "reduction"),
    ("ridnet", {"n_feats": 8}, "reduction"),
    ("swinir", {**SWIN, "window_size": 0}, "window_size"),
    ("swinir", {**SWIN, "in_chans": 0}, "in_chans"),
    ("swinir", {**SWIN, "num_heads": (0,)}, "num_heads"),
    ("swinir", {**SWIN, "depths": (0,)}, "depths"),
    ("swinir", {**SWIN, "depths": 2}, "depths"),
    ("swinir", {**SWIN, "mlp_ratio": 0}, "mlp_ratio"),
    ("swinir", {**SWIN, "drop_path_rate": 1}, "drop_path_rate"),
    ("swinir", {**SWIN, "embed_dim": 2, "resi_connection": "3conv"}, "embed_dim"),
    ("ours", {**SWIN, "window_size": "8"}, "window_size"),
    ("ours", {**SWIN, "mask_samples": True}, "mask_samples"),
    ("dropout", {**SWIN, "dropout": "0.5"}, "dropout"),
    ("restormer", {"dim": 0}, "dim"),
    ("nlm", {"patch_size": True}, "patch_size"),
    ("tv", {"eps": float("nan")}, "eps"),
    ("tv", {"weight": "1"}, "weight"),
    ("wavelet", {"wavelet_levels": True}, "wavelet_levels"),
    ("restormer", {"heads": (0, 1, 1, 1)}, "heads"),
    ("restormer", {"num_blocks": 4}, "num_blocks"),
    ("restormer", {"bias": "no"}, "bias"),
    ("restormer", {"ffn_expansion_factor": "wide"}, "ffn_expansion_factor"),
]


@pytest.mark.parametrize(("name", "options", "parameter"), WRONG)
def test_a_network_names_the_invalid_parameter(name, options, parameter):
    with pytest.raises(ValueError, match=rf"^{parameter}\b"):
        import_module(f"baselines.{name}").network(**options)


def test_valid_values_pass():
    integer(1, n=1)
    integers(1, pairs=(1, 2), lists=[3])
    fraction(zero=0, high=0.9)
    positive(a=1, b=0.5)
    boolean(a=True, b=False)


def test_the_message_has_the_expected_and_the_actual_value():
    with pytest.raises(ValueError, match="^n: expected an integer of at least 2, got 1$"):
        integer(2, n=1)
