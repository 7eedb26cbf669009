"""The array on an FPGA: mapped by Yosys, and placed by nextpnr between shift registers that feed and read it.

A design has more ports than a device has pins: its inputs come from a shift register, its outputs go to another, so
that all its ways lie between registers.
"""

import dataclasses
import json
import pathlib
import tempfile
from collections.abc import Callable, Mapping
from typing import Any

from ...errors import HardwareError
from ...inference.accumulator import Overflow
from ..synthesis.flow import SECONDS, Placement, placed
from ..synthesis.netlist import cell_counts, top_module
from ..synthesis.targets import TARGETS, Target
from ..tools import YOSYS
from .sources import DESIGN, source

MESH = 4  # rows and columns of the mesh that is placed: what fits the devices
SEEDS = (1,)


@dataclasses.dataclass(frozen=True)
class Placed:
    """
    A part of the array on an FPGA.

    Attributes
    ----------
    part : str
        What was mapped, with its parameters.
    device, tools : str
        The device; the tools with their versions and arguments.
    luts, flip_flops : int
        Of the part alone, mapped; places of a LUT that carry cells take are among the LUTs.
    logic_cells : int or None
        Placed, with the shift registers around it. None where it was not placed.
    frequency_mhz : float or None
        Highest of the placed design, MHz: worst-case timing of the device, not measured on one.
    """

    part: str
    device: str
    tools: str
    luts: int
    flip_flops: int
    logic_cells: int | None
    frequency_mhz: float | None


def place_array(
    size: int, bits: int, overflow: Overflow, phase: Callable[[str], Any] = str
) -> tuple[tuple[Placed, ...], str]:
    """
    Map and place a processing element and a small mesh on the first target whose tools are found: iCE40, then ECP5.

    Returns
    -------
    tuple of Placed
    str
        Where no tools were found: what is missing for each target, and how to install it. Empty otherwise.
    """
    found: list[Placed] = []
    missing: list[str] = []
    small = min(size, MESH)
    parts: list[tuple[str, dict[str, int]]] = [
        ("processing_element", {"SUM_BITS": bits, "SATURATE": int(overflow == "saturate")}),
        ("systolic_array", {"SIZE": small, "SUM_BITS": bits, "SATURATE": int(overflow == "saturate")}),
    ]
    for target in (each for each in TARGETS.values() if each.placer is not None):
        try:
            YOSYS.find()
            assert target.placer is not None
            target.placer.find()
        except HardwareError as error:
            missing.append(f"{target.device}: {error}")
            continue
        for module, parameters in parts:
            phase(f"{module} on {target.name}")
            found.append(_placed(module, parameters, target))
        return tuple(found), ""
    return (), "; ".join(missing)


def _placed(module: str, parameters: Mapping[str, int], target: Target) -> Placed:
    yosys = YOSYS.find()
    alone = top_module(_mapped(module, parameters, target, None))
    cells = cell_counts(alone)
    ports = {name: (port["direction"], len(port["bits"])) for name, port in alone["ports"].items() if name != "clock"}
    wrapped = _mapped(module, parameters, target, _between_shift_registers(module, parameters, ports))
    assert target.placer is not None
    placer = target.placer.find()
    placement: Placement = placed(wrapped, target, SEEDS, placer)
    return Placed(
        part=f"{module} ({', '.join(f'{name} {value}' for name, value in parameters.items())})",
        device=target.device,
        tools=f"{yosys.version}, {target.mapping}; {placer.version}, {' '.join(target.placing)}, seed {SEEDS[0]}",
        luts=sum(count * target.luts.get(kind, 0) for kind, count in cells.items()),
        flip_flops=sum(count for kind, count in cells.items() if target.is_flip_flop(kind)),
        logic_cells=placement.logic_cells,
        frequency_mhz=placement.frequency_mhz if placement.frequencies_mhz else None,
    )


def _mapped(module: str, parameters: Mapping[str, int], target: Target, wrapper: str | None) -> dict[str, Any]:
    """Netlist of a module with these parameters, or of what wraps it."""
    with tempfile.TemporaryDirectory(prefix="axsim-") as name:
        folder = pathlib.Path(name)
        texts = [source(each) for each in DESIGN] + ([] if wrapper is None else [wrapper])
        (folder / "source.v").write_text("\n".join(texts), encoding="utf-8")
        set_up = "".join(f"chparam -set {key} {value} {module}; " for key, value in parameters.items())
        top = module if wrapper is None else "on_fpga"
        script = f"read_verilog source.v; {set_up if wrapper is None else ''}{target.mapping} -top {top}; "
        YOSYS.find().checked(["-q", "-p", f"{script}write_json netlist.json"], folder, SECONDS)
        netlist: dict[str, Any] = json.loads((folder / "netlist.json").read_text(encoding="utf-8"))
    return netlist


def _between_shift_registers(module: str, parameters: Mapping[str, int], ports: Mapping[str, tuple[str, int]]) -> str:
    """Verilog of a module `on_fpga` with one bit in and one bit out."""
    connections, widths = [".clock(clock)"], {"input": 0, "output": 0}
    for name, (direction, bits) in ports.items():
        low = widths[direction]
        connections.append(f".{name}({'held' if direction == 'input' else 'given'}[{low + bits - 1}:{low}])")
        widths[direction] += bits
    values = ", ".join(f".{name}({value})" for name, value in parameters.items())
    inputs, outputs = widths["input"] - 1, widths["output"] - 1
    return f"""
module on_fpga (input wire clock, input wire in, input wire take, output wire out);
    reg [{inputs}:0] held;
    reg [{outputs}:0] taken;
    wire [{outputs}:0] given;
    {module} #({values}) part ({", ".join(connections)});
    always @(posedge clock) begin
        held <= {{held[{inputs - 1}:0], in}};
        taken <= take ? given : {{taken[{outputs - 1}:0], 1'b0}};
    end
    assign out = taken[{outputs}];
endmodule
"""
