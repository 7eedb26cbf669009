"""Validation against LiteRT: equal where it is, and where it is not, the place and the reason."""

import dataclasses
import json
import re
import sys

import numpy as np
import pytest
from shared_data import shared_data
from tflite_models import conv, fully_connected, pool

import axsim
from axsim.cli import main
from axsim.errors import AxsimError, NetworkError
from axsim.validation.node_comparison import Tally

pytest.importorskip("ai_edge_litert", reason="needs LiteRT: pip install 'axsim[litert]'")
PIXELS = np.random.default_rng(3).integers(0, 256, (5, 7, 6, 4), dtype=np.uint8)


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(conv("s8", True))
    return path


@pytest.mark.parametrize("build", [lambda: conv("u8"), lambda: conv("s8", True), lambda: fully_connected("s8")])
@pytest.mark.parametrize("from_pixels", [True, False])
def test_equal(build, from_pixels, tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(build())
    network = axsim.convert_tflite(path)
    images = PIXELS if from_pixels or network.input.format == "u8" else (PIXELS ^ 128).view(np.int8)
    found = axsim.validate_litert(network, images, path)
    assert found.equal and found.explanation is None
    assert found.images == 5 and "LiteRT" in found.runtime
    compared = {node.node: node.integers for node in found.nodes}
    assert compared == {
        name: 5 * int(np.prod(shape))
        for name, shape in network.shapes.items()
        if name != "input" and name not in found.not_compared
    }


def test_a_step_towards_a_tensor_is_named(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(pool("MAX_POOL_2D", "u8", activation=3))
    found = axsim.validate_litert(axsim.convert_tflite(path), PIXELS, path)
    assert found.equal and found.not_compared == ("tensor1/max",)


def test_a_difference_is_placed(model):
    network = axsim.convert_tflite(model)
    layer = network.nodes[0]
    bias = layer.bias.copy()
    bias[2] += 100000
    nodes = (dataclasses.replace(layer, bias=bias), *network.nodes[1:])
    found = axsim.validate_litert(dataclasses.replace(network, nodes=nodes), PIXELS, model)
    assert not found.equal
    first, *rest = found.nodes
    assert first.inputs_equal and first.differing > 0 and first.first is not None and first.first[1] == 2
    assert first.largest == max(first.largest, abs(first.first[4] - first.first[5])) > 0
    assert all(not node.inputs_equal for node in rest if node.differing and node.node != first.node)


def test_the_tally_by_hand():
    ours = np.array([[[1, 255]], [[128, 4]]], np.uint8)
    theirs = np.array([[[1, 255]], [[127, 6]]], np.uint8)
    tally = Tally()
    tally.add(0, ours, ours, "s8")
    tally.add(7, ours, theirs, "s8")
    result = tally.result("node", "conv", True)
    assert (result.integers, result.differing, result.largest) == (8, 2, 255)
    assert result.first == (7, 1, 0, 0, -128, 127)


def test_another_file_is_refused(model, tmp_path):
    network = axsim.convert_tflite(model)
    other = tmp_path / "other.tflite"
    other.write_bytes(conv("s8", True, seed=1))
    with pytest.raises(NetworkError, match=r"must have been imported from .*other\.tflite"):
        axsim.validate_litert(network, PIXELS, other)
    with pytest.raises(NetworkError, match="must have rounding fixed or litert"):
        axsim.validate_litert(dataclasses.replace(network, rounding="float"), PIXELS, model)


def test_a_missing_package_is_named(model, monkeypatch):
    network = axsim.convert_tflite(model)
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(AxsimError, match=re.escape("pip install 'axsim[litert]'")):
        axsim.validate_litert(network, PIXELS, model)


def test_by_the_command_line(model, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    np.savez("images.npz", images=PIXELS)
    assert main(["convert", "model.tflite", "-o", "network.h5"]) == 0
    capsys.readouterr()
    arguments = ["validate", "network.h5", "--images", "images.npz", "--model", "model.tflite"]
    assert main(arguments) == 0
    text = capsys.readouterr().out
    assert "rounding rule litert: the reference kernels of LiteRT" in text and "integers of 3 tensors equal" in text
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["equal"] is True


def test_onnx_runtime_is_no_judge_of_tflites_rounding(model, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    np.savez("images.npz", images=PIXELS)
    assert main(["convert", "model.tflite", "-o", "network.h5"]) == 0
    assert main(["validate", "network.h5", "--images", "images.npz"]) == 2
    assert "naming the .tflite model that it was imported from (--model)" in capsys.readouterr().err


def test_only_fully_connected_layers_tell_the_rules_apart(capsys):
    """A network of ten layers under the rule of integers alone: seven codes of the last one differ, by one."""
    path = shared_data("models/kws_dscnn_int8.tflite")
    features = np.load(shared_data("images/kws/kws01_mfcc_int8.npz"))["X"][:100]
    found = axsim.validate_litert(axsim.convert_tflite(path, rounding="fixed"), features, path)
    assert {node.op for node in found.nodes if node.differing} == {"linear"}
    assert found.differing == 7 and max(node.largest for node in found.nodes) == 1
    assert found.explanation is not None and "--rounding litert" in found.explanation
    assert axsim.validate_litert(axsim.convert_tflite(path), features, path).equal
