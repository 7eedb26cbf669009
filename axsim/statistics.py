"""What is counted while a network runs: a layer's operands, and its error matrix.

All counts are exact integers, so that they depend neither on how images came in batches nor on the number of threads.
"""

import functools
import math

import numpy as np
import numpy.typing as npt

from .errors import AxsimError
from .formats import Format, Patterns, pattern_values
from .kernels.count import add_error_sums, add_histograms

BLOCK_BYTES = 2**25  # of the float64 copy from which second moments are computed


class ErrorSums:
    """Sums over a layer's error matrix E = C_approximate - C_exact, int32 [M, N], gathered batch by batch.

    Attributes
    ----------
    pixels : int
        N, columns of the error matrix.
    sums : int64 [M]
        Sum of each channel's errors, LSB.
    """

    def __init__(self, channels: int) -> None:
        self.pixels = 0
        self.sums = np.zeros(channels, np.int64)
        self._halves = np.zeros((channels, 4), np.uint64)

    def add(self, exact: npt.NDArray[np.int32], approximate: npt.NDArray[np.int32]) -> None:
        """Add the columns of a batch, both int32 [M, B]; raises AxsimError for anything else."""
        shape = (len(self.sums), exact.shape[-1] if exact.ndim else 0)
        for matrix in (exact, approximate):
            if matrix.dtype != np.int32 or matrix.shape != shape:
                raise AxsimError(f"error matrices must be int32 {shape}, got {matrix.dtype} {matrix.shape}")
        self.pixels += exact.shape[1]
        add_error_sums(exact, approximate, self.sums, self._halves)

    @property
    def mean_error(self) -> float:
        """Mean of the error matrix, LSB of the sums."""
        return float(self.sums.sum() / max(1, self.pixels * len(self.sums)))

    @property
    def norm(self) -> float:
        """Frobenius norm of the error matrix, LSB of the sums."""
        return self._root(0)

    @property
    def exact_norm(self) -> float:
        """Frobenius norm of the exact sums C."""
        return self._root(2)

    @property
    def distortion(self) -> float:
        """norm(E, F) / norm(C, F); 0 where both are 0."""
        return self.norm / self.exact_norm if self.norm else 0.0

    def _root(self, column: int) -> float:
        low, high = (int(self._halves[:, column + half].sum(dtype=object)) for half in (0, 1))
        return math.sqrt(low + (high << 32))


class LayerStatistics:
    """Operands of one layer: what the moment model needs to know of it.

    Parameters
    ----------
    weight : uint8 [M, K]
        Weight patterns.
    groups : int
    w_format, x_format : {"u8", "s8"}
    covariances : bool
        Whether to gather the taps' second moments too, float64 [groups, K, K].

    Attributes
    ----------
    errors : ErrorSums
        Filled by `axsim.run(..., statistics=True)` with the errors of that run.
    pixels : int
        N, columns gathered.
    tap_counts : int64 [groups K, 256]
        Histogram of the activation patterns at each tap, padding included.
    """

    def __init__(
        self, weight: Patterns, groups: int, w_format: Format, x_format: Format, covariances: bool = False
    ) -> None:
        self.weight, self.groups, self.w_format, self.x_format = weight, groups, w_format, x_format
        self.errors = ErrorSums(weight.shape[0])
        self.pixels = 0
        depth = weight.shape[1]
        self.tap_counts = np.zeros((groups * depth, 256), np.int64)
        self._squares = np.zeros((groups, depth, depth)) if covariances else None

    def add(self, columns: Patterns) -> None:
        """Add the columns of a batch, uint8 [groups K, B]; raises AxsimError for anything else."""
        if columns.dtype != np.uint8 or columns.ndim != 2 or len(columns) != len(self.tap_counts):
            raise AxsimError(f"columns must be uint8 [{len(self.tap_counts)}, B], got {columns.dtype} {columns.shape}")
        self.pixels += columns.shape[1]
        add_histograms(columns, self.tap_counts)
        if self._squares is not None:
            size = max(1, BLOCK_BYTES // (8 * len(columns)))
            for start in range(0, columns.shape[1], size):
                part = self.pattern_values[columns[:, start : start + size]]
                block = part.reshape(self.groups, -1, part.shape[1])
                # Sums of products below 2^16: whole numbers in float64 up to 2^37 columns, in any order.
                self._squares += block @ block.transpose(0, 2, 1)

    @property
    def weight_histogram(self) -> npt.NDArray[np.int64]:
        """Count of each weight pattern, int64 [256]."""
        return np.bincount(self.weight.reshape(-1), minlength=256).astype(np.int64)

    @functools.cached_property
    def pattern_values(self) -> npt.NDArray[np.float64]:
        """Activation code of each pattern, float64 [256]."""
        return pattern_values(self.x_format).astype(np.float64)

    @property
    def activation_histogram(self) -> npt.NDArray[np.int64]:
        """Count of each activation pattern over all taps and pixels, int64 [256]."""
        return self.tap_counts.sum(axis=0)

    @property
    def tap_probabilities(self) -> npt.NDArray[np.float64]:
        """Distribution of the activation pattern at each tap, float64 [groups K, 256]."""
        return self.tap_counts / max(1, self.pixels)

    @property
    def tap_means(self) -> npt.NDArray[np.float64]:
        """Mean activation code at each tap, float64 [groups K]."""
        return self.tap_probabilities @ self.pattern_values

    def covariances(self) -> npt.NDArray[np.float64]:
        """
        Covariance of the taps' activation codes in each group, float64 [groups, K, K].

        Raises
        ------
        AxsimError
            If second moments were not gathered.
        """
        if self._squares is None:
            raise AxsimError("covariances must be gathered while the network runs: use axsim.measure.measure")
        means = self.tap_means.reshape(self.groups, -1)
        return self._squares / max(1, self.pixels) - means[:, :, None] * means[:, None, :]
