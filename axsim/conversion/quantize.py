"""Float graph and activation ranges -> quantized Network.

symmetric: s8 weights per output channel and s8 activations, codes -127 to 127, every zero point 0.
affine: s8 weights per output channel, u8 activations with a zero point; the range always holds 0.
"""

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ConversionError
from ..formats import DTYPES
from ..importers.float_graph import FloatGraph, FloatNode
from ..importers.names import node_names
from ..networks.network import INPUT, Network, Scheme
from ..networks.nodes import LARGEST_BIAS, OPERATORS, Node, Quantization, Requantizing, WeightLayer
from ..networks.preprocessing import Preprocessing
from .bias_correction import ChannelMeans, output_shift
from .calibrate import Range

ZERO_CHANNEL_BIAS = 2**20  # codes; a channel without weights is all bias, which sets its scale
SMALLEST = 1e-30  # real; ranges and the units of sums are no smaller, so that no quotient leaves float32


def quantize(
    graph: FloatGraph,
    ranges: dict[str, Range],
    recipe: Preprocessing,
    scheme: Scheme,
    class_names: tuple[str, ...] = (),
    about: dict[str, str] | None = None,
    means: ChannelMeans | None = None,
    rounding: str = "onnxruntime",
) -> Network:
    """Quantize every node of a simplified graph, given the range of every tensor by name.

    Biases are corrected where the `means` of the tensors are given.
    """
    ranges = share_concat_ranges(graph, ranges)
    names = {graph.input: INPUT}
    formats = {INPUT: activation_quantization(ranges[graph.input], scheme)}
    nodes: list[Node] = []
    for name, source in zip(node_names(graph), graph.nodes, strict=True):
        inputs = tuple(names[given] for given in source.inputs)
        given = tuple(formats[each] for each in inputs)
        output = _output_quantization(source, given, ranges, scheme)
        mean = None if means is None or not inputs else means[source.inputs[0]]
        node = _quantize_node(source, name, inputs, given, output, scheme, mean)
        names[source.name] = node.name
        formats[node.name] = node.output
        nodes.append(node)
    network = Network(graph.name, graph.shape, formats[INPUT], recipe, tuple(nodes), scheme, (), about or {}, rounding)
    fit = len(class_names) == network.shapes[nodes[-1].name][0]
    return dataclasses.replace(network, class_names=class_names) if fit else network


def _output_quantization(
    source: FloatNode, given: tuple[Quantization, ...], ranges: dict[str, Range], scheme: Scheme
) -> Quantization:
    if OPERATORS[source.op].keeps_quantization:
        return given[0]
    if source.op == "constant":
        assert source.weight is not None
        return activation_quantization((float(source.weight.min()), float(source.weight.max())), scheme)
    return activation_quantization(ranges[source.of_tensor], scheme)


def share_concat_ranges(graph: FloatGraph, ranges: dict[str, Range]) -> dict[str, Range]:
    """Give what feeds a concat and nothing else the concat's own range: it is then rounded once, not twice."""
    shared, tensors = dict(ranges), {node.name: node.of_tensor for node in graph.nodes}
    for node in reversed(graph.nodes):
        for given in node.inputs if node.op == "concat" else ():
            if given in tensors and sum(other.inputs.count(given) for other in graph.nodes) == 1:
                shared[tensors[given]] = shared[node.of_tensor]
    return shared


def activation_quantization(bounds: Range, scheme: Scheme) -> Quantization:
    """Scale, zero point and format for activations in `bounds`, widened to hold 0; float32 scale."""
    scale, zero_point, _, _ = code_rule(bounds, scheme)
    return Quantization(scale, zero_point, "s8" if scheme == "symmetric" else "u8")


