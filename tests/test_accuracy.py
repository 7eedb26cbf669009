"""Whole networks: int8 keeps the float model's accuracy, and the committed network is bit for bit what the oracle says.

The float models' own accuracy is measured here, in ONNX Runtime on the same images; nothing is taken from papers.
"""

import dataclasses
import functools
import pathlib

import numpy as np
import onnxruntime
import pytest
import reference
from shared_data import shared_data

import axsim
from axsim.conversion.calibrate import DEFAULT_METHOD, METHODS, FloatModel
from axsim.images import ImageSet
from axsim.importers.onnx import read_model
from axsim.inference.accuracy import accuracy
from axsim.networks.network import SCHEMES
from axsim.networks.preprocessing import Preprocessing
from axsim.networks.shipped import NETWORKS

WEIGHTS = pathlib.Path(__file__).parents[1] / "weights"
CIFAR10 = Preprocessing(255.0, (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))
IMAGENET = Preprocessing(255.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
RAW = Preprocessing(1.0, (0.0,) * 3, (1.0,) * 3)
OWN = "models/cifar10_resnet20_own_fp32.onnx"


@functools.cache
def cifar10(count):
    """The first test images."""
    return axsim.load_images(shared_data("images/cifar10/test.npz"), count)


@functools.cache
def calibration_images():
    return axsim.load_images(shared_data("images/cifar10/calib1000_train.npz"))


@functools.cache
def float_logits(model, recipe, count):
    """Logits of the float model in ONNX Runtime."""
    session = onnxruntime.InferenceSession(shared_data(model), providers=["CPUExecutionProvider"])
    parts = []
    for start in range(0, count, 500):
        images = cifar10(count).images[start : start + 500].astype(np.float32)
        real = (images / np.float32(recipe.pixel_scale) - np.float32(recipe.mean)) / np.float32(recipe.std)
        parts.append(session.run(None, {"input": np.ascontiguousarray(real.transpose(0, 3, 1, 2))})[0])
    return np.concatenate(parts)


def top1(logits, images):
    return 100 * float((logits.argmax(axis=1) == images.labels).mean())


def agreement(logits, wanted):
    """Share of images of the same class, and the mean correlation of their logits."""
    same = float((logits.argmax(axis=1) == wanted.argmax(axis=1)).mean())
    return 100 * same, float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(logits, wanted, strict=True)]))


@functools.cache
def converted(model, recipe, scheme, method=DEFAULT_METHOD, count=1000):
    return axsim.convert(shared_data(model), calibration_images().first(count), recipe, scheme=scheme, method=method)


# The network of the project, on all 10,000 test images.


@pytest.mark.slow
@pytest.mark.parametrize("scheme", SCHEMES)
def test_resnet20_keeps_its_accuracy_on_all_test_images(scheme):
    images = cifar10(10_000)
    wanted = float_logits(OWN, CIFAR10, 10_000)
    logits = axsim.run(converted(OWN, CIFAR10, scheme), images.images).logits
    assert top1(wanted, images) == pytest.approx(92.02, abs=0.05)
    assert abs(top1(logits, images) - top1(wanted, images)) <= 1.0
    same, correlation = agreement(logits, wanted)
    assert same > 97
    assert correlation > 0.99


@pytest.mark.slow
def test_the_committed_network_keeps_its_accuracy_on_all_test_images():
    images = cifar10(10_000)
    logits = axsim.run(axsim.load(WEIGHTS / "cifar10_resnet20.h5"), images.images).logits
    assert abs(top1(logits, images) - top1(float_logits(OWN, CIFAR10, 10_000), images)) <= 1.0


def test_the_committed_network_is_what_the_committed_command_makes():
    """The command in weights/README.md, calibrated on the 1,000 training images."""
    images = calibration_images()
    shipped = axsim.load(WEIGHTS / "cifar10_resnet20.h5")
    made = axsim.convert(shared_data(OWN), images, CIFAR10, method="minmax", bias_correction=False)
    assert [node.name for node in shipped.nodes] == [node.name for node in made.nodes]
    for one, other in zip(shipped.layers, made.layers, strict=True):
        assert np.array_equal(one.weight, other.weight)
        assert np.abs(one.bias - other.bias).max() <= 1 + 1e-4 * np.abs(other.bias).max()
        assert one.output.scale == pytest.approx(other.output.scale, rel=1e-4)  # ONNX Runtime's sums vary by machine


def test_the_committed_images_are_the_first_of_the_test_set():
    shipped, images = axsim.load_images(WEIGHTS / "cifar10_test1000.h5"), cifar10(1000)
    assert np.array_equal(shipped.images, images.images)
    assert np.array_equal(shipped.labels, images.labels)
    assert shipped.class_names == images.class_names


# Bit for bit. The oracle takes about a second an image.


