"""Weights: read strictly, refused in one clear line, and nothing in a file is executed."""

import hashlib
import json
import os
import pickle
import re

import pytest
import safetensors.torch
import torch

from baselines.dncnn import DnCNN
from baselines.idf import IDF
from baselines.masked_swinir import MaskedSwinIR
from baselines.weights_io.checkpoints import load_strictly, read_weights, write_weights
from tests.baselines.filled import fill, picture

TINY = {"nc": 4, "nb": 3}
SWIN = {"embed_dim": 8, "depths": (2,), "num_heads": (2,)}


def known(**options):
    """A network with known weights, float32."""
    return fill(DnCNN(**TINY, **options)).float()


def saved(content, path, **options):
    torch.save(content, path, **options)
    return path


def same(found, expected):
    return found.keys() == expected.keys() and all(torch.equal(found[key], value) for key, value in expected.items())


class Harm:
    """Pickles into a call that leaves a trace."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


@pytest.mark.parametrize("wrapper", ["params_ema", "params", "state_dict", "model_state_dict"])
def test_wrappers_are_taken_off(tmp_path, wrapper):
    state = known().state_dict()
    content = {"epoch": 3, wrapper: state, "optimizer": {"state": {0: torch.ones(2)}}, "rate": torch.ones(1)}
    assert same(read_weights(saved(content, tmp_path / "a.pth")), state)


def test_the_average_comes_before_the_last_weights(tmp_path):
    state, last = known().state_dict(), DnCNN(**TINY).state_dict()
    assert same(read_weights(saved({"params": last, "params_ema": state}, tmp_path / "a.pth")), state)


class Foreign:
    """A class of a trainer's."""


@pytest.mark.parametrize(
    "content",
    [
        {"model": {"state_dict": "here"}, "step": 3},
        {"ema_state_dict": "here", "state_dict": "other", "step": 3},
        {"weights of the network": "here", "options": {"rate": 0.1}},
        {"net": {"params_ema": "here", "params": "other"}},
        {"model": {"name": "dncnn", "sizes": {"nc": 4}}, "weights": "here"},
        {"params_ema": {}, "params": {"rate": 0.1}, "state_dict": "here"},
        {"args": Foreign(), "model": {"state_dict": "here", "name": "dncnn"}},
        {"args": Foreign(), "model": {"network": {"params": "here"}}},
        {"args": Foreign(), "model": {"name": "dncnn"}, "weights": "here"},
    ],
)
def test_wrappers_inside_wrappers(tmp_path, content):
    sets = {"here": known().state_dict(), "other": DnCNN(**TINY).state_dict()}

    def fill_in(value):
        return {k: fill_in(v) for k, v in value.items()} if isinstance(value, dict) else sets.get(value, value)

    assert same(read_weights(saved(fill_in(content), tmp_path / "a.pth")), sets["here"])


@pytest.mark.parametrize("more", [{}, {"args": Foreign()}])
def test_dictionaries_that_hold_themselves_come_to_an_end(tmp_path, more):
    state = known().state_dict()
    content = {"model": {"name": "dncnn"}, **more}
    content["model"]["model"] = content["net"] = content
    with pytest.raises(ValueError, match="tensors by name"):
        read_weights(saved(content, tmp_path / "a.pth"))
    content["weights"] = state
    assert same(read_weights(saved(content, tmp_path / "a.pth")), state)


def test_of_several_sets_none_is_chosen(tmp_path):
    path = saved({str(level): known().state_dict() for level in range(0, 50, 5)}, tmp_path / "a.pth")
    with pytest.raises(ValueError, match=r"a.pth: .*10 \(0, 5, 10, 15, 20, ...\)"):
        read_weights(path)


