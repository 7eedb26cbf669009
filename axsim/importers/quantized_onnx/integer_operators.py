"""The QOperator form as QDQ: each integer operator becomes DequantizeLinear, its float operator, QuantizeLinear.

ONNX Runtime's own operators (domain com.microsoft) are among them. The codes of every tensor keep their name.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import ConversionError
from ..onnx import require_onnx

PASSING = (
    "MaxPool",
    "Reshape",
    "Flatten",
    "Squeeze",
    "Pad",
    "Slice",
    "Identity",
    "Dropout",
)  # codes through as they are
DOMAINS = ("", "ai.onnx", "com.microsoft")


def is_quantized(model: Any) -> bool:
    """Whether a model holds integers: QuantizeLinear, DequantizeLinear or an integer operator."""
    marks = (
        "QuantizeLinear",
        "DequantizeLinear",
        "QLinear",
        "QGemm",
        "MatMulInteger",
        "ConvInteger",
        "DynamicQuantize",
    )
    return any(node.op_type.startswith(marks) for node in model.graph.node)


def as_qdq(model: Any) -> None:
    """
    Rewrite a model's integer operators, in place.

    Raises
    ------
    ConversionError
        Naming an integer operator that is not supported, or what of it is not.
    """
    rewriting = _Rewriting(model)
    for node in rewriting.given:
        if node.op_type in INTEGER_OPERATORS and node.domain in DOMAINS:
            INTEGER_OPERATORS[node.op_type](rewriting, node)
        elif node.op_type == "QuantizeLinear":
            rewriting.keep(node)
            rewriting.parameters[node.output[0]] = list(node.input[1:])
        elif node.op_type in PASSING and node.input[0] in rewriting.parameters:
            _passing(rewriting, node)
        elif node.op_type.startswith(
            ("QLinear", "QGemm", "MatMulInteger", "ConvInteger", "DynamicQuantize", "QAttention")
        ):
            raise rewriting.refuse(node, f"is not supported; supported are {', '.join(sorted(INTEGER_OPERATORS))}")
        else:
            rewriting.keep(node)
    rewriting.finish()


class _Rewriting:
    """The model's nodes before and after."""

    def __init__(self, model: Any) -> None:
        self._model, self._onnx = model, require_onnx()
        self.given = list(model.graph.node)
        self._made: list[Any] = []
        self._stored = {tensor.name: tensor for tensor in model.graph.initializer}
        self.parameters: dict[str, list[str]] = {}  # scale and zero point of each tensor of codes

    def keep(self, node: Any) -> None:
        """Take a node over as it is."""
        self._made.append(node)

    def finish(self) -> None:
        """Put the made nodes in the place of the given ones; types that were noted for old tensors are dropped."""
        graph = self._model.graph
        del graph.node[:]
        graph.node.extend(self._made)
        made = {name for node in self._made for name in node.output}
        kept = [value for value in graph.value_info if value.name in made]
        del graph.value_info[:]
        graph.value_info.extend(kept)

    def real(self, codes: str, parameters: list[str], axis: int | None = None) -> str:
        """Name of the real tensor of codes, by a DequantizeLinear."""
        name = f"{codes}/real_{len(self._made)}"
        attributes = {} if axis is None else {"axis": axis}
        self._made.append(self._onnx.helper.make_node("DequantizeLinear", [codes, *parameters], [name], **attributes))
        return name

    def operator(
        self, node: Any, op: str, reals: list[str], parameters: list[str], dropped: tuple[str, ...] = ()
    ) -> None:
        """Append a float operator with the node's attributes, and a QuantizeLinear to the node's codes."""
        codes = node.output[0]
        made = self._onnx.helper.make_node(op, reals, [f"{codes}/result"], node.name or codes)
        made.attribute.extend(attribute for attribute in node.attribute if attribute.name not in dropped)
        self._made.append(made)
        self._made.append(self._onnx.helper.make_node("QuantizeLinear", [f"{codes}/result", *parameters], [codes]))
        self.parameters[codes] = parameters

    def bias(self, node: Any, index: int, x_scale: str, w_scale: str) -> list[str]:
        """Real tensor of an int32 bias, whose scale is that of the sums; nothing where there is none."""
        if len(node.input) <= index or not node.input[index]:
            return []
        helper = self._onnx.numpy_helper
        stored = [self._stored.get(name) for name in (x_scale, w_scale)]
        if any(tensor is None for tensor in stored):
            raise self.refuse(node, "its scales must be constant")
        x, w = (helper.to_array(tensor) for tensor in stored)
        name = f"{node.output[0]}/bias_scale"
        self._model.graph.initializer.append(helper.from_array((x.reshape(-1)[0] * w).astype(np.float32), name))
        return [self.real(node.input[index], [name], axis=0)]

    def refuse(self, node: Any, reason: str) -> ConversionError:
        """Return the error about a node."""
        return ConversionError(f"node {node.name or node.output[0]!r}: operator {node.op_type} {reason}")

    def attribute(self, node: Any, name: str, default: int) -> int:
        """Return an integer attribute."""
        return next((attribute.i for attribute in node.attribute if attribute.name == name), default)


