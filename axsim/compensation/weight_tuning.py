"""Other weight codes in place of a layer's own, such that the multiplier's products come closest to the exact ones.

A multiplier errs little at some weight codes and much at their neighbours, so that a code nearby may serve better than
the right one. To choose each weight's code so, without retraining, is ALWANN's weight tuning (V. Mrazek, Z. Vasicek,
L. Sekanina, M. A. Hanif, M. Shafique, ICCAD 2019, DOI 10.1109/ICCAD45719.2019.8942068), where each code is chosen on
its own under uniform activations. Here the criterion is the moment model's, so that codes of one sum are chosen with
regard to each other. For each output channel, with w the weights, z their zero point and u the codes to be chosen,

    sum_k table(u_k, x_k) - z sum_k x_k - c sum_k (w_k - z) x_k,      variance = a S a' + sum_k rest_k(u_k),
    a_k = slope_k(u_k) - z - c (w_k - z)

where slope_k(u) = Cov(table(u, x), x) / Var(x) and rest_k(u) = Var(table(u, x)) - slope_k(u)^2 Var(x) under tap k's own
distribution of activations, S their covariance, and c the channel's gain with the codes that it has: mean and gain are
undone by bias and scale afterwards. It falls with every step of coordinate descent, which takes a tap at a time.
"""

import dataclasses

import numpy as np
import numpy.typing as npt

from ..formats import Patterns, pattern_values
from ..kernels.weight_tuning import tune_rows
from ..multipliers.product_table import Multiplier
from ..networks.nodes import Quantization, WeightLayer
from ..statistics import LayerStatistics
from .folding import LARGEST, SMALLEST, Line

PASSES = 3
LARGEST_DEPTH = 4608  # taps of a sum up to which codes are tuned: 170 MB of covariances
Matrix = npt.NDArray[np.float64]


def tune_weights(layer: LayerStatistics, multiplier: Multiplier) -> tuple[Patterns, Line]:
    """
    Choose the layer's weight codes for a multiplier.

    The covariance is shrunk towards its diagonal by the share K / (K + N) of N pixels: with few pixels to K taps, codes
    would be fitted to what these pixels have in common by chance.

    Parameters
    ----------
    layer : LayerStatistics
        With covariances, or with a sample of columns that stands for them.
    multiplier : Multiplier

    Returns
    -------
    weight : uint8 [M, K]
        Patterns of the codes chosen.
    line : Line
        What the multiplier makes of each channel's exact sums with them, as predicted.

    Raises
    ------
    MultiplierError
        If the multiplier cannot serve the layer.
    """
    served = multiplier.serving(layer.w_format, layer.x_format)
    choices = _codes(layer)
    rows_a_group = layer.channels // layer.groups
    group = np.arange(layer.channels) // rows_a_group
    mean, slope, rest = _product_moments(served.table, layer)
    mean, slope = (part.reshape(layer.groups, layer.taps, 256) for part in (mean, slope))
    covariance = _covariances(layer)
    taps = np.arange(layer.taps)
    codes = layer.weight.copy()
    raw = pattern_values(layer.w_format)[layer.weight].astype(np.float64)  # what the multiplier should multiply by
    zero_point = layer.weight_zero_point.astype(np.float64)[:, None]
    weight = raw - zero_point

    def times_covariance(values: Matrix) -> Matrix:
        found = values.reshape(layer.groups, rows_a_group, -1) @ covariance
        return np.asarray(found.reshape(values.shape))

    with_exact = times_covariance(weight)
    power = (weight * with_exact).sum(axis=1)

    def gain_of(chosen: Patterns) -> Matrix:
        cross = ((slope[group[:, None], taps, chosen] - zero_point) * with_exact).sum(axis=1)
        return np.clip(np.divide(cross, power, out=np.ones_like(cross), where=power > 1e-9), SMALLEST, LARGEST)

    wanted = zero_point + weight * gain_of(codes)[:, None]
    off = slope[group[:, None], taps, codes] - wanted
    tune_rows(
        codes, choices, rows_a_group, slope.reshape(-1, 256).astype(np.float32), rest.astype(np.float32),
        covariance.astype(np.float32), wanted, times_covariance(off), PASSES,
    )  # fmt: skip
    approximate = mean[group[:, None], taps, codes].sum(axis=1)
    zeros = layer.weight_zero_point * layer.tap_means.reshape(layer.groups, -1).sum(axis=1)[group]
    exact = (raw * layer.tap_means.reshape(layer.groups, -1)[group]).sum(axis=1)
    return codes, Line.through(gain_of(codes) - 1, exact - zeros, approximate - zeros)


def with_weights(node: WeightLayer, weight: Patterns, x: Quantization) -> WeightLayer:
    """
    Return the node with other weight codes, patterns uint8 [M, K], for an input quantized as x.

    What the input's zero point adds to every sum is taken off for the codes that a node has: the bias makes up for the
    difference, so that as much is taken off as before.
    """
    other = dataclasses.replace(node, weight=weight.view(node.weight.dtype).reshape(node.weight.shape))
    before, after = (each.weight_rows().sum(axis=1, dtype=np.int64) for each in (node, other))
    return dataclasses.replace(other, bias=(node.bias + x.zero_point * (after - before)).astype(np.int32))


def _codes(layer: LayerStatistics) -> npt.NDArray[np.int64]:
    """Patterns to choose from: all, but -128 where the layer does without it, as symmetric weights do."""
    values = pattern_values(layer.w_format).astype(np.int64)
    lowest = values[layer.weight].min(initial=0)
    return np.flatnonzero((values != -128) | (lowest == -128))


def _product_moments(table: npt.NDArray[np.int32], layer: LayerStatistics) -> tuple[Matrix, Matrix, Matrix]:
    """Mean of table[w, x], its slope over x and the variance beside that, at each tap for each w; [groups K, 256]."""
    probability, values = layer.tap_probabilities, layer.pattern_values
    products = table.astype(np.float64)
    x_mean = probability @ values
    x_variance = np.maximum(0.0, probability @ values**2 - x_mean**2)
    mean = probability @ products.T
    square = probability @ (products**2).T
    with_x = (probability * values) @ products.T
    covariance = with_x - mean * x_mean[:, None]
    slope = np.zeros_like(mean)
    np.divide(covariance, x_variance[:, None], out=slope, where=x_variance[:, None] > 1e-9)
    return mean, slope, np.maximum(0.0, square - mean**2 - slope**2 * x_variance[:, None])


def _covariances(layer: LayerStatistics) -> Matrix:
    """Covariance of the taps in each group, float64 [groups, K, K], shrunk towards its diagonal."""
    if layer.has_covariances:
        covariance, pixels = layer.covariances(), layer.pixels
    else:
        sample = layer.centred_sample()
        pixels = sample.shape[2]
        covariance = sample @ sample.transpose(0, 2, 1) / max(1, pixels)
    kept = pixels / (layer.taps + pixels)
    diagonal = np.einsum("gkk->gk", covariance).copy()
    covariance *= kept
    np.einsum("gkk->gk", covariance)[...] = diagonal
    return covariance
