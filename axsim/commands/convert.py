"""Convert an ONNX model, float or quantized, or a fully integer TFLite model, to a network."""

import argparse
import dataclasses
from typing import TYPE_CHECKING

from ..errors import AxsimError, ConversionError
from ..progress import ProgressDisplay
from .arguments import add_images, fitting, images_for, numbers, skipped_lines
from .result import Result

if TYPE_CHECKING:
    from ..images import ImageSet
    from ..networks.network import Network
    from ..networks.preprocessing import Preprocessing


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "model",
        help="float .onnx file; or a quantized .onnx (QDQ or QOperator) or fully integer .tflite file, which is taken "
        "code by code and needs no images",
    )
    add_images(parser, "to calibrate on: ", required=False)
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="network file to write, .h5")
    parser.add_argument("--overwrite", action="store_true", help="replace the output if it exists")
    parser.add_argument(
        "--scheme",
        choices=("symmetric", "affine"),
        help="symmetric: s8, zero points 0; affine: u8 activations with zero points (symmetric)",
    )
    parser.add_argument(
        "--calibration",
        choices=("minmax", "percentile", "mse"),
        help="rule for activation ranges (mse); minmax reads the images once instead of twice",
    )
    parser.add_argument(
        "--pixel-scale",
        type=float,
        metavar="S",
        help="the model's input is (pixel / S - mean) / std (255); of a .tflite model it is the pixel itself, less 128 "
        "where it is INT8, unless one of these three is given",
    )
    parser.add_argument(
        "--mean",
        type=numbers,
        metavar="M,...",
        help="one a channel, after the division by S (0); --mean=-1,-1,-1 where it begins with a minus",
    )
    parser.add_argument("--std", type=numbers, metavar="S,...", help="one a channel (1)")
    parser.add_argument(
        "--equalization",
        action="store_true",
        help="even out the channels that share a scale, where relus allow it: for networks whose channels differ much "
        "in size, as without batch normalisation; SQNRs of `axsim inspect --model` say whether it helps",
    )
    parser.add_argument(
        "--relu-shift",
        action="store_true",
        help="store outputs of relus with their middle at zero, where what reads them allows it: all codes of the "
        "symmetric scheme are used then and not half. For exact products: 0 is the code -127, which approximate "
        "multipliers get wrong more than a 0 (SqueezeNet 1.1 with drum:k=4: top-1 0 %% instead of 57 %%)",
    )
    parser.add_argument(
        "--no-bias-correction",
        action="store_true",
        help="leave in each bias what rounding the weights adds on average, on the images",
    )
    parser.add_argument(
        "--drop-background", action="store_true", help="remove class 0, the background of TensorFlow's 1001"
    )
    parser.add_argument(
        "--rounding",
        choices=("onnxruntime", "float", "fixed", "litert"),
        help="rule by which results become codes; of .onnx models onnxruntime: as ONNX Runtime's kernels, float: "
        "as the operators of ONNX (onnxruntime); of .tflite models litert: as LiteRT's reference kernels, "
        "fixed: the same, but fully connected layers too by int32 multiplier and shift, as TFLite Micro (litert)",
    )
    parser.add_argument("--name", help="name of the network (the model's file name)")
    parser.add_argument("--licence", help="licence of the model, kept in the file")
    parser.add_argument("--origin", help="where the model comes from, kept in the file")


def run(given: argparse.Namespace) -> Result:
    """Convert a model, quantizing it where it is float."""
    from ..comparison.compare import check_labels
    from ..files import check_output, check_readable
    from ..inference import engine
    from ..networks.network_file import save
    from ..text import accuracy_text

    check_readable(given.model, ConversionError, "name an .onnx or a fully integer .tflite model")
    check_output(given.output, given.overwrite, given.model, given.images, given.labels)
    kind = _kind(given.model)
    _check_rounding(given.rounding, kind)
    display = ProgressDisplay()
    try:
        network, images = (_quantized if kind == "float" else _imported)(given, display)
        measured = None
        if images is not None and images.labels is not None:
            check_labels(network, images)
            check = engine.run(network, images.images, progress=display.phase("int8 check"))
            measured = check.accuracy(images.labels)
    finally:
        display.close()
    save(network, given.output, given.overwrite)
    data = {
        "network": network.name,
        "model": kind,
        "output": given.output,
        "scheme": network.scheme,
        "rounding": network.rounding,
        "calibration": network.about.get("calibration"),
        "left_out": network.about.get("left_out"),
        "nodes": len(network.nodes),
        "layers": len(network.layers),
        "weights": network.weights,
        "preprocessing": dataclasses.asdict(network.preprocessing),
        "calibration_images": 0 if images is None else len(images),
        "skipped": () if images is None else images.skipped,
        "int8_top1_on_calibration_images": measured and measured.top1,
    }
    lines = [
        f"{given.output}: {network.name}, {network.scheme} int8, rounding {network.rounding}, "
        f"{len(network.nodes)} nodes, {len(network.layers)} layers with {network.weights} weights",
        f"input: {network.preprocessing}",
    ]
    if "left_out" in network.about:
        lines.append(f"left out at the end: {network.about['left_out']}")
    if images is not None:
        which = "calibration images" if kind == "float" else "images"
        lines += [f"on the {len(images)} {which}: {accuracy_text(measured)}", *skipped_lines(images)]
    return Result("\n".join(lines), data)


