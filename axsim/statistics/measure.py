"""What the exact run shows of each layer: its operands, and what a multiplier would do to the layer taken alone.

Every layer's input is the exact run's, whatever the multiplier.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..errors import AxsimError
from ..formats import Integers
from ..images import Pixels
from ..inference.engine import Progress, forward
from ..inference.prepared import LayerInput, Multiplying, Sums, prepare
from ..multipliers.product_table import Multiplier
from ..networks.network import Network, check_network
from . import ErrorSums, LayerStatistics, NetworkStatistics, Statistics, empty_statistics

SAMPLED_PIXELS = 512  # columns kept of each layer
# 512 channels, 3x3: 170 MB of float64. With more taps, the covariance is that of a sample of columns.
DENSE_TAPS = 4608
FACTOR_PIXELS = 2048  # columns kept of a layer whose covariance the sample stands for
COVARIANCE_BYTES = 2**30  # of second moments that one pass over the images gathers


@dataclasses.dataclass(frozen=True)
class Measurement:
    """What an exact run showed of each layer, and what each multiplier would have done to it.

    Attributes
    ----------
    logits : float32 [N, classes]
        Of the exact run.
    layers : dict of str to LayerStatistics or MatMulStatistics
        Operands of each layer, covariances included; none where they were not asked for.
    errors : tuple of dict of str to ErrorSums
        For each multiplier, in the order given: error matrix of each layer alone.
    """

    logits: npt.NDArray[np.float32]
    layers: dict[str, Statistics]
    errors: tuple[dict[str, ErrorSums], ...]


def measure(
    network: Network,
    images: Pixels,
    multipliers: Sequence[Multiplier],
    *,
    statistics: bool = True,
    batch_size: int | None = None,
    progress: Progress | None = None,
) -> Measurement:
    """
    Run the images exactly and multiply each layer's operands through every multiplier on the way.

    `statistics`: whether to gather the layers' operands too. The other parameters are those of `axsim.run`, and so are
    the errors raised.
    """
    layers = prepare(network, dict.fromkeys((layer.name for layer in network.layers), None))
    # Preparing for each multiplier checks that it serves every layer and that no sum leaves int32.
    served = [
        {name: used.served for name, used in prepare(network, dict.fromkeys(layers, each)).items()}
        for each in multipliers
    ]
    gathered = {name: layer.statistics(covariances=True) for name, layer in layers.items()} if statistics else {}
    errors = tuple({name: layer.error_sums() for name, layer in layers.items()} for _ in multipliers)

    def accumulate(layer: Multiplying, given: LayerInput) -> Sums:
        name = layer.node.name
        exact = layer.sums(given, None)
        if statistics:
            gathered[name].add(given.columns, layer.weight)
        for each, sums in zip(served, errors, strict=True):
            sums[name].add(exact, layer.sums(given, each[name]))
        return exact

    logits = np.concatenate(list(forward(network, layers, images, accumulate, batch_size, progress)))
    return Measurement(logits, gathered, errors)


def gather_statistics(
    network: Network,
    images: Pixels,
    *,
    sampled_pixels: int = SAMPLED_PIXELS,
    batch_size: int | None = None,
    progress: Progress | None = None,
) -> NetworkStatistics:
    """
    Gather the operand statistics of every layer with weights on calibration images: exact runs, no multiplier.

    Memory: the taps' second moments of a layer take 8 K^2 bytes a group, 170 MB for K = 4608; layers are gathered in as
    many passes over the images as keep them within 1 GiB a pass. Of a layer with more taps, or with fewer pixels in all
    than taps, up to 2,048 columns are kept instead, K bytes each, and the covariance is that of these columns.

    Parameters
    ----------
    network : Network
    images : uint8 [N, H, W, C]
    sampled_pixels : int
        Columns of each layer to keep for the `sampled` level, spread evenly over all pixels of all images.
    batch_size, progress
        As in `axsim.run`; the result does not depend on them.

    Raises
    ------
    ImageError
        If the images do not fit the network.
    AxsimError
        If sampled_pixels is below 1.
    """
    check_network(network)
    if not isinstance(sampled_pixels, int | np.integer) or sampled_pixels < 1:
        raise AxsimError(f"sampled_pixels must be a whole number of 1 or more, got {sampled_pixels!r}")
    layers = prepare(network, dict.fromkeys((layer.name for layer in network.layers), None))
    gathered: dict[str, LayerStatistics] = {}
    passes: list[list[str]] = [[]]
    used = 0
    for node in network.weight_layers:
        pixels = len(images) * int(np.prod(network.shapes[node.name][1:]))
        taps = node.weight_rows().shape[1]
        dense = taps <= DENSE_TAPS and taps <= pixels
        positions = _spread(pixels, sampled_pixels if dense else max(FACTOR_PIXELS, sampled_pixels))
        size = 8 * node.groups_of_weights * taps**2 if dense else 0
        if used and used + size > COVARIANCE_BYTES:
            passes.append([])
            used = 0
        used += size
        passes[-1].append(node.name)
        gathered[node.name] = empty_statistics(network, node, covariances=dense, positions=positions)

    for index, names in enumerate(passes):
        wanted = set(names)

        def report(done: int, total: int, index: int = index) -> None:
            if progress is not None:
                progress(index * total + done, len(passes) * total)

        def accumulate(layer: Multiplying, given: LayerInput, wanted: set[str] = wanted) -> Sums:
            if layer.node.name in wanted:
                gathered[layer.node.name].add(given.columns)
            return layer.sums(given, None)

        for _ in forward(network, layers, images, accumulate, batch_size, report):
            pass
    return NetworkStatistics(network.name, network.digest, len(images), gathered)


def _spread(pixels: int, count: int) -> Integers:
    """Up to `count` of the numbers below `pixels`, ascending: one at random from each of as many equal stretches."""
    if pixels <= count:
        return np.arange(pixels, dtype=np.int64)
    offsets = np.random.default_rng(0).random(count)
    return ((np.arange(count) + offsets) * (pixels / count)).astype(np.int64)
