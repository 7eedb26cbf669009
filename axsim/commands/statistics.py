"""Gather a network's operand statistics, from which any multiplier is then predicted in milliseconds."""

import argparse

from ..progress import ProgressDisplay
from .arguments import add_network_and_images, count, network_and_images
from .result import Result


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_network_and_images(parser, labels="unused")
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="statistics file to write, .h5")
    parser.add_argument("--overwrite", action="store_true", help="replace the output if it exists")
    parser.add_argument(
        "--sampled-pixels", type=count, default=512, metavar="N", help="columns of each layer kept whole (512)"
    )


def run(given: argparse.Namespace) -> Result:
    """Gather and save."""
    import os
    import time

    from ..files import check_output
    from ..statistics.file import save_statistics
    from ..statistics.measure import DENSE_TAPS, gather_statistics

    check_output(given.output, given.overwrite, given.network, given.images, given.labels)
    display = ProgressDisplay()
    try:
        network, images = network_and_images(given, display)
        start = time.perf_counter()
        progress = display.phase("operand statistics")
        statistics = gather_statistics(network, images.images, sampled_pixels=given.sampled_pixels, progress=progress)
    finally:
        display.close()
    seconds = time.perf_counter() - start
    save_statistics(statistics, given.output, given.overwrite)
    samples = [name for name, layer in statistics.layers.items() if not layer.has_covariances]
    left_out = [layer.name for layer in network.layers if layer.name not in statistics.layers]
    data = {
        "network": network.name,
        "network_sha256": network.digest,
        "output": given.output,
        "images": len(images),
        "layers": len(statistics.layers),
        "covariance_from_sampled_columns": samples,
        "left_out": left_out,
        "seconds": seconds,
        "bytes": os.path.getsize(given.output),
    }
    text = (
        f"{given.output}: operand statistics of the {len(statistics.layers)} layers of {network.name} on {len(images)} "
        f"images, gathered in {seconds:.1f} s, {data['bytes'] / 1e6:.1f} MB\n"
        f"bound to the network by its digest {network.digest[:12]}"
    )
    if samples:
        text += (
            f"\ncovariances of a sample of columns, as pixels were fewer than taps, or taps more than {DENSE_TAPS}: "
        )
        text += ", ".join(samples)
    if left_out:
        text += f"\nleft out, products of two activations, which have no weights: {', '.join(left_out)}"
    return Result(text, data)
