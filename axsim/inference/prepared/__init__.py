"""Layers as the kernels want them, each with its multiplier: checked once, before anything runs."""

from collections.abc import Mapping

from ...errors import MultiplierError
from ...multipliers.product_table import Multiplier, digest_of_layers
from ...networks.network import Network
from ...networks.nodes import MatMul, WeightLayer
from ..accumulator import EXACT_SUMS, Accumulator
from .layer import PreparedLayer, Sums
from .layer_input import LayerInput, reads_in_place
from .matmul import MatMulOfBatch, PreparedMatMul

Prepared = PreparedLayer | PreparedMatMul
Multiplying = PreparedLayer | MatMulOfBatch  # ready to multiply: a matmul is once it has a batch's left operand


def prepare(
    network: Network, multipliers: Mapping[str, Multiplier | None], accumulator: Accumulator = EXACT_SUMS
) -> dict[str, Prepared]:
    """
    Prepare every layer of the network for its multiplier (None: exact), by name, and for the accumulator of its sums.

    Raises MultiplierError where the network was compensated for another multiplier, or a layer cannot be served.
    """
    _check_bound(network, multipliers)
    prepared: dict[str, Prepared] = {}
    for node in network.layers:
        first, *rest = (network.quantization(name) for name in node.inputs)
        if isinstance(node, MatMul):
            shape = network.shapes[node.inputs[0]]
            prepared[node.name] = PreparedMatMul(node, first, rest[0], shape, multipliers[node.name], accumulator)
        else:
            assert isinstance(node, WeightLayer)
            prepared[node.name] = PreparedLayer(node, first, multipliers[node.name], network.rounding, accumulator)
    return prepared


def _check_bound(network: Network, multipliers: Mapping[str, Multiplier | None]) -> None:
    if network.bound_to is None:
        return
    name, digest = network.bound_to
    used = {node.name: multipliers[node.name] for node in network.weight_layers}
    known = {layer: each for layer, each in used.items() if each is not None}
    if len(known) == len(used) and digest_of_layers(known) == digest:
        return
    others = sorted(
        {"exact products" if each is None else f"{each.name} ({each.digest[:12]})" for each in used.values()}
    )
    raise MultiplierError(
        f"{network.name} was compensated for {name} (table {digest[:12]}) and is wrong with any other "
        f"multiplier, got {', '.join(others)}; run it with {name}, or run the network that it was made from"
    )


__all__ = [
    "LayerInput",
    "MatMulOfBatch",
    "Multiplying",
    "Prepared",
    "PreparedLayer",
    "PreparedMatMul",
    "Sums",
    "prepare",
    "reads_in_place",
]
