"""Network -> ONNX in QDQ form: float operators between DequantizeLinear and QuantizeLinear. Needs the extra `convert`.

Every node's codes are one tensor of the model, the output of a QuantizeLinear, so that a runtime's integers can be
compared with axsim's. A runtime that knows the form runs conv -> QuantizeLinear and the like as one integer kernel.

A clamp that is narrower than the format (a relu under s8, the codes -127 to 127 of a symmetric network) becomes a Relu
or Clip of its own behind the codes, and a second QuantizeLinear of the same scale: between a layer and its
QuantizeLinear it would keep ONNX Runtime from its integer kernel. The numbers are the same.
"""

import dataclasses
import functools
import os
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import AxsimError
from ..files import check_writable, replacing
from ..formats import DTYPES, code_range
from ..importers.onnx import require_onnx
from ..importers.quantized_onnx.metadata import written
from ..networks.network import INPUT, Network
from ..networks.nodes import (
    Add,
    AveragePool,
    Concat,
    Conv,
    Flatten,
    GlobalAveragePool,
    Linear,
    MaxPool,
    Node,
    Pad,
    Quantization,
    Requantize,
    Requantizing,
    Slice,
    WeightLayer,
)
from . import onnx_tokens

OPSET, IR_VERSION = 17, 8  # runtimes since 2022 read them
LARGEST_MODEL = 2**31 - 1  # bytes of a protobuf
OUTPUT = "logits"  # name of the model's output


@dataclasses.dataclass(frozen=True)
class ExportedModel:
    """An ONNX model and where its integers are.

    Attributes
    ----------
    proto : onnx.ModelProto
        Input `input`, float32 [N, C, H, W], preprocessed; output `logits`, float32 [N, classes].
    codes : dict of str to str
        For the network's input and every node, the tensor of its codes.
    """

    proto: Any
    codes: dict[str, str]


def export(network: Network, path: str | os.PathLike[str], overwrite: bool = False) -> None:
    """
    Write a network as an ONNX model in QDQ form.

    Raises
    ------
    AxsimError
        If `path` cannot be written, or exists and `overwrite` is false; if a node has no ONNX form; if the model passes
        the 2 GB of one ONNX file; if the extra `convert` is not installed.
    """
    check_writable(path, overwrite)
    content = exported(network).proto.SerializeToString()
    with replacing(path, overwrite) as temporary:
        temporary.write_bytes(content)


def exported(network: Network) -> ExportedModel:
    """Build the model of a network, checked by ONNX's own checker; raises as `export` does."""
    onnx = require_onnx()
    writer = Writer(network)
    for node in network.nodes:
        write(node, writer)
    proto = writer.model()
    if proto.ByteSize() > LARGEST_MODEL:
        raise AxsimError(f"{network.name} must fit the 2 GB of one ONNX file, got {proto.ByteSize()} bytes")
    onnx.checker.check_model(proto)
    return ExportedModel(proto, writer.codes)


