"""Costs of a circuit: what a designer weighs its error against."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Costs:
    """
    Power in mW, area in um^2 and delay in ns of one multiplier, and where they come from.

    `source` names technology, tool and version as far as they are known: figures of different sources do not compare.
    """

    power_mw: float
    area_um2: float
    delay_ns: float
    source: str


@dataclasses.dataclass(frozen=True)
class FpgaCosts:
    """
    What one multiplier's circuit takes of an FPGA, operands and product in registers, no DSP block.

    Attributes
    ----------
    luts, carry_cells, flip_flops : int
        Cells of the mapped netlist.
    depth : int
        Cells on the longest way between registers.
    logic_cells, frequency_mhz : number or None
        Of the placed design: places of a LUT taken, and its highest frequency. None where it was not placed.
    luts_of_exact, frequency_of_exact : float or None
        Ratio to the exact circuit of least LUTs, and to the fastest one, in the same flow; None where there is none.
    source : str
        Target, tools, versions and options: figures of different sources do not compare.
    """

    luts: int
    carry_cells: int
    flip_flops: int
    depth: int
    logic_cells: int | None
    frequency_mhz: float | None
    luts_of_exact: float | None
    frequency_of_exact: float | None
    source: str
