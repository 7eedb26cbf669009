"""Operands of a product of two activations."""

import numpy as np

from ..errors import AxsimError
from ..formats import Format, Patterns
from ..kernels.count import add_histograms
from .error_sums import ErrorSums


class MatMulStatistics:
    """Operands of a product of two activations, [C, M, K] by [C, K, N] for each image.

    Parameters
    ----------
    shape : (C, M, K)
    w_format, x_format : {"u8", "s8"}
        Of the left and the right operand.

    Attributes
    ----------
    errors : ErrorSums
        See LayerStatistics; one row a head.
    pixels : int
        N times the images gathered: columns of an error matrix of C M rows.
    weight_histogram, activation_histogram : int64 [256]
        Count of each pattern of the left and of the right operand.
    """

    def __init__(self, shape: tuple[int, int, int], w_format: Format, x_format: Format) -> None:
        heads, rows, self.taps = shape
        self.channels = heads * rows
        self.w_format, self.x_format = w_format, x_format
        self.errors = ErrorSums(heads)
        self.pixels = 0
        self.weight_histogram = np.zeros(256, np.int64)
        self.activation_histogram = np.zeros(256, np.int64)

    def add(self, columns: Patterns, left: Patterns) -> None:
        """Add a batch's right and left operands, uint8 [C B K, N] and [C B M, K]; AxsimError for anything else."""
        batch, rest = divmod(len(left), self.channels)
        heads = len(self.errors.sums)
        for operand, shape in ((left, (batch * self.channels, self.taps)), (columns, (batch * heads * self.taps, -1))):
            if operand.dtype != np.uint8 or operand.ndim != 2 or len(operand) != shape[0] or rest:
                raise AxsimError(f"operands must be uint8 {shape}, got {operand.dtype} {operand.shape}")
        self.pixels += batch * columns.shape[1]
        add_histograms(left.reshape(1, -1), self.weight_histogram[None])
        add_histograms(columns.reshape(1, -1), self.activation_histogram[None])
