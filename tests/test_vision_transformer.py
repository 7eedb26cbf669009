"""The tiny vision transformer: accuracy in int8, the oracle's bits, and what is said of float and of multiplied."""

import functools
import pathlib

import numpy as np
import onnxruntime
import pytest
import reference
from shared_data import shared_data

import axsim
from axsim.conversion.calibrate import DEFAULT_METHOD
from axsim.images import ImageSet
from axsim.networks.network import SCHEMES
from axsim.networks.preprocessing import Preprocessing
from axsim.networks.shipped import NETWORKS
from axsim.validation.quantization_noise import quantization_noise

WEIGHTS = pathlib.Path(__file__).parents[1] / "weights"
MODEL = "models/fmnist_vit_tiny_fp32.onnx"
RECIPE = Preprocessing(255.0, (0.286,), (0.353,))


@functools.cache
def shipped():
    return axsim.load(WEIGHTS / "fmnist_vit_tiny.h5")


@functools.cache
def sample():
    return axsim.load_images(WEIGHTS / "fmnist_test1000.h5")


@functools.cache
def all_images():
    return axsim.load_images(shared_data("images/fashion_mnist/test.npz"))


@functools.cache
def converted(scheme, method=DEFAULT_METHOD):
    images = axsim.load_images(shared_data("images/fashion_mnist/calib1000_train.npz"))
    return axsim.convert(shared_data(MODEL), images, RECIPE, scheme=scheme, method=method)


@functools.cache
def float_logits(count):
    session = onnxruntime.InferenceSession(shared_data(MODEL), providers=["CPUExecutionProvider"])
    real = (all_images().images[:count].astype(np.float32) / 255 - np.float32(0.286)) / np.float32(0.353)
    parts = [
        session.run(None, {"input": real[start : start + 500].transpose(0, 3, 1, 2)})[0]
        for start in range(0, count, 500)
    ]
    return np.concatenate(parts)


def top1(logits, images):
    return 100 * float((logits.argmax(axis=1) == images.labels[: len(logits)]).mean())


@pytest.mark.slow
@pytest.mark.parametrize("scheme", SCHEMES)
def test_accuracy_on_all_test_images(scheme):
    images = all_images()
    wanted = top1(float_logits(10_000), images)
    assert wanted == pytest.approx(86.71, abs=0.05)
    assert abs(top1(axsim.run(converted(scheme), images.images).logits, images) - wanted) <= 1.5


@pytest.mark.slow
def test_accuracy_of_what_ships():
    stated = NETWORKS["vit-tiny-fmnist"]
    assert top1(float_logits(10_000), all_images()) == pytest.approx(stated.float_top1, abs=0.05)
    assert top1(axsim.run(shipped(), all_images().images).logits, all_images()) == pytest.approx(
        stated.int8_top1, abs=1e-9
    )


def test_accuracy_on_the_images_that_ship():
    assert top1(axsim.run(shipped(), sample().images).logits, sample()) == pytest.approx(87.3)
    assert np.array_equal(sample().images, all_images().images[:1000])
    assert np.array_equal(sample().labels, all_images().labels[:1000])
    assert sample().class_names == shipped().class_names
    assert abs(top1(float_logits(1000), all_images()) - 87.3) <= 1.5


def test_the_committed_network_is_what_the_committed_command_makes():
    made = converted("symmetric", "minmax")
    assert [node.name for node in shipped().nodes] == [node.name for node in made.nodes]
    for one, other in zip(shipped().weight_layers, made.weight_layers, strict=True):
        assert np.array_equal(one.weight, other.weight)
        assert one.output.scale == pytest.approx(other.output.scale, rel=1e-4)  # ONNX Runtime's sums vary by machine


@pytest.mark.parametrize("name", [None, "mitchell", "drum:k=4"])
def test_the_committed_network_equals_the_oracle(name):
    images = sample().images[[0 if name is None else 999]]
    multiplier = None if name is None else axsim.multiplier(name)
    logits, _, sums = reference.run(shipped(), images, multiplier)
    result = axsim.run(shipped(), images, multiplier, statistics=True)
    assert np.array_equal(result.logits, logits)
    assert list(sums) == list(result.statistics) == [layer.name for layer in shipped().layers]


def test_the_affine_network_equals_the_oracle():
    images = all_images().images[:1]
    multiplier = axsim.multiplier("mitchell")
    assert np.array_equal(
        axsim.run(converted("affine"), images, multiplier).logits,
        reference.run(converted("affine"), images, multiplier)[0],
    )


def test_every_product_goes_through_the_multiplier_and_what_is_float_is_said():
    network, mitchell = shipped(), axsim.multiplier("mitchell")
    steps = axsim.run(network, sample().images[:2], mitchell).steps
    served = {kind: [step.op for step in steps if step.multiplier == kind] for kind in ("mitchell", "float", "exact")}
    assert {op: served["mitchell"].count(op) for op in ("conv", "matmul", "linear")} == {
        "conv": 17,
        "matmul": 8,
        "linear": 1,
    }
    assert {op: served["float"].count(op) for op in ("layer_norm", "softmax", "gelu")} == {
        "layer_norm": 9,
        "softmax": 4,
        "gelu": 4,
    }
    assert len(served["mitchell"]) == 26
    assert len(served["float"]) == 17
    assert served["exact"] == []


def test_a_multiplier_in_the_matmuls_alone_changes_the_logits():
    network, images = shipped(), sample().images[:20]
    exact = axsim.run(network, images).logits
    for matmul in [layer.name for layer in network.layers if layer.op == "matmul"]:
        assert not np.array_equal(axsim.run(network, images, {matmul: axsim.multiplier("drum:k=3")}).logits, exact)


def test_noise_of_every_node_that_the_float_model_has():
    found = quantization_noise(shared_data(MODEL), converted("symmetric"), all_images().images[:20])
    noise = {each.node: each.network for each in found}
    assert {"b.0.MatMul", "b.3.MatMul_1", "b.2.Softmax", "n.LayerNormalization", "head"} <= set(noise)
    assert "Add.constant" not in noise
    assert min(noise.values()) > 10  # dB; a tensor laid out otherwise than the network has it would be near 0


def test_measured_beside_predicted():
    network, images = shipped(), ImageSet(sample().images[:8], sample().labels[:8])
    comparison = axsim.compare(network, images, [axsim.multiplier("drum:k=4")], measured_images=4)
    layers = {layer.layer: layer for layer in comparison.multipliers[0].layers}
    scores = layers["b.0.MatMul"]
    assert (scores.channels, scores.taps, scores.pixels) == (4 * 49, 16, 4 * 49)
    assert scores.measured > 0
    assert scores.predicted.iid > 0 and scores.predicted.operand > 0
    assert scores.predicted.covariance is None and scores.ratio("covariance") is None
    pairs, predicted = len(comparison.pairs()), len(comparison.predicted("covariance"))
    assert pairs - predicted == 8
    assert comparison.as_dict()["predicted_pairs"] == {
        "iid": 26,
        "relative": 18,
        "operand": 26,
        "conditional": 18,
        "covariance": 18,
    }
    assert len(comparison.as_dict()["computed_in_float"]) == 17
