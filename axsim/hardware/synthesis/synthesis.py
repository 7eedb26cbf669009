"""What a multiplier's circuit costs on an FPGA, as the open tools have it."""

import dataclasses
import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Any

from ...errors import HardwareError
from ..design import Design
from ..tools import YOSYS, Backend
from .flow import Placement, in_registers, mapped, mapping_script, placed
from .netlist import cell_counts, logic_depth, top_module
from .targets import Target, target

SEEDS = (1, 2, 3)


@dataclasses.dataclass(frozen=True)
class Flow:
    """
    All that figures depend on besides the circuit: those of different flows do not compare.

    Attributes
    ----------
    target, device : str
        The family of devices, and the device of the placed design.
    yosys, placer : str
        The tools' own words for their versions; the placer's empty where nothing is placed. Two versions of Yosys
        count the same circuit differently.
    mapping, placing : str
        Yosys's commands, with `top` for the circuit's name, and the placer's options.
    seeds : tuple of int
        The placer's; none where nothing is placed.
    """

    target: str
    device: str
    yosys: str
    mapping: str
    placer: str = ""
    placing: str = ""
    seeds: tuple[int, ...] = ()

    @property
    def text(self) -> str:
        """Say it in a line, the tools' versions without what they say of their own compiler."""
        mapping = self.mapping.split("; ")[1]
        parts = [f"{_short(self.yosys)}, {mapping}"]
        if self.placer:
            seeds = (
                f"median of seeds {', '.join(map(str, self.seeds))}" if len(self.seeds) > 1 else f"seed {self.seeds[0]}"
            )
            parts.append(f"{_short(self.placer)}, {self.device}, {seeds}")
        return f"{self.target}: {'; '.join(parts)}"


def _short(version: str) -> str:
    """Return the program, its version and where it is from, without what stands between."""
    program, _, source = version.rpartition(" (")
    number = re.search(r"\d+\.\d[\w.+-]*", program)
    return f"{program.split()[0].strip(chr(34))} {number[0] if number else ''} ({source}"


@dataclasses.dataclass(frozen=True)
class Synthesis:
    """
    A multiplier's circuit on an FPGA: combinational, between registers for operands and product.

    Attributes
    ----------
    multiplier : str
        Its full name.
    operands : pair of str
        Formats of w and x, such as ("u8", "u8").
    table_sha256 : str
        Digest of the product table that the circuit computes (`Multiplier.digest`); empty at other widths than 8.
    verilog_sha256 : str
        Of the text that was mapped: another circuit under the same name is another synthesis.
    flow : Flow
    cells : dict of int
        Cells of the mapped netlist by type.
    luts, carry_cells, flip_flops : int
        Of them; places of a LUT that a carry cell takes count as LUTs. Flip-flops are those of operands and product,
        whose synchronous reset or set may do the work of a gate before it.
    depth : int
        Cells on the longest way between registers (`logic_depth`).
    placement : Placement or None
        None where nothing was placed.
    """

    multiplier: str
    operands: tuple[str, str]
    table_sha256: str
    verilog_sha256: str
    flow: Flow
    cells: dict[str, int]
    luts: int
    carry_cells: int
    flip_flops: int
    depth: int
    placement: Placement | None = None

    @property
    def logic_cells(self) -> int | None:
        """See `Placement`."""
        return None if self.placement is None else self.placement.logic_cells

    @property
    def frequency_mhz(self) -> float | None:
        """See `Placement`; None too where no way leads from register to register."""
        return None if self.placement is None or not self.placement.frequencies_mhz else self.placement.frequency_mhz


@dataclasses.dataclass(frozen=True)
class Tools:
    """The tools of one target as they are installed, and the flow that they make."""

    target: Target
    yosys: Backend
    placer: Backend | None
    seeds: tuple[int, ...]

    @classmethod
    def find(cls, name: str, seeds: Sequence[int] = SEEDS, place: bool = True) -> "Tools":
        """
        Find what a target needs.

        Parameters
        ----------
        name : str
            A key of `TARGETS`.
        seeds : sequence of int
            The placer's, one run each.
        place : bool
            Whether to place and route where the target has an open placer.

        Raises
        ------
        HardwareError
            If there is no such target, a tool is missing (says what to install), or seeds are not distinct.
        """
        chosen = target(name)
        if not seeds or len(set(seeds)) != len(seeds) or not all(0 < seed < 2**31 for seed in seeds):
            raise HardwareError(
                f"seeds must be distinct whole numbers from 1, got {', '.join(map(str, seeds)) or 'none'}"
            )
        places = place and chosen.placer is not None
        placer = chosen.placer.find() if places and chosen.placer is not None else None
        return cls(chosen, YOSYS.find(), placer, tuple(seeds) if places else ())

    @property
    def flow(self) -> Flow:
        """The flow; asks the tools for their versions, which takes those of WebAssembly a minute at their first run."""
        return Flow(
            target=self.target.name,
            device=self.target.device,
            yosys=f"{self.yosys.version} ({self.yosys.source})",
            mapping=mapping_script(self.target, "top"),
            placer="" if self.placer is None else f"{self.placer.version} ({self.placer.source})",
            placing="" if self.placer is None else " ".join(self.target.placing),
            seeds=self.seeds,
        )


def verilog_sha256(design: Design) -> str:
    """Digest (hex) of what is mapped: the design in its registers."""
    return hashlib.sha256(in_registers(design)[0].encode()).hexdigest()


def synthesize_design(
    design: Design, tools: Tools, table_sha256: str = "", phase: Callable[[str], Any] = str
) -> Synthesis:
    """
    Map and place one circuit; `phase` is told what is being done.

    Raises
    ------
    HardwareError
        If a tool fails.
    """
    chosen = tools.target
    phase(f"{chosen.name}: mapping {design.name}")
    netlist = mapped(design, chosen, tools.yosys)
    module = top_module(netlist)
    placement = None
    if tools.placer is not None:
        phase(f"{chosen.name}: placing {design.name}")
        placement = placed(netlist, chosen, tools.seeds, tools.placer)
    cells = cell_counts(module)
    return Synthesis(
        multiplier=design.name,
        operands=design.operands,
        table_sha256=table_sha256,
        verilog_sha256=verilog_sha256(design),
        flow=tools.flow,
        cells=cells,
        luts=sum(places * cells.get(kind, 0) for kind, places in chosen.luts.items()),
        carry_cells=sum(cells.get(kind, 0) for kind in chosen.carry_cells),
        flip_flops=sum(count for kind, count in cells.items() if chosen.is_flip_flop(kind)),
        depth=logic_depth(module, chosen),
        placement=placement,
    )
