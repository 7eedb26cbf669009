"""Convert a float ONNX model to a quantized network."""

import argparse
import dataclasses
import os

from ..errors import AxsimError, ConversionError
from ..progress import ProgressDisplay
from .arguments import IMAGES_HELP, count, numbers
from .result import Result


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("model", help="float .onnx file")
    parser.add_argument("--images", required=True, metavar="FILE", help=f"to calibrate on; {IMAGES_HELP}")
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
    parser.add_argument("--limit", type=count, metavar="N", help="calibrate on the first N images")
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
    parser.add_argument("--name", help="name of the network (the model's file name)")
    parser.add_argument("--licence", help="licence of the model, kept in the file")
    parser.add_argument("--origin", help="where the model comes from, kept in the file")


def run(given: argparse.Namespace) -> Result:
    """Convert a float ONNX model."""
    from .. import engine, quantize
    from ..comparison import check_labels
    from ..files import check_readable, check_writable
    from ..images import load_images
    from ..network import Preprocessing
    from ..network_file import save
    from ..text import percent

    check_readable(given.model, ConversionError, "name a float .onnx model")
    target = check_writable(given.output, given.overwrite)
    if any(os.path.realpath(source) == target for source in (given.model, given.images)):
        raise AxsimError(f"output must be another file than what is read, got {given.output}")
    images = load_images(given.images, given.limit)
    channels = images.images.shape[3]
    recipe = Preprocessing(given.pixel_scale, given.mean or (0.0,) * channels, given.std or (1.0,) * channels)
    about = {key: value for key, value in (("origin", given.origin), ("licence", given.licence)) if value}
    display = ProgressDisplay()
    try:
        network = quantize.convert(
            given.model,
            images,
            recipe,
            scheme=given.scheme,
            method=given.calibration,
            name=given.name,
            about=about,
            progress=display.phase("calibration"),
        )
        top1 = None
        if images.labels is not None:
            check_labels(network, images)
            top1 = engine.run(network, images.images, progress=display.phase("int8 check")).top1(images.labels)
    finally:
        display.close()
    save(network, given.output, given.overwrite)
    weights = sum(layer.weight.size for layer in network.layers)
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
        "int8_top1_on_calibration_images": top1,
    }
    text = "\n".join(
        [
            f"{given.output}: {network.name}, {network.scheme} int8, {len(network.nodes)} nodes, "
            f"{len(network.layers)} layers with {weights} weights",
            f"input = (pixel / {recipe.pixel_scale:g} - mean) / std, mean {_listed(recipe.mean)}, "
            f"std {_listed(recipe.std)}",
            f"int8 top-1 on the {len(images)} calibration images: {percent(top1)}",
        ]
    )
    return Result(text, data)


def _listed(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:g}" for value in values)
