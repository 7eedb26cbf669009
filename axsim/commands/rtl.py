"""Write a multiplier's circuit as Verilog, with a self-checking test bench."""

import argparse

from .arguments import add_circuit, count
from .result import Result


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_circuit(parser)
    parser.add_argument(
        "-o", "--output", required=True, metavar="DIR", help="folder for the design, its test bench and its vectors"
    )
    parser.add_argument("--sample", type=count, metavar="N", help="vectors of N pairs (all up to 8 bits, 65,536 above)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the sample (0)")
    parser.add_argument("--overwrite", action="store_true", help="replace the files if they exist")


def run(given: argparse.Namespace) -> Result:
    """Write one multiplier's files."""
    from ..hardware.faces import design
    from ..hardware.output import write

    made = design(given.multiplier, given.operands, given.width, given.from_table)
    written = write(given.multiplier, made, given.output, given.sample, given.seed, given.overwrite)
    top = made.top
    pairs = f"all {written.pairs}" if written.seed is None else f"{written.pairs} sampled (seed {written.seed})"
    text = [
        f"{made.name}, {' by '.join(made.operands)}, product of {made.product_width} bits: module {top}",
        *(f"  {path}" for path in written.paths),
        f"The test bench compares {pairs} operand pairs with the software model. In {given.output}:",
        f"  iverilog -g2001 -Wall -o {top}_test {top}.v {top}_test_bench.v && vvp -N {top}_test",
    ]
    data = {
        "multiplier": made.name,
        "operands": made.operands,
        "width": made.width,
        "product_width": made.product_width,
        "top": top,
        "files": written.paths,
        "pairs": written.pairs,
        "seed": written.seed,
    }
    return Result("\n".join(text), data)
