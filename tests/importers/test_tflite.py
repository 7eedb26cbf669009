"""TFLite files: every tensor's codes are those of LiteRT's reference kernels, for each operator and whole networks."""

import dataclasses

import numpy as np
import pytest
from shared_data import shared_data
from tflite_files import Reference
from tflite_models import MODELS

import axsim
from axsim.errors import ImageError
from axsim.images import load_images
from axsim.importers.tflite import import_tflite
from axsim.inference.engine import encode, forward, input_codes, prepare
from axsim.networks.network import Preprocessing

pytest.importorskip("ai_edge_litert", reason="needs LiteRT: pip install 'axsim[litert]'")


def all_codes(network, images):
    """Patterns [C, B, H, W] of every node, by name."""
    found = {"input": encode(images, input_codes(network))}
    layers = prepare(network, dict.fromkeys((layer.name for layer in network.layers), None))
    list(forward(network, layers, images, lambda layer, x: layer.sums(x, None), len(images), observe=found.__setitem__))
    return found


def assert_equal_to_litert(path, images, codes):
    """Every tensor of every image; `codes` are the images as the model's input takes them."""
    imported = import_tflite(path, rounding="litert")
    network, reference = imported.network, Reference(path.read_bytes())
    assert set(imported.tensors) == {
        node.name for node in network.nodes if not node.name.endswith(("/max", "/flatten"))
    }
    found = all_codes(network, images)
    for index, image in enumerate(codes):
        reference.run(image)
        for name, tensor in imported.tensors.items():
            channels, height, width = imported.images[name]
            wanted = reference.codes(tensor).reshape(height, width, channels).transpose(2, 0, 1)
            assert np.array_equal(found[name][:, index], wanted.reshape(network.shapes[name])), name


@pytest.mark.parametrize("name", MODELS)
def test_each_operator_equals_litert(name, tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(MODELS[name]())
    network = axsim.convert_tflite(path)
    channels, height, width = network.input_shape
    pixels = np.random.default_rng(1).integers(0, 256, (12, height, width, channels), dtype=np.uint8)
    pixels[0], pixels[1] = 0, 255
    codes = pixels if network.input.format == "u8" else (pixels ^ 128).view(np.int8)
    assert_equal_to_litert(path, pixels, codes)
    if network.input.format == "s8":
        assert np.array_equal(axsim.run(network, codes).logits, axsim.run(network, pixels).logits)


def test_a_pixel_is_the_code_unless_a_recipe_is_given(tmp_path):
    path = tmp_path / "model.tflite"
    for name, least in (("conv u8", 0), ("conv s8", -128)):
        path.write_bytes(MODELS[name]())
        network = axsim.convert_tflite(path)
        wanted = (np.arange(256) + least).astype(np.int64) & 255
        assert np.array_equal(input_codes(network), np.tile(wanted, (4, 1)))
    recipe = Preprocessing(255.0, (0.5,), (0.25,))
    assert axsim.convert_tflite(path, recipe).preprocessing == dataclasses.replace(
        recipe, mean=(0.5,) * 4, std=(0.25,) * 4
    )


def test_codes_are_refused_where_the_input_is_unsigned(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(MODELS["conv u8"]())
    with pytest.raises(ImageError, match="whose input is u8, got int8 codes"):
        axsim.run(axsim.convert_tflite(path), np.zeros((1, 7, 6, 4), np.int8))


def test_codes_come_from_files_too(tmp_path):
    codes = np.arange(-30, 30, dtype=np.int8).reshape(2, 5, 6)
    np.savez(tmp_path / "codes.npz", X=codes, Y=np.array([1, 0]))
    loaded = load_images(tmp_path / "codes.npz")
    assert loaded.images.dtype == np.int8
    assert np.array_equal(loaded.images, codes[..., None])


def inputs_of(name, count):
    """Images for a shared network, as axsim takes them."""
    if name.startswith("kws"):
        return np.load(shared_data("images/kws/kws01_mfcc_int8.npz"))["X"][:count]
    if name.startswith("cifar10"):
        return np.load(shared_data("images/cifar10/test.npz"))["X"][:count]
    network = axsim.convert_tflite(shared_data(f"models/{name}.tflite"))
    return load_images(shared_data("images/imagenet/nips17"), count, network, unlabelled=True).images[:]


SHARED = {
    "cifar10_mlperftiny_resnet8_int8": 40,
    "kws_dscnn_int8": 40,
    "mobilenet_v1_0.25_128_quant": 20,
    "mobilenet_v2_1.0_224_quant": 2,
    "tf2_mobilenet_v2_1.0_224_ptq": 2,
}


@pytest.mark.parametrize("name", SHARED)
def test_whole_networks_equal_litert(name):
    images = inputs_of(name, SHARED[name])
    path = shared_data(f"models/{name}.tflite")
    signed = axsim.convert_tflite(path).input.format == "s8"
    codes = (images ^ 128).view(np.int8) if signed and images.dtype == np.uint8 else images
    assert_equal_to_litert(path, images, codes)
