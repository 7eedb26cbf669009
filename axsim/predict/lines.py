"""The error of a layer as a line at every tap, from the histograms of its taps alone.

With m_k(w), s_k(w) of equation (4) of `levels.py` and p_k the distribution of the activation x_k at tap k,

    E[m, n] = shift[m] + sum_k slope[m, k] X[k, n] + noise[m] z[m, n]                                         (6)
    slope[m, k] = s_k(W[m, k])         shift[m] = sum_k (m_k(W[m, k]) - slope[m, k] mean_k)
    noise[m]^2 = sum_k (Var e(W[m, k], x_k) - slope[m, k]^2 Var x_k)

Where (4) keeps of the linear part only its variance, (6) keeps it whole, as a second matrix beside W: errors that
channels and neighbouring pixels share, because they come of the same activations, stay shared. Assumed is that what is
left behind the lines is normal and independent of everything. Derived here.
"""

import dataclasses

import numpy as np
import numpy.typing as npt

from ..multipliers.product_table import Multiplier
from ..statistics import LayerStatistics
from .taps import TapSlopes

STEP = 2.0**-16  # of slopes: sums of theirs times codes are exact in float64, in any order


@dataclasses.dataclass(frozen=True, eq=False)
class TapLines:
    """Equation (6) of one layer: slope float64 [M, K], shift and noise float64 [M]; LSB of the sums, noise not below 0.

    Slopes are multiples of 2^-16.
    """

    slope: npt.NDArray[np.float64]
    shift: npt.NDArray[np.float64]
    noise: npt.NDArray[np.float64]


def tap_lines(layer: LayerStatistics, multiplier: Multiplier) -> TapLines:
    """
    Return the lines that the multiplier's error makes of a layer, for activations as its statistics have seen them.

    Covariances are not needed. Raises MultiplierError if the multiplier cannot serve the layer's operands.
    """
    error = multiplier.serving(layer.w_format, layer.x_format).error().astype(np.float64)
    slopes, (mean, _, rest, _) = TapSlopes([layer])(error)
    slopes = slopes.reshape(layer.channels, -1)[:, : layer.taps]
    slope = np.rint(slopes.astype(np.float64) / STEP) * STEP
    means = layer.tap_means.reshape(layer.groups, -1)
    linear = np.einsum("gmk,gk->gm", slope.reshape(layer.groups, -1, layer.taps), means).reshape(-1)
    return TapLines(slope, mean - linear, np.sqrt(np.maximum(0.0, rest)))
