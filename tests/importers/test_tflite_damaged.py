"""TFLite files that cannot be taken: one line that says why, bounded time, nothing written."""

import random
import re
import sys

import numpy as np
import pytest
from shared_data import shared_data
from tflite_files import ModelBuilder, Quantized
from tflite_models import MODELS, NONE, conv

import axsim
from axsim.cli import main
from axsim.errors import AxsimError, ConversionError

pytest.importorskip("ai_edge_litert", reason="needs LiteRT: pip install 'axsim[litert]'")


def one_operator(kind, options=None, dtype="s8", inputs=1, output=(1, 4), **fields):
    builder = ModelBuilder()
    builder.input = builder.tensor((1, 4), dtype, Quantized(0.1, 0) if dtype != np.float32 else None)
    result = builder.tensor(output, dtype, Quantized(0.1, 0) if dtype != np.float32 else None)
    builder.add(kind, [builder.input] * inputs, [result], options, **fields)
    return builder.content([builder.input], [result])


def altered(change):
    """A convolution's model after a change to its builder's parts."""
    builder = ModelBuilder()
    builder.input = builder.activation((1, 1, 1, 4), "s8")
    weight, bias = builder.weights(builder.input, [3, 1, 1, 4], "s8", 3, 0, False)
    output = builder.activation((1, 1, 1, 3), "s8")
    fields = {"padding": 0, "strideH": 1, "strideW": 1, "fusedActivationFunction": NONE}
    fields |= {"dilationHFactor": 1, "dilationWFactor": 1}
    builder.add("CONV_2D", [builder.input, weight, bias], [output], "Conv2DOptions", **fields)
    tensors = builder.graph.tensors
    change(builder, tensors[builder.input], tensors[weight], tensors[bias], tensors[output])
    return builder.content([builder.input], [output])


def operator_of(builder):
    return builder.graph.operators[0]


def set_option(name, value):
    return lambda builder, *_: setattr(operator_of(builder).builtinOptions, name, value)


def set_quantization(which, **values):
    def change(builder, *tensors):
        for name, value in values.items():
            setattr(tensors[which].quantization, name, np.array(value))

    return change


