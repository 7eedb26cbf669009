"""FPGA families that a multiplier is mapped to.

No target may use the device's multipliers (DSP blocks): the exact multiplier then is LUTs as the others are, and the
figures compare. Whoever has DSP blocks to spare needs no approximate multiplier on an FPGA.
"""

import dataclasses
from collections.abc import Mapping

from ...errors import HardwareError
from ..tools import NEXTPNR_ECP5, NEXTPNR_ICE40, Tool


@dataclasses.dataclass(frozen=True)
class Target:
    """
    A family of devices, as Yosys and nextpnr know it.

    Attributes
    ----------
    name, device : str
        The family; the device that stands for it where a design is placed.
    mapping : str
        Command of Yosys that maps a design to the family's cells.
    luts : mapping of str to int
        By type of cell, how many places of a LUT it takes.
    carry_cells, flip_flops : tuple of str
        Types of cell that make up carry chains, and that hold state (as they begin).
    placer : Tool or None
        None where there is none: no frequency then.
    placing : tuple of str
        The placer's arguments for the device.
    logic_cell : str
        What the placer calls a place for a LUT.
    """

    name: str
    device: str
    mapping: str
    luts: Mapping[str, int]
    carry_cells: tuple[str, ...]
    flip_flops: tuple[str, ...]
    placer: Tool | None = None
    placing: tuple[str, ...] = ()
    logic_cell: str = ""

    def is_flip_flop(self, kind: str) -> bool:
        """Whether cells of this type hold state."""
        return kind.startswith(self.flip_flops)


TARGETS = {
    target.name: target
    for target in (
        Target(
            name="ice40",
            device="Lattice iCE40 HX8K, ct256",
            mapping="synth_ice40",  # uses no DSP unless asked to
            luts={"SB_LUT4": 1},
            carry_cells=("SB_CARRY",),  # beside a LUT, in its place
            flip_flops=("SB_DFF",),
            placer=NEXTPNR_ICE40,
            placing=("--hx8k", "--package", "ct256"),
            logic_cell="ICESTORM_LC",
        ),
        Target(
            name="ecp5",
            device="Lattice ECP5 LFE5U-25F, CABGA381, speed 6",
            mapping="synth_ecp5 -nodsp",
            luts={"LUT4": 1, "CCU2C": 2},  # a carry cell is made of two LUTs
            carry_cells=("CCU2C",),
            flip_flops=("TRELLIS_FF",),
            placer=NEXTPNR_ECP5,
            placing=("--25k", "--package", "CABGA381", "--speed", "6"),
            logic_cell="TRELLIS_COMB",
        ),
        Target(
            name="xilinx",
            device="Xilinx 7 series",
            mapping="synth_xilinx -family xc7 -flatten -nodsp -noiopad -noclkbuf",
            luts={"INV": 1, **{f"LUT{inputs}": 1 for inputs in range(1, 7)}},
            carry_cells=("CARRY4",),
            flip_flops=("FD",),
        ),
    )
}


def target(name: str) -> Target:
    """Return the target of that name; raises HardwareError if there is none."""
    if name not in TARGETS:
        raise HardwareError(f"target must be one of {', '.join(TARGETS)}, got {name!r}")
    return TARGETS[name]
