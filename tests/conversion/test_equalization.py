"""Cross-layer equalization: the float graph computes what it did, uneven channels become even, the rest is left."""

import copy

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

import axsim
from axsim.cli import main
from axsim.conversion.equalization import ChannelBounds, equalize, factors_shown
from axsim.images import ImageSet
from axsim.importers.float_graph import UNBOUNDED, FloatGraph, FloatNode
from axsim.importers.onnx import read_graph, read_model
from axsim.networks.preprocessing import Preprocessing
from axsim.validation.quantization_noise import quantization_noise

RELU, RELU6 = (0.0, np.inf), (0.0, 6.0)


def conv(rng, name, given, channels, rows, clamp=RELU):
    """A 1x1 convolution whose channels differ much in size."""
    weight = rng.normal(size=(rows, channels, 1, 1)) * np.exp2(rng.uniform(-5, 5, (rows, 1, 1, 1)))
    attributes = {"groups": 1}
    return FloatNode(
        "conv",
        name,
        [given],
        name,
        attributes,
        weight.astype(np.float32),
        rng.normal(size=rows).astype(np.float32),
        clamp,
    )


def fire(rng, clamp=RELU):
    """Squeeze, two expansions, their concat, pooled, and a last convolution."""
    nodes = [
        conv(rng, "s", "x", 3, 4, clamp),
        conv(rng, "e", "s", 4, 5, clamp),
        conv(rng, "f", "s", 4, 2, UNBOUNDED if clamp == RELU else clamp),
        FloatNode("concat", "c", ["e", "f"], "c"),
        FloatNode("max_pool", "p", ["c"], "p"),
        conv(rng, "y", "p", 7, 3),
    ]
    return FloatGraph("fire", "x", "y", (3, 2, 2), nodes)


def tensors(graph, x):
    """All tensors of a graph of 1x1 convolutions, adds, concats and a pool over everything; x [N, C, H, W]."""
    values = {graph.input: x}
    for node in graph.nodes:
        inputs = [values[name] for name in node.inputs]
        if node.op == "conv":
            value = np.einsum("mc,nchw->nmhw", node.weight[:, :, 0, 0], inputs[0]) + node.bias[:, None, None]
        elif node.op == "concat":
            value = np.concatenate(inputs, axis=1)
        elif node.op == "add":
            value = inputs[0] + inputs[1]
        elif node.op == "pad":
            pads = node.attributes["pads"]
            value = np.pad(inputs[0], [(0, 0), *zip(pads[:3], pads[3:], strict=True)])
        else:
            value = inputs[0].max(axis=(2, 3), keepdims=True)
        values[node.name] = np.clip(value, *node.clamp)
    return values


def bounds_of(values):
    bounds = ChannelBounds()
    for part in np.split(np.arange(len(values["x"])), 2):
        bounds.add({name: value[part] for name, value in values.items()})
    return bounds


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_the_output_stays_and_every_tensor_is_divided_by_its_factors(seed):
    rng = np.random.default_rng(seed)
    graph, x = fire(rng), rng.normal(size=(8, 3, 2, 2)).astype(np.float32)
    before = tensors(graph, x)
    factors = equalize(graph, bounds_of(before))
    after = tensors(graph, x)
    assert set(factors) == {"s", "e", "f", "c", "p"}
    assert factors["c"] == pytest.approx(np.concatenate([factors["e"], factors["f"]]), rel=0)
    for name, value in before.items():
        wanted = value / factors[name].reshape(-1, 1, 1) if name in factors else value
        assert after[name] == pytest.approx(wanted, rel=1e-3, abs=1e-4 * float(np.abs(wanted).max()))
    steps = 8 * np.log2(factors["c"])
    assert steps == pytest.approx(np.rint(steps), abs=1e-3)


def test_uneven_channels_become_more_even():
    rng = np.random.default_rng(0)
    graph, x = fire(rng), rng.normal(size=(50, 3, 2, 2)).astype(np.float32)
    before = tensors(graph, x)
    bounds = bounds_of(before)
    factors = equalize(graph, bounds)

    def unevenness(largest):
        largest = largest[largest > 0]
        return np.log2(largest).std()

    for name in ("s", "c"):
        largest = bounds.largest(name)
        assert unevenness(largest / factors[name]) < unevenness(largest) / 1.5
        low, high = bounds.range_of(name, factors[name])
        assert (low, high) == pytest.approx((tensors(graph, x)[name].min(), tensors(graph, x)[name].max()), rel=1e-3)


def pad(graph, pads=(0, 1, 0, 0, 2, 1), value=0.0):
    """Let the last convolution read the pool padded."""
    graph.nodes.insert(5, FloatNode("pad", "q", ["p"], "q", {"pads": pads, "value": value}))
    graph.nodes[6].inputs = ["q"]


