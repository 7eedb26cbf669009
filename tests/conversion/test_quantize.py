"""From real numbers to codes on float graphs by hand: scales, zero points, weights, biases, clamps, pads and names."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import axsim
from axsim.conversion.quantize import activation_quantization, quantize, share_concat_ranges
from axsim.errors import ConversionError, NetworkError
from axsim.importers.float_graph import UNBOUNDED, FloatGraph, FloatNode
from axsim.networks.network import SCHEMES
from axsim.networks.preprocessing import Preprocessing

RECIPE = Preprocessing(255.0, (0.5, 0.5), (0.5, 0.5))
ENDS = {"symmetric": (-127, 127), "affine": (0, 255)}
BOUNDS = [(-1.0, 1.0), (0.0, 6.0), (-3.0, 0.0), (-0.1, 7.3), (2.0, 5.0), (-5.0, -2.0), (-1e-4, 1e4), (-2.1, 2.6)]
ANY = settings(deadline=None, max_examples=200)


def floats(*shape, seed=0, scale=1.0):
    return (scale * np.random.default_rng(seed).normal(size=shape)).astype(np.float32)


# Activations.


def represented(quantization, codes):
    return quantization.scale * (np.asarray(codes, np.float64) - quantization.zero_point)


def check_activation(bounds, scheme):
    quantization = activation_quantization(bounds, scheme)
    quantization.check()
    low, high = min(0.0, bounds[0]), max(0.0, bounds[1])
    lowest, highest = ENDS[scheme]
    ends = represented(quantization, [lowest, highest])
    assert quantization.format == ("s8" if scheme == "symmetric" else "u8")
    assert lowest <= quantization.zero_point <= highest
    assert represented(quantization, quantization.zero_point) == 0  # exactly
    slack = quantization.scale * (0.5 + 1e-3)
    assert ends[0] <= low + slack
    assert ends[1] >= high - slack
    if scheme == "symmetric":
        assert quantization.zero_point == 0
        assert max(ends) == pytest.approx(max(-low, high, 1e-30), rel=1e-6)  # not a code is wasted
    else:
        assert ends[1] - ends[0] == pytest.approx(max(high - low, 1e-30), rel=1e-6)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("bounds", [*BOUNDS, (0.0, 0.0), (0.0, 1e-38), (-1e30, 1e30)])
def test_activation_quantization(bounds, scheme):
    check_activation(bounds, scheme)


@ANY
@given(st.floats(-1e30, 1e30), st.floats(0, 1e30), st.sampled_from(SCHEMES))
def test_activation_quantization_of_any_range(low, width, scheme):
    check_activation((low, low + width), scheme)


@pytest.mark.parametrize(
    ("bounds", "scheme", "scale", "zero_point"),
    [
        ((-1.0, 1.0), "symmetric", 1 / 127, 0),
        ((-2.0, 1.0), "symmetric", 2 / 127, 0),
        ((0.0, 6.0), "symmetric", 6 / 127, 0),
        ((0.0, 6.0), "affine", 6 / 255, 0),
        ((-6.0, 0.0), "affine", 6 / 255, 255),
        ((-1.0, 1.0), "affine", 2 / 255, 127),  # the float32 scale is above 2 / 255
        ((-1.0, 4.1), "affine", 0.02, 50),
        ((2.0, 5.1), "affine", 0.02, 0),  # widened to 0
    ],
)
def test_activation_quantization_in_figures(bounds, scheme, scale, zero_point):
    quantization = activation_quantization(bounds, scheme)
    assert quantization.scale == float(np.float32(quantization.scale)) == pytest.approx(scale, rel=1e-6)
    assert quantization.zero_point == zero_point


# Layers. A graph by hand: its input holds two channels of 4 x 4 in `x_range`.


def node(op, name, *inputs, label=None, **fields):
    return FloatNode(op, name, list(inputs), label or name, **fields)


def conv(name, given="x", weight=None, bias=None, **fields):
    weight = floats(3, 2, 1, 1) if weight is None else weight
    attributes = {"strides": (1, 1), "pads": (0, 0, 0, 0), "dilations": (1, 1), "groups": 1}
    bias = np.zeros(len(weight), np.float32) if bias is None else bias
    return node("conv", name, given, attributes=attributes, weight=weight, bias=bias, **fields)


def network_of(*nodes, scheme="symmetric", ranges=None, class_names=(), size=4):
    """The network of these nodes; what is given no range has (-2, 2). The last node is made flat."""
    last = nodes[-1].name
    graph = FloatGraph("net", "x", "end", (2, size, size), [*nodes, node("flatten", "end", last)])
    bounds = dict.fromkeys(("x", *(each.name for each in graph.nodes)), (-2.0, 2.0)) | (ranges or {})
    return quantize(graph, bounds, RECIPE, scheme, class_names)


def layer_of(weight, bias, scheme="symmetric", x_range=(-1.0, 1.0)):
    """The quantized layer and its input's scale."""
    network = network_of(conv("c", weight=weight, bias=bias), scheme=scheme, ranges={"x": x_range})
    return network.layers[0], network.input.scale


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("shape", [(5, 2, 3, 3), (1, 2, 1, 1), (4, 2, 4, 2)])
def test_weights_have_one_scale_a_channel(shape, scheme):
    weight = floats(*shape) * np.logspace(-3, 3, shape[0], dtype=np.float32).reshape(-1, 1, 1, 1)
    layer, x_scale = layer_of(weight, floats(shape[0], seed=1), scheme)
    rows, codes = weight.reshape(shape[0], -1).astype(np.float64), layer.weight.reshape(shape[0], -1)
    assert (layer.weight.shape, layer.weight.dtype) == (shape, np.int8)
    assert (layer.weight_scale.dtype, layer.bias.dtype) == (np.float32, np.int32)
    assert np.array_equal(abs(codes.astype(int)).max(axis=1), np.full(shape[0], 127))  # and never -128
    assert layer.weight_scale == pytest.approx(abs(rows).max(axis=1) / 127, rel=1e-6)
    assert (abs(codes * layer.weight_scale[:, None] - rows) <= layer.weight_scale[:, None] * (0.5 + 1e-4)).all()
    unit = x_scale * layer.weight_scale.astype(np.float64)
    assert (abs(layer.bias * unit - floats(shape[0], seed=1)) <= unit * (0.5 + 1e-4)).all()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("x_range", [(-1.0, 1.0), (0.0, 255.0), (0.0, 1e-5)])
