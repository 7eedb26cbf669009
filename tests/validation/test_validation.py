"""Validation: what differs is found where it arises, and everything that was run is named."""

import dataclasses
import sys

import numpy as np
import pytest
from networks import network_of, random_images

import axsim
from axsim.cli import main
from axsim.errors import AxsimError, ImageError, NetworkError
from axsim.exporters.onnx import exported
from axsim.images import ImageSet, save_images
from axsim.validation import onnx_session
from axsim.validation import validate as validation


def changed(network, name, **fields):
    """The network with other fields in one node."""
    nodes = [dataclasses.replace(node, **fields) if node.name == name else node for node in network.nodes]
    return dataclasses.replace(network, nodes=tuple(nodes))


@pytest.fixture
def network():
    return network_of(["conv", "conv", "max_pool", "conv"], 1, rounding="onnxruntime")


def wrong_model(monkeypatch, model):
    """Let ONNX Runtime run the export of another network."""
    monkeypatch.setattr("axsim.exporters.onnx.exported", lambda network: exported(model))


def test_a_difference_is_found_where_it_arises(network, monkeypatch):
    layer = network.layers[1]
    bias = layer.bias.copy()
    bias[-1] += 3 * int(np.ceil(1 / layer.requantization_multiplier(network.quantization(layer.inputs[0])).max()))
    wrong_model(monkeypatch, changed(network, layer.name, bias=bias, clamp=(-128, 127)))
    ours = changed(network, layer.name, clamp=(-128, 127))
    found = axsim.validate(ours, random_images(network, 6))
    by_name = {node.node: node for node in found.nodes}
    assert not found.equal
    assert by_name["input"].differing == by_name[network.nodes[0].name].differing == 0
    origin = by_name[layer.name]
    assert origin.differing > 0
    assert origin.inputs_equal
    assert origin.largest >= 1
    _, channel, _, _, a, b = origin.first
    assert channel == len(bias) - 1
    assert a != b
    assert [node.node for node in found.nodes if node.differing and node.inputs_equal] == [layer.name]
    assert found.differing == sum(node.differing for node in found.nodes)


def test_a_logit_alone_may_differ(network, monkeypatch):
    """The model as it is is run too: without the extra outputs it may be optimised otherwise."""
    other = exported(network)
    real = onnx_session.Session.run

    def run(self, values):
        outputs = real(self, values)
        return outputs if len(outputs) > 1 else [outputs[0] + np.float32(1)]

    monkeypatch.setattr(onnx_session.Session, "run", run)
    found = axsim.validate(network, random_images(network, 2))
    assert found.differing == 0
    assert found.logits_equal == 0
    assert not found.equal
    assert other.codes.keys() == {"input", *(node.name for node in network.nodes)}


def test_s8_activations_need_a_setting_and_it_is_named(network):
    found = axsim.validate(network, random_images(network, 2))
    assert found.settings["session.qdqisint8allowed"] == "1"
    affine = network_of(["conv"], 1, "affine", rounding="onnxruntime", activations="u8")
    assert axsim.validate(affine, random_images(affine, 2)).settings.keys() <= {"session.x64quantprecision"}


def test_without_the_setting_a_fork_is_summed_in_float():
    forked = network_of(["conv", "conv", "add"], 2, rounding="onnxruntime")
    found = axsim.validate(forked, random_images(forked, 2))
    assert found.equal
    assert found.in_float == {}
    assert set(found.default_in_float) <= set(onnx_session.SUMMING)


def test_on_a_cpu_that_saturates_the_precise_kernels_are_chosen(network, monkeypatch):
    monkeypatch.setattr(validation, "saturates", lambda: True)
    affine = network_of(["conv", "add"], 1, "affine", rounding="onnxruntime", activations="u8")
    found = axsim.validate(affine, random_images(affine, 2))
    assert found.settings == {"session.x64quantprecision": "1"}
    assert found.saturates
    assert found.equal
    # Under s8 activations there are no kernels for the u8 weights that the setting makes: it is named and left alone.
    assert axsim.validate(network, random_images(network, 2)).settings == {"session.qdqisint8allowed": "1"}


def test_many_images_go_in_batches(network, monkeypatch):
    monkeypatch.setattr(validation, "BATCH_CODES", 1)
    done = []
    found = axsim.validate(
        network, random_images(network, 5), progress=lambda count, total: done.append((count, total))
    )
    assert found.equal
    assert done == [(count, 5) for count in range(1, 6)]
    per_image = 1 * sum(int(np.prod(shape)) for shape in network.shapes.values())
    assert found.integers == 5 * per_image


def test_another_network_than_the_model_is_refused(network, tmp_path):
    axsim.export(network, tmp_path / "model.onnx")
    layer = network.layers[0]
    other = changed(network, layer.name, bias=layer.bias + np.int32(1))
    with pytest.raises(NetworkError, match="import it again"):
        axsim.validate(other, random_images(network, 1), tmp_path / "model.onnx")
    assert axsim.validate(network, random_images(network, 1), tmp_path / "model.onnx").equal


def test_images_that_do_not_fit(network):
    with pytest.raises(ImageError, match="resize"):
        axsim.validate(network, np.zeros((1, 9, 9, 3), np.uint8))


@pytest.mark.parametrize("missing", ["onnxruntime", "onnx"])
def test_the_extra_is_named(network, monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(AxsimError, match=r"axsim\[validate\]"):
        axsim.validate(network, random_images(network, 1))


def test_the_command_fails_where_an_integer_differs(network, tmp_path, capsys, monkeypatch):
    network.save(tmp_path / "network.h5")
    save_images(tmp_path / "images.h5", ImageSet(random_images(network, 3)), {})
    command = ["validate", str(tmp_path / "network.h5"), "--images", str(tmp_path / "images.h5"), "--unlabelled"]
    assert main(command) == 0
    assert "integers of 7 tensors equal" in capsys.readouterr().out
    last = network.layers[-1]
    wrong_model(monkeypatch, changed(network, last.name, bias=last.bias + np.int32(10**6)))
    assert main(command) == 2
    captured = capsys.readouterr()
    assert "arises here" in captured.out
    assert "differ from those of ONNX Runtime" in captured.err
    assert captured.err.count("error") == 1
