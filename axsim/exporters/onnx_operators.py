"""What each node of a network becomes in ONNX: one function an operator, given the writer of the model."""

import functools

import numpy as np

from ..errors import AxsimError
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
    Requantize,
    Slice,
)
from . import onnx_tokens
from .onnx_writer import Writer


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
