"""What a layer multiplies: its input, and the matrix that it becomes where a product wants one."""

import functools
from typing import TypeGuard

import numpy as np

from ...formats import Patterns
from ...kernels.im2col import im2col
from ...networks.nodes import Conv, Layer, MatMul


def is_depthwise(node: Layer) -> TypeGuard[Conv]:
    """Whether this is a convolution of which each output channel reads one of several input channels."""
    return isinstance(node, Conv) and node.groups > 1 and node.weight.shape[1] == 1


def reads_in_place(node: Layer) -> bool:
    """Whether the layer's product reads its input as it stands, without im2col."""
    if not isinstance(node, Conv) or is_depthwise(node):
        return True
    return node.weight.shape[2:] == (1, 1) and node.strides == (1, 1) and not any(node.pads)


class LayerInput:
    """The right operand of a layer's product.

    Attributes
    ----------
    x : uint8 [C, B, H, W]
        Patterns; of a matmul, those of its second input.
    size : pair of int
        Height and width of the layer's output.
    """

    def __init__(self, node: Layer, x: Patterns, zero_pattern: int, size: tuple[int, int]) -> None:
        self.node, self.x, self.size = node, x, size
        self._zero_pattern = zero_pattern

    @functools.cached_property
    def columns(self) -> Patterns:
        """
        Right matrix of the product, uint8 [groups K, N]; a view of x where x already is that matrix.

        Made when it is asked for: a depthwise convolution does without.
        """
        node, x, size = self.node, self.x, self.size
        if isinstance(node, MatMul):
            return x.reshape(-1, size[1])
        if not isinstance(node, Conv) or (reads_in_place(node) and not is_depthwise(node)):
            return x.reshape(x.shape[0], -1)
        kernel_shape = node.weight.shape[2:]
        columns = np.empty((x.shape[0] * kernel_shape[0] * kernel_shape[1], x.shape[1] * size[0] * size[1]), np.uint8)
        im2col(x, kernel_shape, node.strides, node.pads[:2], node.dilations, self._zero_pattern, size, columns)
        return columns
