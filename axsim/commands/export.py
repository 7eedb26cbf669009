"""Write a network as an ONNX model in QDQ form, for any runtime."""

import argparse
import os

from .result import Result


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("network", help="network file, .h5, or the name of one that ships (axsim networks)")
    parser.add_argument("output", help="model to write, .onnx")
    parser.add_argument("--overwrite", action="store_true", help="replace the output if it exists")


def run(given: argparse.Namespace) -> Result:
    """Export a network."""
    from ..exporters.onnx import export
    from ..exporters.onnx_writer import OPSET
    from ..files import check_output
    from ..networks.network_file import load
    from ..networks.rounding import FIXED

    check_output(given.output, given.overwrite, given.network)
    network = load(given.network)
    export(network, given.output, given.overwrite)
    size = os.path.getsize(given.output)
    channels, height, width = network.input_shape
    text = [
        f"{given.output}: {network.name}, {network.scheme} int8 in QDQ form, opset {OPSET}, {size} bytes",
        f"input: float32 [N, {channels}, {height}, {width}], preprocessed: {network.preprocessing}",
        f"output: logits, float32 [N, {network.classes}]",
    ]
    if network.rounding in FIXED:
        text.append(
            f"runtimes of ONNX requantize in float32, not by this network's rule, {network.rounding}: some codes will "
            "differ"
        )
    if network.bound_to is not None:
        text.append(
            f"compensated for {network.bound_to[0]}: in a runtime of ONNX, whose products are exact, it undoes errors "
            "that are not there"
        )
    data = {
        "network": network.name,
        "output": given.output,
        "scheme": network.scheme,
        "rounding": network.rounding,
        "opset": OPSET,
        "bytes": size,
        "nodes": len(network.nodes),
    }
    return Result("\n".join(text), data)
