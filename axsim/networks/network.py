"""Network: quantized nodes in order of execution, and the rules that hold between them."""

import dataclasses
import functools
import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from ..errors import NetworkError
from ..formats import Format
from .nodes import Layer, Node, Quantization, Shape, WeightLayer
from .preprocessing import Preprocessing
from .rounding import ROUNDINGS

Scheme = Literal["symmetric", "affine"]
SCHEMES: tuple[Scheme, ...] = ("symmetric", "affine")
LARGEST_OUTPUT = 2**31  # codes
INPUT = "input"  # the name by which nodes refer to the network's input


@dataclasses.dataclass(frozen=True, eq=False)
class Network:
    """A quantized network, checked whole when it is made.

    Attributes
    ----------
    name : str
    input_shape : (C, H, W)
    input : Quantization
    preprocessing : Preprocessing
    nodes : tuple of Node
        In order of execution; the last one's output are the logits.
    scheme : {"symmetric", "affine"}
        symmetric: s8 weights and activations, all zero points 0. affine: weights and activations in s8 or u8, each
        with a zero point.
    class_names : tuple of str
        One for each logit, or none.
    about : dict
        Origin: source, source_sha256, licence, calibration, accuracy and the like, text by name.
    rounding : str
        The rule by which results become codes, one of `axsim.networks.rounding.ROUNDINGS`.

    Raises
    ------
    NetworkError
        Naming the node and the rule that it breaks.
    """

    name: str
    input_shape: Shape
    input: Quantization
    preprocessing: Preprocessing
    nodes: tuple[Node, ...]
    scheme: Scheme
    class_names: tuple[str, ...] = ()
    about: Mapping[str, str] = dataclasses.field(default_factory=dict)
    rounding: str = "float"
    shapes: dict[str, Shape] = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shapes", _checked_shapes(self))

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The nodes whose products go through the multiplier."""
        return tuple(node for node in self.nodes if isinstance(node, Layer))

    @property
    def classes(self) -> int:
        """Number of classes: of the logits."""
        return self.shapes[self.nodes[-1].name][0]

    @property
    def weight_layers(self) -> tuple[WeightLayer, ...]:
        """The layers with weights: all but products of two activations."""
        return tuple(node for node in self.nodes if isinstance(node, WeightLayer))

    @property
    def weights(self) -> int:
        """Number of weights of all layers."""
        return sum(layer.weight.size for layer in self.weight_layers)

    @property
    def bound_to(self) -> tuple[str, str] | None:
        """Name and digest of the only multiplier that the network is right with, if it was compensated for one."""
        digest = self.about.get("compensated_for_sha256")
        return None if digest is None else (self.about.get("compensated_for", "?"), digest)

    def __repr__(self) -> str:
        """Return one line; `axsim inspect` shows the nodes, `nodes` has them."""
        shape = " x ".join(map(str, self.input_shape))
        bound = f", compensated for {self.bound_to[0]}" if self.bound_to else ""
        return (
            f"<Network {self.name!r}: {self.scheme} int8, input {shape}, {len(self.nodes)} nodes, "
            f"{len(self.weight_layers)} layers with {self.weights} weights{bound}>"
        )

    def quantization(self, name: str) -> Quantization:
        """Return what the codes of a node's output (or of "input") mean."""
        return self.input if name == INPUT else next(node.output for node in self.nodes if node.name == name)

    def operands(self, layer: Layer) -> tuple[Format, Format]:
        """Return the formats of a layer's operands: weights and activations, or a matmul's left and right input."""
        if isinstance(layer, WeightLayer):
            return layer.weight_format, self.quantization(layer.inputs[0]).format
        left, right = (self.quantization(name).format for name in layer.inputs)
        return left, right

    @functools.cached_property
    def digest(self) -> str:
        """sha256 (hex) of all that decides the logits: equal digests, equal results, whatever the name and origin."""
        given = self.preprocessing  # how pictures are cut to size comes before the pixels
        recipe = [float(number) for number in (given.pixel_scale, *given.mean, *given.std)]
        parts: list[Any] = [self.scheme, self.rounding, self.input_shape, dataclasses.astuple(self.input), recipe]
        arrays = hashlib.sha256()
        for node in self.nodes:
            parts.append(node.op)
            for field in dataclasses.fields(node):
                value = getattr(node, field.name)
                if isinstance(value, np.ndarray):
                    parts.append((field.name, value.dtype.name, value.shape))
                    arrays.update(np.ascontiguousarray(value).tobytes())
                else:
                    parts.append((field.name, dataclasses.astuple(value) if field.name == "output" else value))
        # Numbers may be Python's or NumPy's, as the network was made or read.
        text = json.dumps(parts, default=lambda number: number.item())
        return hashlib.sha256(text.encode() + arrays.digest()).hexdigest()

    def _repr_html_(self) -> str:
        from ..presentation.display import network_html  # which knows this class, not the other way round

        return network_html(self)

    def save(self, path: str) -> None:
        """Write the network as HDF5 (temporary name, then rename); see `axsim.networks.network_file.save`."""
        from .network_file import save  # the file knows the network, not the other way round

        save(self, path)


