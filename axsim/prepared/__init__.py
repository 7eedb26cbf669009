"""Layers as the kernels want them, each with its multiplier: checked once, before anything runs."""

from collections.abc import Mapping

from ..network import Network
from ..nodes import MatMul, WeightLayer
from ..product_table import Multiplier
from .layer import PreparedLayer, Sums
from .layer_input import LayerInput
from .matmul import MatMulOfBatch, PreparedMatMul

Prepared = PreparedLayer | PreparedMatMul
Multiplying = PreparedLayer | MatMulOfBatch  # ready to multiply: a matmul is once it has a batch's left operand


def prepare(network: Network, multipliers: Mapping[str, Multiplier | None]) -> dict[str, Prepared]:
    """Prepare every layer of the network for its multiplier (None: exact), by name."""
    prepared: dict[str, Prepared] = {}
    for node in network.layers:
        first, *rest = (network.quantization(name) for name in node.inputs)
        if isinstance(node, MatMul):
            shape = network.shapes[node.inputs[0]]
            prepared[node.name] = PreparedMatMul(node, first, rest[0], shape, multipliers[node.name])
        else:
            assert isinstance(node, WeightLayer)
            prepared[node.name] = PreparedLayer(node, first, multipliers[node.name], network.rounding)
    return prepared


__all__ = [
    "LayerInput",
    "MatMulOfBatch",
    "Multiplying",
    "Prepared",
    "PreparedLayer",
    "PreparedMatMul",
    "Sums",
    "prepare",
]
