"""Distributions of mean 0 and variance 1, each as 65,536 equally probable values.

So one kernel draws from all of them: a random 16-bit number picks a value. The mean is 0 and the variance 1 exactly (to
float32), not only in the limit; what is cut off is the tail, of the normal distribution beyond 4.3 standard deviations.
"""

import functools
import statistics
from typing import Literal

import numpy as np
import numpy.typing as npt

from ..errors import AxsimError

Distribution = Literal["normal", "uniform", "two_point"]
DISTRIBUTIONS: tuple[Distribution, ...] = ("normal", "uniform", "two_point")
VALUES = 2**16


@functools.cache
def standard_values(distribution: Distribution) -> npt.NDArray[np.float32]:
    """
    Values of "normal", "uniform" or "two_point" (-1 and 1), ascending, float32 [65536], mean 0 and variance 1.

    Raises AxsimError for another name.
    """
    levels = (np.arange(VALUES) + 0.5) / VALUES
    if distribution == "normal":
        inverse = statistics.NormalDist().inv_cdf
        return _standardized(np.array([inverse(float(level)) for level in levels]))
    if distribution == "uniform":
        return _standardized(levels)
    if distribution == "two_point":
        return _standardized(np.where(levels < 0.5, -1.0, 1.0))
    raise AxsimError(f"distribution must be one of {', '.join(DISTRIBUTIONS)}, got {distribution!r}")


def empirical_values(values: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Quantiles of `values` drawn with probabilities `weights` (positive sum), standardized, float32 [65536]."""
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(weights[order]) / weights.sum()
    levels = (np.arange(VALUES) + 0.5) / VALUES
    return _standardized(values[order][np.minimum(np.searchsorted(cumulative, levels), len(values) - 1)])


def _standardized(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    centred = values - values.mean()
    spread = centred.std()
    return (centred / spread if spread else centred).astype(np.float32)
