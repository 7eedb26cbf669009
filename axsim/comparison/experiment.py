"""One matrix product looked at closely: its error matrix, measured and predicted, and how its norm grows with K.

C = W X, W [M, K] and X [K, N] random codes of a named distribution; E = C_approximate - C_exact.
"""

import dataclasses
from typing import Literal

import numpy as np
import numpy.typing as npt

from ..errors import AxsimError
from ..formats import format_of
from ..inference.gemm import matmul
from ..multipliers.product_table import Multiplier
from ..predict import PredictedNorms, predict
from ..statistics import LayerStatistics

Distribution = Literal["uniform", "bell", "rectified"]
DISTRIBUTIONS: dict[str, str] = {
    "uniform": "all codes from -127 to 127 alike",
    "bell": "Laplace, as a layer's weights are: most codes small",
    "rectified": "half of them 0, none negative, as behind a relu",
}
LARGEST = 2**31  # products of one experiment
POINTS = 10  # of the curve over K


@dataclasses.dataclass(frozen=True)
class Experiment:
    """What one product showed.

    Attributes
    ----------
    error : int64 [M, N]
        The error matrix, LSB of the sums.
    exact_norm : float
        norm(C, F).
    predicted : PredictedNorms
        Of the error matrix, at each level of the moment model.
    taps : int64 [P]
        Numbers of leading taps, ascending up to K, at which the curves below are given.
    measured_curve, bias_curve, noise_curve : float64 [P]
        norm(E, F) of the product of so many taps; and the two parts of the iid formula under these operands' own
        histograms, K |mu| sqrt(M N) and sigma sqrt(M N K), whose squares add up to the prediction's.
    """

    error: npt.NDArray[np.int64]
    exact_norm: float
    predicted: PredictedNorms
    taps: npt.NDArray[np.int64]
    measured_curve: npt.NDArray[np.float64]
    bias_curve: npt.NDArray[np.float64]
    noise_curve: npt.NDArray[np.float64]

    def _repr_html_(self) -> str:
        from ..presentation.display import experiment_html  # which knows this class, not the other way round

        return experiment_html(self)

    @property
    def norm(self) -> float:
        """norm(E, F), LSB of the sums."""
        return _norm(self.error)


def codes(shape: tuple[int, int], distribution: str, seed: int) -> npt.NDArray[np.int8]:
    """Random s8 codes from -127 to 127 of a distribution in DISTRIBUTIONS; the same for the same seed."""
    if distribution not in DISTRIBUTIONS:
        raise AxsimError(f"distribution must be one of {', '.join(DISTRIBUTIONS)}, got {distribution!r}")
    rng = np.random.default_rng(seed)
    if distribution == "uniform":
        return rng.integers(-127, 128, shape, dtype=np.int8)
    values = rng.laplace(0, 24, shape)
    if distribution == "rectified":
        values = np.maximum(0, 1.6 * values)
    return np.clip(np.rint(values), -127, 127).astype(np.int8)


def operand_statistics(w: npt.NDArray[np.generic], x: npt.NDArray[np.generic]) -> LayerStatistics:
    """
    Gather the statistics of both operands, which do not depend on the multiplier; see `experiment` for what they are.

    Raises
    ------
    AxsimError
        If dtypes or shapes do not fit, are empty or too large.
    """
    w_format, x_format = format_of(w), format_of(x)
    if w_format is None or x_format is None:
        raise AxsimError(f"w and x must be int8 or uint8, got {w.dtype} and {x.dtype}")
    if w.ndim != 2 or x.ndim != 2 or w.shape[1] != x.shape[0] or 0 in (*w.shape, *x.shape):
        raise AxsimError(f"w and x must have shapes [M, K] and [K, N], none of them 0, got {w.shape} and {x.shape}")
    channels, depth, pixels = *w.shape, x.shape[1]
    if channels * depth * pixels > LARGEST:
        raise AxsimError(f"M K N must be at most {LARGEST} products, got {channels} x {depth} x {pixels}")
    statistics = LayerStatistics(np.ascontiguousarray(w).view(np.uint8), 1, w_format, x_format, covariances=True)
    statistics.add(np.ascontiguousarray(x).view(np.uint8))
    return statistics


def experiment(
    w: npt.NDArray[np.generic],
    x: npt.NDArray[np.generic],
    multiplier: Multiplier,
    statistics: LayerStatistics | None = None,
) -> Experiment:
    """
    Multiply exactly and through the multiplier, block of taps by block of taps, and predict.

    Parameters
    ----------
    w : int8 or uint8 [M, K]
    x : int8 or uint8 [K, N]
    multiplier : Multiplier
        It must serve the operands' formats, as for `axsim.matmul`.
    statistics : LayerStatistics, optional
        What `operand_statistics(w, x)` gave, where several multipliers are tried on the same operands.

    Raises
    ------
    AxsimError
        If the shapes do not fit, are empty or too large, or what `axsim.matmul` raises.
    """
    w, x = np.asarray(w), np.asarray(x)
    statistics = statistics or operand_statistics(w, x)
    channels, depth, pixels = *w.shape, x.shape[1]
    ends = np.unique(np.geomspace(1, depth, POINTS).astype(np.int64))
    exact, error = np.zeros((2, channels, pixels), np.int64)
    norms, first = [], 0
    for last in map(int, ends):
        part_w, part_x = w[:, first:last], x[first:last]
        product = matmul(part_w, part_x)
        exact += product
        error += matmul(part_w, part_x, multiplier).astype(np.int64) - product
        norms.append(_norm(error))
        first = last
    served = multiplier.serving(statistics.w_format, statistics.x_format)
    own = served.moments(statistics.weight_histogram, statistics.activation_histogram)
    entries = np.sqrt(channels * pixels)
    return Experiment(
        error=error,
        exact_norm=_norm(exact),
        predicted=predict(multiplier, statistics),
        taps=ends,
        measured_curve=np.array(norms),
        bias_curve=ends * abs(own.mean_error) * entries,
        noise_curve=np.sqrt(ends) * own.standard_deviation * entries,
    )


def _norm(matrix: npt.NDArray[np.int64]) -> float:
    """Frobenius norm; in float64, which BLAS multiplies and int64 is not."""
    return float(np.linalg.norm(matrix.astype(np.float64)))
