"""Fold a multiplier's mean error and gain into a network's biases and scales: a network for that multiplier only."""

import argparse

from ..errors import AxsimError
from ..progress import ProgressDisplay
from .arguments import IMAGES_HELP, count
from .result import Result


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("network", help="network file, .h5, or the name of one that ships (axsim networks)")
    parser.add_argument("--multiplier", required=True, metavar="NAME", help="that all layers will run through")
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="network file to write, .h5")
    parser.add_argument("--overwrite", action="store_true", help="replace the output if it exists")
    parser.add_argument(
        "--statistics", metavar="FILE", help="from `axsim statistics`: predict each channel's mean and gain from it"
    )
    parser.add_argument(
        "--calibration", metavar="FILE",
        help=f"layer by layer behind the compensated layers, labels not used; {IMAGES_HELP}",
    )  # fmt: skip
    parser.add_argument("--calibration-limit", type=count, default=128, metavar="N", help="the first N of them (128)")
    parser.add_argument(
        "--target", choices=("network", "layer"), default="network",
        help="with --calibration: bring channels back to the exact network, or to exact products (network)",
    )  # fmt: skip
    parser.add_argument(
        "--tune-weights", action="store_true",
        help="choose other weight codes too, at which the multiplier's products come closer to the exact ones",
    )  # fmt: skip
    parser.add_argument("--images", metavar="FILE", help="labelled: report top-1 before, after and exact")
    parser.add_argument("--limit", type=count, metavar="N", help="use the first N of --images")


def run(given: argparse.Namespace) -> Result:
    """Compensate and save."""
    from ..compensation import compensate
    from ..files import check_output
    from ..images import load_images
    from ..inference.engine import run
    from ..multipliers.catalog import multiplier
    from ..networks.network_file import load, save
    from ..statistics.file import load_statistics
    from ..text import accuracy_text

    if (given.statistics is None) == (given.calibration is None):
        raise AxsimError("give either --statistics or --calibration")
    sources = (given.network, given.multiplier, given.statistics, given.calibration, given.images)
    check_output(given.output, given.overwrite, *sources)
    network, used = load(given.network), multiplier(given.multiplier)
    display = ProgressDisplay()
    try:
        statistics = calibration = None
        if given.statistics is not None:
            statistics = load_statistics(given.statistics, network)
        else:
            calibration = load_images(given.calibration, given.calibration_limit, network)
        images = None if given.images is None else load_images(given.images, given.limit, network)
        if images is not None and images.labels is None:
            raise AxsimError(f"{given.images}: must have labels for a report of accuracy")
        compensated = compensate(
            network, used, statistics, images=None if calibration is None else calibration.images,
            target=given.target, tuned=given.tune_weights, progress=display.phase("compensation"),
        )  # fmt: skip
        save(compensated, given.output, given.overwrite)
        lines = [f"{given.output}: {network.name} for {used.name} ({compensated.about['compensation']})"]
        data = {"output": given.output, "multiplier": used.name, "table_sha256": used.digest}
        data["compensation"] = compensated.about["compensation"]
        if images is not None and images.labels is not None:
            for words, one, through in (
                ("before", network, used), ("after", compensated, used), ("exact", network, None),
            ):  # fmt: skip
                measured = run(one, images.images, through, progress=display.phase(words)).accuracy(images.labels)
                lines.append(f"  {words:<8}{accuracy_text(measured)}")
                data[words] = {"top1": measured.top1, "top1_interval_95": measured.top1_interval}
            data["images"] = len(images)
    finally:
        display.close()
    lines.append(f"bound to {used.name} by its table: with any other multiplier it is refused")
    return Result("\n".join(lines), data)
