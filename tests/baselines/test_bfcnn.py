"""The bias-free DnCNN: no additive constant, the official outputs, and tensors of other published code."""

import numpy as np
import pytest
import torch

from baselines import bfcnn, dncnn
from baselines.bfcnn import BiasFreeDnCNN
from baselines.dncnn import BiasFreeBatchNorm, DnCNN
from baselines.weights_io.checkpoints import load_strictly
from baselines.weights_io.recognition import read
from tests.baselines.filled import check_gradients, fill, picture

TINY = {"nc": 8, "nb": 4}


@pytest.mark.parametrize("act_mode", ["R", "BR"])
@pytest.mark.parametrize("factor", [0.1, 7.0])
def test_the_output_scales_with_the_input(act_mode, factor):
    network, x = fill(BiasFreeDnCNN(**TINY, act_mode=act_mode), gain=1.4), picture(9, 12)
    assert not torch.allclose(network(x), x, atol=0.1)
    torch.testing.assert_close(network(factor * x), factor * network(x))
    with_constants = fill(DnCNN(**TINY, act_mode=act_mode), gain=1.4)
    assert not torch.allclose(with_constants(factor * x), factor * with_constants(x), rtol=0.01)


def test_it_is_a_switch_of_dncnn():
    state = BiasFreeDnCNN(**TINY).state_dict()
    network = DnCNN(**TINY, act_mode="BR", bias_free=True)
    network.load_state_dict(state)
    assert not [key for key in state if key.endswith(("bias", "running_mean"))]


def test_normalization_divides_by_the_deviation_and_subtracts_nothing():
    norm, x = BiasFreeBatchNorm(2), 3 + picture(5, 6, batch=2)[:, :2].float()
    norm.weight.data.copy_(torch.tensor([2.0, 0.5]))
    deviation = torch.stack([channel.std() for channel in x.transpose(0, 1)]).view(1, 2, 1, 1)
    weight = norm.weight.view(1, 2, 1, 1)
    torch.testing.assert_close(norm.train()(x), x / (deviation + 1e-5) * weight)
    running = 0.9 + 0.1 * deviation**2
    torch.testing.assert_close(norm.running_var.view(1, 2, 1, 1), running)
    torch.testing.assert_close(norm.eval()(x), x / (running.sqrt() + 1e-5) * weight)


@pytest.mark.parametrize("act_mode", ["R", "BR"])
def test_gradients_reach_every_weight(act_mode):
    torch.manual_seed(0)
    check_gradients(BiasFreeDnCNN(**TINY, act_mode=act_mode))


def of_bf_cnn(network, bias_free):
    """The tensors of a network under the names of BF-CNN's code, with what it stores besides."""
    found = {}
    for key, value in network.state_dict().items():
        layer, end = int(key.split(".")[1]), key.split(".")[2]
        if layer == 0:
            name = "first_layer"
        elif layer == 3 * 3 - 1:
            name = "last_layer"
        else:
            name = f"{'hidden' if layer % 3 == 2 else 'bn'}_layer_list.{(layer - 2) // 3}"
        found[f"{name}.{end}"] = value + 9e-5 if end == "running_var" and not bias_free else value
    if bias_free:
        for layer in range(2):
            found |= {f"bn_layer_list.{layer}.{end}": torch.ones(8) for end in ("bias", "running_mean")}
            found[f"bn_layer_list.{layer}.num_batches_tracked"] = torch.tensor(3)
    return found


@pytest.mark.parametrize("bias_free", [True, False])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_the_names_of_bf_cnn_are_known(bias_free, prefix):
    module = bfcnn if bias_free else dncnn
    network = fill(module.network(**TINY, act_mode="BR"))
    theirs = {prefix + key: value for key, value in of_bf_cnn(network, bias_free).items()}
    renamed = dncnn.renamed(theirs)
    found = module.infer(renamed)
    assert found.items() >= {"nc": 8, "nb": 4, "in_nc": 3, "act_mode": "BR"}.items()
    again = module.network(**found).double().eval()
    load_strictly(again, renamed, "a.pt")
    torch.testing.assert_close(again(picture(9, 12)), network(picture(9, 12)))


@pytest.mark.parametrize("prefix", ["module.dncnn.", "module.dncnn.dncnn.", "dncnn."])
def test_the_names_of_dncnn_pytorch_are_known(prefix):
    network = fill(DnCNN(**TINY, act_mode="BR", conv_bias=False))
    state = network.state_dict()
    theirs = {
        key.replace("model.", prefix): value + 9e-5 if key.endswith("running_var") else value
        for key, value in state.items()
    }
    renamed = dncnn.renamed(theirs)
    assert dncnn.infer(renamed)["conv_bias"] is False
    for key, value in state.items():
        torch.testing.assert_close(renamed[key], value)


def test_tensors_of_which_some_have_other_names_are_left_alone():
    theirs = {"dncnn.0.weight": torch.ones(4, 3, 3, 3), "noisecnn.0.weight": torch.ones(4, 3, 3, 3)}
    assert dncnn.renamed(theirs) is theirs


@pytest.mark.parametrize(("name", "module"), [("bias", dncnn), ("biasfree", bfcnn)])
def test_the_official_code_has_the_same_output(shared, name, module):
    """BF-CNN's code with its weights, trained on sigma 0-10."""
    tensors = read(shared / "weights" / "published" / f"bfcnn_dncnn_{name}_0-10.pt").tensors
    network = module.network(**module.infer(tensors)).eval()
    load_strictly(network, tensors, name)
    with np.load(shared / "golden" / "published" / "outputs.npz") as golden, torch.inference_mode():
        output, expected = network(torch.from_numpy(golden["grey"])), torch.from_numpy(golden[f"bfcnn_{name}_out"])
    torch.testing.assert_close(output, expected, rtol=0, atol=2e-6)
