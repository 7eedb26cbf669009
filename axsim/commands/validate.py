"""Compare every layer's integers with ONNX Runtime's or LiteRT's, on the same images."""

import argparse
from typing import TYPE_CHECKING

from ..errors import NetworkError
from ..progress import ProgressDisplay
from .arguments import add_network_and_images, network_and_images, skipped_lines
from .result import Result

if TYPE_CHECKING:
    from ..validation.node_comparison import RuntimeComparison


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_network_and_images(parser, labels="unused")
    parser.add_argument(
        "--model",
        metavar="FILE",
        help="the quantized .onnx or .tflite model that the network was imported from; without it, ONNX Runtime runs "
        "the network's export",
    )


def run(given: argparse.Namespace) -> Result:
    """Validate a network; it fails where an integer differs."""
    from ..importers.tflite.model import is_tflite
    from ..validation.litert import validate_litert
    from ..validation.validate import validate

    display = ProgressDisplay()
    try:
        network, images = network_and_images(given, display)
        progress = display.phase("comparing")
        found: RuntimeComparison
        if given.model is not None and is_tflite(given.model):
            found = validate_litert(network, images.images, given.model, progress)
        else:
            found = validate(network, images.images, given.model, progress)
    finally:
        display.close()
    failure = None
    if not found.equal:
        failure = NetworkError(f"{found.differing} of {found.integers} integers differ from those of {found.runtime}")
    return Result("\n".join([*_lines(found), *skipped_lines(images)]), found.as_dict(), failure)


def _lines(found: "RuntimeComparison") -> list[str]:
    from ..networks.rounding import ROUNDINGS
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
    lines += found.remarks
    if found.not_compared:
        lines.append(f"no tensor in the model: {', '.join(found.not_compared)}")
    if "left_out" in network.about:
        lines.append(f"left out at the end: {network.about['left_out']}")
    return lines