BAD = {
    "empty": (lambda: b"", "not a TFLite file"),
    "text": (lambda: b"this is no model at all", "not a TFLite file"),
    "identifier alone": (lambda: b"\x08\0\0\0TFL3", "truncated or damaged"),
    "float": (
        lambda: one_operator("ADD", "AddOptions", np.float32, 2, fusedActivationFunction=NONE),
        "must be UINT8 or INT8 of a fully integer model, got FLOAT32",
    ),
    "unknown operator": (lambda: one_operator("LOGISTIC"), "operator LOGISTIC is not supported; supported are ADD"),
    "only a softmax": (lambda: one_operator("SOFTMAX", "SoftmaxOptions"), "must be computed from the input"),
    "wrong options": (
        lambda: one_operator("ADD", "Pool2DOptions", inputs=2),
        "damaged: ADD must have AddOptions",
    ),
    "tanh": (
        lambda: altered(set_option("fusedActivationFunction", 4)),
        "must have no activation, RELU, RELU6 or RELU_N1_TO_1, got number 4",
    ),
    "padding": (lambda: altered(set_option("padding", 7)), "padding must be SAME or VALID"),
    "stride": (lambda: altered(set_option("strideW", 0)), "must be 1 or more"),
    "batch": (
        lambda: altered(lambda b, x, *_: setattr(x, "shape", [2, 1, 1, 4])),
        "must be of one image",
    ),
    "sizes": (
        lambda: altered(lambda b, x, w, bias, y: setattr(y, "shape", [1, 2, 1, 3])),
        "the file says",
    ),
    "buffer": (lambda: altered(lambda b, x, w, *_: setattr(w, "buffer", 99)), "names buffer 99"),
    "short buffer": (
        lambda: altered(lambda b, x, w, *_: setattr(w, "shape", [9, 1, 1, 4])),
        "has 12 bytes of data",
    ),
    "huge shape": (
        lambda: altered(lambda b, x, w, *_: setattr(w, "shape", [2**31 - 1] * 4)),
        "has 12 bytes of data",
    ),
    "huge input": (
        lambda: altered(lambda b, x, *_: setattr(x, "shape", [1, 1, 1, 2**31 - 1])),
        "at most 65536 along an axis",
    ),
    "tensor that is not there": (
        lambda: altered(lambda b, *_: setattr(operator_of(b), "inputs", [0, 77, 2])),
        "names tensor 77",
    ),
    "no weights": (lambda: altered(lambda b, *_: setattr(operator_of(b), "inputs", [0])), "must have input 1"),
    "itself": (lambda: altered(lambda b, *_: setattr(operator_of(b), "inputs", [3, 1, 2])), "must be computed before"),
    "no scale": (lambda: altered(set_quantization(0, scale=[])), "must have one scale and one zero point"),
    "scale": (lambda: altered(set_quantization(0, scale=[-1.0])), "scale must be a positive finite float32"),
    "zero point": (lambda: altered(set_quantization(3, zeroPoint=[300])), "zero_point must be a s8 code"),
    "s8 weights with a zero point": (
        lambda: altered(set_quantization(1, zeroPoint=[3])),
        "INT8 weights must have zero points of 0",
    ),
    "axis of the scales": (
        lambda: altered(
            set_quantization(1, scale=np.ones(3, np.float32), zeroPoint=[0, 0, 0], quantizedDimension=3),
        ),
        "scales along axis 0",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_refused(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    content, words = BAD[name]
    (tmp_path / "model.tflite").write_bytes(content())
    with pytest.raises(AxsimError, match=re.escape(words)):
        axsim.convert_tflite("model.tflite")
    assert main(["convert", "model.tflite", "-o", "network.h5"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and words in error
    assert [path.name for path in tmp_path.iterdir()] == ["model.tflite"]


@pytest.mark.parametrize("kept", [4, 7, 8, 9, 40, 0.3, 0.6, 0.95])
def test_truncated(kept, tmp_path):
    content = conv("s8", True)
    path = tmp_path / "model.tflite"
    path.write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    with pytest.raises(ConversionError, match=r"not a TFLite file|truncated or damaged"):
        axsim.convert_tflite(path)


@pytest.mark.parametrize("seed", range(8))
def test_any_damage_is_said_in_one_line(seed, tmp_path):
    """Bytes and whole offsets altered at random: an error of ours, or a network that passes every rule."""
    rng = random.Random(seed)
    sources = [build() for build in list(MODELS.values())[seed::8]]
    path = tmp_path / "model.tflite"
    for _ in range(60):
        content = bytearray(rng.choice(sources))
        for _ in range(rng.choice([1, 2, 8])):
            if rng.random() < 0.5:
                content[rng.randrange(8, len(content))] = rng.randrange(256)
            else:
                at = rng.randrange(2, len(content) // 4) * 4
                values = [0, 2**32 - 1, 2**31 - 1, 2**31, 2**16, len(content) - 4, rng.randrange(2**32)]
                content[at : at + 4] = rng.choice(values).to_bytes(4, "little")
        path.write_bytes(content)
        try:
            axsim.convert_tflite(path)
        except AxsimError as error:
            assert "\n" not in str(error)


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    path = tmp_path / "model.tflite"
    path.write_bytes(conv("u8"))
    monkeypatch.setitem(sys.modules, "tflite", None)
    with pytest.raises(AxsimError, match=re.escape("pip install 'axsim[tflite]'")):
        axsim.convert_tflite(path)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--scheme", "affine"], "--scheme is for float models"),
        (["--calibration", "mse"], "--calibration is for float models"),
        (["--mean", "1,2"], "must have mean and std for each of the 4 channels"),
    ],
)
def test_arguments_of_float_models(arguments, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.tflite").write_bytes(conv("u8"))
    assert main(["convert", "model.tflite", "-o", "network.h5", *arguments]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "network.h5").exists()


def test_from_file_to_accuracy_by_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").write_bytes(conv("s8", True))  # known by its content
    codes = np.random.default_rng(0).integers(-128, 128, (6, 7, 6, 4)).astype(np.int8)
    np.savez("codes.npz", images=codes, labels=np.arange(6) % 3)
    assert main(["convert", "model", "-o", "network.h5", "--images", "codes.npz"]) == 0
    assert "rounding litert" in capsys.readouterr().out
    network = axsim.load("network.h5")
    assert (network.rounding, network.about["source"]) == ("litert", "model")
    assert main(["run", "network.h5", "--images", "codes.npz", "--multiplier", "mitchell"]) == 0
    assert "top-1" in capsys.readouterr().out


def test_a_float_model_among_the_shared_ones_is_no_tflite():
    with pytest.raises(ConversionError, match="not a TFLite file"):
        axsim.convert_tflite(shared_data("models/cifar10_mlperftiny_resnet8_fp32.onnx"))
