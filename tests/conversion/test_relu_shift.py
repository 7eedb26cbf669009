"""Relu shift: what is stored shifted and what not, the same real numbers after it, and the networks that come out."""

import copy

import numpy as np
import pytest
import reference
from command_line import call, fails
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx_models import RECIPE, Model, pixels, save

import axsim
from axsim.conversion.bias_correction import ChannelMeans
from axsim.conversion.calibrate import METHODS
from axsim.conversion.relu_shift import (
    code_rule_of_relus,
    shift_relus,
    shiftable,
    shifts_shown,
    take_out_padding,
)
from axsim.errors import AxsimError
from axsim.images import ImageSet, save_images
from axsim.importers.float_graph import UNBOUNDED, FloatGraph, FloatNode
from axsim.importers.onnx import read_graph, read_model
from axsim.validation.quantization_noise import quantization_noise

SHAPE = (3, 11, 10)
RELU, RELU6 = (0.0, np.inf), (0.0, 6.0)
NO_PADS = (0, 0, 0, 0)


# Float graphs by hand, and what they compute in float64.


def conv(rng, name, given, channels, rows, size=1, pads=NO_PADS, groups=1, clamp=RELU):
    weight = rng.normal(size=(rows, channels // groups, size, size)).astype(np.float32)
    attributes = {"strides": (1, 1), "pads": pads, "dilations": (1, 1), "groups": groups}
    return FloatNode("conv", name, [given], name, attributes, weight, rng.normal(size=rows).astype(np.float32), clamp)


def fire(rng, pads=(1, 1, 1, 1), clamp=RELU, groups=1, size=5):
    """Stem, squeeze, two expansions (one of 3 x 3) and their concat, pooled, depthwise, and a classifier."""
    pool = {"kernel_shape": (2, 2), "strides": (1, 1), "pads": NO_PADS}
    pixels_left = (size + pads[0] + pads[2] - 4) * (size + pads[1] + pads[3] - 3)
    nodes = [
        conv(rng, "stem", "x", 2, 4, clamp=clamp),
        conv(rng, "s", "stem", 4, 4, clamp=clamp),
        conv(rng, "e", "s", 4, 6, clamp=clamp, size=3, pads=pads, groups=groups),
        conv(rng, "f", "s", 4, 2, clamp=clamp, size=3, pads=pads),
        FloatNode("concat", "c", ["e", "f"], "c"),
        FloatNode("max_pool", "p", ["c"], "p", pool),
        conv(rng, "d", "p", 8, 8, clamp=clamp, size=2, groups=8, pads=(0, 1, 0, 0)),
        FloatNode("flatten", "flat", ["d"], "flat"),
    ]
    weight = rng.normal(size=(3, 8 * pixels_left)).astype(np.float32)
    linear = FloatNode("linear", "y", ["flat"], "y", {}, weight, rng.normal(size=3).astype(np.float32))
    return FloatGraph("fire", "x", "y", (2, size, size), [*nodes, linear])


def tensors(graph, x):
    """Every tensor, float64 [N, C, H, W] or [N, F]."""
    values = {graph.input: x.astype(np.float64)}
    for node in graph.nodes:
        first = values[node.inputs[0]]
        if node.op == "conv":
            value = convolved(node, first)
        elif node.op == "linear":
            value = first @ node.weight.T.astype(np.float64) + node.bias
        elif node.op == "concat":
            value = np.concatenate([values[name] for name in node.inputs], axis=1)
        elif node.op == "max_pool":
            value = np.lib.stride_tricks.sliding_window_view(first, node.attributes["kernel_shape"], (2, 3)).max((4, 5))
        elif node.op == "pad":
            pads = node.attributes["pads"]
            around = [(0, 0), *zip(pads[:3], pads[3:], strict=True)]
            value = np.pad(first, around, constant_values=node.attributes["value"])
        else:
            assert node.op == "flatten"
            value = first.reshape(len(first), -1)
        values[node.name] = np.clip(value, *node.clamp)
    return values


def convolved(node, x):
    (top, left, bottom, right), groups = node.attributes["pads"], node.attributes["groups"]
    x = np.pad(x, [(0, 0), (0, 0), (top, bottom), (left, right)])
    parts = []
    for part, weight in zip(np.split(x, groups, axis=1), np.split(node.weight, groups), strict=True):
        windows = np.lib.stride_tricks.sliding_window_view(part, weight.shape[2:], (2, 3))
        parts.append(np.einsum("nchwij,mcij->nmhw", windows, weight.astype(np.float64)))
    return np.concatenate(parts, axis=1) + node.bias.reshape(-1, 1, 1)


def shifted(graph, values):
    """The graph shifted by half of what its tensors reach, with the shifts, and the ranges after it."""
    graph = copy.deepcopy(graph)
    ranges = {name: (float(value.min()), float(value.max())) for name, value in values.items()}
    take_out_padding(graph)
    return graph, shift_relus(graph, ranges, ChannelMeans()), ranges


# The same real numbers.


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 2**32 - 1),
    st.tuples(*[st.integers(0, 2)] * 4),
    st.sampled_from([RELU, RELU6]),
    st.sampled_from([1, 2]),
)
def test_the_output_stays_and_every_other_tensor_is_off_by_its_shift(seed, pads, clamp, groups):
    rng = np.random.default_rng(seed)
    graph = fire(rng, pads, clamp, groups)
    x = rng.normal(size=(4, *graph.shape)).astype(np.float32)
    before = tensors(graph, x)
    made, shifts, ranges = shifted(graph, before)
    after = tensors(made, x)
    paddings = {f"{name}:padded" for name in ("e", "f") if any(pads)} | {"d:padded"}
    assert set(shifts) == {"stem", "s", "e", "f", "c", "p", "d", "flat"} | paddings
    assert after["y"] == pytest.approx(before["y"], rel=1e-4, abs=1e-4 * float(np.abs(before["y"]).max()))
    for name in shifts.keys() - paddings:
        largest = float(before[name].max())
        assert after[name] + shifts[name] == pytest.approx(before[name], abs=1e-4 * max(1.0, largest))
        assert ranges[name] == (-shifts[name], shifts[name])
    assert all(node.attributes["pads"] == NO_PADS for node in made.nodes if node.op == "conv")


