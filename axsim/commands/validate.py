"""Compare every layer's integers with LiteRT's reference kernels, on the same images."""

import argparse
from typing import TYPE_CHECKING

from ..errors import NetworkError
from ..progress import ProgressDisplay
from .arguments import add_network_and_images, network_and_images, skipped_lines
from .result import Result

if TYPE_CHECKING:
    from ..litert import LiteRTValidation


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_network_and_images(parser)
    parser.add_argument(
        "--model", required=True, metavar="FILE", help="the .tflite model that the network was imported from"
    )


def run(given: argparse.Namespace) -> Result:
    """Validate a network; it fails where an integer differs."""
    from ..litert import validate_litert

    display = ProgressDisplay()
    try:
        network, images = network_and_images(given, display)
        found = validate_litert(network, images.images, given.model, display.phase("comparing"))
    finally:
        display.close()
    failure = None
    if not found.equal:
        failure = NetworkError(f"{found.differing} of {found.integers} integers differ from those of {found.runtime}")
    return Result("\n".join([*_lines(found), *skipped_lines(images)]), found.as_dict(), failure)


def _lines(found: "LiteRTValidation") -> list[str]:
    from ..rounding import ROUNDINGS
    from ..text import text_table

    network = found.network
    rows = []
    for node in found.nodes:
        where = "equal"
        if node.first is not None:
            image, channel, row, column, ours, theirs = node.first
            where = f"image {image}, channel {channel}, row {row}, column {column}: {ours}, there {theirs}"
            where += "; arises here" if node.inputs_equal else ""
        cells = [str(node.integers), str(node.differing), str(node.largest), where]
        rows.append([node.node, node.op, *cells])
    head = ["node", "operator", "integers", "differing", "by at most", "first difference"]
    lines = [
        f"{network.name}, {network.scheme} int8, {found.images} images: axsim with exact products against "
        f"{found.runtime}",
        f"rounding rule {network.rounding}: {ROUNDINGS[network.rounding]}",
        "",
        text_table(head, rows, right_from=2),
        "",
        f"{found.integers - found.differing} of {found.integers} integers of {len(found.nodes)} tensors equal",
    ]
    if found.explanation:
        lines.append(found.explanation)
    if found.not_compared:
        lines.append(f"no tensor in the model: {', '.join(found.not_compared)}")
    if "left_out" in network.about:
        lines.append(f"left out at the end: {network.about['left_out']}")
    return lines
