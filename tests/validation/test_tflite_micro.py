"""The rounding rule "fixed" is what TFLite Micro computes: every tensor of signed models, and of two whole networks."""

import numpy as np
import pytest
from shared_data import shared_data
from tflite_models import MODELS

import axsim
from axsim.importers.tflite import import_tflite
from axsim.inference.engine import forward, prepare

runtime = pytest.importorskip(
    "tflite_micro.python.tflite_micro.runtime", reason="needs tflite-micro, which is built for Linux on x86-64"
)
# It has no kernels for u8, but for a change to s8, nor for RELU_N1_TO_1; its MEAN asks for more memory than it plans.
UNSUPPORTED = ("mean s8", "mean s8 power of two", "quantize s8 u8", "relu_n1 s8")
SIGNED = [name for name in MODELS if (" u8" not in name or name == "quantize u8 s8") and name not in UNSUPPORTED]


def assert_equal_to_tflite_micro(path, images):
    imported = import_tflite(path, rounding="fixed")
    network, codes = imported.network, {}
    layers = prepare(network, dict.fromkeys((layer.name for layer in network.layers), None))
    list(forward(network, layers, images, None, len(images), observe=codes.__setitem__))
    interpreter = runtime.Interpreter.from_file(
        str(path), intrepreter_config=runtime.InterpreterConfig.kPreserveAllTensors
    )
    given = interpreter.get_input_details(0)
    for index in range(len(images)):
        image = np.ascontiguousarray(codes["input"][:, index].transpose(1, 2, 0)).view(given["dtype"])
        interpreter.set_input(image.reshape(given["shape"]), 0)
        interpreter.invoke()
        for name, tensor in imported.tensors.items():
            channels, height, width = imported.images[name]
            values = np.asarray(interpreter.GetTensor(tensor, 0)["tensor_data"]).view(np.uint8)
            theirs = values.reshape(height, width, channels).transpose(2, 0, 1).reshape(network.shapes[name])
            assert np.array_equal(codes[name][:, index], theirs), name


@pytest.mark.parametrize("name", SIGNED)
def test_each_operator(name, tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(MODELS[name]())
    channels, height, width = axsim.convert_tflite(path).input_shape
    images = np.random.default_rng(2).integers(0, 256, (10, height, width, channels), dtype=np.uint8)
    assert_equal_to_tflite_micro(path, images)


@pytest.mark.parametrize(
    ("name", "images"),
    [("cifar10_mlperftiny_resnet8_int8", "cifar10/test.npz"), ("kws_dscnn_int8", "kws/kws01_mfcc_int8.npz")],
)
def test_whole_networks(name, images):
    assert_equal_to_tflite_micro(
        shared_data(f"models/{name}.tflite"), np.load(shared_data(f"images/{images}"))["X"][:100]
    )