def test_half_of_the_range_is_taken_off():
    rng = np.random.default_rng(0)
    graph = fire(rng)
    values = tensors(graph, rng.normal(size=(4, *graph.shape)))
    _, shifts, _ = shifted(graph, values)
    for name in ("stem", "s", "c", "d"):
        assert shifts[name] == pytest.approx(values[name].max() / 2)
    assert shifts["e"] == shifts["f"] == shifts["p"] == shifts["d:padded"] == shifts["c"]


@pytest.mark.parametrize(("high", "scale"), [(2.54, 0.01), (254.0, 1.0)])
def test_codes_of_a_relu(high, scale):
    assert code_rule_of_relus((0.0, high)) == (float(np.float32(scale)), 0, 0, 254)


def test_means_are_taken_off():
    means = ChannelMeans()
    means.add({"a": np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)})
    means.share("a", "b")
    means.share("none", "d")
    means.subtract({"a": 0.5, "c": 2.0})
    assert means["a"].tolist() == [1.5, 2.5]
    assert means["b"].tolist() == [2.0, 3.0]
    assert means["c"].tolist() == [-2.0]
    assert means["d"] is None


# What is shifted together, and what is not at all.


def names_of(graph):
    return sorted(sorted(group) for group in shiftable(graph))


def test_what_a_concat_joins_is_shifted_together():
    graph = fire(np.random.default_rng(0))
    assert names_of(graph) == [["c", "e", "f", "p"], ["d", "flat"], ["s"], ["stem"]]


def test_a_part_of_two_concats_joins_them():
    graph = fire(np.random.default_rng(0))
    graph.nodes[5:6] = [
        FloatNode("concat", "c2", ["f", "f"], "c2"),
        FloatNode("concat", "c3", ["c", "c2"], "c3"),
        FloatNode("max_pool", "p", ["c3"], "p", graph.nodes[5].attributes),
    ]
    assert names_of(graph)[0] == ["c", "c2", "c3", "e", "f", "p"]


def replace(index, **fields):
    def change(graph):
        for field, value in fields.items():
            setattr(graph.nodes[index], field, value)

    return change


def insert(index, node):
    """Add a node before another, which reads its output instead of the same input."""

    def change(graph):
        reader = graph.nodes[index]
        reader.inputs = [node.name if name == node.inputs[0] else name for name in reader.inputs]
        graph.nodes.insert(index, copy.deepcopy(node))

    return change


