"""QDQ ONNX -> nodes: float operators, and between them what QuantizeLinear says of a tensor."""

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import ConversionError
from ...formats import format_of
from ...networks.nodes import Codes, Quantization
from ..float_graph import FloatGraph, FloatNode
from ..onnx import Reader, require_onnx


@dataclasses.dataclass
class QuantizedWeight:
    """Codes as the model stores them, channels along axis 0; scale and zero point [M] or, one for all, [1]."""

    codes: Codes
    scale: npt.NDArray[np.float32]
    zero_point: npt.NDArray[np.int32]


@dataclasses.dataclass
class QuantizedNode(FloatNode):
    """A FloatNode with the quantization of its output where the model states one, and the codes of its weights.

    op is one of FloatNode's or "quantize": a QuantizeLinear that no operator has taken in yet. `steps` is an int32 bias
    in units of input scale times weight scale, `unit` the scale that the model gives it. `hidden` where no
    tensor of the model holds the node's codes.
    """

    output: Quantization | None = None
    quantized: QuantizedWeight | None = None
    steps: npt.NDArray[np.int32] | None = None
    unit: npt.NDArray[np.float32] | None = None
    hidden: bool = False


@dataclasses.dataclass
class _Stored:
    """A constant behind a DequantizeLinear."""

    codes: npt.NDArray[Any]
    scale: npt.NDArray[np.float32]
    zero_point: npt.NDArray[Any]
    axis: int