def test_a_channel_without_weights_keeps_its_bias(x_range, scheme):
    weight, bias = floats(4, 2, 1, 1), np.array([0.3, -0.3, 0.0, 1e-4], np.float32)
    weight[1:] = 0
    layer, x_scale = layer_of(weight, bias, scheme, x_range)
    assert not layer.weight[1:].any()
    assert (layer.weight_scale > 0).all()
    assert (layer.bias * x_scale * layer.weight_scale.astype(np.float64))[1:] == pytest.approx(bias[1:], rel=1e-5)
    assert abs(layer.bias[1:]).max() <= 2**20


@pytest.mark.parametrize("largest", [1e-6, 1e-12, 1e-30, 1e-40, 1e-45])
@pytest.mark.parametrize("x_range", [(-1.0, 1.0), (0.0, 255.0), (0.0, 0.0)])
def test_tiny_weights_under_a_large_bias(largest, x_range):
    weight, bias = floats(2, 2, 1, 1), np.array([0.5, -3.0], np.float32)
    weight[1] = largest
    layer, x_scale = layer_of(weight, bias, x_range=x_range)
    unit = x_scale * layer.weight_scale.astype(np.float64)
    assert layer.bias * unit == pytest.approx(bias, rel=1e-5, abs=float(unit.max()) / 2 if x_range[1] else 0)
    assert abs(layer.bias).max() <= 2**30 + 2**7
    assert (abs(layer.weight.astype(int)) <= 127).all()


