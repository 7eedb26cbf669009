"""The flow from Verilog to a placed design: operands and product in registers, Yosys, nextpnr.

Between the registers lies the whole multiplier and nothing else: the highest frequency of the placed design is that of
the multiplier. Pins are placed where the placer likes; ways from and to pins are in no figure.
"""

import dataclasses
import json
import os
import pathlib
import statistics
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ...errors import HardwareError
from ..design import Design
from ..tools import YOSYS, Backend
from .targets import Target

SECONDS = 1800  # for one run of a tool; an 8x8 multiplier takes one to twenty


@dataclasses.dataclass(frozen=True)
class Placement:
    """
    A design placed and routed once for each seed.

    Attributes
    ----------
    logic_cells : int
        Places of a LUT that are taken, with what the placer adds to lead a carry in or out. At the first seed.
    frequencies_mhz : tuple of float
        Highest frequency of the clock, MHz, for each seed: from worst-case timing of the device, not measured on one.
    """

    logic_cells: int
    frequencies_mhz: tuple[float, ...]

    @property
    def frequency_mhz(self) -> float:
        """Median over the seeds."""
        return statistics.median(self.frequencies_mhz)


def in_registers(design: Design) -> tuple[str, str]:
    """Return Verilog with operands and product of a design in registers, and the name of its top module."""
    top = f"{design.top}_in_registers"
    operand, product = f"[{design.width - 1}:0]", f"[{design.product_width - 1}:0]"
    wrapper = f"""
module {top} (
    input  wire clk,
    input  wire {operand} w,
    input  wire {operand} x,
    output reg  {product} p
);
    reg  {operand} w_register;
    reg  {operand} x_register;
    wire {product} product;
    {design.top} multiplier (.w(w_register), .x(x_register), .p(product));
    always @(posedge clk) begin
        w_register <= w;
        x_register <= x;
        p <= product;
    end
endmodule
"""
    return design.text + wrapper, top


def mapping_script(target: Target, top: str) -> str:
    """Return the commands of Yosys that map source.v to the target's cells."""
    return f"read_verilog source.v; {target.mapping} -top {top}; write_json netlist.json"


def mapped(design: Design, target: Target, yosys: Backend | None = None) -> dict[str, Any]:
    """
    Map a design, in registers, to the target's cells; returns the netlist as Yosys writes it.

    Raises
    ------
    HardwareError
        If Yosys is not installed, or fails.
    """
    text, top = in_registers(design)
    with tempfile.TemporaryDirectory(prefix="axsim-") as name:
        folder = pathlib.Path(name)
        (folder / "source.v").write_text(text, encoding="utf-8")
        (yosys or YOSYS.find()).checked(["-q", "-p", mapping_script(target, top)], folder, SECONDS)
        netlist: dict[str, Any] = json.loads((folder / "netlist.json").read_text(encoding="utf-8"))
    return netlist


def placed(netlist: dict[str, Any], target: Target, seeds: Sequence[int], placer: Backend | None = None) -> Placement:
    """
    Place and route a mapped netlist, once for each seed, as many at a time as there are cores.

    Raises
    ------
    HardwareError
        If the target has no placer, it is not installed, or fails: a design with more pins than the device, for one.
    """
    if target.placer is None:
        raise HardwareError(f"target {target.name} has no open placer: it gives no frequency")
    backend = placer or target.placer.find()
    with tempfile.TemporaryDirectory(prefix="axsim-") as name, ThreadPoolExecutor(os.cpu_count()) as executor:
        folder = pathlib.Path(name)
        (folder / "netlist.json").write_text(json.dumps(netlist), encoding="utf-8")

        def report(seed: int) -> dict[str, Any]:
            # Without a frequency to reach it makes the slowest way as fast as it can, whatever it is.
            output = f"report{seed}.json"
            arguments = ["-q", *target.placing, "--json", "netlist.json", "--seed", str(seed), "--report", output]
            backend.checked([*arguments, "--timing-allow-fail"], folder, SECONDS)
            found: dict[str, Any] = json.loads((folder / output).read_text(encoding="utf-8"))
            return found

        reports = list(executor.map(report, seeds))
    clocks = [list(each["fmax"].values()) for each in reports]
    return Placement(
        logic_cells=int(reports[0]["utilization"][target.logic_cell]["used"]),
        frequencies_mhz=tuple(round(clock[0]["achieved"], 3) for clock in clocks if clock),
    )
