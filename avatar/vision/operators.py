"""TensorFlow Lite's operators in torch.

Pictures are [N, H, W, C] as in the files; convolutions see them as [N, C, H, W] in torch's
channels-last order, which is the same memory. "Same" padding puts the odd row and column at the
end, so that it is not torch's at stride 2.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

Pair = Sequence[int]


def add(a: Tensor, b: Tensor, activation: str = "") -> Tensor:
    return _activate(a + b, activation)


def subtract(a: Tensor, b: Tensor, activation: str = "") -> Tensor:
    return _activate(a - b, activation)


def multiply(a: Tensor, b: Tensor, activation: str = "") -> Tensor:
    return _activate(a * b, activation)


def divide(a: Tensor, b: Tensor, activation: str = "") -> Tensor:
    return _activate(a / b, activation)


def squared_difference(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).square()


def mean(x: Tensor, axes: Pair) -> Tensor:
    return x.mean(tuple(axes), keepdim=True)


def sum_over(x: Tensor, axes: Pair) -> Tensor:
    return x.sum(tuple(axes), keepdim=True)


def reshape(x: Tensor, shape: Pair) -> Tensor:
    return x.reshape(tuple(shape))


def transpose(x: Tensor, order: Pair) -> Tensor:
    return x.permute(tuple(order))


def take(x: Tensor, start: Pair, shape: Pair) -> Tensor:
    """The part from `start` on of `shape`, pictures of the batch aside."""
    for axis in range(1, min(x.ndim, len(shape))):
        x = x.narrow(axis, start[axis], shape[axis])
    return x


def concatenate(*parts: Tensor, axis: int) -> Tensor:
    count = max(len(part) for part in parts)
    return torch.cat([part.expand(count, *part.shape[1:]) for part in parts], axis)


def pad(x: Tensor, amounts: Sequence[Pair]) -> Tensor:
    return F.pad(x, [k for before_after in reversed(amounts) for k in before_after])


def prelu(x: Tensor, slopes: Tensor) -> Tensor:
    return F.prelu(x.permute(0, 3, 1, 2), slopes).permute(0, 2, 3, 1)


def resize(x: Tensor, size: Pair, half_pixel_centres: bool) -> Tensor:
    assert half_pixel_centres, "torch places samples so"
    larger = F.interpolate(x.permute(0, 3, 1, 2), tuple(size), mode="bilinear")
    return larger.permute(0, 2, 3, 1)


def conv(
    x: Tensor,
    kernel: Tensor,
    bias: Tensor,
    stride: Pair,
    dilation: Pair,
    same: bool,
    activation: str,
    groups: int = 1,
) -> Tensor:
    if kernel.shape[1:] == (x.shape[3], 1, 1) and tuple(stride) == (1, 1):
        return _activate(F.linear(x, kernel.flatten(1), bias), activation)  # twice as fast
    x = x.permute(0, 3, 1, 2)
    padding = _same(x.shape[2:], kernel.shape[2:], stride, dilation) if same else (0, 0, 0, 0)
    left, right, top, bottom = padding
    if left != right or top != bottom:
        x, top, left = F.pad(x, padding), 0, 0
    x = F.conv2d(x, kernel, bias, tuple(stride), (top, left), tuple(dilation), groups)
    return _activate(x.permute(0, 2, 3, 1), activation)


def depthwise_conv(x: Tensor, kernel: Tensor, bias: Tensor, **options) -> Tensor:
    return conv(x, kernel, bias, groups=x.shape[3], **options)


def transposed_conv(x: Tensor, kernel: Tensor, bias: Tensor, stride: Pair, same: bool) -> Tensor:
    full = F.conv_transpose2d(x.permute(0, 3, 1, 2), kernel, bias, tuple(stride))
    if same:
        for axis, step in ((2, stride[0]), (3, stride[1])):
            length = x.shape[axis - 1] * step
            full = full.narrow(axis, (full.shape[axis] - length) // 2, length)
    return full.permute(0, 2, 3, 1)


def max_pool(x: Tensor, size: Pair, stride: Pair, same: bool) -> Tensor:
    x = x.permute(0, 3, 1, 2)
    if same:
        x = F.pad(x, _same(x.shape[2:], size, stride, (1, 1)), value=-torch.inf)
    return F.max_pool2d(x, tuple(size), tuple(stride)).permute(0, 2, 3, 1)


def average_pool(x: Tensor, size: Pair, stride: Pair, same: bool) -> Tensor:
    assert not same, "no network here averages over an edge"
    if tuple(size) == tuple(x.shape[1:3]):
        return x.mean((1, 2), keepdim=True)
    return F.avg_pool2d(x.permute(0, 3, 1, 2), tuple(size), tuple(stride)).permute(0, 2, 3, 1)


def max_pool_with_places(x: Tensor, size: Pair) -> tuple[Tensor, Tensor]:
    """The largest of each window, and where in the picture it stood."""
    values, places = F.max_pool2d(x.permute(0, 3, 1, 2), tuple(size), return_indices=True)
    return values.permute(0, 2, 3, 1), places.permute(0, 2, 3, 1)


def max_unpool(x: Tensor, places: Tensor, size: Pair) -> Tensor:
    x, places = x.permute(0, 3, 1, 2), places.permute(0, 3, 1, 2)
    return F.max_unpool2d(x, places, tuple(size)).permute(0, 2, 3, 1)


def _same(lengths: Pair, size: Pair, stride: Pair, dilation: Pair) -> tuple[int, int, int, int]:
    """Left, right, top and bottom, so that there is an output for every stride's start."""
    down, across = (
        max((-(-length // s) - 1) * s + (k - 1) * d + 1 - length, 0)
        for length, k, s, d in zip(lengths, size, stride, dilation, strict=True)
    )
    return across // 2, across - across // 2, down // 2, down - down // 2


def _activate(x: Tensor, name: str) -> Tensor:
    return ACTIVATIONS[name](x)


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "": lambda x: x,
    "relu": torch.relu,
    "relu6": F.relu6,
}

OPERATORS: dict[str, Callable[..., Tensor | tuple[Tensor, Tensor]]] = {
    "add": add,
    "average_pool": average_pool,
    "concatenate": concatenate,
    "conv": conv,
    "depthwise_conv": depthwise_conv,
    "divide": divide,
    "hard_swish": F.hardswish,
    "max_pool": max_pool,
    "max_pool_with_places": max_pool_with_places,
    "max_unpool": max_unpool,
    "mean": mean,
    "multiply": multiply,
    "negate": torch.neg,
    "pad": pad,
    "prelu": prelu,
    "relu": torch.relu,
    "reshape": reshape,
    "resize": resize,
    "rsqrt": torch.rsqrt,
    "sigmoid": torch.sigmoid,
    "slice": take,
    "sqrt": torch.sqrt,
    "squared_difference": squared_difference,
    "subtract": subtract,
    "sum": sum_over,
    "transpose": transpose,
    "transposed_conv": transposed_conv,
}
"""What a step of a graph may be; its attributes are the named arguments."""
