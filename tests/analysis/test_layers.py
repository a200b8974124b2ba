"""Names of layers: stable, numbered where a module runs several times, found by pattern, guessed where unknown."""

import pytest
import torch
from torch import nn

from analysis.layers import choose, stages, trace


class Net(nn.Module):
    """A body of two blocks, of which one runs twice, and an idle module."""

    def __init__(self):
        super().__init__()
        self.head = nn.Conv2d(3, 4, 3, padding=1)
        self.body = nn.ModuleList(nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU()) for _ in range(2))
        self.tail = nn.Conv2d(4, 3, 3, padding=1)
        self.idle = nn.Conv2d(3, 3, 1)

    def forward(self, x, scale=1):
        deep = self.head(x) * scale
        for block in (self.body[0], self.body[1], self.body[1]):
            deep = block(deep)
        return x + self.tail(deep)


@pytest.fixture
def layers():
    return trace(Net().eval(), torch.zeros(2, 3, 6, 5), scale=2)


def test_layers_are_named_in_the_order_in_which_they_end(layers):
    once = ["head", "body.0.0", "body.0.1", "body.0"]
    twice = [f"body.1{part}#{run}" for run in (1, 2) for part in (".0", ".1", "")]
    assert [layer.name for layer in layers] == [*once, *twice, "tail"]
    assert {layer.name: (layer.kind, layer.shape) for layer in layers}["body.0.1"] == ("ReLU", (4, 6, 5))


def test_tracing_leaves_no_hooks():
    net = Net().eval()
    net.tail.register_forward_hook(lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        trace(net, torch.zeros(1, 3, 4, 4))
    assert not any(module._forward_hooks for name, module in net.named_modules() if name != "tail")


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        (["tail", "head"], ["head", "tail"]),
        (["body.*"], ["body.0", "body.1#1", "body.1#2"]),
        (["body.*.*:ReLU"], ["body.0.1", "body.1.1#1", "body.1.1#2"]),
        (["body.1#2"], ["body.1#2"]),
        (["*:Conv2d"], ["head", "tail"]),
    ],
)
def test_patterns(layers, patterns, names):
    assert [layer.name for layer in choose(layers, patterns)] == names


@pytest.mark.parametrize(
    ("pattern", "message"),
    [("tial", "did you mean 'tail'"), ("idle", "'idle'"), ("body.*:Conv2d", "body")],
)
def test_a_pattern_that_names_nothing_is_an_error(layers, pattern, message):
    with pytest.raises(ValueError, match=message):
        choose(layers, ["head", pattern])


def test_an_idle_module_is_told_from_a_misspelt_one(layers):
    with pytest.raises(ValueError, match="did not run"):
        choose(layers, ["head", "idle"], {"head", "idle", "tail"})


def test_rows_for_each_image_are_told_from_other_tensors():
    class Windows(nn.Module):
        """First rows for each window, then a number, then text."""

        def forward(self, x):
            return x.reshape(len(x) * 4, -1)

    class Number(nn.Module):
        def forward(self, x):
            return x.sum()

    class Pair(nn.Module):
        def forward(self, x):
            return x, "text"

    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.windows, self.number, self.pair = Windows(), Number(), Pair()

        def forward(self, x):
            self.windows(x), self.number(x), self.pair(x)
            return x

    assert [(one.name, one.shape) for one in trace(Outer(), torch.zeros(2, 3, 4, 4))] == [("windows", (4, 12))]


def test_stages_of_an_unknown_network_are_its_outermost_features(layers):
    assert [layer.name for layer in stages(layers, (3, 6, 5))] == ["head", "body.0", "body.1#1", "body.1#2"]
    wrapped = nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 5, 1), nn.Conv2d(5, 3, 1)))
    found = stages(trace(wrapped, torch.zeros(1, 3, 4, 4)), (3, 4, 4))
    assert [layer.name for layer in found] == ["0.0", "0.1"]
    single = nn.Sequential(nn.Conv2d(3, 3, 1))
    assert [layer.name for layer in stages(trace(single, torch.zeros(1, 3, 4, 4)), (3, 4, 4))] == ["0"]
    assert stages([], (3, 4, 4)) == []
