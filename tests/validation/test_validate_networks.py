"""Whole networks, converted from float or quantized by ONNX Runtime: every integer of every tensor is its own.

Few images here; a hundred by `axsim validate NETWORK --images PATH --limit 100`.
"""

import functools

import numpy as np
import pytest
from quantized_models import quantize
from shared_data import shared_data

import axsim
from axsim.conversion.calibrate import preprocess
from axsim.networks.network import SCHEMES
from axsim.networks.preprocessing import Preprocessing

CIFAR10 = Preprocessing(255.0, (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))
IMAGENET = Preprocessing(255.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "squash", 1.0, "bicubic")
TENSORFLOW = Preprocessing(127.5, (1.0,) * 3, (1.0,) * 3, "squash", 1.0, "bicubic")
NETWORKS = {
    "resnet20, projections": ("cifar10_resnet20_own_fp32.onnx", CIFAR10),
    "resnet20, Slice and Pad": ("cifar10_resnet20_fp32.onnx", IMAGENET),
    "resnet56": ("cifar10_resnet56_fp32.onnx", IMAGENET),
    "resnet8": ("cifar10_mlperftiny_resnet8_fp32.onnx", Preprocessing(1.0, (0.0,) * 3, (1.0,) * 3)),
    "squeezenet": ("squeezenet1.1_fp32.onnx", IMAGENET),
    "mobilenet_v1": (
        "mobilenet_v1_1.0_224_qat_dequant_fp32.onnx",
        Preprocessing(1.0, (128.0,) * 3, (128.0,) * 3, "squash", 1.0, "bicubic"),
    ),
    "mobilenet_v2": ("mobilenet_v2_1.0_224_fp32.onnx", TENSORFLOW),
    "efficientnet_lite0": (
        "efficientnet_lite0_fp32.onnx",
        Preprocessing(1.0, (127.0,) * 3, (128.0,) * 3, "squash", 1.0, "bicubic"),
    ),
}
# What quantize_static does when nothing is asked of it, and what its guide advises on x86, in both forms.
QUANTIZED = (("QDQ", "s8 s8 per tensor"), ("QDQ", "u8 s8 per channel"), ("QOperator", "u8 s8 per channel"))


@functools.cache
def pictures(name, count):
    """Test images uint8 [N, H, W, C] of the network's size."""
    model, recipe = NETWORKS[name]
    if model.startswith("cifar10"):
        return axsim.load_images(shared_data("images/cifar10/test.npz"), count).images
    from axsim.conversion.convert import ModelInput

    viewer = ModelInput((3, 224, 224), recipe, None)
    return axsim.load_images(shared_data("images/imagenet/val650"), count, viewer, unlabelled=True).images[:]


def assert_equal(network, images, model=None):
    found = axsim.validate(network, images, model)
    assert [node for node in found.nodes if node.differing] == []
    assert found.logits_equal == found.logits == len(images) * network.classes
    assert found.in_float == {}


@pytest.mark.slow
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", NETWORKS)
def test_converted_networks(name, scheme):
    model, recipe = NETWORKS[name]
    images = axsim.images.ImageSet(pictures(name, 8))
    assert_equal(axsim.convert(shared_data(f"models/{model}"), images, recipe, scheme=scheme), images.images)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["squeezenet", "mobilenet_v1", "resnet20, projections"])
def test_networks_with_shifted_relus(name):
    """Relus with and without an upper bound, padding as a node, concats; adds, which nothing is shifted for."""
    model, recipe = NETWORKS[name]
    images = axsim.images.ImageSet(pictures(name, 8))
    network = axsim.convert(shared_data(f"models/{model}"), images, recipe, relu_shift=True)
    assert "relus shifted" in network.about["calibration"]
    assert_equal(network, images.images)


@pytest.mark.slow
@pytest.mark.parametrize(("form", "variant"), QUANTIZED)
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_that_onnx_runtime_quantized(name, form, variant, tmp_path):
    model, recipe = NETWORKS[name]
    images = pictures(name, 8)
    path = tmp_path / "quantized.onnx"
    quantize(shared_data(f"models/{model}"), path, form, variant, preprocess(np.asarray(images[:4]), recipe)[:, None])
    assert_equal(axsim.import_quantized(path, recipe), images, path)
