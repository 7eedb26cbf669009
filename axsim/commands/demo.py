"""Run the main job on a network and images that ship with axsim."""

import argparse
import dataclasses
import pathlib
from typing import TYPE_CHECKING

from ..errors import AxsimError
from ..progress import ProgressDisplay
from ..text import text_table
from .arguments import count
from .compare import comparison_result
from .result import Result

if TYPE_CHECKING:
    from ..images import ImageSet
    from ..networks.network import Network

DEFAULT = "resnet20-cifar10"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    from ..networks.shipped import NETWORKS

    parser.add_argument("--network", choices=sorted(NETWORKS), default=DEFAULT, help=f"one that ships ({DEFAULT})")
    parser.add_argument(
        "--images",
        type=count,
        metavar="N",
        help="images to classify, of those that ship for the network (500 at most with AVX-512, else 200)",
    )
    parser.add_argument(
        "--measured-images", type=count, metavar="N", help="images to measure error matrices on (16; 2 of photographs)"
    )
    parser.add_argument(
        "--report", metavar="FILE", help="HTML report (axsim-report.html; an earlier report is replaced)"
    )


def run(given: argparse.Namespace) -> Result:
    """Compare the demo's multipliers on a network and images that ship and write a report."""
    from ..demo import MULTIPLIERS, REPORT, SHOWN_CLASSES
    from ..images import load_images
    from ..inference.tier import tier
    from ..networks.network_file import load
    from ..networks.shipped import NETWORKS, shipped
    from ..presentation.report import may_replace

    report = pathlib.Path(given.report or REPORT)
    if not may_replace(report):
        raise AxsimError(f"cannot write {report}: it exists and is no axsim report; pass --report FILE")
    chosen = NETWORKS[given.network]
    network = load(chosen.path)
    # As many as the kernels of this CPU manage while one waits.
    images = load_images(shipped(chosen.images), given.images or (200 if tier() == "portable" else 500), network)
    few = len(images) <= SHOWN_CLASSES and chosen.name != DEFAULT
    measured_images = given.measured_images or (2 if few else 16)
    result = comparison_result(network, images, MULTIPLIERS, measured_images, report, True, layers=not few)
    return _with_classes(result, network, images) if few else result


def _with_classes(result: Result, network: "Network", images: "ImageSet") -> Result:
    """Add what each multiplier took each image for."""
    from ..demo import MULTIPLIERS, classes_by_multiplier
    from ..multipliers.catalog import multiplier

    display = ProgressDisplay()
    try:
        multipliers = [multiplier(name) for name in MULTIPLIERS]
        rows = classes_by_multiplier(network, images, multipliers, display.phase("classes"))
    finally:
        display.close()
    head = ["photograph of", "exact", *MULTIPLIERS]
    cells = [[row[0], *(f"{name}{' *' * (name == row[0])}" for name in row[1:])] for row in rows]
    text = f"Class of each image (* right):\n\n{text_table(head, cells, right_from=len(head))}\n\n{result.text}"
    classes = [dict(zip(head, row, strict=True)) for row in rows]
    return dataclasses.replace(result, text=text, data={**result.data, "classes": classes})
