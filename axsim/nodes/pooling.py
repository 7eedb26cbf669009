"""Nodes that reduce windows of height and width."""

import dataclasses
from typing import ClassVar

from ..errors import NetworkError
from .base import Node, Pair, Quad, Quantization, Requantizing, Shape, check_pads, check_positive
from .windows import window_output


@dataclasses.dataclass(frozen=True, eq=False)
class MaxPool(Node):
    """Largest code of each window; padding (top, left, bottom, right) is left out."""

    op: ClassVar[str] = "max_pool"
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
    """Mean of each window: the sum divided by the pixels in it (or by kh kw, counting the padding)."""

    op: ClassVar[str] = "average_pool"
    kernel_shape: Pair
    strides: Pair
    pads: Quad
    count_include_pad: bool

    def check(self, shapes: tuple[Shape, ...], inputs: tuple[Quantization, ...]) -> None:
        """See Node."""
        super().check(shapes, inputs)
        _check_pool(self)

    def output_shape(self, shapes: tuple[Shape, ...]) -> Shape:
        """See Node."""
        return _pool_shape(self, shapes[0])


@dataclasses.dataclass(frozen=True, eq=False)
class GlobalAveragePool(Requantizing):
    """Mean over height and width: the exact integer sum, requantized."""

    op: ClassVar[str] = "global_average_pool"

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
