"""What each operator of TFLite becomes: one function an operator, given the importer, which collects the nodes.

TFLite's images are [1, H, W, C], its weights [M, kh, kw, C] or, depthwise, [1, kh, kw, M].
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..formats import code_range
from ..inference.fixed_point import quantize_multiplier
from ..networks.nodes import (
    Add,
    AveragePool,
    Concat,
    Conv,
    Flatten,
    GlobalAveragePool,
    Linear,
    MaxPool,
    Pad,
    Pair,
    Quad,
    Quantization,
    Requantize,
)
from .tflite_model import Operator

if TYPE_CHECKING:
    from .tflite import Importer

# Numbers of the schema's enumerations.
SAME, VALID = 0, 1
NONE, RELU, RELU_N1_TO_1, RELU6 = 0, 1, 2, 3
ACTIVATIONS: dict[int, tuple[float, float]] = {
    NONE: (-np.inf, np.inf),
    RELU: (0.0, np.inf),
    RELU_N1_TO_1: (-1.0, 1.0),
    RELU6: (0.0, 6.0),
}
ARITHMETIC = ("INT8", "UINT8")


def _conv(importer: "Importer", operator: Operator) -> None:
    weight = importer.constant(operator, 1, ARITHMETIC)
    if weight.ndim != 4 or weight.shape[3] < 1 or importer.plain_input(operator).shape[0] % weight.shape[3]:
        importer.refuse(operator, f"weights must have shape [M, kh, kw, C / groups], got {weight.shape}")
    groups = importer.plain_input(operator).shape[0] // weight.shape[3]
    _append_conv(importer, operator, weight.transpose(0, 3, 1, 2), 0, groups)


def _depthwise(importer: "Importer", operator: Operator) -> None:
    weight = importer.constant(operator, 1, ARITHMETIC)
    channels = importer.plain_input(operator).shape[0]
    multiplier = operator.options["DepthMultiplier"]
    if weight.ndim != 4 or weight.shape[0] != 1 or weight.shape[3] != channels * multiplier:
        wanted = f"[1, kh, kw, {channels} x {multiplier}]"
        importer.refuse(operator, f"weights must have shape {wanted}, got {weight.shape}")
    _append_conv(importer, operator, weight.transpose(3, 0, 1, 2), 3, channels)


def _append_conv(importer: "Importer", operator: Operator, weight: npt.NDArray[Any], axis: int, groups: int) -> None:
    value, output = importer.plain_input(operator), importer.quantization(importer.output(operator))
    options = operator.options
    strides = options["StrideH"], options["StrideW"]
    dilations = options["DilationHFactor"], options["DilationWFactor"]
    kernel = weight.shape[2], weight.shape[3]
    node = Conv(
        importer.name(operator),
        (value.node,),
        output,
        _clamp(importer, operator, output),
        **_parameters(importer, operator, weight, axis),
        strides=strides,
        pads=_pads(importer, operator, value.shape[1:], kernel, strides, dilations),
        dilations=dilations,
        groups=groups,
    )
    importer.append(operator, node, (value.shape,))


def _fully_connected(importer: "Importer", operator: Operator) -> None:
    weight = importer.constant(operator, 1, ARITHMETIC)
    value, output = importer.input(operator), importer.quantization(importer.output(operator))
    if operator.options["WeightsFormat"] != 0:
        importer.refuse(operator, "shuffled weights are not supported")
    features = value.shape[0] * value.shape[1] * value.shape[2]
    if weight.ndim != 2 or weight.shape[1] != features:
        importer.refuse(operator, f"weights must have shape [M, {features}], got {weight.shape}")
    unflattened = value.unflattened
    name = importer.name(operator)
    if value.shape[1:] != (1, 1):  # it flattens images by itself
        unflattened = value.shape
        flat = Flatten(f"{name}/flatten", (value.node,), importer.quantizations[value.node])
        value = importer.append(operator, flat, (value.shape,), last=False)
    if unflattened is not None:
        channels, height, width = unflattened
        weight = weight.reshape(-1, height, width, channels).transpose(0, 3, 1, 2).reshape(len(weight), features)
    node = Linear(
        name,
        (value.node,),
        output,
        _clamp(importer, operator, output),
        **_parameters(importer, operator, weight, 0),
    )
    importer.append(operator, node, (value.shape,))


def _parameters(importer: "Importer", operator: Operator, weight: npt.NDArray[Any], axis: int) -> dict[str, Any]:
    """Weights [M, ...], their scales and zero points, and the bias; `axis` is that of M in the file."""
    tensor, channels = importer.tensor(operator, 1), len(weight)
    given = importer.tensor(operator, 0)
    if tensor.dtype != given.dtype:
        importer.refuse(operator, f"weights and input must be of one type, got {tensor.dtype} and {given.dtype}")
    scale, zero_point = tensor.scale, tensor.zero_point
    several = scale.shape != (1,)
    if scale.shape not in ((1,), (channels,)) or zero_point.shape not in ((1,), scale.shape):
        importer.refuse(operator, f"weights must have one scale, or one for each of {channels} channels")
    if several and (tensor.axis != axis or tensor.dtype != "INT8"):
        importer.refuse(operator, f"weights with several scales must be INT8 with the scales along axis {axis}")
    low, high = code_range("u8" if tensor.dtype == "UINT8" else "s8")
    if (zero_point < low).any() or (zero_point > high).any():
        importer.refuse(operator, f"weight zero points must be from {low} to {high}, got {zero_point.tolist()}")
    if zero_point.any() and tensor.dtype == "INT8" and (several or operator.kind != "FULLY_CONNECTED"):
        importer.refuse(operator, "INT8 weights must have zero points of 0: TFLite's kernel ignores others")
    bias = np.zeros(channels, np.int32)
    if len(operator.inputs) > 2 and operator.inputs[2] >= 0:
        bias = importer.constant(operator, 2, ("INT32",)).reshape(-1)
    return {
        "weight": np.ascontiguousarray(weight),
        "weight_scale": scale.copy(),
        "weight_zero_point": zero_point.astype(np.int32),
        "bias": bias.astype(np.int32),
    }


def _add(importer: "Importer", operator: Operator) -> None:
    values = importer.plain_input(operator, 0), importer.plain_input(operator, 1)
    output = importer.quantization(importer.output(operator))
    node = Add(importer.name(operator), (values[0].node, values[1].node), output, _clamp(importer, operator, output))
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
    kernel, strides, pads = _window(importer, operator)
    clamp = _clamp(importer, operator, output)
    node = AveragePool(importer.name(operator), (value.node,), output, clamp, kernel, strides, pads, False)
    importer.append(operator, node, (value.shape,))


def _max_pool(importer: "Importer", operator: Operator) -> None:
    value, output = importer.plain_input(operator), importer.quantization(importer.output(operator))
    kernel, strides, pads = _window(importer, operator)
    if output != importer.quantizations[value.node]:
        importer.refuse(operator, "output must be quantized as its input is")
    clamp, name = _clamp(importer, operator, output), importer.name(operator)
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
    from .tflite import Value

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


def clamp_codes(bounds: tuple[float, float], output: Quantization) -> Pair:
    """Codes of an activation's bounds: quotients in float32, halves away from zero, within the format."""
    low, high = code_range(output.format)
    codes = [low, high]
    for index, bound in enumerate(bounds):
        if np.isfinite(bound):
            steps = float(np.float32(bound) / np.float32(output.scale))
            rounded = output.zero_point + int(np.copysign(np.floor(abs(steps) + 0.5), steps))
            codes[index] = max(low, rounded) if index == 0 else min(high, rounded)
    return codes[0], codes[1]


