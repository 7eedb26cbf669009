"""What each operator of TFLite becomes: one function an operator, given the importer, which collects the nodes.

TFLite's images are [1, H, W, C].
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ...formats import code_range
from ...inference.fixed_point import quantize_multiplier
from ...networks.nodes import (
    Add,
    AveragePool,
    Concat,
    Flatten,
    GlobalAveragePool,
    MaxPool,
    Pad,
    Requantize,
)
from . import layers
from .model import Operator
from .options import ARITHMETIC, NONE, clamp_codes, clamp_of, window_of
from .value import Value

if TYPE_CHECKING:
    from .importer import Importer


def _add(importer: "Importer", operator: Operator) -> None:
    values = importer.plain_input(operator, 0), importer.plain_input(operator, 1)
    output = importer.quantization(importer.output(operator))
    node = Add(importer.name(operator), (values[0].node, values[1].node), output, clamp_of(importer, operator, output))
    importer.append(operator, node, (values[0].shape, values[1].shape))


def _concat(importer: "Importer", operator: Operator) -> None:
    values = tuple(importer.plain_input(operator, index) for index in range(len(operator.inputs)))
    output = importer.quantization(importer.output(operator))
    rank = len(importer.tensor(operator, 0).shape)
    if operator.options["Axis"] % rank != rank - 1 or operator.options["FusedActivationFunction"] != NONE:
        importer.refuse(operator, "must join channels (the last axis), without an activation")
    kept = all(importer.quantizations[value.node] == output for value in values)
    if output.format == "s8" and not kept:
        importer.refuse(operator, "INT8 inputs must be quantized as the output is, as TFLite demands")
    names = tuple(value.node for value in values)
    node = Concat(importer.name(operator), names, output, code_range(output.format))
    importer.append(operator, node, tuple(value.shape for value in values))


def _average_pool(importer: "Importer", operator: Operator) -> None:
    value, output = importer.plain_input(operator), importer.quantization(importer.output(operator))
    kernel, strides, pads = window_of(importer, operator)
    clamp = clamp_of(importer, operator, output)
    node = AveragePool(importer.name(operator), (value.node,), output, clamp, kernel, strides, pads, False)
    importer.append(operator, node, (value.shape,))


def _max_pool(importer: "Importer", operator: Operator) -> None:
    value, output = importer.plain_input(operator), importer.quantization(importer.output(operator))
    kernel, strides, pads = window_of(importer, operator)
    if output != importer.quantizations[value.node]:
        importer.refuse(operator, "output must be quantized as its input is")
    clamp, name = clamp_of(importer, operator, output), importer.name(operator)
    clamped = clamp != code_range(output.format)
    pool = MaxPool(f"{name}/max" if clamped else name, (value.node,), output, kernel, strides, pads)
    result = importer.append(operator, pool, (value.shape,), last=not clamped)
    if clamped:
        importer.append(operator, Requantize(name, (pool.name,), output, clamp), (result.shape,))


def _mean(importer: "Importer", operator: Operator) -> None:
    value, output = importer.plain_input(operator), importer.quantization(importer.output(operator))
    axes = sorted(int(axis) % 4 for axis in importer.constant(operator, 1, ("INT32",)).reshape(-1)[:8])
    if axes != [1, 2] or len(importer.tensor(operator, 0).shape) != 4:
        importer.refuse(operator, f"must be over height and width of images, axes 1 and 2, got axes {axes}")
    node = GlobalAveragePool(importer.name(operator), (value.node,), output, code_range(output.format))
    importer.append(operator, node, (value.shape,))


def _pad(importer: "Importer", operator: Operator) -> None:
    value, output = importer.plain_input(operator), importer.quantization(importer.output(operator))
    given = importer.quantizations[value.node]
    widths = importer.constant(operator, 1, ("INT32", "INT64"))
    if widths.shape != (4, 2) or widths[0].any():
        importer.refuse(operator, f"must pad images [1, H, W, C] and not the batch, got {widths.tolist()}")
    if given != output:
        importer.refuse(operator, "output must be quantized as its input is")
    code = output.zero_point
    if operator.kind == "PADV2":
        tensor = importer.tensor(operator, 2)
        constant = importer.constant(operator, 2, ARITHMETIC)
        if constant.size != 1 or importer.quantization(tensor) != output:
            importer.refuse(operator, "the padding must be one code, quantized as the output is")
        code = int(constant.reshape(-1)[0])
    before, after = ([int(widths[axis, end]) for axis in (3, 1, 2)] for end in (0, 1))
    node = Pad(importer.name(operator), (value.node,), output, (*before, *after), code)  # type: ignore[arg-type]
    importer.append(operator, node, (value.shape,))


def _reshape(importer: "Importer", operator: Operator) -> None:
    value, output = importer.input(operator), importer.output(operator)
    if importer.quantizations[value.node] != importer.quantization(output):
        importer.refuse(operator, "output must be quantized as its input is")
    shape = importer.image_shape(output) if len(output.shape) in (2, 4) else None
    channels, height, width = value.shape
    if shape == value.shape:  # between [1, 1, 1, C] and [1, C]
        importer.finish(operator, Value(value.node, value.shape, value.unflattened))
    elif shape == (channels * height * width, 1, 1):
        node = Flatten(importer.name(operator), (value.node,), importer.quantizations[value.node])
        flat = importer.append(operator, node, (value.shape,), last=False)
        one_order = channels == 1 or height * width == 1
        importer.finish(operator, Value(flat.node, flat.shape, None if one_order else value.shape))
    else:
        importer.refuse(operator, f"must flatten images, got {importer.tensor(operator, 0).shape} to {output.shape}")


def _quantize(importer: "Importer", operator: Operator) -> None:
    _append_requantize(importer, operator, (-np.inf, np.inf))


def _relu(low: float, high: float) -> Callable[["Importer", Operator], None]:
    def convert(importer: "Importer", operator: Operator) -> None:
        value, output = importer.plain_input(operator), importer.quantization(importer.output(operator))
        given = importer.quantizations[value.node]
        # TFLite divides these scales in float32, for QUANTIZE in float64; the last bit of the multiplier may differ.
        ratio = np.float32(given.scale) / np.float32(output.scale)
        if quantize_multiplier(ratio) != quantize_multiplier(given.scale / output.scale):
            importer.refuse(operator, "scales of input and output must be equal, or have an exact quotient")
        _append_requantize(importer, operator, (low, high))

    return convert


def _append_requantize(importer: "Importer", operator: Operator, bounds: tuple[float, float]) -> None:
    value, output = importer.plain_input(operator), importer.quantization(importer.output(operator))
    node = Requantize(importer.name(operator), (value.node,), output, clamp_codes(bounds, output))
    importer.append(operator, node, (value.shape,))


CONVERTERS: dict[str, Callable[["Importer", Operator], None]] = {
    "CONV_2D": layers.conv,
    "DEPTHWISE_CONV_2D": layers.depthwise,
    "FULLY_CONNECTED": layers.fully_connected,
    "ADD": _add,
    "CONCATENATION": _concat,
    "AVERAGE_POOL_2D": _average_pool,
    "MAX_POOL_2D": _max_pool,
    "MEAN": _mean,
    "PAD": _pad,
    "PADV2": _pad,
    "RESHAPE": _reshape,
    "SQUEEZE": _reshape,
    "QUANTIZE": _quantize,
    "RELU": _relu(0.0, np.inf),
    "RELU6": _relu(0.0, 6.0),
    "RELU_N1_TO_1": _relu(-1.0, 1.0),
}
