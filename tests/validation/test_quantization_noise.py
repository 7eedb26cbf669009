"""Signal-to-quantization-noise ratios against NumPy and ONNX Runtime, and that a bad layer shows."""

import dataclasses
import math

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import axsim
from axsim.cli import main
from axsim.errors import AxsimError
from axsim.images import ImageSet
from axsim.networks.network import SCHEMES
from axsim.networks.preprocessing import Preprocessing
from axsim.validation.quantization_noise import quantization_noise

RECIPE = Preprocessing(255.0, (0.5, 0.4, 0.3), (0.25, 0.3, 0.5))
IMAGES = np.random.default_rng(1).integers(0, 256, (60, 7, 6, 3), dtype=np.uint8)


@pytest.fixture
def model(tmp_path):
    """Conv, relu, depthwise conv, global pool, flatten, gemm of 3 classes; every tensor is an output by name."""
    rng = np.random.default_rng(0)
    constants = {"w": rng.normal(size=(4, 3, 3, 3)), "d": rng.normal(size=(4, 1, 3, 3)), "v": rng.normal(size=(3, 4))}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], "c", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"], "r"),
        helper.make_node("Conv", ["r", "d"], ["e"], "e", group=4),
        helper.make_node("GlobalAveragePool", ["e"], ["g"], "g"),
        helper.make_node("Flatten", ["g"], ["f"], "f"),
        helper.make_node("Gemm", ["f", "v"], ["y"], "y", transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 7, 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in constants.items()],
    )
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def decibels(signal, other):
    return 10 * math.log10(np.square(signal).sum() / np.square(signal - other).sum())


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("drop", [False, True])
def test_the_logits_ratio_is_that_of_the_runs(model, scheme, drop):
    network = axsim.convert(model, ImageSet(IMAGES), RECIPE, scheme=scheme, drop_background=drop)
    noise = {each.node: each for each in quantization_noise(model, network, IMAGES)}
    assert list(noise) == ["input", *(node.name for node in network.nodes)]
    real = ((IMAGES / 255 - RECIPE.mean) / RECIPE.std).astype(np.float32).transpose(0, 3, 1, 2)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, {"x": np.ascontiguousarray(real)})
    made = axsim.run(network, IMAGES).logits
    assert noise["y"].network == pytest.approx(decibels(logits[:, int(drop) :].astype(np.float64), made), abs=0.01)
    scale, zero_point = network.input.scale, network.input.zero_point
    lowest, highest = (-127, 127) if scheme == "symmetric" else (0, 255)
    rounded = scale * (np.clip(np.rint(real / scale) + zero_point, lowest, highest) - zero_point)
    assert noise["input"].own == pytest.approx(decibels(real, rounded), abs=0.1)
    assert noise["input"].network == pytest.approx(noise["input"].own, abs=0.1)
    assert all(each.network < 60 and each.own < 60 for each in noise.values())


def test_a_bad_layer_shows(model):
    network = axsim.convert(model, ImageSet(IMAGES), RECIPE)
    good = {each.node: each.network for each in quantization_noise(model, network, IMAGES)}
    layer = network.nodes[1]
    assert layer.op == "conv"
    broken = dataclasses.replace(layer, weight=(layer.weight // 16 * 16).astype(np.int8))  # 4 bits
    nodes = tuple(broken if node is layer else node for node in network.nodes)
    bad = {
        each.node: each.network for each in quantization_noise(model, dataclasses.replace(network, nodes=nodes), IMAGES)
    }
    before = network.nodes[0].name
    assert bad[before] == good[before]
    assert bad[layer.name] < good[layer.name] - 6


def test_another_model_is_refused(model, tmp_path):
    network = axsim.convert(model, ImageSet(IMAGES), RECIPE)
    other = tmp_path / "other.onnx"
    other.write_bytes(model.read_bytes() + b"\x12\x01x")
    with pytest.raises(AxsimError, match="must be the model that model was converted from"):
        quantization_noise(other, network, IMAGES)


def test_inspect(model, tmp_path, capsys):
    axsim.convert(model, ImageSet(IMAGES), RECIPE).save(tmp_path / "n.h5")
    np.savez(tmp_path / "i.npz", images=IMAGES)
    assert main(["inspect", str(tmp_path / "n.h5")]) == 0
    out = capsys.readouterr().out
    assert "model: symmetric int8, rounding onnxruntime, 3 layers" in out
    assert "SQNR" not in out
    arguments = ["inspect", str(tmp_path / "n.h5"), "--model", str(model)]
    assert main(arguments) == 2
    assert "--model and --images must be given together" in capsys.readouterr().err
    assert main([*arguments, "--images", str(tmp_path / "i.npz"), "--limit", "5"]) == 0
    assert "ratio on 5 images" in capsys.readouterr().out
