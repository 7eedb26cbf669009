"""Run an error-configurable multiplier in a systolic array: its Verilog, tile by tile, and the whole network."""

import argparse
import dataclasses
from typing import TYPE_CHECKING, Any

from ..errors import AxsimError
from ..progress import ProgressDisplay
from .arguments import add_accumulator, add_images, check_fitting, count, fitting, images_for
from .result import Result, written_report

if TYPE_CHECKING:
    from ..hardware.array import Configuration

NETWORK = "resnet20-cifar10"
IMAGES = 500


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "--network", default=NETWORK, help=f"network file, .h5, or the name of one that ships ({NETWORK})"
    )
    add_images(parser, f"labelled ({IMAGES} of those that ship with {NETWORK}): ", required=False)
    parser.add_argument(
        "--configurations",
        nargs="+",
        metavar="C,T",
        help="correction constant in units of 1/128, 0 to 127, and fraction bits cut, 0 to 5: such as 10,0 (14 pairs)",
    )
    parser.add_argument(
        "--layers",
        nargs="+",
        metavar="LAYER",
        help="whose tiles are simulated, or `all` (the three of fewest products)",
    )
    parser.add_argument("--size", type=int, default=8, metavar="N", help="rows and columns of the mesh, 4 to 16 (8)")
    add_accumulator(parser, bits=20, taps=False)
    parser.add_argument(
        "--simulator", default="icarus", metavar="icarus|verilator", help="Icarus Verilog is the default"
    )
    parser.add_argument("--tile-images", type=count, default=1, metavar="N", help="first images to simulate (1)")
    parser.add_argument(
        "--measured-images", type=count, default=64, metavar="N", help="images to measure error matrices on (64)"
    )
    parser.add_argument("--no-placement", action="store_true", help="leave out area and frequency on FPGAs")
    parser.add_argument("--report", metavar="FILE", help="write an HTML report")
    parser.add_argument("--overwrite", action="store_true", help="replace the report, or the Verilog, if it exists")
    parser.add_argument("--rtl", metavar="DIR", help="only write the array's Verilog and its test bench into a folder")


def run(given: argparse.Namespace) -> Result:
    """Run the case study, or write its Verilog."""
    if given.rtl is not None:
        return _write_verilog(given)
    from ..casestudy import CONFIGURATIONS, case_study, findings, write_case_report
    from ..casestudy.text import case_data, case_text
    from ..files import check_output
    from ..hardware.array.tiles import runnable
    from ..networks.network_file import load
    from ..networks.shipped import NETWORKS, shipped

    configurations = [_configuration(text) for text in given.configurations or ()] or list(CONFIGURATIONS)
    if given.report is not None:
        check_output(given.report, given.overwrite, given.network, given.images, given.labels)
    network = load(given.network)
    if given.images is None:
        if given.network not in NETWORKS:
            raise AxsimError(f"--images must be given for {given.network}: none ship with it")
        given.images = shipped(NETWORKS[given.network].images)
        given.limit = given.limit or IMAGES
    check_fitting(given)
    display = ProgressDisplay()
    try:
        viewer = dataclasses.replace(network, preprocessing=fitting(given, network.preprocessing))
        images = images_for(viewer, given, False, display)
        found = case_study(
            network,
            images,
            configurations,
            runnable(network) if given.layers == ["all"] else given.layers,
            size=given.size,
            accumulator_bits=given.accumulator_bits,
            overflow=given.overflow,
            simulator=given.simulator,
            tile_images=given.tile_images,
            measured_images=given.measured_images,
            place=not given.no_placement,
            phase=display.phase,
        )
    finally:
        display.close()
    summary = findings(found)
    lines, report, failure = written_report(
        lambda: write_case_report(found, summary, given.report, given.overwrite), given.report
    )
    data: dict[str, Any] = {**case_data(found, summary), **report}
    return Result("\n\n".join([case_text(found, summary), *lines]), data, failure)


def _configuration(text: str) -> "Configuration":
    from ..hardware.array import Configuration

    try:
        correction, cut = map(int, text.split(","))
    except ValueError:
        raise AxsimError(f"--configurations must be pairs of whole numbers such as 10,0, got {text!r}") from None
    return Configuration(correction, cut)


def _write_verilog(given: argparse.Namespace) -> Result:
    from ..hardware.array import write_verilog
    from ..hardware.array.sources import TEST_BENCH, TOP

    paths = write_verilog(given.rtl, given.overwrite)
    lines = [
        f"Weight-stationary systolic array, module {TOP}; its test bench, module {TEST_BENCH}, says what it reads:",
        *(f"  {path}" for path in paths),
    ]
    return Result("\n".join(lines), {"top": TOP, "test_bench": TEST_BENCH, "files": paths})
