"""Where a multiplier stands among injected errors: its mean and standard deviation over all products of a network."""

import math
from collections.abc import Mapping

from ..multipliers.product_table import Multiplier
from ..statistics import LayerStatistics


def network_moments(multiplier: Multiplier, layers: Mapping[str, LayerStatistics]) -> tuple[float, float]:
    """
    Mean and standard deviation of the error, LSB, of a product picked at random among all that the network computes.

    Each layer's products are taken as draws from its own histograms of weights and activations.
    """
    count = mean = square = 0.0
    for statistics in layers.values():
        served = multiplier.serving(statistics.w_format, statistics.x_format)
        own = served.moments(statistics.weight_histogram, statistics.activation_histogram)
        products = float(statistics.weight.size) * statistics.pixels
        count += products
        mean += products * own.mean_error
        square += products * own.mse
    mean, square = mean / count, square / count
    return mean, math.sqrt(max(0.0, square - mean**2))
