"""Operands of one layer: histograms at each tap, how the taps covary, and a sample of columns."""

import functools

import numpy as np
import numpy.typing as npt

from ..errors import AxsimError
from ..formats import Format, Integers, Patterns, pattern_values
from ..kernels.count import add_histograms
from .error_sums import ErrorSums

BLOCK_BYTES = 2**25  # of the float64 copy from which second moments are computed
Matrix = npt.NDArray[np.float64]


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
    weight_zero_point : int array [M], optional
        Of each row's weights; 0 when not given.
    positions : ascending int64 array, optional
        Which pixels to keep whole, counted over all images in order.

    Attributes
    ----------
    errors : ErrorSums
        Filled by `axsim.run(..., statistics=True)` with the errors of that run.
    pixels : int
        N, columns gathered.
    tap_counts : int64 [groups K, 256]
        Histogram of the activation patterns at each tap, padding included.
    sample : uint8 [groups K, n]
        The columns kept, n = 0 where none were asked for.
    """

    def __init__(
        self,
        weight: Patterns,
        groups: int,
        w_format: Format,
        x_format: Format,
        covariances: bool = False,
        *,
        weight_zero_point: Integers | None = None,
        positions: Integers | None = None,
    ) -> None:
        self.weight, self.groups, self.w_format, self.x_format = weight, groups, w_format, x_format
        self.errors = ErrorSums(weight.shape[0])
        self.pixels = 0
        depth = weight.shape[1]
        zeros = np.zeros(weight.shape[0], np.int64)
        self.weight_zero_point = zeros if weight_zero_point is None else weight_zero_point.astype(np.int64)
        self.tap_counts = np.zeros((groups * depth, 256), np.int64)
        self._squares = np.zeros((groups, depth, depth)) if covariances else None
        self._positions = np.zeros(0, np.int64) if positions is None else positions
        self.sample = np.zeros((groups * depth, len(self._positions)), np.uint8)

    def add(self, columns: Patterns, weight: Patterns | None = None) -> None:
        """Add the columns of a batch, uint8 [groups K, B] (the weights are known); AxsimError for anything else."""
        if columns.dtype != np.uint8 or columns.ndim != 2 or len(columns) != len(self.tap_counts):
            raise AxsimError(f"columns must be uint8 [{len(self.tap_counts)}, B], got {columns.dtype} {columns.shape}")
        first, last = np.searchsorted(self._positions, (self.pixels, self.pixels + columns.shape[1]))
        self.sample[:, first:last] = columns[:, self._positions[first:last] - self.pixels]
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
    def channels(self) -> int:
        """M, output channels."""
        return self.weight.shape[0]

    @property
    def taps(self) -> int:
        """K, products a sum."""
        return self.weight.shape[1]

    @property
    def weight_values(self) -> Matrix:
        """Weight codes less their zero point, float64 [M, K]."""
        codes = pattern_values(self.w_format)[self.weight] - self.weight_zero_point[:, None]
        return codes.astype(np.float64)

    @property
    def weight_histogram(self) -> Integers:
        """Count of each weight pattern, int64 [256]."""
        return np.bincount(self.weight.reshape(-1), minlength=256).astype(np.int64)

    @functools.cached_property
    def pattern_values(self) -> Matrix:
        """Activation code of each pattern, float64 [256]."""
        return pattern_values(self.x_format).astype(np.float64)

    @property
    def activation_histogram(self) -> Integers:
        """Count of each activation pattern over all taps and pixels, int64 [256]."""
        return self.tap_counts.sum(axis=0)

    @property
    def tap_probabilities(self) -> Matrix:
        """Distribution of the activation pattern at each tap, float64 [groups K, 256]."""
        return self.tap_counts / max(1, self.pixels)

    @property
    def tap_means(self) -> Matrix:
        """Mean activation code at each tap, float64 [groups K]."""
        return self.tap_probabilities @ self.pattern_values

    @property
    def has_covariances(self) -> bool:
        """Whether second moments were gathered as a matrix; else what is known of them is in the sample."""
        return self._squares is not None

    def covariances(self) -> Matrix:
        """
        Covariance of the taps' activation codes in each group, float64 [groups, K, K].

        Raises
        ------
        AxsimError
            If second moments were not gathered.
        """
        if self._squares is None:
            raise AxsimError("covariances must be gathered while the network runs: use axsim.gather_statistics")
        means = self.tap_means.reshape(self.groups, -1)
        return self._squares / max(1, self.pixels) - means[:, :, None] * means[:, None, :]

    def centred_sample(self) -> Matrix:
        """Activation codes of the sample less each tap's mean over it, float64 [groups, K, n]."""
        values = self.pattern_values[self.sample].reshape(self.groups, -1, self.sample.shape[1])
        return values - values.mean(axis=2, keepdims=True)

    def restore(self, pixels: int, tap_counts: Integers, sample: Patterns, second_moments: Matrix | None) -> None:
        """Take over what a file holds of earlier statistics; shapes are the caller's to check."""
        self.pixels, self.tap_counts, self.sample, self._squares = pixels, tap_counts, sample, second_moments

    @property
    def second_moments(self) -> Matrix | None:
        """Sum over the pixels of the products of two taps' codes, float64 [groups, K, K], if gathered."""
        return self._squares
