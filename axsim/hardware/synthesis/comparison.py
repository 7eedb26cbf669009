"""A multiplier's circuit beside exact ones in the same flow.

Two exact circuits are the measure, for an FPGA has two good ones: the array of rows (the family `exact`), whose adders
are carry chains and which takes the fewest LUTs, and `w * x` left to Yosys, which builds a tree of adders, larger and
faster. What saves LUTs has fewer than either; what is faster is faster than either.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ...multipliers.catalog import multiplier
from ...multipliers.costs import FpgaCosts
from ..design import Design, Module, product_ports
from ..faces import design
from .store import SynthesisStore
from .synthesis import SEEDS, Synthesis, Tools, synthesize_design, verilog_sha256

EXACT = ("exact array", "exact w * x")


@dataclasses.dataclass(frozen=True)
class Compared:
    """
    A synthesis, and those of exact multipliers of the same operands in the same flow.

    Attributes
    ----------
    synthesis : Synthesis
    exact : tuple of Synthesis
        Of the circuits named in `EXACT`; none where a store has none.
    """

    synthesis: Synthesis
    exact: tuple[Synthesis, ...]

    @property
    def luts_of_exact(self) -> float | None:
        """LUTs over those of the exact circuit that has the fewest."""
        least = min((each.luts for each in self.exact), default=None)
        return self.synthesis.luts / least if least else None

    @property
    def frequency_of_exact(self) -> float | None:
        """Frequency over that of the fastest exact circuit."""
        fastest = max((each.frequency_mhz for each in self.exact if each.frequency_mhz), default=None)
        own = self.synthesis.frequency_mhz
        return own / fastest if own and fastest else None

    @property
    def costs(self) -> FpgaCosts:
        """The same as costs of the multiplier."""
        own = self.synthesis
        return FpgaCosts(
            luts=own.luts,
            carry_cells=own.carry_cells,
            flip_flops=own.flip_flops,
            depth=own.depth,
            logic_cells=own.logic_cells,
            frequency_mhz=own.frequency_mhz,
            luts_of_exact=self.luts_of_exact,
            frequency_of_exact=self.frequency_of_exact,
            source=own.flow.text,
        )


def synthesize(
    name: str,
    target: str = "ice40",
    operands: tuple[str, str] | None = None,
    *,
    width: int | None = None,
    from_table: bool = False,
    seeds: Sequence[int] = SEEDS,
    place: bool = True,
) -> Compared:
    """
    Map a multiplier's circuit to an FPGA, place it, and do the same with exact multipliers of the same operands.

    Parameters
    ----------
    name, operands, width, from_table
        As `axsim.hardware.faces.design` takes them.
    target : {"ice40", "ecp5", "xilinx"}
    seeds : sequence of int
        One placement each; the frequency is their median.
    place : bool
        Whether to place and route, which gives the frequency; "xilinx" has no open placer.

    Raises
    ------
    MultiplierError
        If the name is unknown, or the multiplier cannot serve the operands.
    HardwareError
        If the multiplier has no circuit, or a tool is missing or fails.
    """
    tools = Tools.find(target, seeds, place)
    circuit = design(name, operands, width, from_table)
    return next(compared([circuit], tools, SynthesisStore(None)))


def compared(
    circuits: Iterable[Design], tools: Tools, store: SynthesisStore, phase: Callable[[str], Any] = str
) -> Iterator[Compared]:
    """
    Yield each circuit's synthesis beside the exact ones', as they are done; what the store has is not done again.

    `phase` is told what is being done.
    """
    for backend in (tools.yosys, tools.placer):
        if backend is not None and not backend.is_native:
            phase(f"{backend.tool.command} from {backend.source}, which compiles itself when first run: a minute")
            _ = backend.version
    for circuit in circuits:
        exact = tuple(_stored(each, tools, store, phase) for each in exact_circuits(circuit))
        yield Compared(_stored(circuit, tools, store, phase), exact)


def from_store(store: SynthesisStore, target: str) -> dict[tuple[str, str], FpgaCosts]:
    """
    Return the costs on a target that a store holds, by multiplier's name and digest of its table.

    Of several syntheses of one multiplier the last counts.
    """
    every = [each for each in store.all() if each.flow.target == target]
    exact = [each for each in every if each.multiplier in EXACT]
    costs = {}
    for each in every:
        beside = tuple(other for other in exact if (other.flow, other.operands) == (each.flow, each.operands))
        costs[each.multiplier, each.table_sha256] = Compared(each, beside).costs
    return costs


def exact_circuits(circuit: Design) -> list[Design]:
    """Return the exact circuits of a circuit's operands, as `EXACT` names them."""
    formats = circuit.operands
    both_signed = circuit.w_signed and circuit.x_signed
    array = design("exact:signed=1" if both_signed else "exact", formats, circuit.width)
    factors = [
        name if signed or not circuit.w_signed | circuit.x_signed else f"$signed({{1'b0, {name}}})"
        for name, signed in (("w", circuit.w_signed), ("x", circuit.x_signed))
    ]
    width, kinds = circuit.width, "".join(fmt[0] for fmt in formats)
    ports = product_ports(width, 2 * width, circuit.w_signed, circuit.x_signed)
    module = Module(f"exact_{kinds}_{width}", "Left to the synthesis.", ports, f"assign p = {' * '.join(factors)};")
    inferred = Design(module, width, circuit.w_signed, circuit.x_signed)
    return [dataclasses.replace(each, name=name) for name, each in zip(EXACT, (array, inferred), strict=True)]


def _stored(circuit: Design, tools: Tools, store: SynthesisStore, phase: Callable[[str], Any]) -> Synthesis:
    found = store.get(verilog_sha256(circuit), tools.flow)
    if found is None:
        found = synthesize_design(circuit, tools, _table_sha256(circuit), phase)
        store.add(found)
    return found


def _table_sha256(circuit: Design) -> str:
    """Digest of the table that an 8-bit circuit computes; empty for other widths and for exact circuits."""
    if circuit.width != 8 or circuit.name in EXACT:
        return ""
    return multiplier(circuit.name).serving(*circuit.operands).digest  # type: ignore[arg-type]
