"""A Verilog module with two operands and a product."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ....errors import MultiplierError
from ..source import Options, Reading, Source, signed_products
from .netlist import evaluate, operand_planes
from .text import checked, comments
from .yosys import netlist


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
    plain = checked(text, name)
    module = netlist(plain, name, top=options.top, systemverilog=systemverilog, yosys=yosys, phase=phase)
    ports = module["ports"]
    inputs = [port for port, given in ports.items() if given["direction"] == "input"]
    outputs = [port for port, given in ports.items() if given["direction"] == "output"]
    widths = {port: len(given["bits"]) for port, given in ports.items()}
    top = module["name"]
    said = ", ".join(f"{given['direction']} {port} of {widths[port]} bits" for port, given in ports.items()) or "none"
    if len(ports) != 3 or len(inputs) != 2 or len(outputs) != 1:
        raise MultiplierError(f"{name}: module {top} must have two inputs and one output, got {said}; see --top")
    if any(widths[port] != 8 for port in inputs) or widths[outputs[0]] > 32:
        raise MultiplierError(
            f"{name}: the operands of module {top} must have 8 bits each and the product at most 32, got {said}"
        )
    first, second = inputs
    patterns = np.arange(65_536)
    planes = {first: operand_planes(patterns >> 8), second: operand_planes(patterns & 255)}
    products = evaluate(module, planes, outputs[0], name).reshape(256, 256)

    names = (first, second)
    signed = [bool(ports[port].get("signed", 0)) for port in inputs]
    pairs = options.pairs(names)
    if options.operands is None:
        pairs = tuple(
            pair for pair in pairs if all(fmt == "s8" for fmt, is_signed in zip(pair, signed, strict=True) if is_signed)
        )
    readings = tuple(
        Reading(pair, signed_products(products, widths[outputs[0]]) if "s8" in pair else products) for pair in pairs
    )
    notes = () if widths[outputs[0]] >= 16 else (f"the product has {widths[outputs[0]]} bits only",)
    return Source(top, "Verilog", names, readings, all(signed), comments(text), notes)
