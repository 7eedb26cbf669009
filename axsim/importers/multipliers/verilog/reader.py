"""A Verilog module with two operands and a product."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ....errors import MultiplierError
from ..source import Options, Reading, Source, signed_products
from .netlist import evaluate, operand_planes
from .text import checked, comments
from .yosys import netlist


@dataclasses.dataclass(frozen=True)
class Circuit:
    """
    A module with two operands of 8 bits and a product.

    Attributes
    ----------
    module : dict
        Yosys's JSON of it: ports, cells of one bit, names of nets.
    operands : pair of str
        Its input ports, in their order.
    product : str
        Its output port.
    """

    module: dict[str, Any]
    operands: tuple[str, str]
    product: str

    @property
    def product_bits(self) -> int:
        """Bits of the product's port, 32 at most."""
        return len(self.module["ports"][self.product]["bits"])

    def products(self, name: str) -> npt.NDArray[np.int64]:
        """
        Products as unsigned numbers, int64 [256, 256], by the patterns of the operands in the module's order.

        Raises MultiplierError, with the file's `name`, if it is no combinational logic or a bit is unknown.
        """
        patterns = np.arange(65_536)
        first, second = self.operands
        planes = {first: operand_planes(patterns >> 8), second: operand_planes(patterns & 255)}
        return evaluate(self.module, planes, self.product, name).reshape(256, 256)


def read_circuit(
    text: str,
    name: str,
    *,
    top: str | None = None,
    systemverilog: bool = False,
    yosys: str | None = None,
    phase: Callable[[str], Any] | None = None,
) -> Circuit:
    """
    Return the netlist of a Verilog file; `name` is the file's, for messages.

    Raises
    ------
    MultiplierError
        If Yosys is missing or refuses the text, or the top module has not two 8-bit operands and a product.
    """
    plain = checked(text, name)
    module = netlist(plain, name, top=top, systemverilog=systemverilog, yosys=yosys, phase=phase)
    ports = module["ports"]
    inputs = [port for port, given in ports.items() if given["direction"] == "input"]
    outputs = [port for port, given in ports.items() if given["direction"] == "output"]
    widths = {port: len(given["bits"]) for port, given in ports.items()}
    said = ", ".join(f"{given['direction']} {port} of {widths[port]} bits" for port, given in ports.items()) or "none"
    if len(ports) != 3 or len(inputs) != 2 or len(outputs) != 1:
        raise MultiplierError(
            f"{name}: module {module['name']} must have two inputs and one output, got {said}; see --top"
        )
    if any(widths[port] != 8 for port in inputs) or widths[outputs[0]] > 32:
        raise MultiplierError(
            f"{name}: the operands of module {module['name']} must have 8 bits each and the product at most 32, got "
            f"{said}"
        )
    return Circuit(module, (inputs[0], inputs[1]), outputs[0])


def read(
    text: str,
    name: str,
    options: Options,
    *,
    systemverilog: bool = False,
    yosys: str | None = None,
    phase: Callable[[str], Any] | None = None,
) -> Source:
    """
    Evaluate the top module of Verilog source `text` on all pairs; `name` is the file's, for messages.

    A port that is declared signed says how its operand is read. One that is not says nothing: many signed circuits are
    netlists of plain bits.

    Raises
    ------
    MultiplierError
        If Yosys is missing or refuses the text, or the module is no combinational logic of two 8-bit operands.
    """
    circuit = read_circuit(text, name, top=options.top, systemverilog=systemverilog, yosys=yosys, phase=phase)
    ports, (first, second) = circuit.module["ports"], circuit.operands
    products = circuit.products(name)

    names = (first, second)
    signed = [bool(ports[port].get("signed", 0)) for port in names]
    pairs = options.pairs(names)
    if options.operands is None:
        pairs = tuple(
            pair for pair in pairs if all(fmt == "s8" for fmt, is_signed in zip(pair, signed, strict=True) if is_signed)
        )
    readings = tuple(
        Reading(pair, signed_products(products, circuit.product_bits) if "s8" in pair else products) for pair in pairs
    )
    notes = () if circuit.product_bits >= 16 else (f"the product has {circuit.product_bits} bits only",)
    return Source(circuit.module["name"], "Verilog", names, readings, all(signed), comments(text), notes)
