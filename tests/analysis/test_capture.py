"""Features are copies that nothing later touches; hooks go; a layer that gives no features is named with the reason."""

import pytest
import torch
from torch import nn

from analysis.capture import capture


class Net(nn.Module):
    """The traps: a ReLU in place, a block that runs twice, an idle layer, a tuple, batch-less and integer outputs."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.twice = nn.Conv2d(4, 4, 1)
        self.idle = nn.Conv2d(3, 3, 1)
        self.pair, self.total, self.places = Pair(), Total(), Places()

    def forward(self, x, shift=0):
        deep = self.relu(self.first(x))
        self.pair(deep), self.total(deep), self.places(deep)
        return self.twice(self.twice(deep)).add_(shift)


class Pair(nn.Module):
    def forward(self, x):
        return x, x


class Total(nn.Module):
    def forward(self, x):
        return x.sum()


class Places(nn.Module):
    def forward(self, x):
        return x.argmax(1)


@pytest.fixture
def net():
    torch.manual_seed(0)
    return Net().eval()


@pytest.fixture
def x():
    return torch.randn(3, 3, 5, 6, generator=torch.Generator().manual_seed(1))


@pytest.mark.slow
def test_features_are_what_the_layers_give_by_hand(net, x):
    with torch.no_grad():
        first = net.first(x)
        middle = net.twice(first.relu())
        last = net.twice(middle)
    taken = capture(net, ["first", "relu", "twice#1", "twice#2"])(x, shift=7)
    assert list(taken) == ["first", "relu", "twice#1", "twice#2"]
    for name, by_hand in zip(taken, (first, first.relu(), middle, last), strict=True):
        torch.testing.assert_close(taken[name], by_hand.flatten(1), rtol=0, atol=1e-6)
    assert taken["first"].min() < 0  # what ReLU wrote in place did not reach it


def test_hooks_are_gone_after_a_run_and_after_a_failure(net, x):
    features = capture(net, ["first"])
    features(x)
    with pytest.raises(RuntimeError):
        features(torch.zeros(1, 1, 5, 5))
    assert not any(module._forward_hooks for module in net.modules())


def test_rows_of_one_image_are_joined():
    class Windows(nn.Module):
        def forward(self, x):
            return x.reshape(len(x) * 2, -1)

    x = torch.arange(24.0).reshape(2, 3, 2, 2)
    assert torch.equal(capture(nn.Sequential(Windows()).eval(), ["0"])(x)["0"], x.flatten(1))


def test_channels_last_outputs_keep_their_order(x):
    net = nn.Sequential(nn.Conv2d(3, 4, 1)).to(memory_format=torch.channels_last).eval()
    with torch.no_grad():
        by_hand = net(x)
    assert torch.equal(capture(net, ["0"])(x)["0"], by_hand.contiguous().view(3, -1))


def test_half_precision_becomes_single_and_double_stays(x):
    for given, kept in ((torch.bfloat16, torch.float32), (torch.float64, torch.float64)):
        net = nn.Sequential(nn.Conv2d(3, 4, 1)).to(given).eval()
        assert capture(net, ["0"])(x.to(given))["0"].dtype == kept


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("frist", "did you mean 'first'"),
        ("first#x", "first#1"),
        ("idle", "'idle' did not run"),
        ("twice", "twice#1 to twice#2"),
        ("twice#3", "'twice#3'"),
        ("pair", "got tuple"),
        ("total", "first axis"),
        ("places", "got torch.int64"),
    ],
)
def test_layers_without_features_are_errors(net, x, layer, message):
    with pytest.raises(ValueError, match=message):
        capture(net, [layer])(x)


def test_no_layer_and_training_mode_are_errors(net, x):
    with pytest.raises(ValueError, match="got none"):
        capture(net, [])
    with pytest.raises(ValueError, match="training mode"):
        capture(net.train(), ["first"])(x)


def test_a_changed_shape_is_an_error(net, x):
    features = capture(net, ["first"])
    features(x)
    features(x[:1])  # fewer images are well
    with pytest.raises(ValueError, match=r"\(4, 5, 6\).*\(4, 5, 5\)"):
        features(x[..., :5])


def test_values_that_are_not_finite_are_an_error(net, x):
    with pytest.raises(ValueError, match="'first'.*NaN"):
        capture(net, ["first"])(x.fill_(torch.inf))
