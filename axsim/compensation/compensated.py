"""A network made to live with one multiplier, without retraining: other biases and scales, if asked other codes too."""

import dataclasses
from collections.abc import Mapping
from typing import Literal

import numpy as np

from ..errors import AxsimError
from ..formats import Patterns
from ..images import Pixels
from ..inference.engine import Progress, forward
from ..inference.prepared import LayerInput, Multiplying, PreparedLayer, Sums, prepare
from ..multipliers.product_table import Multiplier, check_multiplier, digest_of_layers
from ..networks.network import Network
from ..networks.nodes import WeightLayer
from ..predict import Predictor
from ..statistics import NetworkStatistics
from .folding import Line, fold
from .weight_tuning import tune_weights

TUNING_PIXELS = 2**16  # of a layer, from which its codes are chosen
TUNING_BYTES = 2**27  # of the columns of these pixels
LARGEST_DEPTH = 4608  # taps of a sum up to which codes are tuned: 170 MB of covariances
Target = Literal["layer", "network"]


def compensate(
    network: Network,
    multiplier: Multiplier,
    statistics: NetworkStatistics | None = None,
    *,
    images: Pixels | None = None,
    target: Target = "network",
    tuned: bool = False,
    progress: Progress | None = None,
) -> Network:
    """
    Fold the mean and the gain of the multiplier's error on every channel into each layer's bias and scales.

    From statistics alone, the lines are those that the moment model predicts on the exact run's inputs (equation (5) of
    `axsim/predict/levels.py`). With images, layer by layer, they are measured behind the layers already compensated, on
    the inputs that the compensated network really gives; labels are not used.

    Parameters
    ----------
    network : Network
    multiplier : Multiplier
        For all layers.
    statistics : NetworkStatistics, optional
        Of this network.
    images : uint8 [N, H, W, C], optional
        Calibration images, all in memory at once with one layer's columns; tens to hundreds of them. Either these or
        statistics must be given.
    target : {"layer", "network"}
        With images, what a channel is brought back to: the exact products of the layer's own, already changed inputs,
        or those of the exact network, by which what earlier layers have left is undone too.
    tuned : bool
        Choose other weight codes first, at which the multiplier's products come closer to the exact ones with the
        network's own weights (`weight_tuning.py`). Layers with more than 4,608 taps keep theirs.

    Returns
    -------
    Network
        An ordinary network, bound to the multiplier by name and digest: with any other it is refused.

    Raises
    ------
    MultiplierError
        If the multiplier cannot serve a layer.
    AxsimError
        If neither or both of statistics and images are given, the statistics are of another network, or it is already
        compensated.
    """
    check_multiplier(multiplier)
    if (statistics is None) == (images is None):
        raise AxsimError("either statistics or images must be given to compensate from")
    if target not in ("layer", "network"):
        raise AxsimError(f"target must be 'layer' or 'network', got {target!r}")
    if network.bound_to is not None:
        raise AxsimError(f"network must not be compensated already, {network.name} is, for {network.bound_to[0]}")
    serving = {node.name: multiplier for node in network.weight_layers}
    weights: dict[str, Patterns] = {}
    if statistics is not None:
        statistics.check(network)
        predicted = Predictor(statistics)(multiplier)
        lines = {name: Line.predicted(layer) for name, layer in predicted.layers.items()}
        if tuned:
            for name, layer in statistics.layers.items():
                if layer.taps <= LARGEST_DEPTH:
                    weights[name], lines[name] = tune_weights(layer, multiplier)
        method = f"predicted from statistics of {statistics.images} images"
    else:
        assert images is not None
        lines, weights = _behind_each_other(network, multiplier, images, target, tuned, progress)
        method = f"layer by layer on {len(images)} images, target {target}"
    found = undone(network, serving, lines, method + ", weights tuned" * tuned)
    # The lines are over the exact sums of the network's own weights: these were folded before the codes change.
    nodes = tuple(
        _with_weights(node, weights[node.name]) if node.name in weights and isinstance(node, WeightLayer) else node
        for node in found.nodes
    )
    return dataclasses.replace(found, nodes=nodes)


