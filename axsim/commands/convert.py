"""Convert a float ONNX model to a quantized network."""

import argparse
import dataclasses
import os
from typing import TYPE_CHECKING

from ..errors import AxsimError, ConversionError
from ..progress import ProgressDisplay
from .arguments import add_images, fitting, images_for, numbers, skipped_lines
from .result import Result

if TYPE_CHECKING:
    from ..preprocessing import Preprocessing


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("model", help="float .onnx file")
    add_images(parser, "to calibrate on: ")
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="network file to write, .h5")
    parser.add_argument("--overwrite", action="store_true", help="replace the output if it exists")
    parser.add_argument(
        "--scheme",
        choices=("symmetric", "affine"),
        default="symmetric",
        help="symmetric: s8, zero points 0; affine: u8 activations with zero points (symmetric)",
    )
    parser.add_argument(
        "--calibration",
        choices=("minmax", "percentile", "mse"),
        default="minmax",
        help="rule for activation ranges (minmax)",
    )
    parser.add_argument(
        "--pixel-scale",
        type=float,
        default=255.0,
        metavar="S",
        help="the model's input is (pixel / S - mean) / std (255)",
    )
    parser.add_argument(
        "--mean",
        type=numbers,
        metavar="M,...",
        help="one a channel, after the division by S (0); --mean=-1,-1,-1 where it begins with a minus",
    )
    parser.add_argument("--std", type=numbers, metavar="S,...", help="one a channel (1)")
    parser.add_argument(
        "--drop-background", action="store_true", help="remove class 0, the background of TensorFlow's 1001"
    )
    parser.add_argument("--name", help="name of the network (the model's file name)")
    parser.add_argument("--licence", help="licence of the model, kept in the file")
    parser.add_argument("--origin", help="where the model comes from, kept in the file")


def run(given: argparse.Namespace) -> Result:
    """Convert a float ONNX model."""
    from .. import engine, quantize
    from ..comparison import check_labels
    from ..files import check_readable, check_writable
    from ..network_file import save
    from ..text import accuracy_text

    check_readable(given.model, ConversionError, "name a float .onnx model")
    target = check_writable(given.output, given.overwrite)
    if any(os.path.realpath(source) == target for source in (given.model, given.images)):
        raise AxsimError(f"output must be another file than what is read, got {given.output}")
    about = {key: value for key, value in (("origin", given.origin), ("licence", given.licence)) if value}
    display = ProgressDisplay()
    try:
        model = quantize.model_input(given.model, lambda channels: _recipe(given, channels), given.drop_background)
        recipe = model.preprocessing
        images = images_for(model, given, True, display)
        network = quantize.convert(
            given.model,
            images,
            recipe,
            scheme=given.scheme,
            method=given.calibration,
            drop_background=given.drop_background,
            name=given.name,
            about=about,
            progress=display.phase("calibration"),
        )
        measured = None
        if images.labels is not None:
            check_labels(network, images)
            check = engine.run(network, images.images, progress=display.phase("int8 check"))
            measured = check.accuracy(images.labels)
    finally:
        display.close()
    save(network, given.output, given.overwrite)
    weights = network.weights
    data = {
        "network": network.name,
        "output": given.output,
        "scheme": network.scheme,
        "rounding": network.rounding,
        "calibration": given.calibration,
        "nodes": len(network.nodes),
        "layers": len(network.layers),
        "weights": weights,
        "preprocessing": dataclasses.asdict(recipe),
        "calibration_images": len(images),
        "skipped": images.skipped,
        "int8_top1_on_calibration_images": measured and measured.top1,
    }
    text = "\n".join(
        [
            f"{given.output}: {network.name}, {network.scheme} int8, {len(network.nodes)} nodes, "
            f"{len(network.layers)} layers with {weights} weights",
            f"input: {recipe}",
            f"on the {len(images)} calibration images: {accuracy_text(measured)}",
            *skipped_lines(images),
        ]
    )
    return Result(text, data)


def _recipe(given: argparse.Namespace, channels: int) -> "Preprocessing":
    from ..preprocessing import Preprocessing

    numbers = Preprocessing(given.pixel_scale, given.mean or (0.0,) * channels, given.std or (1.0,) * channels)
    return fitting(given, numbers)
