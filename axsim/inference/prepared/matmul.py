"""The product of two activations as the kernels want it: a GEMM in groups, one for each head of each image."""

import numpy as np

from ...errors import AxsimError
from ...formats import Format, Patterns, exact_products, pattern_values
from ...kernels.requantize import subtract_tap_sums
from ...multipliers.product_table import Multiplier
from ...networks.nodes import MatMul, Quantization
from ...statistics import ErrorSums, MatMulStatistics
from ..accumulator import EXACT_SUMS, Accumulator
from ..gemm import INT32_MAX, Product, Rescale, Sums
from .layer_input import LayerInput


class PreparedMatMul:
    """A matmul of [C, M, K] by [C, K, N] and its multiplier; the operands come with each batch.

    Raises AxsimError where a sum could leave int32 and MultiplierError where the multiplier cannot serve the operands.
    """

    def __init__(
        self,
        node: MatMul,
        a: Quantization,
        b: Quantization,
        shape: tuple[int, int, int],
        multiplier: Multiplier | None,
        accumulator: Accumulator = EXACT_SUMS,
    ) -> None:
        self.node, self.a, self.b, self.shape = node, a, b, shape
        self.w_format: Format = a.format
        self.served = self.serve(multiplier)
        self.accumulator = accumulator
        depth = shape[2]
        a_values, b_values = pattern_values(a.format), pattern_values(b.format)
        corrections = (
            abs(a.zero_point) * np.abs(b_values).max() + abs(b.zero_point) * np.abs(a_values - a.zero_point).max()
        )
        for used in (None, self.served):
            table = exact_products(a.format, b.format) if used is None else used.table
            bound = depth * int(np.abs(table.astype(np.int64)).max() + corrections)
            if bound > INT32_MAX:
                raise AxsimError(
                    f"layer {node.name}: sums must stay within int32, with {depth} taps "
                    f"and {used.name if used else 'exact products'} they may reach {bound}"
                )

    def serve(self, multiplier: Multiplier | None) -> Multiplier | None:
        """Return the multiplier as it serves these operands."""
        return None if multiplier is None else multiplier.serving(self.a.format, self.b.format)

    def statistics(self, covariances: bool = False) -> MatMulStatistics:
        """Return empty statistics; covariances are not gathered."""
        return MatMulStatistics(self.shape, self.a.format, self.b.format)

    def error_sums(self) -> ErrorSums:
        """Return empty sums over the error matrix, one row a head."""
        return ErrorSums(self.shape[0])

    def with_left(self, left: Patterns) -> "MatMulOfBatch":
        """Return the product of one batch: left operand uint8 [C, B, M, K]."""
        return MatMulOfBatch(self, left)


class MatMulOfBatch:
    """One batch's product: its left operands stand where a layer has weights, in C B groups.

    The zero points are taken off exactly, with a over [M, K] and b over [K, N] of one group:

        sum_k (a - z_a) (b - z_b) = sum_k a b - z_a sum_k b - z_b sum_k a + K z_a z_b
    """

    def __init__(self, prepared: PreparedMatMul, left: Patterns) -> None:
        self.prepared, self.node, self.served = prepared, prepared.node, prepared.served
        self.channels, batch, _, depth = left.shape
        self.groups = self.channels * batch
        self.weight = left.reshape(-1, depth)

    def sums(self, given: LayerInput, served: Multiplier | None) -> Sums:
        """Multiply by a second input [C, B, K, N] and add exactly: int32 [C, B M N], before the zero points."""
        return self._product(served)(given.columns).reshape(self.channels, -1)

    def accumulated(self, given: LayerInput) -> Sums:
        """Multiply by the layer's multiplier and add in its accumulator: int32 [C, B M N], before the zero points."""
        if self.prepared.accumulator == EXACT_SUMS:
            return self.sums(given, self.served)
        return (
            self._product(self.served).accumulated(given.columns, self.prepared.accumulator).reshape(self.channels, -1)
        )

    def _product(self, served: Multiplier | None) -> Product:
        a, b = self.prepared.a, self.prepared.b
        return Product(self.weight, self.groups, a.format, b.format, served)

    def codes(self, sums: Sums, given: LayerInput) -> Patterns:
        """Patterns of the output, uint8 [C, B M N]; the sums may be overwritten."""
        a, b, node = self.prepared.a, self.prepared.b, self.node
        rows, depth = self.weight.shape
        matrix = sums.reshape(rows, -1)
        if a.zero_point:
            values = pattern_values(b.format).astype(np.int32)
            subtract_tap_sums(matrix, given.columns, self.groups, values, np.full(rows, a.zero_point, np.int32))
        bias = np.zeros(rows, np.int32)
        if b.zero_point:
            codes = self.weight.view(np.int8) if a.format == "s8" else self.weight
            bias += b.zero_point * (depth * a.zero_point - codes.sum(axis=1, dtype=np.int32))
        multiplier = np.full(rows, node.requantization_multiplier(a, b))
        codes = Rescale(bias, multiplier, node.output.zero_point, node.clamp).codes(matrix)
        return codes.reshape(self.channels, -1)

    def compute(self, given: LayerInput) -> Patterns:
        """Patterns of the output, uint8 [C, B M N], through the layer's multiplier."""
        return self.codes(self.accumulated(given), given)