REST = [["d", "flat"], ["s"], ["stem"]]
REFUSALS = {
    "no relu": (replace(3, clamp=UNBOUNDED), REST),  # one part of the concat, and so none of it
    "a bound that is not 0": (replace(2, clamp=(0.1, 6.0)), REST),
    "no room above 0": (replace(0, clamp=(0.0, 0.0)), [["c", "e", "f", "p"], ["d", "flat"], ["s"]]),
    "numbers arranged otherwise": (replace(3, tensor="t"), REST),
    "the network's input in a concat": (replace(4, inputs=["e", "f", "x"]), REST),
    "a bounded concat": (replace(4, clamp=RELU), REST),
    "another operator behind a pool": (replace(6, op="average_pool"), [["s"], ["stem"]]),
    "the output": (lambda graph: setattr(graph, "output", "c"), REST),
    "an add": (insert(2, FloatNode("add", "a", ["s", "s"], "a")), [["c", "e", "f", "p"], ["d", "flat"], ["stem"]]),
    "a pool of means": (insert(6, FloatNode("average_pool", "a", ["p"], "a")), REST),
    "a softmax": (insert(7, FloatNode("softmax", "a", ["d"], "a")), [["c", "e", "f", "p"], ["s"], ["stem"]]),
    "a requantize": (
        insert(1, FloatNode("requantize", "a", ["stem"], "a")),
        [["c", "e", "f", "p"], ["d", "flat"], ["s"]],
    ),
    "padding other than 0": (
        insert(6, FloatNode("pad", "a", ["p"], "a", {"pads": (0, 1, 1, 0, 1, 1), "value": 1.0})),
        REST,
    ),
}  # fmt: skip


@pytest.mark.parametrize("reason", REFUSALS)
def test_what_is_not_shifted(reason):
    change, wanted = REFUSALS[reason]
    graph = fire(np.random.default_rng(0))
    change(graph)
    assert names_of(graph) == wanted


def test_a_models_own_padding_with_zeros_is_shifted():
    graph = fire(np.random.default_rng(0))
    insert(6, FloatNode("pad", "a", ["p"], "a", {"pads": (0, 1, 1, 0, 1, 1), "value": 0.0}))(graph)
    assert names_of(graph)[0] == ["a", "c", "e", "f", "p"]


def test_padding_stays_where_nothing_is_shifted():
    graph = fire(np.random.default_rng(0), clamp=UNBOUNDED)
    left = copy.deepcopy(graph)
    take_out_padding(graph)
    assert [(node.name, node.inputs, node.attributes) for node in graph.nodes] == [
        (node.name, node.inputs, node.attributes) for node in left.nodes
    ]


def test_a_relu_that_never_fires_is_not_shifted():
    """Its range says nothing: half of it would vanish beside the bias in float32, but not among the codes."""
    graph = fire(np.random.default_rng(0))
    take_out_padding(graph)
    ranges = {node.of_tensor: (0.0, 0.0 if node.name == "s" else 4.0) for node in graph.nodes}
    shifts = shift_relus(graph, ranges, ChannelMeans())
    assert "s" not in shifts and shifts["stem"] == shifts["c"] == 2.0
    nodes = {node.name: node for node in graph.nodes}
    assert ranges[nodes["s"].of_tensor] == (0.0, 0.0)
    assert nodes["s"].clamp == RELU and nodes["stem"].clamp == (-2.0, np.inf)
    assert all(node.attributes["value"] == 0 for node in graph.nodes if node.op == "pad" and node.inputs[0] == "s")


# Networks.


@pytest.fixture(params=["padded", "unpadded"])
def model(request, tmp_path):
    """A fire module between a stem and a classifier, every layer behind a relu; where it lies."""
    pads = {"pads": [1] * 4} if request.param == "padded" else {}
    made = Model(SHAPE)
    stem = made.node("Relu", made.conv())
    pooled = made.node("MaxPool", stem, kernel_shape=[2, 2], strides=[1, 1])
    squeezed = made.node("Relu", made.conv(pooled, (4, 5, 1, 1)))
    parts = [made.node("Relu", made.conv(squeezed, (6, 4, 3, 3), **pads)) for _ in range(2)]
    joined = made.node("Concat", *parts, axis=1)
    depthwise = made.node("Relu", made.conv(joined, (12, 1, 3, 3), group=12, **pads))
    last = made.conv(depthwise, (6, 12, 1, 1))
    return save(made, tmp_path / "model.onnx", made.node("Flatten", made.node("GlobalAveragePool", last)))