@pytest.mark.parametrize("name", [None, "mitchell", "drum:k=4"])
def test_the_committed_network_equals_the_oracle(name):
    network = axsim.load(WEIGHTS / "cifar10_resnet20.h5")
    images = axsim.load_images(WEIGHTS / "cifar10_test1000.h5").images[[0, 500, 999]]
    multiplier = None if name is None else axsim.multiplier(name)
    logits, _, sums = reference.run(network, images, multiplier)
    result = axsim.run(network, images, multiplier, statistics=True)
    assert np.array_equal(result.logits, logits)
    assert list(sums) == list(result.statistics) == [layer.name for layer in network.layers]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_multiplier_changes_the_logits_of_the_network(scheme):
    """What the oracle agrees on is not the exact network by accident."""
    network, images = converted(OWN, CIFAR10, scheme, count=100), cifar10(100)
    exact = axsim.run(network, images.images)
    for name in ("mitchell", "drum:k=4"):
        result = axsim.run(network, images.images, axsim.multiplier(name))
        assert not np.array_equal(result.logits, exact.logits)
        assert {step.multiplier for step in result.steps} == {"no products", axsim.multiplier(name).name}


# Other networks, without code of their own.

OTHERS = {
    "resnet20, Slice and Pad shortcuts": ("models/cifar10_resnet20_fp32.onnx", IMAGENET),
    "resnet8, raw pixels": ("models/cifar10_mlperftiny_resnet8_fp32.onnx", RAW),
    "resnet20, projections": (OWN, CIFAR10),
}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("network", OTHERS)
def test_other_networks_keep_their_accuracy(network, scheme):
    model, recipe = OTHERS[network]
    images, wanted = cifar10(1000), float_logits(model, recipe, 1000)
    logits = axsim.run(converted(model, recipe, scheme, count=500), images.images).logits
    assert abs(top1(logits, images) - top1(wanted, images)) <= 1.5
    same, correlation = agreement(logits, wanted)
    assert same > 95
    assert correlation > 0.98


@pytest.mark.parametrize("method", [method for method in METHODS if method != DEFAULT_METHOD])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_other_calibrations_keep_the_accuracy(method, scheme):
    images, wanted = cifar10(1000), float_logits(OWN, CIFAR10, 1000)
    logits = axsim.run(converted(OWN, CIFAR10, scheme, method, 500), images.images).logits
    assert abs(top1(logits, images) - top1(wanted, images)) <= 1.5


# Networks for ImageNet convert too; random pixels show it, and say nothing of their accuracy.

LARGE = {
    "squeezenet1.1": ("models/squeezenet1.1_fp32.onnx", IMAGENET),
    "mobilenet_v1": (
        "models/mobilenet_v1_1.0_224_qat_dequant_fp32.onnx",
        Preprocessing(1.0, (128.0,) * 3, (128.0,) * 3),
    ),
    "mobilenet_v2": ("models/mobilenet_v2_1.0_224_fp32.onnx", Preprocessing(127.5, (1.0,) * 3, (1.0,) * 3)),
    "efficientnet_lite0": ("models/efficientnet_lite0_fp32.onnx", Preprocessing(1.0, (127.0,) * 3, (128.0,) * 3)),
}


@pytest.mark.parametrize("network", LARGE)
def test_large_networks_convert(network):
    model, recipe = LARGE[network]
    pixels = np.random.default_rng(0).integers(0, 256, (3, 224, 224, 3), dtype=np.uint8)
    result = axsim.run(axsim.convert(shared_data(model), ImageSet(pixels), recipe), pixels[:1])
    assert result.logits.shape in ((1, 1000), (1, 1001))
    assert np.ptp(result.logits) > 0


# The shipped network for ImageNet, and the pictures of its size as their sources squashed them.


@functools.cache
def imagenet_sets():
    network = axsim.load("efficientnet-lite0")
    recipe = dataclasses.replace(network.preprocessing, fit="squash", crop=1.0, interpolation="bicubic")
    network = dataclasses.replace(network, preprocessing=recipe)
    folders = [shared_data(f"images/imagenet/{name}") for name in ("val650", "nips17")]
    return network, [axsim.load_images(folder, None, network) for folder in folders]


@pytest.mark.slow
def test_efficientnet_has_the_accuracy_that_is_stated():
    """As `axsim networks` gives it: int8 to the last image, float but for sums that vary by machine."""
    network, sets = imagenet_sets()
    stated = NETWORKS["efficientnet-lite0"]
    labels = np.concatenate([images.labels for images in sets])
    int8 = np.concatenate([axsim.run(network, images.images).logits for images in sets])
    assert round(100 * accuracy(int8, labels).top1, 2) == stated.int8_top1
    model = read_model(shared_data("models/efficientnet_lite0_fp32.onnx"))
    output = model.graph.output[0].name
    session = FloatModel(model, model.graph.input[0].name, [output])
    parts = [values[output] for images in sets for values in session.run(images.images, network.preprocessing)]
    assert 100 * accuracy(np.concatenate(parts), labels).top1 == pytest.approx(stated.float_top1, abs=0.07)
    assert stated.int8_top1 >= stated.float_top1 - 1
