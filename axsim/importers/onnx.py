"""Float ONNX -> FloatGraph. Needs the extra `convert`.

What each operator becomes stands in `onnx_operators.py`; anything else is refused by name.
"""

import os
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import AxsimError, ConversionError, first_line
from ..files import check_readable
from .float_graph import Array, FloatGraph, FloatNode
from .layout import shape_in_engine, to_engine
from .onnx_operators import CONVERTERS, MANY_INPUTS, MOVES
from .passes import simplify

OLDEST_OPSET = 11  # before it, Clip, Pad and Slice kept their arguments as attributes


def read_model(path: str | os.PathLike[str], rewrite: Callable[[Any], None] | None = None) -> Any:
    """
    Read and check an ONNX model, its shapes inferred; `rewrite` may change it in place before that.

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
        if _opset(model):  # a damaged model may have lost it: the checker says so
            _check_opset(path, model)
        onnx.checker.check_model(model)
        if rewrite is not None:
            rewrite(model)
        model = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    except ConversionError:
        raise
    except Exception as error:  # protobuf, checker and file errors share no base class
        reason = first_line(error)
        raise ConversionError(f"{path}: not a valid ONNX model, truncated or damaged ({reason})") from None
    _check_opset(path, model)
    return model


def _opset(model: Any) -> int:
    """Return the version of ONNX's own operators, 0 where the model states none."""
    return max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=0)


def _check_opset(path: pathlib.Path, model: Any) -> None:
    opset = _opset(model)
    if opset < OLDEST_OPSET:
        raise ConversionError(
            f"{path}: opset must be {OLDEST_OPSET} or newer, got {opset}; "
            "export the model with a newer opset, or upgrade it with onnx.version_converter"
        )


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
    reader = Reader(model)
    given, shape = reader.input()
    if len(model.graph.output) != 1:
        raise ConversionError(f"model must have one output, the logits, got {len(model.graph.output)}")
    wanted = model.graph.output[0].name
    nodes = [converted for node in reader.nodes_behind(wanted) for converted in reader.convert(node)]
    if wanted not in {node.name for node in nodes}:
        raise ConversionError(f"output {wanted!r} must be computed by a node")
    graph = FloatGraph(name, given, wanted, shape, nodes)
    simplify(graph)
    if not graph.nodes:
        raise ConversionError("model must compute something from its input")
    return graph


def computed_tensors(model: Any) -> set[str]:
    """Names of all tensors that the model's nodes compute."""
    return {name for node in model.graph.node for name in node.output}


class Reader:
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
        self.batch_axes: dict[str, int] = {}  # of tensors whose first axis is not the batch
        for node in model.graph.node:
            if node.op_type == "Expand" and node.input[0] in self.constants:
                constant, made = self.constants[node.input[0]], self.shapes.get(node.output[0], ())
                if constant.shape[:1] == (1,) and constant.shape[1:] == made[1:]:  # the same for every image
                    self.constants[node.output[0]] = constant

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
                if needed.intersection(node.output[1:]) and node.op_type != "Split":
                    raise self.refuse(node, "only its first output is supported")
                needed.update(node.input if node.op_type in MANY_INPUTS else node.input[:1])
                nodes.append(node)
        return nodes[::-1]

    def convert(self, node: Any) -> list[FloatNode]:
        """Convert one node; what it becomes, in order."""
        convert = CONVERTERS.get(node.op_type)
        if convert is None or node.domain not in ("", "ai.onnx"):
            raise ConversionError(
                f"node {node.name or node.output[0]!r}: operator {node.op_type} is not supported; "
                f"supported are {', '.join(sorted(CONVERTERS))}"
            )
        if node.op_type not in MOVES and any(self.batch_axis(name) for name in node.input):
            raise self.refuse(node, "its input must have the batch as its first axis")
        found = convert(self, node)
        converted = found if isinstance(found, list) else [found]
        for each in converted:
            each.label = node.name or node.output[0]
            if any(name in self.constants for name in each.inputs):
                raise self.refuse(node, "its input must not be constant")
            if not all(np.isfinite(values).all() for values in (each.weight, each.bias) if values is not None):
                raise self.refuse(node, "its weights must be finite numbers")
        return converted

    def batch_axis(self, name: str) -> int:
        """Axis of a tensor along which the images of a batch are."""
        return self.batch_axes.get(name, 0)

    def image_dims(self, node: Any, name: str) -> tuple[int, ...]:
        """Sizes of a tensor without its batch; `node` is who asks."""
        shape = list(self.shapes.get(name, ()))
        if shape:
            del shape[self.batch_axis(name)]
        if not shape or any(not isinstance(size, int) for size in shape):
            raise self.refuse(node, f"its input must have a fixed size, got {self.shapes.get(name) or 'unknown'}")
        return tuple(shape)

    def of_one_image(self, node: Any, value: Array, name: str) -> Array:
        """Return a constant as wide as one image of tensor `name`, [C, H, W], or [C] where no pixel has its own."""
        dims = self.image_dims(node, name)
        try:
            whole = to_engine(np.broadcast_to(value, (1, *dims)))
        except ValueError:
            raise self.refuse(node, f"a constant must fit {[1, *dims]}, got shape {value.shape}") from None
        return np.ascontiguousarray(whole[:, 0, 0] if (whole == whole[:, :1, :1]).all() else whole)

    def per_channel(self, node: Any, value: Array, name: str) -> Array:
        """Return a constant as one number for each channel of tensor `name`, [C]."""
        found = self.of_one_image(node, value, name)
        if found.ndim != 1:
            raise self.refuse(node, f"a constant must have one number a channel, got shape {value.shape}")
        return found

    def known_shape(self, name: str) -> tuple[int, int, int] | None:
        """(C, H, W) of a tensor, None where its size is not known."""
        shape = self.shapes.get(name, ())
        known = len(shape) > 1 and not self.batch_axis(name) and all(isinstance(size, int) for size in shape[1:])
        return shape_in_engine(shape[1:]) if known else None

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