class QuantizedReader(Reader):
    """Reads nodes as `Reader` does; a DequantizeLinear is another name for the tensor that it reads."""

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self._stored: dict[str, _Stored] = {}
        self._codes_of: dict[str, str] = {}
        for node in model.graph.node:
            if node.op_type == "QuantizeLinear" and node.input[0] in self.constants:
                self._quantize_constant(node)
            elif node.op_type == "DequantizeLinear" and node.input[0] in self.constants:
                self._dequantize_constant(node)

    def graph_of(self, name: str) -> FloatGraph:
        """Return the graph of all that the output depends on, in QDQ form still."""
        given, shape = self.input()
        if len(self.graph.output) != 1:
            raise ConversionError(f"model must have one output, the logits, got {len(self.graph.output)}")
        wanted = self.graph.output[0].name
        nodes: list[FloatNode] = []
        for node in self.nodes_behind(wanted):
            if node.op_type == "DequantizeLinear":
                self._codes_of[node.output[0]] = self._codes_of.get(node.input[0], node.input[0])
            else:
                nodes += self.convert(node)
        return FloatGraph(name, given, self._codes_of.get(wanted, wanted), shape, nodes)

    def convert(self, node: Any) -> list[FloatNode]:
        """Convert one node; what it becomes, in order."""
        converted: list[FloatNode] = []
        if node.op_type == "QuantizeLinear":
            quantizer = QuantizedNode("quantize", node.output[0], [node.input[0]], node.name or node.output[0])
            quantizer.output = self.quantization(node)
            converted = [quantizer]
        else:
            for found in super().convert(node):
                fields = {field.name: getattr(found, field.name) for field in dataclasses.fields(FloatNode)}
                made = QuantizedNode(**fields)
                if made.op in ("conv", "linear"):
                    self._take_weights(made, node)
                last = made.name == self.graph.output[0].name
                if made.op == "flatten" and last and self.shapes.get(node.input[0], ())[2:] in ((), (1, 1)):
                    made.op = "identity"  # the logits are one number a class already
                converted.append(made)
        for each in converted:
            each.inputs = [self._codes_of.get(name, name) for name in each.inputs]
        return converted

    def quantization(self, node: Any) -> Quantization:
        """Return the scale, zero point and format of a QuantizeLinear of activations."""
        scale, zero_point = self._parameters(node)
        if scale.size != 1 or zero_point.size != 1:
            raise self.refuse(node, "activations must have one scale and one zero point")
        fmt = format_of(zero_point)
        if fmt is None:
            raise self.refuse(node, f"codes must be of int8 or uint8, got {zero_point.dtype}")
        return Quantization(float(scale.reshape(-1)[0]), int(zero_point.reshape(-1)[0]), fmt)

    def _parameters(self, node: Any) -> tuple[npt.NDArray[np.float32], npt.NDArray[Any]]:
        values = self.attributes(node, axis=1, block_size=0, output_dtype=0)
        scale = self.constant(node, 1, "its scale")
        zero_point = self.optional(node, 2, "its zero point")
        if values["block_size"]:
            raise self.refuse(node, "blocks of scales are not supported")
        if scale.dtype != np.float32:
            raise self.refuse(node, f"its scale must be of float32, got {scale.dtype}")
        if zero_point is None:
            kind = values["output_dtype"] or require_onnx().TensorProto.UINT8
            zero_point = np.zeros(scale.shape, require_onnx().helper.tensor_dtype_to_np_dtype(kind))
        return scale, zero_point

    def _quantize_constant(self, node: Any) -> None:
        scale, zero_point = self._parameters(node)
        real = self.constants[node.input[0]].astype(np.float32)
        if zero_point.dtype.kind not in "iu":
            raise self.refuse(node, f"codes must be integers, got {zero_point.dtype}")
        axis = self._axis(node, real)
        steps = np.rint(real / _along(scale, axis, real.ndim)).astype(np.int64) + _along(zero_point, axis, real.ndim)
        bounds = np.iinfo(zero_point.dtype)
        self.constants[node.output[0]] = np.clip(steps, bounds.min, bounds.max).astype(zero_point.dtype)

    def _dequantize_constant(self, node: Any) -> None:
        codes = self.constants[node.input[0]]
        scale = self.constant(node, 1, "its scale").astype(np.float32)
        given = self.optional(node, 2, "its zero point")
        if self.attributes(node, block_size=0)["block_size"]:
            raise self.refuse(node, "blocks of scales are not supported")
        zero_point = np.zeros(scale.shape, codes.dtype) if given is None else given
        axis = self._axis(node, codes)
        offsets = codes.astype(np.int64) - _along(zero_point.astype(np.int64), axis, codes.ndim)
        self.constants[node.output[0]] = offsets.astype(np.float32) * _along(scale, axis, codes.ndim)
        self._stored[node.output[0]] = _Stored(codes, scale, zero_point, axis)

    def _axis(self, node: Any, values: npt.NDArray[Any]) -> int:
        axis = self.attributes(node, axis=1)["axis"]
        return int(axis % values.ndim) if values.ndim else 0

    def _take_weights(self, converted: QuantizedNode, node: Any) -> None:
        """Take codes, scale and zero point of the weights, and the bias, as the model stores them."""
        stored = self._stored.get(node.input[1])
        if stored is None or format_of(stored.codes) is None:
            came = "real numbers" if stored is None else str(stored.codes.dtype)
            raise self.refuse(node, f"its weights must be int8 or uint8 codes behind a DequantizeLinear, got {came}")
        values = self.attributes(node, alpha=1.0, beta=1.0, transB=0)
        if values["alpha"] != 1 or values["beta"] != 1:
            raise self.refuse(node, "alpha and beta must be 1")
        codes, channel_axis = stored.codes, 0
        if node.op_type != "Conv" and not values["transB"]:
            codes, channel_axis = np.ascontiguousarray(codes.T), 1
        assert converted.weight is not None
        codes = codes.reshape(converted.weight.shape)
        if stored.scale.size > 1 and stored.axis != channel_axis:
            raise self.refuse(node, f"its weight scales must run along the output channels, got axis {stored.axis}")
        channels = len(codes)
        zero_point = stored.zero_point.reshape(-1).astype(np.int32)
        if (zero_point == zero_point[0]).all():
            zero_point = zero_point[:1]
        converted.quantized = QuantizedWeight(codes, stored.scale.reshape(-1), zero_point)
        if len(node.input) > 2 and node.input[2] in self._stored:
            bias = self._stored[node.input[2]]
            if bias.codes.dtype != np.int32 or bias.zero_point.any():
                raise self.refuse(node, f"its bias must be int32 with zero point 0, got {bias.codes.dtype}")
            converted.steps = np.broadcast_to(bias.codes.reshape(-1), channels).copy()
            converted.unit = np.broadcast_to(bias.scale.reshape(-1), channels).copy()


def _along(values: npt.NDArray[Any], axis: int, rank: int) -> npt.NDArray[Any]:
    """Shape one value a channel such that it broadcasts along an axis; a single value broadcasts anyway."""
    if values.size == 1:
        return values.reshape(())
    return values.reshape([values.size if each == axis else 1 for each in range(rank)])
