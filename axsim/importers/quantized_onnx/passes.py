"""Passes over a graph in QDQ form, small and one thing each; `complete` runs them in order.

At the end every node but the input's states the quantization of its output.
"""

import numpy as np

from ...errors import ConversionError
from ...inference.operators import to_codes
from ...networks.nodes import OPERATORS, Quantization, Requantizing
from ..float_graph import (
    CLAMPING,
    UNBOUNDED,
    FloatGraph,
    bypass,
    drop_final_softmax,
    fold_bias,
    fold_clip,
    merge,
    remove_identities,
    remove_unused,
    sole_producer,
)
from .reader import QuantizedNode

# Operators whose integers are known to be those of the runtime that the model is for.
SUPPORTED = (
    "conv",
    "linear",
    "add",
    "concat",
    "requantize",
    "average_pool",
    "global_average_pool",
    "max_pool",
    "pad",
    "slice",
    "flatten",
)
KEEPING = ("max_pool", "flatten", "slice", "pad")  # operators after which a number is one of those before


def complete(graph: FloatGraph) -> tuple[Quantization, str]:
    """Run all passes, in place; returns the quantization of the input and the tensor of its codes."""
    remove_identities(graph)
    fold_bias(graph)
    refuse_constants(graph)
    unwrap_single_concats(graph)
    given, codes = take_input_quantization(graph)
    fold_clips_before_codes(graph)
    take_output_quantization(graph)
    quantize_before_flatten(graph)
    drop_final_softmax(graph)
    inherit_quantization(graph, given)
    fold_clamps_of_codes(graph, given)
    remove_unused(graph)
    refuse_real_numbers(graph)
    return given, codes


def refuse_constants(graph: FloatGraph) -> None:
    """Refuse the addition of a constant that no layer could take in: it has no codes."""
    for node in graph.nodes:
        if not isinstance(node, QuantizedNode):
            raise ConversionError(
                f"node {node.label!r}: Add of a constant is supported behind a Conv, Gemm or MatMul "
                "that feeds nothing else"
            )


def unwrap_single_concats(graph: FloatGraph) -> None:
    """Remove a concat of one input; the QuantizeLinear behind it, which changes the scale, takes its label."""
    for node in [node for node in graph.nodes if node.op == "concat" and len(node.inputs) == 1]:
        for user in graph.nodes:
            if user.op == "quantize" and node.name in user.inputs:
                user.label = node.label
        bypass(graph, node)


def take_input_quantization(graph: FloatGraph) -> tuple[Quantization, str]:
    """Remove the QuantizeLinear of the graph's input, whose codes become the input."""
    users = [node for node in graph.nodes if graph.input in node.inputs]
    first = users[0] if users else None
    if not isinstance(first, QuantizedNode) or first.op != "quantize" or first.output is None:
        what = f"{first.label!r} ({first.op})" if first else "nothing"
        raise ConversionError(
            f"input {graph.input!r} must go into a QuantizeLinear, got {what}; the model is quantized in part, "
            "quantize all its operators"
        )
    for other in users:
        if not isinstance(other, QuantizedNode) or other.op != "quantize" or other.output != first.output:
            raise ConversionError(
                f"input {graph.input!r} must be quantized in one way, got {other.label!r} ({other.op}) "
                f"beside {first.label!r}"
            )
        bypass(graph, other)
    return first.output, first.name


def fold_clips_before_codes(graph: FloatGraph) -> None:
    """Fold a relu or clip between an operator and its QuantizeLinear into the operator, as a clamp."""
    for node in [node for node in graph.nodes if node.op == "clip"]:
        producer = sole_producer(graph, node)
        if producer is not None and producer.op in CLAMPING:
            fold_clip(graph, producer, node)


def take_output_quantization(graph: FloatGraph) -> None:
    """Give each QuantizeLinear to the operator that alone feeds it; one behind codes computes new ones."""
    for node in [node for node in graph.nodes if node.op == "quantize"]:
        assert isinstance(node, QuantizedNode)
        producer = sole_producer(graph, node)
        before = next((other for other in graph.nodes if other.name == node.inputs[0]), None)
        if isinstance(producer, QuantizedNode) and producer.output is None:
            producer.output = node.output
            merge(graph, producer, node)
        elif isinstance(before, QuantizedNode) and before.output == node.output:
            bypass(graph, node)
        else:
            node.op = "requantize"


def quantize_before_flatten(graph: FloatGraph) -> None:
    """Give the quantization behind a flatten to the operator before it that has none: the numbers are the same."""
    for node in graph.nodes:
        producer = sole_producer(graph, node)
        if node.op == "flatten" and isinstance(producer, QuantizedNode) and producer.output is None:
            assert isinstance(node, QuantizedNode)
            producer.output, producer.hidden = node.output, True


def inherit_quantization(graph: FloatGraph, given: Quantization) -> None:
    """Let an operator that only selects numbers, and has no QuantizeLinear behind it, keep its input's quantization."""
    formats = {graph.input: given}
    for node in graph.nodes:
        assert isinstance(node, QuantizedNode)
        before = formats.get(node.inputs[0])
        selects = node.op in KEEPING or (node.op == "clip" and before is not None and _are_codes(node.clamp, before))
        if node.output is None and selects:
            node.output = before
        if node.output is not None:
            formats[node.name] = node.output


def fold_clamps_of_codes(graph: FloatGraph, given: Quantization) -> None:
    """Make each remaining relu or clip a requantize; fold one that keeps scale and zero point into what feeds it."""
    formats = {graph.input: given}
    for node in list(graph.nodes):
        assert isinstance(node, QuantizedNode)
        if node.op == "clip":
            node.op = "requantize"
        if node.op == "requantize" and node.output == formats.get(node.inputs[0]):
            producer = sole_producer(graph, node)
            if isinstance(producer, QuantizedNode) and issubclass(OPERATORS[producer.op], Requantizing):
                fold_clip(graph, producer, node)
                node = producer
        if node.output is not None:
            formats[node.name] = node.output


def refuse_real_numbers(graph: FloatGraph) -> None:
    """Refuse what is left without codes: the model is quantized in part."""
    for node in graph.nodes:
        assert isinstance(node, QuantizedNode)
        if node.output is None:
            raise ConversionError(
                f"node {node.label!r} ({node.op}): its output must go into a QuantizeLinear; the model is "
                "quantized in part, quantize all its operators"
            )
        if node.op not in SUPPORTED:
            raise ConversionError(f"node {node.label!r} ({node.op}) is not supported in a quantized model")


def clamp_codes(clamp: tuple[float, float], output: Quantization) -> tuple[int, int]:
    """Codes of real bounds by QuantizeLinear; it is monotonic, so that clamping codes is quantizing clamped numbers."""
    bounds = np.clip(np.array(clamp), -1e30, 1e30).astype(np.float32)
    patterns = to_codes(bounds, output, None)
    low, high = patterns.view({"u8": np.uint8, "s8": np.int8}[output.format]).tolist()
    return low, high


def _are_codes(clamp: tuple[float, float], quantization: Quantization) -> bool:
    """Whether real bounds are numbers that codes stand for, or none at all."""
    codes = clamp_codes(clamp, quantization)
    reals = [np.float32(code - quantization.zero_point) * np.float32(quantization.scale) for code in codes]
    return all(bound in UNBOUNDED or real == np.float32(bound) for bound, real in zip(clamp, reals, strict=True))
