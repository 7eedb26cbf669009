"""Choose a multiplier for every layer: least energy within a loss of accuracy, or the reverse."""

import argparse
from typing import TYPE_CHECKING

from ..errors import AxsimError
from ..progress import ProgressDisplay
from .arguments import IMAGES_HELP, add_network_and_images, count, network_and_images
from .result import Result

if TYPE_CHECKING:
    from ..multipliers.product_table import Multiplier
    from ..networks.network import Network


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_network_and_images(parser, labels="needed")
    parser.add_argument(
        "--calibration", required=True, metavar="PATH",
        help=f"labelled, by which the assignment is chosen; --images only judge it; {IMAGES_HELP}",
    )  # fmt: skip
    parser.add_argument("--calibration-limit", type=count, metavar="N", help="the first N of them (all)")
    parser.add_argument("--skip", type=count, metavar="N", help="leave out the first N of --images")
    parser.add_argument(
        "--budget", default="accuracy=1.0", metavar="WHAT=AMOUNT",
        help="accuracy=POINTS of top-1 lost against the exact int8 network, or energy=SHARE of all layers exact "
        "(accuracy=1.0)",
    )  # fmt: skip
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="assignment to write, .json")
    parser.add_argument("--overwrite", action="store_true", help="replace outputs that exist")
    parser.add_argument(
        "--multipliers", nargs="+", metavar="NAME",
        help="to choose from, an exact one among them (all circuits of EvoApproxLib that serve the network)",
    )  # fmt: skip
    parser.add_argument(
        "--costs", metavar="CSV", help="columns name and cost of one multiplication, in any unit (published power)"
    )
    parser.add_argument(
        "--compensate", metavar="FILE",
        help="take back each layer's predicted mean and gain, and write the network that the assignment is for, .h5",
    )  # fmt: skip
    parser.add_argument("--statistics", metavar="FILE", help="from `axsim statistics` (gathered on --calibration)")
    parser.add_argument(
        "--sensitivity-images", type=count, default=64, metavar="N", help="of each injected run, four a layer (64)"
    )
    parser.add_argument("--runs", type=count, default=60, metavar="N", help="most bit-exact runs of --calibration (60)")
    parser.add_argument("--no-uniform", action="store_true", help="do not compare with one multiplier for all layers")
    parser.add_argument("--plot", metavar="FILE", help="write energy against top-1 lost as SVG")
    parser.add_argument("--store", metavar="FILE", help="finished runs, .jsonl; a stopped search goes on from them")


def run(given: argparse.Namespace) -> Result:
    """Assign, and write what was chosen."""
    from ..assignment.assign import Budget, assign
    from ..assignment.assignment_file import save_assignment
    from ..assignment.figures import pareto
    from ..assignment.text import assigned_data, assigned_text
    from ..files import check_output, replacing
    from ..images import load_images
    from ..line_store import LineStore
    from ..networks.network_file import save
    from ..presentation.charts import standalone
    from ..statistics.file import load_statistics
    from ..sweep.sources import code_digest

    sources = (given.network, given.images, given.labels, given.calibration, given.costs, given.statistics)
    outputs = [path for path in (given.output, given.compensate, given.plot) if path is not None]
    for path in outputs:
        check_output(path, given.overwrite, *sources, *(given.multipliers or ()), given.store)
    budget = Budget.parse(given.budget)
    display = ProgressDisplay()
    try:
        network, images = network_and_images(given, display)
        calibration = load_images(
            given.calibration, given.calibration_limit, network,
            label_offset=given.label_offset, skip_corrupt=given.skip_corrupt,
        )  # fmt: skip
        multipliers, costs = _candidates(given, network)
        memory = None
        if given.store is not None:
            memory = LineStore(given.store, "assignment", {"code": code_digest()})
        found = assign(
            network, images.after(given.skip), calibration, budget, multipliers=multipliers, costs=costs,
            compensated=given.compensate is not None,
            statistics=None if given.statistics is None else load_statistics(given.statistics, network),
            sensitivity_images=given.sensitivity_images, most_runs=given.runs, uniform=not given.no_uniform,
            memory=memory, phase=display.phase,
        )  # fmt: skip
    finally:
        display.close()
    save_assignment(found, given.output, given.overwrite)
    usage = f"axsim run {given.compensate or given.network} --images {given.images} --assignment {given.output}"
    lines = [assigned_text(found), "", f"{given.output}: {usage}"]
    if given.compensate is not None:
        save(found.network, given.compensate, given.overwrite)
        lines.append(f"{given.compensate}: the network for this assignment; with any other it is refused")
    if given.plot is not None:
        with replacing(given.plot, given.overwrite) as temporary:
            temporary.write_text(standalone(pareto(found)), encoding="utf-8")
        lines.append(f"{given.plot}: energy against top-1 lost")
    data = {**assigned_data(found), "output": given.output, "network_output": given.compensate, "plot": given.plot}
    return Result("\n".join(lines), data)


def _candidates(
    given: argparse.Namespace, network: "Network"
) -> "tuple[dict[str, Multiplier] | None, dict[str, float] | None]":
    """Return the multipliers to choose from and their costs, None for those that axsim has."""
    from ..assignment.problem import read_costs
    from ..multipliers.catalog import multiplier

    costs = None if given.costs is None else read_costs(given.costs)
    names = given.multipliers or (None if costs is None else list(costs))
    if names is None:
        return None, None
    if costs is not None:
        missing = [name for name in names if name not in costs]
        if missing:
            raise AxsimError(f"{given.costs}: must have a cost for each of --multipliers, {missing[0]} is missing")
    return {name: multiplier(name) for name in names}, costs
