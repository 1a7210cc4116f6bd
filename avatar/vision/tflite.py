"""A .tflite file → its graph in plain words and its weights in torch's layout.

Only the converter reads these files. Numbers of fields, operators and enumerations are those of
the format's schema (tensorflow/lite/schema/schema.fbs, version 3).
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from avatar.vision.flatbuffer import Table, root
from common.errors import InputError

Attributes = dict[str, Any]
ADD, CONCATENATE, TRANSPOSED = 0, 2, "Convolution2DTransposeBias"
CONV, DEPTHWISE, DEQUANTIZE = 3, 4, 6
NAMES = {
    **{0: "add", 1: "average_pool", 2: "concatenate", 3: "conv", 4: "depthwise_conv"},
    **{14: "sigmoid", 17: "max_pool", 18: "multiply", 19: "relu", 22: "reshape", 23: "resize"},
    **{34: "pad", 39: "transpose", 40: "mean", 41: "subtract", 42: "divide", 45: "slice"},
    **{54: "prelu", 59: "negate", 74: "sum", 75: "sqrt", 76: "rsqrt"},
    **{99: "squared_difference", 117: "hard_swish", 6: "dequantize"},
    TRANSPOSED: "transposed_conv",
    "MaxPoolingWithArgmax2D": "max_pool_with_places",
    "MaxUnpooling2D": "max_unpool",
}
"""Operators by their number in the schema, or by the name of a custom one."""

ACTIVATIONS = {0: "", 1: "relu", 3: "relu6"}
TYPES = {0: np.float32, 1: np.float16, 2: np.int32}


@dataclass(frozen=True)
class Graph:
    """A network: steps of {op, inputs, outputs, attributes} on numbered tensors."""

    description: dict[str, Any]  # inputs, outputs, steps: what JSON holds
    weights: dict[str, Tensor]  # by the number of the tensor, in the precision of the file


def read_tflite(path: Path) -> Graph:
    """The only subgraph of a file. InputError where it is no such file or has other operators."""
    try:
        return _graph(root(path.read_bytes()))
    except (struct.error, LookupError, ValueError) as error:
        raise InputError(
            f"{path}: is not a .tflite network of the known operators ({error})"
        ) from error


def _graph(model: Table) -> Graph:
    (graph,) = model.tables(2)
    buffers, tensors = model.tables(4), graph.tables(0)
    kinds = [_operator_name(code) for code in model.tables(1)]
    constants = {
        k: array for k, t in enumerate(tensors) if (array := _constant(t, buffers)) is not None
    }
    weights: dict[int, Tensor] = {}
    steps = []
    for operator in graph.tables(3):
        name = kinds[operator.number(0, "I")]
        inputs = operator.array(1, np.int32).tolist()
        outputs = operator.array(2, np.int32).tolist()
        if name == "dequantize":
            constants[outputs[0]] = constants[inputs[0]]
            continue
        shape = tensors[outputs[0]].array(0, np.int32).tolist()
        attributes = _attributes(name, operator, [constants.get(k) for k in inputs], shape)
        kept = [k for k in inputs if k not in constants or constants[k].dtype != np.int32]
        for place, k in enumerate(kept):
            if k in constants:
                weights[k] = _in_torch_layout(name, place, constants[k])
        steps.append({"op": name, "inputs": kept, "outputs": outputs, "attributes": attributes})
    description = {
        "inputs": graph.array(1, np.int32).tolist(),
        "outputs": graph.array(2, np.int32).tolist(),
        "steps": steps,
    }
    return Graph(description, {str(k): weight for k, weight in weights.items()})


def _operator_name(code: Table) -> str:
    number = max(code.number(0, "b"), code.number(3, "i"))  # field 0 is the schema's older one
    return NAMES[code.text(1) or number]


def _constant(tensor: Table, buffers: list[Table]) -> np.ndarray | None:
    values = buffers[tensor.number(2, "I")].array(0, np.uint8)
    if not len(values):
        return None
    return values.view(TYPES[tensor.number(1, "b")]).reshape(tensor.array(0, np.int32))


def _in_torch_layout(name: str, place: int, values: np.ndarray) -> Tensor:
    """Kernels [out, h, w, in] → [out, in, h, w], [in, out, h, w] if transposed; the rest stays."""
    orders = {"conv": (0, 3, 1, 2), "depthwise_conv": (3, 0, 1, 2), "transposed_conv": (3, 0, 1, 2)}
    if place == 1 and name in orders:
        values = values.transpose(orders[name])
    if name == "prelu":
        values = values.reshape(-1)
    return torch.from_numpy(np.ascontiguousarray(values).copy())


def _attributes(
    name: str, operator: Table, inputs: list[np.ndarray | None], shape: list[int]
) -> Attributes:
    """What `avatar.vision.operators` calls the options and constant whole numbers of a step."""
    if name in READERS:
        return READERS[name](operator.table(4))
    custom = operator.array(5, np.uint8)
    numbers = [None if k is None else k.tolist() for k in inputs]
    match name:
        case "transposed_conv":
            padding, across, down = custom.view(np.int32).tolist()
            return {"stride": [down, across], "same": padding == 1}
        case "max_pool_with_places" | "max_unpool":
            _, across, down, wide, high = custom.view(np.int32)[:5].tolist()
            assert (across, down) == (wide, high), "windows that overlap"
            return {"size": [high, wide]}
        case "reshape":
            return {"shape": [-1, *shape[1:]]}
        case "slice":
            return {"shape": shape, "start": numbers[1]}
        case "pad":
            return {"amounts": numbers[1]}
        case "transpose":
            return {"order": numbers[1]}
        case "mean" | "sum":
            return {"axes": [numbers[1]] if isinstance(numbers[1], int) else numbers[1]}
        case "resize":
            options = operator.table(4)
            centred = options is not None and bool(options.number(3, "b"))
            return {"size": numbers[1], "half_pixel_centres": centred}
    return {}


def _conv(options: Table, dilation: int, activation: int) -> Attributes:
    return {
        "same": options.number(0, "b") == 0,
        "stride": [options.number(2, "i"), options.number(1, "i")],
        "dilation": [options.number(dilation + 1, "i", 1), options.number(dilation, "i", 1)],
        "activation": ACTIVATIONS[options.number(activation, "b")],
    }


def _pool(options: Table) -> Attributes:
    return {
        "same": options.number(0, "b") == 0,
        "stride": [options.number(2, "i"), options.number(1, "i")],
        "size": [options.number(4, "i"), options.number(3, "i")],
    }


def _activation(options: Table | None) -> Attributes:
    return {"activation": ACTIVATIONS[options.number(0, "b") if options else 0]}


READERS: dict[str, Callable[[Any], Attributes]] = {
    "conv": lambda options: _conv(options, dilation=4, activation=3),
    "depthwise_conv": lambda options: _conv(options, dilation=5, activation=4),
    "max_pool": _pool,
    "average_pool": _pool,
    "add": _activation,
    "multiply": _activation,
    "subtract": _activation,
    "divide": _activation,
    "concatenate": lambda options: {"axis": options.number(0, "i")},
}