@pytest.mark.parametrize("options", [{}, {"_use_new_zipfile_serialization": False}])
def test_trainers_own_objects_are_left_aside(tmp_path, options):
    """As Lightning writes: hyper-parameters, callbacks, loops; here with a class that `torch.load` refuses."""
    state = known().state_dict()
    content = {
        "epoch": 3,
        "state_dict": {f"model.{key}": value for key, value in state.items()},
        "hyper_parameters": {"config": Foreign(), "rate": 0.1},
        "callbacks": {"ModelCheckpoint": {"best": torch.tensor(0.5), "path": Foreign()}},
        "optimizer_states": [{"state": {0: torch.ones(2)}}],
    }
    network = DnCNN(**TINY)
    load_strictly(network, read_weights(saved(content, tmp_path / "a.ckpt", **options)), "a.ckpt")
    assert same(network.state_dict(), state)


def test_values_that_are_not_finite_are_refused():
    state = known().state_dict()
    state["model.2.bias"][1] = float("nan")
    with pytest.raises(ValueError, match="a.pth, model.2.bias: .*finite"):
        load_strictly(DnCNN(**TINY), state, "a.pth")


def test_values_that_the_networks_type_cannot_hold_are_refused():
    state = {key: value.double() * 1e300 for key, value in known().state_dict().items()}
    with pytest.raises(ValueError, match="a.pth, model.0.weight: .*float32"):
        load_strictly(DnCNN(**TINY), state, "a.pth")


@pytest.mark.parametrize(
    ("change", "came"),
    [
        (lambda bias: (100 * bias).to(torch.int8), "int8"),
        (lambda bias: bias.to(torch.float8_e4m3fn), "float8_e4m3fn"),
        (lambda bias: bias.to("meta"), "without values"),
    ],
)
def test_what_is_no_weight_is_refused(change, came):
    state = known().state_dict()
    state["model.2.bias"] = change(state["model.2.bias"])
    with pytest.raises(ValueError, match=f"a.pth, model.2.bias: .*{came}"):
        load_strictly(DnCNN(**TINY), state, "a.pth")


def test_tensors_that_are_not_plain_numbers_are_refused(tmp_path):
    for value, words in (
        (torch.ones(2, 2).to_sparse(), "sparse, quantized or complex"),
        (torch.ones(2, dtype=torch.complex64), "sparse, quantized or complex"),
        (torch.ones(1).expand(10**6, 10**6), "1000000000000 numbers"),
    ):
        with pytest.raises(ValueError, match=f"a.pth, w: .*{words}"):
            read_weights(saved({"w": value}, tmp_path / "a.pth"))


def test_counters_of_operations_are_left_aside():
    state = known().state_dict()
    extra = {"total_ops": torch.zeros(1), "model.0.total_params": torch.zeros(1)}
    network = DnCNN(**TINY)
    load_strictly(network, {**state, **extra}, "a.pth")
    assert same(network.state_dict(), state)


@pytest.mark.parametrize("prefix", ["module.", "model.module.", "network.", "model."])
@pytest.mark.parametrize("wrapped", [False, True])
def test_prefixes_are_taken_off(tmp_path, prefix, wrapped):
    """DnCNN's own names begin with `model.` too: what fits the network decides."""
    state = known().state_dict()
    content = {prefix + key: value for key, value in state.items()}
    network = DnCNN(**TINY)
    path = saved({"state_dict": content} if wrapped else content, tmp_path / "a.pth")
    load_strictly(network, read_weights(path), path.name)
    assert same(network.state_dict(), state)


def test_a_prefix_of_some_keys_only_is_no_wrapper():
    state = {"module." + key if place else key: v for place, (key, v) in enumerate(known().state_dict().items())}
    with pytest.raises(ValueError, match=r"5 \(model.0.bias.*5 \(module.model.0"):
        load_strictly(DnCNN(**TINY), state, "a.pth")


@pytest.mark.parametrize("options", [{}, {"_use_new_zipfile_serialization": False}])
def test_formats_of_torch(tmp_path, options):
    state = known().state_dict()
    assert same(read_weights(saved(state, tmp_path / "a.pth", **options)), state)


