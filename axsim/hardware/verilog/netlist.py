"""A circuit that was given as Verilog, written out again: one assignment for each gate that Yosys makes of it.

What is simulated and written is this text, never the file's own.
"""

import pathlib
import re
from typing import Any

import numpy as np

from ...errors import HardwareError
from ...importers.multipliers.verilog.reader import Circuit, read_circuit
from ...multipliers.product_table import Multiplier
from ..design import Design, Module, Port

ZERO = "1'b0"

# By gate of importers/multipliers/verilog/netlist.py.
_EXPRESSIONS = {
    "$_BUF_": "{A}",
    "$_NOT_": "~{A}",
    "$_AND_": "{A} & {B}",
    "$_NAND_": "~({A} & {B})",
    "$_OR_": "{A} | {B}",
    "$_NOR_": "~({A} | {B})",
    "$_XOR_": "{A} ^ {B}",
    "$_XNOR_": "~({A} ^ {B})",
    "$_ANDNOT_": "{A} & ~{B}",
    "$_ORNOT_": "{A} | ~{B}",
    "$_MUX_": "{S} ? {B} : {A}",
    "$_NMUX_": "~({S} ? {B} : {A})",
}


def netlist_design(path: pathlib.Path, multiplier: Multiplier) -> Design:
    """
    Return the circuit of a Verilog file, gate by gate.

    Parameters
    ----------
    path : path
        The file, .v or .sv.
    multiplier : Multiplier
        What importing the file gave: says which operand is w, and how the operands are read.

    Raises
    ------
    MultiplierError
        If Yosys is missing, or refuses the file.
    HardwareError
        If the netlist does not give the multiplier's table.
    """
    circuit = read_circuit(
        path.read_text(encoding="utf-8", errors="replace"), str(path), systemverilog=path.suffix.lower() == ".sv"
    )
    first, second = circuit.operands
    bits = circuit.product_bits
    products, wanted = circuit.products(str(path)), multiplier.table & ((1 << bits) - 1)
    if np.array_equal(products, wanted):
        operands = (("w", first), ("x", second))
    elif np.array_equal(products.T, wanted):
        operands = (("w", second), ("x", first))
    else:
        raise HardwareError(f"{path}: its netlist does not give the imported table; describe that: --from-table")
    w_signed, x_signed = (fmt == "s8" for fmt in multiplier.operands)
    ports = {
        "w": Port("input", 8, w_signed),
        "x": Port("input", 8, x_signed),
        "p": Port("output", bits, w_signed or x_signed),
    }
    names: dict[Any, str] = {"0": ZERO, "1": "1'b1", "x": ZERO, "z": ZERO}
    for operand, port in operands:
        names |= {bit: f"{operand}[{place}]" for place, bit in enumerate(circuit.module["ports"][port]["bits"])}
    body = _assignments(circuit, names)
    name = re.sub(r"[^A-Za-z0-9]+", "_", f"netlist_{multiplier.name}").strip("_")
    comment = f"Netlist of {path.name}, as Yosys reads it: {(len(body) - bits) // 2} gates."
    top = Module(name, comment, ports, "\n".join(body))
    return Design(top, 8, w_signed, x_signed, multiplier.name, multiplier.source)


def _assignments(circuit: Circuit, names: dict[Any, str]) -> list[str]:
    """Gates: nets, assignments, the product's bits. A bit that nothing drives is 0: no product depends on one."""
    gates = [cell for cell in circuit.module["cells"].values() if cell["type"] in _EXPRESSIONS]
    declared, assigned = [], []
    for cell in gates:
        (driven,) = cell["connections"]["Y"]
        names[driven] = f"n{driven}"
        declared.append(f"wire n{driven};")
    for cell in gates:
        pins = {pin: names.get(bits[0], ZERO) for pin, bits in cell["connections"].items()}
        assigned.append(f"assign {pins['Y']} = {_EXPRESSIONS[cell['type']].format(**pins)};")
    product = [
        f"assign p[{place}] = {names.get(bit, ZERO)};"
        for place, bit in enumerate(circuit.module["ports"][circuit.product]["bits"])
    ]
    return [*declared, *assigned, *product]
