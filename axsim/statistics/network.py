"""Operand statistics of every layer of a network, bound to the network by its digest."""

import dataclasses
from typing import Any

import numpy as np

from ..errors import AxsimError
from ..networks.network import Network
from ..networks.nodes import WeightLayer
from .layer import LayerStatistics


@dataclasses.dataclass(frozen=True)
class NetworkStatistics:
    """What the moment model needs to know of a network; made by `axsim.gather_statistics`, kept in a file.

    Attributes
    ----------
    network : str
        Name of the network.
    digest : str
        `Network.digest`: these statistics are of that network and no other.
    images : int
        Number of images that they were gathered on.
    layers : dict of str to LayerStatistics
        Those with weights; of products of two activations the model predicts nothing beyond histograms.
    """

    network: str
    digest: str
    images: int
    layers: dict[str, LayerStatistics]

    def __repr__(self) -> str:
        return f"<NetworkStatistics of {self.network!r}: {len(self.layers)} layers on {self.images} images>"

    def check(self, network: Network) -> None:
        """Raise AxsimError unless the statistics are of this network, and not of one that was compensated."""
        if network.bound_to is not None:
            raise AxsimError(
                f"network must be as it was before compensation, {network.name} is compensated for "
                f"{network.bound_to[0]}; statistics are of the network that it was made from"
            )
        if network.digest != self.digest:
            raise AxsimError(
                f"statistics must be of {network.name} as it is, got those of {self.network} "
                f"({self.digest[:12]}, the network has {network.digest[:12]}); gather them again: axsim statistics"
            )


def check_statistics(statistics: object, network: Network | None = None) -> None:
    """Raise AxsimError unless it is a NetworkStatistics, not a file's name, and of the network if one is given."""
    if not isinstance(statistics, NetworkStatistics):
        came = repr(statistics) if isinstance(statistics, str) else type(statistics).__name__
        raise AxsimError(f"statistics must be NetworkStatistics, such as axsim.gather_statistics gives, got {came}")
    if network is not None:
        statistics.check(network)


def empty_statistics(network: Network, node: WeightLayer, **options: Any) -> LayerStatistics:
    """Return empty statistics of a layer of the network; options are those of LayerStatistics."""
    zero_point = np.broadcast_to(node.weight_zero_point, node.weight.shape[0]).astype(np.int64)
    weight = node.weight_rows().view(np.uint8)
    formats = node.weight_format, network.quantization(node.inputs[0]).format
    return LayerStatistics(weight, node.groups_of_weights, *formats, weight_zero_point=zero_point, **options)
