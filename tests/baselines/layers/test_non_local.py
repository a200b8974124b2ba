import pytest
import torch
from torch.autograd import gradcheck

from baselines.layers import non_local
from baselines.layers.non_local import query_normalized_attention


@pytest.fixture(params=[3, 48])
def block(monkeypatch, request):
    monkeypatch.setattr(non_local, "CPU_BLOCK", request.param)
    return request.param


def three(*shape, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(shape, dtype=dtype, generator=generator).requires_grad_() for _ in range(3)]


def plainly(query, key, value):
    return value @ (key.mT @ query).softmax(2)


def test_is_what_is_written_plainly_and_so_are_its_gradients(block):
    given = three(2, 3, 17)
    y, expected = query_normalized_attention(*given), plainly(*given)
    torch.testing.assert_close(y, expected)
    shade = torch.randn(y.shape, dtype=y.dtype, generator=torch.Generator().manual_seed(1))
    wanted = torch.autograd.grad((expected * shade).sum(), given)
    torch.testing.assert_close(torch.autograd.grad((y * shade).sum(), given), wanted)


def test_gradients_are_those_of_finite_differences(block):
    assert gradcheck(query_normalized_attention, three(2, 2, 7))


def test_autocast_and_half_precision_come_out_in_float32():
    given = three(1, 4, 50, dtype=torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        y = query_normalized_attention(*given)
    torch.testing.assert_close(y, plainly(*(x.float() for x in given)))
    y.sum().backward()
    assert given[0].grad.dtype == torch.bfloat16


def test_weights_are_never_all_there(monkeypatch):
    """On a CPU no tensor of the size of all weights is made, back and forth."""
    sizes = []
    weights = non_local._weights
    monkeypatch.setattr(non_local, "_weights", lambda *given: sizes.append((w := weights(*given)).shape) or w)
    query_normalized_attention(*three(2, 3, 100)).sum().backward()
    assert len(sizes) == 12  # 3 blocks of 2 images, and on the way back again
    assert max(size.numel() for size in sizes) == 48 * 100
