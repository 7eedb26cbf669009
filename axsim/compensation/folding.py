"""The line that a multiplier's error makes of each channel, taken back by the layer's bias and scales."""

import dataclasses
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ..checks import check_numbers
from ..errors import AxsimError
from ..networks.network import Network, check_network
from ..networks.nodes import LARGEST_BIAS, Quantization, WeightLayer
from ..predict import LayerPrediction

SMALLEST, LARGEST = 0.25, 4.0  # of 1 + gain: beyond, the line says little of the channel, and its inverse would shout
Vector = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, eq=False)
class Line:
    """
    What a multiplier makes of each output channel's sums: approximate = (1 + gain) exact + shift.

    gain and shift float64 [M]; sums in LSB, less the weights' zero points. 1 + gain is from 1/4 to 4: `through` keeps
    it there.

    Raises
    ------
    AxsimError
        If gain and shift are no two finite vectors of one length, or a gain is out of bounds.
    """

    gain: Vector
    shift: Vector

    def __post_init__(self) -> None:
        gain, shift = self.gain, self.shift
        for name, values in (("gain", gain), ("shift", shift)):
            check_numbers(name, values)
            if not np.isfinite(values).all():
                raise AxsimError(f"{name} must be finite, got {values[~np.isfinite(values)][0]}")
        if gain.ndim != 1 or shift.shape != gain.shape:
            raise AxsimError(f"gain and shift must be one each a channel, got shapes {gain.shape} and {shift.shape}")
        if not ((gain >= SMALLEST - 1) & (gain <= LARGEST - 1)).all():
            raise AxsimError(
                f"gain must be from {SMALLEST - 1} to {LARGEST - 1}, got {gain.min()} to {gain.max()}; "
                "Line.through keeps it there"
            )

    @classmethod
    def through(cls, gain: Vector, exact_mean: Vector, approximate_mean: Vector) -> "Line":
        """Return the lines of these gains through the channels' means."""
        slope = np.clip(1 + gain, SMALLEST, LARGEST)
        return cls(slope - 1, approximate_mean - slope * exact_mean)

    @classmethod
    def predicted(cls, layer: LayerPrediction) -> "Line":
        """Return the line that the moment model predicts: gain g_m, shift b_m - g_m centre_m."""
        return cls.through(layer.gain, layer.centre, layer.centre + layer.mean)


def fold(network: Network, lines: Mapping[str, Line]) -> Network:
    """
    Return the network with each named layer's lines undone: C = (C^ - shift) / (1 + gain).

    The real output is scale (C + bias) = scale / (1 + gain) (C^ - shift + (1 + gain) bias): the shift goes into the
    bias (rounded to an integer) and the gain into the weights' scale, and so into the requantization. Channels whose
    bias would be stretched beyond 2^30 are left as they are: beside such a bias their sums are nothing.

    Raises
    ------
    AxsimError
        If a layer does not exist, or has not as many channels as its lines.
    """
    check_network(network)
    if not isinstance(lines, Mapping):
        raise AxsimError(f"lines must be a dict of Line by layer, got {type(lines).__name__}")
    channels = {layer.name: len(layer.weight) for layer in network.weight_layers}
    for name, line in lines.items():
        if not isinstance(line, Line):
            raise AxsimError(f"lines must be of type Line, got {type(line).__name__} for {name!r}")
        if name not in channels:
            raise AxsimError(f"lines must be of layers with weights, got {name!r}")
        if len(line.gain) != channels[name]:
            raise AxsimError(f"layer {name}: lines must be {channels[name]}, one a channel, got {len(line.gain)}")
    nodes = tuple(
        _undone(node, network.quantization(node.inputs[0]), lines[node.name])
        if node.name in lines and isinstance(node, WeightLayer)
        else node
        for node in network.nodes
    )
    return dataclasses.replace(network, nodes=nodes)


def _undone(node: WeightLayer, x: Quantization, line: Line) -> WeightLayer:
    rows = node.weight_rows().astype(np.int64)
    zero_point = np.broadcast_to(node.weight_zero_point, len(rows)).astype(np.int64)
    # What the input's zero point adds to every sum of (w - z_w) x is part of the bias, and stretched with it.
    constant = x.zero_point * (rows.sum(axis=1) - rows.shape[1] * zero_point)
    bias = np.rint((1 + line.gain) * (node.bias - constant) - line.shift) + constant
    kept = np.abs(bias) > LARGEST_BIAS
    bias = np.where(kept, node.bias, bias)
    scale = np.where(kept, node.weight_scale, node.weight_scale / (1 + line.gain)).astype(np.float32)
    return dataclasses.replace(node, bias=bias.astype(np.int32), weight_scale=scale)
