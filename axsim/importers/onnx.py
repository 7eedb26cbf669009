"""Float ONNX -> FloatGraph. Needs the extra `convert`.

Every operator read here is one function from its ONNX node to a FloatNode; anything else is refused by name.
"""

import os
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import AxsimError, ConversionError
from ..files import check_readable
from .float_graph import FloatGraph, FloatNode, simplify

OLDEST_OPSET = 11  # before it, Clip, Pad and Slice kept their arguments as attributes


def read_model(path: str | os.PathLike[str]) -> Any:
    """
    Read and check an ONNX model.

    Raises
    ------
    ConversionError
        If the file is missing, is no valid ONNX model, lacks its external data or has too old an opset.
    AxsimError
        If the extra `convert` is not installed.
    """
    onnx = require_onnx()
    path = pathlib.Path(path)
    check_readable(path, ConversionError, "name a float .onnx model")
    try:
        model = onnx.load(str(path))
        onnx.checker.check_model(model)
        model = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    except Exception as error:  # protobuf, checker and file errors share no base class
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ConversionError(f"{path}: not a valid ONNX model, truncated or damaged ({reason})") from None
    opset = max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=0)
    if opset < OLDEST_OPSET:
        raise ConversionError(
            f"{path}: opset must be {OLDEST_OPSET} or newer, got {opset}; "
            "export the model with a newer opset, or upgrade it with onnx.version_converter"
        )
    return model


def require_onnx() -> Any:
    """Import onnx, or say which extra brings it."""
    try:
        import onnx
        import onnx.checker
        import onnx.numpy_helper
        import onnx.shape_inference
    except ImportError:
        raise AxsimError("reading ONNX needs the package onnx: pip install 'axsim[convert]'") from None
    return onnx


def read_graph(model: Any, name: str) -> FloatGraph:
    """
    Build the simplified float graph of a model from `read_model`.

    Raises
    ------
    ConversionError
        Naming the node and the operator that is not supported, or what of it is not.
    """
    reader = _Reader(model)
    given, shape = reader.input()
    if len(model.graph.output) != 1:
        raise ConversionError(f"model must have one output, the logits, got {len(model.graph.output)}")
    wanted = model.graph.output[0].name
    nodes = [reader.node(node) for node in reader.nodes_behind(wanted)]
    if wanted not in {node.name for node in nodes}:
        raise ConversionError(f"output {wanted!r} must be computed by a node")
    graph = FloatGraph(name, given, wanted, shape, nodes)
    simplify(graph)
    if not graph.nodes:
        raise ConversionError("model must compute something from its input")
    return graph