def _conv(rewriting: _Rewriting, node: Any) -> None:
    x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero = node.input[:8]
    reals = [rewriting.real(x, [x_scale, x_zero]), rewriting.real(w, [w_scale, w_zero], axis=0)]
    reals += rewriting.bias(node, 8, x_scale, w_scale)
    rewriting.operator(node, "Conv", reals, [y_scale, y_zero])


def _matmul(rewriting: _Rewriting, node: Any) -> None:
    a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero = node.input
    reals = [rewriting.real(a, [a_scale, a_zero]), rewriting.real(b, [b_scale, b_zero], axis=1)]
    rewriting.operator(node, "MatMul", reals, [y_scale, y_zero])


def _gemm(rewriting: _Rewriting, node: Any) -> None:
    a, a_scale, a_zero, b, b_scale, b_zero = node.input[:6]
    if len(node.input) < 9 or not node.input[7]:
        raise rewriting.refuse(
            node, "must have a scale of its output: its sums are real numbers; quantize the output too"
        )
    axis = 0 if rewriting.attribute(node, "transB", 0) else 1
    reals = [rewriting.real(a, [a_scale, a_zero]), rewriting.real(b, [b_scale, b_zero], axis=axis)]
    reals += rewriting.bias(node, 6, a_scale, b_scale)
    rewriting.operator(node, "Gemm", reals, list(node.input[7:9]))


def _add(rewriting: _Rewriting, node: Any) -> None:
    a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero = node.input
    reals = [rewriting.real(a, [a_scale, a_zero]), rewriting.real(b, [b_scale, b_zero])]
    rewriting.operator(node, "Add", reals, [y_scale, y_zero])


def _concat(rewriting: _Rewriting, node: Any) -> None:
    triples = [list(node.input[start : start + 3]) for start in range(2, len(node.input), 3)]
    reals = [rewriting.real(x, [scale, zero]) for x, scale, zero in triples]
    rewriting.operator(node, "Concat", reals, list(node.input[:2]))


def _one_input(op: str) -> "Callable[[_Rewriting, Any], None]":
    def rewrite(rewriting: _Rewriting, node: Any) -> None:
        if rewriting.attribute(node, "channels_last", 0):
            raise rewriting.refuse(node, "must have channels_last = 0")
        x, x_scale, x_zero, y_scale, y_zero = node.input
        reals = [rewriting.real(x, [x_scale, x_zero])]
        rewriting.operator(node, op, reals, [y_scale, y_zero], ("channels_last", "opset"))

    return rewrite


def _passing(rewriting: _Rewriting, node: Any) -> None:
    """Write an operator that takes codes as they are; the codes that a Pad fills in become a real number."""
    parameters = rewriting.parameters[node.input[0]]
    reals = [rewriting.real(node.input[0], parameters), *node.input[1:]]
    if node.op_type == "Pad" and len(reals) > 2 and reals[2]:
        reals[2] = rewriting.real(reals[2], parameters)
    rewriting.operator(node, node.op_type, reals, parameters)


INTEGER_OPERATORS: "dict[str, Callable[[_Rewriting, Any], None]]" = {
    "QGemm": _gemm,
    "QLinearAdd": _add,
    "QLinearAveragePool": _one_input("AveragePool"),
    "QLinearConcat": _concat,
    "QLinearConv": _conv,
    "QLinearGlobalAveragePool": _one_input("GlobalAveragePool"),
    "QLinearMatMul": _matmul,
    "QLinearSoftmax": _one_input("Softmax"),
}
