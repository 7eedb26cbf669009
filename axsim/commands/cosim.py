"""Simulate a multiplier's circuit and compare every product with the software model."""

import argparse

from .arguments import add_circuit, count
from .result import Result


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_circuit(parser)
    parser.add_argument("--sample", type=count, metavar="N", help="try N pairs (all up to 8 bits, 65,536 above)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the sample (0)")
    parser.add_argument(
        "--simulator", choices=("icarus", "verilator"), help="Icarus Verilog, else Verilator, as installed"
    )


def run(given: argparse.Namespace) -> Result:
    """Co-simulate one multiplier; a difference is a failure."""
    from ..errors import HardwareError
    from ..hardware.cosimulation import cosimulate
    from ..text import text_table

    found = cosimulate(
        given.multiplier, given.operands, given.width, given.sample, given.seed, given.from_table, given.simulator
    )
    design = found.design
    pairs = f"all {found.pairs:,} pairs" if found.seed is None else f"{found.pairs:,} pairs (seed {found.seed})"
    verdict = "equal" if found.equal else f"{found.differing:,} differ"
    lines = [f"{design.name}, {' by '.join(design.operands)}, module {design.top}, {pairs}: {verdict}"]
    if not found.equal:
        rows = [[str(each) for each in row] for row in found.first]
        lines += ["", text_table(["w", "x", "circuit", "software"], rows)]
    lines.append(f"Simulator: {found.simulator}")
    data = {
        "multiplier": design.name,
        "operands": design.operands,
        "top": design.top,
        "pairs": found.pairs,
        "seed": found.seed,
        "differing": found.differing,
        "first": [dict(zip(("w", "x", "circuit", "software"), row, strict=True)) for row in found.first],
        "simulator": found.simulator,
    }
    failure = None if found.equal else HardwareError(f"{design.name}: the circuit differs from the software model")
    return Result("\n".join(lines), data, failure)
