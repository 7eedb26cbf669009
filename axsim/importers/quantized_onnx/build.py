"""The completed graph -> Network, under the rounding rule of ONNX Runtime."""

import dataclasses
import hashlib
import os
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import ConversionError, NetworkError
from ...networks.network import INPUT, Network, Scheme, printable
from ...networks.nodes import OPERATORS, Node, Quantization, Requantize, Requantizing, WeightLayer
from ...networks.preprocessing import Preprocessing
from ..float_graph import FloatGraph
from ..names import node_names
from ..onnx import read_model
from . import metadata
from .integer_operators import as_qdq
from .passes import clamp_codes, complete
from .reader import QuantizedNode, QuantizedReader

ROUNDING = "onnxruntime"
SAME_UNIT = 1e-3  # relative; a bias scale may be rounded otherwise than input scale times weight scale


# Given the number of channels and what the model states of its preprocessing, if anything, the preprocessing to use.
Recipe = Callable[[int, Preprocessing | None], Preprocessing]


@dataclasses.dataclass(frozen=True)
class QuantizedModel:
    """An imported network, and for its input and its nodes the tensor of the model that holds their codes.

    A node that the model has no tensor for (a change of scale before a Pad) is not among `codes`. `proto` is the model
    as it was read; its output are the network's logits unless a final Softmax was left out (`softmax`).
    """

    network: Network
    codes: dict[str, str]
    proto: Any = None
    softmax: bool = False


def import_quantized(
    path: str | os.PathLike[str],
    recipe: Preprocessing | None = None,
    *,
    name: str | None = None,
    about: dict[str, str] | None = None,
) -> Network:
    """
    Import a quantized ONNX model, QDQ or QOperator form, code by code: nothing is calibrated.

    Parameters
    ----------
    path : path of the .onnx file
    recipe : Preprocessing, optional
        How a pixel becomes the number that the model's input takes. An ONNX file says nothing of it, unless axsim
        exported it: then it may be left out.
    name : str, optional
        Name of the network; that of the file where not given.
    about : dict of str to str, optional
        What to note of its origin.

    Raises
    ------
    ConversionError
        If the file is no model that can be read, is quantized in part, or holds an operator that is not supported;
        names the node.
    """

    def choose(channels: int, known: Preprocessing | None) -> Preprocessing:
        found = recipe or known
        if found is None:
            raise ConversionError(f"{path}: recipe must be given: the model does not say what its input is")
        return found

    return read_quantized(path, choose, name, about).network


def read_quantized(
    path: str | os.PathLike[str],
    recipe: Recipe,
    name: str | None = None,
    about: dict[str, str] | None = None,
) -> QuantizedModel:
    """
    Read a quantized model as `import_quantized` does, and say where it holds the codes of each node.

    `recipe` chooses the preprocessing, given the number of channels and what the model states of it, if anything.

    Raises
    ------
    ConversionError
        If the file is no model that can be read, is quantized in part, or holds an operator that is not supported;
        names the node.
    """
    path = pathlib.Path(path)
    original: list[Any] = []

    def rewrite(model: Any) -> None:
        original.append(type(model).FromString(model.SerializeToString()))
        as_qdq(model)

    model = read_model(path, rewrite)
    known = metadata.read(model)
    graph = QuantizedReader(model).graph_of(name or (known.name if known else printable(path.stem)))
    softmax = any(node.op == "softmax" for node in graph.nodes)
    given, codes_of_input = complete(graph)
    channels = graph.shape[0]
    chosen = recipe(channels, known.preprocessing if known else None)
    if len(chosen.mean) != channels or len(chosen.std) != channels:
        raise ConversionError(f"mean and std must have {channels} numbers, one for each channel of the model's input")
    origin = {"source": printable(path.name), "source_sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    try:
        built = build(graph, given, chosen, {**(known.about if known else origin), **(about or {})})
        network = built.network
        if known is not None:
            network = dataclasses.replace(network, rounding=known.rounding, class_names=known.class_names)
    except NetworkError as error:
        raise ConversionError(f"{path}: {error}") from None
    return QuantizedModel(network, {INPUT: codes_of_input} | built.codes, original[0], softmax)


def build(graph: FloatGraph, given: Quantization, recipe: Preprocessing, about: dict[str, str]) -> QuantizedModel:
    """Make the network of a graph whose nodes all state their quantization."""
    names, formats = {graph.input: INPUT}, {INPUT: given}
    codes: dict[str, str] = {}
    nodes: list[Node] = []

    def append(node: Node) -> None:
        nodes.append(node)
        formats[node.name] = node.output

    for name, source in zip(node_names(graph), graph.nodes, strict=True):
        assert isinstance(source, QuantizedNode) and source.output is not None
        inputs = tuple(names[each] for each in source.inputs)
        kind, output = OPERATORS[source.op], source.output
        if kind.keeps_quantization and formats[inputs[0]] != output:
            # A code is quantized alike before and after it is moved, padded or found largest.
            append(Requantize(f"{name}.requantize", inputs, output, clamp_codes(source.clamp, output)))
            inputs = (f"{name}.requantize",)
        append(kind(name, inputs, output, **_fields(source, kind, formats[inputs[0]])))
        names[source.name] = name
        if not source.hidden:
            codes[name] = source.name
    symmetric = all(q.format == "s8" and q.zero_point == 0 for q in formats.values()) and all(
        node.weight_format == "s8" and not node.weight_zero_point.any()
        for node in nodes
        if isinstance(node, WeightLayer)
    )
    scheme: Scheme = "symmetric" if symmetric else "affine"
    network = Network(graph.name, graph.shape, given, recipe, tuple(nodes), scheme, (), about, ROUNDING)
    return QuantizedModel(network, codes)


def _fields(source: QuantizedNode, kind: type[Node], x: Quantization) -> dict[str, Any]:
    """Return the fields that a node has beyond name, inputs and output."""
    assert source.output is not None
    values = dict(source.attributes)
    if issubclass(kind, Requantizing):
        values["clamp"] = clamp_codes(source.clamp, source.output)
    if issubclass(kind, WeightLayer):
        assert source.quantized is not None
        values["weight"] = source.quantized.codes
        values["weight_scale"] = source.quantized.scale
        values["weight_zero_point"] = source.quantized.zero_point
        values["bias"] = _bias(source, x)
    if source.op == "pad":
        values["code"] = clamp_codes((values.pop("value"),) * 2, source.output)[0]
    return values


def _bias(source: QuantizedNode, x: Quantization) -> Any:
    """Bias int32 in units of input scale times weight scale: the model's own, or its real bias rounded."""
    assert source.quantized is not None and source.bias is not None
    unit = np.float32(x.scale) * source.quantized.scale
    if source.steps is None:
        steps = np.rint(source.bias.astype(np.float32) / unit)
        if (np.abs(steps) > 2**30).any():
            raise ConversionError(f"node {source.label!r}: its bias must fit int32 in units of its sums")
        return steps.astype(np.int32)
    assert source.unit is not None
    if (np.abs(source.unit - unit) > SAME_UNIT * unit).any():
        raise ConversionError(
            f"node {source.label!r}: the scale of its bias must be input scale times weight scale, "
            f"{unit[0]:g}, got {source.unit[0]:g}"
        )
    return source.steps
