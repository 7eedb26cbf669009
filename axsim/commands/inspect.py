"""Show what a network consists of and, beside its float model, how much each node loses to int8."""

import argparse
import dataclasses

from ..errors import AxsimError
from ..progress import ProgressDisplay
from ..text import text_table
from .arguments import add_images, check_fitting, fitting, images_for, skipped_lines
from .result import Result


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("network", help="network file, .h5, or the name of one that ships (axsim networks)")
    parser.add_argument(
        "--model",
        metavar="FILE",
        help="float .onnx model that it was converted from: adds signal-to-quantization-noise ratios, on --images",
    )
    add_images(parser, "for --model: ", required=False)


def run(given: argparse.Namespace) -> Result:
    """List the nodes, with their noise where the float model is given."""
    from ..networks.network_file import load
    from ..validation.quantization_noise import quantization_noise

    if (given.model is None) != (given.images is None):
        raise AxsimError("--model and --images must be given together: noise is measured on images")
    if given.model is not None:
        check_fitting(given)
    network = load(given.network)
    network = dataclasses.replace(network, preprocessing=fitting(given, network.preprocessing))
    noise, skipped = {}, []
    if given.model is not None:
        display = ProgressDisplay()
        try:
            images = images_for(network, given, True, display)
            found = quantization_noise(given.model, network, images.images, display.phase("noise"))
        finally:
            display.close()
        noise = {each.node: each for each in found}
        skipped = skipped_lines(images)
    first: tuple[str, ...] = ()
    nodes = [("input", "input", network.input, network.input_shape, first)]
    nodes += [(node.name, node.op, node.output, network.shapes[node.name], node.inputs) for node in network.nodes]
    data = [
        {
            "node": name,
            "op": op,
            "inputs": inputs,
            "shape": shape,
            **dataclasses.asdict(output),
            **({"sqnr": noise[name].network, "sqnr_own": noise[name].own} if name in noise else {}),
        }
        for name, op, output, shape, inputs in nodes
    ]
    head = ["node", "operator", "shape", "format", "scale", "zero point"]
    rows = [
        [name, op, " x ".join(map(str, shape)), output.format, f"{output.scale:.4g}", str(output.zero_point)]
        for name, op, output, shape, _ in nodes
    ]
    lines = [
        f"{network.name}: {network.scheme} int8, rounding {network.rounding}, {len(network.layers)} layers, "
        f"{network.weights} weights, {network.classes} classes",
        f"input: {network.preprocessing}",
        *(f"{key}: {value}" for key, value in network.about.items()),
        "",
    ]
    if noise:
        head += ["SQNR", "own"]
        for row in rows:
            each = noise.get(row[0])  # not of what the model does not have: constants, padding taken out
            row += ["", ""] if each is None else [f"{each.network:.1f} dB", f"{each.own:.1f} dB"]
        skipped = [
            "",
            f"Signal-to-quantization-noise ratio on {len(images)} images: of the node in the int8 network, and what "
            "rounding its output alone loses.",
            *skipped,
        ]
    about = {"network": network.name, "scheme": network.scheme, "rounding": network.rounding, **network.about}
    text = "\n".join([*lines, text_table(head, rows, right_from=4), *skipped])
    return Result(text, {**about, "preprocessing": dataclasses.asdict(network.preprocessing), "nodes": data})