class _Reader:
    """The model's constants and shapes, and one method an operator."""

    def __init__(self, model: Any) -> None:
        self.graph = model.graph
        helper = require_onnx().numpy_helper
        self.constants: dict[str, npt.NDArray[Any]] = {
            tensor.name: helper.to_array(tensor) for tensor in model.graph.initializer
        }
        for node in model.graph.node:
            if node.op_type == "Identity" and node.input[0] in self.constants:
                self.constants[node.output[0]] = self.constants[node.input[0]]
            if node.op_type == "Constant":
                attribute = node.attribute[0]
                values = require_onnx().helper.get_attribute_value(attribute)
                if attribute.name == "value":
                    self.constants[node.output[0]] = helper.to_array(values)
                elif attribute.name in ("value_float", "value_floats", "value_int", "value_ints"):
                    self.constants[node.output[0]] = np.asarray(values)
        self.shapes: dict[str, tuple[Any, ...]] = {}  # None for an unknown size, but a free batch may have a name
        for value in (*model.graph.value_info, *model.graph.input, *model.graph.output):
            dims = value.type.tensor_type.shape.dim
            sizes = [dim.dim_value if dim.dim_value > 0 else None for dim in dims]
            self.shapes[value.name] = tuple([sizes[0] or dims[0].dim_param or None, *sizes[1:]] if sizes else ())

    def input(self) -> tuple[str, tuple[int, int, int]]:
        """Name and shape (C, H, W) of the one input that is no constant."""
        names = [value.name for value in self.graph.input if value.name not in self.constants]
        if len(names) != 1:
            raise ConversionError(f"model must have one input, the images, got {len(names)}")
        shape = self.shapes[names[0]]
        if len(shape) != 4 or any(not size for size in shape[1:]):
            raise ConversionError(
                f"input {names[0]!r} must have a fixed shape [N, C, H, W] (N may be free), "
                f"got {[size or 'dynamic' for size in shape]}; export the model with fixed sizes"
            )
        value = next(value for value in self.graph.input if value.name == names[0])
        if value.type.tensor_type.elem_type != require_onnx().TensorProto.FLOAT:
            kind = require_onnx().TensorProto.DataType.Name(value.type.tensor_type.elem_type)
            raise ConversionError(f"input {names[0]!r} must be of float32, got {kind}; export the model in float32")
        return names[0], (shape[1], shape[2], shape[3])

    def nodes_behind(self, output: str) -> list[Any]:
        """Return the nodes whose numbers reach `output`, in order; the shape given to a Reshape is no such number."""
        needed, nodes = {output}, []
        for node in reversed(self.graph.node):
            if needed.intersection(node.output) and node.output[0] not in self.constants:
                if needed.intersection(node.output[1:]):
                    raise self.refuse(node, "only its first output is supported")
                needed.update(node.input if node.op_type in ("Add", "Concat") else node.input[:1])
                nodes.append(node)
        return nodes[::-1]

    def node(self, node: Any) -> FloatNode:
        """Convert one node."""
        convert = _CONVERTERS.get(node.op_type)
        if convert is None or node.domain not in ("", "ai.onnx"):
            raise ConversionError(
                f"node {node.name or node.output[0]!r}: operator {node.op_type} is not supported; "
                f"supported are {', '.join(sorted(_CONVERTERS))}"
            )
        converted = convert(self, node)
        converted.label = node.name or node.output[0]
        if any(name in self.constants for name in converted.inputs):
            raise self.refuse(node, "its input must not be constant")
        if not all(np.isfinite(values).all() for values in (converted.weight, converted.bias) if values is not None):
            raise self.refuse(node, "its weights must be finite numbers")
        return converted

    def attributes(self, node: Any, **defaults: Any) -> dict[str, Any]:
        """Attributes of the node over the defaults; text as str, lists as tuples."""
        values = dict(defaults)
        for attribute in node.attribute:
            value = require_onnx().helper.get_attribute_value(attribute)
            values[attribute.name] = value.decode() if isinstance(value, bytes) else value
        return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}

    def constant(self, node: Any, index: int, what: str) -> npt.NDArray[Any]:
        """Constant value of an input."""
        name = node.input[index]
        if name not in self.constants:
            raise self.refuse(node, f"{what} must be constant")
        return self.constants[name]

    def optional(self, node: Any, index: int, what: str) -> npt.NDArray[Any] | None:
        """Return the constant value of an input that may be left out."""
        if len(node.input) <= index or not node.input[index]:
            return None
        return self.constant(node, index, what)

    def refuse(self, node: Any, reason: str) -> ConversionError:
        """Return the error about a node."""
        return ConversionError(f"node {node.name or node.output[0]!r} ({node.op_type}): {reason}")

    def spatial(self, node: Any, name: str) -> tuple[int, int]:
        """Height and width of a tensor of images."""
        shape = self.shapes.get(name, ())
        if len(shape) != 4 or not shape[2] or not shape[3]:
            raise self.refuse(node, f"its input must be images of a fixed size [N, C, H, W], got {shape or 'unknown'}")
        return shape[2], shape[3]

    def window(self, node: Any, values: dict[str, Any], kernel: tuple[int, ...]) -> tuple[int, int, int, int]:
        """Resolve auto_pad and ceil_mode to explicit pads (top, left, bottom, right)."""
        if len(kernel) != 2:
            raise self.refuse(node, f"its window must be two-dimensional, got {kernel}")
        pads = tuple(values.get("pads") or (0, 0, 0, 0))
        mode = values.get("auto_pad", "NOTSET")
        size = self.spatial(node, node.input[0])
        spans = [values["dilations"][axis] * (kernel[axis] - 1) + 1 for axis in (0, 1)]
        if mode in ("SAME_UPPER", "SAME_LOWER"):
            begin, end = [0, 0], [0, 0]
            for axis in (0, 1):
                stride = values["strides"][axis]
                total = max(0, (-(-size[axis] // stride) - 1) * stride + spans[axis] - size[axis])
                begin[axis] = total // 2 if mode == "SAME_UPPER" else total - total // 2
                end[axis] = total - begin[axis]
            pads = (*begin, *end)
        if values.get("ceil_mode"):
            end = list(pads[2:])
            for axis in (0, 1):
                stride = values["strides"][axis]
                room = size[axis] + pads[axis] + pads[axis + 2] - spans[axis]
                steps = -(-room // stride)
                if steps * stride >= size[axis] + pads[axis]:  # a window must begin inside of the image or its padding
                    steps -= 1
                end[axis] += max(0, steps * stride - room)
            if tuple(end) != pads[2:] and values.get("count_include_pad"):
                raise self.refuse(node, "ceil_mode together with count_include_pad is not supported")
            pads = (*pads[:2], *end)
        return pads[0], pads[1], pads[2], pads[3]


def _conv(reader: _Reader, node: Any) -> FloatNode:
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


def _gemm(reader: _Reader, node: Any) -> FloatNode:
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


def _matmul(reader: _Reader, node: Any) -> FloatNode:
    weight = reader.constant(node, 1, "its right operand").astype(np.float32)
    if weight.ndim != 2:
        raise reader.refuse(node, f"its right operand must be a matrix, got shape {weight.shape}")
    return FloatNode(
        "linear",
        node.output[0],
        [node.input[0]],
        "",
        {},
        np.ascontiguousarray(weight.T),
        np.zeros(weight.shape[1], np.float32),
    )


def _batch_norm(reader: _Reader, node: Any) -> FloatNode:
    epsilon = reader.attributes(node, epsilon=1e-5)["epsilon"]
    gamma, beta, mean, variance = (reader.constant(node, index, "its parameters") for index in range(1, 5))
    with np.errstate(invalid="ignore", divide="ignore"):  # what is not finite is refused by name
        scale = (gamma / np.sqrt(variance + epsilon)).astype(np.float32)
    return FloatNode(
        "batch_norm", node.output[0], [node.input[0]], weight=scale, bias=(beta - mean * scale).astype(np.float32)
    )


def _relu(reader: _Reader, node: Any) -> FloatNode:
    return FloatNode("clip", node.output[0], [node.input[0]], clamp=(0.0, np.inf))


def _clip(reader: _Reader, node: Any) -> FloatNode:
    low, high = (reader.optional(node, index, "its bounds") for index in (1, 2))
    clamp = (
        -np.inf if low is None else float(low.reshape(-1)[0]),
        np.inf if high is None else float(high.reshape(-1)[0]),
    )
    if not clamp[0] <= clamp[1]:
        raise reader.refuse(node, f"its bounds must ascend, got {clamp}")
    return FloatNode("clip", node.output[0], [node.input[0]], clamp=clamp)


def _add(reader: _Reader, node: Any) -> FloatNode:
    constant = [name for name in node.input if name in reader.constants]
    if constant:
        other = next((name for name in node.input if name not in reader.constants), None)
        if other is None:
            raise reader.refuse(node, "must have an input that is not constant")
        value = reader.constants[constant[0]].astype(np.float32)
        rank = len(reader.shapes.get(other, ()))
        channel_axis = value.ndim - (rank - 1) if rank else 0
        if value.size > 1 and (channel_axis < 0 or value.shape[channel_axis] != value.size):
            raise reader.refuse(node, f"a constant must have one number a channel, got shape {value.shape}")
        return FloatNode("bias", node.output[0], [other], bias=value.reshape(-1))
    a, b = (reader.shapes.get(name, ()) for name in node.input)
    if a[1:] != b[1:]:
        raise reader.refuse(node, f"its inputs must have one shape, got {a} and {b}")
    return FloatNode("add", node.output[0], list(node.input))


def _concat(reader: _Reader, node: Any) -> FloatNode:
    rank = len(reader.shapes.get(node.output[0], ()))
    if reader.attributes(node)["axis"] % max(rank, 1) != 1:
        raise reader.refuse(node, "axis must be that of the channels, 1")
    if any(name in reader.constants for name in node.input):
        raise reader.refuse(node, "its inputs must not be constant")
    return FloatNode("concat", node.output[0], list(node.input))


def _max_pool(reader: _Reader, node: Any) -> FloatNode:
    return _pool(reader, node, "max_pool")


def _average_pool(reader: _Reader, node: Any) -> FloatNode:
    pool = _pool(reader, node, "average_pool")
    pool.attributes["count_include_pad"] = bool(reader.attributes(node, count_include_pad=0)["count_include_pad"])
    return pool


def _pool(reader: _Reader, node: Any, op: str) -> FloatNode:
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


def _global_average_pool(reader: _Reader, node: Any) -> FloatNode:
    return FloatNode("global_average_pool", node.output[0], [node.input[0]])


def _reduce_mean(reader: _Reader, node: Any) -> FloatNode:
    values = reader.attributes(node, keepdims=1)
    axes = values.get("axes") or (reader.optional(node, 1, "its axes"))
    if axes is None or sorted(int(axis) % 4 for axis in axes) != [2, 3]:
        raise reader.refuse(node, "must be over height and width")
    # Without keepdims its output is flat, which (C, 1, 1) already is.
    return FloatNode("global_average_pool", node.output[0], [node.input[0]])


def _pad(reader: _Reader, node: Any) -> FloatNode:
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


def _slice(reader: _Reader, node: Any) -> FloatNode:
    shape = reader.shapes.get(node.input[0], ())
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


def _flatten(reader: _Reader, node: Any) -> FloatNode:
    if reader.attributes(node, axis=1)["axis"] not in (1, -len(reader.shapes.get(node.input[0], ())) + 1):
        raise reader.refuse(node, "axis must be 1")
    return FloatNode("flatten", node.output[0], [node.input[0]])


def _reshape(reader: _Reader, node: Any) -> FloatNode:
    """Read a reshape, squeeze or the like that makes an image flat."""
    given, made = (reader.shapes.get(name, ()) for name in (node.input[0], node.output[0]))
    if len(given) == 2 and given == made:
        return FloatNode("identity", node.output[0], [node.input[0]])
    flat = len(made) == 2 or (len(made) == 4 and made[2:] == (1, 1))
    size = 1
    for dimension in given[1:]:
        size *= dimension or 0
    # A batch of the same name on both sides leaves the rest no choice, even where its size was not inferred.
    kept = len(made) == 2 and size > 0 and made[1] is None and made[0] is not None and made[0] == given[0]
    if len(given) not in (2, 4) or not flat or (made[1] != size and not kept):
        raise reader.refuse(node, f"is supported where it makes each image flat, got {given} to {made}")
    return FloatNode("flatten", node.output[0], [node.input[0]])


def _identity(reader: _Reader, node: Any) -> FloatNode:
    return FloatNode("identity", node.output[0], [node.input[0]])


def _dropout(reader: _Reader, node: Any) -> FloatNode:
    training = reader.optional(node, 2, "its training_mode")
    if training is not None and training.any():
        raise reader.refuse(node, "training_mode must be off; export the model for inference")
    return _identity(reader, node)


def _softmax(reader: _Reader, node: Any) -> FloatNode:
    return FloatNode("softmax", node.output[0], [node.input[0]])


_CONVERTERS: dict[str, Callable[[_Reader, Any], FloatNode]] = {
    "Add": _add,
    "AveragePool": _average_pool,
    "BatchNormalization": _batch_norm,
    "Clip": _clip,
    "Concat": _concat,
    "Conv": _conv,
    "Dropout": _dropout,
    "Flatten": _flatten,
    "Gemm": _gemm,
    "GlobalAveragePool": _global_average_pool,
    "Identity": _identity,
    "MatMul": _matmul,
    "MaxPool": _max_pool,
    "Pad": _pad,
    "ReduceMean": _reduce_mean,
    "Relu": _relu,
    "Reshape": _reshape,
    "Slice": _slice,
    "Softmax": _softmax,
    "Squeeze": _reshape,
}