class Writer:
    """The model under construction: its nodes, its constants, and the tensors of each node of the network."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._onnx = require_onnx()
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._names = {OUTPUT}  # of tensors
        self._operators: set[str] = set()  # names of operators
        self.codes: dict[str, str] = {}
        self._reals: dict[str, str] = {}
        self._flat: set[str] = set()  # nodes whose tensors are [N, F], not [N, C, H, W]
        self.quantize(INPUT, self.name(INPUT), network.input)

    def name(self, wanted: str) -> str:
        """Return a name that no tensor bears yet."""
        return _unused(wanted, self._names)

    def constant(self, name: str, value: npt.ArrayLike) -> str:
        """Name of a new constant."""
        name = self.name(name)
        self._constants.append(self._onnx.numpy_helper.from_array(np.asarray(value), name))
        return name

    def add(self, op: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Append an operator of the name `output`; returns the tensor that it makes, of that name if it is free."""
        made = self.name(output)
        name = _unused(output, self._operators)
        self._nodes.append(self._onnx.helper.make_node(op, inputs, [made], name, **attributes))
        return made

    def parameters(self, name: str, quantization: Quantization) -> list[str]:
        """Scale and zero point as constants."""
        zero_point = np.array(quantization.zero_point, DTYPES[quantization.format])
        scale = np.array(quantization.scale, np.float32)
        return [self.constant(f"{name}/scale", scale), self.constant(f"{name}/zero_point", zero_point)]

    def quantize(self, name: str, real: str, quantization: Quantization) -> None:
        """Make the codes of a node from its real tensor, and its real tensor from its codes."""
        parameters = self.parameters(name, quantization)
        self.codes[name] = self.add("QuantizeLinear", [real, *parameters], f"{name}/codes")
        self._reals[name] = self.add("DequantizeLinear", [self.codes[name], *parameters], f"{name}/real")

    def result(self, node: Node, real: str, flat: bool = False) -> None:
        """Quantize what a node gave, then clamp where its format does not."""
        if flat:
            self._flat.add(node.name)
        self.quantize(node.name, real, node.output)
        if not isinstance(node, Requantizing) or node.clamp == code_range(node.output.format):
            return
        if node.clamp == (node.output.zero_point, code_range(node.output.format)[1]):
            clamped = self.add("Relu", [self._reals[node.name]], f"{node.name}/clamped")
        else:
            offsets = np.array(node.clamp) - node.output.zero_point
            bounds = offsets.astype(np.float32) * np.float32(node.output.scale)
            names = [self.constant(f"{node.name}/{what}", b) for what, b in zip(("low", "high"), bounds, strict=True)]
            clamped = self.add("Clip", [self._reals[node.name], *names], f"{node.name}/clamped")
        self.quantize(node.name, clamped, node.output)

    def real(self, name: str, flat: bool | None = False) -> str:
        """
        Return the real tensor of a node (or of the input) as [N, F] or [N, C, H, W]; as it is where `flat` is None.

        A change of shape has a QuantizeLinear of its own: integers pass through it, and no kernel is torn apart.
        """
        if flat is None or (name in self._flat) == flat:
            return self._reals[name]
        if flat:
            shaped = self.add("Flatten", [self._reals[name]], f"{name}/flat", axis=1)
        else:
            shape = self.constant(f"{name}/shape", np.array([0, -1, 1, 1], np.int64))
            shaped = self.add("Reshape", [self._reals[name], shape], f"{name}/image")
        parameters = self.parameters(name, self.network.quantization(name))
        codes = self.add("QuantizeLinear", [shaped, *parameters], f"{name}/shaped_codes")
        return self.add("DequantizeLinear", [codes, *parameters], f"{name}/shaped_real")

    def is_flat(self, name: str) -> bool:
        """Whether a node's tensor is [N, F]."""
        return name in self._flat

    def weights(self, layer: WeightLayer) -> list[str]:
        """Weight and bias as constants and their DequantizeLinear, one scale for all or channel by channel."""
        name, channels = layer.name, len(layer.weight)
        whole = layer.weight_scale.size == layer.weight_zero_point.size == 1
        shape, along = ((), {}) if whole else ((channels,), {"axis": 0})
        scales = np.broadcast_to(layer.weight_scale, (channels,) if not whole else (1,)).reshape(shape)
        zero_points = np.broadcast_to(layer.weight_zero_point, scales.shape or (1,)).reshape(shape)
        codes = self.constant(f"{name}/weight_codes", layer.weight)
        scale = self.constant(f"{name}/weight_scale", scales)
        zero_point = self.constant(f"{name}/weight_zero_point", zero_points.astype(layer.weight.dtype))
        weight = self.add("DequantizeLinear", [codes, scale, zero_point], f"{name}/weight", **along)
        unit = np.float32(self.network.quantization(layer.inputs[0]).scale) * scales
        units = self.constant(f"{name}/bias_scale", unit)
        steps = self.constant(f"{name}/bias_codes", layer.bias)
        return [weight, self.add("DequantizeLinear", [steps, units], f"{name}/bias", **along)]

    def model(self) -> Any:
        """Return the finished model."""
        helper, float32 = self._onnx.helper, self._onnx.TensorProto.FLOAT
        network, last = self.network, self.network.nodes[-1].name
        if last in self._flat:
            self._nodes.append(helper.make_node("Identity", [self._reals[last]], [OUTPUT]))
        else:
            self._nodes.append(helper.make_node("Flatten", [self._reals[last]], [OUTPUT], axis=1))
        graph = helper.make_graph(
            self._nodes,
            network.name,
            [helper.make_tensor_value_info(INPUT, float32, ["N", *network.input_shape])],
            [helper.make_tensor_value_info(OUTPUT, float32, ["N", network.shapes[last][0]])],
            self._constants,
        )
        opsets = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="axsim")
        helper.set_model_props(model, written(network))
        return model