def test_published_lightning_checkpoint(shared):
    """Its pickle names classes of packages that are not installed; its keys begin with `model.`."""
    network, file = IDF().eval(), "idf_g_15_50.ckpt"
    load_strictly(network, read_weights(shared / "weights" / file), file)
    x = picture(32, 32).float()
    noisy = x + 15 / 255 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert (network(noisy) - noisy).std() > 0.02  # it does something, which random weights hardly do


def test_missing_unknown_and_misshapen_keys_are_named():
    network, state = DnCNN(**TINY), known().state_dict()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    for name in ("model.0.weight", "model.4.bias"):
        del state[name]
    state |= {"head.weight": torch.ones(1), "model.2.weight": torch.ones(3, 4, 4, 3)}
    with pytest.raises(ValueError) as error:
        load_strictly(network, state, "a.pth")
    for part in (
        "a.pth",
        "DnCNN",
        "2 (model.0.weight, model.4.bias)",
        "1 (head.weight)",
        "model.2.weight: ",
        "(4, 4, 3, 3), got (3, 4, 4, 3)",
    ):
        assert part in str(error.value)
    assert same(network.state_dict(), before)


def test_only_the_first_keys_are_named():
    with pytest.raises(ValueError) as error:
        load_strictly(DnCNN(), {f"k{i}": torch.ones(1) for i in range(9)}, "a.pth")
    assert "40 (model.0.weight, model.0.bias, model.2.weight, ...)" in str(error.value)
    assert "9 (k0, k1, k2, ...)" in str(error.value)
    assert len(str(error.value)) < 200


def test_a_scalar_does_not_stand_for_a_vector():
    state = known().state_dict()
    state["model.0.bias"] = torch.tensor(0.5)
    with pytest.raises(ValueError, match=r"model.0.bias: expected \(4,\), got \(\)"):
        load_strictly(DnCNN(**TINY), state, "a.pth")


def test_derived_buffers_may_be_absent_or_superfluous():
    network = known(act_mode="BR")
    state = {k: v for k, v in network.state_dict().items() if not k.endswith("num_batches_tracked")}
    fresh = DnCNN(**TINY, act_mode="BR")
    load_strictly(fresh, state, "a.pth")
    assert same({k: v for k, v in fresh.state_dict().items() if k in state}, state)
    state["model.3.num_batches_tracked"] = torch.tensor(7)
    load_strictly(fresh, state, "a.pth")
    assert fresh.model[3].num_batches_tracked == 7

    swin = fill(MaskedSwinIR(**SWIN))
    block = "layers.0.residual_group.blocks.1."
    extra = {
        f"{block}attn.relative_position_index": torch.zeros(64, 64, dtype=torch.long),
        f"{block}attn_mask": torch.ones(64, 64, 64),
    }
    fresh = MaskedSwinIR(**SWIN).double().eval()
    load_strictly(fresh, {**swin.state_dict(), **extra}, "a.pth")
    assert torch.equal(fresh(picture(16, 16)), swin(picture(16, 16)))


def test_running_statistics_are_not_derived():
    state = known(act_mode="BR").state_dict()
    del state["model.3.running_var"]
    with pytest.raises(ValueError, match=r"1 \(model\.3\.running_var\)"):
        load_strictly(DnCNN(**TINY, act_mode="BR"), state, "a.pth")


