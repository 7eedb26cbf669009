"""Run the main job on a network and images that ship with axsim."""

import argparse
import pathlib

from ..errors import AxsimError
from .arguments import count
from .compare import comparison_result
from .result import Result


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "--images", type=count, metavar="N", help="images to classify, 1000 at most (500 with AVX-512, else 200)"
    )
    parser.add_argument(
        "--measured-images", type=count, metavar="N", default=16, help="images to measure error matrices on (16)"
    )
    parser.add_argument(
        "--report", metavar="FILE", help="HTML report (axsim-report.html; an earlier report is replaced)"
    )


def run(given: argparse.Namespace) -> Result:
    """Compare the shipped network's multipliers on the shipped images and write a report."""
    from ..demo import IMAGES, MULTIPLIERS, NETWORK, REPORT, shipped
    from ..images import load_images
    from ..network_file import load
    from ..report import may_replace

    report = pathlib.Path(given.report or REPORT)
    if not may_replace(report):
        raise AxsimError(f"cannot write {report}: it exists and is no axsim report; pass --report FILE")
    from ..plan import tier

    # As many as the kernels of this CPU manage while one waits.
    images = load_images(shipped(IMAGES), given.images or (500 if tier() == "avx512" else 200))
    return comparison_result(load(shipped(NETWORK)), images, MULTIPLIERS, given.measured_images, report, True)