def _unused(wanted: str, names: set[str]) -> str:
    """Return `wanted`, lengthened until it is not among the names, and add it to them."""
    while wanted in names:
        wanted += "_"
    names.add(wanted)
    return wanted


@functools.singledispatch
def write(node: Node, writer: Writer) -> None:
    """Append the operators of one node."""
    raise AxsimError(f"node {node.name!r} ({node.op}) has no ONNX form that axsim can write")


@write.register
def _conv(node: Conv, writer: Writer) -> None:
    inputs = [writer.real(node.inputs[0]), *writer.weights(node)]
    real = writer.add(
        "Conv",
        inputs,
        node.name,
        kernel_shape=node.weight.shape[2:],
        strides=node.strides,
        pads=node.pads,
        dilations=node.dilations,
        group=node.groups,
    )
    writer.result(node, real)


@write.register
def _linear(node: Linear, writer: Writer) -> None:
    real = writer.add("Gemm", [writer.real(node.inputs[0], True), *writer.weights(node)], node.name, transB=1)
    writer.result(node, real, flat=True)


@write.register
def _add(node: Add, writer: Writer) -> None:
    flat = all(writer.is_flat(name) for name in node.inputs)
    real = writer.add("Add", [writer.real(name, flat) for name in node.inputs], node.name)
    writer.result(node, real, flat)


@write.register
def _concat(node: Concat, writer: Writer) -> None:
    flat = all(writer.is_flat(name) for name in node.inputs)
    real = writer.add("Concat", [writer.real(name, flat) for name in node.inputs], node.name, axis=1)
    writer.result(node, real, flat)


@write.register
def _requantize(node: Requantize, writer: Writer) -> None:
    # A Concat of one input: two QuantizeLinear in a row would invite a runtime to make one of them.
    real = writer.add("Concat", [writer.real(node.inputs[0], None)], node.name, axis=1)
    writer.result(node, real, writer.is_flat(node.inputs[0]))


@write.register
def _max_pool(node: MaxPool, writer: Writer) -> None:
    real = writer.add(
        "MaxPool",
        [writer.real(node.inputs[0])],
        node.name,
        kernel_shape=node.kernel_shape,
        strides=node.strides,
        pads=node.pads,
    )
    writer.result(node, real)


@write.register
def _average_pool(node: AveragePool, writer: Writer) -> None:
    real = writer.add(
        "AveragePool",
        [writer.real(node.inputs[0])],
        node.name,
        kernel_shape=node.kernel_shape,
        strides=node.strides,
        pads=node.pads,
        count_include_pad=int(node.count_include_pad),
    )
    writer.result(node, real)


@write.register
def _global_average_pool(node: GlobalAveragePool, writer: Writer) -> None:
    writer.result(node, writer.add("GlobalAveragePool", [writer.real(node.inputs[0])], node.name))


@write.register
def _pad(node: Pad, writer: Writer) -> None:
    pads = writer.constant(f"{node.name}/pads", np.array([0, *node.pads[:3], 0, *node.pads[3:]], np.int64))
    filling = np.float32(node.code - node.output.zero_point) * np.float32(node.output.scale)
    value = writer.constant(f"{node.name}/value", filling)
    writer.result(node, writer.add("Pad", [writer.real(node.inputs[0]), pads, value], node.name))


@write.register
def _slice(node: Slice, writer: Writer) -> None:
    columns = {"starts": node.starts, "stops": node.stops, "axes": (1, 2, 3), "steps": node.steps}
    names = [writer.constant(f"{node.name}/{what}", np.array(value, np.int64)) for what, value in columns.items()]
    writer.result(node, writer.add("Slice", [writer.real(node.inputs[0]), *names], node.name))


@write.register
def _flatten(node: Flatten, writer: Writer) -> None:
    writer.result(node, writer.add("Flatten", [writer.real(node.inputs[0], None)], node.name, axis=1), flat=True)


for _kind, _function in onnx_tokens.OPERATORS.items():
    write.register(_kind, _function)