def converted(model, **options):
    images = pixels(30, SHAPE)
    return axsim.convert(model, ImageSet(images), RECIPE, **options), images


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("equalization", [False, True])
@pytest.mark.parametrize("bias_correction", [False, True])
def test_networks_are_right_to_the_bit(model, method, equalization, bias_correction):
    options = {"method": method, "equalization": equalization, "bias_correction": bias_correction}
    network, images = converted(model, **options, relu_shift=True)
    assert ", relus shifted" in network.about["calibration"]
    relus = network.layers[:-1]
    assert {layer.clamp for layer in relus} == {(-127, 127)}
    assert all(node.output.zero_point == 0 and node.output.format == "s8" for node in network.nodes)
    assert {node.code for node in network.nodes if node.op == "pad"} <= {-127}
    assert axsim.validate(network, images).equal
    logits, codes, _ = reference.run(network, images)
    assert np.array_equal(axsim.run(network, images).logits, logits)
    assert all(codes[layer.name].min() == -127 for layer in relus)


@pytest.mark.parametrize("options", [{}, {"equalization": True}, {"bias_correction": False}], ids=str)
def test_noise_is_that_of_the_real_numbers(model, options):
    """Half the step is a bit, 6 dB: at least half of that for each relu, and 1 dB of all that was lost up to there."""
    own = {}
    for relu_shift in (False, True):
        network, images = converted(model, relu_shift=relu_shift, **options)
        own[relu_shift] = {each.node: each for each in quantization_noise(model, network, images)}
        graph = read_graph(read_model(model), "")
        if relu_shift:
            take_out_padding(graph)
        shifts = shifts_shown(graph, network)
        steps = {node.name: layer.output.scale for node, layer in zip(graph.nodes, network.nodes, strict=True)}
        assert shifts == pytest.approx({name: 127 * steps[name] for name in shifts})
        assert bool(shifts) == relu_shift
        names = {node.name for node in graph.nodes if node.op != "pad"}
        assert not relu_shift or len(names - shifts.keys()) == 3  # the last layer, its mean and their flattening
    relus = [layer.name for layer in network.layers[:-1]]
    for name in relus:
        assert own[True][name].own > own[False][name].own + 3
        assert own[True][name].network > own[False][name].network + 1


def test_a_network_without_relus_is_as_it_was(tmp_path):
    made = Model(SHAPE)
    path = save(made, tmp_path / "model.onnx", made.flat_linear(made.conv(), 5 * 9 * 8))
    plain, _ = converted(path)
    network, _ = converted(path, relu_shift=True)
    assert network.digest == plain.digest
    assert network.about == plain.about


def test_affine_needs_no_shift(model):
    with pytest.raises(AxsimError, match="relu shift is for the symmetric scheme; the zero points of affine"):
        converted(model, scheme="affine", relu_shift=True)


def test_the_command(model, tmp_path, capsys):
    save_images(tmp_path / "i.h5", ImageSet(pixels(8, SHAPE)), {})
    arguments = ["convert", model, "--images", tmp_path / "i.h5", "-o", tmp_path / "n.h5", "--relu-shift"]
    assert "symmetric scheme" in fails(capsys, *arguments, "--scheme", "affine")
    assert not (tmp_path / "n.h5").exists()
    assert call(capsys, *arguments)[0] == 0
    assert "relus shifted" in axsim.load(tmp_path / "n.h5").about["calibration"]
    code, out, _ = call(capsys, "validate", tmp_path / "n.h5", "--images", tmp_path / "i.h5")
    assert (code, "differ" in out) == (0, True)
    assert call(capsys, "inspect", tmp_path / "n.h5", "--model", model, "--images", tmp_path / "i.h5")[0] == 0
    axsim.export(axsim.load(tmp_path / "n.h5"), tmp_path / "int8.onnx")
    quantized = ["convert", tmp_path / "int8.onnx", "-o", tmp_path / "2.h5"]
    assert "--relu-shift is for float models" in fails(capsys, *quantized, "--relu-shift")
    assert call(capsys, *quantized)[0] == 0
    assert axsim.load(tmp_path / "2.h5").layers[0].clamp == (-127, 127)
