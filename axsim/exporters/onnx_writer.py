"""An ONNX model in QDQ form under construction: names, constants, codes and the real numbers that they stand for."""

from typing import Any

import numpy as np
import numpy.typing as npt

from ..formats import DTYPES, code_range
from ..importers.onnx import require_onnx
from ..importers.quantized_onnx.metadata import written
from ..networks.network import INPUT, Network
from ..networks.nodes import Node, Quantization, Requantizing, WeightLayer

OPSET, IR_VERSION = 17, 8  # runtimes since 2022 read them
OUTPUT = "logits"  # name of the model's output


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
