"""Predict and measure many multipliers on a network; can be stopped and taken up again."""

import argparse
from typing import TYPE_CHECKING, Any

from ..errors import AxsimError
from ..progress import ProgressDisplay
from .arguments import add_network_and_images, count, network_and_images
from .result import Result, written_report

if TYPE_CHECKING:
    from ..multipliers.product_table import Multiplier
    from ..networks.network import Network

CALIBRATION = 128  # images, unless told


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_network_and_images(parser, labels="needed")
    parser.add_argument(
        "--statistics", required=True, metavar="FILE", help="of the network, on other images: from `axsim statistics`"
    )
    parser.add_argument(
        "--store", required=True, metavar="FILE", help="finished rows, .jsonl; a stopped study goes on from them"
    )
    parser.add_argument(
        "--multipliers",
        nargs="+",
        metavar="NAME",
        help="(all circuits and examples of families that serve the network)",
    )
    parser.add_argument(
        "--measured-images", type=count, metavar="N", default=100, help="images to measure error matrices on (100)"
    )
    parser.add_argument(
        "--calibration",
        metavar="FILE",
        help="compensate each multiplier too, as these images decide (`axsim compensate`); from the first 32 of them, "
        "without it of --images, errors are predicted layer by layer",
    )
    parser.add_argument("--calibration-limit", type=count, metavar="N", help="the first N of them (128)")
    parser.add_argument(
        "--layer-by-layer",
        choices=("all", "judged", "none"),
        default="judged",
        help="for which multipliers errors are also predicted layer by layer and injected, the dearest part: all, "
        "none, or judged: those that lose 0.5 to 60 points of top-1, by which predictions are judged (judged)",
    )
    parser.add_argument("--report", metavar="FILE", help="write an HTML report")
    parser.add_argument("--overwrite", action="store_true", help="replace the report if it exists")


def run(given: argparse.Namespace) -> Result:
    """Study a network."""
    from ..files import check_output
    from ..images import load_images
    from ..multipliers.catalog import multiplier
    from ..statistics.file import load_statistics
    from ..study import findings, study, write_study_report
    from ..study.text import study_data, study_text

    if given.calibration is None and given.calibration_limit is not None:
        raise AxsimError(
            "--calibration-limit is of --calibration, which is not given; --limit takes the first N images"
        )
    if given.report is not None:
        sources = (given.network, given.images, given.labels, given.calibration, given.statistics, given.store)
        check_output(given.report, given.overwrite, *sources, *(given.multipliers or ()))
    display = ProgressDisplay()
    try:
        network, images = network_and_images(given, display)
        used = [multiplier(name) for name in given.multipliers] if given.multipliers else serving(network)
        calibration = None
        if given.calibration is not None:
            calibration = load_images(
                given.calibration,
                given.calibration_limit or CALIBRATION,
                network,
                unlabelled=True,
                skip_corrupt=given.skip_corrupt,
            ).images
        found = study(
            network, load_statistics(given.statistics, network), images, used, given.store,
            measured_images=given.measured_images, calibration=calibration, layer_by_layer=given.layer_by_layer,
            phase=display.phase,
        )  # fmt: skip
    finally:
        display.close()
    summary = findings(found)
    lines, report, failure = written_report(
        lambda: write_study_report(found, summary, given.report, given.overwrite), given.report
    )
    data: dict[str, Any] = {**study_data(found, summary), "store": given.store, **report}
    return Result("\n\n".join([study_text(found, summary), *lines]), data, failure)


def serving(network: "Network") -> "list[Multiplier]":
    """All listed multipliers but the exact one that serve every layer of the network; equal tables once."""
    from ..multipliers.catalog import multiplier, names

    formats = {network.operands(layer) for layer in network.layers}
    found: dict[str, Multiplier] = {}
    for name in names():
        each = multiplier(name)
        if not each.is_exact and all(each.serves(*pair) for pair in formats):
            found.setdefault(each.digest, each)
    return list(found.values())
