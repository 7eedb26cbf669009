"""Sums over a layer's error matrix, exact whatever its size."""

import math

import numpy as np
import numpy.typing as npt

from ..errors import AxsimError
from ..kernels.count import add_error_sums


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
