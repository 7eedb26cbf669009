"""Map multipliers to an FPGA with open tools: LUTs, depth and frequency, beside the exact multiplier."""

import argparse
import dataclasses
from typing import TYPE_CHECKING, Any

from ..progress import ProgressDisplay
from .arguments import add_circuit, count, store_path
from .result import Result

if TYPE_CHECKING:
    from ..hardware.synthesis.comparison import Compared

TARGETS = ("ice40", "ecp5", "xilinx")
COSTS = ("luts", "luts_of_exact", "logic_cells")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_circuit(parser, several=True)
    parser.add_argument("--all", action="store_true", help="all families at the parameters of their examples")
    parser.add_argument(
        "--target", action="append", choices=TARGETS, help="Lattice iCE40 or ECP5, Xilinx 7; may be repeated (ice40)"
    )
    parser.add_argument(
        "--seeds", type=count, default=3, metavar="N", help="placements, whose median frequency counts (3)"
    )
    parser.add_argument("--no-placement", action="store_true", help="map only: no frequency")
    parser.add_argument("--store", metavar="FILE", help="keeps results, and has those of before (the user's own)")
    parser.add_argument("--csv", metavar="FILE", help="write name,cost for axsim assign --costs")
    parser.add_argument("--cost", choices=COSTS, default="luts", help="what is the cost in the CSV (luts)")
    parser.add_argument("--overwrite", action="store_true", help="replace the CSV if it exists")


def run(given: argparse.Namespace) -> Result:
    """Synthesize, or take from the store what it has."""
    from ..errors import AxsimError
    from ..files import check_output
    from ..hardware.faces import design
    from ..hardware.synthesis.comparison import compared
    from ..hardware.synthesis.report import report
    from ..hardware.synthesis.store import SynthesisStore
    from ..hardware.synthesis.synthesis import Tools
    from ..multipliers.members import examples

    if bool(given.names) == given.all:
        raise AxsimError("name multipliers, such as drum:k=4, or pass --all for all families, one of the two")
    targets = list(dict.fromkeys(given.target or ["ice40"]))
    if given.csv:
        if len(targets) > 1:
            raise AxsimError("--csv takes the costs of one --target")
        if given.cost == "logic_cells" and (given.no_placement or targets == ["xilinx"]):
            raise AxsimError("--cost logic_cells needs a placement: leave out --no-placement, or choose ice40 or ecp5")
        check_output(given.csv, given.overwrite, *given.names)
    names = examples() if given.all else list(dict.fromkeys(given.names))
    tools = [Tools.find(target, range(1, given.seeds + 1), not given.no_placement) for target in targets]
    circuits = [design(name, given.operands, given.width, given.from_table) for name in names if _serves(name, given)]
    store = SynthesisStore(store_path(given))
    display = ProgressDisplay()
    found: list[Compared] = []
    for each in tools:
        progress = display.phase(f"{each.target.name}: {len(circuits)} circuits")
        for synthesis in compared(circuits, each, store, display.phase):
            found.append(synthesis)
            progress(len(found) % len(circuits) or len(circuits), len(circuits))
    display.close()
    text = [report(found), f"Kept in {store_path(given)}."]
    if given.csv:
        _write_csv(found, given.csv, given.cost, given.overwrite)
        text.append(f"Costs: {given.csv}, {given.cost} of {targets[0]}.")
    return Result("\n".join(text), {"syntheses": [_data(each) for each in found], "csv": given.csv})


def _serves(name: str, given: argparse.Namespace) -> bool:
    """Whether a member serves the operands and width asked for; those named by the user are not asked."""
    from ..errors import MultiplierError
    from ..multipliers.members import member
    from ..multipliers.wide import served_formats

    if not given.all:
        return True
    try:
        served_formats(member(name, given.width), given.operands)
    except MultiplierError:
        return False
    return True


def _write_csv(found: "list[Compared]", path: str, cost: str, overwrite: bool) -> None:
    import csv

    from ..files import replacing

    with replacing(path, overwrite) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "cost"])
        for each in found:
            writer.writerow([each.synthesis.multiplier, getattr(each.costs, cost)])


def _data(each: "Compared") -> dict[str, Any]:
    return {
        **dataclasses.asdict(each.synthesis),
        "frequency_mhz": each.synthesis.frequency_mhz,
        "luts_of_exact": each.luts_of_exact,
        "frequency_of_exact": each.frequency_of_exact,
        "exact": [dataclasses.asdict(exact) for exact in each.exact],
    }