def _clamp(importer: "Importer", operator: Operator, output: Quantization) -> Pair:
    """Codes of the activation that is fused into an operator."""
    activation = operator.options["FusedActivationFunction"]
    if activation not in ACTIVATIONS:
        importer.refuse(operator, f"must have no activation, RELU, RELU6 or RELU_N1_TO_1, got number {activation}")
    return clamp_codes(ACTIVATIONS[activation], output)


def _window(importer: "Importer", operator: Operator) -> tuple[Pair, Pair, Quad]:
    options, shape = operator.options, importer.plain_input(operator).shape
    kernel, strides = (options["FilterHeight"], options["FilterWidth"]), (options["StrideH"], options["StrideW"])
    return kernel, strides, _pads(importer, operator, shape[1:], kernel, strides, (1, 1))


def _pads(importer: "Importer", operator: Operator, size: Pair, kernel: Pair, strides: Pair, dilations: Pair) -> Quad:
    """Explicit pads (top, left, bottom, right) of SAME, the odd one behind, or VALID."""
    if min(*kernel, *strides, *dilations) < 1:
        importer.refuse(operator, f"window, strides and dilations must be 1 or more: {kernel}, {strides}, {dilations}")
    if operator.options["Padding"] == VALID:
        return 0, 0, 0, 0
    if operator.options["Padding"] != SAME:
        importer.refuse(operator, f"padding must be SAME or VALID, got number {operator.options['Padding']}")
    totals = [
        max(
            0,
            (-(-size[axis] // strides[axis]) - 1) * strides[axis]
            + dilations[axis] * (kernel[axis] - 1)
            + 1
            - size[axis],
        )
        for axis in (0, 1)
    ]
    before = [total // 2 for total in totals]
    return before[0], before[1], totals[0] - before[0], totals[1] - before[1]


CONVERTERS: dict[str, Callable[["Importer", Operator], None]] = {
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _fully_connected,
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