@ANY
@given(
    st.lists(st.floats(-1e6, 1e6, width=32), min_size=2, max_size=2),
    st.floats(-1e6, 1e6, width=32),
    st.floats(-1e3, 1e3),
    st.floats(0, 1e3),
    st.sampled_from(SCHEMES),
)
def test_any_channel_becomes_a_network(weight, bias, low, width, scheme):
    """No weight, bias or range leaves int8, int32 or float32."""
    rows = np.array(weight, np.float32).reshape(1, 2, 1, 1)
    bounds = (low, low + width)
    layer, x_scale = layer_of(rows, np.array([bias], np.float32), scheme, bounds)
    unit = x_scale * float(layer.weight_scale[0])
    assert abs(layer.bias[0] * unit - bias) <= 0.51 * unit + 1e-6 * abs(bias)
    assert abs(int(layer.bias[0])) <= 2**30 + 2**7


def test_bias_is_in_units_of_both_scales():
    layer, x_scale = layer_of(np.full((1, 2, 1, 1), 2.54, np.float32), np.array([-1.0], np.float32))
    assert layer.weight.tolist() == [[[[127]], [[127]]]]
    assert layer.weight_scale[0] == np.float32(0.02)
    assert layer.bias[0] == round(-1.0 / (0.02 / 127))
    assert x_scale == float(np.float32(1 / 127))


# Clamps.


@pytest.mark.parametrize(
    ("clamp", "bounds", "scheme", "codes"),
    [
        (UNBOUNDED, (-1.0, 1.0), "symmetric", (-127, 127)),
        (UNBOUNDED, (-1.0, 1.0), "affine", (0, 255)),
        ((0.0, np.inf), (0.0, 3.0), "symmetric", (0, 127)),
        ((0.0, np.inf), (0.0, 3.0), "affine", (0, 255)),
        ((0.0, 6.0), (0.0, 6.0), "symmetric", (0, 127)),
        ((0.0, 6.0), (0.0, 6.0), "affine", (0, 255)),
        ((0.0, 6.0), (0.0, 3.0), "symmetric", (0, 127)),  # 6 was never reached
        ((0.0, 6.0), (-6.0, 12.0), "symmetric", (0, 64)),  # 63.5 to even
        ((0.0, np.inf), (-1.0, 4.1), "affine", (50, 255)),
        ((0.0, 2.0), (-1.0, 4.1), "affine", (50, 150)),
        ((-0.5, 0.5), (-1.0, 1.0), "symmetric", (-64, 64)),
        ((-np.inf, 1.0), (-1.0, 4.1), "affine", (0, 100)),
        ((1.0, 2.0), (-2.54, 2.54), "symmetric", (50, 100)),
        ((5.0, 9.0), (-1.0, 1.0), "symmetric", (127, 127)),
        ((1e300, np.inf), (0.0, 0.0), "affine", (255, 255)),
    ],
)
@pytest.mark.parametrize("op", ["conv", "requantize", "add", "concat", "global_average_pool"])
def test_clamp_codes(op, clamp, bounds, scheme, codes):
    clamped = node(op, "r", "c", clamp=clamp) if op != "add" else node(op, "r", "c", "c", clamp=clamp)
    nodes = [conv("r", clamp=clamp)] if op == "conv" else [conv("c"), clamped]
    network = network_of(*nodes, scheme=scheme, ranges={"r": bounds})
    assert network.nodes[-2].clamp == codes


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("bounds", BOUNDS)
def test_a_relu_ends_at_the_zero_point(bounds, scheme):
    network = network_of(conv("c", clamp=(0.0, np.inf)), scheme=scheme, ranges={"c": bounds})
    assert network.layers[0].clamp == (network.layers[0].output.zero_point, ENDS[scheme][1])


# Pads.


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("bounds", BOUNDS)
def test_a_pad_of_zero_is_the_zero_point(bounds, scheme):
    network = padded(0.0, bounds, scheme)
    assert network.nodes[0].code == network.input.zero_point


