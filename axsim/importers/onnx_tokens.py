"""The ONNX operators of transformers: products of activations, functions of real numbers, constants among activations.

Where an operator works along another axis than the engine's, it stands between two rearrangements.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from .float_graph import Array, FloatNode
from .layout import Place, axis_in_engine, moved_axis, positions, shape_in_engine, to_engine

if TYPE_CHECKING:
    from .onnx import Reader

POINTWISE = {"strides": (1, 1), "pads": (0, 0, 0, 0), "dilations": (1, 1), "groups": 1}  # a 1x1 convolution's


def linear_of_tokens(reader: "Reader", node: Any, weight: Array) -> list[FloatNode]:
    """Return the product with weights [F, M] along the last axis: a 1x1 convolution with the features first."""
    dims = reader.image_dims(node, node.input[0])
    core = FloatNode("conv", node.output[0], [node.input[0]], attributes=dict(POINTWISE))
    core.weight = np.ascontiguousarray(weight.T)[:, :, None, None]
    core.bias = np.zeros(weight.shape[1], np.float32)
    last = axis_in_engine(-1, len(dims) + 1)
    assert last is not None
    return _along(core, shape_in_engine(dims), last, 0, weight.shape[1])


def matmul_of_activations(reader: "Reader", node: Any) -> list[FloatNode]:
    """[N, head, M, K] by [N, head, K, N'], or without heads."""
    a, b = (reader.image_dims(node, name) for name in node.input)
    if len(a) != len(b) or len(a) not in (2, 3):
        raise reader.refuse(node, f"must be of [N, head, M, K] and [N, head, K, N'], or without heads, got {a} and {b}")
    made = node.output[0]
    core = FloatNode("matmul", made, list(node.input), attributes={"factor": 1.0})
    if len(a) == 3:
        return [core]
    # Without heads a matrix [M, K] stands as (K, M, 1): it goes to (1, M, K) first, and the product back.
    nodes = []
    for side, (name, dims) in enumerate(zip(node.input, (a, b), strict=True)):
        core.inputs[side] = f"{made}:operand {side}"
        index = np.ascontiguousarray(positions(dims))
        nodes.append(
            FloatNode("rearrange", core.inputs[side], [name], attributes={"index": index}, shape=shape_in_engine(dims))
        )
    product = (a[0], b[1])
    core.name, core.tensor = f"{made}:matrix", made
    back = np.ascontiguousarray(to_engine(np.arange(a[0] * b[1], dtype=np.int32).reshape(1, *product)))
    return [*nodes, core, FloatNode("rearrange", made, [core.name], attributes={"index": back}, shape=(1, *product))]


def softmax(reader: "Reader", node: Any) -> FloatNode:
    """Softmax; along which axis of (C, H, W) is seen to when it is known not to be the last operator."""
    rank, shape = len(reader.shapes.get(node.input[0], ())), reader.known_shape(node.input[0])
    place = axis_in_engine(reader.attributes(node, axis=-1)["axis"], rank) if shape and rank <= 4 else None
    attributes = {} if place is None else {"axis": place}
    return FloatNode("softmax", node.output[0], [node.input[0]], attributes=attributes, shape=shape)


def layer_norm(reader: "Reader", node: Any) -> list[FloatNode]:
    """Layer normalisation over the last axis, which becomes the channels."""
    dims = reader.image_dims(node, node.input[0])
    values = reader.attributes(node, axis=-1, epsilon=1e-5)
    if values["axis"] not in (-1, len(dims)) or not 1 <= len(dims) <= 3:
        raise reader.refuse(node, "must normalise over the last axis")
    if len(node.output) > 1:
        raise reader.refuse(node, "only its first output is supported")
    gamma = reader.constant(node, 1, "its scale").astype(np.float32).reshape(-1)
    beta = reader.optional(node, 2, "its bias")
    core = FloatNode("layer_norm", node.output[0], [node.input[0]], attributes={"epsilon": values["epsilon"]})
    core.weight = np.broadcast_to(gamma, dims[-1:]).copy()
    core.bias = np.zeros(dims[-1], np.float32) if beta is None else np.broadcast_to(beta.reshape(-1), dims[-1:]).copy()
    last = axis_in_engine(-1, len(dims) + 1)
    assert last is not None
    return _along(core, shape_in_engine(dims), last, 0, dims[-1])


def multiply(reader: "Reader", node: Any) -> FloatNode:
    """Mul or Div: by a constant number or one a channel; of two activations, only as a part of GELU."""
    constants = [index for index, name in enumerate(node.input) if name in reader.constants]
    if not constants:
        if node.op_type == "Div":
            raise reader.refuse(node, "must divide by a constant")
        return FloatNode("product", node.output[0], list(node.input))
    if constants == [0] and node.op_type == "Div":
        raise reader.refuse(node, "must divide by a constant")
    other = node.input[1 - constants[0]]
    value = reader.constants[node.input[constants[0]]].astype(np.float32)
    with np.errstate(divide="ignore"):  # what is not finite is refused by name
        factor = np.float32(1) / value if node.op_type == "Div" else value
    if factor.size == 1:
        return FloatNode("scale", node.output[0], [other], weight=factor.reshape(1))
    scale = reader.per_channel(node, factor, other)
    return FloatNode("batch_norm", node.output[0], [other], weight=scale, bias=np.zeros(len(scale), np.float32))


def erf(reader: "Reader", node: Any) -> FloatNode:
    """Erf, a part of GELU."""
    return FloatNode("erf", node.output[0], [node.input[0]])


def gelu(reader: "Reader", node: Any) -> FloatNode:
    """Gelu of opset 20."""
    if reader.attributes(node, approximate="none")["approximate"] != "none":
        raise reader.refuse(node, "approximate must be none")
    return FloatNode("gelu", node.output[0], [node.input[0]])


def concat(reader: "Reader", node: Any) -> list[FloatNode]:
    """Concat along any axis but the batch, which becomes the channels; constants may be among the parts."""
    rank = len(reader.shapes.get(node.output[0], ()))
    place = axis_in_engine(reader.attributes(node)["axis"], rank) if 2 <= rank <= 4 else None
    if place is None:
        raise reader.refuse(node, "must be along an axis of the images or tokens, not of the batch")
    made, nodes, parts = node.output[0], [], []
    for index, name in enumerate(node.input):
        if name in reader.constants:
            value = reader.constants[name].astype(np.float32)
            if value.ndim != rank or value.shape[0] != 1:
                raise reader.refuse(node, f"a constant must be the same for every image, got shape {value.shape}")
            part = FloatNode("constant", f"{made}:part {index}", [], weight=np.ascontiguousarray(to_engine(value)))
            nodes.append(part)
            parts.append((part.name, to_engine(value).shape))
        else:
            parts.append((name, shape_in_engine(reader.image_dims(node, name)) if place else (0, 0, 0)))
    core = FloatNode("concat", made, [name for name, _ in parts])
    if place == 0:
        return [*nodes, core]
    for index, (name, shape) in enumerate(parts):
        core.inputs[index] = f"{made}:moved {index}"
        move = moved_axis(shape, place, 0)
        nodes.append(FloatNode("rearrange", core.inputs[index], [name], attributes={"index": move}, shape=shape))
    joined = shape_in_engine(reader.image_dims(node, made))
    return [*nodes, *_back(core, joined, place, 0)]


def _along(core: FloatNode, shape: Place, axis: int, target: int, size: int) -> list[FloatNode]:
    """Let `core` work with `axis` of (C, H, W) at `target`; there it makes `size` of what it was given."""
    if axis == target:
        return [core]
    to = moved_axis(shape, axis, target)
    before = FloatNode("rearrange", f"{core.name}:moved", core.inputs, attributes={"index": to}, shape=shape)
    core.inputs = [before.name]
    made = tuple(size if place == axis else length for place, length in enumerate(shape))
    return [before, *_back(core, (made[0], made[1], made[2]), axis, target)]


def _back(core: FloatNode, made: Place, axis: int, target: int) -> list[FloatNode]:
    """Return `core`, which works with `axis` at `target`, and the move back to shape `made`."""
    name, core.name, core.tensor = core.name, f"{core.name}:along", core.name
    inside = list(made)
    inside.insert(target, inside.pop(axis))
    shape = inside[0], inside[1], inside[2]
    index = moved_axis(shape, target, axis)
    return [core, FloatNode("rearrange", name, [core.name], attributes={"index": index}, shape=shape)]
