"""Relu shift: the output of a relu is stored with its middle at zero, so that the symmetric scheme uses all its codes.

What a relu gives, y from 0 to H, takes the codes 0 to 127 of a scheme whose zero points are 0, half of what int8 has.
Stored shifted it takes all from -127 to 127, with half the step:

    stored = y - H / 2,    sum_k w_k y_k = sum_k w_k stored_k + (H / 2) sum_k w_k

The layer's bias and bounds lose H / 2, and the bias of each layer that reads it gains H / 2 times the sum of that
channel's weights: the float graph is rewritten, nothing after it knows of the shift, all zero points are 0, and so the
hardware is that of the symmetric scheme. Derived here from these two equations. The sum must be that of the weights as
they are rounded, or else each error of rounding meets a constant -H / 2: -H / 2 is therefore a mean of the input that
bias correction (`bias_correction.py`) takes off, whether it is asked for or not.

It needs readers that can take a constant, through nodes that hand one on: max pools, concats of shifted parts alone,
which then share one H, and padding with zeros, which becomes padding with -H / 2. What a convolution pads itself is
therefore taken out into a node of its own.

It is done when asked for, because a y of 0, the most frequent one, is the code -127 then: an approximate multiplier
that is right where an operand is 0 errs there as for any large number. SqueezeNet 1.1: logits at 33.7 dB over their
noise instead of 29.6 with exact products, but no image right instead of 57 % with drum:k=4.
"""

import numpy as np

from ..importers.float_graph import UNBOUNDED, FloatGraph, FloatNode
from ..networks.network import Network
from ..networks.nodes import Requantizing
from .bias_correction import ChannelMeans
from .calibrate import Range
from .quantize import SMALLEST

Shifts = dict[str, float]  # what is taken off each value of a node's output (real), by the node's name
LAYERS = ("conv", "linear")


def shiftable(graph: FloatGraph) -> list[set[str]]:
    """Names of the nodes whose outputs can be stored shifted; those that must be so by the same amount together."""
    names = _shiftable_nodes(graph)
    groups: dict[str, set[str]] = {}
    for node in graph.nodes:
        if node.name in names:
            before = node.inputs if _hands_on(node) else ()
            group = {node.name}.union(*(groups[name] for name in before))
            groups |= dict.fromkeys(group, group)
    return list({id(group): group for group in groups.values()}.values())


def _shiftable_nodes(graph: FloatGraph) -> set[str]:
    barred = {graph.output}
    while True:
        absorbed: dict[str, bool] = {}  # whether all that reads a node takes a constant, by the node's name
        for node in reversed(graph.nodes):
            readers = [reader for reader in graph.nodes if node.name in reader.inputs]
            absorbed[node.name] = node.name not in barred and all(
                reader.op in LAYERS or (_hands_on(reader) and absorbed[reader.name]) for reader in readers
            )
        found: set[str] = set()
        for node in graph.nodes:
            given = _is_relu(node) or (_hands_on(node) and all(name in found for name in node.inputs))
            if given and absorbed[node.name]:
                found.add(node.name)
        concats = [node for node in graph.nodes if node.op == "concat" and node.name not in found]
        mixed = {node.name for node in concats if not found.isdisjoint(node.inputs)}
        if not mixed:
            return found
        barred |= mixed  # some parts cannot be shifted, and so no other may be


def _is_relu(node: FloatNode) -> bool:
    """Whether a layer ends in a relu, bounded or not."""
    return node.op in LAYERS and node.clamp[0] == 0 < node.clamp[1] and not node.tensor


def _hands_on(node: FloatNode) -> bool:
    """Whether a constant added to all inputs is added to the output, where the zeros of a padding gain it too."""
    if node.op == "pad":
        return bool(node.attributes["value"] == 0)
    return node.op in ("max_pool", "concat", "flatten") and node.clamp == UNBOUNDED


def take_out_padding(graph: FloatGraph) -> None:
    """Let convolutions that read what can be stored shifted find it padded, by a node before each; in place."""
    names = set[str]().union(*shiftable(graph))
    nodes: list[FloatNode] = []
    for node in graph.nodes:
        if node.op == "conv" and node.inputs[0] in names and any(node.attributes["pads"]):
            top, left, bottom, right = node.attributes["pads"]
            attributes = {"pads": (0, top, left, 0, bottom, right), "value": 0.0}
            nodes.append(FloatNode("pad", f"{node.name}:padded", node.inputs, f"{node.label}/pad", attributes))
            node.inputs = [nodes[-1].name]
            node.attributes = node.attributes | {"pads": (0, 0, 0, 0)}
        nodes.append(node)
    graph.nodes = nodes


def code_rule_of_relus(bounds: Range) -> tuple[float, int, int, int]:
    """Scale, zero point, lowest and highest code of a relu's output, counted from 0; float32 scale."""
    return float(np.float32(_height(bounds) / 254)), 0, 0, 254


def _height(bounds: Range) -> float:
    return max(bounds[1], 2 * SMALLEST)  # one that is always 0 still needs a scale


def shift_relus(graph: FloatGraph, ranges: dict[str, Range], means: ChannelMeans) -> Shifts:
    """
    Shift all that can be by half its range, in place: the graph, and the ranges and means of the model's tensors.

    Padding of the convolutions concerned must have been taken out. H is the upper end of the range: of the concats
    where there are some, of the layer itself otherwise.
    """
    nodes = {node.name: node for node in graph.nodes}
    shifts: Shifts = {}
    for group in shiftable(graph):
        deciding = [name for name in group if nodes[name].op == "concat"]
        deciding = deciding or [name for name in group if nodes[name].op in LAYERS]
        half = max(_height(ranges[nodes[name].of_tensor]) for name in deciding) / 2
        if half <= SMALLEST:
            continue  # always 0 on the images: a shift by less than a float32 holds beside the bias says nothing
        shifts |= dict.fromkeys(group, half)
        ranges |= {nodes[name].of_tensor: (-half, half) for name in group}
    for node in graph.nodes:
        if node.op == "pad" and node.inputs[0] in shifts:
            means.share(node.inputs[0], node.name)
    means.subtract(shifts)
    _shift(graph, shifts)
    return shifts


def _shift(graph: FloatGraph, shifts: Shifts) -> None:
    for node in graph.nodes:
        given = shifts.get(node.inputs[0], 0.0) if node.inputs else 0.0
        made = shifts.get(node.name, 0.0)
        if node.op == "pad":
            node.attributes = node.attributes | {"value": node.attributes["value"] - made}
        elif node.op in LAYERS:
            assert node.weight is not None and node.bias is not None
            sums = node.weight.reshape(len(node.weight), -1).sum(axis=1, dtype=np.float64)
            node.bias = (node.bias + given * sums - made).astype(np.float32)
            node.clamp = (node.clamp[0] - made, node.clamp[1] - made)


def shifts_shown(graph: FloatGraph, network: Network) -> Shifts:
    """
    Shifts of a network, by the name of the node in the graph that it was made from; nodes without one are left out.

    A relu's lower bound is 0 (real) in the graph: as far below it lies in the network, the output is shifted.
    """
    made = dict(zip((node.name for node in graph.nodes), network.nodes, strict=True))
    shifts: Shifts = {}
    for group in shiftable(graph):
        for name in group:
            layer = made[name]
            if layer.op in LAYERS and isinstance(layer, Requantizing) and layer.clamp[0] != layer.output.zero_point:
                shifts |= dict.fromkeys(group, layer.output.scale * (layer.output.zero_point - layer.clamp[0]))
    return shifts