def test_padding_with_zeros_is_scaled_too():
    rng = np.random.default_rng(7)
    graph, x = fire(rng), rng.normal(size=(8, 3, 2, 2)).astype(np.float32)
    pad(graph)
    before = tensors(graph, x)
    factors = equalize(graph, bounds_of(before))
    assert np.array_equal(factors["q"], factors["p"])
    assert tensors(graph, x)["y"] == pytest.approx(before["y"], rel=1e-3, abs=1e-4 * float(before["y"].max()))


def padded_with_ones(graph):
    pad(graph, value=1.0)


def padded_by_channels(graph):
    pad(graph, pads=(1, 0, 0, 1, 0, 0))


def added(graph):
    graph.nodes.insert(5, FloatNode("add", "a", ["p", "p"], "a"))
    graph.nodes[6].inputs = ["a"]


def grouped(graph):
    graph.nodes[5].weight, graph.nodes[5].attributes = graph.nodes[5].weight[:, :1], {"groups": 7}


def ended(graph):
    graph.output = "c"


@pytest.mark.parametrize("change", [added, grouped, ended, padded_with_ones, padded_by_channels])
def test_what_reaches_anything_else_is_left(change):
    rng = np.random.default_rng(1)
    graph = fire(rng)
    values = tensors(graph, rng.normal(size=(8, 3, 2, 2)).astype(np.float32))
    change(graph)
    left = copy.deepcopy(graph)
    assert set(equalize(graph, bounds_of(values))) == {"s"}
    for node, same in zip(graph.nodes[3:], left.nodes[3:], strict=True):
        assert node.weight is None or np.array_equal(node.weight, same.weight)


def test_a_bound_other_than_a_relus_is_left():
    rng = np.random.default_rng(2)
    graph = fire(rng, RELU6)
    values = tensors(graph, rng.normal(size=(8, 3, 2, 2)).astype(np.float32))
    assert equalize(graph, bounds_of(values)) == {}


def test_channels_that_are_constant_are_left():
    rng = np.random.default_rng(3)
    graph = fire(rng)
    graph.nodes[0].weight[1] = 0
    values = tensors(graph, rng.normal(size=(8, 3, 2, 2)).astype(np.float32))
    assert equalize(graph, bounds_of(values))["s"][1] == 1


@pytest.fixture
def model(tmp_path):
    """Two convolutions behind a relu whose channels differ by up to 2^8, and global pooling."""
    rng = np.random.default_rng(4)
    size = np.exp2(rng.uniform(-4, 4, 16))
    w, v = rng.normal(size=(16, 3, 3, 3)) * size[:, None, None, None], rng.normal(size=(5, 16, 1, 1))
    v /= size[None, :, None, None]
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], "c", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"], "r"),
        helper.make_node("Conv", ["r", "v"], ["d"], "d"),
        helper.make_node("GlobalAveragePool", ["d"], ["g"], "g"),
        helper.make_node("Flatten", ["g"], ["y"], "y"),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 5])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in (("w", w), ("v", v))],
    )
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.mark.parametrize("scheme", ["symmetric", "affine"])
@pytest.mark.parametrize("method", ["minmax", "percentile", "mse"])
def test_a_network_keeps_more_of_its_signal(model, scheme, method):
    """At least one bit, 6 dB, of the last convolution; the tensors compared are those of the equalized network."""
    images = np.random.default_rng(5).integers(0, 256, (20, 8, 8, 3), dtype=np.uint8)
    recipe = Preprocessing(255.0, (0.5,) * 3, (0.25,) * 3)
    ratios = {}
    for equalization in (False, True):
        network = axsim.convert(
            model, ImageSet(images), recipe, scheme=scheme, method=method, equalization=equalization
        )
        ratios[equalization] = {each.node: each for each in quantization_noise(model, network, images)}
        factors = factors_shown(read_graph(read_model(model), ""), network)
        assert ("channels equalized" in network.about["calibration"]) == equalization
        assert any((factor != 1).any() for factor in factors.values()) == equalization
    assert ratios[True]["d"].network > ratios[False]["d"].network + 6
    assert ratios[True]["c"].network > 30


def test_equalization_is_asked_for(model, tmp_path, capsys):
    np.savez(tmp_path / "i.npz", images=np.random.default_rng(6).integers(0, 256, (5, 8, 8, 3), dtype=np.uint8))
    for index, asked in enumerate(([], ["--equalization"])):
        target = tmp_path / f"{index}.h5"
        assert main(["convert", str(model), "--images", str(tmp_path / "i.npz"), "-o", str(target), *asked]) == 0
        assert ("channels equalized" in axsim.load(target).about["calibration"]) == bool(asked)
    axsim.export(axsim.load(tmp_path / "1.h5"), tmp_path / "int8.onnx")
    capsys.readouterr()
    arguments = ["convert", str(tmp_path / "int8.onnx"), "-o", str(tmp_path / "2.h5"), "--equalization"]
    assert main(arguments) == 2
    assert "--equalization is for float models" in capsys.readouterr().err
