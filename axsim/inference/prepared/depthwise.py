"""Validated depthwise convolutions through a multiplier, without im2col: the way into the depthwise kernels."""

import functools

import numba
import numpy as np

from ...formats import Format, Patterns, exact_products
from ...kernels.count import all_below_128
from ...kernels.depthwise import table_depthwise
from ...kernels.depthwise_avx512 import plane_depthwise
from ...multipliers.product_table import Multiplier
from ...networks.nodes import Conv
from ..gemm import KEPT, NO_SUMS, BaseSums, Into, Rescale, Sums
from ..plan import MOST_NEGATIVE, BytePlanes, product_planes


class DepthwiseProduct:
    """Validated weights of a depthwise convolution, ready to be multiplied by any activations through one table.

    Every product is looked up, exact ones too: with so few taps a sum, what an exact product of bytes saves is lost on
    arranging its operands.

    Parameters
    ----------
    node : Conv
        Checked, with one input channel a group.
    x_format : {"u8", "s8"}
    zero_pattern : int
        Bit pattern that padding holds.
    served : Multiplier, optional
        Serving exactly the formats of weights and activations; exact products when not given.
    """

    def __init__(self, node: Conv, x_format: Format, zero_pattern: int, served: Multiplier | None) -> None:
        self._node, self._zero_pattern = node, zero_pattern
        weight = node.weight_rows().view(np.uint8)
        self._weight = weight if weight.flags.writeable else weight.copy()  # as in Product
        self._served = exact(node.weight_format, x_format) if served is None else served
        self._bases = BaseSums(self._weight)

    def __call__(self, x: Patterns, size: tuple[int, int]) -> Sums:
        """Return the sums int32 [M, B OH OW] for patterns uint8 [C, B, H, W]; `size` is (OH, OW)."""
        out = np.empty((len(self._weight), x.shape[1] * size[0] * size[1]), np.int32)
        self._multiply(x, size, self._planes(x), out, KEPT)
        return out

    def codes(self, x: Patterns, size: tuple[int, int], rescale: Rescale) -> Patterns:
        """Return the sums made codes, uint8 [M, B OH OW]: where the kernels can, without an array of sums between."""
        planes = self._planes(x)
        if planes is None:
            return rescale.codes(self(x, size))
        codes = np.empty((len(self._weight), x.shape[1] * size[0] * size[1]), np.uint8)
        self._multiply(x, size, planes, NO_SUMS, rescale.into(codes))
        return codes

    def _multiply(self, x: Patterns, size: tuple[int, int], planes: BytePlanes | None, out: Sums, into: Into) -> None:
        node = self._node
        geometry = (node.weight.shape[2:], node.strides, node.pads[:2], node.dilations, self._zero_pattern, size)
        threads = numba.get_num_threads()
        if planes is None:
            table_depthwise(x, self._weight, self._served.table, *geometry, threads, out)
        else:
            plane_depthwise(x, self._weight, planes.tables, self._bases(planes), *geometry, threads, out, *into)

    def _planes(self, x: Patterns) -> BytePlanes | None:
        """Half tables where all activations and the padding are below 128."""
        below_128 = self._zero_pattern < MOST_NEGATIVE and all_below_128(x.reshape(-1))
        return product_planes(self._served, 128 if below_128 else 256)


@functools.cache
def exact(w_format: Format, x_format: Format) -> Multiplier:
    """Return the exact multiplier of operands of these formats."""
    return Multiplier("exact", exact_products(w_format, x_format), (w_format, x_format))
