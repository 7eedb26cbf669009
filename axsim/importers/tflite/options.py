"""What an operator's options say of its window and of the activation fused into it."""

from typing import TYPE_CHECKING

import numpy as np

from ...formats import code_range
from ...networks.nodes import (
    Pair,
    Quad,
    Quantization,
)
from .model import Operator

if TYPE_CHECKING:
    from .importer import Importer

# Numbers of the schema's enumerations.
SAME, VALID = 0, 1
NONE, RELU, RELU_N1_TO_1, RELU6 = 0, 1, 2, 3
ACTIVATIONS: dict[int, tuple[float, float]] = {
    NONE: (-np.inf, np.inf),
    RELU: (0.0, np.inf),
    RELU_N1_TO_1: (-1.0, 1.0),
    RELU6: (0.0, 6.0),
}
ARITHMETIC = ("INT8", "UINT8")  # types of weights and activations


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


def clamp_of(importer: "Importer", operator: Operator, output: Quantization) -> Pair:
    """Codes of the activation that is fused into an operator."""
    activation = operator.options["FusedActivationFunction"]
    if activation not in ACTIVATIONS:
        importer.refuse(operator, f"must have no activation, RELU, RELU6 or RELU_N1_TO_1, got number {activation}")
    return clamp_codes(ACTIVATIONS[activation], output)


def window_of(importer: "Importer", operator: Operator) -> tuple[Pair, Pair, Quad]:
    """Kernel shape, strides and pads of a pool."""
    options, shape = operator.options, importer.plain_input(operator).shape
    kernel, strides = (options["FilterHeight"], options["FilterWidth"]), (options["StrideH"], options["StrideW"])
    return kernel, strides, pads_of(importer, operator, shape[1:], kernel, strides, (1, 1))


def pads_of(importer: "Importer", operator: Operator, size: Pair, kernel: Pair, strides: Pair, dilations: Pair) -> Quad:
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
