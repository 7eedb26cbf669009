"""Error matrices of each layer taken alone: every layer's input is the exact run's, whatever the multiplier."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .engine import PreparedLayer, Progress, Sums, forward, prepare
from .formats import Patterns
from .images import Pixels
from .network import Network
from .product_table import Multiplier
from .statistics import ErrorSums, LayerStatistics


@dataclasses.dataclass(frozen=True)
class Measurement:
    """What an exact run showed of each layer, and what each multiplier would have done to it.

    Attributes
    ----------
    logits : float32 [N, classes]
        Of the exact run.
    layers : dict of str to LayerStatistics
        Operands of each layer, covariances included.
    errors : tuple of dict of str to ErrorSums
        For each multiplier, in the order given: error matrix of each layer alone.
    """

    logits: npt.NDArray[np.float32]
    layers: dict[str, LayerStatistics]
    errors: tuple[dict[str, ErrorSums], ...]


def measure(
    network: Network,
    images: Pixels,
    multipliers: Sequence[Multiplier],
    *,
    batch_size: int | None = None,
    progress: Progress | None = None,
) -> Measurement:
    """
    Run the images exactly and multiply each layer's operands through every multiplier on the way.

    Parameters are those of `axsim.run`, and so are the errors raised.
    """
    layers = prepare(network, dict.fromkeys((layer.name for layer in network.layers), None))
    # Preparing for each multiplier checks that it serves every layer and that no sum leaves int32.
    served = [
        {name: used.served for name, used in prepare(network, dict.fromkeys(layers, each)).items()}
        for each in multipliers
    ]
    statistics = {name: layer.statistics(covariances=True) for name, layer in layers.items()}
    errors = tuple({name: ErrorSums(layer.weight.shape[0]) for name, layer in layers.items()} for _ in multipliers)

    def accumulate(layer: PreparedLayer, columns: Patterns) -> Sums:
        name = layer.node.name
        exact = layer.sums(columns, None)
        statistics[name].add(columns)
        for each, gathered in zip(served, errors, strict=True):
            gathered[name].add(exact, layer.sums(columns, each[name]))
        return exact

    logits = np.concatenate(list(forward(network, layers, images, accumulate, batch_size, progress)))
    return Measurement(logits, statistics, errors)
