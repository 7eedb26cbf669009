"""The passes on float graphs that transformers need: GELU out of its parts, factors, constants, rearrangements."""

import numpy as np

from ..errors import ConversionError
from .float_graph import FloatGraph, FloatNode, bypass, merge, sole_producer
from .layout import moved_axis

CLOSE = 1e-4  # of a constant to what it stands for, relative


def fuse_gelu(graph: FloatGraph) -> None:
    """Replace x (1 + erf(x / sqrt(2))) / 2, in whatever order it is multiplied out, by one gelu."""
    for erf in [node for node in graph.nodes if node.op == "erf"]:
        found = _gelu_of(graph, erf)
        if found is None:
            raise ConversionError(
                f"node {erf.name!r}: Erf is supported as a part of GELU only, x (1 + erf(x / sqrt(2))) / 2"
            )
        last, x = found
        last.op, last.inputs, last.weight, last.label = "gelu", [x], None, erf.label
    needed_by = {name for node in graph.nodes for name in node.inputs} | {graph.output}
    parts = ("erf", "product", "scale", "bias")
    while unused := [node for node in graph.nodes if node.name not in needed_by and node.op in parts]:
        graph.nodes = [node for node in graph.nodes if node not in unused]
        needed_by = {name for node in graph.nodes for name in node.inputs} | {graph.output}
    for node in graph.nodes:
        if node.op == "product":
            raise ConversionError(f"node {node.name!r}: Mul of two activations is supported as a part of GELU only")


def _gelu_of(graph: FloatGraph, erf: FloatNode) -> tuple[FloatNode, str] | None:
    """Node that gives the GELU around an erf, and the name of its x; None where it is none."""
    inner = _producer(graph, erf.inputs[0])
    if inner is None or not _scales(inner, 1 / np.sqrt(2)):
        return None
    x = inner.inputs[0]
    node = _sole_user(graph, erf)
    if (
        node is None
        or node.op != "bias"
        or node.bias is None
        or node.bias.shape != (1,)
        or abs(node.bias[0] - 1) > CLOSE
    ):
        return None
    halved, times_x = False, False
    while not (halved and times_x):
        after = _sole_user(graph, node)
        if after is not None and _scales(after, 0.5) and not halved:
            halved = True
        elif after is not None and after.op == "product" and not times_x:
            other = next((name for name in after.inputs if name != node.name), None)
            factor = None if other is None else _producer(graph, other)
            half_x = factor is not None and _scales(factor, 0.5) and factor.inputs[0] == x and not halved
            if other != x and not half_x:
                return None
            times_x, halved = True, halved or half_x
        else:
            return None
        node = after
    return node, x


def align_softmax(graph: FloatGraph) -> None:
    """Move the axis along which a softmax works to the width, where it is another."""
    for node in [node for node in graph.nodes if node.op == "softmax"]:
        axis = node.attributes.pop("axis", None)
        if axis is None or node.shape is None:
            raise ConversionError(f"node {node.name!r}: Softmax must be along a fixed axis of the images or tokens")
        if axis == 2:
            continue
        place = graph.nodes.index(node)
        to = moved_axis(node.shape, axis, 2)
        before = FloatNode("rearrange", f"{node.name}:moved", node.inputs, node.label, {"index": to}, shape=node.shape)
        inside = to.shape[0], to.shape[1], to.shape[2]
        back = moved_axis(inside, 2, axis)
        after = FloatNode("rearrange", node.name, [f"{node.name}:along"], node.label, {"index": back}, shape=inside)
        node.name, node.tensor, node.inputs = f"{node.name}:along", node.of_tensor, [before.name]
        graph.nodes[place : place + 1] = [before, node, after]


def fold_scales(graph: FloatGraph) -> None:
    """Fold a factor into the conv, linear or matmul that alone feeds it, or into the matmuls that it feeds."""
    for node in [node for node in graph.nodes if node.op == "scale"]:
        assert node.weight is not None
        factor = np.float32(node.weight[0])
        producer = feeding = sole_producer(graph, node)
        while producer is not None and producer.op == "rearrange":
            producer = sole_producer(graph, producer)
        users = [user for user in graph.nodes if node.name in user.inputs]
        if producer is not None and (producer.op in ("conv", "linear") or (producer.op == "matmul" and factor > 0)):
            _multiply(producer, factor)
            if producer is feeding:
                merge(graph, producer, node)
            else:
                producer.tensor = node.of_tensor
                bypass(graph, node)
        elif factor > 0 and node.name != graph.output and all(user.op == "matmul" for user in users):
            for user in users:
                _multiply(user, factor ** user.inputs.count(node.name))
            bypass(graph, node)
        else:
            raise ConversionError(
                f"node {node.name!r}: Mul or Div by a constant is supported behind a Conv, Gemm or MatMul that feeds "
                "nothing else, or, above 0, before the MatMul of two activations"
            )


def _multiply(layer: FloatNode, factor: np.float32) -> None:
    """Let a layer make `factor` times as much."""
    if layer.op == "matmul":
        layer.attributes["factor"] = float(np.float32(layer.attributes["factor"]) * factor)
        return
    assert layer.weight is not None and layer.bias is not None
    layer.weight, layer.bias = layer.weight * factor, layer.bias * factor


def merge_rearrangements(graph: FloatGraph) -> None:
    """Make one of rearrangements behind each other, and none of one that moves nothing."""
    by_name = {node.name: node for node in graph.nodes}
    for node in [node for node in graph.nodes if node.op == "rearrange"]:
        before = by_name.get(node.inputs[0])
        if before is not None and before.op == "rearrange":
            node.attributes["index"] = before.attributes["index"].reshape(-1)[node.attributes["index"]]
            node.inputs, node.shape = list(before.inputs), before.shape
    for node in [node for node in graph.nodes if node.op == "rearrange"]:
        index = node.attributes["index"]
        if index.shape == node.shape and np.array_equal(index.reshape(-1), np.arange(index.size)):
            bypass(graph, node)


def _producer(graph: FloatGraph, name: str) -> FloatNode | None:
    return next((node for node in graph.nodes if node.name == name), None)


def _sole_user(graph: FloatGraph, node: FloatNode) -> FloatNode | None:
    users = [user for user in graph.nodes if node.name in user.inputs]
    return users[0] if len(users) == 1 and node.name != graph.output else None


def _scales(node: FloatNode, factor: float) -> bool:
    return node.op == "scale" and node.weight is not None and abs(float(node.weight[0]) / factor - 1) < CLOSE
