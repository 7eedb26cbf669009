"""What transformers need, as ONNX in QDQ form: products of activations, functions of real numbers, moves, constants."""

from typing import Any

import numpy as np

from ..networks.nodes import Constant, Gelu, LayerNorm, MatMul, Quantization, Rearrange, Softmax
from .onnx_writer import Writer


def matmul(node: MatMul, writer: Writer) -> None:
    """MatMul, right before its QuantizeLinear: the factor goes into the left operand's scale."""
    left, right = node.inputs
    real = writer.real(left)
    if node.factor != 1:
        given = writer.network.quantization(left)
        scaled = Quantization(float(np.float32(given.scale) * np.float32(node.factor)), given.zero_point, given.format)
        parameters = writer.parameters(f"{node.name}/left", scaled)
        real = writer.add("DequantizeLinear", [writer.codes[left], *parameters], f"{node.name}/left")
    writer.result(node, writer.add("MatMul", [real, writer.real(right)], node.name))


def softmax(node: Softmax, writer: Writer) -> None:
    """Softmax along the width."""
    writer.result(node, writer.add("Softmax", [writer.real(node.inputs[0])], node.name, axis=3))


def layer_norm(node: LayerNorm, writer: Writer) -> None:
    """LayerNormalization, the channels moved to the last axis and back."""
    last = writer.add("Transpose", [writer.real(node.inputs[0])], f"{node.name}/channels_last", perm=[0, 2, 3, 1])
    parts = [writer.constant(f"{node.name}/{what}", getattr(node, what)) for what in ("gamma", "beta")]
    made = writer.add("LayerNormalization", [last, *parts], f"{node.name}/normalized", axis=-1, epsilon=node.epsilon)
    writer.result(node, writer.add("Transpose", [made], node.name, perm=[0, 3, 1, 2]))


def gelu(node: Gelu, writer: Writer) -> None:
    """x (1 + erf(x / sqrt(2))) / 2 in its parts: the opset has no Gelu."""
    root, one, half = (
        writer.constant(f"{node.name}/{what}", np.float32(value))
        for what, value in (("root", np.sqrt(2)), ("one", 1), ("half", 0.5))
    )
    x = writer.real(node.inputs[0])
    erf = writer.add("Erf", [writer.add("Div", [x, root], f"{node.name}/scaled")], f"{node.name}/erf")
    bracket = writer.add("Add", [erf, one], f"{node.name}/bracket")
    product = writer.add("Mul", [x, bracket], f"{node.name}/product")
    writer.result(node, writer.add("Mul", [product, half], node.name))


def rearrange(node: Rearrange, writer: Writer) -> None:
    """Flatten, Gather, Reshape."""
    flat = writer.real(node.inputs[0], True)
    index = writer.constant(f"{node.name}/index", node.index.reshape(-1).astype(np.int64))
    shape = writer.constant(f"{node.name}/shape", np.array([0, *node.index.shape], np.int64))
    chosen = writer.add("Gather", [flat, index], f"{node.name}/chosen", axis=1)
    writer.result(node, writer.add("Reshape", [chosen, shape], node.name))


def constant(node: Constant, writer: Writer) -> None:
    """Its numbers, as often as there are images."""
    real = (node.codes[None].astype(np.int64) - node.output.zero_point).astype(np.float32)
    value = writer.constant(f"{node.name}/value", real * np.float32(node.output.scale))
    count = writer.add("Shape", ["input"], f"{node.name}/images", start=0, end=1)
    sizes = writer.constant(f"{node.name}/sizes", np.array(node.codes.shape, np.int64))
    shape = writer.add("Concat", [count, sizes], f"{node.name}/shape", axis=0)
    writer.result(node, writer.add("Expand", [value, shape], node.name))


OPERATORS: dict[type[Any], Any] = {
    Constant: constant,
    Gelu: gelu,
    LayerNorm: layer_norm,
    MatMul: matmul,
    Rearrange: rearrange,
    Softmax: softmax,
}
