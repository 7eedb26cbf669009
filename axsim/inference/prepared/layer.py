"""A layer with weights as the kernels want it."""

import numpy as np

from ...errors import AxsimError
from ...formats import Patterns, pattern_values
from ...kernels.fixed_point import requantize_fixed, requantize_float64
from ...kernels.requantize import subtract_tap_sums
from ...multipliers.product_table import Multiplier
from ...networks.nodes import Linear, Quantization, WeightLayer
from ...networks.rounding import FIXED, WRAPPING
from ...statistics import ErrorSums, LayerStatistics
from ..accumulator import EXACT_SUMS, Accumulator
from ..gemm import INT32_MAX, Product, Rescale, Sums, accumulated_bound, accumulator_bound
from .depthwise import DepthwiseProduct
from .layer_input import LayerInput, is_depthwise


class PreparedLayer:
    """A layer as the kernels want it: weight patterns [M, K], the multiplier, and what makes codes of its sums.

    The multiplier sees the stored codes; the zero points z_w and z_x are taken off its sums, exactly:

        sum_k (w - z_w) (x - z_x) = sum_k w x - z_x sum_k w + K z_w z_x - z_w sum_k x

    The last term alone depends on the pixel; the others are folded into the bias.

    Raises AxsimError where a sum could leave int32 and MultiplierError where the multiplier cannot serve the layer.
    """

    def __init__(
        self,
        node: WeightLayer,
        x: Quantization,
        multiplier: Multiplier | None,
        rounding: str,
        accumulator: Accumulator = EXACT_SUMS,
    ) -> None:
        self.node, self.x, self.rounding = node, x, rounding
        rows = node.weight_rows()
        self.weight: Patterns = rows.view(np.uint8)
        self.groups = node.groups_of_weights
        self.w_format = node.weight_format
        channels, depth = rows.shape
        zero_point = np.broadcast_to(node.weight_zero_point, channels).astype(np.int64)
        bias = node.bias.astype(np.int64) - x.zero_point * (rows.astype(np.int64).sum(axis=1) - depth * zero_point)
        values = pattern_values(x.format)
        self._zero_point = zero_point.astype(np.int32) if zero_point.any() else None
        self._values = values.astype(np.int32)
        self.served = self.serve(multiplier)
        rest = np.abs(bias) + depth * np.abs(zero_point) * np.abs(values).max()
        if rounding in WRAPPING:
            rest = np.zeros_like(rest)  # the products alone must fit: what is added to them wraps
        for used in (None, self.served):
            bound = accumulator_bound(self.weight, self.w_format, x.format, used, rest)
            if bound > INT32_MAX:
                raise AxsimError(
                    f"layer {node.name}: sums must stay within int32, with these weights and bias "
                    f"and {used.name if used else 'exact products'} they may reach {bound}"
                )
        bound = accumulated_bound(self.weight, self.w_format, x.format, self.served, accumulator)
        self._narrow = None if accumulator.holds(bound) else accumulator
        self.bias = bias.astype(np.int32)
        # Within which a sum of products may lie, whatever comes off it or is added to it afterwards, int64 [M].
        self.room = INT32_MAX - rest
        self._products: dict[Multiplier | None, Product | DepthwiseProduct] = {}
        self.rescale = None
        if rounding not in FIXED:
            scale = np.array(node.requantization_multiplier(x))  # writable, as in Product
            self.rescale = Rescale(self.bias, scale, node.output.zero_point, node.clamp)

    def serve(self, multiplier: Multiplier | None) -> Multiplier | None:
        """Return the multiplier as it serves this layer's operands."""
        return None if multiplier is None else multiplier.serving(self.w_format, self.x.format)

    def statistics(self, covariances: bool = False) -> LayerStatistics:
        """Return empty statistics of this layer's operands."""
        zero_point = np.broadcast_to(self.node.weight_zero_point, len(self.weight)).astype(np.int64)
        formats = self.w_format, self.x.format
        return LayerStatistics(self.weight, self.groups, *formats, covariances, weight_zero_point=zero_point)

    def error_sums(self) -> ErrorSums:
        """Return empty sums over the layer's error matrix."""
        return ErrorSums(len(self.weight))

    def sums(self, given: LayerInput, served: Multiplier | None) -> Sums:
        """Multiply and add exactly: int32 [M, N] before bias and zero point."""
        product = self._product(served)
        return product(given.x, given.size) if isinstance(product, DepthwiseProduct) else product(given.columns)

    def accumulated(self, given: LayerInput) -> Sums:
        """Multiply by the layer's multiplier and add in its accumulator: int32 [M, N] before bias and zero point."""
        if self._narrow is None:
            return self.sums(given, self.served)
        product = self._product(self.served)
        if isinstance(product, DepthwiseProduct):
            product = Product(self.weight, self.groups, self.w_format, self.x.format, self.served)
        return product.accumulated(given.columns, self._narrow)

    def compute(self, given: LayerInput) -> Patterns:
        """Patterns of the output, uint8 [M, N], through the layer's multiplier."""
        if self.rescale is None or self._zero_point is not None or self._narrow is not None:
            return self.codes(self.accumulated(given), given)
        product = self._product(self.served)
        if isinstance(product, DepthwiseProduct):
            return product.codes(given.x, given.size, self.rescale)
        return product.codes(given.columns, self.rescale)

    def _product(self, served: Multiplier | None) -> Product | DepthwiseProduct:
        if served not in self._products:
            self._products[served] = (
                DepthwiseProduct(self.node, self.x.format, self.x.zero_pattern, served)
                if is_depthwise(self.node)
                else Product(self.weight, self.groups, self.w_format, self.x.format, served)
            )
        return self._products[served]

    def less_zero_points(self, sums: Sums, given: LayerInput) -> Sums:
        """Return the sums of (w - z_w) x from those of w x, int32 [M, N]: the same array where all z_w are 0."""
        if self._zero_point is None:
            return sums
        sums = sums.copy()
        subtract_tap_sums(sums, given.columns, self.groups, self._values, self._zero_point)
        return sums

    def codes(self, sums: Sums, given: LayerInput) -> Patterns:
        """Patterns of the output, uint8 [M, N], from sums and input; the sums may be overwritten."""
        if self._zero_point is not None:
            subtract_tap_sums(sums, given.columns, self.groups, self._values, self._zero_point)
        if self.rescale is not None:
            return self.rescale.codes(sums)
        out = np.empty(sums.shape, np.uint8)
        zero_point, clamp = self.node.output.zero_point, self.node.clamp
        if self.rounding == "litert" and isinstance(self.node, Linear):
            requantize_float64(sums, self.bias, self.node.float64_multiplier(self.x), zero_point, *clamp, out)
        else:
            requantize_fixed(sums, self.bias, *self.node.fixed_multiplier(self.x), zero_point, *clamp, out)
        return out
