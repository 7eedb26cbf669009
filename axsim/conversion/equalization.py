"""Cross-layer equalization: channels that share a scale are brought to like size before they are rounded.

All channels of an activation share one scale, so that those that stay small have few codes. Where a layer's output,
clamped by a relu or not at all, reaches other layers by nodes that scale with it, its channel m may be divided by any
s_m > 0, if the weights that read it are multiplied by s_m:

    relu(w x / s) s = relu(w x)

The s_m here are powers of 2^(1/8): the weights of a quantized network, beside those of the float model, show which they
were.

M. Nagel, M. van Baalen, T. Blankevoort, M. Welling, Data-Free Quantization Through Weight Equalization and Bias
Correction, ICCV 2019, section 4.1 (arXiv 1906.04721), balances the weights of two layers so; G. Xiao et al.,
SmoothQuant, ICML 2023, equation 4 (arXiv 2211.10438), activations with the weights that read them, as here.

Weights pay for what activations gain. Ratio of the logits to their noise on training images that nothing was calibrated
on, symmetric: SqueezeNet 1.1, which has no batch normalisation, 29.7 to 31.4 dB; ResNet-20, whose channels are even by
training, 28.6 to 28.1 dB. It is therefore done when asked for.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ..importers.float_graph import UNBOUNDED, FloatGraph, FloatNode
from ..networks.network import Network
from ..networks.nodes import WeightLayer

Array = npt.NDArray[np.float32]
Factors = Array  # [C], powers of 2^(1/8)
BALANCE = 0.75  # share of the unevenness that the activations lose; the weights that read them take it over
STEP = 1 / 8  # of the factors, in powers of two: so coarse that the rounded weights still show it
MOST = 10.0  # powers of two by which a channel is enlarged or reduced at most
RELU = (0.0, np.inf)
# A multiple of their input's channels gives that multiple of their output's.
SCALING = ("max_pool", "average_pool", "global_average_pool", "flatten", "concat", "requantize")


def divided(values: Array, factors: Factors | None) -> Array:
    """Return a tensor [N, C, ...] with its channels divided by the factors [C], if any."""
    return values if factors is None else values / factors.reshape(-1, *[1] * (values.ndim - 2))


class ChannelBounds:
    """Least and largest value of each channel of the tensors of a float model, gathered batch by batch."""

    def __init__(self) -> None:
        self._bounds: dict[str, tuple[Array, Array]] = {}

    def add(self, values: dict[str, Array]) -> None:
        """Add a batch: tensors [N, C, H, W] or [N, C] by name; others are passed over."""
        for name, value in values.items():
            if value.ndim in (2, 4):
                axes = tuple(axis for axis in range(value.ndim) if axis != 1)
                low, high = value.min(axis=axes), value.max(axis=axes)
                before = self._bounds.get(name, (low, high))
                self._bounds[name] = np.minimum(before[0], low), np.maximum(before[1], high)

    def largest(self, name: str) -> Array | None:
        """Largest absolute value of each channel, float32 [C], or None where the tensor was not gathered."""
        return np.abs(self._bounds[name]).max(axis=0) if name in self._bounds else None

    def range_of(self, name: str, factors: Factors) -> tuple[float, float]:
        """Range of a tensor that was gathered once its channels are divided."""
        low, high = self._bounds[name]
        return float((low / factors).min()), float((high / factors).max())


def equalize(graph: FloatGraph, bounds: ChannelBounds) -> dict[str, Factors]:
    """
    Divide channels by what evens them out, in place.

        s_m = a_m^b / w_m^(1 - b), over its geometric mean

    with a_m the largest absolute activation of channel m, w_m the largest weight that reads it, each over the largest
    of its row, and b = `BALANCE`; rounded to a power of 2^(1/8). Channels that are always 0 are left.

    Returns
    -------
    dict of str to float32 [C]
        By which each tensor of the model, by name, is divided now; those not named are as they were.
    """

    def chosen(layer: FloatNode, readers: list[tuple[FloatNode, int]]) -> Factors:
        assert layer.weight is not None
        factors = np.ones(len(layer.weight), np.float32)
        activation = bounds.largest(layer.of_tensor)
        assert activation is not None
        weight = np.zeros(len(factors), np.float32)
        for reader, first in readers:
            assert reader.weight is not None
            taps = np.abs(reader.weight.reshape(*reader.weight.shape[:2], -1)).max(axis=2)
            taps = taps / np.maximum(taps.max(axis=1, keepdims=True), np.finfo(np.float32).tiny)
            weight = np.maximum(weight, taps[:, first : first + len(factors)].max(axis=0))
        # A channel whose weights are 0 is a constant, and shows no factor.
        used = (activation > 0) & (weight > 0) & layer.weight.reshape(len(factors), -1).any(axis=1)
        if used.any():
            ratio = BALANCE * np.log2(activation[used]) - (1 - BALANCE) * np.log2(weight[used])
            factors[used] = _stepped(np.clip(ratio - ratio.mean(), -MOST, MOST))
        return factors

    by_node = _walk(graph, chosen)
    return {node.of_tensor: by_node[node.name] for node in graph.nodes if node.name in by_node}


def factors_shown(graph: FloatGraph, network: Network) -> dict[str, Factors]:
    """
    Factors of a network's equalization, by the name of the node in the graph that the network was made from.

    Each row of float weights, over the network's own, is s_m, but for rounding. The graph is equalized in place.
    """
    made = dict(zip((node.name for node in graph.nodes), network.nodes, strict=True))

    def shown(layer: FloatNode, readers: list[tuple[FloatNode, int]]) -> Factors:
        node = made[layer.name]
        assert isinstance(node, WeightLayer) and layer.weight is not None
        rows = layer.weight.reshape(len(layer.weight), -1).astype(np.float64)
        codes = node.weight.reshape(len(rows), -1) - np.reshape(node.weight_zero_point, (-1, 1)).astype(np.float64)
        other = codes * np.reshape(node.weight_scale, (-1, 1))
        squares, products = (rows * rows).sum(axis=1), (rows * other).sum(axis=1)
        used = (squares > 0) & (products > 0)
        ratio = np.divide(squares, products, out=np.ones_like(squares), where=used)
        return _stepped(np.log2(ratio))

    return _walk(graph, shown)


def _walk(graph: FloatGraph, choose: Callable[[FloatNode, list[tuple[FloatNode, int]]], Factors]) -> dict[str, Factors]:
    """Divide the channels of every layer that can be, in order of execution; the factors of the nodes by name."""
    factors: dict[str, Factors] = {}
    for node in graph.nodes:
        if node.op in ("conv", "linear"):
            assert node.weight is not None and node.bias is not None
            readers = _readers(graph, node)
            if readers:
                factor = choose(node, readers)
                factors[node.name] = factor
                node.weight = node.weight / factor.reshape(-1, *[1] * (node.weight.ndim - 1))
                node.bias = node.bias / factor
                for reader, first in readers:
                    assert reader.weight is not None
                    weight = reader.weight.copy()
                    column = factor.reshape(-1, *[1] * (weight.ndim - 2))
                    weight[:, first : first + len(factor)] *= column
                    reader.weight = weight
        elif node.op == "concat" and any(name in factors for name in node.inputs):
            ones = (np.ones(_channels(graph, name) or 0, np.float32) for name in node.inputs)
            parts = [factors.get(name, one) for name, one in zip(node.inputs, ones, strict=True)]
            factors[node.name] = np.concatenate(parts)
        elif node.inputs and node.inputs[0] in factors and _scales(node):
            factors[node.name] = factors[node.inputs[0]]
    return factors


def _readers(graph: FloatGraph, layer: FloatNode) -> list[tuple[FloatNode, int]]:
    """Layers that read a layer's output, each with the input channel where it begins; none where anything else does."""
    if layer.clamp not in (RELU, UNBOUNDED) or layer.tensor:
        return []
    found: list[tuple[FloatNode, int]] = []
    waiting = [(layer.name, 0)]
    while waiting:
        name, first = waiting.pop()
        if name == graph.output:
            return []
        for node in (node for node in graph.nodes if name in node.inputs):
            if node.op in ("conv", "linear"):
                count = _channels(graph, name)
                if node.weight is None or count is None or node.weight.shape[1] != count:
                    return []  # a grouped convolution, or pixels flattened into channels
                found.append((node, first))
            elif _scales(node) and node.inputs.count(name) == 1:
                ahead = [_channels(graph, other) for other in node.inputs[: node.inputs.index(name)]]
                if None in ahead:
                    return []
                waiting.append((node.name, first + sum(count or 0 for count in ahead)))
            else:
                return []
    return found


def _stepped(powers: npt.NDArray[np.floating]) -> Factors:
    """2^power, the powers rounded to whole steps."""
    return np.exp2(STEP * np.rint(powers / STEP)).astype(np.float32)


def _scales(node: FloatNode) -> bool:
    """Whether a node's output is multiplied as its input is, channel by channel, and as the model arranges it."""
    if node.op == "pad":  # zeros around each channel
        front, _, _, back, _, _ = node.attributes["pads"]
        return bool(node.attributes["value"] == front == back == 0) and not node.tensor
    return node.op in SCALING and node.clamp in (RELU, UNBOUNDED) and not node.tensor


def _channels(graph: FloatGraph, name: str) -> int | None:
    """Channels of a tensor, through nodes that keep them; None where a node does not say."""
    if name == graph.input:
        return graph.shape[0]
    node = next(node for node in graph.nodes if node.name == name)
    if node.op in ("conv", "linear"):
        assert node.weight is not None
        return len(node.weight)
    if node.op not in SCALING and not _scales(node):
        return None
    counts = [_channels(graph, given) for given in node.inputs]
    return None if None in counts else sum(count or 0 for count in counts)
