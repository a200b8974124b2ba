"""One contract for every model of the installation: what its file states, and what its network does."""

import inspect

import pytest
import torch

from bench.models import cards, contract, model_specs

CONSTANTS = ("TITLE", "PAPER", "LICENCE", "network")
MODELS = [name for name, known in cards.models().items() if not cards.missing(known.get("LIBRARIES", ()))]


def untrained(name):
    return name if name in cards.classical() else f"{name}(weights=None)"


@pytest.mark.parametrize("name", cards.models())
def test_a_file_states_what_it_is(name):
    constants = cards.models()[name]
    for constant in CONSTANTS:
        assert constants.get(constant), constant
    if name in cards.classical():
        assert constants["LIBRARIES"] and "RECEPTIVE_FIELD" in constants
    else:
        assert constants["FACTS"].keys() == {"small", "full"}
    assert name in constants["__doc__"].lower() or constants["TITLE"].lower() in constants["__doc__"].lower()


@pytest.mark.parametrize("name", MODELS)
def test_every_parameter_has_a_default_and_a_label_names_its_model(name):
    model = model_specs.resolve(untrained(name))
    assert model.label == untrained(name) and not model.user_defined
    assert all(p.default is not inspect.Parameter.empty for p in inspect.signature(model.factory).parameters.values())
    assert model_specs.resolve(model.label).weights_hash == model.weights_hash


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
@torch.inference_mode()
def test_a_network_does_what_is_asked_of_those_from_outside(name):
    """Shape, range, finite values, the same again, the input left alone; alone or in a batch; in evaluation mode."""
    network = model_specs.load_model(untrained(name))
    assert not network.training
    contract.check(network, name, torch.device("cpu"))
    x = torch.rand(2, 3, 32, 40, generator=torch.Generator().manual_seed(0))
    keys = {"keys": [3, 4]} if getattr(network, "takes_keys", False) else {}
    both = network(x.clone(), **keys)
    assert both.shape == x.shape and both.dtype == torch.float32
    second = network(x[1:].clone(), **({"keys": [4]} if keys else {}))
    torch.testing.assert_close(both[1:], second, rtol=0, atol=1e-5)
