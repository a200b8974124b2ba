"""The network of the stores in this folder. Its text is a part of the keys of their rows: leave it as it is."""

from torch import nn


class Average(nn.Module):
    """3x3 mean."""

    def forward(self, x):
        return nn.functional.avg_pool2d(nn.functional.pad(x, (1, 1, 1, 1), "reflect"), 3, 1)
