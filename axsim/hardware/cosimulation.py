"""Co-simulation: the circuit, in a simulator, against the software face."""

import dataclasses
import re

from ..errors import HardwareError
from .design import Design
from .faces import design as make_design
from .simulators import SimulatorName, chosen_simulator, simulate, simulator_version
from .test_bench import test_bench
from .vectors import Vectors, vectors


@dataclasses.dataclass(frozen=True)
class Cosimulation:
    """
    What came of one.

    Attributes
    ----------
    design : Design
    pairs : int
        Operand pairs that were tried.
    seed : int or None
        Of the random sample; None where all pairs were tried.
    differing : int
        Pairs whose products differ.
    first : tuple of (w, x, circuit's product, software's product)
        The first that differ, at most 10. The circuit's is text: it may be "x", unknown.
    simulator : str
        Name and version.
    """

    design: Design
    pairs: int
    seed: int | None
    differing: int
    first: tuple[tuple[int, int, str, int], ...]
    simulator: str

    @property
    def equal(self) -> bool:
        """Whether no pair differs."""
        return self.differing == 0


def cosimulate(
    name: str,
    operands: tuple[str, str] | None = None,
    width: int | None = None,
    sample: int | None = None,
    seed: int = 0,
    from_table: bool = False,
    simulator: SimulatorName | None = None,
) -> Cosimulation:
    """
    Run a multiplier's circuit on operand pairs and compare its products with the software face's.

    Parameters
    ----------
    name, operands, width, from_table
        As `axsim.hardware.faces.design` takes them.
    sample : int, optional
        Number of pairs: all up to 8 bits, 65,536 above, when not given.
    seed : int
        Of the sample.
    simulator : {"icarus", "verilator"}, optional
        Icarus Verilog, else Verilator, as installed, when not given.

    Raises
    ------
    MultiplierError
        If the name is unknown, or the multiplier cannot serve the operands.
    HardwareError
        If the multiplier has no circuit, no simulator is installed, or it refuses the circuit.
    """
    simulator = chosen_simulator(simulator)
    design = make_design(name, operands, width, from_table)
    return compare(design, vectors(name, design, sample, seed), simulator)


def compare(design: Design, expected: Vectors, simulator: SimulatorName | None = None) -> Cosimulation:
    """Run a circuit on these vectors; see `cosimulate`."""
    simulator = chosen_simulator(simulator)
    top = design.top
    printed = simulate(
        {f"{top}.v": design.text, f"{top}_test_bench.v": test_bench(design, expected)},
        f"{top}_test_bench",
        {f"{top}_vectors.hex": expected.hexadecimal(design)},
        simulator,
    )
    passed = re.search(r"^PASS: (\d+) pairs equal$", printed, re.MULTILINE)
    failed = re.search(r"^FAIL: (\d+) of \d+ pairs differ$", printed, re.MULTILINE)
    if (passed is None) == (failed is None):
        raise HardwareError(f"the simulation of {top} ended without a result: {printed.strip()[-200:]!r}")
    found = re.findall(r"^DIFFERS w=(-?\d+) x=(-?\d+) p=(\S+) expected=(-?\d+)$", printed, re.MULTILINE)
    return Cosimulation(
        design,
        len(expected),
        expected.seed,
        int(failed.group(1)) if failed else 0,
        tuple((int(w), int(x), p, int(product)) for w, x, p, product in found),
        simulator_version(simulator),
    )
