"""The network under construction: what each tensor of the file has become, and the nodes made so far."""

from typing import Any, NoReturn

import numpy.typing as npt

from ...errors import ConversionError, NetworkError
from ...formats import Format
from ...networks.network import INPUT
from ...networks.nodes import Node, Quantization, Shape
from .model import Model, Operator, Tensor
from .operators import CONVERTERS
from .value import Value

FORMATS: dict[str, Format] = {"UINT8": "u8", "INT8": "s8"}
LARGEST_SIZE = 2**16  # of the input, along each axis
PROBABILITIES = ("SOFTMAX", "DEQUANTIZE")  # left out at the end
FORMATTING = ("QUANTIZE", "RESHAPE", "SQUEEZE")  # and these behind them


class Importer:
    """Converts a model's operators one after another; converters call its methods."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.nodes: list[Node] = []
        self.values: dict[int, Value] = {}
        self.tensors: dict[str, int] = {}  # tensor of each node, and how its elements lie there
        self.images: dict[str, Shape] = {}
        self.quantizations: dict[str, Quantization] = {}  # of each node's output and the input
        self.input_shape: Shape = (0, 0, 0)

    def run(self) -> list[str]:
        """Convert everything; return the operators left out at the end."""
        inputs = [i for i in self.model.inputs if i >= 0 and self.model.tensors[i].data is None]
        if len(inputs) != 1 or len(self.model.outputs) != 1 or self.model.outputs[0] < 0:
            raise ConversionError(
                f"model must have one input and one output, got {len(inputs)} and {len(self.model.outputs)}"
            )
        given = self.model.tensors[inputs[0]]
        self.quantizations[INPUT] = self.quantization(given)
        if len(given.shape) not in (2, 4):
            raise ConversionError(f"input {given.name!r} must have shape [1, H, W, C] or [1, C], got {given.shape}")
        self.input_shape = self.image_shape(given)
        if max(self.input_shape) > LARGEST_SIZE:
            raise ConversionError(f"input {given.name!r} must have at most {LARGEST_SIZE} along an axis")
        self.values[given.index] = Value(INPUT, self.input_shape)
        logits, dropped = self.without_probabilities(self.model.outputs[0])
        for operator in self.operators_behind(logits):
            convert = CONVERTERS.get(operator.kind)
            if convert is None:
                raise ConversionError(
                    f"operator {operator.kind} is not supported; supported are {', '.join(sorted(CONVERTERS))}"
                )
            if len(operator.outputs) != 1:
                self.refuse(operator, f"must have one output, got {len(operator.outputs)}")
            convert(self, operator)
        value = self.values.get(logits)
        if value is None or value.node == INPUT:
            raise ConversionError("the output must be computed from the input")
        if value.unflattened is not None:
            raise ConversionError("the output must have one number a class, [1, classes]")
        return dropped

    def without_probabilities(self, output: int) -> tuple[int, list[str]]:
        """Tensor of the logits, and the operators left out behind it, in order."""
        producers = {tensor: operator for operator in self.model.operators for tensor in operator.outputs}
        chain, tensor, logits, dropped = [], output, output, 0
        while tensor in producers and producers[tensor].kind in (*PROBABILITIES, *FORMATTING):
            operator = producers[tensor]
            chain.append(operator.kind)
            if not operator.inputs or operator.inputs[0] < 0 or len(chain) > len(self.model.operators):
                raise ConversionError(f"damaged: {operator.kind} has no input")
            tensor = operator.inputs[0]
            if operator.kind in PROBABILITIES:
                logits, dropped = tensor, len(chain)
        return logits, chain[:dropped][::-1]

    def operators_behind(self, tensor: int) -> list[Operator]:
        """Return the operators whose results reach a tensor, in order."""
        needed, found = {tensor}, []
        for operator in reversed(self.model.operators):
            if needed.intersection(operator.outputs):
                needed.update(i for i in operator.inputs if i >= 0)
                found.append(operator)
        return found[::-1]

    def refuse(self, operator: Operator, reason: str) -> NoReturn:
        """Raise the error about an operator."""
        output = self.model.tensors[operator.outputs[0]].name if operator.outputs and operator.outputs[0] >= 0 else ""
        raise ConversionError(f"{operator.kind} {output!r}: {reason}")

    def tensor(self, operator: Operator, index: int) -> Tensor:
        """Tensor of an input that must be there."""
        if index >= len(operator.inputs) or operator.inputs[index] < 0:
            self.refuse(operator, f"must have input {index}")
        return self.model.tensors[operator.inputs[index]]

    def input(self, operator: Operator, index: int = 0) -> Value:
        """Return what an input that is no constant became."""
        tensor = self.tensor(operator, index)
        if tensor.index not in self.values:
            self.refuse(operator, f"input {tensor.name!r} must be computed before it, and not be constant")
        return self.values[tensor.index]

    def plain_input(self, operator: Operator, index: int = 0) -> Value:
        """Input whose elements lie in TFLite's order or as images."""
        value = self.input(operator, index)
        if value.unflattened is not None:
            self.refuse(operator, "flattened images must go to a fully connected layer")
        return value

    def constant(self, operator: Operator, index: int, dtypes: tuple[str, ...]) -> npt.NDArray[Any]:
        """Constant value of an input."""
        tensor = self.tensor(operator, index)
        if tensor.data is None or tensor.dtype not in dtypes:
            words = " or ".join(dtypes)
            self.refuse(operator, f"input {tensor.name!r} must be constant {words}, got {tensor.dtype}")
        return tensor.data

    def output(self, operator: Operator) -> Tensor:
        """Tensor of the result."""
        index = operator.outputs[0]
        if index < 0 or index in self.values:
            self.refuse(operator, "must have an output of its own")
        return self.model.tensors[index]

    def quantization(self, tensor: Tensor) -> Quantization:
        """Return what the codes of an activation tensor mean."""
        if tensor.dtype not in FORMATS:
            raise ConversionError(
                f"tensor {tensor.name!r} must be UINT8 or INT8 of a fully integer model, got {tensor.dtype}; "
                "convert the model with integer inputs, outputs and operators"
            )
        if tensor.scale.shape != (1,) or tensor.zero_point.shape != (1,):
            raise ConversionError(f"tensor {tensor.name!r} must have one scale and one zero point")
        found = Quantization(float(tensor.scale[0]), int(tensor.zero_point[0]), FORMATS[tensor.dtype])
        try:
            found.check()
        except NetworkError as error:
            raise ConversionError(f"tensor {tensor.name!r}: {error}") from None
        return found

    def image_shape(self, tensor: Tensor) -> Shape:
        """Shape (C, H, W) of an activation tensor [1, H, W, C] or [1, C]."""
        batch, *rest = tensor.shape
        if batch != 1 or min(tensor.shape) < 1:
            raise ConversionError(f"tensor {tensor.name!r} must be of one image, [1, ...], got {tensor.shape}")
        height, width, channels = rest if len(rest) == 3 else (1, 1, rest[-1])
        return channels, height, width

    def name(self, operator: Operator) -> str:
        """Return a node name that is not used yet, from the tensor's: the first of those that a converter joined."""
        name = self.model.tensors[operator.outputs[0]].name.split(";")[0].strip() or operator.kind.lower()
        used = {INPUT, *self.quantizations}
        number = 1
        unique = name
        while unique in used:
            number += 1
            unique = f"{name}_{number}"
        return unique

    def append(self, operator: Operator, node: Node, shapes: tuple[Shape, ...], last: bool = True) -> Value:
        """Add a node; `last` where it computes the operator's output."""
        try:
            shape = node.output_shape(shapes)
        except NetworkError as error:
            self.refuse(operator, str(error))
        self.nodes.append(node)
        self.quantizations[node.name] = node.output
        value = Value(node.name, shape)
        if last:
            self.finish(operator, value)
        return value

    def finish(self, operator: Operator, value: Value) -> None:
        """Say what an operator's output became, after a comparison with the shape that the file states."""
        output = self.output(operator)
        stated = output.shape
        if len(stated) not in (2, 4) or self.image_shape(output) != value.shape:
            self.refuse(operator, f"output must have shape {value.shape} (C, H, W), but the file says {stated}")
        self.values[output.index] = value
        self.tensors.setdefault(value.node, output.index)
        self.images.setdefault(value.node, value.unflattened or value.shape)