def code_rule(bounds: Range, scheme: Scheme) -> tuple[float, int, int, int]:
    """Scale, zero point, lowest and highest code for activations in `bounds`; float32 scale."""
    low, high = min(0.0, bounds[0]), max(0.0, bounds[1])
    # A tensor that is always 0 still needs a scale.
    if scheme == "symmetric":
        return float(np.float32(max(-low, high, SMALLEST) / 127)), 0, -127, 127
    scale = float(np.float32(max(high - low, SMALLEST) / 255))
    return scale, int(np.clip(np.rint(-low / scale), 0, 255)), 0, 255


def _quantize_node(
    source: FloatNode,
    name: str,
    inputs: tuple[str, ...],
    given: tuple[Quantization, ...],
    output: Quantization,
    scheme: Scheme,
    mean: npt.NDArray[np.float64] | None,
) -> Node:
    kind = OPERATORS[source.op]
    values = dict(source.attributes)
    if issubclass(kind, Requantizing):
        values["clamp"] = _clamp_codes(source.clamp, output, scheme)
    if issubclass(kind, WeightLayer):
        assert source.weight is not None and source.bias is not None
        values |= _quantize_weights(source.weight, source.bias, given[0], mean, values.get("groups", 1))
    if source.op == "layer_norm":
        values |= {"gamma": source.weight, "beta": source.bias}
    if source.op == "constant":
        assert source.weight is not None
        _, _, lowest, highest = code_rule((0.0, 0.0), scheme)
        codes = np.clip(np.rint(source.weight / output.scale) + output.zero_point, lowest, highest)
        values["codes"] = codes.astype(DTYPES[output.format])
    if source.op == "pad":
        value = values.pop("value")
        code = float(np.rint(value / output.scale)) + output.zero_point
        _, _, lowest, highest = code_rule((0.0, 0.0), scheme)
        if not lowest <= code <= highest:
            bounds = [output.scale * (end - output.zero_point) for end in (lowest, highest)]
            raise ConversionError(
                f"node {name!r} (Pad): its value must lie within the range of what it pads on the "
                f"calibration images, {bounds[0]:.6g} to {bounds[1]:.6g}, got {value:g}"
            )
        values["code"] = int(code)
    return kind(name, inputs, output, **values)


def _clamp_codes(clamp: tuple[float, float], output: Quantization, scheme: Scheme) -> tuple[int, int]:
    """Codes of the bounds of a relu or clip, within the scheme's codes."""
    _, _, lowest, highest = code_rule((0.0, 0.0), scheme)
    low, high = (
        int(np.clip(np.rint(np.clip(bound / output.scale, -1e6, 1e6)) + output.zero_point, lowest, highest))
        for bound in clamp
    )
    return low, high


def _quantize_weights(
    weight: npt.NDArray[np.float32],
    bias: npt.NDArray[np.float32],
    x: Quantization,
    mean: npt.NDArray[np.float64] | None,
    groups: int,
) -> dict[str, Any]:
    """Codes -127 to 127 with one scale an output channel; bias in units of input scale times weight scale.

    The bias is corrected where the `mean` of each input channel is given.
    """
    largest = np.abs(weight.reshape(len(weight), -1)).max(axis=1, initial=0.0).astype(np.float64)
    unit = np.abs(bias.astype(np.float64)) / x.scale
    scale = np.where(largest > 0, np.maximum(largest / 127, unit / LARGEST_BIAS), unit / ZERO_CHANNEL_BIAS)
    scale = np.where(scale > 0, np.maximum(scale, SMALLEST / x.scale), 1.0).astype(np.float32)
    column = scale.reshape(-1, *[1] * (weight.ndim - 1))
    codes = np.clip(np.rint(weight / column), -127, 127).astype(np.int8)
    real = bias.astype(np.float64)
    if mean is not None:
        real = real - output_shift(column.astype(np.float64) * codes - weight, mean, groups)
    steps = np.rint(real / (np.float64(x.scale) * scale.astype(np.float64)))
    return {"weight": codes, "weight_scale": scale, "bias": steps.astype(np.int32)}
