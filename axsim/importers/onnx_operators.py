"""The ONNX operators that convert: one function each, from its node to a FloatNode."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from . import onnx_movement, onnx_tokens
from .float_graph import FloatNode

if TYPE_CHECKING:
    from .onnx import Reader


def _conv(reader: "Reader", node: Any) -> FloatNode:
    weight = reader.constant(node, 1, "its weight").astype(np.float32)
    if weight.ndim != 4:
        raise reader.refuse(node, f"must be two-dimensional, got a weight of shape {weight.shape}")
    values = reader.attributes(node, strides=(1, 1), dilations=(1, 1), group=1)
    bias = reader.optional(node, 2, "its bias")
    return FloatNode(
        "conv",
        node.output[0],
        [node.input[0]],
        "",
        {
            "strides": values["strides"],
            "pads": reader.window(node, values, weight.shape[2:]),
            "dilations": values["dilations"],
            "groups": values["group"],
        },
        weight,
        np.zeros(weight.shape[0], np.float32) if bias is None else bias.astype(np.float32),
    )


def _gemm(reader: "Reader", node: Any) -> FloatNode:
    values = reader.attributes(node, alpha=1.0, beta=1.0, transA=0, transB=0)
    if values["transA"]:
        raise reader.refuse(node, "transA must be 0")
    weight = reader.constant(node, 1, "its weight").astype(np.float32) * np.float32(values["alpha"])
    weight = weight if values["transB"] else weight.T
    bias = reader.optional(node, 2, "its bias")
    shift = np.zeros(1, np.float32) if bias is None else bias.astype(np.float32) * np.float32(values["beta"])
    if shift.size != 1 and (shift.size != weight.shape[0] or shift.shape[-1] != shift.size):
        raise reader.refuse(node, f"its bias must have one number a class, got {shift.shape} for {weight.shape[0]}")
    return FloatNode(
        "linear",
        node.output[0],
        [node.input[0]],
        "",
        {},
        np.ascontiguousarray(weight),
        np.broadcast_to(shift.reshape(-1), weight.shape[:1]).copy(),
    )


def _matmul(reader: "Reader", node: Any) -> FloatNode | list[FloatNode]:
    if node.input[0] in reader.constants:
        raise reader.refuse(node, "its left operand must not be constant")
    if node.input[1] not in reader.constants:
        return onnx_tokens.matmul_of_activations(reader, node)
    weight = reader.constant(node, 1, "its right operand").astype(np.float32)
    if weight.ndim != 2:
        raise reader.refuse(node, f"its right operand must be a matrix, got shape {weight.shape}")
    if len(reader.shapes.get(node.input[0], ())) in (3, 4):
        return onnx_tokens.linear_of_tokens(reader, node, weight)
    return FloatNode(
        "linear",
        node.output[0],
        [node.input[0]],
        "",
        {},
        np.ascontiguousarray(weight.T),
        np.zeros(weight.shape[1], np.float32),
    )


def _batch_norm(reader: "Reader", node: Any) -> FloatNode:
    epsilon = reader.attributes(node, epsilon=1e-5)["epsilon"]
    gamma, beta, mean, variance = (reader.constant(node, index, "its parameters") for index in range(1, 5))
    with np.errstate(invalid="ignore", divide="ignore"):  # what is not finite is refused by name
        scale = (gamma / np.sqrt(variance + epsilon)).astype(np.float32)
    return FloatNode(
        "batch_norm", node.output[0], [node.input[0]], weight=scale, bias=(beta - mean * scale).astype(np.float32)
    )


def _relu(reader: "Reader", node: Any) -> FloatNode:
    return FloatNode("clip", node.output[0], [node.input[0]], clamp=(0.0, np.inf))


def _clip(reader: "Reader", node: Any) -> FloatNode:
    low, high = (reader.optional(node, index, "its bounds") for index in (1, 2))
    clamp = (
        -np.inf if low is None else float(low.reshape(-1)[0]),
        np.inf if high is None else float(high.reshape(-1)[0]),
    )
    if not clamp[0] <= clamp[1]:
        raise reader.refuse(node, f"its bounds must ascend, got {clamp}")
    return FloatNode("clip", node.output[0], [node.input[0]], clamp=clamp)


def _add(reader: "Reader", node: Any) -> FloatNode:
    constant = [name for name in node.input if name in reader.constants]
    if constant:
        other = next((name for name in node.input if name not in reader.constants), None)
        if other is None:
            raise reader.refuse(node, "must have an input that is not constant")
        value = reader.constants[constant[0]].astype(np.float32)
        shape = reader.known_shape(other)
        if value.size > 1 and shape is not None:
            value = reader.of_one_image(node, value, other)
        elif value.size not in value.shape[:1] and value.size > 1:
            raise reader.refuse(node, f"a constant must have one number a channel, got shape {value.shape}")
        else:
            value = value.reshape(-1)
        return FloatNode("bias", node.output[0], [other], bias=value, shape=shape)
    a, b = (reader.shapes.get(name, ()) for name in node.input)
    if a[1:] != b[1:]:
        raise reader.refuse(node, f"its inputs must have one shape, got {a} and {b}")
    return FloatNode("add", node.output[0], list(node.input))


def _max_pool(reader: "Reader", node: Any) -> FloatNode:
    return _pool(reader, node, "max_pool")


def _average_pool(reader: "Reader", node: Any) -> FloatNode:
    pool = _pool(reader, node, "average_pool")
    pool.attributes["count_include_pad"] = bool(reader.attributes(node, count_include_pad=0)["count_include_pad"])
    return pool


def _pool(reader: "Reader", node: Any, op: str) -> FloatNode:
    values = reader.attributes(node, strides=(1, 1), dilations=(1, 1))
    if len(node.output) > 1 or any(step != 1 for step in values["dilations"]):
        raise reader.refuse(node, "dilations and a second output are not supported")
    pads = reader.window(node, values, values["kernel_shape"])
    return FloatNode(
        op,
        node.output[0],
        [node.input[0]],
        "",
        {"kernel_shape": values["kernel_shape"], "strides": values["strides"], "pads": pads},
    )


def _global_average_pool(reader: "Reader", node: Any) -> FloatNode:
    return FloatNode("global_average_pool", node.output[0], [node.input[0]])


def _reduce_mean(reader: "Reader", node: Any) -> FloatNode:
    values = reader.attributes(node, keepdims=1)
    axes = values.get("axes") or (reader.optional(node, 1, "its axes"))
    rank = len(reader.shapes.get(node.input[0], ())) or 4
    pixels = [1] if rank == 3 else [2, 3]  # of tokens [N, T, F], or of images
    if axes is None or sorted(int(axis) % rank for axis in axes) != pixels:
        raise reader.refuse(node, "must be over height and width, or over tokens")
    # Without keepdims its output is flat, which (C, 1, 1) already is.
    return FloatNode("global_average_pool", node.output[0], [node.input[0]])


def _pad(reader: "Reader", node: Any) -> FloatNode:
    if reader.attributes(node, mode="constant")["mode"] != "constant":
        raise reader.refuse(node, "mode must be constant")
    pads = [int(value) for value in reader.constant(node, 1, "its pads")]
    value = reader.optional(node, 2, "its value")
    axes = reader.optional(node, 3, "its axes")
    if axes is not None:
        full = [0] * 8
        for index, axis in enumerate(int(axis) % 4 for axis in axes):
            full[axis], full[axis + 4] = pads[index], pads[index + len(axes)]
        pads = full
    if len(pads) != 8 or pads[0] or pads[4] or min(pads) < 0:
        raise reader.refuse(node, f"pads must be 0 or more, and none for the batch, got {pads}")
    number = 0.0 if value is None else float(value.reshape(-1)[0])
    if not np.isfinite(number):
        raise reader.refuse(node, f"its value must be finite, got {number}")
    return FloatNode("pad", node.output[0], [node.input[0]], "", {"pads": (*pads[1:4], *pads[5:8]), "value": number})


def _slice(reader: "Reader", node: Any) -> FloatNode:
    shape = reader.shapes.get(node.input[0], ())
    if len(shape) in (3, 5) or reader.batch_axis(node.input[0]):
        return onnx_movement.slices(reader, node)
    if len(shape) != 4 or any(not size for size in shape[1:]):
        raise reader.refuse(node, f"its input must have a fixed shape [N, C, H, W], got {shape or 'unknown'}")
    starts, ends = (reader.constant(node, index, "its bounds").tolist() for index in (1, 2))
    axes, steps = (reader.optional(node, index, "its axes and steps") for index in (3, 4))
    bounds: list[tuple[int, int, int]] = [(0, size, 1) for size in shape[1:]]
    for index, axis in enumerate(range(len(starts)) if axes is None else (int(axis) % 4 for axis in axes)):
        step = 1 if steps is None else int(steps[index])
        if axis == 0 or step < 1:
            raise reader.refuse(node, "must not slice the batch nor go backwards")
        start, stop, _ = slice(starts[index], ends[index], step).indices(shape[axis])
        bounds[axis - 1] = (start, stop, step)
    names = ("starts", "stops", "steps")
    columns = zip(*bounds, strict=True)
    return FloatNode("slice", node.output[0], [node.input[0]], "", dict(zip(names, columns, strict=True)))


def _flatten(reader: "Reader", node: Any) -> FloatNode:
    if reader.attributes(node, axis=1)["axis"] not in (1, -len(reader.shapes.get(node.input[0], ())) + 1):
        raise reader.refuse(node, "axis must be 1")
    if len(reader.shapes.get(node.input[0], ())) == 3:
        return onnx_movement.reshape(reader, node)
    return FloatNode("flatten", node.output[0], [node.input[0]])


def _reshape(reader: "Reader", node: Any) -> FloatNode:
    """Read a reshape or squeeze; what makes images flat is known by that name."""
    given, made = (reader.shapes.get(name, ()) for name in (node.input[0], node.output[0]))
    if len(given) == 2 and given == made:
        return FloatNode("identity", node.output[0], [node.input[0]])
    flat = len(made) == 2 or (len(made) == 4 and made[2:] == (1, 1))
    size = 1
    for dimension in given[1:]:
        size *= dimension or 0
    # A batch of the same name on both sides leaves the rest no choice, even where its size was not inferred.
    kept = len(made) == 2 and size > 0 and made[1] is None and made[0] is not None and made[0] == given[0]
    if len(given) not in (2, 4) or not flat or (made[1] != size and not kept) or reader.batch_axis(node.input[0]):
        return (onnx_movement.squeeze if node.op_type == "Squeeze" else onnx_movement.reshape)(reader, node)
    return FloatNode("flatten", node.output[0], [node.input[0]])


def _identity(reader: "Reader", node: Any) -> FloatNode:
    return FloatNode("identity", node.output[0], [node.input[0]])


def _dropout(reader: "Reader", node: Any) -> FloatNode:
    training = reader.optional(node, 2, "its training_mode")
    if training is not None and training.any():
        raise reader.refuse(node, "training_mode must be off; export the model for inference")
    return _identity(reader, node)


# Operators of which more than the first input is computed.
MANY_INPUTS = ("Add", "Concat", "Div", "MatMul", "Mul")
# Operators that move numbers and may be given a batch that is not the first axis.
MOVES = ("Gather", "Reshape", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze")

CONVERTERS: "dict[str, Callable[[Reader, Any], FloatNode | list[FloatNode]]]" = {
    "Add": _add,
    "AveragePool": _average_pool,
    "BatchNormalization": _batch_norm,
    "Clip": _clip,
    "Concat": onnx_tokens.concat,
    "Conv": _conv,
    "Div": onnx_tokens.multiply,
    "Dropout": _dropout,
    "Erf": onnx_tokens.erf,
    "Flatten": _flatten,
    "Gather": onnx_movement.gather,
    "Gelu": onnx_tokens.gelu,
    "Gemm": _gemm,
    "GlobalAveragePool": _global_average_pool,
    "Identity": _identity,
    "LayerNormalization": onnx_tokens.layer_norm,
    "MatMul": _matmul,
    "MaxPool": _max_pool,
    "Mul": onnx_tokens.multiply,
    "Pad": _pad,
    "ReduceMean": _reduce_mean,
    "Relu": _relu,
    "Reshape": _reshape,
    "Slice": _slice,
    "Softmax": onnx_tokens.softmax,
    "Split": onnx_movement.split,
    "Squeeze": _reshape,
    "Transpose": onnx_movement.transpose,
    "Unsqueeze": onnx_movement.unsqueeze,
}
