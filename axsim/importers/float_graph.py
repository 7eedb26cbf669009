"""The float network between an imported model and its quantization, and the passes that simplify it.

A node is named after the tensor that it produces. The passes are small and do one thing each; `simplify` runs them in
order. Real numbers throughout, float32.
"""

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ConversionError

Array = npt.NDArray[np.float32]
UNBOUNDED = (-np.inf, np.inf)


@dataclasses.dataclass
class FloatNode:
    """One operator.

    Attributes
    ----------
    op : str
        An operator of `axsim.nodes`, or "batch_norm", "clip", "bias", "identity", "softmax", which the passes remove.
    name : str
        The tensor it produces.
    inputs : list of str
        Names of nodes, or of the graph's input.
    label : str
        The model's own name of the operator, which stays when a pass lets it produce another tensor.
    attributes : dict
        The fields that the operator's class in `axsim.nodes` has beyond its quantization.
    weight, bias : float32 arrays
        Of conv [M, C / groups, kh, kw], [M] and linear [M, F], [M]; scale and shift of a batch_norm; a constant bias.
    clamp : (low, high)
        Bounds in real numbers, from a relu or clip taken in.
    """

    op: str
    name: str
    inputs: list[str]
    label: str = ""
    attributes: dict[str, Any] = dataclasses.field(default_factory=dict)
    weight: Array | None = None
    bias: Array | None = None
    clamp: tuple[float, float] = UNBOUNDED


@dataclasses.dataclass
class FloatGraph:
    """Nodes in order of execution.

    `shape` is (C, H, W) of one image; `input` the name by which nodes refer to it; `output` names the logits.
    """

    name: str
    input: str
    output: str
    shape: tuple[int, int, int]
    nodes: list[FloatNode]


CLAMPING = ("conv", "linear", "add", "concat", "average_pool", "global_average_pool", "requantize")


def simplify(graph: FloatGraph) -> None:
    """Run all passes, in place."""
    remove_identities(graph)
    drop_final_softmax(graph)
    fold_bias(graph)
    fold_batch_norm(graph)
    fold_clips(graph)
    remove_unused(graph)


def remove_identities(graph: FloatGraph) -> None:
    """Let the users of an identity (or dropout) use its input."""
    for node in [node for node in graph.nodes if node.op == "identity"]:
        _bypass(graph, node)


def drop_final_softmax(graph: FloatGraph) -> None:
    """Remove a softmax at the end: it changes no order of classes."""
    for node in [node for node in graph.nodes if node.op == "softmax"]:
        if node.name != graph.output:
            raise ConversionError(f"node {node.name!r}: Softmax is supported as the last operator only")
        _bypass(graph, node)


def fold_bias(graph: FloatGraph) -> None:
    """Fold the addition of a constant per channel into the conv, linear or batch normalisation that alone feeds it."""
    for node in [node for node in graph.nodes if node.op == "bias"]:
        layer = _sole_producer(graph, node)
        if layer is None or layer.op not in ("conv", "linear", "batch_norm"):
            raise ConversionError(
                f"node {node.name!r}: Add of a constant is supported behind a Conv, Gemm or MatMul "
                "that feeds nothing else"
            )
        assert layer.bias is not None and node.bias is not None
        if node.bias.size not in (1, layer.bias.size):
            raise ConversionError(
                f"node {node.name!r}: Add of a constant must have one number a channel, "
                f"got {node.bias.size} for {layer.bias.size} channels"
            )
        layer.bias = layer.bias + node.bias.reshape(-1)
        _merge(graph, layer, node)


def fold_batch_norm(graph: FloatGraph) -> None:
    """Fold a batch normalisation into the conv or linear that alone feeds it: both are affine per channel."""
    for node in [node for node in graph.nodes if node.op == "batch_norm"]:
        layer = _sole_producer(graph, node)
        if layer is None or layer.op not in ("conv", "linear"):
            raise ConversionError(
                f"node {node.name!r}: BatchNormalization is supported behind a Conv or Gemm that feeds nothing else"
            )
        assert layer.weight is not None and layer.bias is not None
        assert node.weight is not None and node.bias is not None
        layer.weight = layer.weight * node.weight.reshape(-1, *[1] * (layer.weight.ndim - 1))
        layer.bias = layer.bias * node.weight + node.bias
        _merge(graph, layer, node)


def fold_clips(graph: FloatGraph) -> None:
    """Fold a relu or clip into the node that alone feeds it as a clamp; where none can, keep it as a requantize."""
    for node in [node for node in graph.nodes if node.op == "clip"]:
        producer = _sole_producer(graph, node)
        if producer is not None and producer.op in CLAMPING:
            low, high = (float(np.clip(bound, *node.clamp)) for bound in producer.clamp)
            producer.clamp = (low, high)
            _merge(graph, producer, node)
        else:
            node.op = "requantize"


def remove_unused(graph: FloatGraph) -> None:
    """Remove nodes that the output does not depend on."""
    needed = {graph.output}
    for node in reversed(graph.nodes):
        if node.name in needed:
            needed.update(node.inputs)
    graph.nodes = [node for node in graph.nodes if node.name in needed]


def final_layer(graph: FloatGraph) -> FloatNode | None:
    """Return the conv or linear that computes the logits, seen through what changes no channel; None without one."""
    producers = {node.name: node for node in graph.nodes}
    node = producers.get(graph.output)
    while node is not None and node.op not in ("conv", "linear"):
        through = ("flatten", "global_average_pool", "average_pool", "max_pool", "requantize")
        node = producers.get(node.inputs[0]) if node.op in through else None
    return node


def drop_first_class(graph: FloatGraph) -> None:
    """Remove class 0, the background of TensorFlow's 1,001 ImageNet classes, from the layer that computes the logits.

    The other logits stay as they were: each is a row of its own.
    """
    layer = final_layer(graph)
    if layer is None or layer.weight is None or layer.bias is None or len(layer.weight) < 2:
        raise ConversionError("the background class can be dropped where a Conv or Gemm computes the logits")
    if layer.attributes.get("groups", 1) != 1:
        raise ConversionError(f"node {layer.name!r}: the background class of a grouped Conv cannot be dropped")
    layer.weight, layer.bias = layer.weight[1:], layer.bias[1:]


def _sole_producer(graph: FloatGraph, node: FloatNode) -> FloatNode | None:
    """Return the node that feeds `node`, if it feeds nothing else."""
    users = [user for user in graph.nodes if node.inputs[0] in user.inputs]
    producer = next((other for other in graph.nodes if other.name == node.inputs[0]), None)
    return producer if len(users) == 1 and node.inputs[0] != graph.output else None


def _merge(graph: FloatGraph, producer: FloatNode, node: FloatNode) -> None:
    """Let `producer`, which now does the work of both, produce `node`'s tensor."""
    graph.nodes.remove(node)
    producer.name = node.name


def _bypass(graph: FloatGraph, node: FloatNode) -> None:
    """Remove `node`; who used it uses its input."""
    graph.nodes.remove(node)
    if graph.output == node.name:
        graph.output = node.inputs[0]
    for user in graph.nodes:
        user.inputs = [node.inputs[0] if name == node.name else name for name in user.inputs]