@pytest.mark.parametrize(
    ("value", "bounds", "scheme", "code"),
    [
        (1.0, (-2.54, 2.54), "symmetric", 50),
        (-2.54, (-2.54, 2.54), "symmetric", -127),
        (1.0, (-1.0, 4.1), "affine", 100),
        (-1.0, (-1.0, 4.1), "affine", 0),
        (4.1, (-1.0, 4.1), "affine", 255),
        (4.109, (-1.0, 4.1), "affine", 255),  # within half a step
    ],
)
def test_pad_codes(value, bounds, scheme, code):
    assert padded(value, bounds, scheme).nodes[0].code == code


@pytest.mark.parametrize(
    ("value", "bounds", "scheme", "ends"),
    [
        (2.56, (-2.54, 2.54), "symmetric", "-2.54 to 2.54"),
        (-9.0, (0.0, 2.54), "symmetric", "-2.54 to 2.54"),
        (5.0, (-1.0, 4.1), "affine", "-1 to 4.1"),
        (-0.1, (0.0, 5.1), "affine", "0 to 5.1"),
    ],
)
def test_a_pad_that_no_code_stands_for_is_refused(value, bounds, scheme, ends):
    with pytest.raises(ConversionError, match=rf"node 'frame' \(Pad\): .* {ends}, got {value:g}"):
        padded(value, bounds, scheme)


def padded(value, bounds, scheme):
    frame = node("pad", "p", "x", label="/frame", attributes={"pads": (0, 1, 1, 0, 1, 1), "value": value})
    return network_of(frame, conv("c", "p"), scheme=scheme, ranges={"x": bounds})


# Names, classes, and the whole.


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["/conv1/Conv"], ["conv1"]),
        (["/body/body.0/c1/Conv"], ["body.0.c1"]),
        (["/layer1/layer1.0/conv1/Conv", "/layer1/layer1.0/conv2/Conv"], ["layer1.0.conv1", "layer1.0.conv2"]),
        (["/features/features.0/features.0.0/Conv"], ["features.0.0"]),
        (["Conv_0"], ["Conv_0"]),
        (["MobilenetV1/Conv2d_0/convolution"], ["MobilenetV1.Conv2d_0"]),
        (["", "///"], ["000_conv", "001_conv"]),
        (["input", "a"], ["input_000", "a"]),  # the network's own name for its input
        (["/block/Conv", "/block/Conv_1"], ["block", "block_001"]),
        (["a", "a_002", "a"], ["a", "a_002", "a_002_002"]),
        (["a", "a", "a"], ["a", "a_001", "a_002"]),
        (["/a b/Conv", "/ä/Conv"], ["a b", "ä"]),
    ],
)
def test_node_names(labels, names):
    nodes = [conv(f"t{index}", f"t{index - 1}" if index else "x", floats(2, 2, 1, 1)) for index in range(len(labels))]
    for each, label in zip(nodes, labels, strict=True):
        each.label = label
    network = network_of(*nodes)
    assert [layer.name for layer in network.layers] == names
    assert [layer.inputs for layer in network.layers] == [(given,) for given in ("input", *names[:-1])]


@ANY
@given(st.lists(st.text("a/._0123", max_size=8), min_size=1, max_size=6))
def test_node_names_are_unique(labels):
    nodes = [conv(f"t{index}", f"t{index - 1}" if index else "x", floats(2, 2, 1, 1)) for index in range(len(labels))]
    for each, label in zip(nodes, labels, strict=True):
        each.label = label
    names = [each.name for each in network_of(*nodes).nodes]
    assert len({*names, "input"}) == len(names) + 1
    assert all(names)


def test_a_node_without_products_keeps_its_operator_in_its_name():
    network = network_of(conv("c", label="/stem/Conv"), node("max_pool", "p", "c", label="/stem/MaxPool", attributes={
        "kernel_shape": (2, 2), "strides": (2, 2), "pads": (0, 0, 0, 0)}))  # fmt: skip
    assert [each.name for each in network.nodes] == ["stem", "stem.MaxPool", "end"]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 47, 48, 49])
def test_class_names_are_kept_where_they_fit(count):
    names = tuple(f"class {index}" for index in range(count))
    assert network_of(conv("c"), class_names=names).class_names == (names if count == 48 else ())


