"""The float network between an imported model and its quantization, and the passes that simplify it.

A node is named after the tensor that it produces. The passes are small and do one thing each; those that transformers
need are in `token_passes.py`; `passes.simplify` runs all in order. Real numbers throughout, float32.
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
        An operator of `axsim.networks.nodes`, or "batch_norm", "clip", "bias", "identity", "scale", "erf", "product",
        which the passes remove.
    name : str
        The tensor it produces.
    inputs : list of str
        Names of nodes, or of the graph's input.
    label : str
        The model's own name of the operator, which stays when a pass lets it produce another tensor.
    attributes : dict
        The fields that the operator's class in `axsim.networks.nodes` has beyond its quantization.
    weight, bias : float32 arrays
        Of conv [M, C / groups, kh, kw], [M] and linear [M, F], [M]; scale and shift of a batch_norm or layer_norm [C];
        a constant bias, [1], [C] or [C, H, W]; a factor [1]; the numbers of a constant [C, H, W].
    clamp : (low, high)
        Bounds in real numbers, from a relu or clip taken in.
    tensor : str
        The model's tensor whose numbers these are, in another arrangement, where none has the node's name.
    shape : (C, H, W), optional
        Of its input, where a pass needs to know it.
    """

    op: str
    name: str
    inputs: list[str]
    label: str = ""
    attributes: dict[str, Any] = dataclasses.field(default_factory=dict)
    weight: Array | None = None
    bias: Array | None = None
    clamp: tuple[float, float] = UNBOUNDED
    tensor: str = ""
    shape: tuple[int, int, int] | None = None

    @property
    def of_tensor(self) -> str:
        """The model's tensor whose numbers these are; the name of none where the node moves or brings constants."""
        return self.tensor or self.name


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


CLAMPING = (
    "conv",
    "linear",
    "matmul",
    "add",
    "concat",
    "average_pool",
    "global_average_pool",
    "requantize",
    "gelu",
    "softmax",
    "layer_norm",
)


def remove_identities(graph: FloatGraph) -> None:
    """Let the users of an identity (or dropout) use its input."""
    for node in [node for node in graph.nodes if node.op == "identity"]:
        bypass(graph, node)


def drop_final_softmax(graph: FloatGraph) -> None:
    """Remove a softmax at the end: it changes no order of classes."""
    for node in [node for node in graph.nodes if node.op == "softmax" and node.name == graph.output]:
        bypass(graph, node)


def fold_bias(graph: FloatGraph) -> None:
    """Fold a constant per channel into the layer or normalisation that alone feeds it; add any other as an input."""
    for node in [node for node in graph.nodes if node.op == "bias"]:
        layer = sole_producer(graph, node)
        assert node.bias is not None
        by_channel = node.bias.size == len(node.bias)
        if layer is None or layer.op not in ("conv", "linear", "batch_norm", "layer_norm") or not by_channel:
            _add_constant(graph, node, node.bias)
            continue
        assert layer.bias is not None
        if node.bias.size not in (1, layer.bias.size):
            raise ConversionError(
                f"node {node.name!r}: Add of a constant must have one number a channel, "
                f"got {node.bias.size} for {layer.bias.size} channels"
            )
        layer.bias = layer.bias + node.bias.reshape(-1)
        merge(graph, layer, node)


def _add_constant(graph: FloatGraph, node: FloatNode, value: Array) -> None:
    """Make the addition of a constant one of two inputs."""
    if node.shape is None:
        raise ConversionError(f"node {node.name!r}: Add of a constant must be to a tensor of a fixed size")
    whole = np.broadcast_to(value.reshape(-1, 1, 1) if value.ndim == 1 else value, node.shape)
    constant = FloatNode("constant", f"{node.name}:constant", [], f"{node.label}/constant", weight=whole)
    graph.nodes.insert(graph.nodes.index(node), constant)
    node.op, node.inputs, node.bias = "add", [*node.inputs, constant.name], None


def fold_batch_norm(graph: FloatGraph) -> None:
    """Fold a batch normalisation into the conv or linear that alone feeds it: both are affine per channel."""
    for node in [node for node in graph.nodes if node.op == "batch_norm"]:
        layer = sole_producer(graph, node)
        if layer is None or layer.op not in ("conv", "linear"):
            raise ConversionError(
                f"node {node.name!r}: BatchNormalization is supported behind a Conv or Gemm that feeds nothing else"
            )
        assert layer.weight is not None and layer.bias is not None
        assert node.weight is not None and node.bias is not None
        layer.weight = layer.weight * node.weight.reshape(-1, *[1] * (layer.weight.ndim - 1))
        layer.bias = layer.bias * node.weight + node.bias
        merge(graph, layer, node)


def fold_clip(graph: FloatGraph, producer: FloatNode, node: FloatNode) -> None:
    """Narrow the clamp of the producer by that of the node behind it, and make one of both."""
    low, high = (float(np.clip(bound, *node.clamp)) for bound in producer.clamp)
    producer.clamp = (low, high)
    merge(graph, producer, node)


def fold_clips(graph: FloatGraph) -> None:
    """Fold a relu or clip into the node that alone feeds it as a clamp; where none can, keep it as a requantize."""
    for node in [node for node in graph.nodes if node.op == "clip"]:
        producer = sole_producer(graph, node)
        if producer is not None and producer.op in CLAMPING:
            fold_clip(graph, producer, node)
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


def sole_producer(graph: FloatGraph, node: FloatNode) -> FloatNode | None:
    """Return the node that feeds `node`, if it feeds nothing else."""
    users = [user for user in graph.nodes if node.inputs[0] in user.inputs]
    producer = next((other for other in graph.nodes if other.name == node.inputs[0]), None)
    return producer if len(users) == 1 and node.inputs[0] != graph.output else None


def merge(graph: FloatGraph, producer: FloatNode, node: FloatNode) -> None:
    """Let `producer`, which now does the work of both, produce `node`'s tensor."""
    graph.nodes.remove(node)
    producer.name, producer.tensor = node.name, node.tensor


def bypass(graph: FloatGraph, node: FloatNode) -> None:
    """Remove `node`; who used it uses its input."""
    graph.nodes.remove(node)
    if graph.output == node.name:
        graph.output = node.inputs[0]
    for user in graph.nodes:
        user.inputs = [node.inputs[0] if name == node.name else name for name in user.inputs]