def _with_weights(node: WeightLayer, weight: Patterns) -> WeightLayer:
    return dataclasses.replace(node, weight=weight.view(node.weight.dtype).reshape(node.weight.shape))


def undone(network: Network, multipliers: Mapping[str, Multiplier], lines: Mapping[str, Line], method: str) -> Network:
    """
    Return the network with the lines undone that these multipliers, one for each layer with weights, make.

    It is bound to them: with any others in any layer it is refused. `method` says how the lines were found.
    """
    names = sorted({each.name for each in multipliers.values()})
    about = {
        **network.about,
        "compensated_for": names[0] if len(names) == 1 else f"an assignment of {', '.join(names)}",
        "compensated_for_sha256": digest_of_layers(multipliers),
        "compensated_from_sha256": network.digest,
        "compensation": method,
    }
    return dataclasses.replace(fold(network, lines), about=about)


def _behind_each_other(
    network: Network, multiplier: Multiplier, images: Pixels, target: Target, tuned: bool, progress: Progress | None
) -> tuple[dict[str, Line], dict[str, Patterns]]:
    """
    Lines, and codes if tuned, of each layer behind the compensated ones.

    From one run of all images twice: exactly, and compensated.
    """
    layers = prepare(network, dict.fromkeys((layer.name for layer in network.layers), multiplier))
    lines: dict[str, Line] = {}
    weights: dict[str, Patterns] = {}
    count = len(images)

    def accumulate(layer: Multiplying, given: LayerInput) -> Sums:
        if not isinstance(layer, PreparedLayer):
            both = [layer.sums(given, served) for served in (None, layer.served)]
            half = both[0].shape[1] // 2
            return np.concatenate([both[0][:, :half], both[1][:, half:]], axis=1)
        halves = [
            LayerInput(layer.node, np.ascontiguousarray(half), layer.x.zero_pattern, given.size)
            for half in (given.x[:, :count], given.x[:, count:])
        ]
        exact = layer.sums(halves[0], None)
        used = layer
        if tuned and layer.weight.shape[1] <= LARGEST_DEPTH:
            weights[layer.node.name] = _tuned(layer, halves[1], multiplier)
            node = _with_weights(layer.node, weights[layer.node.name])
            used = PreparedLayer(node, layer.x, multiplier, network.rounding)
        approximate = used.less_zero_points(used.sums(halves[1], used.served), halves[1])
        if target == "network":
            wanted = layer.less_zero_points(exact, halves[0])
        else:
            wanted = layer.less_zero_points(layer.sums(halves[1], None), halves[1])
        line = _line(wanted, approximate)
        lines[layer.node.name] = line
        undone = np.rint((approximate - line.shift[:, None]) / (1 + line.gain[:, None]))
        # The engine takes the zero points off itself: what they are goes back on.
        zero = np.zeros_like(approximate)
        undone -= layer.less_zero_points(zero, halves[1])
        if progress is not None:
            progress(len(lines), len(network.weight_layers))
        return np.concatenate([exact, np.clip(undone, -layer.room[:, None], layer.room[:, None])], axis=1).astype(
            np.int32
        )

    twice = np.concatenate([images[:], images[:]])
    for _ in forward(network, layers, twice, accumulate, len(twice)):
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
    statistics.add(LayerInput(layer.node, part, layer.x.zero_pattern, given.size).columns)
    return tune_weights(statistics, multiplier)[0]


def _line(wanted: Sums, approximate: Sums) -> Line:
    """Least-squares line of each channel's approximate sums over the wanted ones."""
    means = [sums.mean(axis=1) for sums in (wanted, approximate)]
    centred = [
        (sums - mean[:, None]).astype(np.float32) for sums, mean in zip((wanted, approximate), means, strict=True)
    ]
    variance, covariance = ((centred[0] * other).mean(axis=1, dtype=np.float64) for other in centred)
    slope = np.divide(covariance, variance, out=np.ones_like(variance), where=variance > 0)
    return Line.through(slope - 1, *means)