def test_class_names_behind_a_layer():
    last = node("linear", "y", "flat", weight=floats(3, 32), bias=floats(3))
    graph = FloatGraph("net", "x", "y", (2, 4, 4), [node("flatten", "flat", "x"), last])
    ranges = dict.fromkeys(("x", "flat", "y"), (-1.0, 1.0))
    assert quantize(graph, ranges, RECIPE, "affine", ("a", "b", "c")).class_names == ("a", "b", "c")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_only_moves_codes_keeps_their_meaning(scheme):
    frame = node("pad", "p", "x", attributes={"pads": (0, 1, 1, 0, 1, 1), "value": 0.0})
    cut = node("slice", "s", "p", attributes={"starts": (0, 1, 1), "stops": (2, 5, 5), "steps": (1, 1, 1)})
    network = network_of(frame, cut, conv("c", "s"), scheme=scheme, ranges={"p": (-9.0, 9.0), "s": (-7.0, 7.0)})
    assert network.nodes[0].output == network.nodes[1].output == network.input
    assert network.nodes[-1].output == network.nodes[-2].output


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_network_computes_what_the_graph_does(scheme):
    """All codes by hand: a pointwise conv with relu, of every pixel value."""
    weight, bias = floats(3, 2, 1, 1), floats(3, seed=1)
    images = np.arange(512, dtype=np.uint16).astype(np.uint8).reshape(-1, 4, 4, 2)
    real = (images / 255 - 0.5) / 0.5
    wanted = np.maximum(real @ weight[:, :, 0, 0].T + bias, 0).transpose(0, 3, 1, 2)
    network = network_of(
        conv("c", weight=weight, bias=bias, clamp=(0.0, np.inf)),
        scheme=scheme,
        ranges={"x": (-1.0, 1.0), "c": (0.0, float(wanted.max()))},
    )
    logits = axsim.run(network, images).logits.reshape(wanted.shape)
    steps = network.input.scale * abs(weight).sum(axis=(1, 2, 3)) / 2 + network.layers[0].weight_scale + bias * 1e-4
    tolerance = steps[None, :, None, None] + network.layers[0].output.scale / 2
    assert (abs(logits - wanted) <= tolerance).all()


def test_origin_and_recipe_are_kept():
    graph = FloatGraph("net", "x", "f", (2, 4, 4), [conv("c"), node("flatten", "f", "c")])
    network = quantize(graph, dict.fromkeys(("x", "c", "f"), (-1.0, 1.0)), RECIPE, "affine", (), {"licence": "MIT"})
    assert (network.name, network.scheme, network.preprocessing) == ("net", "affine", RECIPE)
    assert (network.input_shape, dict(network.about)) == ((2, 4, 4), {"licence": "MIT"})


def test_nothing_to_multiply_is_refused():
    with pytest.raises(NetworkError, match="at least one conv or linear"):
        network_of(node("requantize", "r", "x"))


# Ranges shared by what a concat joins.


def test_what_feeds_a_concat_alone_has_its_range():
    """Two layers that feed it alone are rounded to its codes at once; one that feeds another too keeps its own."""
    layers = [
        FloatNode("conv", name, ["x"], name, {"strides": (1, 1), "pads": (0,) * 4, "dilations": (1, 1), "groups": 1},
                  floats(2, 2, 1, 1), floats(2))
        for name in "abc"
    ]  # fmt: skip
    tail = [
        FloatNode("requantize", "r", ["c"], "r"),
        FloatNode("concat", "inner", ["a", "b"], "inner"),
        FloatNode("concat", "outer", ["inner", "c", "r", "x"], "outer"),
    ]
    graph = FloatGraph("g", "x", "outer", (2, 1, 1), [*layers, *tail])
    ranges = {name: (0.0, float(high)) for high, name in enumerate(["x", "a", "b", "c", "r", "inner", "outer"], 1)}
    shared = share_concat_ranges(graph, ranges)
    wanted = {"x": 1, "a": 7, "b": 7, "c": 4, "r": 7, "inner": 7, "outer": 7}
    assert {name: high for name, (_, high) in shared.items()} == wanted
    assert ranges["a"] == (0.0, 2.0)
