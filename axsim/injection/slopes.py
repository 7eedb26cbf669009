"""Sums of slopes times activations, by exact products of bytes: several times as fast as a product of floats."""

import dataclasses

import numpy as np
import numpy.typing as npt

from ..errors import AxsimError
from ..formats import Patterns
from ..inference.gemm import INT32_MAX, Product, accumulator_bound
from ..inference.prepared import LayerInput, PreparedLayer
from ..inference.prepared.depthwise import DepthwiseProduct
from ..inference.prepared.layer_input import is_depthwise
from ..kernels.digits import weigh_digits
from ..predict.lines import STEP

LARGEST_SLOPE = 2.0**30


class SlopeProduct:
    """sum_k slope[m, k] x[k, n] of one layer, x its stored codes.

    A slope is a multiple of 2^-16, thus a whole number of a few bytes: digits of base 256 from -128 to 127, each of
    which is a weight of a layer of its own. The sums over a digit are exact, so that batches and threads change no bit.

    Parameters
    ----------
    layer : PreparedLayer
    slope : float64 [M, K]
        Multiples of 2^-16 within -2^30 .. 2^30.

    Raises
    ------
    AxsimError
        If slopes are none of these, or the layer has so many taps that a sum could leave int32.
    """

    def __init__(self, layer: PreparedLayer, slope: npt.NDArray[np.float64]) -> None:
        node = layer.node
        if not ((np.abs(slope) <= LARGEST_SLOPE) & (np.rint(slope / STEP) * STEP == slope)).all():
            raise AxsimError(f"layer {node.name}: slope must be multiples of 2^-16 within -2^30 to 2^30")
        self._rows_a_group = len(slope) // layer.groups
        digits = digits_of(np.rint(slope / STEP).astype(np.int64))
        self._digits = len(digits)
        # The digits of a group's rows one below the other, as if the layer had so many more channels: [G P R, K].
        stacked = digits.reshape(len(digits), layer.groups, self._rows_a_group, -1).swapaxes(0, 1)
        weight: Patterns = np.ascontiguousarray(stacked).reshape(-1, slope.shape[1]).view(np.uint8)
        bound = accumulator_bound(weight, "s8", layer.x.format, None)
        if bound > INT32_MAX:
            raise AxsimError(f"layer {node.name}: sums over the digits of slopes must stay within int32, got {bound}")
        self._product: Product | DepthwiseProduct
        if is_depthwise(node):
            codes = weight.view(np.int8).reshape(-1, *node.weight.shape[1:])
            self._product = DepthwiseProduct(
                dataclasses.replace(node, weight=codes), layer.x.format, layer.x.zero_pattern, None
            )
        else:
            self._product = Product(weight, layer.groups, "s8", layer.x.format, None)

    def __call__(self, given: LayerInput) -> npt.NDArray[np.float32]:
        """Return the sums float32 [M, N]: rounded once, from float64."""
        product = self._product
        sums = product(given.x, given.size) if isinstance(product, DepthwiseProduct) else product(given.columns)
        out = np.empty((len(sums) // self._digits, sums.shape[1]), np.float32)
        weigh_digits(sums, self._digits, self._rows_a_group, STEP, out)
        return out


def digits_of(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int8]:
    """Digits of base 256, -128 to 127, int8 [P, ...], the lowest first: as many as the largest value needs."""
    found: list[npt.NDArray[np.int8]] = []
    while not found or values.any():
        digit = (values & 0xFF).astype(np.uint8).view(np.int8)
        found.append(digit)
        values = (values - digit) >> 8
    return np.stack(found)
