"""Lines measured layer by layer, each behind the layers already compensated, on the inputs that these really give."""

from typing import Literal

import numpy as np

from ..formats import Patterns
from ..images import Pixels
from ..inference.engine import Progress, forward
from ..inference.prepared import LayerInput, Multiplying, PreparedLayer, Sums, prepare
from ..kernels.lines import line_moments, undo_lines
from ..multipliers.product_table import Multiplier
from ..networks.network import Network
from .folding import Line
from .weight_tuning import LARGEST_DEPTH, tune_weights, with_weights

TUNING_PIXELS = 2**16  # most pixels of a layer whose columns are made to choose its codes
TUNING_BYTES = 2**27  # of these columns
TUNING_COLUMNS = 2**14  # about as many are looked at: two thirds of it to twice, since they are evenly spread
Target = Literal["layer", "network"]


def measure_lines(
    network: Network, multiplier: Multiplier, images: Pixels, target: Target, tuned: bool, progress: Progress | None
) -> tuple[dict[str, Line], dict[str, Patterns]]:
    """
    Lines, and patterns of weight codes if tuned, of each layer by name; the parameters are those of `compensate`.

    For "network" the images go through twice side by side, exactly and compensated; for "layer" once.
    """
    layers = prepare(network, dict.fromkeys((layer.name for layer in network.layers), multiplier))
    lines: dict[str, Line] = {}
    weights: dict[str, Patterns] = {}
    exact_images = len(images) if target == "network" else 0

    def accumulate(layer: Multiplying, given: LayerInput) -> Sums:
        if not isinstance(layer, PreparedLayer):
            sums = layer.sums(given, layer.served)
            if exact_images:
                half = sums.shape[1] // 2
                sums = np.concatenate([layer.sums(given, None)[:, :half], sums[:, half:]], axis=1)
            return sums
        exact_half, own = (
            LayerInput(layer.node, np.ascontiguousarray(part), layer.x.zero_pattern, given.size)
            for part in (given.x[:, :exact_images], given.x[:, exact_images:])
        )
        used = layer
        if tuned and layer.weight.shape[1] <= LARGEST_DEPTH:
            weights[layer.node.name] = _tuned(layer, own, multiplier)
            node = with_weights(layer.node, weights[layer.node.name], layer.x)
            used = PreparedLayer(node, layer.x, multiplier, network.rounding)
        approximate = used.less_zero_points(used.sums(own, used.served), own)
        exact = layer.sums(exact_half if exact_images else own, None)
        line = _line(layer.less_zero_points(exact, exact_half if exact_images else own), approximate)
        lines[layer.node.name] = line
        # The engine takes the zero points off itself: what they are goes back on.
        offset = layer.less_zero_points(np.zeros_like(approximate), own)
        compensated = np.empty_like(approximate)
        undo_lines(approximate, line.gain, line.shift, offset, layer.room.astype(np.int64), compensated)
        if progress is not None:
            progress(len(lines), len(network.weight_layers))
        return np.concatenate([exact, compensated], axis=1) if exact_images else compensated

    given = np.concatenate([images[:], images[:]]) if exact_images else images
    for _ in forward(network, layers, given, accumulate, len(given)):
        pass
    return lines, weights


def _tuned(layer: PreparedLayer, given: LayerInput, multiplier: Multiplier) -> Patterns:
    """Codes chosen from the inputs that the layer is given, of as many images, evenly spread, as are enough."""
    statistics = layer.statistics(covariances=True)
    pixels = given.size[0] * given.size[1]
    images = given.x.shape[1]
    enough = min(TUNING_PIXELS // pixels, TUNING_BYTES // (pixels * len(statistics.tap_counts)))
    step = -(-images // max(1, enough))
    part = np.ascontiguousarray(given.x[:, ::step])
    columns = LayerInput(layer.node, part, layer.x.zero_pattern, given.size).columns
    every = columns.shape[1] // TUNING_COLUMNS | 1  # odd: from row to row other pixels, for most widths
    statistics.add(np.ascontiguousarray(columns[:, ::every]))
    return tune_weights(statistics, multiplier)[0]


def _line(wanted: Sums, approximate: Sums) -> Line:
    """Least-squares line of each channel's approximate sums over the wanted ones."""
    moments = np.empty((len(wanted), 4))
    line_moments(wanted, approximate, moments)
    mean, approximate_mean, variance, covariance = moments.T
    slope = np.divide(covariance, variance, out=np.ones_like(variance), where=variance > 0)
    return Line.through(slope - 1, mean, approximate_mean)
