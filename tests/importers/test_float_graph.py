"""Every pass on small graphs made by hand: what it removes, what takes its work over, and that the numbers stay."""

import numpy as np
import pytest

from axsim.errors import ConversionError
from axsim.importers.float_graph import (
    CLAMPING,
    UNBOUNDED,
    FloatGraph,
    FloatNode,
    drop_final_softmax,
    drop_first_class,
    final_layer,
    fold_batch_norm,
    fold_bias,
    fold_clips,
    remove_identities,
    remove_unused,
)
from axsim.importers.passes import simplify

RELU = (0.0, np.inf)
RELU6 = (0.0, 6.0)


def floats(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def node(op, name, *inputs, **fields):
    return FloatNode(op, name, list(inputs), name, **fields)


def conv(name, given, channels=4):
    return node("conv", name, given, weight=floats(channels, 3, 3, 3), bias=floats(channels, seed=1))


def linear(name, given, channels=4):
    return node("linear", name, given, weight=floats(channels, 27), bias=floats(channels, seed=1))


def graph_of(*nodes, output=None):
    return FloatGraph("graph", "x", output or nodes[-1].name, (3, 8, 8), list(nodes))


def names(graph):
    return [each.name for each in graph.nodes]


def inputs(graph):
    return {each.name: each.inputs for each in graph.nodes}


def apply(layer, patch):
    """One output pixel of a conv or linear for a patch [C, kh, kw], in float64."""
    return layer.weight.reshape(len(layer.weight), -1).astype(np.float64) @ patch.ravel() + layer.bias


# identities


def test_the_users_of_an_identity_use_its_input():
    graph = graph_of(conv("a", "x"), node("identity", "b", "a"), node("add", "c", "b", "a"))
    remove_identities(graph)
    assert inputs(graph) == {"a": ["x"], "c": ["a", "a"]}


@pytest.mark.parametrize("count", [1, 2, 3])
def test_chains_of_identities_at_the_end_pass_the_output_on(count):
    chain = [node("identity", f"i{index}", f"i{index - 1}" if index else "a") for index in range(count)]
    graph = graph_of(conv("a", "x"), *chain)
    remove_identities(graph)
    assert names(graph) == ["a"]
    assert graph.output == "a"


def test_an_identity_of_the_input():
    graph = graph_of(node("identity", "i", "x"), conv("a", "i"))
    remove_identities(graph)
    assert inputs(graph) == {"a": ["x"]}


# softmax


def test_a_final_softmax_is_dropped():
    graph = graph_of(conv("a", "x"), node("softmax", "s", "a"))
    drop_final_softmax(graph)
    assert names(graph) == ["a"]
    assert graph.output == "a"


def test_a_softmax_before_a_final_identity_is_the_last():
    graph = graph_of(conv("a", "x"), node("softmax", "s", "a"), node("identity", "i", "s"))
    simplify(graph)
    assert names(graph) == [graph.output] == ["a"]


# batch normalisation and constant biases


@pytest.mark.parametrize("layer", [conv, linear])
def test_batch_norm_is_folded_numerically(layer):
    before, scale, shift = layer("a", "x"), floats(4, seed=2), floats(4, seed=3)
    graph = graph_of(
        layer("a", "x"), node("batch_norm", "n", "a", weight=scale, bias=shift), node("add", "c", "n", "n")
    )
    fold_batch_norm(graph)
    folded = graph.nodes[0]
    assert inputs(graph) == {"n": ["x"], "c": ["n", "n"]}
    assert (folded.op, folded.label) == (before.op, "a")
    assert folded.weight.shape == before.weight.shape
    assert folded.weight.dtype == folded.bias.dtype == np.float32
    for seed in range(5):
        patch = floats(27, seed=10 + seed).astype(np.float64)
        assert apply(folded, patch) == pytest.approx(apply(before, patch) * scale + shift, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("layer", [conv, linear])
@pytest.mark.parametrize("shape", [(4,), (4, 1, 1), (1,)])
def test_a_constant_is_folded_into_the_bias(layer, shape):
    before, value = layer("a", "x"), floats(*shape, seed=4)
    graph = graph_of(layer("a", "x"), node("bias", "b", "a", bias=value), node("add", "c", "b", "b"))
    fold_bias(graph)
    assert inputs(graph) == {"b": ["x"], "c": ["b", "b"]}
    assert np.array_equal(graph.nodes[0].weight, before.weight)
    assert np.array_equal(graph.nodes[0].bias, before.bias + value.reshape(-1))


@pytest.mark.parametrize(
    "order",
    [
        ("bias", "batch_norm"),
        ("batch_norm", "bias"),
        ("bias", "batch_norm", "bias", "bias"),
        ("batch_norm", "batch_norm"),
        ("batch_norm", "bias", "batch_norm"),
    ],
)
def test_biases_and_batch_norms_in_any_order(order):
    before, nodes = conv("a", "x"), [conv("a", "x")]
    patch = floats(27, seed=5).astype(np.float64)
    wanted = apply(before, patch)
    for index, op in enumerate(order):
        scale, shift = floats(4, seed=20 + index), floats(4, seed=30 + index)
        given = nodes[-1].name
        if op == "bias":
            nodes.append(node("bias", f"n{index}", given, bias=shift))
            wanted = wanted + shift
        else:
            nodes.append(node("batch_norm", f"n{index}", given, weight=scale, bias=shift))
            wanted = wanted * scale + shift
    graph = graph_of(*nodes)
    simplify(graph)
    assert names(graph) == [graph.output] == [nodes[-1].name]
    assert apply(graph.nodes[0], patch) == pytest.approx(wanted, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize(
    "before",
    [
        [],  # behind the input
        [node("max_pool", "a", "x")],
        [conv("c", "x"), node("clip", "a", "c", clamp=RELU)],  # relu stands between
        [conv("a", "x"), node("max_pool", "p", "a")],  # its layer feeds another node as well
    ],
    ids=["input", "pool", "relu", "two users"],
)
def test_a_batch_norm_that_cannot_be_folded_is_refused(before):
    last = node("batch_norm", "n", "a" if before else "x", weight=floats(4), bias=floats(4))
    graph = graph_of(*before, last, node("concat", "end", *(["n", "p"] if len(before) == 2 else ["n"])))
    with pytest.raises(ConversionError, match=r"'n': .* is supported behind a Conv"):
        simplify(graph)


@pytest.mark.parametrize("value", [floats(1), floats(4), floats(4, 2, 3)], ids=["number", "channels", "image"])
@pytest.mark.parametrize("producer", ["input", "pool", "output too"])
def test_a_constant_that_cannot_be_folded_is_added_as_an_input(value, producer):
    before = {"input": [], "pool": [node("max_pool", "a", "x")], "output too": [conv("a", "x")]}[producer]
    given = "a" if before else "x"
    last = node("bias", "b", given, bias=value, shape=(4, 2, 3))
    graph = graph_of(*before, last, output="a" if producer == "output too" else "b")
    fold_bias(graph)
    constant, add = graph.nodes[-2:]
    assert (constant.op, constant.inputs, add.op, add.inputs) == ("constant", [], "add", [given, constant.name])
    whole = value.reshape(-1, 1, 1) if value.ndim == 1 else value
    assert np.array_equal(constant.weight, np.broadcast_to(whole, (4, 2, 3)))


def test_a_constant_added_to_what_has_no_fixed_size():
    with pytest.raises(ConversionError, match="'b': Add of a constant must be to a tensor of a fixed size"):
        fold_bias(graph_of(node("max_pool", "a", "x"), node("bias", "b", "a", bias=floats(4))))


@pytest.mark.parametrize("size", [3, 8])
def test_a_bias_of_the_wrong_length_is_refused(size):
    graph = graph_of(conv("a", "x"), node("bias", "b", "a", bias=floats(size)))
    with pytest.raises(ConversionError, match=f"'b': .*one number a channel, got {size} for 4 channels"):
        fold_bias(graph)


# relu and clip


@pytest.mark.parametrize("op", CLAMPING)
@pytest.mark.parametrize("clamp", [RELU, RELU6, (-1.0, 1.0), (-np.inf, 2.0)])
def test_a_clip_becomes_the_clamp_of_its_producer(op, clamp):
    graph = graph_of(node(op, "a", "x", "x"), node("clip", "r", "a", clamp=clamp), node("flatten", "f", "r"))
    fold_clips(graph)
    assert inputs(graph) == {"r": ["x", "x"], "f": ["r"]}
    assert (graph.nodes[0].op, graph.nodes[0].clamp, graph.nodes[0].label) == (op, clamp, "a")


@pytest.mark.parametrize("op", ["max_pool", "pad", "slice", "flatten"])
def test_a_producer_that_cannot_clamp_keeps_the_clip_as_a_requantize(op):
    graph = graph_of(node(op, "a", "x"), node("clip", "r", "a", clamp=RELU6))
    fold_clips(graph)
    assert [(each.op, each.name, each.clamp) for each in graph.nodes] == [
        (op, "a", UNBOUNDED),
        ("requantize", "r", RELU6),
    ]


def test_a_clip_of_the_input_is_a_requantize():
    graph = graph_of(node("clip", "r", "x", clamp=RELU), conv("a", "r"))
    fold_clips(graph)
    assert [each.op for each in graph.nodes] == ["requantize", "conv"]


def test_a_producer_that_feeds_others_keeps_its_own_numbers():
    graph = graph_of(conv("a", "x"), node("clip", "r", "a", clamp=RELU), node("add", "c", "r", "a"))
    fold_clips(graph)
    assert [(each.op, each.clamp) for each in graph.nodes] == [
        ("conv", UNBOUNDED),
        ("requantize", RELU),
        ("add", UNBOUNDED),
    ]


def test_a_producer_that_is_the_output_keeps_its_own_numbers():
    graph = graph_of(conv("a", "x"), node("clip", "r", "a", clamp=RELU), output="a")
    fold_clips(graph)
    assert graph.nodes[0].clamp == UNBOUNDED


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [
        (RELU, RELU6, RELU6),
        (RELU6, RELU, RELU6),
        ((-1.0, 4.0), (0.0, 9.0), (0.0, 4.0)),
        ((0.0, 1.0), (2.0, 3.0), (2.0, 2.0)),  # everything becomes 2
        ((2.0, 3.0), (0.0, 1.0), (1.0, 1.0)),
    ],
)
@pytest.mark.parametrize("op", ["conv", "max_pool"])
def test_a_clip_behind_a_clip(op, first, second, wanted):
    producer = conv("a", "x") if op == "conv" else node(op, "a", "x")
    graph = graph_of(producer, node("clip", "b", "a", clamp=first), node("clip", "c", "b", clamp=second))
    fold_clips(graph)
    last = graph.nodes[-1]
    assert (len(graph.nodes), last.name, last.clamp) == (1 if op == "conv" else 2, "c", wanted)
    for number in (-9.0, -0.5, 0.5, 1.5, 2.5, 5.0, 20.0):
        assert np.clip(np.clip(number, *first), *second) == np.clip(number, *last.clamp)


# what is left


def test_nodes_that_the_output_does_not_need_are_removed():
    graph = graph_of(
        conv("a", "x"),
        conv("b", "x"),
        node("max_pool", "c", "b"),
        node("flatten", "d", "a"),
        conv("e", "d"),
        output="d",
    )
    remove_unused(graph)
    assert names(graph) == ["a", "d"]


def test_all_passes_on_a_residual_block():
    graph = graph_of(
        conv("c1", "x"),
        node("batch_norm", "n1", "c1", weight=floats(4), bias=floats(4)),
        node("clip", "r1", "n1", clamp=RELU),
        node("identity", "drop", "r1"),
        conv("c2", "drop"),
        node("batch_norm", "n2", "c2", weight=floats(4), bias=floats(4)),
        node("add", "sum", "n2", "drop"),
        node("clip", "r2", "sum", clamp=RELU),
        node("global_average_pool", "p", "r2"),
        node("flatten", "f", "p"),
        linear("fc", "f"),
        node("bias", "logits", "fc", bias=floats(4)),
        node("softmax", "probabilities", "logits"),
    )
    simplify(graph)
    assert [(each.op, each.name, each.label, each.clamp) for each in graph.nodes] == [
        ("conv", "r1", "c1", RELU),
        ("conv", "n2", "c2", UNBOUNDED),
        ("add", "r2", "sum", RELU),
        ("global_average_pool", "p", "p", UNBOUNDED),
        ("flatten", "f", "f", UNBOUNDED),
        ("linear", "logits", "fc", UNBOUNDED),
    ]
    assert inputs(graph)["r2"] == ["n2", "r1"]
    assert graph.output == "logits"


# the background class


@pytest.mark.parametrize("behind", [[], ["flatten"], ["global_average_pool", "flatten"], ["requantize", "flatten"]])
@pytest.mark.parametrize("layer", [conv, linear])
def test_the_first_class_is_dropped_from_the_last_layer(layer, behind):
    nodes = [conv("first", "x"), layer("last", "first")]
    for index, op in enumerate(behind):
        nodes.append(node(op, f"{index}", nodes[-1].name))
    graph = graph_of(*nodes)
    weight, bias = nodes[1].weight, nodes[1].bias
    assert final_layer(graph) is nodes[1]
    drop_first_class(graph)
    assert np.array_equal(nodes[1].weight, weight[1:])
    assert np.array_equal(nodes[1].bias, bias[1:])
    assert nodes[0].weight.shape == (4, 3, 3, 3)


def test_no_class_to_drop():
    with pytest.raises(ConversionError, match="background class"):
        drop_first_class(graph_of(conv("c", "x"), node("add", "a", "c", "c")))
    with pytest.raises(ConversionError, match="background class"):
        drop_first_class(graph_of(linear("l", "x", channels=1)))
    grouped = conv("c", "x")
    grouped.attributes = {"groups": 2}
    with pytest.raises(ConversionError, match="grouped"):
        drop_first_class(graph_of(grouped))
