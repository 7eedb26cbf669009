"""Top-1 of every network at hand: float in ONNX Runtime beside int8 with exact products, on the same labelled images.

Run from the checkout: python tests/bench/accuracy.py [--only WORDS] [--scheme S] [--method M] [--limit N]. Needs the
test-data folder (shared_data.py) and onnxruntime. Networks are converted as `axsim convert` does unasked, but
calibrated on 250 of the 1,000 training images at hand, evenly spread (--calibrate). Accuracy is on all the test images
at hand: 10,000 of CIFAR-10; 650 and 1,000 for ImageNet. Prints one row a network and set of images, and "all" where
there are several sets, with the signal-to-quantization-noise ratio of the logits.
"""

import argparse
import dataclasses
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from shared_data import FOLDER

import axsim
from axsim.conversion.calibrate import DEFAULT_METHOD, METHODS, FloatModel
from axsim.conversion.convert import ModelInput
from axsim.importers.onnx import read_model
from axsim.inference.accuracy import accuracy
from axsim.networks.network import SCHEMES
from axsim.networks.preprocessing import Preprocessing
from axsim.text import text_table

TORCHVISION = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@dataclasses.dataclass(frozen=True)
class Case:
    """A float model, how it sees pictures, and the folder of its images."""

    model: str
    recipe: Preprocessing
    images: str = "imagenet"
    drop_background: bool = False


CASES = {
    "EfficientNet-Lite0": Case(
        "efficientnet_lite0_fp32.onnx", Preprocessing(1.0, (127.0,) * 3, (128.0,) * 3, "crop", 0.875, "bicubic")
    ),
    "MobileNetV2": Case(
        "mobilenet_v2_1.0_224_fp32.onnx",
        Preprocessing(127.5, (1.0,) * 3, (1.0,) * 3, "squash", 0.875),
        drop_background=True,
    ),
    "MobileNetV1": Case(
        "mobilenet_v1_1.0_224_qat_dequant_fp32.onnx",
        Preprocessing(1.0, (128.0,) * 3, (128.0,) * 3, "squash", 0.875),
        drop_background=True,
    ),
    "SqueezeNet 1.1": Case("squeezenet1.1_fp32.onnx", Preprocessing(255.0, *TORCHVISION, "short_side", 0.875)),
    "ResNet-20": Case(
        "cifar10_resnet20_own_fp32.onnx",
        Preprocessing(255.0, (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
        "cifar10",
    ),
    "ResNet-20 (Slice, Pad)": Case("cifar10_resnet20_fp32.onnx", Preprocessing(255.0, *TORCHVISION), "cifar10"),
    "ResNet-56": Case("cifar10_resnet56_fp32.onnx", Preprocessing(255.0, *TORCHVISION), "cifar10"),
    "ResNet-8": Case("cifar10_mlperftiny_resnet8_fp32.onnx", Preprocessing(1.0, (0.0,) * 3, (1.0,) * 3), "cifar10"),
}
CALIBRATION = {"imagenet": "imagenet/sample1000", "cifar10": "cifar10/calib1000_train.npz"}
TESTS = {
    "imagenet": {"ILSVRC2012 validation": "imagenet/val650", "NIPS 2017": "imagenet/nips17"},
    "cifar10": {"CIFAR-10 test": "cifar10/test.npz"},
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="only networks whose name contains these words")
    parser.add_argument("--scheme", choices=SCHEMES, nargs="+", default=SCHEMES)
    parser.add_argument("--method", choices=METHODS, default=DEFAULT_METHOD)
    parser.add_argument(
        "--calibrate", type=int, default=250, help="images to calibrate on, spread over the 1,000 (250)"
    )
    parser.add_argument("--equalization", action="store_true", help="as axsim convert --equalization")
    parser.add_argument("--relu-shift", action="store_true", help="as axsim convert --relu-shift, symmetric")
    parser.add_argument("--no-bias-correction", action="store_true")
    parser.add_argument("--limit", type=int, help="only the first N images of each set")
    given = parser.parse_args()
    rows = []
    for name, case in CASES.items():
        if given.only.lower() in name.lower():
            rows += measured(name, case, given)
            print(*rows[-1], file=sys.stderr, flush=True)
    head = ["network", "images", "n", "float top-1", "top-5"]
    for scheme in given.scheme:
        head += [f"{scheme} top-1", "minus float", "top-5", "SQNR dB"]
    print(text_table(head, rows, right_from=2))


def measured(name, case, given):
    """Rows of one network."""
    path = FOLDER / "models" / case.model
    calibration = axsim.load_images(
        FOLDER / "images" / CALIBRATION[case.images], None, ModelInput((3, 224, 224), case.recipe, 1000)
    )
    chosen = np.linspace(0, len(calibration) - 1, given.calibrate).round().astype(int)  # one image a class, in order
    calibration = axsim.ImageSet(calibration.images[chosen])
    networks = [
        axsim.convert(
            path,
            calibration,
            case.recipe,
            scheme=scheme,
            method=given.method,
            equalization=given.equalization,
            relu_shift=given.relu_shift and scheme == "symmetric",
            bias_correction=not given.no_bias_correction,
            drop_background=case.drop_background,
        )
        for scheme in given.scheme
    ]
    sets = []
    for title, folder in TESTS[case.images].items():
        # Their sources squashed these pictures, and so do the published figures of this folder.
        recipe = dataclasses.replace(case.recipe, fit="squash", crop=1.0, interpolation="bicubic")
        seen = dataclasses.replace(networks[0], preprocessing=recipe)
        images = axsim.load_images(FOLDER / "images" / folder, given.limit, seen)
        logits = [float_logits(path, images, case)]
        logits += [axsim.run(network, images.images).logits for network in networks]
        sets.append((title, images.labels, logits))
    rows = [row(name, *each) for each in sets]
    if len(sets) > 1:
        labels = np.concatenate([labels for _, labels, _ in sets])
        logits = [np.concatenate(parts) for parts in zip(*(logits for *_, logits in sets), strict=True)]
        rows.append(row(name, "all", labels, logits))
    return rows


def float_logits(path, images, case):
    """Logits of the float model in ONNX Runtime, without the background class."""
    model = read_model(path)
    (output,) = (output.name for output in model.graph.output)
    run = FloatModel(model, model.graph.input[0].name, [output]).run(images.images, case.recipe)
    logits = np.concatenate([values[output] for values in run])
    return logits[:, 1:] if case.drop_background else logits


def row(name, title, labels, logits):
    """Accuracy of the float model, then of each int8 network."""
    reference, *others = (accuracy(each, labels) for each in logits)
    cells = [name, title, str(len(labels)), percent2(reference.top1), percent2(reference.top5)]
    for each, made in zip(others, logits[1:], strict=True):
        cells += [percent2(each.top1), f"{100 * (each.top1 - reference.top1):+.2f}", percent2(each.top5)]
        cells.append(f"{decibels(logits[0], made):.1f}")
    return cells


def decibels(real, made):
    """Signal-to-quantization-noise ratio of logits, as `axsim.validation.quantization_noise` defines it."""
    noise = np.square(made - real, dtype=np.float64).sum()
    return 10 * np.log10(np.square(real, dtype=np.float64).sum() / noise)


def percent2(share):
    """Two decimals: one of 10,000 images counts."""
    return f"{100 * share:.2f}"


if __name__ == "__main__":
    main()
