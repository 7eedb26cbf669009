"""Fold a multiplier's mean error and gain into a network's biases and scales: a network for that multiplier only."""

import argparse
import dataclasses
from typing import TYPE_CHECKING, Any, cast

from ..errors import AxsimError
from ..progress import ProgressDisplay
from .arguments import add_images, check_fitting, count, fitting, images_for
from .result import Result

if TYPE_CHECKING:
    from ..compensation import Way
    from ..multipliers.product_table import Multiplier
    from ..networks.network import Network

BEST = "best"
WAYS = (BEST, "predicted", "predicted-tuned", "layer", "layer-tuned", "network", "network-tuned")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("network", help="network file, .h5, or the name of one that ships (axsim networks)")
    parser.add_argument("--multiplier", required=True, metavar="NAME", help="that all layers will run through")
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="network file to write, .h5")
    parser.add_argument("--overwrite", action="store_true", help="replace the output if it exists")
    parser.add_argument(
        "--calibration", metavar="PATH", help="other images than --images, read as these; their labels are not used"
    )
    parser.add_argument("--calibration-limit", type=count, default=128, metavar="N", help="the first N of them (128)")
    parser.add_argument(
        "--statistics", metavar="FILE",
        help="from `axsim statistics`, for the predicted ways; with --calibration they are gathered there if not given",
    )  # fmt: skip
    parser.add_argument(
        "--way", choices=WAYS,
        help="predicted: mean and gain of each channel from the statistics; layer, network: measured layer by layer "
        "behind the compensated layers, brought back to the exact products of the layer's own inputs or to the exact "
        "network; -tuned: other weight codes too, at which the multiplier errs less; best: the one of predicted, "
        "predicted-tuned, layer-tuned and network-tuned, tried in turn until one is within 0.02 nats, that comes "
        "closest to the exact network on a quarter of --calibration, held out; where none helps, nothing is written "
        "(best; predicted-tuned without --calibration)",
    )  # fmt: skip
    add_images(parser, "report top-1 before, after and exact on these, labelled: ", required=False)


def run(given: argparse.Namespace) -> Result:
    """Compensate and save."""
    from ..comparison.compare import check_labels
    from ..files import check_output
    from ..inference.engine import run
    from ..multipliers.catalog import multiplier
    from ..networks.network_file import load, save
    from ..text import accuracy_text

    way = given.way or (BEST if given.calibration is not None else "predicted-tuned")
    if given.calibration is None and given.statistics is None:
        raise AxsimError("give --calibration, --statistics or both")
    if way.startswith("predicted") and given.statistics is None:
        raise AxsimError(f"--way {way} needs --statistics")
    if not way.startswith("predicted") and given.calibration is None:
        raise AxsimError(f"--way {way} needs --calibration")
    if given.images is None:
        for name, value in (("--limit", given.limit), ("--labels", given.labels)):
            if value is not None:
                raise AxsimError(f"{name} is of --images, which are not given; --calibration-limit takes the first N")
    check_fitting(given)
    sources = (given.network, given.multiplier, given.statistics, given.images, given.labels, given.calibration)
    check_output(given.output, given.overwrite, *sources)
    network, used = load(given.network), multiplier(given.multiplier)
    display = ProgressDisplay()
    data: dict[str, Any] = {"output": given.output, "multiplier": used.name, "table_sha256": used.digest}
    try:
        viewer = dataclasses.replace(network, preprocessing=fitting(given, network.preprocessing))
        images = None if given.images is None else images_for(viewer, given, False, display)
        if images is not None and images.labels is None:
            raise AxsimError(f"{given.images}: must have labels for a report of accuracy")
        if images is not None:
            check_labels(network, images)
        compensated, lines = _compensated(given, way, network, viewer, used, display, data)
        save(compensated, given.output, given.overwrite)
        lines.insert(0, f"{given.output}: {network.name} for {used.name} ({compensated.about['compensation']})")
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


def _compensated(
    given: argparse.Namespace,
    way: str,
    network: "Network",
    viewer: "Network",
    multiplier: "Multiplier",
    display: ProgressDisplay,
    data: dict[str, Any],
) -> "tuple[Network, list[str]]":
    """Compensate the way asked for, or choose one: the network, and lines on the choice, which go into data too."""
    from ..compensation import AS_IT_IS, compensate_best, compensated_by
    from ..images import load_images
    from ..statistics.file import load_statistics

    statistics = None if given.statistics is None else load_statistics(given.statistics, network)
    images = None
    if given.calibration is not None:
        images = load_images(
            given.calibration, given.calibration_limit, viewer, unlabelled=True, skip_corrupt=given.skip_corrupt
        ).images
    if way != BEST:
        made = compensated_by(cast("Way", way), network, multiplier, statistics, images, display.phase("compensation"))
        return made, []
    assert images is not None
    choice = compensate_best(network, multiplier, images, statistics, phase=display.phase)
    found = {name: each.divergence for name, each in choice.candidates.items()}
    data["way"], data["divergence_nats"], data["held_out_images"] = choice.way, found, choice.held_out
    shown = ", ".join(f"{name} {divergence:.3g}" for name, divergence in found.items())
    if choice.way == AS_IT_IS:
        raise AxsimError(
            f"no way brings {network.name} through {multiplier.name} closer to the exact network than chance might, on "
            f"the {choice.held_out} images held out (nats: {shown}); nothing written, use it as it is or name a --way"
        )
    return choice.network, [f"  chosen: {choice.way}, by {choice.held_out} images held out (nats: {shown})"]
