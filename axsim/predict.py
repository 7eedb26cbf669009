"""The moment model: the Frobenius norm of a layer's error matrix, from statistics alone.

Derived here from first principles; nothing below is quoted from arXiv 2512.06537, of which the subject and the claim
that the mean error dominates are taken. `E[m, n] = sum_k e(W[m, k], X[k, n])`, e = approximate - exact product,
W [M, K], X [K, N]; all norms Frobenius; the layer alone, its input being the exact run's.

    iid, operand    E norm(E)^2 = M N (K sigma2 + K^2 mu^2)                                                   (1)
    conditional     E norm(E)^2 = N sum_m (b_m^2 + sum_k (q_k(W[m,k]) - m_k(W[m,k])^2))                       (2)
    covariance      E norm(E)^2 = N sum_m (b_m^2 + s_m S s_m' + sum_k (q_k - m_k^2 - s_k^2 S_kk))             (3)

(1) takes all products as independent draws with the error's mean mu and variance sigma2: under uniform operands ("iid")
or under the layer's own histograms of weights and activations ("operand"). (2) knows each weight, and each tap's own
distribution p_k of activations: m_k(w) and q_k(w) are the mean of e(w, x) and of e(w, x)^2 for x ~ p_k, and
b_m = sum_k m_k(W[m,k]); it takes the taps of a pixel as independent. (3) lets them correlate as far as the error is
linear in the activation: s_k(w) = Cov(e(w, x), x) / Var(x) under p_k, S the covariance matrix of the taps, s_m the row
(s_k(W[m,k]))_k. What they need of the network is measured once; none of them runs the multiplier.
"""

import dataclasses
import math

import numpy as np

from .product_table import Multiplier
from .statistics import LayerStatistics


@dataclasses.dataclass(frozen=True)
class PredictedNorms:
    """Predicted Frobenius norm of a layer's error matrix at each level of the model, LSB of the sums."""

    iid: float
    operand: float
    conditional: float
    covariance: float


def predict(multiplier: Multiplier, layer: LayerStatistics) -> PredictedNorms:
    """
    Predict norm(E, F) of a layer from the multiplier's error table and the layer's operand statistics.

    Parameters
    ----------
    multiplier : Multiplier
        It is served to the layer's operands, in their formats.
    layer : LayerStatistics
        With covariances, from `axsim.measure.measure`; the prediction is for as many pixels as it has seen.

    Raises
    ------
    MultiplierError
        If the multiplier cannot serve the layer's operands.
    AxsimError
        If covariances were not gathered.
    """
    served = multiplier.serving(layer.w_format, layer.x_format)
    uniform = served.moments()
    own = served.moments(layer.weight_histogram, layer.activation_histogram)
    conditional, covariance = _tap_levels(served, layer)
    return PredictedNorms(
        iid=_independent_norm(layer, uniform.mean_error, uniform.variance),
        operand=_independent_norm(layer, own.mean_error, own.variance),
        conditional=conditional,
        covariance=covariance,
    )


def _independent_norm(layer: LayerStatistics, mean: float, variance: float) -> float:
    """Equation (1)."""
    channels, depth = layer.weight.shape
    return math.sqrt(channels * layer.pixels * (depth * variance + depth**2 * mean**2))


def _tap_levels(served: Multiplier, layer: LayerStatistics) -> tuple[float, float]:
    """Equations (2) and (3)."""
    channels, depth = layer.weight.shape
    error = served.error().astype(np.float64)
    taps = layer.tap_probabilities.T  # [256, groups K]
    values = layer.pattern_values
    # For every weight pattern and tap, [256, groups K]: mean and mean square of the error, its covariance with x.
    mean = error @ taps
    square = error**2 @ taps
    with_x = (error * values) @ taps - mean * layer.tap_means
    tap_variance = (values**2) @ taps - layer.tap_means**2
    slope = np.divide(with_x, tap_variance, out=np.zeros_like(with_x), where=tap_variance > 1e-12)

    rows = layer.weight.reshape(layer.groups, channels // layer.groups, depth)
    tap = np.arange(layer.groups * depth).reshape(layer.groups, 1, depth)
    mean, square, slope = mean[rows, tap], square[rows, tap], slope[rows, tap]  # [groups, M / groups, K]
    bias = mean.sum(axis=2)
    noise = (square - mean**2).sum(axis=2)
    covariances = layer.covariances()
    linear = np.einsum("gmk,gmk->gm", slope @ covariances, slope)
    diagonal = np.einsum("gmk,gk->gm", slope**2, np.einsum("gkk->gk", covariances))
    conditional = float((bias**2 + noise).sum())
    covariance = float((bias**2 + noise + linear - diagonal).sum())
    return math.sqrt(layer.pixels * max(0.0, conditional)), math.sqrt(layer.pixels * max(0.0, covariance))