def _kind(path: str) -> str:
    """Kind of model that a file holds: "tflite", "quantized" ONNX or "float"."""
    from ..importers.tflite.model import is_tflite

    if is_tflite(path):
        return "tflite"
    from ..importers.quantized_onnx import holds_integers

    return "quantized" if holds_integers(path) else "float"


def _check_rounding(rounding: str | None, kind: str) -> None:
    allowed = ("fixed", "litert") if kind == "tflite" else ("onnxruntime", "float")
    if rounding not in (None, *allowed):
        suffix = "tflite" if kind == "tflite" else "onnx"
        raise AxsimError(f"--rounding must be {' or '.join(allowed)} for an .{suffix} model, got {rounding}")


def _quantized(given: argparse.Namespace, display: ProgressDisplay) -> "tuple[Network, ImageSet]":
    """Quantize a float ONNX model; the images that it was calibrated on."""
    from ..conversion.calibrate import DEFAULT_METHOD
    from ..conversion.convert import convert, model_input

    if given.images is None:
        raise AxsimError("--images must be given for a float model, to calibrate on")
    model = model_input(given.model, lambda channels: _recipe(given, channels), given.drop_background)
    images = images_for(model, given, True, display)
    network = convert(
        given.model,
        images,
        model.preprocessing,
        scheme=given.scheme or "symmetric",
        method=given.calibration or DEFAULT_METHOD,
        rounding=given.rounding or "onnxruntime",
        equalization=given.equalization,
        relu_shift=given.relu_shift,
        bias_correction=not given.no_bias_correction,
        drop_background=given.drop_background,
        name=given.name,
        about=_about(given),
        progress=display.phase("calibration"),
    )
    return network, images


def _imported(given: argparse.Namespace, display: ProgressDisplay) -> "tuple[Network, ImageSet | None]":
    """Take over a quantized model; images that it shall be tried on."""
    from ..inference.engine import check_images

    kind = _kind(given.model)
    for name in ("scheme", "calibration", "equalization", "relu_shift", "no_bias_correction", "drop_background"):
        if getattr(given, name):
            suffix = "a .tflite model" if kind == "tflite" else "this model"
            raise AxsimError(f"--{name.replace('_', '-')} is for float models; {suffix} is quantized already")
    network = (_from_tflite if kind == "tflite" else _from_onnx)(given)
    network = dataclasses.replace(network, preprocessing=fitting(given, network.preprocessing))
    if given.images is None:
        return network, None
    images = images_for(network, given, True, display)
    check_images(network, images.images)
    return network, images


def _from_tflite(given: argparse.Namespace) -> "Network":
    from ..importers.tflite import convert_tflite

    recipe = None
    if _states_numbers(given):
        recipe = _recipe(given, max(len(given.mean or ()), len(given.std or ()), 1))
    return convert_tflite(
        given.model, recipe, rounding=given.rounding or "litert", name=given.name, about=_about(given)
    )


def _from_onnx(given: argparse.Namespace) -> "Network":
    """Preprocessing as stated, else as an export by axsim states it, else the defaults."""
    from ..importers.quantized_onnx import read_quantized

    network = read_quantized(
        given.model,
        lambda channels, known: known if known and not _states_numbers(given) else _recipe(given, channels),
        given.name,
        _about(given),
    ).network
    return dataclasses.replace(network, rounding=given.rounding or network.rounding)


def _states_numbers(given: argparse.Namespace) -> bool:
    return (given.pixel_scale, given.mean, given.std) != (None, None, None)


def _about(given: argparse.Namespace) -> dict[str, str]:
    return {key: value for key, value in (("origin", given.origin), ("licence", given.licence)) if value}


def _recipe(given: argparse.Namespace, channels: int) -> "Preprocessing":
    from ..networks.preprocessing import Preprocessing

    pixel_scale = 255.0 if given.pixel_scale is None else given.pixel_scale
    numbers = Preprocessing(pixel_scale, given.mean or (0.0,) * channels, given.std or (1.0,) * channels)
    return fitting(given, numbers)
