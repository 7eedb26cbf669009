"""Nodes that reduce windows of height and width."""

import dataclasses
from typing import ClassVar

from ...errors import NetworkError
from ..rounding import FIXED
from .base import Node, Pair, Quad, Quantization, Requantizing, Shape, check_pads, check_positive
from .windows import window_output


@dataclasses.dataclass(frozen=True, eq=False)
class MaxPool(Node):
    """Largest code of each window; padding (top, left, bottom, right) is left out."""

    op: ClassVar[str] = "max_pool"
    fixed_rule: ClassVar[bool] = True
    keeps_quantization: ClassVar[bool] = True
    kernel_shape: Pair
    strides: Pair
    pads: Quad

    def check(self, shapes: tuple[Shape, ...], inputs: tuple[Quantization, ...]) -> None:
        """See Node."""
        _check_pool(self)

    def output_shape(self, shapes: tuple[Shape, ...]) -> Shape:
        """See Node."""
        return _pool_shape(self, shapes[0])


@dataclasses.dataclass(frozen=True, eq=False)
class AveragePool(Requantizing):
    """
    Mean of each window: the exact integer sum, divided by the pixels in it (or by kh kw, counting the padding).

    fixed: the mean of the codes, halves rounded away from zero; it keeps zero point and scale and leaves padding out.
    """

    op: ClassVar[str] = "average_pool"
    fixed_rule: ClassVar[bool] = True
    kernel_shape: Pair
    strides: Pair
    pads: Quad
    count_include_pad: bool

    def check_rounding(self, rounding: str, inputs: tuple[Quantization, ...]) -> None:
        """See Node."""
        super().check_rounding(rounding, inputs)
        given, output = inputs[0], self.output
        kept = (given.format, given.zero_point) == (output.format, output.zero_point)
        if rounding in FIXED and not (kept and abs(given.scale - output.scale) <= 1e-6):
            raise NetworkError(
                f"output must be quantized as its input is where rounding is fixed, {given}, got {output}"
            )
        if rounding in FIXED and self.count_include_pad:
            raise NetworkError("count_include_pad must be false where rounding is fixed")

    def check(self, shapes: tuple[Shape, ...], inputs: tuple[Quantization, ...]) -> None:
        """See Node."""
        super().check(shapes, inputs)
        _check_pool(self)

    def output_shape(self, shapes: tuple[Shape, ...]) -> Shape:
        """See Node."""
        return _pool_shape(self, shapes[0])


@dataclasses.dataclass(frozen=True, eq=False)
class GlobalAveragePool(Requantizing):
    """Mean over height and width: the exact integer sum, requantized; fixed: the multiplier takes the division in."""

    op: ClassVar[str] = "global_average_pool"
    fixed_rule: ClassVar[bool] = True

    def output_shape(self, shapes: tuple[Shape, ...]) -> Shape:
        """See Node."""
        return shapes[0][0], 1, 1


def _check_pool(node: MaxPool | AveragePool) -> None:
    check_positive("kernel_shape", node.kernel_shape)
    check_positive("strides", node.strides)
    check_pads(node.pads)
    if any(pad >= node.kernel_shape[axis % 2] for axis, pad in enumerate(node.pads)):
        raise NetworkError(f"pads must be smaller than the window {node.kernel_shape}, got {node.pads}")


def _pool_shape(node: MaxPool | AveragePool, shape: Shape) -> Shape:
    height, width = window_output(shape, node.kernel_shape, node.strides, node.pads)
    return shape[0], height, width
