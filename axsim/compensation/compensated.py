"""A network made to live with one multiplier, without retraining: other biases and scales, if asked other codes too."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from ..errors import AxsimError
from ..formats import Patterns
from ..images import Pixels
from ..inference.engine import Progress, check_images
from ..multipliers.product_table import Multiplier, check_multiplier, digest_of_layers
from ..networks.network import Network, check_network
from ..networks.nodes import WeightLayer
from ..predict import Predictor
from ..statistics import NetworkStatistics, check_statistics
from .folding import Line, fold
from .layer_by_layer import Target, measure_lines
from .weight_tuning import LARGEST_DEPTH, tune_weights, with_weights


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
        network's own weights (`weight_tuning.py`). Layers with more than 4,608 taps keep theirs. Without it a network
        whose weights have zero points other than 0 may come out worse: an error that grows with sum_k x is no line of
        the layer's sums, and cannot be folded; `compensate_best` tries the network as it is too.

    Returns
    -------
    Network
        An ordinary network, bound to the multiplier by name and digest: with any other it is refused.

    Raises
    ------
    MultiplierError, ImageError
        If the multiplier cannot serve a layer, or the images do not fit the network.
    AxsimError
        If neither or both of statistics and images are given, the statistics are of another network, or it is already
        compensated.
    """
    check_network(network)
    check_multiplier(multiplier)
    if not isinstance(tuned, bool | np.bool_):
        raise AxsimError(f"tuned must be True or False, got {tuned!r}")
    if (statistics is None) == (images is None):
        raise AxsimError("either statistics or images must be given to compensate from")
    if target not in ("layer", "network"):
        raise AxsimError(f"target must be 'layer' or 'network', got {target!r}")
    if images is not None:
        check_images(network, images)
    if network.bound_to is not None:
        raise AxsimError(f"network must not be compensated already, {network.name} is, for {network.bound_to[0]}")
    serving = {node.name: multiplier for node in network.weight_layers}
    weights: dict[str, Patterns] = {}
    if statistics is not None:
        check_statistics(statistics, network)
        predicted = Predictor(statistics)(multiplier)
        lines = {name: Line.predicted(layer) for name, layer in predicted.layers.items()}
        if tuned:
            for name, layer in statistics.layers.items():
                if layer.taps <= LARGEST_DEPTH:
                    weights[name], lines[name] = tune_weights(layer, multiplier)
        method = f"predicted from statistics of {statistics.images} images"
    else:
        assert images is not None
        lines, weights = measure_lines(network, multiplier, images, target, tuned, progress)
        method = f"layer by layer on {len(images)} images, target {target}"
    found = undone(network, serving, lines, method + ", weights tuned" * tuned)
    # The lines are over the exact sums of the network's own weights: these were folded before the codes change.
    nodes = tuple(
        with_weights(node, weights[node.name], network.quantization(node.inputs[0]))
        if node.name in weights and isinstance(node, WeightLayer)
        else node
        for node in found.nodes
    )
    return dataclasses.replace(found, nodes=nodes)


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
