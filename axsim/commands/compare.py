"""Measured beside predicted, for several multipliers."""

import argparse
from typing import TYPE_CHECKING, Any

from ..progress import ProgressDisplay
from .arguments import add_network_and_images, count, network_and_images, skipped_lines
from .result import Result, written_report

if TYPE_CHECKING:
    from ..images import ImageSet
    from ..networks.network import Network


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_network_and_images(parser)
    parser.add_argument(
        "--multipliers", nargs="+", required=True, metavar="NAME", help="for example drum:k=4 mul8u_FTA mine.v"
    )
    parser.add_argument(
        "--measured-images", type=count, metavar="N", default=16, help="images to measure error matrices on (16)"
    )
    parser.add_argument("--report", metavar="FILE", help="write an HTML report")
    parser.add_argument("--overwrite", action="store_true", help="replace the report if it exists")


def run(given: argparse.Namespace) -> Result:
    """Compare multipliers on a network and images of the user's."""
    from ..files import check_output

    if given.report is not None:
        check_output(given.report, given.overwrite, given.network, given.images, given.labels, *given.multipliers)
    display = ProgressDisplay()
    try:
        network, images = network_and_images(given, display)
    finally:
        display.close()
    return comparison_result(network, images, given.multipliers, given.measured_images, given.report, given.overwrite)


def comparison_result(
    network: "Network",
    images: "ImageSet",
    names: Any,
    measured_images: int,
    report: Any,
    overwrite: bool,
    layers: bool = True,
) -> Result:
    """Compare, and write a report if its path is given; `layers`: print every layer's norms too."""
    from ..comparison.compare import compare
    from ..files import check_writable
    from ..multipliers.catalog import multiplier
    from ..presentation.report import write_report
    from ..text import comparison_text

    if report is not None:
        check_writable(report, overwrite)
    display = ProgressDisplay()
    try:
        comparison = compare(
            network, images, [multiplier(name) for name in names], measured_images=measured_images, phase=display.phase
        )
    finally:
        display.close()
    written, report_data, failure = written_report(lambda: write_report(comparison, report, overwrite), report)
    data = {**comparison.as_dict(), "skipped": images.skipped, **report_data}
    lines = [comparison_text(comparison, layers), *written, *skipped_lines(images)]
    return Result("\n".join(lines), data, failure)