def test_written_weights_come_back_in_half_precision(tmp_path):
    network, path = known(act_mode="BR"), tmp_path / "a-small.safetensors"
    state = {**network.state_dict(), "model.0.weight": network.model[0].weight.detach().transpose(2, 3)}
    write_weights(state, path, {"name": "a-small", "title": "Ä"})
    found = read_weights(path)
    assert same(found, {k: v.half() if v.is_floating_point() else v for k, v in state.items()})
    assert found["model.3.num_batches_tracked"].dtype == torch.int64
    fresh = DnCNN(**TINY, act_mode="BR")
    load_strictly(fresh, found, path.name)
    assert {value.dtype for value in fresh.parameters()} == {torch.float32}
    network.model[0].weight.data = state["model.0.weight"].contiguous()
    torch.testing.assert_close(fresh.eval()(picture(9, 9).float()), network(picture(9, 9).float()), rtol=0, atol=0.02)
    data = path.read_bytes()
    assert json.loads((tmp_path / "a-small.json").read_text()) == {
        "name": "a-small",
        "title": "Ä",
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
    }
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a-small.json", "a-small.safetensors"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path, state = tmp_path / "a.safetensors", known().state_dict()
    write_weights(state, path, {"name": "old"})
    before = path.read_bytes(), path.with_suffix(".json").read_bytes()

    def fails(tensors, file):
        file.write_bytes(b"half of it")
        raise OSError("no space left")

    monkeypatch.setattr(safetensors.torch, "save_file", fails)
    with pytest.raises(OSError, match="no space"):
        write_weights(DnCNN(**TINY).state_dict(), path, {"name": "new"})
    assert (path.read_bytes(), path.with_suffix(".json").read_bytes()) == before


def refusal(path):
    """The one line that a user gets to read."""
    with pytest.raises(ValueError) as error:
        read_weights(path)
    message = str(error.value)
    assert message.isprintable() and len(message) < 200 + len(str(path)), message  # one line, no escape codes
    assert path.name in message
    assert "weights_only" not in message and "miniz" not in message and "sys.path" not in message  # inner workings
    return message


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("content", ["missing", "folder", "empty", "text", "page", "zeros", "truncated"])
def test_what_is_no_checkpoint_is_refused(tmp_path, content, suffix):
    path = tmp_path / f"a{suffix}"
    state = known().state_dict()
    if content == "folder":
        path.mkdir()
    elif content == "truncated":
        saved(state, path) if suffix == ".pth" else safetensors.torch.save_file(state, path)
        path.write_bytes(path.read_bytes()[:-200])
    elif content != "missing":
        text = {"empty": b"", "text": b"hello\n", "page": b"<!DOCTYPE html>\n<html>", "zeros": bytes(500)}[content]
        path.write_bytes(text)
    words = {"missing": "does not exist", "folder": "folder|directory"}.get(content, "expected|damaged")
    assert re.search(words, refusal(path))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([torch.ones(2)], "got a list"),
        (torch.ones(2), "got a (Tensor|Parameter)"),
        ({"epoch": 3, "name": "x"}, "epoch, name"),
        ({}, "none"),
        ({"state_dict": {"a": 1}}, "state_dict"),
    ],
)
def test_what_holds_no_named_tensors_is_refused(tmp_path, content, words):
    assert re.search(words, refusal(saved(content, tmp_path / "a.pth")))


@pytest.mark.parametrize("form", ["zip", "legacy", "bare pickle", "beside weights", "renamed"])
def test_a_malicious_file_is_not_executed(tmp_path, form):
    trace = tmp_path / "trace"
    path = tmp_path / ("a.safetensors" if form == "renamed" else "a.pth")
    if form == "bare pickle":
        path.write_bytes(pickle.dumps({"params": Harm(trace)}, 2))
    else:
        state = known().state_dict() if form == "beside weights" else {}
        saved({**state, "harm": Harm(trace)}, path, _use_new_zipfile_serialization=form != "legacy")
    if form == "beside weights":  # its tensors may be taken, or it may be refused
        try:
            assert same(read_weights(path), state)
        except ValueError:
            refusal(path)
    else:
        refusal(path)
    assert not trace.exists()
    if form == "bare pickle":
        pickle.loads(path.read_bytes())
    else:
        torch.load(path.rename(tmp_path / "b.pth"), weights_only=False)
    assert trace.exists()  # the harm is real


def test_a_pickled_network_is_refused(tmp_path):
    refusal(saved(known(), tmp_path / "a.pth"))
