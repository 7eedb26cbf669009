"""Run images through a network and a multiplier."""

import argparse
import dataclasses
from typing import TYPE_CHECKING, Any

from ..errors import NetworkError
from ..progress import ProgressDisplay
from ..text import text_table
from .arguments import add_accumulator, add_network_and_images, count, network_and_images, skipped_lines
from .result import Result

if TYPE_CHECKING:
    from ..multipliers.product_table import Multiplier
    from ..networks.network import Network


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_network_and_images(parser)
    parser.add_argument("--multiplier", default="exact", metavar="NAME", help="for all layers (exact)")
    parser.add_argument(
        "--layer",
        action="append",
        default=[],
        metavar="LAYER=NAME",
        dest="layers",
        help="another multiplier for one layer; may be repeated",
    )
    parser.add_argument("--assignment", metavar="FILE", help="the multiplier of each layer, from `axsim assign`")
    parser.add_argument(
        "--statistics", action="store_true", help="error matrix norms of each layer, on this run's inputs"
    )
    add_accumulator(parser)
    parser.add_argument("--batch-size", type=count, metavar="N", help="images computed at a time (bounded by memory)")


def run(given: argparse.Namespace) -> Result:
    """Run a network."""
    from ..inference import engine
    from ..text import accuracy_text

    display = ProgressDisplay()
    try:
        network, images = network_and_images(given, display)
        chosen = _multipliers(network, given)
        result = engine.run(
            network,
            images.images,
            chosen,
            statistics=given.statistics,
            batch_size=given.batch_size,
            progress=display.phase(given.multiplier),
            accumulator_bits=given.accumulator_bits,
            overflow=given.overflow,
            accumulator_taps=given.accumulator_taps,
        )
    finally:
        display.close()
    measured = None if images.labels is None else result.accuracy(images.labels)
    layers: list[dict[str, Any]] = [
        {
            "layer": name,
            "multiplier": chosen[name].name,
            "error_norm": statistics.errors.norm,
            "exact_norm": statistics.errors.exact_norm,
            "mean_error": statistics.errors.mean_error,
            "distortion": statistics.errors.distortion,
        }
        for name, statistics in result.statistics.items()
    ]
    data = {
        "network": network.name,
        "scheme": network.scheme,
        "rounding": network.rounding,
        "images": len(images),
        "skipped": images.skipped,
        "accumulator": dataclasses.asdict(result.accumulator),
        "top1": measured and measured.top1,
        "top1_interval_95": measured and measured.top1_interval,
        "top5": measured and measured.top5,
        "top5_interval_95": measured and measured.top5_interval,
        "steps": [dataclasses.asdict(step) for step in result.steps],
        "predictions": result.logits.argmax(axis=1).tolist(),
        **({"statistics": layers} if given.statistics else {}),
    }
    used: dict[str, list[str]] = {}
    for step in result.steps:
        used.setdefault(step.multiplier, []).append(step.node)
    lines = [f"{network.name}, {network.scheme} int8, {len(images)} images: {accuracy_text(measured)}"]
    if result.accumulator != engine.EXACT_SUMS:
        lines.append(f"  accumulators of {result.accumulator}")
    lines += skipped_lines(images)
    lines += [
        f"  {name}: {len(nodes)} {'node' if len(nodes) == 1 else 'nodes'} ({', '.join(nodes)})"
        for name, nodes in used.items()
    ]
    if given.statistics:
        rows = [
            [
                row["layer"],
                f"{row['error_norm']:.4g}",
                f"{row['exact_norm']:.4g}",
                f"{row['mean_error']:.4g}",
                f"{row['distortion']:.2e}",
            ]
            for row in layers
        ]
        lines += [
            "",
            "Error matrix of each layer, on the inputs of this run (LSB of the sums):",
            "",
            text_table(["layer", "norm(E)", "norm(C)", "mean of E", "distortion"], rows),
        ]
    return Result("\n".join(lines), data)


def _multipliers(network: "Network", given: argparse.Namespace) -> "dict[str, Multiplier]":
    """Return the multiplier of each layer, by its name: of --layer, of the assignment, or that for all."""
    from ..assignment.assignment_file import load_assignment
    from ..multipliers.catalog import multiplier

    chosen = {layer.name: multiplier(given.multiplier) for layer in network.layers}
    if given.assignment is not None:
        chosen |= load_assignment(given.assignment, network)
    for item in given.layers:
        # A layer's name may hold an equals sign itself.
        layer = max((name for name in chosen if item.startswith(name + "=")), key=len, default=None)
        if layer is None:
            raise NetworkError(
                f"--layer must be LAYER=NAME with a layer of the network ({', '.join(chosen)}), got {item!r}"
            )
        chosen[layer] = multiplier(item[len(layer) + 1 :])
    return chosen
