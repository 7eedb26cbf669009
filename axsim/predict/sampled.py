"""The yardstick of the moment model: the exact error on a few hundred sampled pixels of each layer."""

import math

from ..inference.gemm import Product
from ..multipliers.product_table import Multiplier
from ..statistics import NetworkStatistics


def sampled_norms(statistics: NetworkStatistics, multiplier: Multiplier) -> dict[str, float]:
    """
    Norm of each layer's error matrix, from the columns that the statistics keep, multiplied bit for bit.

    norm(E) is that of the sample times sqrt(N / n), n the sampled pixels: unbiased in its square, with no assumption on
    the error; what it misses is the spread from pixel to pixel.

    Returns
    -------
    dict of str to float
        For each layer norm(E, F), LSB of the sums, for as many pixels as the statistics have seen.

    Raises
    ------
    MultiplierError
        If the multiplier cannot serve a layer's operands.
    """
    norms = {}
    for name, layer in statistics.layers.items():
        served = multiplier.serving(layer.w_format, layer.x_format)
        exact, approximate = (
            Product(layer.weight, layer.groups, layer.w_format, layer.x_format, used)(layer.sample)
            for used in (None, served)
        )
        error = (approximate.astype(float) - exact).reshape(-1)
        norms[name] = math.sqrt(float(error @ error) * layer.pixels / max(1, layer.sample.shape[1]))
    return norms