def _checked_shapes(network: Network) -> dict[str, Shape]:
    """Shape of every node's output, all rules checked on the way."""
    if network.scheme not in SCHEMES:
        raise NetworkError(f"scheme must be one of {', '.join(SCHEMES)}, got {network.scheme!r}")
    if network.rounding not in ROUNDINGS:
        raise NetworkError(f"rounding must be one of {', '.join(ROUNDINGS)}, got {network.rounding!r}")
    texts = (network.name, *network.class_names, *network.about, *network.about.values())
    if not all(isinstance(text, str) and text.isprintable() for text in texts):
        raise NetworkError("name, class_names and about must be printable text without line breaks")
    if len(network.input_shape) != 3 or min(network.input_shape) < 1:
        raise NetworkError(f"input_shape must be three sizes (C, H, W) of 1 or more, got {network.input_shape}")
    recipe = network.preprocessing
    if not len(recipe.mean) == len(recipe.std) == network.input_shape[0]:
        raise NetworkError(f"preprocessing must have mean and std for each of the {network.input_shape[0]} channels")
    if not network.layers:
        raise NetworkError("nodes must contain at least one conv or linear or matmul: there is nothing to multiply")

    shapes = {INPUT: network.input_shape}
    formats = {INPUT: network.input}
    _named("the input", network.input.check)
    _check_scheme(network.scheme, "the input", network.input)
    for node in network.nodes:
        place = f"node {node.name!r} ({node.op})"
        if not node.name.isprintable():
            raise NetworkError(f"{place}: name must be printable text")
        if node.name in shapes:
            raise NetworkError(f"{place}: name must be used once")
        wanted = max(1, len(node.inputs)) if node.input_count is None else node.input_count
        if len(node.inputs) != wanted:
            some = "some" if node.input_count is None else wanted
            raise NetworkError(f"{place}: must have {some} inputs, got {len(node.inputs)}")
        unknown = [name for name in node.inputs if name not in shapes]
        if unknown:
            raise NetworkError(f"{place}: inputs must name earlier nodes, got {', '.join(map(repr, unknown))}")
        _named(place, node.output.check)
        _check_scheme(network.scheme, place, node.output)
        inputs = tuple(formats[name] for name in node.inputs)
        if node.keeps_quantization and node.output != inputs[0]:
            raise NetworkError(f"{place}: output must be quantized as its input is, {inputs[0]}, got {node.output}")
        input_shapes = tuple(shapes[name] for name in node.inputs)
        _named(place, node.check, input_shapes, inputs)
        _named(place, node.check_rounding, network.rounding, inputs)
        if isinstance(node, WeightLayer):
            _check_weights(network.scheme, place, node)
        shapes[node.name] = _named(place, node.output_shape, input_shapes)
        formats[node.name] = node.output
        if math.prod(shapes[node.name]) > LARGEST_OUTPUT:
            raise NetworkError(
                f"{place}: output of one image must be at most {LARGEST_OUTPUT} codes, got {shapes[node.name]}"
            )
    logits = shapes[network.nodes[-1].name]
    if logits[1:] != (1, 1):
        raise NetworkError(f"the last node must give one number a class, (classes, 1, 1), got {logits}")
    if network.class_names and len(network.class_names) != logits[0]:
        raise NetworkError(f"class_names must have {logits[0]} entries or none, got {len(network.class_names)}")
    return shapes


def printable(text: str) -> str:
    """Replace what cannot be printed, or stored as text, by underscores."""
    return "".join(character if character.isprintable() else "_" for character in text)


def _named(place, rule, *arguments):  # type: ignore[no-untyped-def]
    """Call a rule; its error says which node it is about."""
    try:
        return rule(*arguments)
    except NetworkError as error:
        raise NetworkError(f"{place}: {error}") from None


def _check_weights(scheme: Scheme, place: str, layer: WeightLayer) -> None:
    if scheme == "symmetric" and (layer.weight_format != "s8" or layer.weight_zero_point.any()):
        raise NetworkError(f"{place}: weights of a symmetric network must be s8 with zero point 0")


def _check_scheme(scheme: Scheme, place: str, output: Quantization) -> None:
    if scheme == "symmetric" and (output.format != "s8" or output.zero_point != 0):
        raise NetworkError(f"{place}: output of a symmetric network must be s8 with zero point 0, got {output}")


def check_network(network: object) -> None:
    """Raise NetworkError unless it is a Network: a file's name is easily given in its place."""
    if not isinstance(network, Network):
        came = repr(network) if isinstance(network, str) else type(network).__name__
        raise NetworkError(f"network must be a Network, such as axsim.load('resnet20-cifar10') gives, got {came}")
